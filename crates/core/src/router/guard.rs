//! What the API of ports must not do to the ports of routers.

use nucleon_db::{Tx, resource as rows};
use nucleon_model::floating_ip::OWNER_FLOATING_IP;
use nucleon_model::router::{
    OWNER_GATEWAY, OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA,
};
use nucleon_model::{FloatingIp, FloatingIpId, Port, Router, RouterId};

use crate::{Caller, Error, Result};

const INTERFACES: &[&str] = &[OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA];

/// The router that a port's `device_id` names.
async fn device(tx: &mut Tx, port: &Port) -> Result<Option<Router>> {
    match port.device_id.parse::<RouterId>() {
        Ok(id) => Ok(rows::get(tx, id.to_string()).await?),
        Err(_) => Ok(None),
    }
}

/// Refuses ports that pass for interfaces of another project's router (CVE-2014-0056). One question for all.
pub(crate) async fn check_devices(tx: &mut Tx, caller: &Caller, ports: &[Port]) -> Result<()> {
    if caller.is_admin() {
        return Ok(());
    }
    let interfaces: Vec<(&Port, RouterId)> = ports
        .iter()
        .filter(|port| INTERFACES.contains(&port.device_owner.as_str()))
        .filter_map(|port| Some((port, port.device_id.parse().ok()?)))
        .collect();
    let ids = interfaces.iter().map(|(_, id)| id.to_string()).collect();
    let routers: Vec<Router> = rows::get_all(tx, ids).await?;
    for (port, id) in interfaces {
        let router = routers.iter().find(|router| router.id == id);
        if router.is_some_and(|router| router.project_id != port.project_id) {
            return Err(Error::conflict(
                "DeviceIDNotOwnedByTenant",
                format!(
                    "The following device_id {id} is not owned by your project or matches another project router."
                ),
            ));
        }
    }
    Ok(())
}

/// Ports of routers and floating IPs go by the operations on these.
pub(crate) async fn check_deletable(tx: &mut Tx, port: &Port) -> Result<()> {
    let owner = port.device_owner.as_str();
    let in_use = if owner == OWNER_FLOATING_IP {
        match port.device_id.parse::<FloatingIpId>() {
            Ok(id) => rows::get::<FloatingIp>(tx, id.to_string()).await?.is_some(),
            Err(_) => false,
        }
    } else {
        let of_router = INTERFACES.contains(&owner) || owner == OWNER_GATEWAY;
        of_router && device(tx, port).await?.is_some()
    };
    if !in_use {
        return Ok(());
    }
    Err(Error::conflict(
        "ServicePortInUse",
        format!(
            "Port {} cannot be deleted directly via the port API: has device owner {owner}.",
            port.id
        ),
    ))
}

/// The IPv4 addresses of a router's interfaces stay (alias `l3-port-ip-change-not-allowed`).
pub(crate) async fn check_addresses(tx: &mut Tx, before: &Port, after: &Port) -> Result<()> {
    let moved = |from: &Port, to: &Port| {
        from.fixed_ips.iter().any(|held| held.ip_address.is_ipv4() && !to.fixed_ips.contains(held))
    };
    let changed = moved(before, after) || moved(after, before);
    if !changed
        || !INTERFACES.contains(&before.device_owner.as_str())
        || device(tx, before).await?.is_none()
    {
        return Ok(());
    }
    let id = before.id;
    Err(Error::bad_request("ports", format!("IP updates for port {id} are not allowed")))
}
