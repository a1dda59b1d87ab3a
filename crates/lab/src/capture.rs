//! What is on a link, recorded as it passes.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use nucleon_linux::{Filter, LinkName, Netns, PacketOptions, PacketSocket, Promiscuous, Protocol};
use nucleon_net::MacAddr;
use nucleon_obs::Clock;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::frame::{self, Seen};
use crate::station::Station;

/// A recording of one link, both directions, which goes on until it is dropped.
#[derive(Debug)]
pub struct Capture {
    label: String,
    record: Arc<Record>,
    _task: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Record {
    frames: Mutex<Vec<Seen>>,
    more: Notify,
}

/// Enough for the longest frame of the lab's links.
const LONGEST: usize = 65_536;

impl Capture {
    /// Begins to record; what passes after this returns is in it.
    pub async fn start(netns: &Netns, link: &LinkName, label: &str) -> Result<Self> {
        let options = PacketOptions {
            promiscuous: Promiscuous::On,
            receive_buffer: Some(8 << 20),
            ..PacketOptions::default()
        };
        let socket = PacketSocket::open(netns, link, options).await?;
        let record = Arc::new(Record::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(pump(socket, Arc::clone(&record)));
        Ok(Self { label: label.to_owned(), record, _task: tasks })
    }

    /// Which link this is, for people.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// All frames so far.
    pub fn frames(&self) -> Vec<Seen> {
        self.record.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The frames so far for which `wanted` holds.
    pub fn matching(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let frames = self.record.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.iter().filter(|seen| wanted(seen)).cloned().collect()
    }

    /// Forgets what was recorded.
    pub fn clear(&self) {
        self.record.frames.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The first frame for which `wanted` holds, recorded already or still to come. Fails with what
    /// was seen instead.
    pub async fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Seen) -> bool,
    ) -> Result<Seen> {
        let search = async {
            loop {
                let more = self.record.more.notified();
                if let Some(seen) = self.matching(&wanted).into_iter().next() {
                    return seen;
                }
                more.await;
            }
        };
        match tokio::time::timeout(patience, search).await {
            Ok(seen) => Ok(seen),
            Err(_) => bail!("not seen within {patience:?}: {what}\n{}", self.text(40)),
        }
    }

    /// The last frames as lines.
    pub fn text(&self, lines: usize) -> String {
        let frames = self.frames();
        let mut text = format!("{} frames on {}", frames.len(), self.label);
        for seen in frames.iter().skip(frames.len().saturating_sub(lines)) {
            let _ = write!(text, "\n  {seen}");
        }
        text
    }
}

async fn pump(socket: PacketSocket, record: Arc<Record>) {
    let clock = Clock::system();
    let start = clock.mono();
    let mut buffer = vec![0; LONGEST];
    // An error means that the link is gone: there is nothing more to see.
    while let Ok(frame) = socket.recv(&mut buffer).await {
        let vlan = frame.vlan.and_then(|tag| tag.id);
        let seen = Seen::new(clock.mono() - start, frame.kind, vlan, frame.bytes);
        record.frames.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        record.more.notify_waiters();
    }
}

/// Asks by ARP probes who has `target`.
pub(crate) async fn who_has(
    station: &Station,
    target: Ipv4Addr,
    patience: Duration,
) -> Result<Option<MacAddr>> {
    const PAUSE: Duration = Duration::from_millis(100);
    let options = PacketOptions {
        protocol: Protocol::ARP,
        filter: Some(Filter::ethertype(frame::ETHERTYPE_ARP)),
        ..PacketOptions::default()
    };
    let socket = PacketSocket::open(station.netns(), station.link(), options).await?;
    let request = frame::arp_request(station.mac().await?, Ipv4Addr::UNSPECIFIED, target);
    let ask = async {
        loop {
            socket.send(&request).await?;
            if let Ok(mac) = tokio::time::timeout(PAUSE, answer(&socket, target)).await {
                return mac;
            }
        }
    };
    match tokio::time::timeout(patience, ask).await {
        Ok(mac) => mac.map(Some),
        Err(_) => Ok(None),
    }
}

async fn answer(socket: &PacketSocket, target: Ipv4Addr) -> Result<MacAddr> {
    let mut buffer = [0; 2048];
    loop {
        let frame = socket.recv(&mut buffer).await?;
        let seen = Seen::new(Duration::ZERO, frame.kind, None, frame.bytes);
        if let Some(arp) = seen.arp()
            && arp.is_reply
            && arp.sender == target
        {
            return Ok(arp.sender_mac);
        }
    }
}
