//! Trunks and what they carry.

use nucleon_core::Error;
use nucleon_model::trunk::{OWNER_SUBPORT, status};
use nucleon_model::{ListQuery, Network, Port, Trunk};
use serde_json::{Value, json};

use crate::scene::{Cloud, each, member, refused, refused_as};

async fn network(cloud: &Cloud) -> Network {
    cloud.network(json!({"project_id": "p1"})).await
}

async fn port(cloud: &Cloud, network: &Network) -> Port {
    cloud.port(network, json!({"project_id": "p1"})).await
}

fn on(port: &Port, id: i64) -> Value {
    json!({"port_id": port.id, "segmentation_type": "vlan", "segmentation_id": id})
}

async fn trunk(cloud: &Cloud, parent: &Port, carried: Value) -> Result<Trunk, Error> {
    let wanted = json!({"project_id": "p1", "port_id": parent.id, "sub_ports": carried});
    cloud.create_as(&member("p1"), wanted).await
}

async fn add(cloud: &Cloud, trunk: &Trunk, carried: Value) -> Result<Trunk, Error> {
    let body = json!({"sub_ports": carried});
    cloud.trunk_subports_add(&member("p1"), &trunk.id.to_string(), &body).await
}

async fn remove(cloud: &Cloud, trunk: &Trunk, carried: Value) -> Result<Trunk, Error> {
    let body = json!({"sub_ports": carried});
    cloud.trunk_subports_remove(&member("p1"), &trunk.id.to_string(), &body).await
}

#[tokio::test]
async fn a_port_shows_what_its_trunk_carries_and_neither_goes_before_the_trunk() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let (parent, first, second) = (
            port(&cloud, &network).await,
            port(&cloud, &network).await,
            port(&cloud, &network).await,
        );
        let made = trunk(&cloud, &parent, json!([on(&first, 100)])).await.unwrap();
        assert_eq!((made.status.as_str(), made.revision_number), (status::DOWN, 1));
        let grown = add(&cloud, &made, json!([on(&second, 101)])).await.unwrap();
        assert_eq!(json!(grown.sub_ports), json!([on(&first, 100), on(&second, 101)]));
        assert_eq!(grown.revision_number, 2);
        let details = |mut shown: Value, port: &Port| {
            shown["mac_address"] = json!(port.mac_address);
            shown
        };
        let expected = json!({"trunk_id": made.id, "sub_ports": [
            details(on(&first, 100), &first), details(on(&second, 101), &second),
        ]});
        assert_eq!(json!(cloud.now_of(&parent).await.trunk_details), expected);
        let listed: Vec<Port> = cloud.list(ListQuery::default()).await;
        let shown: Vec<Value> = listed
            .iter()
            .filter(|it| it.trunk_details.is_some())
            .map(|it| json!(it.trunk_details))
            .collect();
        assert_eq!(shown, [expected]);
        refused(
            cloud.try_delete(&first).await,
            "PortInUseAsSubPort",
            &format!("Port {} is currently a subport for trunk {}.", first.id, made.id),
        );
        refused_as(cloud.try_delete(&parent).await, "PortInUseAsTrunkParent");
        let shrunk = remove(&cloud, &made, json!([{"port_id": first.id}])).await.unwrap();
        assert_eq!(json!(shrunk.sub_ports), json!([on(&second, 101)]));
        cloud.delete(&first).await;
        cloud.delete(&made).await;
        assert_eq!(cloud.now_of(&parent).await.trunk_details, None);
        cloud.delete(&second).await;
        cloud.delete(&parent).await;
    })
    .await;
}

