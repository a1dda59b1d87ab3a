//! The interfaces of a router: ports that lead it to networks.

use std::net::IpAddr;

use nucleon_db::{
    Tx, floating_ip, network as networks, port_forwarding, rbac, router as store, subnet as subnets,
};
use nucleon_model::router::{InterfaceRequest, RouterInterface};
use nucleon_model::{
    Field, FixedIp, FixedIpRequest, FloatingIpId, Network, Port, PortId, Resource as _, Router,
    RouterId, Subnet, SubnetId, Timestamp,
};
use serde_json::Value;

use super::attached::{Attached, Attachment};
use super::bad;
use crate::entity;
use crate::floating_ip::seen_port;
use crate::{Caller, Core, Error, Kind, Result};

/// An interface, and the subnets that a request was about.
type Joined = (Port, Vec<Subnet>);

impl Core {
    /// Leads a router to a subnet: through the port that the request names, or a new one with the subnet's gateway
    /// address.
    pub async fn router_interface_add(
        &self,
        caller: &Caller,
        id: &str,
        body: &Value,
    ) -> Result<RouterInterface> {
        const ACTION: &str = "add_router_interface";
        let wanted = read(body)?;
        let input = (caller.clone(), entity::parse::<Router>(id)?, wanted, self.now());
        self.write(ACTION, input, |core, tx, (caller, key, wanted, now)| {
            Box::pin(async move {
                let mut router = entity::load_row_for(&core, tx, &caller, key, ACTION).await?;
                let attached = Attached::carried(&core, tx, &caller, &mut router, now).await?;
                let scene = Scene { core: &core, caller: &caller, router: &router, now };
                let joined = match wanted {
                    InterfaceRequest::Port(port) => scene.join_by_port(tx, port, attached).await?,
                    InterfaceRequest::Subnet(subnet) => {
                        scene.join_by_subnet(tx, subnet, attached).await?
                    }
                    InterfaceRequest::Both(..) => {
                        return Err(bad("Cannot specify both subnet-id and port-id"));
                    }
                };
                Ok(scene.done(tx, joined, Named::Last))
            })
        })
        .await
    }

    /// Leads a router no longer to a subnet, or through a port.
    pub async fn router_interface_remove(
        &self,
        caller: &Caller,
        id: &str,
        body: &Value,
    ) -> Result<RouterInterface> {
        const ACTION: &str = "remove_router_interface";
        let wanted = read(body)?;
        let input = (caller.clone(), entity::parse::<Router>(id)?, wanted, self.now());
        self.write(ACTION, input, |core, tx, (caller, key, wanted, now)| {
            Box::pin(async move {
                let router = entity::load_row_for(&core, tx, &caller, key, ACTION).await?;
                let scene = Scene { core: &core, caller: &caller, router: &router, now };
                let left = match wanted {
                    InterfaceRequest::Port(port) => scene.leave_by_port(tx, port, None).await?,
                    InterfaceRequest::Both(port, subnet) => {
                        scene.leave_by_port(tx, port, Some(subnet)).await?
                    }
                    InterfaceRequest::Subnet(subnet) => scene.leave_by_subnet(tx, subnet).await?,
                };
                Ok(scene.done(tx, left, Named::First))
            })
        })
        .await
    }
}

impl Core {
    /// Leads a router to a subnet, as a part of another operation.
    pub(crate) async fn router_join(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: RouterId,
        subnet: SubnetId,
        now: Timestamp,
    ) -> Result<()> {
        let mut router = entity::load_seen(self, tx, caller, id).await?;
        let attached = Attached::carried(self, tx, caller, &mut router, now).await?;
        let scene = Scene { core: self, caller, router: &router, now };
        let joined = scene.join_by_subnet(tx, subnet, attached).await?;
        scene.done(tx, joined, Named::Last);
        Ok(())
    }

    /// Leads a router no longer to a subnet, as a part of another operation.
    pub(crate) async fn router_leave(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: RouterId,
        subnet: SubnetId,
        now: Timestamp,
    ) -> Result<()> {
        let router: Router = entity::load_seen(self, tx, caller, id).await?;
        let scene = Scene { core: self, caller, router: &router, now };
        let left = scene.leave_by_subnet(tx, subnet).await?;
        scene.done(tx, left, Named::First);
        Ok(())
    }
}

fn read(body: &Value) -> Result<InterfaceRequest> {
    InterfaceRequest::from_json(body).map_err(bad)
}

