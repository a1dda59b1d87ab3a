//! Conntrack helpers of routers.

use nucleon_db::Tx;
use nucleon_db::conntrack_helper::HELPER_KEY;
use nucleon_model::{
    ConntrackHelper, ConntrackHelperDraft, Resource as _, Router, RouterId, Timestamp,
};

use crate::child::{self, Child};
use crate::entity::{self, Entity};
use crate::{Caller, Core, Error, Operations, Result};

impl Child for ConntrackHelper {
    type Parent = Router;

    const PARENT_COLUMN: &'static str = "router_id";

    fn parent_id(&self) -> RouterId {
        self.router_id
    }

    fn set_parent_id(&mut self, id: RouterId) {
        self.router_id = id;
    }
}

impl Entity for ConntrackHelper {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &ConntrackHelperDraft) -> Self {
        Self {
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            protocol: draft.protocol.get().cloned().unwrap_or_default(),
            port: draft.port.get().copied().unwrap_or_default(),
            helper: draft.helper.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn load_parents(tx: &mut Tx, helpers: &mut [Self]) -> Result<()> {
        child::load_parents(tx, helpers).await
    }

    async fn prepare(
        &mut self,
        core: &Core,
        _: &mut Tx,
        _: &Caller,
        _: &ConntrackHelperDraft,
    ) -> Result<()> {
        check(self, &core.settings().allowed_conntrack_helpers)
    }

    async fn created(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        entity::touch::<Router>(tx, caller, self.router_id, now).await
    }

    async fn change(
        &mut self,
        core: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: ConntrackHelperDraft,
    ) -> Result<()> {
        draft.protocol.apply(&mut self.protocol);
        draft.port.apply(&mut self.port);
        draft.helper.apply(&mut self.helper);
        check(self, &core.settings().allowed_conntrack_helpers)
    }

    async fn changed(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        _: &Self,
        now: Timestamp,
    ) -> Result<()> {
        entity::touch::<Router>(tx, caller, self.router_id, now).await
    }

    async fn release(&self, _: &Core, tx: &mut Tx, caller: &Caller, now: Timestamp) -> Result<()> {
        entity::touch::<Router>(tx, caller, self.router_id, now).await
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        if !error.is_conflict_on(HELPER_KEY) {
            return error.into();
        }
        Error::bad_request(
            Self::DECL.name,
            format!(
                "A duplicate conntrack helper entry with same attributes already exists, conflicting values are \
                 {{'router_id': '{}', 'protocol': '{}', 'port': {}, 'helper': '{}'}}",
                self.router_id, self.protocol, self.port, self.helper
            ),
        )
    }
}

/// Only helpers that the configuration names, with the protocols that it names.
fn check(helper: &ConntrackHelper, allowed: &[(String, String)]) -> Result<()> {
    let name = &helper.helper;
    let protocols: Vec<&str> = allowed
        .iter()
        .filter(|(allowed, _)| allowed == name)
        .map(|(_, protocol)| protocol.as_str())
        .collect();
    if protocols.is_empty() {
        return Err(Error::invalid(
            "ConntrackHelperNotAllowed",
            format!("Conntrack Helper {name} is not allowed."),
        ));
    }
    if !protocols.contains(&helper.protocol.as_str()) {
        return Err(Error::invalid(
            "InvalidProtocolForHelper",
            format!(
                "Conntrack Helper {name} does not support: {}. Supported protocols are: {}",
                helper.protocol,
                protocols.join(", ")
            ),
        ));
    }
    Ok(())
}
