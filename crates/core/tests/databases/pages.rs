//! Order and pages.

use nucleon_core::{Caller, Noun};
use nucleon_model::{Direction, FloatingIpPool, Network, Port, Segment, Subnet};
use serde_json::json;

use crate::scene::{Ask, Cloud, admin, each, member, refused};

/// All objects in the order of `ask`, put together from pages in both directions.
async fn paged<R: Noun>(cloud: &Cloud, ask: impl Fn() -> Ask, limit: u64) -> Vec<String> {
    paged_for::<R>(cloud, &admin(), ask, limit).await
}

/// As [`paged`], of what a caller sees.
async fn paged_for<R: Noun>(
    cloud: &Cloud,
    caller: &Caller,
    ask: impl Fn() -> Ask,
    limit: u64,
) -> Vec<String> {
    let keys = async |ask: Ask| -> Vec<String> {
        R::list(cloud, caller, ask.query()).await.unwrap().iter().map(R::key).collect()
    };
    let whole = keys(ask()).await;
    let page = async |marker, reverse| keys(ask().page(limit, marker, reverse)).await;
    let mut forward: Vec<String> = Vec::new();
    loop {
        let next = page(forward.last().cloned(), false).await;
        if next.is_empty() {
            break;
        }
        assert!(next.len() as u64 <= limit);
        forward.extend(next);
    }
    assert_eq!(forward, whole, "forward by {limit}");
    let mut backward: Vec<String> = Vec::new();
    loop {
        let mut before = page(backward.first().cloned(), true).await;
        if before.is_empty() {
            break;
        }
        before.append(&mut backward);
        backward = before;
    }
    assert_eq!(backward, whole, "backward by {limit}");
    whole
}

