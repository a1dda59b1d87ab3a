//! Ports in security groups, and ports that nothing filters.

use nucleon_core::{Error, Noun, Precondition};
use nucleon_db::Operation;
use nucleon_model::{Network, Port, SecurityGroup, SecurityGroupId};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, draft, each, member, merged, refused, refused_as};
use crate::security_groups::{default_of, group, share};

async fn port(cloud: &Cloud, network: &Network, more: Value) -> Result<Port, Error> {
    let base = json!({"network_id": network.key(), "project_id": "p1"});
    cloud.create_as(&member("p1"), merged(base, more)).await
}

async fn network(cloud: &Cloud, more: Value) -> Network {
    let base = json!({"project_id": "p1"});
    cloud.create_as(&member("p1"), merged(base, more)).await.unwrap()
}

async fn change(cloud: &Cloud, port: &Port, to: Value) -> Result<Port, Error> {
    let wanted = draft::<Port>(to);
    Port::update(cloud, &member("p1"), &port.key(), wanted, Precondition::default()).await
}

fn ids(groups: &[&SecurityGroup]) -> Vec<SecurityGroupId> {
    groups.iter().map(|group| group.id).collect()
}

#[tokio::test]
async fn a_port_is_in_the_default_group_unless_it_says_otherwise() {
    each(async |cloud| {
        let network = network(&cloud, json!({})).await;
        let plain = port(&cloud, &network, json!({})).await.unwrap();
        let default = default_of(&cloud, "p1").await;
        assert_eq!(plain.security_groups, [default.id]);
        assert!(plain.port_security_enabled);
        for none in [json!([]), json!(null)] {
            let open = port(&cloud, &network, json!({"security_groups": none})).await.unwrap();
            assert_eq!((open.security_groups, open.port_security_enabled), (vec![], true));
        }
        let trusted = port(&cloud, &network, json!({"device_owner": "network:f5"})).await.unwrap();
        assert_eq!((trusted.security_groups, trusted.port_security_enabled), (vec![], false));
        let web = group(&cloud, "p1", "web").await;
        let chosen = json!({"security_groups": [web.key(), default.key()]});
        let chosen = port(&cloud, &network, chosen).await.unwrap();
        assert_eq!(chosen.security_groups, ids(&[&web, &default]));
        assert_eq!(cloud.now_of(&chosen).await.security_groups, chosen.security_groups);
        let of_web = Ask::default().with::<Port>("security_groups", &[web.id]).query();
        let of_web = Port::list(&cloud, &member("p1"), of_web).await.unwrap();
        assert_eq!(of_web.iter().map(|port| port.id).collect::<Vec<_>>(), [chosen.id]);
    })
    .await;
}

#[tokio::test]
async fn a_default_group_that_went_is_made_again() {
    each(async |cloud| {
        let network = network(&cloud, json!({})).await;
        let first = port(&cloud, &network, json!({})).await.unwrap();
        // By now this server knows the group.
        let second = port(&cloud, &network, json!({})).await.unwrap();
        assert_eq!(first.security_groups, second.security_groups);
        cloud.delete(&first).await;
        cloud.delete(&second).await;
        let id = first.security_groups[0].to_string();
        // As another server would: this one still takes it for the default.
        let gone = cloud.store().write("delete elsewhere", move |tx| {
            let id = id.clone();
            Box::pin(async move {
                let group: SecurityGroup =
                    nucleon_db::resource::get(tx, id.clone()).await?.expect("a group");
                nucleon_db::security_group_rule::security_group_rule_delete_about(tx, group.id)
                    .await?;
                let revision = group.revision_number;
                nucleon_db::resource::delete_at::<SecurityGroup>(tx, id, revision).await
            })
        });
        gone.await.unwrap();
        let third = port(&cloud, &network, json!({})).await.unwrap();
        assert_ne!(third.security_groups, first.security_groups);
        assert_eq!(third.security_groups, [default_of(&cloud, "p1").await.id]);
    })
    .await;
}

#[tokio::test]
async fn a_port_is_in_groups_that_its_project_may_use() {
    each(async |cloud| {
        let network = network(&cloud, json!({})).await;
        let theirs = group(&cloud, "p2", "theirs").await;
        let wanted = json!({"security_groups": [theirs.key()]});
        let text = format!("Security group {} does not exist", theirs.id);
        let strange = port(&cloud, &network, wanted.clone()).await;
        refused(strange, "SecurityGroupNotFound", &text);
        let plain = port(&cloud, &network, json!({})).await.unwrap();
        refused(change(&cloud, &plain, wanted.clone()).await, "SecurityGroupNotFound", &text);
        assert_eq!(cloud.now_of(&plain).await, plain);
        share(&cloud, &theirs, "p1").await;
        assert_eq!(
            port(&cloud, &network, wanted.clone()).await.unwrap().security_groups,
            [theirs.id]
        );
        let changed = change(&cloud, &plain, wanted).await.unwrap();
        assert_eq!(changed.security_groups, [theirs.id]);
        assert_eq!(changed.revision_number, plain.revision_number + 1);
    })
    .await;
}

