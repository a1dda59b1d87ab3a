//! A physical router: one machine with a leg and an address in each of several networks.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result};
use ipnet::Ipv4Net;
use nucleon_linux::{LinkName, Netns};
use nucleon_net::VlanId;

use crate::host::Host;
use crate::lab::Lab;
use crate::net::{Segment, cable, link_name};
use crate::station::Station;
use crate::switch::PortVlan;

/// A router. It answers on each of its networks; between them it forwards nothing, as one whose
/// networks belong to different customers.
#[derive(Debug)]
pub struct Router {
    station: Station,
    legs: Vec<(LinkName, Ipv4Net)>,
}

impl Router {
    pub async fn start(lab: &Lab, name: &str) -> Result<Self> {
        let station = Station::create(lab, name).await?;
        let _ = station.netns().ensure_sysctl("net.ipv4.ip_forward", "0").await?;
        // Else it answers on one leg for the address of another.
        let _ = station.netns().ensure_sysctl("net.ipv4.conf.all.arp_ignore", "1").await?;
        Ok(Self { station, legs: Vec::new() })
    }

    /// A leg on an access port of the hardware switch: this kernel has no VLAN devices that could
    /// make one leg of many.
    pub async fn add_access_leg(
        &mut self,
        switch: &Host,
        bridge: &str,
        vlan: VlanId,
        address: Ipv4Net,
    ) -> Result<()> {
        let link = link_name(&format!("eth{}", vlan.get()))?;
        let port = link_name(&format!("to-{}-{}", self.station.name(), vlan.get()))?;
        cable(switch.netns(), &port, self.station.netns(), &link).await?;
        switch.switch().add_port(bridge, port.as_str(), &PortVlan::Access(vlan)).await?;
        self.add_leg(link, address).await
    }

    /// A leg on an untagged segment.
    pub async fn add_segment_leg(
        &mut self,
        segment: &Segment,
        link: &str,
        address: Ipv4Net,
    ) -> Result<()> {
        let link = link_name(link)?;
        let port = format!("to-{}-{link}", self.station.name());
        segment.connect(&port, self.station.netns(), &link).await?;
        self.add_leg(link, address).await
    }

    async fn add_leg(&mut self, link: LinkName, address: Ipv4Net) -> Result<()> {
        self.station.finish_checksums(&link).await?;
        let _ = self.station.netns().links().ensure_address(&link, address.into()).await?;
        self.legs.push((link, address));
        Ok(())
    }

    pub fn name(&self) -> &str {
        self.station.name()
    }

    pub fn netns(&self) -> &Netns {
        self.station.netns()
    }

    /// Its address in the network that `inside` is in.
    pub fn address_towards(&self, inside: Ipv4Addr) -> Result<Ipv4Addr> {
        let leg = self.legs.iter().find(|(_, net)| net.contains(&inside));
        let (_, net) = leg.with_context(|| format!("the router has no leg towards {inside}"))?;
        Ok(net.addr())
    }

    /// All its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.legs.iter().map(|(_, net)| net.addr().into())
    }
}
