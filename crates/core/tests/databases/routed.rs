//! Routed networks: subnets that are confined to segments.

use nucleon_model::{Network, Segment, Subnet};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, each, refused, refused_as};

struct Racks {
    network: Network,
    one: Subnet,
    two: Subnet,
}

/// A network over two racks with a subnet and a host each: `h1` and `h2`.
async fn racks(cloud: &Cloud) -> Racks {
    cloud.host_on("h1", "physnet1").await;
    cloud.host_on("h2", "physnet2").await;
    let segment = |name: &str| {
        json!({"provider:network_type": "vlan", "provider:physical_network": name,
               "provider:segmentation_id": 5})
    };
    let network =
        cloud.network(json!({"segments": [segment("physnet1"), segment("physnet2")]})).await;
    let segments: Vec<Segment> = cloud.list(Ask::default().query()).await;
    let on = |name: &str| {
        let named = |s: &&Segment| s.physical_network.as_deref() == Some(name);
        json!({"segment_id": segments.iter().find(named).unwrap().id.to_string()})
    };
    let one = cloud.subnet(&network, "10.1.0.0/24", on("physnet1")).await;
    let two = cloud.subnet(&network, "10.2.0.0/24", on("physnet2")).await;
    Racks { network, one, two }
}

fn at(host: &str) -> Value {
    json!({"binding:host_id": host})
}

#[tokio::test]
async fn the_host_decides_from_which_subnet_a_port_gets_its_address() {
    each(async |cloud| {
        let Racks { network, one, two } = racks(&cloud).await;
        assert!(!cloud.now_of(&network).await.l2_adjacency);
        for (host, subnet) in [("h1", &one), ("h2", &two)] {
            let port = cloud.port(&network, at(host)).await;
            assert_eq!(port.fixed_ips[0].subnet_id, subnet.id);
            assert_eq!(port.segment_id, subnet.segment_id);
        }
        refused(
            cloud.try_port(&network, at("nohost")).await,
            "HostNotConnectedToAnySegment",
            &format!(
                "Host nohost is not connected to any segments on routed provider network '{}'.  It \
                 should be connected to one.",
                network.id
            ),
        );
        let deferred = cloud.port(&network, json!({})).await;
        assert_eq!((deferred.ip_allocation.as_str(), deferred.fixed_ips.len()), ("deferred", 0));
        let placed = cloud.update(&deferred, at("h2")).await;
        assert_eq!(placed.ip_allocation, "immediate");
        assert_eq!(placed.fixed_ips[0].subnet_id, two.id);
        refused(
            cloud.try_update(&placed, at("h1")).await,
            "HostNotCompatibleWithFixedIps",
            &format!(
                "Host h1 is not connected to a segment where the existing fixed_ips on port {} \
                 will function given the routed network topology.",
                placed.id
            ),
        );
        let both = json!({"fixed_ips": [
            {"subnet_id": one.id.to_string()}, {"subnet_id": two.id.to_string()}
        ]});
        refused(
            cloud.try_port(&network, both).await,
            "FixedIpsSubnetsNotOnSameSegment",
            "Cannot allocate addresses from different segments.",
        );
    })
    .await;
}

#[tokio::test]
async fn subnets_with_and_without_segment_do_not_mix() {
    each(async |cloud| {
        let Racks { network, one, .. } = racks(&cloud).await;
        let base = json!({"network_id": network.id.to_string(), "ip_version": 4});
        let plain = crate::scene::merged(base, json!({"cidr": "10.51.0.0/24"}));
        refused(
            cloud.try_create::<Subnet>(plain).await,
            "SubnetsNotAllAssociatedWithSegments",
            &format!(
                "All of the subnets on network '{}' must either all be associated with segments or \
                 all not associated with any segment.",
                network.id
            ),
        );
        let other = cloud.network(json!({})).await;
        let segment = one.segment_id.unwrap().to_string();
        let subnet = json!({
            "network_id": other.id.to_string(),
            "ip_version": 4,
            "cidr": "10.0.0.0/24",
            "segment_id": segment,
        });
        refused_as(cloud.try_create::<Subnet>(subnet).await, "NetworkIdsDontMatch");
    })
    .await;
}

#[tokio::test]
async fn each_segment_is_served_by_dhcp_from_a_host_of_its_own() {
    each(async |cloud| {
        let Racks { network, one, two } = racks(&cloud).await;
        cloud.dhcp_agent("h1").await;
        cloud.dhcp_agent("h2").await;
        let ports = cloud.dhcp_ports(&network).await;
        let held: Vec<_> = ports
            .iter()
            .map(|port| (port.host.as_str(), port.fixed_ips[0].subnet_id, port.fixed_ips.len()))
            .collect();
        assert_eq!(held, [("h1", one.id, 1), ("h2", two.id, 1)]);
        // The agent of one rack is no heir to that of the other.
        cloud.let_agents_die();
        cloud.host_on("h2", "physnet2").await;
        cloud.dhcp_agent("h2").await;
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 0);
        cloud.host_on("h3", "physnet1").await;
        cloud.dhcp_agent("h3").await;
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 1);
        let ports = cloud.dhcp_ports(&network).await;
        assert_eq!(ports.iter().map(|p| p.host.as_str()).collect::<Vec<_>>(), ["h2", "h3"]);
        assert_eq!(ports[1].fixed_ips[0].subnet_id, one.id);
    })
    .await;
}