#[tokio::test]
async fn a_group_in_use_stays_as_it_is() {
    each(async |cloud| {
        let network = network(&cloud, json!({})).await;
        let web = group(&cloud, "p1", "web").await;
        let lax: SecurityGroup = cloud
            .create_as(
                &member("p1"),
                json!({"name": "lax", "project_id": "p1", "stateful": false}),
            )
            .await
            .unwrap();
        let in_web = json!({"security_groups": [web.key()]});
        let port = port(&cloud, &network, in_web.clone()).await.unwrap();
        let text = format!("Security Group {} in use.", web.id);
        refused(cloud.try_delete(&web).await, "SecurityGroupInUse", &text);
        let other_kind = cloud.try_update(&web, json!({"stateful": false})).await;
        refused(other_kind, "SecurityGroupInUse", &text);
        cloud.update(&web, json!({"stateful": true, "name": "www"})).await;
        let both = json!({"security_groups": [web.key(), lax.key()]});
        refused(
            change(&cloud, &port, both).await,
            "SecurityGroupConflict",
            "Error Cannot apply both stateful and stateless security groups on the same port at the same time while \
             attempting the operation.",
        );
        change(&cloud, &port, json!({"security_groups": [lax.key()]})).await.unwrap();
        cloud.delete(&web).await;
        cloud.delete(&port).await;
        cloud.delete(&lax).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_filtered_is_in_no_group() {
    each(async |cloud| {
        let closed = network(&cloud, json!({})).await;
        let open = network(&cloud, json!({"port_security_enabled": false})).await;
        let inherited = port(&cloud, &open, json!({})).await.unwrap();
        assert_eq!((inherited.security_groups.len(), inherited.port_security_enabled), (0, false));
        let own = port(&cloud, &open, json!({"port_security_enabled": true})).await.unwrap();
        assert_eq!((own.security_groups.len(), own.port_security_enabled), (1, true));
        let group = own.security_groups[0].to_string();
        refused(
            port(&cloud, &open, json!({"security_groups": [group]})).await,
            "PortSecurityAndIPRequiredForSecurityGroups",
            "Port security must be enabled and port must have an IP address in order to use security groups.",
        );
        let pairs = json!({"allowed_address_pairs": [{"ip_address": "10.0.0.1"}]});
        let text = "Port Security must be enabled in order to have allowed address pairs on a port.";
        let name = "AddressPairAndPortSecurityRequired";
        refused(port(&cloud, &open, pairs.clone()).await, name, text);
        refused(change(&cloud, &inherited, pairs.clone()).await, name, text);
        let plain = port(&cloud, &closed, pairs).await.unwrap();
        let off = json!({"port_security_enabled": false});
        refused_as(change(&cloud, &plain, off.clone()).await, name);
        let no_pairs = merged(off.clone(), json!({"allowed_address_pairs": []}));
        refused(
            change(&cloud, &plain, no_pairs.clone()).await,
            "PortSecurityPortHasSecurityGroup",
            "Port has security group associated. Cannot disable port security or IP address until security group is \
             removed.",
        );
        let all_off = merged(no_pairs, json!({"security_groups": []}));
        let opened = change(&cloud, &plain, all_off).await.unwrap();
        assert_eq!((opened.security_groups.len(), opened.port_security_enabled), (0, false));
        let on = json!({"port_security_enabled": true, "security_groups": [group]});
        let closed_again = change(&cloud, &opened, on).await.unwrap();
        assert_eq!((closed_again.security_groups.len(), closed_again.port_security_enabled), (1, true));
    })
    .await;
}

#[tokio::test]
async fn those_who_follow_a_group_are_told_of_its_ports_and_rules() {
    each(async |cloud| {
        let network = network(&cloud, json!({})).await;
        let web = group(&cloud, "p1", "web").await;
        let mut batches = cloud.store().batches();
        let port = port(&cloud, &network, json!({})).await.unwrap();
        let rule = json!({"security_group_id": web.key(), "direction": "ingress"});
        let rule: nucleon_model::SecurityGroupRule = cloud.try_create(rule).await.unwrap();
        let port = change(&cloud, &port, json!({"security_groups": [web.key()]})).await.unwrap();
        cloud.delete(&port).await;
        let scope = format!("security-group:{}", web.id);
        let mut told = Vec::new();
        while told.len() < 3 {
            let batch = batches.recv().await.unwrap();
            let of_web = batch.scopes.iter().filter(|mark| mark.scope == scope);
            let seqs: Vec<i64> = of_web.flat_map(|mark| mark.seqs.iter().copied()).collect();
            let entries = batch.entries.iter().filter(|entry| seqs.contains(&entry.seq));
            // The group itself may come later than its creation was answered.
            let entries =
                entries.filter(|entry| [port.key(), rule.key()].contains(&entry.change.id));
            told.extend(entries.map(|entry| {
                let change = &entry.change;
                (change.kind.to_string(), change.id.clone(), change.operation)
            }));
        }
        told.sort_by_key(|(kind, _, operation)| (kind.clone(), *operation == Operation::Delete));
        assert_eq!(
            told,
            [
                ("port".to_owned(), port.key(), Operation::Update),
                ("port".to_owned(), port.key(), Operation::Delete),
                ("security_group_rule".to_owned(), rule.key(), Operation::Create),
            ]
        );
    })
    .await;
}
