//! QoS policies, their rules, and what comes under them.

use nucleon_core::{Caller, ChildNoun, Error, Noun as _, Precondition};
use nucleon_model::{
    BandwidthLimitRule, DscpMarkingRule, FloatingIp, ListQuery, MinimumBandwidthRule,
    MinimumPacketRateRule, Network, Port, QosPolicy, RbacPolicy, Router,
};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, draft, each, member, refused, refused_as};

const ANY: Precondition = Precondition { revision: None };

async fn policy(cloud: &Cloud, attributes: Value) -> QosPolicy {
    cloud.try_create(attributes).await.unwrap()
}

async fn rule<R: ChildNoun>(
    cloud: &Cloud,
    caller: &Caller,
    policy: &QosPolicy,
    attributes: Value,
) -> Result<R, Error> {
    let drafts = vec![draft::<R>(attributes)];
    let made = R::create_under(cloud, caller, &policy.key(), drafts).await;
    made.map(|mut made| made.remove(0))
}

#[tokio::test]
async fn a_project_has_one_default_policy_for_its_new_networks() {
    each(async |cloud| {
        let first = policy(&cloud, json!({"project_id": "p1", "is_default": true})).await;
        let second = policy(&cloud, json!({"project_id": "p1"})).await;
        policy(&cloud, json!({"project_id": "p2", "is_default": true})).await;
        let message = "A default QoS policy exists for project p1.";
        let name = "QoSPolicyDefaultAlreadyExists";
        refused(cloud.try_update(&second, json!({"is_default": true})).await, name, message);
        let body = json!({"project_id": "p1", "is_default": true});
        refused(cloud.try_create::<QosPolicy>(body).await, name, message);

        let network = cloud.network(json!({"project_id": "p1"})).await;
        assert_eq!(network.qos_policy_id, Some(first.id));
        let network = cloud.network(json!({"project_id": "p1", "qos_policy_id": second.id})).await;
        assert_eq!(network.qos_policy_id, Some(second.id));
        assert_eq!(cloud.network(json!({"project_id": "p3"})).await.qos_policy_id, None);

        cloud.update(&first, json!({"is_default": false})).await;
        assert!(cloud.update(&second, json!({"is_default": true})).await.is_default);
        assert_eq!(cloud.now_of(&first).await.default_for, None);
    })
    .await;
}

#[tokio::test]
async fn the_rules_of_a_policy_agree_with_each_other() {
    each(async |cloud| {
        let policy = policy(&cloud, json!({})).await;
        let limit = json!({"max_kbps": 100});
        let limit: BandwidthLimitRule = rule(&cloud, &admin(), &policy, limit).await.unwrap();
        refused(
            rule::<BandwidthLimitRule>(&cloud, &admin(), &policy, json!({"max_kbps": 1})).await,
            "QoSRulesConflict",
            &format!(
                "Rule bandwidth_limit conflicts with rule {} which already exists in QoS Policy {}.",
                limit.id, policy.id
            ),
        );
        let more = json!({"min_kbps": 101});
        refused(
            rule::<MinimumBandwidthRule>(&cloud, &admin(), &policy, more).await,
            "QoSRuleParameterConflict",
            &format!(
                "Unable to add the rule with value 101 to the policy {} as the existing rule of type \
                 bandwidth_limit has value 100.",
                policy.id
            ),
        );
        let promise = json!({"min_kbps": 100});
        rule::<MinimumBandwidthRule>(&cloud, &admin(), &policy, promise).await.unwrap();
        let less = draft::<BandwidthLimitRule>(json!({"max_kbps": 99}));
        let (key, id) = (policy.key(), limit.id.to_string());
        refused_as(
            BandwidthLimitRule::update_under(&cloud, &admin(), &key, &id, less, ANY).await,
            "QoSRuleParameterConflict",
        );
        let both = json!({"min_kpps": 1, "direction": "any"});
        rule::<MinimumPacketRateRule>(&cloud, &admin(), &policy, both).await.unwrap();
        let one = json!({"min_kpps": 1, "direction": "ingress"});
        refused_as(
            rule::<MinimumPacketRateRule>(&cloud, &admin(), &policy, one).await,
            "QoSRuleParameterConflict",
        );
        assert_eq!(cloud.now_of(&policy).await.rules.len(), 3);
        BandwidthLimitRule::delete_under(&cloud, &admin(), &key, &id, ANY).await.unwrap();
        assert_eq!(cloud.now_of(&policy).await.rules.len(), 2);
        cloud.delete(&policy).await;
        refused_as(
            MinimumBandwidthRule::list_under(&cloud, &admin(), &key, ListQuery::default()).await,
            "QosPolicyNotFound",
        );
    })
    .await;
}

