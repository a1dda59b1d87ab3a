//! What NDP proxies ask of a router's gateway.

use nucleon_db::{Tx, ndp_proxy as store, network as networks, port as ports};
use nucleon_model::{AddressScopeId, NetworkId, Router, Subnet, WantedGateway};

use crate::{Error, Result};

/// The IPv6 address scope of a network: it has one where it has IPv6 subnets out of a pool in that scope.
pub(super) async fn ipv6_scope(tx: &mut Tx, id: NetworkId) -> Result<Option<AddressScopeId>> {
    let mut found: Vec<_> = networks::network_get(tx, id).await?.into_iter().collect();
    networks::network_complete(tx, &mut found).await?;
    Ok(found.pop().and_then(|network| network.ipv6_address_scope))
}

/// Switches NDP proxying on for a new router, as a request asks.
pub(crate) async fn switch_new(
    tx: &mut Tx,
    router: &Router,
    gateway: Option<&WantedGateway>,
) -> Result<()> {
    if !router.enable_ndp_proxy {
        return Ok(());
    }
    let Some(gateway) = gateway else {
        return Err(not_valid(router, "The request body not contain external gateway information"));
    };
    let id = gateway.network_id;
    if ipv6_scope(tx, id).await?.is_none() {
        let reason = format!(
            "The external network {id} don't support IPv6 ndp proxy, the network has no IPv6 subnets or has no IPv6 \
             address scope"
        );
        return Err(not_valid(router, &reason));
    }
    Ok(())
}

/// Switches NDP proxying as a change asks; it goes off by itself where the gateway is none for it.
pub(crate) async fn switch(tx: &mut Tx, router: &mut Router, asked: Option<bool>) -> Result<()> {
    let wanted = asked.unwrap_or(router.enable_ndp_proxy);
    let fits = wanted && gateway_fits(tx, router).await?;
    if asked == Some(true) && !fits {
        return Err(not_valid(
            router,
            "The router has no external gateway or the external gateway port has no IPv6 address or IPv6 address scope",
        ));
    }
    router.enable_ndp_proxy = fits;
    Ok(())
}

async fn gateway_fits(tx: &mut Tx, router: &Router) -> Result<bool> {
    let Some(id) = router.gw_port_id else { return Ok(false) };
    let Some(port) = ports::port_get_all(tx, &[id]).await?.pop() else { return Ok(false) };
    Ok(port.fixed_ips.iter().any(|held| held.ip_address.is_ipv6())
        && ipv6_scope(tx, port.network_id).await?.is_some())
}

/// A router that answers for addresses keeps its gateway.
pub(crate) async fn check_unset(tx: &mut Tx, router: &Router) -> Result<()> {
    if store::ndp_proxy_list_of_router(tx, router.id).await?.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(
        "RouterGatewayInUseByNDPProxy",
        format!(
            "Unable to unset external gateway of router {}, There are one or more ndp proxies still in use on the \
             router.",
            router.id
        ),
    ))
}

/// And an IPv6 address there.
pub(crate) fn check_kept(
    router: &Router,
    wanted: &WantedGateway,
    subnets: &[&Subnet],
) -> Result<()> {
    let ipv6 = wanted.external_fixed_ips.iter().any(|request| {
        let subnet = subnets.iter().find(|subnet| Some(subnet.id) == request.subnet_id);
        request.ip_address.is_some_and(|address| address.is_ipv6())
            || subnet.is_some_and(|subnet| subnet.ip_version == 6)
    });
    if !router.enable_ndp_proxy || wanted.external_fixed_ips.is_empty() || ipv6 {
        return Ok(());
    }
    Err(Error::conflict(
        "RouterIPv6GatewayInUse",
        format!(
            "Can't remove the IPv6 subnet from external gateway of router {}, the IPv6 subnet in use by the router's \
             ndp proxy.",
            router.id
        ),
    ))
}

fn not_valid(router: &Router, reason: &str) -> Error {
    Error::conflict(
        "RouterGatewayNotValid",
        format!("Can not enable ndp proxy on router {}, {reason}.", router.id),
    )
}
