//! Trunks.
//!
//! The row of the port that carries the others is the guard: whoever changes what is on a trunk, or moves that port to
//! another host, holds it, and after it the subports. Each port knows by its own row which trunk it is part of.

mod check;
mod follow;

use nucleon_db::trunk::{self as store, Part};
use nucleon_db::{Tx, port as ports, resource as rows};
use nucleon_model::trunk::{SubPorts, status};
use nucleon_model::{
    Port, PortId, Resource as _, SubPort, SubPortRequest, Timestamp, Trunk, TrunkDetails,
    TrunkDraft, TrunkId,
};
use serde_json::Value;

pub(crate) use self::check::check_deletable;
pub(crate) use self::follow::parent_moved;

use self::check::Candidates;
use crate::change::emit_port_status;
use crate::entity::{self, Entity, load_for, store_changed};
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Kind, Noun as _, Operations, Result};

impl Entity for Trunk {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &TrunkDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            admin_state_up: draft.admin_state_up.get().copied().unwrap_or(true),
            port_id: draft.port_id.get().copied().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            status: status::DOWN.to_owned(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &TrunkDraft,
    ) -> Result<()> {
        let wanted = draft.sub_ports.get().map(Vec::as_slice).unwrap_or_default();
        let candidates = Candidates::load(core, tx, caller, self.port_id, wanted).await?;
        candidates.check_parent()?;
        let accepted = candidates.accept(wanted)?;
        check::apart(self, &accepted)?;
        self.sub_ports = accepted;
        Ok(())
    }

    async fn created(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        store::subport_insert(tx, self.id, &self.sub_ports).await?;
        mark(tx, caller, &[self.port_id], (Part::Parent, Some(self.id)), now).await?;
        mark(tx, caller, &ids(&self.sub_ports), (Part::SubPort, Some(self.id)), now).await
    }

    async fn change(&mut self, _: &Core, _: &mut Tx, _: &Caller, draft: TrunkDraft) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        draft.admin_state_up.apply(&mut self.admin_state_up);
        Ok(())
    }

    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        check_manageable(self)?;
        let parent = ports::port_get_held(tx, self.port_id).await?;
        if parent.is_some_and(|parent| !parent.host.is_empty()) {
            return Err(Error::conflict(
                "TrunkInUse",
                format!("Trunk {} is currently in use.", self.id),
            ));
        }
        mark(tx, caller, &[self.port_id], (Part::Parent, None), now).await?;
        let carried = ids(&self.sub_ports);
        mark(tx, caller, &carried, (Part::SubPort, None), now).await?;
        follow::leave(core, tx, caller, &carried, now).await
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, trunks: &mut [Self]) -> Result<()> {
        let ids: Vec<TrunkId> = trunks.iter().map(|trunk| trunk.id).collect();
        let mut found = store::subport_list_of(tx, &ids).await?;
        for trunk in trunks {
            trunk.sub_ports = found.remove(&trunk.id).unwrap_or_default();
        }
        Ok(())
    }

    /// Another took the port, or it went: look again.
    fn refused(&self, error: nucleon_db::Error) -> Error {
        match error {
            nucleon_db::Error::Reference { .. } => Error::collided(),
            error if error.is_conflict_on(store::TRUNK_PORT_KEY) => Error::collided(),
            error => error.into(),
        }
    }
}

impl Core {
    /// Puts ports onto a trunk.
    pub async fn trunk_subports_add(
        &self,
        caller: &Caller,
        id: &str,
        body: &Value,
    ) -> Result<Trunk> {
        const ACTION: &str = "add_subports";
        let input = (caller.clone(), entity::parse::<Trunk>(id)?, read(body)?, self.now());
        self.write(ACTION, input, |core, tx, (caller, key, wanted, now)| {
            Box::pin(async move {
                hold_parent(tx, key).await?;
                let before: Trunk = load_for(&core, tx, &caller, key, ACTION).await?;
                let candidates =
                    Candidates::load(&core, tx, &caller, before.port_id, &wanted).await?;
                let added = candidates.accept(&wanted)?;
                check_manageable(&before)?;
                check_sound(&before)?;
                check::apart(&before, &added)?;
                let mut after = before.clone();
                after.sub_ports.extend(added.iter().cloned());
                store::subport_insert(tx, key, &added).await?;
                mark(tx, &caller, &ids(&added), (Part::SubPort, Some(key)), now).await?;
                let parent = candidates.parent();
                follow::join(&core, tx, &caller, parent, &ids(&added), now).await?;
                after.status = follow::status_of(tx, parent, &after).await?;
                store_changed(&core, tx, &caller, &before, &mut after, now).await?;
                Ok(after)
            })
        })
        .await
    }

