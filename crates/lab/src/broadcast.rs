//! A machine that will not be quiet: broadcast frames at a steady rate, by which one sees who gets
//! what is not meant for him.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use nucleon_linux::{PacketOptions, PacketSocket, Protocol};
use nucleon_net::MacAddr;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::frame::arp_request;
use crate::station::Station;

/// Broadcasts until it is dropped.
#[derive(Debug)]
pub struct Broadcast {
    source: MacAddr,
    sent: Arc<AtomicU64>,
    _task: JoinSet<()>,
}

impl Broadcast {
    /// Begins to send ARP probes for an address that nobody has.
    pub async fn start(station: &Station, per_second: u32) -> Result<Self> {
        // Nothing comes in by it: it is never read.
        let options =
            PacketOptions { protocol: Protocol::EtherType(0xffff), ..PacketOptions::default() };
        let socket = PacketSocket::open(station.netns(), station.link(), options).await?;
        let source = station.mac().await?;
        let frame = arp_request(source, Ipv4Addr::UNSPECIFIED, Ipv4Addr::new(198, 51, 100, 1));
        let sent = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&sent);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                ticks.tick().await;
                if socket.send(&frame).await.is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { source, sent, _task: task })
    }

    /// Whose MAC address its frames bear.
    pub fn source(&self) -> MacAddr {
        self.source
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}