#[tokio::test]
async fn a_policy_stays_while_anything_is_under_it() {
    each(async |cloud| {
        let policy = policy(&cloud, json!({"shared": true})).await;
        let under = json!({"qos_policy_id": policy.id});
        let (outside, _) = cloud.outside("203.0.113.0/24").await;
        let gateway = json!({"network_id": outside.id, "qos_policy_id": policy.id});
        let router = cloud.router(json!({"external_gateway_info": gateway})).await;
        let gateway = router.external_gateway_info.as_ref().unwrap();
        assert_eq!(gateway.qos_policy_id, Some(Some(policy.id)));
        let body = json!({"floating_network_id": outside.id, "qos_policy_id": policy.id});
        let floating_ip: FloatingIp = cloud.try_create(body).await.unwrap();
        let network = cloud.network(under.clone()).await;
        let port = cloud.port(&network, under).await;
        let used =
            |kind: &str, id: String| format!("QoS Policy {} is used by {kind} {id}.", policy.id);
        let refuse = async |message: String| {
            refused(cloud.try_delete(&policy).await, "QosPolicyInUse", &message);
        };
        let free = json!({"qos_policy_id": null});
        refuse(used("port", port.key())).await;
        assert_eq!(cloud.update(&port, free.clone()).await.qos_policy_id, None);
        refuse(used("network", network.key())).await;
        cloud.update(&network, free.clone()).await;
        refuse(used("fip", floating_ip.key())).await;
        cloud.update(&floating_ip, free).await;
        refuse(used("router", router.key())).await;
        let without = json!({"external_gateway_info": {"network_id": outside.id}});
        assert_eq!(cloud.update(&router, without).await.qos_policy_id, Some(policy.id));
        let router: Router = cloud.update(&router, json!({"external_gateway_info": null})).await;
        assert_eq!(router.qos_policy_id, None);
        cloud.delete(&policy).await;
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_for_those_that_it_is_shared_with() {
    each(async |cloud| {
        let project = "9c2e1e4c92b84c7aa5e73ee7a1b2e001";
        let owner = member(project);
        let policy = policy(&cloud, json!({"project_id": "p0"})).await;
        let network = cloud.network(json!({"project_id": project})).await;
        let under = json!({"network_id": network.id, "qos_policy_id": policy.id});
        let message = format!("QoS policy {} could not be found.", policy.id);
        refused(
            cloud.create_as::<Port>(&owner, under.clone()).await,
            "QosPolicyNotFound",
            &message,
        );
        let share = json!({
            "object_type": "qos_policy", "object_id": policy.id, "action": "access_as_shared",
            "target_tenant": project,
        });
        let share: RbacPolicy = cloud.try_create(share).await.unwrap();
        let port: Port = cloud.create_as(&owner, under).await.unwrap();
        refused_as(cloud.try_delete(&share).await, "RbacPolicyInUse");
        let shared = json!({"shared": true});
        assert!(cloud.update(&policy, shared).await.shared);
        cloud.delete(&share).await;
        refused_as(cloud.try_update(&policy, json!({"shared": false})).await, "RbacPolicyInUse");
        // What an administrator put there, a project that does not see it does not take away.
        let hidden = self::policy(&cloud, json!({"project_id": "p0"})).await;
        cloud.update(&port, json!({"qos_policy_id": hidden.id})).await;
        let free = draft::<Port>(json!({"qos_policy_id": null}));
        refused(
            Port::update(&cloud, &owner, &port.key(), free, ANY).await,
            "PolicyRemoveAuthorizationError",
            &format!(
                "Failed to remove provided policy {} because you are not authorized.",
                hidden.id
            ),
        );
        // A rule is added by whose the policy is, not by those that it is shared with.
        refused_as(
            rule::<DscpMarkingRule>(&cloud, &owner, &policy, json!({"dscp_mark": 8})).await,
            "PolicyNotAuthorized",
        );
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_for_ports_that_a_driver_serves() {
    each(async |cloud| {
        let policy = policy(&cloud, json!({})).await;
        let network = cloud.network(json!({"qos_policy_id": policy.id})).await;
        let port = cloud.port(&network, json!({"binding:vnic_type": "macvtap"})).await;
        let mark = json!({"dscp_mark": 8});
        let refusal =
            |port: &Port| format!("Rule dscp_marking is not supported by port {}", port.id);
        refused(
            rule::<DscpMarkingRule>(&cloud, &admin(), &policy, mark.clone()).await,
            "QosRuleNotSupported",
            &refusal(&port),
        );
        cloud.delete(&port).await;
        rule::<DscpMarkingRule>(&cloud, &admin(), &policy, mark).await.unwrap();
        refused_as(
            cloud.try_port(&network, json!({"binding:vnic_type": "macvtap"})).await,
            "QosRuleNotSupported",
        );
        let bare: Network = cloud.network(json!({})).await;
        let port = cloud.port(&bare, json!({"binding:vnic_type": "macvtap"})).await;
        let under = json!({"qos_policy_id": policy.id});
        refused(
            cloud.try_update(&port, under.clone()).await,
            "QosRuleNotSupported",
            &refusal(&port),
        );
        refused(cloud.try_update(&bare, under).await, "QosRuleNotSupported", &refusal(&port));
        // The compute service has set aside what its machines are promised.
        cloud.port(&network, json!({"device_owner": "compute:nova"})).await;
        refused_as(
            rule::<MinimumBandwidthRule>(&cloud, &admin(), &policy, json!({"min_kbps": 1})).await,
            "QosRuleTrackedInPlacement",
        );
    })
    .await;
}

#[tokio::test]
async fn a_policy_goes_or_a_port_comes_under_it() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        for _ in 0..8 {
            let policy = policy(&cloud, json!({})).await;
            let under = json!({"qos_policy_id": policy.id});
            let (port, gone) =
                tokio::join!(cloud.try_port(&network, under), cloud.try_delete(&policy));
            match (port, gone) {
                (Ok(port), Err(error)) => {
                    assert_eq!(error.name(), "QosPolicyInUse");
                    assert_eq!(cloud.now_of(&port).await.qos_policy_id, Some(policy.id));
                }
                (Err(error), Ok(())) => assert_eq!(error.name(), "QosPolicyNotFound"),
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
