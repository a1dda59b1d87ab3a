//! ICMP echo (RFC 792) from inside a namespace: once until answered, or steadily with a count of
//! what was lost.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_linux::Netns;
use nucleon_obs::{CancellationToken, Clock, Mono};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Requests being sent at a steady rate.
#[derive(Debug)]
pub struct SteadyPing {
    label: String,
    stop: CancellationToken,
    task: JoinSet<Result<PingReport>>,
}

/// What came of requests sent at a steady rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingReport {
    /// From whom to whom.
    pub label: String,
    pub sent: usize,
    /// The requests that were never answered, each by the time it was sent since the start.
    pub lost: Vec<Duration>,
    /// The longest time from a request to its answer.
    pub slowest: Duration,
    pub median: Duration,
}

/// How long answers may still come after the last request.
const STRAGGLERS: Duration = Duration::from_secs(2);

const REQUEST: u8 = 8;
const REPLY: u8 = 0;

impl SteadyPing {
    pub(crate) async fn start(
        netns: &Netns,
        from: &str,
        target: Ipv4Addr,
        per_second: u32,
    ) -> Result<Self> {
        let echo = Echo::open(netns, target).await?;
        let label = format!("{from} > {target}");
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let pause = Duration::from_secs(1) / per_second.max(1);
        task.spawn(run(echo, label.clone(), pause, stop.clone()));
        Ok(Self { label, stop, task })
    }

    /// From whom to whom.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Sends no more, waits for the last answers, and counts.
    pub async fn stop(mut self) -> Result<PingReport> {
        self.stop.cancel();
        self.task.join_next().await.context("a ping without a task")??
    }
}

impl PingReport {
    /// The time over which requests were lost, from the first of them to the last.
    pub fn outage(&self) -> Duration {
        match (self.lost.first(), self.lost.last()) {
            (Some(first), Some(last)) => last.saturating_sub(*first),
            _ => Duration::ZERO,
        }
    }
}

impl fmt::Display for PingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, sent, lost, median, slowest } = self;
        write!(f, "{label}: {} of {sent} lost", lost.len())?;
        if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
            write!(f, " (sent from {first:.1?} to {last:.1?})")?;
        }
        write!(f, ", median {median:.1?}, slowest {slowest:.1?}")
    }
}

/// The time from now to the first answer, if there is one.
pub(crate) async fn first_answer(
    netns: &Netns,
    target: Ipv4Addr,
    patience: Duration,
) -> Result<Option<Duration>> {
    const PAUSE: Duration = Duration::from_millis(20);
    let echo = Echo::open(netns, target).await?;
    let clock = Clock::system();
    let start = clock.mono();
    let asking = async {
        for number in 0.. {
            echo.send(number).await;
            if let Ok(answer) = tokio::time::timeout(PAUSE, echo.answer()).await {
                return answer.map(|_| clock.mono() - start);
            }
        }
        unreachable!("numbers do not end before patience does")
    };
    match tokio::time::timeout(patience, asking).await {
        Ok(time) => Ok(Some(time?)),
        Err(_) => Ok(None),
    }
}

