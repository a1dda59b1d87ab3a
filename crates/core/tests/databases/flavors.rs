//! Flavors, service profiles, and routers that are made of them.

use nucleon_core::Error;
use nucleon_core::Noun as _;
use nucleon_model::{Flavor, FlavorProfile, ListQuery, Router, ServiceProfile};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, draft_of, each, member, merged, refused, refused_as};

const SINGLE: &str = "neutron.services.l3_router.service_providers.single_node.SingleNodeDriver";

async fn flavor(cloud: &Cloud) -> Flavor {
    cloud.try_create(json!({"name": "f", "service_type": "L3_ROUTER_NAT"})).await.unwrap()
}

async fn profile(cloud: &Cloud, more: Value) -> ServiceProfile {
    cloud.try_create(merged(json!({"driver": SINGLE}), more)).await.unwrap()
}

async fn bind(
    cloud: &Cloud,
    flavor: &Flavor,
    profile: &ServiceProfile,
) -> Result<FlavorProfile, Error> {
    let draft = draft_of::<FlavorProfile>(json!({"id": profile.id}));
    cloud.flavor_profile_bind(&admin(), &flavor.key(), &draft).await
}

async fn unbind(cloud: &Cloud, flavor: &Flavor, profile: &ServiceProfile) -> Result<(), Error> {
    cloud.flavor_profile_unbind(&admin(), &flavor.key(), &profile.key()).await
}

#[tokio::test]
async fn a_profile_that_a_flavor_is_bound_to_stays_as_it_is() {
    each(async |cloud| {
        let (flavor, profile) = (flavor(&cloud).await, profile(&cloud, json!({})).await);
        bind(&cloud, &flavor, &profile).await.unwrap();
        refused(
            bind(&cloud, &flavor, &profile).await,
            "FlavorServiceProfileBindingExists",
            &format!(
                "Service Profile {} is already associated with flavor {}.",
                profile.id, flavor.id
            ),
        );
        let now = Flavor::show(&cloud, &member("p1"), &flavor.key()).await.unwrap();
        assert_eq!((now.service_profiles, now.revision_number), (vec![profile.id], 2));
        let in_use = format!("Service Profile {} is used by some service instance.", profile.id);
        let outcome = cloud.try_update(&profile, json!({"enabled": false})).await;
        refused(outcome, "ServiceProfileInUse", &in_use);
        refused(cloud.try_delete(&profile).await, "ServiceProfileInUse", &in_use);
        let (owner, keys) = (admin(), (flavor.key(), profile.key()));
        cloud.flavor_profile_show(&owner, &keys.0, &keys.1).await.unwrap();
        let provider = cloud.flavor_next_provider(&member("p1"), &keys.0).await.unwrap();
        assert_eq!(provider.name, "single_node");
        unbind(&cloud, &flavor, &profile).await.unwrap();
        let gone = format!("Service Profile {} is not associated with flavor {}.", keys.1, keys.0);
        let name = "FlavorServiceProfileBindingNotFound";
        refused(unbind(&cloud, &flavor, &profile).await, name, &gone);
        refused(cloud.flavor_profile_show(&owner, &keys.0, &keys.1).await, name, &gone);
        let outcome = cloud.flavor_next_provider(&member("p1"), &keys.0).await;
        let gone = format!("Service Profile  is not associated with flavor {}.", flavor.id);
        refused(outcome, name, &gone);
        cloud.update(&profile, json!({"enabled": false})).await;
        bind(&cloud, &flavor, &profile).await.unwrap();
        refused(
            cloud.flavor_next_provider(&member("p1"), &keys.0).await,
            "ServiceProfileDisabled",
            "Service Profile is not enabled.",
        );
        cloud.delete(&flavor).await;
        cloud.delete(&profile).await;
        refused_as(bind(&cloud, &flavor, &profile).await, "FlavorNotFound");
    })
    .await;
}

#[tokio::test]
async fn a_profile_has_a_driver_that_somebody_provides_or_says_something_else() {
    each(async |cloud| {
        let make = async |attributes| cloud.try_create::<ServiceProfile>(attributes).await;
        refused(
            make(json!({})).await,
            "ServiceProfileEmpty",
            "Service Profile needs either a driver or metainfo.",
        );
        refused(
            make(json!({"driver": "none.such"})).await,
            "ServiceProfileDriverNotFound",
            "Service Profile driver none.such could not be found.",
        );
        let made = make(json!({"metainfo": "{\"data\": \"value\"}"})).await.unwrap();
        assert!(made.enabled && made.driver.is_empty());
        refused_as(
            cloud.try_update(&made, json!({"driver": "none.such"})).await,
            "ServiceProfileDriverNotFound",
        );
        let flavor = flavor(&cloud).await;
        let renamed = cloud.update(&flavor, json!({"name": "g", "enabled": false})).await;
        assert_eq!((renamed.name.as_str(), renamed.enabled), ("g", false));
        let list = ListQuery::default;
        assert_eq!(Flavor::list(&cloud, &member("p1"), list()).await.unwrap(), [renamed]);
        assert_eq!(ServiceProfile::list(&cloud, &member("p1"), list()).await.unwrap(), []);
        refused_as(
            cloud.create_as::<Flavor>(&member("p1"), json!({"service_type": "CORE"})).await,
            "PolicyNotAuthorized",
        );
    })
    .await;
}

#[tokio::test]
async fn a_router_of_a_flavor_is_of_the_kind_that_its_provider_carries() {
    each(async |cloud| {
        let (flavor, profile) = (flavor(&cloud).await, profile(&cloud, json!({})).await);
        let make = async |more: Value| {
            let base = json!({"project_id": "p1", "flavor_id": flavor.id});
            cloud.try_create::<Router>(merged(base, more)).await
        };
        refused_as(make(json!({})).await, "FlavorServiceProfileBindingNotFound");
        bind(&cloud, &flavor, &profile).await.unwrap();
        refused(
            make(json!({"distributed": true})).await,
            "InvalidInput",
            "Invalid input for operation: Provider single_node does not support distributed=True.",
        );
        refused(
            make(json!({"flavor_id": "none"})).await,
            "FlavorNotFound",
            "Flavor none could not be found.",
        );
        let router = make(json!({"ha": false, "admin_state_up": false})).await.unwrap();
        assert_eq!(router.flavor_id, Some(flavor.key()));
        let outcome = cloud.try_delete(&flavor).await;
        let text = format!("Flavor {} is used by some service instance.", flavor.id);
        refused(outcome, "FlavorInUse", &text);
        refused(
            cloud.try_update(&router, json!({"ha": true})).await,
            "InvalidInput",
            "Invalid input for operation: Changing the 'ha' and 'distributed' attributes on a router associated \
             with a flavor is not supported.",
        );
        cloud.update(&router, json!({"ha": false, "name": "r"})).await;
        cloud.delete(&router).await;
        cloud.delete(&flavor).await;
    })
    .await;
}
