//! Where a floating IP leads: to an address of a port inside, through a router.

use std::net::IpAddr;

use nucleon_db::floating_ip as store;
use nucleon_db::{Tx, network as networks, port as ports, resource as rows, subnet as subnets};
use nucleon_model::{
    Field, FixedIp, FloatingIp, NetworkId, Port, PortId, Router, RouterId, Subnet, SubnetId, port,
};

use super::bad;
use crate::entity;
use crate::{Caller, Core, Error, Kind, Result};

/// Where a request wants a floating IP to lead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub port: Field<PortId>,
    pub address: Option<IpAddr>,
    pub router: Option<RouterId>,
}

/// Leads a floating IP where a request says; one that says nothing has it looked at again.
pub(super) async fn set(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    floating_ip: &mut FloatingIp,
    Wanted { port, address, router }: Wanted,
) -> Result<()> {
    if address.is_some() && port.get().is_none() {
        return Err(bad("fixed_ip_address cannot be specified without a port_id"));
    }
    let before = floating_ip.port_id;
    // Of a port with several addresses, it goes on leading to the one that was chosen.
    let address = address.or(floating_ip.fixed_ip_address.filter(|_| !port.is_given()));
    let wanted = match port {
        Field::Value(port) => Some(port),
        Field::Null => None,
        Field::Absent => before,
    };
    let Some(id) = wanted else {
        // Without a port, a router is there for the sake of port forwardings.
        if before.is_some() {
            floating_ip.router_id = None;
        }
        floating_ip.port_id = None;
        floating_ip.fixed_ip_address = None;
        return Ok(());
    };
    let port = seen_port(core, tx, caller, id).await?;
    let held = inside(caller, floating_ip, &port, address)?;
    let outside = floating_ip.floating_network_id;
    let router = if let Some(router) = router {
        router_outside(core, tx, caller, router, outside).await?
    } else {
        let between = router_between(tx, held.subnet_id, outside).await?;
        between.ok_or_else(|| unreachable(held.subnet_id, outside, id))?
    };
    if before != Some(id) && store::floating_ip_leads_to(tx, outside, id, held.ip_address).await? {
        return Err(taken(floating_ip, id, held.ip_address));
    }
    floating_ip.port_id = Some(id);
    floating_ip.fixed_ip_address = Some(held.ip_address);
    floating_ip.router_id = Some(router.id);
    Ok(())
}

/// A port that the caller sees, held: its addresses stay.
pub(crate) async fn seen_port(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: PortId,
) -> Result<Port> {
    let missing = || crate::port::missing(id);
    let mut port = ports::port_get_held(tx, id).await?.ok_or_else(missing)?;
    let network = networks::network_get(tx, port.network_id).await?;
    port.parent_project = network.map(|network| network.project_id);
    if core.sees(caller, &port) { Ok(port) } else { Err(missing()) }
}

/// The address of a port that the floating IP is to lead to.
fn inside(
    caller: &Caller,
    floating_ip: &FloatingIp,
    port: &Port,
    address: Option<IpAddr>,
) -> Result<FixedIp> {
    let id = port.id;
    if port.project_id != floating_ip.project_id && !caller.is_admin() {
        return Err(bad(format!(
            "Cannot process floating IP association with Port {id}, since that port is owned by a different project"
        )));
    }
    if port.device_owner == port::OWNER_DHCP {
        return Err(bad(format!("Port {id} is unable to be assigned a floating IP")));
    }
    match address {
        Some(address) => checked_address(port, address).map_err(bad),
        None => only_address(port),
    }
}

/// The port's address that a request names, or why it is none.
fn checked_address(port: &Port, address: IpAddr) -> std::result::Result<FixedIp, String> {
    if !address.is_ipv4() {
        return Err(format!(
            "Cannot process floating IP association with {address}, since that is not an IPv4 address"
        ));
    }
    let held = port.fixed_ips.iter().find(|held| held.ip_address == address);
    held.copied().ok_or_else(|| format!("Port {} does not have fixed ip {address}", port.id))
}

fn only_address(port: &Port) -> Result<FixedIp> {
    let id = port.id;
    let mut addresses = port.fixed_ips.iter().filter(|held| held.ip_address.is_ipv4());
    match (addresses.next(), addresses.next()) {
        (Some(only), None) => Ok(*only),
        (Some(_), Some(_)) => Err(bad(format!(
            "Port {id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a \
             floating IP"
        ))),
        (None, _) => Err(bad(format!(
            "Cannot add floating IP to port {id} that has no fixed IPv4 addresses"
        ))),
    }
}

/// The router that a request names, which leads to a network outside: how it leads inside is the project's affair, as by
/// further routers. It is held, so that it goes on leading outside.
async fn router_outside(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: RouterId,
    outside: NetworkId,
) -> Result<Router> {
    let router: Router = entity::load_seen(core, tx, caller, id).await?;
    let gateway = router.external_gateway_info.as_ref();
    if gateway.is_some_and(|gateway| gateway.network_id == outside) {
        return Ok(router);
    }
    let message = format!("Router {id} has no external gateway on network {outside}");
    Err(Error::conflict("Conflict", message))
}

/// The router that leads from a subnet to a network outside: the one that is the subnet's gateway, if it does. It is held,
/// so that it goes on doing so.
pub(crate) async fn router_between(
    tx: &mut Tx,
    subnet: SubnetId,
    outside: NetworkId,
) -> Result<Option<Router>> {
    let Some(subnet) = subnets::subnet_get(tx, subnet).await? else { return Ok(None) };
    let Some(chosen) = choose(tx, &subnet, outside).await? else { return Ok(None) };
    let router = rows::get_held::<Router>(tx, chosen.to_string()).await?;
    if choose(tx, &subnet, outside).await? != Some(chosen) {
        return Err(tx.retry(&format!("router {chosen} was changed meanwhile")).into());
    }
    Ok(router)
}

async fn choose(tx: &mut Tx, subnet: &Subnet, outside: NetworkId) -> Result<Option<RouterId>> {
    let routers = store::routers_between(tx, subnet.id, outside).await?;
    let is_gateway = |(_, address): &&(RouterId, IpAddr)| Some(*address) == subnet.gateway_ip;
    let chosen = routers.iter().find(is_gateway).or_else(|| routers.first());
    Ok(chosen.map(|(router, _)| *router))
}

/// The floating IP that leads to a port as a whole, if one does.
pub(crate) async fn has_floating_ip(tx: &mut Tx, port: PortId) -> Result<Option<FloatingIp>> {
    let leading = store::floating_ip_list_to(tx, port).await?;
    Ok(leading.into_iter().find(|floating_ip| floating_ip.port_id == Some(port)))
}

fn unreachable(subnet: SubnetId, outside: NetworkId, port: PortId) -> Error {
    Error::new(
        Kind::NotFound,
        "ExternalGatewayForFloatingIPNotFound",
        format!(
            "External network {outside} is not reachable from subnet {subnet}.  Therefore, cannot associate Port \
             {port} with a Floating IP."
        ),
    )
}

/// The refusal of a second floating IP for an address inside.
pub(crate) fn taken(floating_ip: &FloatingIp, port: PortId, address: IpAddr) -> Error {
    let outside = floating_ip.floating_ip_address.map(|address| address.to_string());
    Error::conflict(
        "FloatingIPPortAlreadyAssociated",
        format!(
            "Cannot associate floating IP {} ({}) with port {port} using fixed IP {address}, as that fixed IP already \
             has a floating IP on external network {}.",
            outside.unwrap_or_else(|| "None".to_owned()),
            floating_ip.id,
            floating_ip.floating_network_id
        ),
    )
}
