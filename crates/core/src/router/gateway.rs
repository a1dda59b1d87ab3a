//! The way of a router outside: a port on an external network.

use std::collections::BTreeSet;

use nucleon_db::{Tx, network as networks, router as store};
use nucleon_model::{Field, FixedIpRequest, Port, PortId, Router, SubnetId, WantedGateway};

use super::attached::Attached;
use super::{OWNER_GATEWAY, bad, routes, shown};
use crate::floating_ip::check_gateway_idle;
use crate::port::Ground;
use crate::{Caller, Core, Result, ndp_proxy, qos_policy};

/// Leads a router, which is attached so far, outside as a request asks, or no longer.
pub(super) async fn set(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    (router, mut attached): (&mut Router, Attached),
    wanted: Option<&WantedGateway>,
) -> Result<()> {
    let snat = wanted.and_then(|wanted| wanted.enable_snat);
    router.enable_snat = snat.unwrap_or(core.settings().enable_snat_by_default);
    let outside = match wanted {
        Some(wanted) => Some((wanted, outside(core, tx, caller, router, wanted).await?)),
        None => None,
    };
    if let Some((_, ground)) = &outside {
        attached.add_subnets(&ground.subnets);
    }
    let mut made = None;
    routes::check_beside_gateway(router, &attached, wanted)?;
    let current = attached.gateway(router).cloned();
    match (current, &outside) {
        (Some(port), Some((wanted, _))) if port.network_id == wanted.network_id => {
            ndp_proxy::check_kept(router, wanted, &attached.on(wanted.network_id))?;
            if asks_for_others(&port, &wanted.external_fixed_ips) {
                let addresses = wanted.external_fixed_ips.clone();
                core.port_request_addresses(tx, caller, &port, addresses, core.now()).await?;
            }
        }
        (current, outside) => {
            if let Some(port) = current {
                check_gateway_idle(tx, router, &port).await?;
                ndp_proxy::check_unset(tx, router).await?;
                core.port_remove(tx, caller, &port).await?;
                attached.ports.retain(|attachment| attachment.port.id != port.id);
                router.gw_port_id = None;
            }
            if let Some((wanted, ground)) = outside {
                attached.check_apart(&attached.on(wanted.network_id))?;
                let port = make_port(core, tx, caller, router, (wanted, ground)).await?;
                router.gw_port_id = Some(port.id);
                made = Some((port, ground));
            }
        }
    }
    // Without a way outside there is nothing for a policy to be about.
    let policy = wanted.map_or(&Field::Null, |wanted| &wanted.qos_policy_id);
    qos_policy::change(core, tx, caller, &mut router.qos_policy_id, policy).await?;
    if let Some((port, ground)) = made {
        let is_limited = ground.network.qos_policy_id.is_some();
        router.external_gateway_info = Some(shown(router, &port, is_limited));
    }
    Ok(())
}

/// What the gateway's port is to stand on. Refuses a network that does not lead outside, and the addresses of others'
/// gateways.
///
/// The network is held, so that it leads outside for as long as routers use it so.
async fn outside(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    router: &Router,
    wanted: &WantedGateway,
) -> Result<Ground> {
    let id = wanted.network_id;
    networks::network_get_held(tx, id).await?;
    let ground = core.ground_reached(tx, caller, id, router.host()).await?;
    if !ground.network.external {
        return Err(bad(format!("Network {id} is not an external network")));
    }
    for address in wanted.external_fixed_ips.iter().filter_map(|request| request.ip_address) {
        if ground.subnets.iter().any(|subnet| subnet.gateway_ip == Some(address)) {
            return Err(bad(format!("External IP {address} is the same as the gateway IP")));
        }
    }
    Ok(ground)
}

/// Whether a request asks for other addresses than the gateway has.
fn asks_for_others(port: &Port, requested: &[FixedIpRequest]) -> bool {
    if requested.is_empty() {
        return false;
    }
    let held: BTreeSet<SubnetId> = port.fixed_ips.iter().map(|held| held.subnet_id).collect();
    let wanted = requested.iter().filter_map(|request| request.subnet_id).collect();
    if held != wanted {
        return true;
    }
    let held: BTreeSet<_> = port.fixed_ips.iter().map(|held| held.ip_address).collect();
    held != requested.iter().filter_map(|request| request.ip_address).collect()
}

async fn make_port(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    router: &Router,
    (wanted, ground): (&WantedGateway, &Ground),
) -> Result<Port> {
    // It is nobody's: projects do not see it.
    let port = Port {
        network_id: wanted.network_id,
        device_id: router.id.to_string(),
        device_owner: OWNER_GATEWAY.to_owned(),
        host: router.host().to_owned(),
        ..Port::default()
    };
    let addresses = match wanted.external_fixed_ips.as_slice() {
        [] => Field::Absent,
        requested => Field::Value(requested.to_vec()),
    };
    core.port_make_on(tx, caller, port, (&addresses, ground), core.now()).await
}

/// Makes a new gateway port the router's, once the router's row is there.
pub(super) fn record(tx: &mut Tx, router: &Router, before: Option<PortId>) {
    if let Some(port) = router.gw_port_id.filter(|port| before != Some(*port)) {
        store::router_port_add(tx, router.id, port, OWNER_GATEWAY);
    }
}
