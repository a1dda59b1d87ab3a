//! Rules of security groups.

use nucleon_core::{Error, Noun};
use nucleon_model::{AddressGroup, ListQuery, SecurityGroup, SecurityGroupRule};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, draft, each, member, merged, refused, refused_as};
use crate::security_groups::{group, share};

async fn rules(
    cloud: &Cloud,
    group: &SecurityGroup,
    wanted: Vec<Value>,
) -> Result<Vec<SecurityGroupRule>, Error> {
    let base = json!({"security_group_id": group.key(), "direction": "ingress"});
    let drafts =
        wanted.into_iter().map(|more| draft::<SecurityGroupRule>(merged(base.clone(), more)));
    SecurityGroupRule::create(cloud, &member("p1"), drafts.collect()).await
}

async fn rule(
    cloud: &Cloud,
    group: &SecurityGroup,
    wanted: Value,
) -> Result<SecurityGroupRule, Error> {
    Ok(rules(cloud, group, vec![wanted]).await?.remove(0))
}

#[tokio::test]
async fn a_rule_is_part_of_its_group() {
    each(async |cloud| {
        let before = group(&cloud, "p1", "web").await;
        let made = rule(&cloud, &before, json!({"remote_ip_prefix": "10.0.0.34/24"})).await;
        let made = made.unwrap();
        assert_eq!(made.remote_ip_prefix.unwrap().to_string(), "10.0.0.34/24");
        assert_eq!(made.normalized_cidr.unwrap().to_string(), "10.0.0.0/24");
        assert_eq!((made.project_id.as_str(), made.belongs_to_default_sg), ("p1", false));
        let with = cloud.now_of(&before).await;
        assert_eq!(with.revision_number, before.revision_number + 1);
        let shown = SecurityGroupRule::show(&cloud, &member("p1"), &made.key()).await.unwrap();
        assert!(with.security_group_rules.iter().any(|rule| rule.id == shown.id));
        cloud.delete(&made).await;
        let without = cloud.now_of(&before).await;
        assert_eq!(without.revision_number, with.revision_number + 1);
        assert_eq!(without.security_group_rules.len(), 2);
        refused(
            SecurityGroupRule::show(&cloud, &member("p1"), &made.key()).await,
            "SecurityGroupRuleNotFound",
            &format!("Security group rule {} does not exist", made.id),
        );
    })
    .await;
}

#[tokio::test]
async fn a_rule_comes_once() {
    each(async |cloud| {
        let group = group(&cloud, "p1", "web").await;
        let web = json!({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80});
        let made = rule(&cloud, &group, web.clone()).await.unwrap();
        let text = format!("Security group rule already exists. Rule id is {}.", made.id);
        let by_number =
            merged(web.clone(), json!({"protocol": "6", "remote_ip_prefix": "0.0.0.0/0"}));
        refused(rule(&cloud, &group, by_number).await, "SecurityGroupRuleExists", &text);
        refused(
            rules(&cloud, &group, vec![json!({"protocol": "udp"}), json!({"protocol": 17})]).await,
            "DuplicateSecurityGroupRuleInPost",
            "Duplicate Security Group Rule in POST.",
        );
        // All or nothing.
        let new = json!({"protocol": "udp"});
        refused_as(rules(&cloud, &group, vec![new, web]).await, "SecurityGroupRuleExists");
        assert_eq!(cloud.now_of(&group).await.security_group_rules.len(), 3);
        let from_group = json!({"remote_group_id": group.key()});
        rule(&cloud, &group, from_group).await.unwrap();
        let written_otherwise = json!({"remote_group_id": group.key().to_uppercase()});
        refused_as(rule(&cloud, &group, written_otherwise).await, "SecurityGroupRuleExists");
    })
    .await;
}

#[tokio::test]
async fn the_rules_of_a_request_are_of_one_group_and_project() {
    each(async |cloud| {
        let (one, other) = (group(&cloud, "p1", "one").await, group(&cloud, "p1", "other").await);
        let of = |group: &SecurityGroup, project: &str| {
            draft::<SecurityGroupRule>(json!({
                "security_group_id": group.key(), "direction": "ingress", "project_id": project,
                "protocol": if project == "p1" { "tcp" } else { "udp" },
            }))
        };
        let mixed = vec![of(&one, "p1"), of(&other, "p1")];
        refused_as(
            SecurityGroupRule::create(&cloud, &admin(), mixed).await,
            "SecurityGroupNotSingleGroupRules",
        );
        let mixed = vec![of(&one, "p1"), of(&one, "p2")];
        refused_as(
            SecurityGroupRule::create(&cloud, &admin(), mixed).await,
            "SecurityGroupRulesNotSingleProject",
        );
        let nowhere = json!({"security_group_id": "nope", "direction": "egress"});
        refused(
            cloud.try_create::<SecurityGroupRule>(nowhere).await,
            "SecurityGroupNotFound",
            "Security group nope does not exist",
        );
    })
    .await;
}

