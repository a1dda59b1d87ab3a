//! Security groups: the one that every project has, and others.

use nucleon_core::{Caller, Error, Noun, Precondition};
use nucleon_model::{
    DefaultSecurityGroupRule, Field, ListQuery, SecurityGroup, SecurityGroupRule, Statefulness,
    StatefulnessDraft,
};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, draft, each, member, refused, refused_as};

pub(crate) async fn groups(cloud: &Cloud, caller: &Caller, query: ListQuery) -> Vec<SecurityGroup> {
    SecurityGroup::list(cloud, caller, query).await.unwrap()
}

/// The default group of a project, as its members see it.
pub(crate) async fn default_of(cloud: &Cloud, project: &str) -> SecurityGroup {
    let seen = groups(cloud, &member(project), ListQuery::default()).await;
    seen.into_iter().find(|group| group.name == "default").unwrap()
}

pub(crate) async fn group(cloud: &Cloud, project: &str, name: &str) -> SecurityGroup {
    let wanted = json!({"name": name, "project_id": project});
    cloud.create_as(&member(project), wanted).await.unwrap()
}

async fn change(
    cloud: &Cloud,
    caller: &Caller,
    group: &SecurityGroup,
    to: Value,
) -> Result<SecurityGroup, Error> {
    let wanted = draft::<SecurityGroup>(to);
    SecurityGroup::update(cloud, caller, &group.key(), wanted, Precondition::default()).await
}

/// What of its rules a group does not share with any other of its kind.
fn shapes(group: &SecurityGroup) -> Vec<String> {
    let mut shapes: Vec<String> = group
        .security_group_rules
        .iter()
        .map(|rule| {
            let from_itself = rule.remote_group_id.map(|other| other == group.id);
            let owned = (rule.project_id == group.project_id, rule.belongs_to_default_sg);
            format!("{} {} {from_itself:?} {owned:?}", rule.direction, rule.ethertype)
        })
        .collect();
    shapes.sort();
    shapes
}

#[tokio::test]
async fn a_project_has_a_default_group_that_it_did_not_ask_for() {
    each(async |cloud| {
        let group = default_of(&cloud, "p1").await;
        assert_eq!((group.project_id.as_str(), group.stateful, group.shared), ("p1", true, false));
        assert_eq!(
            shapes(&group),
            [
                "egress IPv4 None (true, true)",
                "egress IPv6 None (true, true)",
                "ingress IPv4 Some(true) (true, true)",
                "ingress IPv6 Some(true) (true, true)",
            ]
        );
        assert_eq!(default_of(&cloud, "p1").await, group);
        let another = json!({"name": "Default", "project_id": "p1"});
        refused(
            cloud.create_as::<SecurityGroup>(&member("p1"), another).await,
            "SecurityGroupDefaultAlreadyExists",
            "Default security group already exists.",
        );
        let renamed = change(&cloud, &member("p1"), &group, json!({"name": "x"})).await;
        refused_as(renamed, "SecurityGroupCannotUpdateDefault");
        let described = change(&cloud, &member("p1"), &group, json!({"description": "x"})).await;
        assert_eq!(described.unwrap().description, "x");
        let gone = cloud.delete_as(&member("p1"), &group).await;
        refused_as(gone, "SecurityGroupCannotRemoveDefault");
        cloud.delete(&group).await;
        assert_ne!(default_of(&cloud, "p1").await.id, group.id);
    })
    .await;
}

