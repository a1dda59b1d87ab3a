//! The data centre that stands before the cloud comes: hosts, a hardware switch with VLANs 101 and
//! 102, a flat network, a management network, a physical machine and a physical router.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::{Context, Result};
use futures::future::{try_join, try_join_all};
use ipnet::Ipv4Net;
use nucleon_net::VlanId;

use crate::bare_metal::BareMetal;
use crate::host::Host;
use crate::lab::Lab;
use crate::net::{Segment, cable, link_name};
use crate::router::Router;
use crate::switch::PortVlan;

/// The physical network that is the hardware switch's trunks.
pub const PHYSNET_VLAN: &str = "physnet1";
/// The physical network without tags.
pub const PHYSNET_FLAT: &str = "physnet2";
/// What [`DataCentre`] maps them to on each host.
pub const BRIDGE_MAPPINGS: &str = "physnet1:br-ex,physnet2:br-flat";

const TOR_BRIDGE: &str = "br-tor";

/// How large a data centre is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub computes: usize,
}

/// Hosts and machines, wired.
#[derive(Debug)]
pub struct DataCentre {
    pub controller: Arc<Host>,
    pub network: Arc<Host>,
    pub computes: Vec<Arc<Host>>,
    pub tor: Arc<Host>,
    pub router: Router,
    /// On VLAN 101.
    pub metal: BareMetal,
    pub management: Segment,
    pub flat: Segment,
}

/// A network of the data centre as its operator numbered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub vlan: Option<u16>,
    pub prefix: Ipv4Net,
    /// The physical router's.
    pub gateway: Ipv4Addr,
    /// The physical machine's, where there is one.
    pub metal: Option<Ipv4Addr>,
}

/// VLAN 101.
pub const PLAN_101: Plan = plan(Some(101), 101);
/// VLAN 102.
pub const PLAN_102: Plan = plan(Some(102), 102);
/// The network without tags.
pub const PLAN_FLAT: Plan = plan(None, 103);

const fn plan(vlan: Option<u16>, third: u8) -> Plan {
    let metal = match vlan {
        Some(101) => Some(Ipv4Addr::new(10, 20, third, 250)),
        _ => None,
    };
    Plan {
        vlan,
        prefix: Ipv4Net::new_assert(Ipv4Addr::new(10, 20, third, 0), 24),
        gateway: Ipv4Addr::new(10, 20, third, 1),
        metal,
    }
}

impl Plan {
    fn router(self) -> Result<Ipv4Net> {
        Ok(Ipv4Net::new(self.gateway, self.prefix.prefix_len())?)
    }
}

impl DataCentre {
    pub async fn start(lab: &Lab, size: Size) -> Result<Self> {
        let computes = (1..=size.computes).map(|number| format!("compute{number}"));
        let names: Vec<_> = ["tor", "controller", "network1"]
            .map(str::to_owned)
            .into_iter()
            .chain(computes)
            .collect();
        let hosts = try_join_all(names.iter().map(|name| Host::start(lab, name)));
        let segments = try_join(Segment::start(lab, "mgmt"), Segment::start(lab, "flat"));
        let (hosts, (management, flat)) = try_join(hosts, segments).await?;
        let mut hosts = hosts.into_iter().map(Arc::new);
        let mut next = || hosts.next().context("a host was not made");
        let (tor, controller, network) = (next()?, next()?, next()?);
        let computes: Vec<_> = hosts.collect();

        tor.switch().add_bridge(TOR_BRIDGE).await?;
        let wired = computes.iter().chain([&network]);
        try_join_all(wired.map(|host| attach(&tor, &flat, host))).await?;
        for host in computes.iter().chain([&network, &controller]) {
            manage(&management, host).await?;
        }
        let vlan = VlanId::new(101)?;
        let metal = BareMetal::on_access_port(lab, "metal", &tor, TOR_BRIDGE, vlan).await?;
        if let Some(address) = PLAN_101.metal {
            metal.set_address(Ipv4Net::new(address, 24)?.into()).await?;
        }
        let mut router = Router::start(lab, "router").await?;
        for plan in [PLAN_101, PLAN_102] {
            let vlan = VlanId::new(plan.vlan.unwrap_or_default())?;
            router.add_access_leg(&tor, TOR_BRIDGE, vlan, plan.router()?).await?;
        }
        router.add_segment_leg(&flat, "flat0", PLAN_FLAT.router()?).await?;
        Ok(Self { controller, network, computes, tor, router, metal, management, flat })
    }

    /// A host by its number, from 1 on.
    pub fn compute(&self, number: usize) -> Result<&Arc<Host>> {
        let host = number.checked_sub(1).and_then(|index| self.computes.get(index));
        host.with_context(|| format!("there is no compute{number}"))
    }

    /// All hosts that run agents.
    pub fn agent_hosts(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.computes.iter().chain([&self.network])
    }

    /// The hardware switch's end of a host's trunk.
    pub fn trunk_port(host: &Host) -> Result<nucleon_linux::LinkName> {
        link_name(&format!("to-{}", host.name()))
    }
}

/// The address of a host in the management network.
pub fn management_address(host: &Host) -> Result<IpAddr> {
    let last = match host.name() {
        "controller" => 10,
        "network1" => 11,
        name => {
            let number = name.strip_prefix("compute").and_then(|number| number.parse::<u8>().ok());
            20 + number.with_context(|| format!("host {name} is not managed"))?
        }
    };
    Ok(Ipv4Addr::new(172, 31, 0, last).into())
}

async fn manage(management: &Segment, host: &Host) -> Result<()> {
    let link = link_name("mgmt0")?;
    management.connect(&format!("to-{}", host.name()), host.netns(), &link).await?;
    let net = ipnet::IpNet::new(management_address(host)?, 24)?;
    let _ = host.netns().links().ensure_address(&link, net).await?;
    Ok(())
}

/// A trunk to the hardware switch on `br-ex`, and a link to the flat network on `br-flat`: what an
/// operator prepares.
async fn attach(tor: &Host, flat: &Segment, host: &Host) -> Result<()> {
    let (trunk, untagged) = (link_name("phy0")?, link_name("phy1")?);
    let port = DataCentre::trunk_port(host)?;
    cable(host.netns(), &trunk, tor.netns(), &port).await?;
    flat.connect(&format!("to-{}", host.name()), host.netns(), &untagged).await?;
    host.isolate(&[trunk.clone(), untagged.clone()]).await?;
    let vlans = PortVlan::Trunk(vec![VlanId::new(101)?, VlanId::new(102)?]);
    tor.switch().add_port(TOR_BRIDGE, port.as_str(), &vlans).await?;
    for (bridge, link) in [("br-ex", trunk), ("br-flat", untagged)] {
        host.switch().add_bridge(bridge).await?;
        host.switch().add_port(bridge, link.as_str(), &PortVlan::Any).await?;
    }
    Ok(())
}