async fn run(
    echo: Echo,
    label: String,
    pause: Duration,
    stop: CancellationToken,
) -> Result<PingReport> {
    let clock = Clock::system();
    let start = clock.mono();
    let mut ticks = tokio::time::interval(pause);
    // A tick that comes late is made up for: the rate is what was asked for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests: Vec<Request> = Vec::new();
    let note = |requests: &mut Vec<Request>, number: u32| {
        if let Some(request) = requests.get_mut(number as usize) {
            request.answered.get_or_insert(clock.mono());
        }
    };
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            number = echo.answer() => note(&mut requests, number?),
            _ = ticks.tick() => {
                let number = u32::try_from(requests.len()).unwrap_or(u32::MAX);
                requests.push(Request { sent: clock.mono(), answered: None });
                echo.send(number).await;
            }
        }
    }
    let rest = async {
        while requests.iter().any(|request| request.answered.is_none()) {
            match echo.answer().await {
                Ok(number) => note(&mut requests, number),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    if let Ok(ended) = tokio::time::timeout(STRAGGLERS, rest).await {
        ended?;
    }
    Ok(report(label, start, &requests))
}

#[derive(Debug, Clone, Copy)]
struct Request {
    sent: Mono,
    answered: Option<Mono>,
}

fn report(label: String, start: Mono, requests: &[Request]) -> PingReport {
    let lost = |request: &&Request| request.answered.is_none();
    let mut times: Vec<_> =
        requests.iter().filter_map(|request| Some(request.answered? - request.sent)).collect();
    times.sort_unstable();
    PingReport {
        label,
        sent: requests.len(),
        lost: requests.iter().filter(lost).map(|request| request.sent - start).collect(),
        slowest: times.last().copied().unwrap_or_default(),
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
    }
}

/// A raw ICMP socket that talks to one target.
#[derive(Debug)]
struct Echo {
    /// Raw, whatever its type says: sending and receiving are the same calls.
    socket: UdpSocket,
    target: SocketAddr,
    id: u16,
}

impl Echo {
    async fn open(netns: &Netns, target: Ipv4Addr) -> Result<Self> {
        let opened = netns.run(open).await?.context("open an ICMP socket")?;
        let id = rand::random();
        Ok(Self { socket: UdpSocket::from_std(opened.into())?, target: (target, 0).into(), id })
    }

    /// A request that cannot be sent is one that is not answered.
    async fn send(&self, number: u32) {
        let _ = self.socket.send_to(&request(self.id, number), self.target).await;
    }

    /// The number of the next request of ours that is answered.
    async fn answer(&self) -> Result<u32> {
        let mut buffer = [0; 2048];
        loop {
            let (length, _) = self.socket.recv_from(&mut buffer).await.context("receive ICMP")?;
            let packet = buffer.get(..length).unwrap_or_default();
            if let Some(number) = answered(packet, self.id, self.target) {
                return Ok(number);
            }
        }
    }
}

fn open(_: &nucleon_linux::Inside) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.set_nonblocking(true)?;
    // Its own losses would be counted as the network's.
    socket.set_recv_buffer_size(8 << 20)?;
    Ok(socket)
}

fn request(id: u16, number: u32) -> Vec<u8> {
    let mut packet = vec![REQUEST, 0, 0, 0];
    packet.extend(id.to_be_bytes());
    // The sequence is too small for a minute at 1,000/s: the number is in the data.
    packet.extend([number.to_be_bytes()[2], number.to_be_bytes()[3]]);
    packet.extend(number.to_be_bytes());
    packet.extend(*b"nucleon-lab-ping");
    let sum = checksum(&packet).to_be_bytes();
    packet.splice(2..4, sum);
    packet
}

/// The number in an answer of `target` to a request with `id`. Raw sockets hand over the IP header
/// as well.
fn answered(packet: &[u8], id: u16, target: SocketAddr) -> Option<u32> {
    let header = usize::from(packet.first()? & 0x0f) * 4;
    let source: &[u8; 4] = packet.get(12..)?.first_chunk()?;
    let message = packet.get(header..)?;
    let ours = message.first() == Some(&REPLY)
        && message.get(4..6)? == id.to_be_bytes()
        && SocketAddr::from((*source, 0)) == target;
    ours.then(|| message.get(8..)?.first_chunk().map(|four| u32::from_be_bytes(*four)))?
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        sum += u32::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(id: u16, number: u32, source: [u8; 4]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0];
        packet.extend(source);
        packet.extend([10, 0, 0, 2]);
        packet.extend(request(id, number));
        packet[20] = REPLY;
        packet
    }

    #[test]
    fn a_request_has_a_right_checksum() {
        assert_eq!(checksum(&request(7, 70_000)), 0);
        assert_eq!(checksum(&[0, 1, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn only_answers_to_our_own_requests_count() {
        let target = SocketAddr::from(([10, 0, 0, 1], 0));
        assert_eq!(answered(&reply(7, 70_000, [10, 0, 0, 1]), 7, target), Some(70_000));
        assert_eq!(answered(&reply(8, 1, [10, 0, 0, 1]), 7, target), None);
        assert_eq!(answered(&reply(7, 1, [10, 0, 0, 9]), 7, target), None);
        let packet = reply(7, 1, [10, 0, 0, 1]);
        assert!((0..32).all(|end| answered(&packet[..end], 7, target).is_none()));
    }

    #[tokio::test]
    async fn what_is_never_answered_is_lost() {
        let clock = Clock::fake();
        let start = clock.mono();
        let ms = Duration::from_millis;
        let at = |sent, answered: Option<u64>| Request {
            sent: start + ms(sent),
            answered: answered.map(|answered| start + ms(answered)),
        };
        let requests = [at(0, Some(1)), at(10, None), at(20, None), at(30, Some(37))];
        let report = report("a > b".to_owned(), start, &requests);
        assert_eq!(report.lost, [ms(10), ms(20)]);
        assert_eq!((report.outage(), report.slowest), (ms(10), ms(7)));
        assert!(report.to_string().starts_with("a > b: 2 of 4 lost"), "{report}");
    }
}