#[tokio::test]
async fn naming_another_project_gives_it_no_group() {
    each(async |cloud| {
        let of_another = || Ask::default().with::<SecurityGroup>("project_id", &["p9".to_owned()]);
        assert_eq!(groups(&cloud, &member("p1"), of_another().query()).await, []);
        let rules = Ask::default().with::<SecurityGroupRule>("project_id", &["p9".to_owned()]);
        SecurityGroupRule::list(&cloud, &member("p1"), rules.query()).await.unwrap();
        let all = groups(&cloud, &admin(), ListQuery::default()).await;
        assert!(all.iter().all(|group| group.project_id != "p9"), "{all:?}");
        // An administrator looks after all projects.
        assert_eq!(groups(&cloud, &admin(), of_another().query()).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn other_groups_begin_with_what_lets_everything_out() {
    each(async |cloud| {
        let group = group(&cloud, "p1", "web").await;
        assert_eq!(
            shapes(&group),
            ["egress IPv4 None (true, false)", "egress IPv6 None (true, false)"]
        );
        let template = json!({
            "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
            "used_in_default_sg": false, "used_in_non_default_sg": true,
        });
        let template: DefaultSecurityGroupRule = cloud.try_create(template.clone()).await.unwrap();
        let next = crate::security_groups::group(&cloud, "p1", "next").await;
        assert_eq!(next.security_group_rules.len(), 3);
        let twice = json!({
            "direction": "ingress", "protocol": "6", "port_range_min": 22, "port_range_max": 22,
            "used_in_default_sg": true, "used_in_non_default_sg": true,
        });
        let text =
            format!("Default Security group rule already exists. Rule id is {}.", template.id);
        let again = cloud.try_create::<DefaultSecurityGroupRule>(twice);
        refused(again.await, "DefaultSecurityGroupRuleExists", &text);
        let of_default_groups = json!({
            "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
            "used_in_default_sg": true, "used_in_non_default_sg": false,
        });
        cloud.try_create::<DefaultSecurityGroupRule>(of_default_groups).await.unwrap();
        let from_nobody = json!({
            "direction": "ingress", "remote_group_id": "nobody",
            "used_in_default_sg": true, "used_in_non_default_sg": false,
        });
        let refusal = cloud.try_create::<DefaultSecurityGroupRule>(from_nobody).await;
        refused(refusal, "SecurityGroupNotFound", "Security group nobody does not exist");
    })
    .await;
}

#[tokio::test]
async fn a_template_whose_other_end_is_gone_opens_nothing() {
    each(async |cloud| {
        let other = group(&cloud, "p1", "other").await;
        let template = json!({
            "direction": "ingress", "remote_group_id": other.key(),
            "used_in_default_sg": false, "used_in_non_default_sg": true,
        });
        cloud.try_create::<DefaultSecurityGroupRule>(template).await.unwrap();
        let with = group(&cloud, "p1", "with").await;
        assert_eq!(with.security_group_rules.len(), 3);
        cloud.delete(&other).await;
        // The rule that named it went with it.
        assert_eq!(cloud.now_of(&with).await.security_group_rules.len(), 2);
        let without = group(&cloud, "p1", "without").await;
        assert_eq!(without.security_group_rules.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn new_groups_keep_state_as_their_project_has_it() {
    each(async |cloud| {
        let stateful = async |project: &str| group(&cloud, project, "g").await.stateful;
        assert!(stateful("p1").await);
        let everywhere =
            StatefulnessDraft { stateful: Field::Value(false), ..StatefulnessDraft::default() };
        Statefulness::create(&cloud, &admin(), vec![everywhere]).await.unwrap();
        let own = json!({"project_id": "p1", "stateful": true});
        let own: Statefulness = cloud.try_create(own).await.unwrap();
        assert_eq!((stateful("p1").await, stateful("p2").await), (true, false));
        refused(
            cloud.try_create::<Statefulness>(json!({"project_id": "p1"})).await,
            "SecurityGroupDefaultStatefulnessAlreadyExists",
            "A security group default statefulness setting already exists for project 'p1'.",
        );
        cloud.update(&own, json!({"stateful": false})).await;
        assert!(!stateful("p1").await);
        let said = json!({"name": "said", "project_id": "p1", "stateful": true});
        assert!(cloud.try_create::<SecurityGroup>(said).await.unwrap().stateful);
    })
    .await;
}

#[tokio::test]
async fn a_group_can_be_shared_with_a_project() {
    each(async |cloud| {
        let group = group(&cloud, "p1", "web").await;
        let seen =
            async |project: &str| SecurityGroup::show(&cloud, &member(project), &group.key()).await;
        refused_as(seen("p2").await, "SecurityGroupNotFound");
        share(&cloud, &group, "p2").await;
        let shared = seen("p2").await.unwrap();
        assert!(shared.shared);
        assert_eq!(shared.security_group_rules.len(), 2);
        refused_as(seen("p3").await, "SecurityGroupNotFound");
        let query = Ask::default().with::<SecurityGroup>("shared", &[true]).query();
        assert_eq!(groups(&cloud, &member("p2"), query).await, [shared]);
    })
    .await;
}

pub(crate) async fn share(cloud: &Cloud, group: &SecurityGroup, project: &str) {
    let (object_id, project) = (group.key(), project.to_owned());
    let id = nucleon_model::RbacPolicyId::new(uuid::Uuid::now_v7());
    let shared = cloud.store().write("share", move |tx| {
        let (object_id, project) = (object_id.clone(), project.clone());
        Box::pin(async move {
            let row = nucleon_db::rbac::Row {
                id,
                project_id: "p1",
                object_type: nucleon_db::security_group::OBJECT_TYPE,
                object_id: &object_id,
                action: nucleon_db::rbac::ACCESS_AS_SHARED,
                target_project: &project,
            };
            nucleon_db::rbac::rbac_share(tx, &row).await
        })
    });
    shared.await.unwrap();
}