/// Which of several subnets an answer names as the one.
#[derive(Debug, Clone, Copy)]
enum Named {
    First,
    Last,
}

/// What one change of a router's interfaces is about.
struct Scene<'s> {
    core: &'s Core,
    caller: &'s Caller,
    /// Held.
    router: &'s Router,
    now: Timestamp,
}

impl Scene<'_> {
    /// Says that the router changed, and what came of the request.
    fn done(&self, tx: &mut Tx, (port, subnets): Joined, named: Named) -> RouterInterface {
        entity::touch_held(tx, self.caller, self.router, self.now);
        let subnet_ids: Vec<SubnetId> = subnets.iter().map(|subnet| subnet.id).collect();
        let subnet_id = match named {
            Named::First => subnet_ids.first(),
            Named::Last => subnet_ids.last(),
        };
        RouterInterface {
            id: self.router.id,
            project_id: port.project_id,
            port_id: port.id,
            network_id: port.network_id,
            subnet_id: subnet_id.copied().unwrap_or_default(),
            subnet_ids,
        }
    }

    async fn join_by_port(
        &self,
        tx: &mut Tx,
        id: PortId,
        mut attached: Attached,
    ) -> Result<Joined> {
        let before = seen_port(self.core, tx, self.caller, id).await?;
        if !before.device_id.is_empty() {
            return Err(in_use(&before));
        }
        if before.fixed_ips.is_empty() {
            return Err(bad("Router port must have at least one fixed IP"));
        }
        attached.add_subnets(&subnets::subnet_list_of(tx, &[before.network_id]).await?);
        let subnets: Vec<&Subnet> =
            before.fixed_ips.iter().filter_map(|ip| attached.subnet(ip.subnet_id)).collect();
        for subnet in &subnets {
            check_advertised(subnet)?;
        }
        check_one_ipv6_port(&before, &attached)?;
        attached.check_apart(&subnets)?;
        if subnets.iter().filter(|subnet| subnet.ip_version == 4).count() > 1 {
            return Err(bad("Cannot have multiple IPv4 subnets on router port"));
        }
        self.check_addresses(&before, &subnets)?;
        let subnets = subnets.into_iter().cloned().collect();
        let mut after = Port {
            device_id: self.router.id.to_string(),
            device_owner: self.router.interface_owner().to_owned(),
            ..before.clone()
        };
        self.core.port_store(tx, self.caller, &before, &mut after, self.now).await?;
        store::router_port_add(tx, self.router.id, after.id, &after.device_owner);
        let place = (self.router.host(), after.device_owner.as_str());
        let moved = vec![after.clone()];
        self.core.ports_move(tx, self.caller, moved, place, self.now).await?;
        Ok((after, subnets))
    }

    async fn join_by_subnet(
        &self,
        tx: &mut Tx,
        id: SubnetId,
        mut attached: Attached,
    ) -> Result<Joined> {
        let host = self.router.host();
        let seen = self.core.ground_of_subnet(tx, self.caller, id, host).await?;
        let (subnet, ground) = seen.ok_or_else(|| crate::subnet::missing(id))?;
        let Some(gateway) = subnet.gateway_ip else {
            return Err(bad("Subnet for router interface must have a gateway IP"));
        };
        self.check_owner(tx, &subnet).await?;
        check_advertised(&subnet)?;
        attached.add_subnets(&ground.subnets);
        attached.check_apart(&[&subnet])?;
        let address = FixedIp { subnet_id: subnet.id, ip_address: gateway };
        // A further IPv6 prefix goes to the port that leads to the network already.
        if let Some(port) = self.ipv6_port(&attached, &subnet) {
            let addresses = requests(port.fixed_ips.iter().chain([&address]));
            let core = self.core;
            let after =
                core.port_request_addresses(tx, self.caller, port, addresses, self.now).await?;
            return Ok((after, vec![subnet]));
        }
        let port = Port {
            project_id: self.router.project_id.clone(),
            network_id: subnet.network_id,
            device_id: self.router.id.to_string(),
            device_owner: self.router.interface_owner().to_owned(),
            host: host.to_owned(),
            ..Port::default()
        };
        let addresses = Field::Value(requests([&address]));
        let known = (&addresses, &ground);
        let port = self.core.port_make_on(tx, self.caller, port, known, self.now).await?;
        store::router_port_add(tx, self.router.id, port.id, &port.device_owner);
        Ok((port, vec![subnet]))
    }

    async fn leave_by_port(
        &self,
        tx: &mut Tx,
        id: PortId,
        subnet: Option<SubnetId>,
    ) -> Result<Joined> {
        let attached = Attached::load(tx, self.router.id).await?;
        let found = self.interfaces(&attached).find(|port| port.id == id);
        let port = found.ok_or_else(|| no_interface(self.router.id, id))?;
        if let Some(subnet) = subnet
            && !port.fixed_ips.iter().any(|held| held.subnet_id == subnet)
        {
            return Err(Error::invalid(
                "SubnetMismatchForPort",
                format!("Subnet on port {id} does not match the requested subnet {subnet}."),
            ));
        }
        let subnets: Vec<Subnet> = port
            .fixed_ips
            .iter()
            .filter_map(|held| attached.subnet(held.subnet_id))
            .cloned()
            .collect();
        for subnet in &subnets {
            self.check_idle(tx, subnet).await?;
        }
        self.core.port_remove(tx, self.caller, port).await?;
        Ok((port.clone(), subnets))
    }

    async fn leave_by_subnet(&self, tx: &mut Tx, id: SubnetId) -> Result<Joined> {
        let subnet = self.seen_subnet(tx, id).await?;
        let attached = Attached::load(tx, self.router.id).await?;
        let on_network = |port: &&Port| port.network_id == subnet.network_id;
        if self.interfaces(&attached).any(|port| on_network(&port)) {
            self.check_idle(tx, &subnet).await?;
        }
        let has = |port: &&Port| port.fixed_ips.iter().any(|held| held.subnet_id == id);
        let port = self.interfaces(&attached).find(|port| on_network(port) && has(port));
        let port = port.ok_or_else(|| no_interface_on(self.router.id, id))?;
        let kept: Vec<FixedIp> =
            port.fixed_ips.iter().filter(|held| held.subnet_id != id).copied().collect();
        if kept.is_empty() {
            self.core.port_remove(tx, self.caller, port).await?;
        } else {
            let kept = requests(&kept);
            self.core.port_request_addresses(tx, self.caller, port, kept, self.now).await?;
        }
        Ok((port.clone(), vec![subnet]))
    }

    fn interfaces<'a>(&self, attached: &'a Attached) -> impl Iterator<Item = &'a Port> + use<'a> {
        let owner = self.router.interface_owner();
        attached
            .ports
            .iter()
            .filter(move |attachment| attachment.owner == owner)
            .map(|attachment| &attachment.port)
    }

    /// The interface that a further IPv6 subnet of its network can share.
    fn ipv6_port<'a>(&self, attached: &'a Attached, subnet: &Subnet) -> Option<&'a Port> {
        if subnet.ip_version != 6 {
            return None;
        }
        self.interfaces(attached)
            .find(|port| port.network_id == subnet.network_id && has_ipv6(port))
    }

    async fn seen_subnet(&self, tx: &mut Tx, id: SubnetId) -> Result<Subnet> {
        let missing = || crate::subnet::missing(id);
        let subnet = subnets::subnet_get(tx, id).await?.ok_or_else(missing)?;
        let network = networks::network_get(tx, subnet.network_id).await?.ok_or_else(missing)?;
        let subnet = self.core.subnet_seen(tx, self.caller, subnet, network).await?;
        let subnet = subnet.filter(|subnet| self.core.sees(self.caller, subnet));
        subnet.ok_or_else(missing)
    }

    /// The gateway address of a subnet is for its own project, and for those that its network is shared with by name:
    /// whom it is shared with as with everybody could stand in for the gateway of others (CVE-2018-14635).
    async fn check_owner(&self, tx: &mut Tx, subnet: &Subnet) -> Result<()> {
        let project = self.caller.project_id();
        if self.caller.is_admin() || subnet.project_id == project {
            return Ok(());
        }
        let network = subnet.network_id.to_string();
        if rbac::rbac_is_shared_by_name(tx, Network::DECL.name, &network, project).await? {
            return Ok(());
        }
        Err(bad(format!(
            "Cannot add interface to router because subnet {} is not owned by project making the request",
            subnet.id
        )))
    }

    /// Addresses outside the pools of somebody else's subnet are not for everybody (CVE-2018-14635).
    fn check_addresses(&self, port: &Port, subnets: &[&Subnet]) -> Result<()> {
        if self.caller.is_admin() {
            return Ok(());
        }
        for held in &port.fixed_ips {
            let Some(subnet) = subnets.iter().find(|subnet| subnet.id == held.subnet_id) else {
                continue;
            };
            let pooled = subnet.allocation_pools.iter().any(|pool| pool.contains(held.ip_address));
            if !pooled && subnet.project_id != self.caller.project_id() {
                return Err(bad(format!(
                    "Cannot add interface to router because specified port {} has an IP address out of the \
                     allocation pool of subnet {}, which is not owned by the project making the request",
                    port.id, subnet.id
                )));
            }
        }
        Ok(())
    }

    /// Refuses to leave a subnet that something of the router rests on.
    async fn check_idle(&self, tx: &mut Tx, subnet: &Subnet) -> Result<()> {
        let Some(prefix) = subnet.cidr else { return Ok(()) };
        let needed = |name: &'static str, what: &str| {
            Error::conflict(
                name,
                format!(
                    "Router interface for subnet {} on router {} cannot be deleted, as it is required by one or more \
                     {what}.",
                    subnet.id, self.router.id
                ),
            )
        };
        // What is behind a router lies apart: an address within the prefix is one on the subnet.
        let within = |address: Option<IpAddr>| address.is_some_and(|ip| prefix.contains(&ip));
        let floating = floating_ip::floating_ip_list_of_router(tx, self.router.id).await?;
        let ids: Vec<FloatingIpId> = floating.iter().map(|one| one.id).collect();
        let forwarded = port_forwarding::port_forwarding_list_of(tx, &ids).await?;
        if floating.iter().any(|one| within(one.fixed_ip_address))
            || forwarded.iter().any(|one| within(one.internal_ip_address))
        {
            return Err(needed("RouterInterfaceInUseByFloatingIP", "floating IPs"));
        }
        if self.router.routes.iter().any(|route| prefix.contains(&route.nexthop)) {
            return Err(needed("RouterInterfaceInUseByRoute", "routes"));
        }
        crate::ndp_proxy::check_subnet_idle(tx, self.router.id, subnet).await
    }
}

