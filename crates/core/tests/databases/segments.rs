//! Segments by themselves, and the ranges that their ids come from.

use nucleon_core::{Noun, Settings};
use nucleon_model::{Network, NetworkSegmentRange, Port, Segment, Subnet};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, each, each_with, member, merged, refused, refused_as};

fn vlan(network: &Network, physical_network: &str, id: Option<i64>) -> Value {
    let mut wanted = json!({
        "network_id": network.key(),
        "network_type": "vlan",
        "physical_network": physical_network,
        "name": "rack",
    });
    if let Some(id) = id {
        wanted["segmentation_id"] = json!(id);
    }
    wanted
}

async fn segments(cloud: &Cloud, network: &Network) -> Vec<Segment> {
    cloud.list(Ask::default().with::<Segment>("network_id", &[network.id]).query()).await
}

#[tokio::test]
async fn a_segment_is_added_renamed_and_taken_away() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let second: Segment = cloud.try_create(vlan(&network, "physnet2", Some(7))).await.unwrap();
        assert_eq!((second.segmentation_id, second.segment_index), (Some(7), 1));
        let shown = cloud.now_of(&network).await;
        assert_eq!((shown.segments.len(), shown.revision_number), (2, 2));
        refused_as(
            cloud.try_create::<Segment>(vlan(&network, "physnet2", Some(7))).await,
            "VlanIdInUse",
        );
        let drawn: Segment = cloud.try_create(vlan(&network, "physnet1", None)).await.unwrap();
        assert!((100..=102).contains(&drawn.segmentation_id.unwrap()));
        let renamed = cloud.update(&second, json!({"name": "x", "description": "d"})).await;
        assert_eq!((renamed.name.as_deref(), renamed.revision_number), (Some("x"), 2));
        cloud.delete(&drawn).await;
        cloud.delete(&second).await;
        assert_eq!(segments(&cloud, &network).await.len(), 1);
        cloud.try_create::<Segment>(vlan(&network, "physnet2", Some(7))).await.unwrap();
        let nowhere = json!({"network_id": "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11",
                             "network_type": "local"});
        refused_as(cloud.try_create::<Segment>(nowhere).await, "NetworkNotFound");
        let strange = json!({"network_id": network.key(), "network_type": "gre"});
        refused(
            cloud.try_create::<Segment>(strange.clone()).await,
            "InvalidInput",
            "Invalid input for operation: network_type value 'gre' not supported.",
        );
        refused_as(cloud.create_as::<Segment>(&member("p"), strange).await, "PolicyNotAuthorized");
    })
    .await;
}

#[tokio::test]
async fn a_segment_stays_while_a_subnet_or_a_port_is_on_it() {
    each(async |cloud| {
        cloud.host_on("h2", "physnet2").await;
        let first =
            json!({"provider:network_type": "vlan", "provider:physical_network": "physnet1"});
        let network = cloud.network(first).await;
        let segment: Segment = cloud.try_create(vlan(&network, "physnet2", Some(7))).await.unwrap();
        let on = json!({"segment_id": segment.key(), "enable_dhcp": false});
        let subnet = cloud.subnet(&network, "10.2.0.0/24", on).await;
        let in_use = |why: &str| format!("Segment '{}' cannot be deleted: {why}.", segment.id);
        refused(
            cloud.try_delete(&segment).await,
            "SegmentInUse",
            &in_use(&format!("The segment is still associated with subnet(s) {}", subnet.id)),
        );
        cloud.delete(&subnet).await;
        let port = cloud.port(&network, json!({"binding:host_id": "h2"})).await;
        assert_eq!(port.segment_id, Some(segment.id));
        refused(
            cloud.try_delete(&segment).await,
            "SegmentInUse",
            &in_use("The segment is still bound with 1 port(s)"),
        );
        cloud.delete(&port).await;
        cloud.delete(&segment).await;
        // A network may even lose its last one, and still have ports.
        for last in segments(&cloud, &network).await {
            cloud.delete(&last).await;
        }
        let unbound: Port = cloud.port(&network, json!({"binding:host_id": "h2"})).await;
        assert_eq!(unbound.vif_type, "binding_failed");
    })
    .await;
}

