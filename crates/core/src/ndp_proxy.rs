//! NDP proxies.
//!
//! The router's row is held while one is made: its gateway and interfaces stay for as long as there are any.

mod gateway;
mod leaving;

use std::net::IpAddr;

use nucleon_db::ndp_proxy::ADDRESS_KEY;
use nucleon_db::{Tx, resource as rows, router as routers};
use nucleon_model::view::Scope;
use nucleon_model::{
    FixedIp, NdpProxy, NdpProxyDraft, NetworkId, Port, Router, RouterId, SubnetId,
};

pub(crate) use self::gateway::{check_kept, check_unset, switch, switch_new};
pub(crate) use self::leaving::{check_subnet_idle, port_goes};

use self::gateway::ipv6_scope;
use crate::entity::Entity;
use crate::floating_ip::seen_port;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for NdpProxy {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &NdpProxyDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            router_id: draft.router_id.get().copied().unwrap_or_default(),
            port_id: draft.port_id.get().copied().unwrap_or_default(),
            ip_address: draft.ip_address.get().copied(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        _: &NdpProxyDraft,
    ) -> Result<()> {
        let router: Option<Router> = rows::get_held(tx, self.router_id.to_string()).await?;
        let router = router.filter(|router| core.sees(caller, router));
        let port = seen_port(core, tx, caller, self.port_id).await?;
        let router = router.ok_or_else(|| unreachable(self))?;
        let attached = routers::router_ports(tx, router.id).await?;
        let on_network = |(port_of_router, _): &&(Port, String)| {
            port_of_router.network_id == port.network_id && port_of_router.id != port.id
        };
        let interfaces: Vec<&Port> =
            attached.iter().filter(on_network).map(|(port, _)| port).collect();
        if interfaces.is_empty() {
            return Err(unreachable(self));
        }
        let gateway = attached.iter().find(|(port, _)| Some(port.id) == router.gw_port_id);
        let (Some((gateway, _)), true) = (gateway, router.enable_ndp_proxy) else {
            return Err(not_enabled(router.id));
        };
        self.ip_address = Some(address(self, &port, &interfaces)?);
        check_scopes(tx, gateway.network_id, port.network_id).await
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: NdpProxyDraft,
    ) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Router(self.router_id)]
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        match self.ip_address {
            Some(address) if error.is_conflict_on(ADDRESS_KEY) => Error::conflict(
                "NeutronDbObjectDuplicateEntry",
                format!(
                    "Failed to create a duplicate NDPProxy: for attribute(s) ['router_id', 'ip_address'] with \
                     value(s) {}-{address}",
                    self.router_id
                ),
            ),
            // The port went meanwhile: to be looked at again.
            _ => Error::collided(),
        }
    }
}

/// The address that a request means: the one that it names, or the first that the router reaches.
fn address(wanted: &NdpProxy, port: &Port, interfaces: &[&Port]) -> Result<IpAddr> {
    let ipv6 = |port: &Port| -> Vec<FixedIp> {
        port.fixed_ips.iter().filter(|held| held.ip_address.is_ipv6()).copied().collect()
    };
    let held = ipv6(port);
    if held.is_empty() {
        return Err(Error::bad_request(
            "ndp_proxy",
            format!("Requested port {} must allocate one IPv6 address at least", port.id),
        ));
    }
    let reached: Vec<SubnetId> =
        interfaces.iter().flat_map(|port| ipv6(port)).map(|held| held.subnet_id).collect();
    let Some(address) = wanted.ip_address else {
        let found = held.iter().find(|held| reached.contains(&held.subnet_id));
        return found.map(|held| held.ip_address).ok_or_else(|| unreachable(wanted));
    };
    match held.iter().find(|held| held.ip_address == address) {
        Some(held) if reached.contains(&held.subnet_id) => Ok(address),
        Some(_) => {
            let reason = format!("This address cannot reach the router {}", wanted.router_id);
            Err(invalid(address, &reason))
        }
        None => Err(invalid(address, &format!("This address not belong to the port {}", port.id))),
    }
}

/// Between address scopes nothing is routed.
async fn check_scopes(tx: &mut Tx, outside: NetworkId, inside: NetworkId) -> Result<()> {
    let (outside, inside) = (ipv6_scope(tx, outside).await?, ipv6_scope(tx, inside).await?);
    if outside == inside {
        return Ok(());
    }
    let shown = |scope: Option<nucleon_model::AddressScopeId>| {
        scope.map_or_else(|| "None".to_owned(), |scope| scope.to_string())
    };
    Err(Error::conflict(
        "AddressScopeConflict",
        format!(
            "The IPv6 address scope {} of external network conflict with internal network's IPv6 address scope {}.",
            shown(outside),
            shown(inside)
        ),
    ))
}

fn invalid(address: IpAddr, reason: &str) -> Error {
    Error::invalid("InvalidAddress", format!("The address {address} is invalid, reason: {reason}."))
}

fn unreachable(wanted: &NdpProxy) -> Error {
    Error::conflict(
        "PortUnreachableRouter",
        format!(
            "The port {} cannot reach the router {} by IPv6 subnet.",
            wanted.port_id, wanted.router_id
        ),
    )
}

fn not_enabled(router: RouterId) -> Error {
    Error::conflict(
        "RouterNDPProxyNotEnable",
        format!(
            "The enable_ndp_proxy parameter of router {router} must be set as True while create ndp proxy entry on it."
        ),
    )
}
