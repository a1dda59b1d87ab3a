//! Subnet pools.

mod allocate;
mod check;
mod prefixes;

use nucleon_db::Tx;
use nucleon_db::subnetpool::{self as store, OBJECT_TYPE};
use nucleon_ipam::blocks;
use nucleon_model::{Resource, SubnetPool, SubnetPoolDraft, Timestamp};

pub(crate) use allocate::Cut;
pub(crate) use check::check_shareable;
pub use prefixes::Onboarded;

use crate::entity::Entity;
use crate::sharing;
use crate::{Caller, Core, Error, Operations, Result};

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(SubnetPool::DECL, id)
}

impl Entity for SubnetPool {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &SubnetPoolDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            prefixes: draft.prefixes.get().cloned().unwrap_or_default(),
            default_quota: draft.default_quota.get().copied(),
            is_default: draft.is_default.get().copied().unwrap_or_default(),
            address_scope_id: draft.address_scope_id.get().copied(),
            shared: draft.shared.get().copied().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &SubnetPoolDraft,
    ) -> Result<()> {
        self.ip_version = check::version(&self.prefixes)?;
        self.prefixes = blocks::compact(&self.prefixes);
        check::Bounds::new(self.ip_version).with(draft).put_into(self)?;
        if self.is_default {
            check::no_default_yet(tx, self.ip_version).await?;
            self.default_for = Some(self.ip_version);
        }
        check::check_scope(self, core, tx, caller).await
    }

    async fn created(&mut self, core: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        store::subnetpool_free_insert(tx, self.id, &self.prefixes).await?;
        if self.shared {
            check::check_shareable(self, tx, nucleon_db::rbac::EVERYBODY).await?;
            sharing::share_with_all(core, tx, OBJECT_TYPE, self).await?;
        }
        Ok(())
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: SubnetPoolDraft,
    ) -> Result<()> {
        let before = self.clone();
        if let Some(prefixes) = draft.prefixes.get() {
            self.prefixes = check::only_grown(&before.prefixes, prefixes)?;
        }
        check::version(&self.prefixes)?;
        check::Bounds::of(&before).with(&draft).put_into(self)?;
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        draft.default_quota.apply_nullable(&mut self.default_quota);
        draft.address_scope_id.apply_nullable(&mut self.address_scope_id);
        if draft.is_default.apply(&mut self.is_default) {
            if self.is_default {
                check::no_default_yet(tx, self.ip_version).await?;
            }
            self.default_for = self.is_default.then_some(self.ip_version);
        }
        check::check_changed(self, core, tx, caller, &before).await
    }

    async fn changed(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        before: &Self,
        _: Timestamp,
    ) -> Result<()> {
        allocate::free_grown(self, tx, before, &[]).await
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if store::subnetpool_in_use(tx, self.id).await? {
            return Err(Error::invalid(
                "SubnetPoolDeleteError",
                "Unable to delete subnet pool: Subnet pool has existing allocations.",
            ));
        }
        sharing::forget(tx, OBJECT_TYPE, self).await
    }

    async fn complete(_: &Core, tx: &mut Tx, caller: &Caller, objects: &mut [Self]) -> Result<()> {
        sharing::show(tx, caller, OBJECT_TYPE, objects, |pool, shared| pool.shared = shared).await
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        // Another request made its pool the default one since we looked.
        if error.is_conflict_on(store::DEFAULT_KEY) { check::default_set() } else { error.into() }
    }
}