/// Hosts that listen to another router's advertisements would not find this one.
fn check_advertised(subnet: &Subnet) -> Result<()> {
    if subnet.ip_version == 6 && subnet.ipv6_ra_mode.is_none() && subnet.ipv6_address_mode.is_some()
    {
        return Err(bad(format!(
            "IPv6 subnet {} configured to receive RAs from an external router cannot be added to Neutron Router.",
            subnet.id
        )));
    }
    Ok(())
}

/// All IPv6 prefixes of a network are advertised on one port.
fn check_one_ipv6_port(port: &Port, attached: &Attached) -> Result<()> {
    if !has_ipv6(port) {
        return Ok(());
    }
    let same = |Attachment { port: other, .. }: &&Attachment| {
        other.id != port.id && other.network_id == port.network_id && has_ipv6(other)
    };
    match attached.ports.iter().find(same) {
        None => Ok(()),
        Some(Attachment { port: other, .. }) => Err(bad(format!(
            "Router already contains IPv6 port {} belonging to network id {}. Only one IPv6 port from the same \
             network subnet can be connected to a router.",
            other.id, other.network_id
        ))),
    }
}

fn has_ipv6(port: &Port) -> bool {
    port.fixed_ips.iter().any(|held| held.ip_address.is_ipv6())
}

fn requests<'a>(addresses: impl IntoIterator<Item = &'a FixedIp>) -> Vec<FixedIpRequest> {
    let request = |address: &FixedIp| FixedIpRequest {
        subnet_id: Some(address.subnet_id),
        ip_address: Some(address.ip_address),
    };
    addresses.into_iter().map(request).collect()
}

fn in_use(port: &Port) -> Error {
    Error::conflict(
        "PortInUse",
        format!(
            "Unable to complete operation on port {} for network {}. Port already has an attached device {}.",
            port.id, port.network_id, port.device_id
        ),
    )
}

fn no_interface(router: RouterId, port: PortId) -> Error {
    Error::new(
        Kind::NotFound,
        "RouterInterfaceNotFound",
        format!("Router {router} does not have an interface with id {port}"),
    )
}

fn no_interface_on(router: RouterId, subnet: SubnetId) -> Error {
    Error::new(
        Kind::NotFound,
        "RouterInterfaceNotFoundForSubnet",
        format!("Router {router} has no interface on subnet {subnet}"),
    )
}
