//! Address scopes, and with them what all entities have in common.

use nucleon_core::{Noun, Precondition};
use nucleon_model::{AddressScope, ListQuery};
use serde_json::json;

use crate::scene::{admin, each, member, refused, refused_as};

#[tokio::test]
async fn a_scope_is_made_changed_and_deleted() {
    each(async |cloud| {
        let made: AddressScope =
            cloud.try_create(json!({"name": "a", "ip_version": 4})).await.unwrap();
        assert_eq!((made.name.as_str(), made.ip_version, made.shared), ("a", 4, false));
        let renamed = cloud.update(&made, json!({"name": "b"})).await;
        assert_eq!((renamed.name.as_str(), renamed.revision_number), ("b", 2));
        let stale = Precondition { revision: Some(1) };
        refused_as(
            AddressScope::delete(&cloud, &admin(), &made.key(), stale).await,
            "RevisionNumberConstraintFailed",
        );
        cloud.delete(&made).await;
        refused(
            AddressScope::show(&cloud, &admin(), &made.key()).await,
            "AddressScopeNotFound",
            &format!("Address scope {} could not be found.", made.key()),
        );
    })
    .await;
}

#[tokio::test]
async fn a_shared_scope_is_seen_by_all_and_stays_shared() {
    each(async |cloud| {
        let own = json!({"name": "own", "ip_version": 6, "project_id": "p1"});
        let own: AddressScope = cloud.try_create(own).await.unwrap();
        let seen_by = async |project: &str| {
            let query = ListQuery::default();
            let scopes = AddressScope::list(&cloud, &member(project), query).await.unwrap();
            scopes.into_iter().map(|scope| (scope.name, scope.shared)).collect::<Vec<_>>()
        };
        assert_eq!(seen_by("p1").await, [("own".to_owned(), false)]);
        assert_eq!(seen_by("p2").await, []);
        cloud.update(&own, json!({"shared": true})).await;
        assert_eq!(seen_by("p2").await, [("own".to_owned(), true)]);
        refused_as(
            cloud.try_update(&own, json!({"shared": false})).await,
            "AddressScopeUpdateError",
        );
        cloud.delete(&own).await;
        assert_eq!(seen_by("p2").await, []);
    })
    .await;
}
