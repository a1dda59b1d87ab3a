//! The first answer to a ping (RFC 792), in frames of our own: the kernel would wait a second after
//! an ARP request that nobody answered yet.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, bail};
use nucleon_lab::Station;
use nucleon_linux::{PacketOptions, PacketSocket, Protocol};
use nucleon_net::MacAddr;
use nucleon_obs::{Clock, Mono};

/// Between requests: the error of the time that is measured.
const PAUSE: Duration = Duration::from_millis(1);

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;
const ICMP: u8 = 1;

/// One who asks.
#[derive(Debug)]
pub struct Prober {
    socket: PacketSocket,
    mac: MacAddr,
    address: Ipv4Addr,
}

impl Prober {
    pub async fn open(station: &Station, mac: MacAddr, address: Ipv4Addr) -> Result<Self> {
        let options = PacketOptions { protocol: Protocol::IPV4, ..PacketOptions::default() };
        let socket = PacketSocket::open(station.netns(), station.link(), options).await?;
        Ok(Self { socket, mac, address })
    }

    /// When `target` first answered.
    pub async fn first_answer(
        &self,
        mac: MacAddr,
        target: Ipv4Addr,
        clock: &Clock,
        patience: Duration,
    ) -> Result<Mono> {
        let request = request(self.mac, self.address, mac, target);
        let deadline = clock.mono() + patience;
        let mut buffer = [0; 2048];
        while clock.mono() < deadline {
            self.socket.send(&request).await?;
            let answered = async {
                loop {
                    let frame = self.socket.recv(&mut buffer).await?;
                    if is_answer(frame.bytes, target) {
                        return anyhow::Ok(clock.mono());
                    }
                }
            };
            if let Ok(answered) = tokio::time::timeout(PAUSE, answered).await {
                return answered;
            }
        }
        bail!("{target} does not answer a ping within {patience:?}")
    }
}

fn is_answer(frame: &[u8], target: Ipv4Addr) -> bool {
    let header = frame.get(14).map_or(0, |octet| usize::from(octet & 0x0f) * 4);
    frame.get(23) == Some(&ICMP)
        && frame.get(26..30) == Some(&target.octets())
        && frame.get(14 + header) == Some(&ECHO_REPLY)
}

fn request(mac: MacAddr, source: Ipv4Addr, target_mac: MacAddr, target: Ipv4Addr) -> Vec<u8> {
    let mut icmp = vec![ECHO_REQUEST, 0, 0, 0, 0x6e, 0x75, 0, 1];
    icmp.extend(*b"nucleon-bench");
    let sum = checksum(&icmp);
    icmp.splice(2..4, sum.to_be_bytes());
    let length = u16::try_from(20 + icmp.len()).unwrap_or(u16::MAX);
    let mut ip = vec![0x45, 0];
    ip.extend(length.to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, ICMP, 0, 0]);
    ip.extend(source.octets());
    ip.extend(target.octets());
    let sum = checksum(&ip);
    ip.splice(10..12, sum.to_be_bytes());
    let mut frame = target_mac.octets().to_vec();
    frame.extend(mac.octets());
    frame.extend([0x08, 0x00]);
    frame.extend(ip);
    frame.extend(icmp);
    frame
}

/// RFC 1071.
fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u32 = octets
        .chunks(2)
        .map(|pair| {
            let at = |index| u32::from(pair.get(index).copied().unwrap_or_default());
            (at(0) << 8) + at(1)
        })
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 9);

    fn sample() -> Vec<u8> {
        let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1]);
        request(mac, Ipv4Addr::new(10, 1, 0, 2), MacAddr::BROADCAST, TARGET)
    }

    #[test]
    fn both_checksums_of_a_request_are_right() {
        let frame = sample();
        assert_eq!(checksum(&frame[14..34]), 0);
        assert_eq!(checksum(&frame[34..]), 0);
        assert_eq!(usize::from(u16::from_be_bytes([frame[16], frame[17]])), frame.len() - 14);
    }

    #[test]
    fn only_the_targets_reply_is_an_answer() {
        let mut frame = sample();
        assert!(!is_answer(&frame, TARGET), "a request");
        frame[34] = ECHO_REPLY;
        assert!(!is_answer(&frame, TARGET), "to the target");
        frame[26..30].copy_from_slice(&TARGET.octets());
        assert!(is_answer(&frame, TARGET));
        assert!((0..34).all(|end| !is_answer(&frame[..end], TARGET)));
    }
}