#[tokio::test]
async fn rules_are_seen_and_made_by_the_project_of_their_group() {
    each(async |cloud| {
        let group = group(&cloud, "p1", "web").await;
        let wanted = json!({"security_group_id": group.key(), "direction": "ingress"});
        // Also of an administrator's rule.
        let made: SecurityGroupRule = cloud.try_create(wanted.clone()).await.unwrap();
        assert_eq!(made.project_id, "adm");
        let seen_by = async |project: &str| {
            let query = ListQuery::default();
            let rules = SecurityGroupRule::list(&cloud, &member(project), query).await.unwrap();
            rules.iter().any(|rule| rule.id == made.id)
        };
        assert_eq!((seen_by("p1").await, seen_by("p2").await), (true, false));
        let strange = cloud.create_as::<SecurityGroupRule>(&member("p2"), wanted).await;
        refused_as(strange, "PolicyNotAuthorized");
        let strange = cloud.delete_as(&member("p2"), &made).await;
        refused_as(strange, "SecurityGroupRuleNotFound");
    })
    .await;
}

#[tokio::test]
async fn the_other_end_must_be_within_reach() {
    each(async |cloud| {
        let (own, theirs) = (group(&cloud, "p1", "own").await, group(&cloud, "p2", "theirs").await);
        let from = |group: &SecurityGroup| json!({"remote_group_id": group.key()});
        let text = format!("Security group {} does not exist", theirs.id);
        refused(rule(&cloud, &own, from(&theirs)).await, "SecurityGroupNotFound", &text);
        share(&cloud, &theirs, "p1").await;
        rule(&cloud, &own, from(&theirs)).await.unwrap();
        rule(&cloud, &own, from(&own)).await.unwrap();
        let revision = cloud.now_of(&own).await.revision_number;
        // The group at the other end takes the rule with it.
        cloud.delete(&theirs).await;
        let left = cloud.now_of(&own).await;
        assert_eq!((left.security_group_rules.len(), left.revision_number), (3, revision + 1));
        refused(
            rule(&cloud, &own, json!({"remote_address_group_id": "nope"})).await,
            "AddressGroupNotFound",
            "Address group nope could not be found.",
        );
    })
    .await;
}

#[tokio::test]
async fn an_address_group_is_kept_by_the_rules_that_name_it() {
    each(async |cloud| {
        let wanted =
            json!({"name": "a", "project_id": "p1", "addresses": ["10.0.0.9/24", "fd00::/8"]});
        let addresses: AddressGroup = cloud.create_as(&member("p1"), wanted).await.unwrap();
        let texts = |group: &AddressGroup| {
            group.addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(texts(&addresses), ["10.0.0.0/24", "fd00::/8"]);
        let id = addresses.key();
        let more = || vec!["10.1.0.0/16".parse().unwrap(), "10.1.0.7/16".parse().unwrap()];
        let with = cloud.address_group_add(&member("p1"), &id, more()).await.unwrap();
        assert_eq!(texts(&with), ["10.0.0.0/24", "fd00::/8", "10.1.0.0/16"]);
        assert_eq!(with.revision_number, 2);
        refused(
            cloud.address_group_add(&member("p1"), &id, more()).await,
            "AddressesAlreadyExist",
            &format!("Addresses ['10.1.0.0/16'] already exist in the address group {id}."),
        );
        cloud.address_group_remove(&member("p1"), &id, more()).await.unwrap();
        refused(
            cloud.address_group_remove(&member("p1"), &id, more()).await,
            "AddressesNotFound",
            &format!("Addresses ['10.1.0.0/16'] not found in the address group {id}."),
        );
        refused_as(
            cloud.address_group_add(&member("p2"), &id, more()).await,
            "AddressGroupNotFound",
        );
        let group = group(&cloud, "p1", "web").await;
        let named = rule(&cloud, &group, json!({"remote_address_group_id": id})).await.unwrap();
        refused(
            cloud.try_delete(&addresses).await,
            "AddressGroupInUse",
            &format!("Address group {id} is in use on one or more security group rules."),
        );
        cloud.delete(&named).await;
        cloud.delete(&addresses).await;
    })
    .await;
}
