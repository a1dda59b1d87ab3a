//! Logs of what security groups let through and drop.

use nucleon_core::{Caller, Noun as _};
use nucleon_model::{ListQuery, Log, SecurityGroup};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{Cloud, admin, each, member, merged, refused, refused_as};

fn manager(project: &str) -> Caller {
    let roles = ["manager", "member", "reader"].map(str::to_owned).to_vec();
    Caller::new(project.to_owned(), roles, "req-test".to_owned())
}

async fn group(cloud: &Cloud, project: &str) -> SecurityGroup {
    cloud.try_create(json!({"name": "g", "project_id": project})).await.unwrap()
}

fn wanted(more: Value) -> Value {
    merged(json!({"resource_type": "security_group", "project_id": "p1"}), more)
}

async fn logs(cloud: &Cloud) -> usize {
    cloud.list::<Log>(ListQuery::default()).await.len()
}

#[tokio::test]
async fn a_log_goes_with_its_group_or_its_port() {
    each(async |cloud| {
        let group = group(&cloud, "p1").await;
        let network = cloud.network(json!({"project_id": "p1"})).await;
        let port = json!({"project_id": "p1", "security_groups": [group.id]});
        let port = cloud.port(&network, port).await;
        let make = async |more: Value| cloud.try_create::<Log>(wanted(more)).await.unwrap();
        let of_group = make(json!({"resource_id": group.id})).await;
        assert!(of_group.enabled && of_group.event == "ALL" && of_group.revision_number == 1);
        let both = make(json!({"resource_id": group.id, "target_id": port.id})).await;
        make(json!({"target_id": port.id, "event": "DROP", "enabled": false})).await;
        let all = make(json!({})).await;
        let changed = cloud.update(&all, json!({"enabled": false, "description": "d"})).await;
        assert_eq!((changed.enabled, changed.description.as_str()), (false, "d"));
        assert_eq!(logs(&cloud).await, 4);
        cloud.delete(&port).await;
        assert_eq!(logs(&cloud).await, 2);
        refused(
            Log::show(&cloud, &admin(), &both.key()).await,
            "LogResourceNotFound",
            &format!("Log resource {} could not be found.", both.id),
        );
        cloud.delete(&group).await;
        let left = cloud.list::<Log>(ListQuery::default()).await;
        assert_eq!(left, [changed]);
    })
    .await;
}

#[tokio::test]
async fn a_log_is_about_what_there_is() {
    each(async |cloud| {
        let (own, other) = (group(&cloud, "p1").await, group(&cloud, "p2").await);
        let network = cloud.network(json!({"project_id": "p1"})).await;
        let port = async |project: &str, more: Value| {
            let base = json!({"project_id": project, "security_groups": []});
            cloud.port(&network, merged(base, more)).await
        };
        let (mine, theirs) = (port("p1", json!({})).await, port("p2", json!({})).await);
        let direct = port("p1", json!({"binding:vnic_type": "direct"})).await;
        let make = async |more: Value| {
            cloud.create_as::<Log>(&manager("p1"), wanted(more)).await
        };
        refused(
            make(json!({"resource_type": "fake"})).await,
            "InvalidLogResourceType",
            "Invalid log resource_type: fake.",
        );
        for group in [Uuid::from_u128(1), other.id.uuid()] {
            refused(
                make(json!({"resource_id": group})).await,
                "ResourceNotFound",
                &format!("Resource {group} could not be found."),
            );
        }
        for port in [Uuid::from_u128(1), theirs.id.uuid()] {
            refused(
                make(json!({"target_id": port})).await,
                "TargetResourceNotFound",
                &format!("Target resource {port} could not be found."),
            );
        }
        refused(
            make(json!({"target_id": direct.id})).await,
            "LoggingTypeNotSupported",
            &format!("Logging type security_group is not supported on port {}.", direct.id),
        );
        refused(
            make(json!({"target_id": mine.id, "resource_id": own.id})).await,
            "InvalidResourceConstraint",
            &format!(
                "Invalid resource constraint between resource (security_group {}) and target resource (port {}).",
                own.id, mine.id
            ),
        );
        let made = make(json!({"target_id": mine.id})).await.unwrap();
        refused_as(cloud.delete_as(&manager("p2"), &made).await, "LogResourceNotFound");
        assert_eq!(Log::list(&cloud, &manager("p2"), ListQuery::default()).await.unwrap(), []);
        assert_eq!(cloud.loggable_resources(&manager("p1")), ["security_group"]);
        assert!(cloud.loggable_resources(&member("p1")).is_empty());
    })
    .await;
}