#[tokio::test]
async fn a_subnet_is_confined_to_a_segment_later_where_there_is_one_of_either() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let only = segments(&cloud, &network).await.remove(0);
        let subnet = cloud.subnet(&network, "10.1.0.0/24", json!({})).await;
        let to = |segment: &Segment| json!({"segment_id": segment.key()});
        let elsewhere = cloud.network(json!({})).await;
        let foreign = segments(&cloud, &elsewhere).await.remove(0);
        refused_as(cloud.try_update(&subnet, to(&foreign)).await, "NetworkIdsDontMatch");
        let confined = cloud.update(&subnet, to(&only)).await;
        assert_eq!(confined.segment_id, Some(only.id));
        assert!(!cloud.now_of(&network).await.l2_adjacency);
        refused(
            cloud.try_update(&subnet, json!({"segment_id": null})).await,
            "SubnetSegmentAssociationChangeNotAllowed",
            "A subnet that is already associated with a segment cannot have its segment association \
             changed.",
        );
        // Subnets of routers' addresses are on no segment, whatever the others are.
        let routed = json!({"service_types": ["network:routed"]});
        cloud.subnet(&network, "10.9.0.0/24", routed).await;
        let wide = cloud.network(json!({})).await;
        let later = cloud.subnet(&wide, "10.1.0.0/24", json!({})).await;
        let second: Segment = cloud.try_create(vlan(&wide, "physnet2", Some(9))).await.unwrap();
        refused(
            cloud.try_update(&later, to(&second)).await,
            "NoUpdateSubnetWhenMultipleSegmentsOnNetwork",
            &format!(
                "The network '{}' has multiple segments, it is only possible to associate an \
                 existing subnet with a segment on networks with a single segment.",
                wide.id
            ),
        );
        let nowhere = json!({
            "network_id": wide.key(), "ip_version": 4, "cidr": "10.2.0.0/24",
            "segment_id": "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11",
        });
        refused_as(cloud.try_create::<Subnet>(nowhere).await, "SegmentNotFound");
    })
    .await;
}

#[tokio::test]
async fn subnets_of_different_segments_have_routes_to_each_other() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let first = segments(&cloud, &network).await.remove(0);
        let second: Segment = cloud.try_create(vlan(&network, "physnet2", Some(9))).await.unwrap();
        let on = |segment: &Segment| json!({"segment_id": segment.key()});
        let one = cloud.subnet(&network, "10.1.0.0/24", on(&first)).await;
        let two = cloud.subnet(&network, "10.2.0.0/24", on(&second)).await;
        let routes = async |subnet: &Subnet| {
            let now = cloud.now_of(subnet).await;
            now.host_routes
                .iter()
                .map(|route| format!("{} via {}", route.destination, route.nexthop))
                .collect::<Vec<_>>()
        };
        assert_eq!(two.host_routes.len(), 1);
        assert_eq!(routes(&one).await, ["10.2.0.0/24 via 10.1.0.1"]);
        assert_eq!(routes(&two).await, ["10.1.0.0/24 via 10.2.0.1"]);
        cloud.update(&one, json!({"gateway_ip": null})).await;
        assert_eq!(routes(&one).await, [""; 0]);
        cloud.update(&one, json!({"gateway_ip": "10.1.0.1"})).await;
        assert_eq!(routes(&one).await, ["10.2.0.0/24 via 10.1.0.1"]);
        cloud.delete(&two).await;
        assert_eq!(routes(&one).await, [""; 0]);
    })
    .await;
}

fn vlans() -> Settings {
    Settings { project_network_types: vec!["vlan".to_owned()], ..Settings::default() }
}

fn range(ids: (i64, i64), more: Value) -> Value {
    let base = json!({"network_type": "vlan", "physical_network": "physnet1",
                      "minimum": ids.0, "maximum": ids.1});
    merged(base, more)
}

