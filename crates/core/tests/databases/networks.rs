//! Networks and their segments.

use nucleon_core::{Kind, Noun, Precondition};
use nucleon_db::network::network_get_shown;
use nucleon_model::view::Role;
use nucleon_model::{AddressScope, ListQuery, Network, RbacPolicy, Segment, Subnet, SubnetPool};
use serde_json::json;

use crate::availability_zones::agent_in;
use crate::scene::{Ask, admin, draft, each, each_with, member, merged, refused, refused_as};

fn vlan(id: i64) -> serde_json::Value {
    json!({
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": id,
    })
}

#[tokio::test]
async fn a_provider_network_shows_its_segment() {
    each(async |cloud| {
        let network = cloud.network(merged(vlan(7), json!({"name": "n", "shared": true}))).await;
        assert!(network.is_new);
        assert_eq!(Network { is_new: false, ..network.clone() }, cloud.now_of(&network).await);
        assert_eq!(network.network_type.as_ref().unwrap().as_str(), "vlan");
        assert_eq!(network.segmentation_id, Some(7));
        assert_eq!((network.mtu, network.revision_number), (1500, 1));
        let segments: Vec<Segment> =
            cloud.list(Ask::default().with::<Segment>("network_id", &[network.id]).query()).await;
        let [segment] = &segments[..] else { panic!("{segments:?}") };
        assert_eq!(segment.segmentation_id, Some(7));
        assert_eq!(Segment::show(&cloud, &admin(), &segment.key()).await.unwrap(), *segment);
        refused_as(Segment::show(&cloud, &member("p"), &segment.key()).await, "SegmentNotFound");
        cloud.delete(&network).await;
        refused_as(Segment::show(&cloud, &admin(), &segment.key()).await, "SegmentNotFound");
    })
    .await;
}

#[tokio::test]
async fn a_vlan_and_a_flat_network_are_taken_once() {
    each(async |cloud| {
        let first = cloud.network(vlan(7)).await;
        refused(
            cloud.try_create::<Network>(vlan(7)).await,
            "VlanIdInUse",
            "Unable to create the network. The VLAN 7 on physical network physnet1 is in use.",
        );
        let flat = json!({"provider:network_type": "flat", "provider:physical_network": "pub"});
        cloud.network(flat.clone()).await;
        refused(
            cloud.try_create::<Network>(flat).await,
            "FlatNetworkInUse",
            "Unable to create the flat network. Physical network pub is in use.",
        );
        // What was refused has left nothing, and what was freed can be had again.
        assert_eq!(cloud.list::<Network>(Ask::default().query()).await.len(), 2);
        cloud.delete(&first).await;
        cloud.network(vlan(7)).await;
    })
    .await;
}

