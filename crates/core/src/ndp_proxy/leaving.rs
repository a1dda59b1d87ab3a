//! What becomes of NDP proxies when what they rest on goes.

use nucleon_db::{Operation, Tx, ndp_proxy as store};
use nucleon_model::{Port, RouterId, Subnet};

use crate::change::emit;
use crate::entity::Entity as _;
use crate::{Caller, Error, Result};

/// Takes away the NDP proxies for a port that goes.
pub(crate) async fn port_goes(tx: &mut Tx, caller: &Caller, port: &Port) -> Result<()> {
    let gone = store::ndp_proxy_list_to(tx, port.id).await?;
    store::ndp_proxy_forget(tx, &gone).await?;
    for proxy in &gone {
        emit(tx, caller, Operation::Delete, proxy, &proxy.scopes());
    }
    Ok(())
}

/// A router stays on a subnet whose addresses it answers for.
pub(crate) async fn check_subnet_idle(
    tx: &mut Tx,
    router: RouterId,
    subnet: &Subnet,
) -> Result<()> {
    let Some(prefix) = subnet.cidr.filter(|_| subnet.ip_version == 6) else { return Ok(()) };
    let proxies = store::ndp_proxy_list_of_router(tx, router).await?;
    if !proxies.iter().any(|one| one.ip_address.is_some_and(|ip| prefix.contains(&ip))) {
        return Ok(());
    }
    Err(Error::conflict(
        "RouterInterfaceInUseByNDPProxy",
        format!(
            "Unable to remove subnet {} from router {router}, There are one or more ndp proxies still in use on the \
             subnet.",
            subnet.id
        ),
    ))
}