#[tokio::test]
async fn pages_meet_without_gap_in_either_direction() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        for (name, device) in
            [("b", "2"), ("a", "1"), ("", "3"), ("b", "1"), ("a", "1"), ("B", "2"), ("ä", "1")]
        {
            cloud.port(&network, json!({"name": name, "device_id": device})).await;
        }
        let ports: Vec<Port> = cloud.list(Ask::default().query()).await;
        let name_of = |key: &String| {
            let port = ports.iter().find(|port| port.key() == *key).unwrap();
            (port.name.clone(), port.device_id.clone(), port.key())
        };
        for limit in [1, 2, 3, 7, 100] {
            let by_id = paged::<Port>(&cloud, Ask::default, limit).await;
            assert!(by_id.is_sorted(), "{by_id:?}");
            let ascending = || Ask::default().sort::<Port>("name", Direction::Ascending);
            let keys = paged::<Port>(&cloud, ascending, limit).await;
            let names: Vec<_> = keys.iter().map(name_of).collect();
            assert!(names.is_sorted_by_key(|(name, _, id)| (name, id)), "{names:?}");
            let mixed = || {
                Ask::default()
                    .sort::<Port>("device_id", Direction::Descending)
                    .sort::<Port>("name", Direction::Ascending)
            };
            let keys = paged::<Port>(&cloud, mixed, limit).await;
            let names: Vec<_> = keys.iter().map(name_of).collect();
            let order = |(name, device, id): &(String, String, String)| {
                (std::cmp::Reverse(device.clone()), name.clone(), id.clone())
            };
            assert!(names.is_sorted_by_key(order), "{names:?}");
            let down = || Ask::default().sort::<Port>("id", Direction::Descending);
            let keys = paged::<Port>(&cloud, down, limit).await;
            assert!(keys.iter().rev().is_sorted());
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_ones_own_and_what_else_one_sees_come_in_one_order_and_once() {
    each(async |cloud| {
        // What is on it a project sees on two ways: it is its own, and open to all.
        let own = json!({
            "project_id": "p", "name": "own", "shared": true, "router:external": true,
        });
        let own = cloud.network(own).await;
        let shared = json!({"project_id": "q", "name": "shared", "shared": true});
        let shared = cloud.network(shared).await;
        let hidden = cloud.network(json!({"project_id": "q", "name": "hidden"})).await;
        let subnets = [(&own, "p"), (&own, "q"), (&shared, "p"), (&shared, "q"), (&hidden, "q")];
        for (place, (network, project)) in subnets.into_iter().enumerate() {
            let cidr = format!("10.0.{place}.0/24");
            let name = format!("{}-{project}", network.name);
            cloud.subnet(network, &cidr, json!({"project_id": project, "name": name})).await;
            // Nobody's port has no project at all.
            for project in [project, project, ""] {
                let name = format!("{}-{project}", network.name);
                cloud.port(network, json!({"project_id": project, "name": name})).await;
            }
        }
        let member = member("p");
        let seen = async |ask: Ask| -> Vec<String> {
            let seen = Port::list(&cloud, &member, ask.query()).await.unwrap();
            seen.into_iter().map(|port| port.name).collect()
        };
        let by_name = || Ask::default().sort::<Port>("name", Direction::Ascending);
        let expected = ["own-", "own-", "own-p", "own-p", "own-q", "own-q", "shared-p", "shared-p"];
        assert_eq!(seen(by_name()).await, expected);
        assert_eq!(seen(by_name().with::<Port>("name", &["own-q".to_owned()])).await.len(), 2);
        for limit in [1, 2, 3, 8, 100] {
            let ports = paged_for::<Port>(&cloud, &member, Ask::default, limit).await;
            assert!(ports.is_sorted(), "{ports:?}");
            assert_eq!(ports.len(), expected.len());
            assert_eq!(paged_for::<Port>(&cloud, &member, by_name, limit).await.len(), ports.len());
            let subnets = paged_for::<Subnet>(&cloud, &member, Ask::default, limit).await;
            assert!(subnets.is_sorted() && subnets.len() == 4, "{subnets:?}");
            let pools = paged_for::<FloatingIpPool>(&cloud, &member, Ask::default, limit).await;
            assert!(pools.is_sorted() && pools.len() == 2, "{pools:?}");
            assert_eq!(paged::<FloatingIpPool>(&cloud, Ask::default, limit).await, pools);
            let networks = paged_for::<Network>(&cloud, &member, Ask::default, limit).await;
            assert!(networks.is_sorted() && networks.len() == 2, "{networks:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn nulls_and_booleans_have_their_place() {
    each(async |cloud| {
        let network = cloud.network(json!({"admin_state_up": false})).await;
        let gateways = [json!({}), json!({"gateway_ip": null}), json!({"gateway_ip": null})];
        for (n, gateway) in gateways.into_iter().enumerate() {
            cloud.subnet(&network, &format!("10.0.{n}.0/24"), gateway).await;
        }
        for id in [5, 6] {
            cloud
                .network(json!({
                    "provider:network_type": "vlan",
                    "provider:physical_network": "physnet1",
                    "provider:segmentation_id": id,
                }))
                .await;
        }
        for limit in [1, 2, 5] {
            for direction in [Direction::Ascending, Direction::Descending] {
                let gateway = || Ask::default().sort::<Subnet>("gateway_ip", direction);
                assert_eq!(paged::<Subnet>(&cloud, gateway, limit).await.len(), 3);
                let version = || Ask::default().sort::<Subnet>("ip_version", direction);
                assert_eq!(paged::<Subnet>(&cloud, version, limit).await.len(), 3);
                let up = || Ask::default().sort::<Network>("admin_state_up", direction);
                assert_eq!(paged::<Network>(&cloud, up, limit).await.len(), 3);
                let id = || Ask::default().sort::<Segment>("segmentation_id", direction);
                assert_eq!(paged::<Segment>(&cloud, id, limit).await.len(), 3);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_marker_must_be_there() {
    each(async |cloud| {
        let ghost = "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11";
        for marker in [ghost, "nope"] {
            let query = || Ask::default().page(2, Some(marker.to_owned()), false).query();
            refused(
                Network::list(&cloud, &admin(), query()).await,
                "NetworkNotFound",
                &format!("Network {marker} could not be found."),
            );
            refused(
                Port::list(&cloud, &admin(), query()).await,
                "PortNotFound",
                &format!("Port {marker} could not be found."),
            );
        }
    })
    .await;
}
