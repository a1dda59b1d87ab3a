//! A machine on a network: a namespace with a link, addresses, and what one does there.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use ipnet::IpNet;
use nucleon_linux::{LinkName, Netns, Offload, Route};
use nucleon_net::MacAddr;

use crate::capture::Capture;
use crate::dhcp_client::{self, Lease};
use crate::lab::Lab;
use crate::net::link_name;
use crate::ping::{self, SteadyPing};
use crate::process::{Place, Program};

/// A machine. Virtual machines, bare metal and routers are stations, each connected in its way.
#[derive(Debug, Clone)]
pub struct Station {
    name: String,
    dir: PathBuf,
    netns: Netns,
    path: PathBuf,
    link: LinkName,
}

impl Station {
    pub(crate) async fn create(lab: &Lab, name: &str) -> Result<Self> {
        let dir = lab.dir_of(name)?;
        let (netns, path) = lab.netns(name).await?;
        Ok(Self { name: name.to_owned(), dir, netns, path, link: link_name("eth0")? })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its directory outside, for leases and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Its first link, `eth0`.
    pub fn link(&self) -> &LinkName {
        &self.link
    }

    /// A program that will run in there.
    pub fn program(&self, path: impl Into<PathBuf>) -> Program {
        Place::Netns(self.path.clone()).program(path)
    }

    /// Readies a link for the switches: its sender has to finish checksums, which Open vSwitch's
    /// userspace datapath forwards as they are.
    pub(crate) async fn finish_checksums(&self, link: &LinkName) -> Result<()> {
        let _ = self.netns.set_tx_checksum(link, Offload::Off).await?;
        Ok(())
    }

    pub async fn mac(&self) -> Result<MacAddr> {
        let link = self.netns.links().link(&self.link).await?;
        link.and_then(|link| link.mac).with_context(|| format!("{} has no MAC address", self.name))
    }

    pub async fn set_address(&self, net: IpNet) -> Result<()> {
        let _ = self.netns.links().ensure_address(&self.link, net).await?;
        Ok(())
    }

    pub async fn set_default_route(&self, gateway: IpAddr) -> Result<()> {
        let route = Route::default_via(gateway);
        let _ = self.netns.links().ensure_route(&self.link, &route).await?;
        Ok(())
    }

    /// The IPv4 addresses of its first link.
    pub async fn addresses(&self) -> Result<Vec<IpNet>> {
        let addresses = self.netns.links().addresses(&self.link).await?;
        Ok(addresses
            .into_iter()
            .map(|address| address.net)
            .filter(|net| net.addr().is_ipv4())
            .collect())
    }

    /// Asks until there is an answer, every 20 ms; the time from now to the first answer.
    pub async fn ping(&self, target: Ipv4Addr, patience: Duration) -> Result<Duration> {
        ping::first_answer(&self.netns, target, patience)
            .await?
            .with_context(|| format!("{}: no answer from {target} for {patience:?}", self.name))
    }

    /// Whether `target` answers within `patience`.
    pub async fn reaches(&self, target: Ipv4Addr, patience: Duration) -> Result<bool> {
        Ok(ping::first_answer(&self.netns, target, patience).await?.is_some())
    }

    /// Begins to ask `per_second` times a second until stopped.
    pub async fn ping_steadily(&self, target: Ipv4Addr, per_second: u32) -> Result<SteadyPing> {
        SteadyPing::start(&self.netns, &self.name, target, per_second).await
    }

    /// Who has `target`, asked by hand, every 100 ms; whatever addresses the station has itself.
    pub async fn arp(&self, target: Ipv4Addr, patience: Duration) -> Result<Option<MacAddr>> {
        crate::capture::who_has(self, target, patience).await
    }

    /// Records what arrives at and leaves its first link.
    pub async fn capture(&self) -> Result<Capture> {
        Capture::start(&self.netns, &self.link, &format!("{} {}", self.name, self.link)).await
    }

    /// Gets a lease from a DHCP server by busybox's client, and takes on its address.
    pub async fn udhcpc(&self, patience: Duration) -> Result<Lease> {
        dhcp_client::udhcpc(self, patience).await
    }

    /// The same by ISC's client, which is ended once it has its lease.
    pub async fn dhclient(&self, patience: Duration) -> Result<Lease> {
        dhcp_client::dhclient(self, patience).await
    }

    pub(crate) fn write(&self, file: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir.join(file);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}