#[tokio::test]
async fn a_port_is_part_of_one_trunk_and_of_nothing_else() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let (parent, carried, other) = (
            port(&cloud, &network).await,
            port(&cloud, &network).await,
            port(&cloud, &network).await,
        );
        let made = trunk(&cloud, &parent, json!([on(&carried, 100)])).await.unwrap();
        let id = made.id;
        refused_as(trunk(&cloud, &parent, json!([])).await, "ParentPortInUse");
        refused_as(trunk(&cloud, &carried, json!([])).await, "TrunkPortInUse");
        refused_as(add(&cloud, &made, json!([on(&carried, 7)])).await, "TrunkPortInUse");
        refused_as(add(&cloud, &made, json!([on(&parent, 7)])).await, "ParentPortInUse");
        refused(
            add(&cloud, &made, json!([on(&other, 100)])).await,
            "DuplicateSubPort",
            &format!(
                "segmentation_type vlan and segmentation_id 100 already in use on trunk {id}."
            ),
        );
        let wrong =
            json!([{"port_id": other.id, "segmentation_type": "gre", "segmentation_id": 1}]);
        refused(
            add(&cloud, &made, wrong).await,
            "InvalidInput",
            "Invalid input for operation: Unknown segmentation_type 'gre'.",
        );
        refused_as(add(&cloud, &made, json!([on(&other, 4095)])).await, "InvalidInput");
        refused_as(add(&cloud, &made, json!([{"port_id": other.id}])).await, "InvalidInput");
        refused_as(remove(&cloud, &made, json!([on(&other, 1)])).await, "SubPortNotFound");
        let used = cloud.port(&network, json!({"project_id": "p1", "device_id": "vm"})).await;
        refused_as(add(&cloud, &made, json!([on(&used, 8)])).await, "PortInUse");
        cloud.update(&made, json!({"admin_state_up": false})).await;
        refused_as(add(&cloud, &made, json!([on(&other, 8)])).await, "TrunkDisabled");
        refused_as(remove(&cloud, &made, json!([on(&carried, 100)])).await, "TrunkDisabled");
        refused_as(cloud.try_delete(&made).await, "TrunkDisabled");
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_hold_of_a_strangers_port_by_a_trunk() {
    each(async |cloud| {
        let network = network(&cloud).await;
        let (parent, carried) = (port(&cloud, &network).await, port(&cloud, &network).await);
        let strange = cloud.network(json!({"project_id": "p2"})).await;
        let victim = cloud.port(&strange, json!({"project_id": "p2"})).await;
        refused_as(trunk(&cloud, &victim, json!([])).await, "PortNotFound");
        refused_as(trunk(&cloud, &parent, json!([on(&victim, 5)])).await, "PortNotFound");
        let made = trunk(&cloud, &parent, json!([])).await.unwrap();
        refused_as(add(&cloud, &made, json!([on(&victim, 5)])).await, "PortNotFound");
        let (id, stranger) = (made.id.to_string(), member("p2"));
        let body = json!({"sub_ports": [on(&carried, 5)]});
        for outcome in [
            cloud.trunk_subports_add(&stranger, &id, &body).await.map(drop),
            cloud.trunk_subports_remove(&stranger, &id, &body).await.map(drop),
            cloud.trunk_subports(&stranger, &id).await.map(drop),
        ] {
            refused_as(outcome, "TrunkNotFound");
        }
    })
    .await;
}

#[tokio::test]
async fn subports_go_to_the_host_of_their_parent() {
    each(async |cloud| {
        cloud.host("h1").await;
        let network = network(&cloud).await;
        let (parent, first, second) = (
            port(&cloud, &network).await,
            port(&cloud, &network).await,
            port(&cloud, &network).await,
        );
        let made = trunk(&cloud, &parent, json!([on(&first, 100)])).await.unwrap();
        let bound = cloud.update(&parent, json!({"binding:host_id": "h1"})).await;
        assert!(bound.is_bound() && bound.trunk_details.is_some());
        assert_eq!(cloud.now_of(&made).await.status, status::BUILD);
        add(&cloud, &made, json!([on(&second, 101)])).await.unwrap();
        for port in [&first, &second] {
            let now = cloud.now_of(port).await;
            assert!(now.is_bound());
            assert_eq!((now.host.as_str(), now.device_owner.as_str()), ("h1", OWNER_SUBPORT));
        }
        refused(
            cloud.try_delete(&made).await,
            "TrunkInUse",
            &format!("Trunk {} is currently in use.", made.id),
        );
        remove(&cloud, &made, json!([{"port_id": second.id}])).await.unwrap();
        let left = cloud.now_of(&second).await;
        assert_eq!((left.host.as_str(), left.device_owner.as_str()), ("", ""));
        cloud.update(&parent, json!({"binding:host_id": "nowhere"})).await;
        assert_eq!(cloud.now_of(&made).await.status, status::ERROR);
        refused_as(add(&cloud, &made, json!([on(&second, 101)])).await, "TrunkInErrorState");
        cloud.update(&parent, json!({"binding:host_id": ""})).await;
        assert_eq!(cloud.now_of(&made).await.status, status::DOWN);
        assert_eq!(cloud.now_of(&first).await.host, "");
        cloud.delete(&made).await;
        assert_eq!(cloud.now_of(&first).await.device_owner, "");
        let busy = cloud.update(&parent, json!({"binding:host_id": "h1"})).await;
        refused_as(trunk(&cloud, &busy, json!([])).await, "ParentPortInUse");
    })
    .await;
}

#[tokio::test]
async fn a_subport_is_told_apart_as_its_network_is_and_fits_through_its_parent() {
    each(async |cloud| {
        let wide = network(&cloud).await;
        let vlan = json!({
            "project_id": "p1",
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
        });
        let narrow = cloud.network(vlan).await;
        cloud.update(&narrow, json!({"mtu": 1400})).await;
        let (large, small) = (port(&cloud, &wide).await, port(&cloud, &narrow).await);
        refused(
            trunk(&cloud, &small, json!([on(&large, 5)])).await,
            "SubPortMtuGreaterThanTrunkPortMtu",
            &format!(
                "MTU 1500 of subport {} cannot be greater than MTU 1400 of trunk {}.",
                large.id, small.id
            ),
        );
        let inherit = json!([{"port_id": small.id, "segmentation_type": "inherit"}]);
        let made = trunk(&cloud, &large, inherit).await.unwrap();
        let unlike =
            json!([{"port_id": port(&cloud, &wide).await.id, "segmentation_type": "inherit"}]);
        refused(
            add(&cloud, &made, unlike).await,
            "InvalidInput",
            "Invalid input for operation: Unknown segmentation_type 'local'.",
        );
        let id = cloud.now_of(&narrow).await.segmentation_id.unwrap();
        assert_eq!(json!(made.sub_ports), json!([on(&small, id)]));
    })
    .await;
}
