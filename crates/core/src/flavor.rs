//! Flavors: bound to service profiles, the first of which says who provides the service.

use nucleon_db::{Tx, flavor as store, resource, router as routers};
use nucleon_model::{
    Flavor, FlavorDraft, FlavorId, FlavorProfile, FlavorProfileDraft, RouterDraft, ServiceProfile,
    ServiceProfileId, Timestamp,
};

use crate::entity::{self, Entity};
use crate::service_provider::ServiceProvider;
use crate::{Caller, Core, Error, Kind, Operations, Result};

impl Entity for Flavor {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &FlavorDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            description: draft.description.get().cloned(),
            service_type: draft.service_type.get().map(|it| it.0.clone()).unwrap_or_default(),
            enabled: draft.enabled.get().copied().unwrap_or(true),
            ..Self::default()
        }
    }

    async fn change(&mut self, _: &Core, _: &mut Tx, _: &Caller, draft: FlavorDraft) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply_nullable(&mut self.description);
        draft.enabled.apply(&mut self.enabled);
        Ok(())
    }

    /// Its row is held, as by whoever makes a router of it.
    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if routers::router_has_flavor(tx, self.id).await? {
            return Err(Error::conflict(
                "FlavorInUse",
                format!("Flavor {} is used by some service instance.", self.id),
            ));
        }
        Ok(())
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, flavors: &mut [Self]) -> Result<()> {
        let ids: Vec<FlavorId> = flavors.iter().map(|flavor| flavor.id).collect();
        let mut bound = store::flavor_profiles(tx, &ids).await?;
        for flavor in flavors {
            flavor.service_profiles = bound.remove(&flavor.id).unwrap_or_default();
        }
        Ok(())
    }
}

impl Core {
    /// Binds a flavor to a service profile.
    pub async fn flavor_profile_bind(
        &self,
        caller: &Caller,
        flavor: &str,
        draft: &FlavorProfileDraft,
    ) -> Result<FlavorProfile> {
        self.permit(caller, "create_flavor_service_profile")?;
        let flavor = entity::parse::<Flavor>(flavor)?;
        let bound =
            FlavorProfile { id: draft.id.get().copied().unwrap_or_default(), flavor_id: flavor };
        let input = (caller.clone(), bound.clone(), self.now());
        self.write("flavor profile bind", input, |core, tx, (caller, bound, now)| {
            Box::pin(async move {
                let (flavor, profile) = (bound.flavor_id, bound.id);
                // Both held: neither goes, nor does the profile change, before this is written.
                entity::load_held::<Flavor>(&core, tx, &caller, flavor).await?;
                entity::load_held::<ServiceProfile>(&core, tx, &caller, profile).await?;
                if store::flavor_has_profile(tx, flavor, profile).await? {
                    return Err(Error::conflict(
                        "FlavorServiceProfileBindingExists",
                        format!(
                            "Service Profile {profile} is already associated with flavor {flavor}."
                        ),
                    ));
                }
                resource::insert(tx, &[bound]).await?;
                entity::touch::<Flavor>(tx, &caller, flavor, now).await
            })
        })
        .await?;
        Ok(bound)
    }

    /// Binds it no longer.
    pub async fn flavor_profile_unbind(
        &self,
        caller: &Caller,
        flavor: &str,
        profile: &str,
    ) -> Result<()> {
        self.permit(caller, "delete_flavor_service_profile")?;
        let pair = parse_pair(flavor, profile)?;
        let input = (caller.clone(), pair, self.now());
        self.write("flavor profile unbind", input, |_, tx, (caller, (flavor, profile), now)| {
            Box::pin(async move {
                if !store::flavor_profile_unbind(tx, flavor, profile).await? {
                    return Err(not_bound(flavor, profile));
                }
                entity::touch::<Flavor>(tx, &caller, flavor, now).await
            })
        })
        .await
    }

    /// The binding of a flavor to a profile, if there is one.
    pub async fn flavor_profile_show(
        &self,
        caller: &Caller,
        flavor: &str,
        profile: &str,
    ) -> Result<FlavorProfile> {
        self.permit(caller, "get_flavor_service_profile")?;
        let (flavor, profile) = parse_pair(flavor, profile)?;
        let bound = self.store().read(|tx| {
            Box::pin(async move {
                Ok::<_, Error>(store::flavor_has_profile(tx, flavor, profile).await?)
            })
        });
        if bound.await? {
            Ok(FlavorProfile { id: profile, flavor_id: flavor })
        } else {
            Err(not_bound(flavor, profile))
        }
    }

    /// Who would provide the service that a flavor is of.
    pub async fn flavor_next_provider(
        &self,
        caller: &Caller,
        flavor: &str,
    ) -> Result<&'static ServiceProvider> {
        let flavor = <Flavor as crate::Noun>::show(self, caller, flavor).await?;
        let found = self.store().read(|tx| {
            let flavor = flavor.clone();
            Box::pin(async move { next_provider(tx, &flavor).await })
        });
        found.await
    }
}

/// Who carries a new router of a flavor. The flavor is held: it does not go before the router is there.
pub(crate) async fn provider_for(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    flavor: &str,
    draft: &RouterDraft,
) -> Result<&'static ServiceProvider> {
    let id = entity::parse::<Flavor>(flavor)?;
    let flavor = entity::load_held::<Flavor>(core, tx, caller, id).await?;
    let provider = next_provider(tx, &flavor).await?;
    let asked = (draft.distributed.get().copied(), draft.ha.get().copied());
    match provider.lacks(asked.0, asked.1) {
        None => Ok(provider),
        Some((name, asked)) => {
            let flag = if asked { "True" } else { "False" };
            let text = format!("Provider {} does not support {name}={flag}", provider.name);
            Err(Error::invalid("InvalidInput", format!("Invalid input for operation: {text}.")))
        }
    }
}

/// The provider of the first profile of a flavor.
async fn next_provider(tx: &mut Tx, flavor: &Flavor) -> Result<&'static ServiceProvider> {
    let Some(first) = flavor.service_profiles.first() else {
        return Err(not_bound(flavor.id, ""));
    };
    let profile: Option<ServiceProfile> = resource::get(tx, first.to_string()).await?;
    let profile = profile.ok_or_else(|| not_bound(flavor.id, first))?;
    if !profile.enabled {
        let text = "Service Profile is not enabled.";
        return Err(Error::new(Kind::Unavailable, "ServiceProfileDisabled", text));
    }
    ServiceProvider::of_driver(&profile.driver)
}

fn parse_pair(flavor: &str, profile: &str) -> Result<(FlavorId, ServiceProfileId)> {
    match (flavor.parse(), profile.parse()) {
        (Ok(flavor), Ok(profile)) => Ok((flavor, profile)),
        _ => Err(not_bound(flavor, profile)),
    }
}

fn not_bound(flavor: impl std::fmt::Display, profile: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::NotFound,
        "FlavorServiceProfileBindingNotFound",
        format!("Service Profile {profile} is not associated with flavor {flavor}."),
    )
}
