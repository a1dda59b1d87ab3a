//! Subports go to the host of the port that carries them.

use nucleon_db::{Tx, port as ports, resource as rows};
use nucleon_model::trunk::{OWNER_SUBPORT, status};
use nucleon_model::{Port, PortId, Timestamp, Trunk, port};

use crate::entity::{Entity as _, store_changed};
use crate::{Caller, Core, Result};

/// A port came to another host, or to none: what it carries follows. The port is held.
pub(crate) async fn parent_moved(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    parent: &Port,
    now: Timestamp,
) -> Result<()> {
    let Some(id) = parent.trunk_id else { return Ok(()) };
    let Some(trunk) = rows::get_held::<Trunk>(tx, id.to_string()).await? else { return Ok(()) };
    let mut trunks = [trunk];
    Trunk::complete(core, tx, caller, &mut trunks).await?;
    let [before] = trunks;
    let sub_ports = super::ids(&before.sub_ports);
    let held = ports::port_get_all_held(tx, &sub_ports).await?;
    core.ports_move(tx, caller, held, (&parent.host, OWNER_SUBPORT), now).await?;
    let mut after = before.clone();
    after.status = status_of(tx, parent, &after).await?;
    store_changed(core, tx, caller, &before, &mut after, now).await
}

/// New subports go where the port is that carries them.
pub(super) async fn join(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    parent: &Port,
    ids: &[PortId],
    now: Timestamp,
) -> Result<()> {
    if parent.host.is_empty() {
        return Ok(());
    }
    let held = ports::port_get_all_held(tx, ids).await?;
    core.ports_move(tx, caller, held, (&parent.host, OWNER_SUBPORT), now).await
}

/// What is carried no longer is on no host.
pub(super) async fn leave(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    ids: &[PortId],
    now: Timestamp,
) -> Result<()> {
    let mut held = ports::port_get_all_held(tx, ids).await?;
    held.retain(|port| port.device_owner == OWNER_SUBPORT);
    core.ports_move(tx, caller, held, ("", ""), now).await
}

/// What a trunk's ports make of it.
pub(super) async fn status_of(tx: &mut Tx, parent: &Port, trunk: &Trunk) -> Result<String> {
    if parent.host.is_empty() {
        return Ok(status::DOWN.to_owned());
    }
    let carried = ports::port_get_all(tx, &super::ids(&trunk.sub_ports)).await?;
    let failed = carried.iter().any(|port| port.vif_type == port::vif_type::BINDING_FAILED);
    Ok(if failed { status::ERROR } else { status::BUILD }.to_owned())
}