    /// Takes ports off a trunk.
    pub async fn trunk_subports_remove(
        &self,
        caller: &Caller,
        id: &str,
        body: &Value,
    ) -> Result<Trunk> {
        const ACTION: &str = "remove_subports";
        let input = (caller.clone(), entity::parse::<Trunk>(id)?, read(body)?, self.now());
        self.write(ACTION, input, |core, tx, (caller, key, wanted, now)| {
            Box::pin(async move {
                let parent = hold_parent(tx, key).await?;
                let before: Trunk = load_for(&core, tx, &caller, key, ACTION).await?;
                check_manageable(&before)?;
                let removed: Vec<PortId> = wanted.iter().map(|request| request.port_id).collect();
                let missing = removed
                    .iter()
                    .find(|id| !before.sub_ports.iter().any(|held| held.port_id == **id));
                if let Some(missing) = missing {
                    return Err(Error::new(
                        Kind::NotFound,
                        "SubPortNotFound",
                        format!("SubPort {missing} on trunk {key} could not be found."),
                    ));
                }
                let mut after = before.clone();
                after.sub_ports.retain(|held| !removed.contains(&held.port_id));
                store::subport_delete(tx, &removed).await?;
                mark(tx, &caller, &removed, (Part::SubPort, None), now).await?;
                follow::leave(&core, tx, &caller, &removed, now).await?;
                after.status = follow::status_of(tx, &parent, &after).await?;
                store_changed(&core, tx, &caller, &before, &mut after, now).await?;
                Ok(after)
            })
        })
        .await
    }

    /// The ports on a trunk.
    pub async fn trunk_subports(&self, caller: &Caller, id: &str) -> Result<SubPorts> {
        let trunk = Trunk::show(self, caller, id).await?;
        self.authorise_rule(caller, "get_subports", &trunk)?;
        Ok(SubPorts { sub_ports: trunk.sub_ports })
    }
}

/// Shows ports their trunks. One statement for all, and none where no port carries others.
pub(crate) async fn show_details(tx: &mut Tx, ports: &mut [Port]) -> Result<()> {
    let trunks: Vec<TrunkId> = ports.iter().filter_map(|port| port.trunk_id).collect();
    if trunks.is_empty() {
        return Ok(());
    }
    let mut found = store::subport_details_of(tx, &trunks).await?;
    for port in ports {
        port.trunk_details = port.trunk_id.map(|trunk_id| TrunkDetails {
            trunk_id,
            sub_ports: found.remove(&trunk_id).unwrap_or_default(),
        });
    }
    Ok(())
}

fn read(body: &Value) -> Result<Vec<SubPortRequest>> {
    let wanted = body.get("sub_ports").ok_or_else(|| {
        Error::invalid("HTTPBadRequest", "Unable to find 'sub_ports' in request body")
    })?;
    SubPortRequest::list_from_json(wanted).map_err(|invalid| match invalid {
        nucleon_model::Invalid::Typed { name, message } => Error::invalid(name, message),
        other => invalid_input(other),
    })
}

fn ids(sub_ports: &[SubPort]) -> Vec<PortId> {
    sub_ports.iter().map(|sub_port| sub_port.port_id).collect()
}

/// The port that carries a trunk's others, held before the trunk is.
async fn hold_parent(tx: &mut Tx, id: TrunkId) -> Result<Port> {
    let missing = || Error::not_found(Trunk::DECL, id);
    let trunk: Trunk = rows::get(tx, id.to_string()).await?.ok_or_else(missing)?;
    ports::port_get_held(tx, trunk.port_id).await?.ok_or_else(missing)
}

/// Notes in the rows of ports which trunk they are part of, and says that they changed.
async fn mark(
    tx: &mut Tx,
    caller: &Caller,
    ids: &[PortId],
    (part, trunk): (Part, Option<TrunkId>),
    now: Timestamp,
) -> Result<()> {
    let before = ports::port_get_all_held(tx, ids).await?;
    store::port_set_trunk(tx, ids, part, trunk, now).await?;
    for port in before {
        emit_port_status(tx, caller, port.id, port.revision_number + 1);
    }
    Ok(())
}

fn check_manageable(trunk: &Trunk) -> Result<()> {
    if trunk.admin_state_up {
        return Ok(());
    }
    let text = format!("Trunk {} is currently disabled.", trunk.id);
    Err(Error::conflict("TrunkDisabled", text))
}

fn check_sound(trunk: &Trunk) -> Result<()> {
    if trunk.status != status::ERROR {
        return Ok(());
    }
    Err(Error::conflict(
        "TrunkInErrorState",
        format!(
            "Trunk {} is in error state. Attempt to resolve the error condition before proceeding.",
            trunk.id
        ),
    ))
}
