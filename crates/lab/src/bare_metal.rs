//! A machine without a hypervisor, wired to the hardware switch.

use std::ops::Deref;

use anyhow::Result;
use nucleon_net::VlanId;

use crate::host::Host;
use crate::lab::Lab;
use crate::net::{Segment, cable, link_name};
use crate::station::Station;
use crate::switch::PortVlan;

/// A physical machine. Nobody told the cloud about it.
#[derive(Debug, Clone)]
pub struct BareMetal {
    station: Station,
}

impl BareMetal {
    /// On an access port of the hardware switch.
    pub async fn on_access_port(
        lab: &Lab,
        name: &str,
        switch: &Host,
        bridge: &str,
        vlan: VlanId,
    ) -> Result<Self> {
        let station = Station::create(lab, name).await?;
        let port = link_name(&format!("to-{name}"))?;
        cable(switch.netns(), &port, station.netns(), station.link()).await?;
        station.finish_checksums(station.link()).await?;
        switch.switch().add_port(bridge, port.as_str(), &PortVlan::Access(vlan)).await?;
        Ok(Self { station })
    }

    /// On an untagged segment.
    pub async fn on_segment(lab: &Lab, name: &str, segment: &Segment) -> Result<Self> {
        let station = Station::create(lab, name).await?;
        segment.connect(&format!("to-{name}"), station.netns(), station.link()).await?;
        station.finish_checksums(station.link()).await?;
        Ok(Self { station })
    }
}

impl Deref for BareMetal {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}