#[tokio::test]
async fn projects_draw_from_their_own_ranges_first_and_keep_them() {
    each_with(vlans(), async |cloud| {
        let own = json!({"shared": false, "project_id": "p1", "name": "mine"});
        let own: NetworkSegmentRange = cloud.try_create(range((102, 103), own)).await.unwrap();
        assert_eq!((own.available.clone(), own.used.len()), (vec![102, 103], 0));
        let made = async |project: &str| {
            let network: Network = cloud.create_as(&member(project), json!({})).await.unwrap();
            network.segmentation_id.unwrap()
        };
        let mut first = [made("p1").await, made("p1").await];
        first.sort_unstable();
        assert_eq!(first, [102, 103]);
        assert!([100, 101].contains(&made("p1").await));
        assert!([100, 101].contains(&made("p2").await));
        refused_as(
            cloud.create_as::<Network>(&member("p2"), json!({})).await,
            "NoNetworkAvailable",
        );
        let now = cloud.now_of(&own).await;
        assert!(now.available.is_empty());
        assert_eq!(Value::from(now.used), json!({"102": "p1", "103": "p1"}));
        // All have what a shared range adds.
        cloud.try_create::<NetworkSegmentRange>(range((300, 300), json!({}))).await.unwrap();
        assert_eq!(made("p2").await, 300);
    })
    .await;
}

#[tokio::test]
async fn ranges_are_kept_apart_and_while_their_ids_are_in_use() {
    each_with(vlans(), async |cloud| {
        let first: NetworkSegmentRange =
            cloud.try_create(range((300, 310), json!({}))).await.unwrap();
        assert_eq!((first.project_id.clone(), first.is_default, first.shared), (None, false, true));
        refused(
            cloud.try_create::<NetworkSegmentRange>(range((310, 320), json!({}))).await,
            "NetworkSegmentRangeOverlaps",
            &format!("Network segment range overlaps with range(s) with id {}", first.id),
        );
        let other = json!({"physical_network": "physnet2"});
        cloud.try_create::<NetworkSegmentRange>(range((310, 320), other)).await.unwrap();
        refused_as(
            cloud.try_create::<NetworkSegmentRange>(range((9, 8), json!({}))).await,
            "NetworkVlanRangeError",
        );
        let tunnel = range((1, 2), json!({"network_type": "geneve"}));
        refused(
            cloud.try_create::<NetworkSegmentRange>(tunnel).await,
            "NetworkSegmentRangeNetTypeNotSupported",
            "Network type geneve does not support network segment ranges.",
        );
        let used = json!({"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                          "provider:segmentation_id": 305});
        let network = cloud.network(used).await;
        let referenced = format!(
            "Network Segment Range {} is referenced by one or more project networks.",
            first.id
        );
        let narrow = cloud.try_update(&first, json!({"minimum": 306})).await;
        refused(narrow, "NetworkSegmentRangeReferencedByProject", &referenced);
        refused(
            cloud.try_delete(&first).await,
            "NetworkSegmentRangeReferencedByProject",
            &referenced,
        );
        // What is in use may be the first and the last of a range.
        let only = cloud.update(&first, json!({"minimum": 305, "maximum": 305})).await;
        assert_eq!((only.minimum, only.maximum), (305, 305));
        let (from, to) = (first.minimum, first.maximum);
        let first = cloud.update(&only, json!({"minimum": from, "maximum": to})).await;
        let wide = cloud.update(&first, json!({"maximum": 315, "name": "wide"})).await;
        assert_eq!((wide.maximum, wide.name.as_str()), (315, "wide"));
        cloud.delete(&network).await;
        cloud.delete(&first).await;
        refused_as(
            NetworkSegmentRange::show(&cloud, &member("p"), &wide.key()).await,
            "NetworkSegmentRangeNotFound",
        );
    })
    .await;
}

#[tokio::test]
async fn the_configured_ranges_are_shown_and_stay() {
    each(async |cloud| {
        cloud.network_segment_ranges_record().await.unwrap();
        cloud.network_segment_ranges_record().await.unwrap();
        let ranges: Vec<NetworkSegmentRange> = cloud.list(Ask::default().query()).await;
        let [range] = &ranges[..] else { panic!("{ranges:?}") };
        assert!(range.is_default && range.shared);
        assert_eq!((range.minimum, range.maximum), (100, 102));
        assert_eq!(range.available, [100, 101, 102]);
        let stays = format!(
            "Network Segment Range {} is a default segment range which could not be updated or \
             deleted.",
            range.id
        );
        let name = "NetworkSegmentRangeDefaultReadOnly";
        refused(cloud.try_update(range, json!({"name": "x"})).await, name, &stays);
        refused(cloud.try_delete(range).await, name, &stays);
        assert_eq!(
            NetworkSegmentRange::show(&cloud, &admin(), &range.key()).await.unwrap(),
            *range
        );
    })
    .await;
}
