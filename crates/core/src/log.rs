//! Logs of what security groups let through and drop.

use std::fmt::Display;

use nucleon_db::log::{self as store, Logged};
use nucleon_db::{Operation, Tx, port as ports};
use nucleon_model::log::LOGGABLE;
use nucleon_model::port::vif_type;
use nucleon_model::view::Scope;
use nucleon_model::{Log, LogDraft, Port, PortId, SecurityGroup};

use crate::change::emit;
use crate::entity::{self, Entity};
use crate::{Caller, Core, Error, Kind, Operations, Result};

impl Entity for Log {
    const OPERATIONS: Operations = Operations::PLAIN.union(Operations::BULK);

    fn of(draft: &LogDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            resource_type: draft.resource_type.get().cloned().unwrap_or_default(),
            resource_id: draft.resource_id.get().copied(),
            target_id: draft.target_id.get().copied(),
            event: draft.event.get().cloned().unwrap_or_else(|| "ALL".to_owned()),
            enabled: draft.enabled.get().copied().unwrap_or(true),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Group and port are held, so that neither goes before the log is there to go with it.
    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        _: &LogDraft,
    ) -> Result<()> {
        let kind = self.resource_type.as_str();
        if !LOGGABLE.contains(&kind) {
            let text = format!("Invalid log resource_type: {kind}.");
            return Err(Error::invalid("InvalidLogResourceType", text));
        }
        if let Some(group) = self.resource_id {
            let found = entity::load_seen::<SecurityGroup>(core, tx, caller, group).await;
            found.map_err(|error| match error.kind() {
                Kind::NotFound => missing("ResourceNotFound", "Resource", group),
                _ => error,
            })?;
        }
        let Some(target) = self.target_id else { return Ok(()) };
        let port = own_port(tx, caller, target).await?;
        if !can_log(&port) {
            return Err(Error::conflict(
                "LoggingTypeNotSupported",
                format!("Logging type {kind} is not supported on port {target}."),
            ));
        }
        match self.resource_id {
            Some(group) if !port.security_groups.contains(&group) => Err(Error::invalid(
                "InvalidResourceConstraint",
                format!(
                    "Invalid resource constraint between resource ({kind} {group}) and target resource (port \
                     {target})."
                ),
            )),
            _ => Ok(()),
        }
    }

    async fn change(&mut self, _: &Core, _: &mut Tx, _: &Caller, draft: LogDraft) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.enabled.apply(&mut self.enabled);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        self.resource_id.map(Scope::SecurityGroup).into_iter().collect()
    }
}

impl Core {
    /// What may be logged; nothing for whom policy shows nothing.
    pub fn loggable_resources(&self, caller: &Caller) -> &'static [&'static str] {
        let permitted = self.permit_in(caller, "get_loggable_resource", caller.project_id());
        permitted.map_or(&[], |()| LOGGABLE)
    }
}

fn missing(name: &'static str, what: &str, id: impl Display) -> Error {
    Error::new(Kind::NotFound, name, format!("{what} {id} could not be found."))
}

/// A port of the caller's project, or any for an administrator.
async fn own_port(tx: &mut Tx, caller: &Caller, id: PortId) -> Result<Port> {
    let port = ports::port_get_held(tx, id).await?;
    port.filter(|port| caller.is_admin() || port.project_id == caller.project_id())
        .ok_or_else(|| missing("TargetResourceNotFound", "Target resource", id))
}

/// Whether the packets of a port pass where they can be logged: as it is bound, or as it asks to be.
fn can_log(port: &Port) -> bool {
    match port.vif_type.as_str() {
        vif_type::OVS | "vhostuser" => true,
        vif_type::UNBOUND | vif_type::BINDING_FAILED => port.vnic_type == "normal",
        _ => false,
    }
}

/// What logs are about goes, and they with it. It is held.
pub(crate) async fn logged_goes(tx: &mut Tx, caller: &Caller, logged: Logged) -> Result<()> {
    for log in store::log_delete_about(tx, logged).await? {
        emit(tx, caller, Operation::Delete, &log, &log.scopes());
    }
    Ok(())
}
