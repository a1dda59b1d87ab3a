//! Service profiles.

use nucleon_db::{Tx, flavor as store};
use nucleon_model::{ServiceProfile, ServiceProfileDraft, Timestamp};

use crate::entity::Entity;
use crate::service_provider::ServiceProvider;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for ServiceProfile {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &ServiceProfileDraft) -> Self {
        Self {
            description: draft.description.get().cloned(),
            driver: draft.driver.get().cloned().unwrap_or_default(),
            metainfo: draft.metainfo.get().cloned().unwrap_or_default(),
            enabled: draft.enabled.get().copied().unwrap_or(true),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        _: &ServiceProfileDraft,
    ) -> Result<()> {
        if !self.driver.is_empty() {
            return ServiceProvider::of_driver(&self.driver).map(drop);
        }
        if self.metainfo.is_empty() {
            return Err(Error::invalid(
                "ServiceProfileEmpty",
                "Service Profile needs either a driver or metainfo.",
            ));
        }
        Ok(())
    }

    async fn change(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        draft: ServiceProfileDraft,
    ) -> Result<()> {
        if let Some(driver) = draft.driver.get().filter(|driver| !driver.is_empty()) {
            ServiceProvider::of_driver(driver)?;
        }
        check_unbound(tx, self).await?;
        draft.description.apply_nullable(&mut self.description);
        draft.driver.apply(&mut self.driver);
        draft.metainfo.apply(&mut self.metainfo);
        draft.enabled.apply(&mut self.enabled);
        Ok(())
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        check_unbound(tx, self).await
    }
}

/// What flavors stand on does not move. The profile's row is held, as by whoever binds a flavor to it.
async fn check_unbound(tx: &mut Tx, profile: &ServiceProfile) -> Result<()> {
    if store::service_profile_is_bound(tx, profile.id).await? {
        return Err(Error::conflict(
            "ServiceProfileInUse",
            format!("Service Profile {} is used by some service instance.", profile.id),
        ));
    }
    Ok(())
}
