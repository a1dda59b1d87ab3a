//! Address scopes.

use nucleon_db::Tx;
use nucleon_db::address_scope::OBJECT_TYPE;
use nucleon_db::subnetpool::subnetpool_uses_scope;
use nucleon_model::{AddressScope, AddressScopeDraft, Timestamp};

use crate::entity::Entity;
use crate::sharing;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for AddressScope {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &AddressScopeDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            ip_version: draft.ip_version.get().copied().unwrap_or_default(),
            shared: draft.shared.get().copied().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn created(&mut self, core: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if self.shared {
            sharing::share_with_all(core, tx, OBJECT_TYPE, self).await?;
        }
        Ok(())
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: AddressScopeDraft,
    ) -> Result<()> {
        draft.name.apply(&mut self.name);
        let was_shared = self.shared;
        draft.shared.apply(&mut self.shared);
        if was_shared && !self.shared {
            return Err(Error::invalid(
                "AddressScopeUpdateError",
                format!(
                    "Unable to update address scope {} : Shared address scope can't be unshared.",
                    self.id
                ),
            ));
        }
        Ok(())
    }

    async fn changed(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        _: &Caller,
        before: &Self,
        _: Timestamp,
    ) -> Result<()> {
        if self.shared && !before.shared {
            sharing::share_with_all(core, tx, OBJECT_TYPE, self).await?;
        }
        Ok(())
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if subnetpool_uses_scope(tx, self.id).await? {
            return Err(Error::conflict(
                "AddressScopeInUse",
                format!(
                    "Unable to complete operation on address scope {}. There are one or more \
                     subnet pools in use on the address scope.",
                    self.id
                ),
            ));
        }
        sharing::forget(tx, OBJECT_TYPE, self).await
    }

    async fn complete(_: &Core, tx: &mut Tx, caller: &Caller, objects: &mut [Self]) -> Result<()> {
        sharing::show(tx, caller, OBJECT_TYPE, objects, |scope, shared| scope.shared = shared).await
    }
}
