//! What a router is attached to.

use std::net::IpAddr;

use nucleon_db::Tx;
use nucleon_db::router::{self as store, Attachments};
use nucleon_model::{NetworkId, Port, Router, RouterId, Subnet, SubnetId, Timestamp};
use nucleon_net::IpNet;

use super::{OWNER_GATEWAY, bad};
use crate::{Caller, Core, Result};

/// A port of a router, and what it is for (a `device_owner`).
#[derive(Debug, Clone)]
pub(super) struct Attachment {
    pub port: Port,
    pub owner: String,
}

/// The ports of a router, and the subnets of their networks.
#[derive(Debug, Default)]
pub(super) struct Attached {
    pub ports: Vec<Attachment>,
    pub subnets: Vec<Subnet>,
}

/// What a router reaches, and its own addresses there.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub prefixes: Vec<IpNet>,
    pub addresses: Vec<IpAddr>,
}

impl From<Attachments> for Attached {
    fn from(found: Attachments) -> Self {
        let attachment = |(port, owner)| Attachment { port, owner };
        Self { ports: found.ports.into_iter().map(attachment).collect(), subnets: found.subnets }
    }
}

impl Attached {
    pub(super) async fn load(tx: &mut Tx, router: RouterId) -> Result<Self> {
        Ok(store::router_attached(tx, router).await?.into())
    }

    /// Sees that a router, of which the row is held, is carried by whom it should, and answers with what it is attached to
    /// then.
    pub(super) async fn carried(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        router: &mut Router,
        now: Timestamp,
    ) -> Result<Self> {
        let (attachments, agents) = store::router_surroundings(tx, router.id).await?;
        if core.router_carry(tx, caller, (&mut *router, agents), now).await? {
            // Its ports have moved.
            return Self::load(tx, router.id).await;
        }
        Ok(attachments.into())
    }

    /// Has it know the subnets of a network that the router may come to lead to.
    pub(super) fn add_subnets(&mut self, subnets: &[Subnet]) {
        for subnet in subnets {
            if self.subnet(subnet.id).is_none() {
                self.subnets.push(subnet.clone());
            }
        }
    }

    pub(super) fn subnet(&self, id: SubnetId) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.id == id)
    }

    pub(super) fn on(&self, network: NetworkId) -> Vec<&Subnet> {
        self.subnets.iter().filter(|subnet| subnet.network_id == network).collect()
    }

    /// The port through which the router reaches outside.
    pub(super) fn gateway(&self, router: &Router) -> Option<&Port> {
        let id = router.gw_port_id?;
        self.ports.iter().map(|attachment| &attachment.port).find(|port| port.id == id)
    }

    /// What the router reaches through those of its ports for which `wanted` holds.
    pub(super) fn reach(&self, wanted: impl Fn(&Port) -> bool) -> Reach {
        let mut reach = Reach::default();
        let ports =
            self.ports.iter().map(|attachment| &attachment.port).filter(|port| wanted(port));
        for fixed_ip in ports.flat_map(|port| &port.fixed_ips) {
            reach.prefixes.extend(self.subnet(fixed_ip.subnet_id).and_then(|subnet| subnet.cidr));
            reach.addresses.push(fixed_ip.ip_address);
        }
        reach
    }

    /// Refuses further subnets that the router has a port on, or whose prefixes overlap with what it reaches.
    pub(super) fn check_apart(&self, new: &[&Subnet]) -> Result<()> {
        let mut reached: Vec<&Subnet> = Vec::new();
        for Attachment { port, owner } in &self.ports {
            for fixed_ip in &port.fixed_ips {
                if new.iter().any(|subnet| subnet.id == fixed_ip.subnet_id) {
                    let id = fixed_ip.subnet_id;
                    return Err(bad(format!("Router already has a port on subnet {id}")));
                }
            }
            if owner == OWNER_GATEWAY {
                reached.extend(self.on(port.network_id));
            } else {
                reached.extend(port.fixed_ips.iter().filter_map(|ip| self.subnet(ip.subnet_id)));
            }
        }
        for (old, new) in reached.iter().flat_map(|old| new.iter().map(move |new| (old, new))) {
            if let (Some(held), Some(wanted)) = (old.cidr, new.cidr)
                && (held.contains(&wanted) || wanted.contains(&held))
            {
                return Err(bad(format!(
                    "Cidr {wanted} of subnet {} overlaps with cidr {held} of subnet {}",
                    new.id, old.id
                )));
            }
        }
        Ok(())
    }
}
