//! What kind of router it is: on one host, on each host, on several that stand in for one another.

use nucleon_db::{Operation, Tx, router as store};
use nucleon_model::{Router, Timestamp};

use super::bad;
use crate::change::emit_port;
use crate::service_provider::ServiceProvider;
use crate::{Caller, Error, Result};

/// Makes it another kind of router. It has to be down for that (alias `router-admin-state-down-before-update`): before,
/// not only with the same request.
pub(super) fn change(
    router: &mut Router,
    was_up: bool,
    distributed: Option<bool>,
    ha: Option<bool>,
) -> Result<()> {
    let up = was_up || router.admin_state_up;
    if let Some(distributed) = distributed.filter(|wanted| *wanted != router.distributed) {
        if up {
            return Err(active("the 'distributed' attribute"));
        }
        router.distributed = distributed;
    }
    if let Some(ha) = ha.filter(|wanted| *wanted != router.ha) {
        if router.admin_state_up {
            return Err(active("HA attribute"));
        }
        router.ha = ha;
    }
    Ok(())
}

/// A router of a flavor stays what its provider carries.
pub(super) fn check_provider(
    router: &Router,
    distributed: Option<&bool>,
    ha: Option<&bool>,
) -> Result<()> {
    let provider = router.provider.as_deref().and_then(ServiceProvider::named);
    if provider.is_none_or(|it| it.lacks(distributed.copied(), ha.copied()).is_none()) {
        return Ok(());
    }
    Err(Error::invalid(
        "InvalidInput",
        "Invalid input for operation: Changing the 'ha' and 'distributed' attributes on a router associated with a \
         flavor is not supported.",
    ))
}

/// Has the interfaces of a router say what kind it is now.
pub(super) async fn follow(
    tx: &mut Tx,
    caller: &Caller,
    before: &Router,
    after: &Router,
    now: Timestamp,
) -> Result<()> {
    let owners = (before.interface_owner(), after.interface_owner());
    if owners.0 == owners.1 {
        return Ok(());
    }
    store::router_ports_reown(tx, after.id, owners, now).await?;
    for (port, _) in store::router_ports(tx, after.id).await? {
        if port.device_owner == owners.1 {
            emit_port(tx, caller, Operation::Update, None, &port);
        }
    }
    Ok(())
}

fn active(what: &str) -> Error {
    bad(format!(
        "Cannot change {what} of active routers. Please set router admin_state_up to False prior to upgrade"
    ))
}
