//! Metering labels and their rules.

use nucleon_core::{Caller, Noun as _};
use nucleon_model::{ListQuery, MeteringLabel, MeteringLabelRule};
use serde_json::{Value, json};

use crate::scene::{Cloud, each, member, merged, refused, refused_as};

/// Whoever manages a project.
fn manager(project: &str) -> Caller {
    let roles = ["manager", "member", "reader"].map(str::to_owned).to_vec();
    Caller::new(project.to_owned(), roles, "req-test".to_owned())
}

async fn label(cloud: &Cloud, project: &str, more: Value) -> MeteringLabel {
    cloud.try_create(merged(json!({"project_id": project}), more)).await.unwrap()
}

fn rule(label: &MeteringLabel, more: Value) -> Value {
    let base = json!({
        "metering_label_id": label.id, "direction": "ingress", "project_id": label.project_id
    });
    merged(base, more)
}

#[tokio::test]
async fn what_a_label_counts_at_the_other_end_does_not_overlap() {
    each(async |cloud| {
        let label = label(&cloud, "p1", json!({"name": "m"})).await;
        let make =
            async |more: Value| cloud.try_create::<MeteringLabelRule>(rule(&label, more)).await;
        let made = make(json!({"remote_ip_prefix": "10.0.0.5/24"})).await.unwrap();
        assert_eq!(made.remote_ip_prefix.unwrap().to_string(), "10.0.0.5/24");
        refused(
            make(json!({"remote_ip_prefix": "10.0.0.7"})).await,
            "MeteringLabelRuleOverlaps",
            "Metering label rule with remote_ip_prefix '10.0.0.7' overlaps another.",
        );
        refused_as(
            make(json!({"remote_ip_prefix": "10.0.0.0/8"})).await,
            "MeteringLabelRuleOverlaps",
        );
        for other in [
            json!({"remote_ip_prefix": "10.0.1.0/24"}),
            json!({"remote_ip_prefix": "fd00::/64"}),
            json!({"remote_ip_prefix": "10.0.0.0/25", "direction": "egress"}),
            json!({"remote_ip_prefix": "10.0.0.0/25", "excluded": true}),
            json!({"source_ip_prefix": "10.0.0.0/24", "destination_ip_prefix": "10.0.0.0/24"}),
            json!({"source_ip_prefix": "10.0.0.0/24"}),
        ] {
            make(other).await.unwrap();
        }
        cloud.delete(&made).await;
        make(json!({"remote_ip_prefix": "10.0.0.7"})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_rule_says_the_other_end_or_source_and_destination() {
    each(async |cloud| {
        let label = label(&cloud, "p1", json!({})).await;
        let refusals = [
            (
                json!({}),
                "You must define at least one of the following parameters 'remote_ip_prefix', or \
                 'source_ip_prefix' or 'destination_ip_prefix'.",
            ),
            (
                json!({"remote_ip_prefix": "10.0.0.0/24", "source_ip_prefix": "10.0.0.0/24"}),
                "Cannot use 'remote-ip-prefix' in conjunction with 'source-ip-prefix' or \
                 'destination-ip-prefix'.",
            ),
            (
                json!({"source_ip_prefix": "10.0.0.0/33"}),
                "source_ip_prefix: 10.0.0.0/33 is invalid ['10.0.0.0/33' does not appear to be an IPv4 or IPv6 \
                 interface].",
            ),
        ];
        for (more, message) in refusals {
            let outcome = cloud.try_create::<MeteringLabelRule>(rule(&label, more)).await;
            refused(outcome, "Invalid", message);
        }
    })
    .await;
}

#[tokio::test]
async fn rules_are_their_labels() {
    each(async |cloud| {
        let caller = manager("p1");
        let own: MeteringLabel =
            cloud.create_as(&caller, json!({"name": "own", "project_id": "p1"})).await.unwrap();
        let wanted = rule(&own, json!({"remote_ip_prefix": "10.0.0.0/24"}));
        let made: MeteringLabelRule = cloud.create_as(&caller, wanted).await.unwrap();
        let seen_by = async |caller: &Caller| {
            let list = ListQuery::default;
            let labels = MeteringLabel::list(&cloud, caller, list()).await.unwrap();
            let rules = MeteringLabelRule::list(&cloud, caller, list()).await.unwrap();
            (labels.len(), rules.len())
        };
        assert_eq!(seen_by(&member("p1")).await, (1, 1));
        assert_eq!(seen_by(&member("p2")).await, (0, 0));

        let stranger = manager("p2");
        let gone = format!("Metering label '{}' does not exist.", own.id);
        for more in [json!({"remote_ip_prefix": "10.0.0.0/8"}), json!({"source_ip_prefix": "::/0"})]
        {
            let wanted = merged(rule(&own, more), json!({"project_id": "p2"}));
            let outcome = cloud.create_as::<MeteringLabelRule>(&stranger, wanted).await;
            refused(outcome, "MeteringLabelNotFound", &gone);
        }
        refused_as(cloud.delete_as(&stranger, &made).await, "MeteringLabelRuleNotFound");
        refused_as(cloud.delete_as(&stranger, &own).await, "MeteringLabelNotFound");
        refused_as(cloud.delete_as(&member("p1"), &made).await, "PolicyNotAuthorized");

        cloud.delete_as(&caller, &own).await.unwrap();
        assert_eq!(seen_by(&caller).await, (0, 0));
        refused(
            MeteringLabelRule::show(&cloud, &caller, &made.key()).await,
            "MeteringLabelRuleNotFound",
            &format!("Metering label rule '{}' does not exist.", made.id),
        );
    })
    .await;
}