#[tokio::test]
async fn projects_get_vlans_from_the_ranges_until_none_is_left() {
    let settings = nucleon_core::Settings {
        project_network_types: vec!["vlan".to_owned()],
        ..crate::scene::roomy()
    };
    each_with(settings, async |cloud| {
        let mut ids = Vec::new();
        let mut last = None;
        for _ in 0..3 {
            let network: Network = cloud.create_as(&member("p"), json!({})).await.unwrap();
            ids.extend(network.segmentation_id);
            last = Some(network);
        }
        ids.sort_unstable();
        assert_eq!(ids, [100, 101, 102]);
        let full = cloud.create_as::<Network>(&member("p"), json!({})).await.unwrap_err();
        assert_eq!((full.kind(), full.name()), (Kind::Unavailable, "NoNetworkAvailable"));
        assert_eq!(
            full.message(),
            "Unable to create the network. No project network is available for allocation."
        );
        cloud.delete(&last.unwrap()).await;
        cloud.create_as::<Network>(&member("p"), json!({})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_network_over_several_segments_shows_them_all() {
    each(async |cloud| {
        let segments = json!([
            {"provider:network_type": "vlan", "provider:physical_network": "physnet1",
             "provider:segmentation_id": 5},
            {"provider:network_type": "vlan", "provider:physical_network": "physnet2",
             "provider:segmentation_id": 5},
        ]);
        let network = cloud.network(json!({"segments": segments})).await;
        let network = cloud.now_of(&network).await;
        assert_eq!(network.network_type, None);
        assert_eq!(network.segments.len(), 2);
        let both = merged(vlan(9), json!({"segments": segments}));
        refused_as(
            cloud.try_create::<Network>(both).await,
            "SegmentsSetInConjunctionWithProviders",
        );
    })
    .await;
}

const P1: &str = "00000000-0000-0000-0000-0000000000a1";
const P2: &str = "00000000-0000-0000-0000-0000000000a2";
const P3: &str = "00000000-0000-0000-0000-0000000000a3";

/// One statement shows of a network what several show of many.
#[tokio::test]
async fn a_network_shows_alone_what_it_shows_in_a_list() {
    each(async |cloud| {
        for (host, zone) in [("h1", "south"), ("h2", "north")] {
            cloud.host(host).await;
            agent_in(&cloud, Role::DhcpAgent, host, zone).await;
        }
        let scope: AddressScope =
            cloud.try_create(json!({"name": "s", "ip_version": 4})).await.unwrap();
        let pool: SubnetPool = cloud
            .try_create(json!({
                "name": "p", "prefixes": ["10.0.0.0/8"], "default_prefixlen": 24,
                "address_scope_id": scope.id.to_string(),
            }))
            .await
            .unwrap();
        let own = |more| merged(json!({"project_id": P1}), more);
        let plain = cloud.network(own(vlan(7))).await;
        for _ in 0..3 {
            let of_pool = json!({
                "network_id": plain.key(), "ip_version": 4, "subnetpool_id": pool.id.to_string(),
            });
            cloud.try_create::<Subnet>(of_pool).await.unwrap();
        }
        cloud.subnet(&plain, "fd00::/64", json!({})).await;
        let segments =
            json!([merged(vlan(8), json!({"provider:physical_network": "physnet2"})), vlan(8),]);
        let several = cloud.network(own(json!({"segments": segments}))).await;
        let shared = cloud.network(own(json!({"shared": true}))).await;
        let outside = cloud.network(own(json!({"router:external": true}))).await;
        for (action, network) in [("access_as_shared", &several), ("access_as_external", &plain)] {
            let policy = json!({
                "object_type": "network", "object_id": network.key(), "action": action,
                "target_tenant": P2, "project_id": P1,
            });
            cloud.try_create::<RbacPolicy>(policy).await.unwrap();
        }
        let all = [&plain, &several, &shared, &outside];
        let (mut hidden, mut zones) = (0, 0);
        for caller in [admin(), member(P1), member(P2), member(P3)] {
            let listed = Network::list(&cloud, &caller, ListQuery::default()).await.unwrap();
            for network in all {
                let listed = listed.iter().find(|one| one.id == network.id);
                let shown = Network::show(&cloud, &caller, &network.key()).await;
                hidden += usize::from(listed.is_none());
                zones += listed.map_or(0, |network| network.availability_zones.len());
                assert_eq!(shown.ok().as_ref(), listed, "{} of {caller:?}", network.key());
            }
        }
        // A project that nothing is shared with sees what is shared with all.
        assert_eq!(hidden, 2);
        assert!(zones > 0, "no network is served");
        let statements = cloud.store().read(|tx| {
            let id = plain.id;
            Box::pin(async move {
                let found = network_get_shown(tx, id, P2).await?;
                let actions: Vec<String> = found.unwrap().1.into_iter().collect();
                assert_eq!(actions, ["access_as_external"]);
                Ok::<_, nucleon_db::Error>(tx.statements())
            })
        });
        assert_eq!(statements.await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_update_counts_and_holds_to_the_revision_asked_for() {
    each(async |cloud| {
        let network = cloud.network(json!({"name": "a"})).await;
        let update = |name: &str, revision| {
            let precondition = Precondition { revision };
            let draft = draft::<Network>(json!({"name": name}));
            let (core, id) = (cloud.core.clone(), network.key());
            async move { Network::update(&core, &admin(), &id, draft, precondition).await }
        };
        assert_eq!(update("b", Some(1)).await.unwrap().revision_number, 2);
        refused(
            update("c", Some(1)).await,
            "RevisionNumberConstraintFailed",
            "Constrained to 1, but current revision is 2",
        );
        assert_eq!(cloud.now_of(&network).await.name, "b");
        let stale = Precondition { revision: Some(1) };
        refused_as(
            Network::delete(&cloud, &admin(), &network.key(), stale).await,
            "RevisionNumberConstraintFailed",
        );
    })
    .await;
}

#[tokio::test]
async fn a_network_in_use_stays() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let port = cloud.port(&network, json!({})).await;
        refused(
            cloud.try_delete(&network).await,
            "NetworkInUse",
            &format!(
                "Unable to complete operation on network {}. There are one or more ports still in \
                 use on the network, id for these ports is: {}.",
                network.id, port.id
            ),
        );
        cloud.delete(&port).await;
        cloud.delete(&network).await;
        refused_as(
            nucleon_model::Subnet::show(&cloud, &admin(), &subnet.key()).await,
            "SubnetNotFound",
        );
        refused(
            cloud.try_delete(&network).await,
            "NetworkNotFound",
            &format!("Network {} could not be found.", network.id),
        );
    })
    .await;
}

#[tokio::test]
async fn a_shared_network_stays_shared_while_another_project_is_on_it() {
    each(async |cloud| {
        let network = cloud.network(json!({"name": "n", "shared": true})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let stranger = member("p2");
        let attributes = json!({"network_id": network.key()});
        let port: nucleon_model::Port = cloud.create_as(&stranger, attributes).await.unwrap();
        refused(
            cloud.try_update(&network, json!({"shared": false})).await,
            "InvalidSharedSetting",
            "Unable to reconfigure sharing settings for network n. Multiple projects are using it.",
        );
        cloud.delete(&port).await;
        assert!(
            nucleon_model::Subnet::show(&cloud, &stranger, &subnet.key()).await.unwrap().shared
        );
        cloud.update(&network, json!({"shared": false})).await;
        refused_as(Network::show(&cloud, &stranger, &network.key()).await, "NetworkNotFound");
        refused_as(
            nucleon_model::Subnet::show(&cloud, &stranger, &subnet.key()).await,
            "SubnetNotFound",
        );
    })
    .await;
}

#[tokio::test]
async fn the_mtu_is_bounded_by_the_wire_and_by_ipv6() {
    each(async |cloud| {
        let network = cloud.network(merged(vlan(7), json!({"mtu": 1400}))).await;
        assert_eq!(cloud.now_of(&network).await.mtu, 1400);
        refused_as(cloud.try_update(&network, json!({"mtu": 1501})).await, "InvalidInput");
        assert_eq!(cloud.update(&network, json!({"mtu": 1000})).await.mtu, 1000);
        let six = json!({"network_id": network.key(), "ip_version": 6, "cidr": "fd00::/64"});
        refused_as(cloud.try_create::<Subnet>(six).await, "NetworkMTUSubnetConflict");
        cloud.update(&network, json!({"mtu": 1280})).await;
        cloud.subnet(&network, "fd00::/64", json!({})).await;
        refused_as(
            cloud.try_update(&network, json!({"mtu": 1279})).await,
            "NetworkMTUSubnetConflict",
        );
        assert_eq!(cloud.update(&network, json!({"mtu": 0})).await.mtu, 1500);
    })
    .await;
}

#[tokio::test]
async fn a_network_counts_what_is_embedded_in_it() {
    each(async |cloud| {
        let network = cloud.network(vlan(7)).await;
        let revision = async || cloud.now_of(&network).await.revision_number;
        let mut last = revision().await;
        let mut grew = async |what: &str| {
            let now = revision().await;
            assert!(now > last, "{what}");
            last = now;
        };
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        grew("a subnet came").await;
        cloud.update(&subnet, json!({"dns_nameservers": ["1.1.1.1"]})).await;
        grew("a subnet changed").await;
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        grew("an agent serves it").await;
        cloud.delete(&cloud.agent_of(nucleon_model::view::Role::DhcpAgent, "h1").await).await;
        grew("its agent was deleted").await;
        cloud.delete(&subnet).await;
        grew("a subnet went").await;
    })
    .await;
}

#[tokio::test]
async fn the_ports_of_a_network_follow_when_it_keeps_them_apart() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let open = json!({"port_security_enabled": false});
        let (port, open) =
            (cloud.port(&network, json!({})).await, cloud.port(&network, open).await);
        refused_as(
            cloud.try_update(&network, json!({"pvlan": true})).await,
            "PVLANPortSecurityDisabled",
        );
        cloud.delete(&open).await;
        cloud.update(&network, json!({"pvlan": true})).await;
        assert_eq!(cloud.now_of(&port).await.pvlan_type.as_deref(), Some("promiscuous"));
        let isolated = cloud.update(&port, json!({"pvlan_type": "isolated"})).await;
        assert_eq!(isolated.pvlan_type.as_deref(), Some("isolated"));
        cloud.update(&network, json!({"pvlan": false})).await;
        assert_eq!(cloud.now_of(&port).await.pvlan_type, None);
    })
    .await;
}

#[tokio::test]
async fn a_network_without_subnets_is_as_narrow_as_it_likes() {
    each(async |cloud| {
        let narrow = cloud.network(json!({"mtu": 67})).await;
        let subnet = json!({"network_id": narrow.id, "ip_version": 4, "cidr": "10.0.0.0/24"});
        refused_as(cloud.try_create::<Subnet>(subnet).await, "NetworkMTUSubnetConflict");
        let network = cloud.network(json!({"mtu": 1280})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        cloud.update(&network, json!({"mtu": 68})).await;
        refused_as(
            cloud.try_update(&network, json!({"mtu": 67})).await,
            "NetworkMTUSubnetConflict",
        );
    })
    .await;
}
