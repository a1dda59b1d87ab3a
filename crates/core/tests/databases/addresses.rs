//! Which addresses ports get.

use std::collections::BTreeSet;
use std::net::IpAddr;

use nucleon_core::Noun;
use nucleon_model::{Port, Subnet};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, draft, each, merged, refused, refused_as};

fn slaac() -> Value {
    json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"})
}

fn addresses(port: &Port) -> Vec<String> {
    let mut texts: Vec<String> =
        port.fixed_ips.iter().map(|held| held.ip_address.to_string()).collect();
    texts.sort();
    texts
}

fn within(address: IpAddr, subnet: &Subnet) -> bool {
    subnet.allocation_pools.iter().any(|pool| pool.contains(address))
}

#[tokio::test]
async fn a_port_gets_one_address_of_each_family() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        assert!(cloud.port(&network, json!({})).await.fixed_ips.is_empty());
        let four = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        cloud.clock.advance(std::time::Duration::from_secs(1));
        cloud.subnet(&network, "10.0.1.0/24", json!({})).await;
        let six = cloud.subnet(&network, "fd00::/64", json!({})).await;
        let port = cloud.port(&network, json!({})).await;
        assert_eq!(port, cloud.now_of(&port).await);
        let [first, second] = &port.fixed_ips[..] else { panic!("{:?}", port.fixed_ips) };
        assert_eq!((first.subnet_id, second.subnet_id), (four.id, six.id));
        assert!(within(first.ip_address, &four) && within(second.ip_address, &six));
        assert_eq!(port.ip_allocation, "immediate");
        let bare = cloud.port(&network, json!({"fixed_ips": []})).await;
        assert!(bare.fixed_ips.is_empty());
        assert_eq!(bare.ip_allocation, "none");
    })
    .await;
}

#[tokio::test]
async fn hosts_that_make_their_own_addresses_have_them_on_every_port() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let mac = json!({"mac_address": "fa:16:3e:00:00:01"});
        let before = cloud.port(&network, mac).await;
        let subnet = cloud.subnet(&network, "fd00:1::/64", slaac()).await;
        let joined = cloud.now_of(&before).await;
        assert_eq!(addresses(&joined), ["fd00:1::f816:3eff:fe00:1"]);
        assert_eq!(joined.revision_number, before.revision_number + 1);
        let mac = json!({"mac_address": "fa:16:3e:00:00:02"});
        let after = cloud.port(&network, mac).await;
        assert_eq!(addresses(&after), ["fd00:1::f816:3eff:fe00:2"]);
        let own = json!({"fixed_ips": [{"subnet_id": subnet.key(), "ip_address": "fd00:1::5"}]});
        refused_as(cloud.try_port(&network, own).await, "AllocationOnAutoAddressSubnet");
        // The address follows the MAC address.
        let moved = cloud.update(&after, json!({"mac_address": "fa:16:3e:00:00:03"})).await;
        assert_eq!(addresses(&moved), ["fd00:1::f816:3eff:fe00:3"]);
        let again = cloud.port(&network, json!({"mac_address": "fa:16:3e:00:00:02"})).await;
        assert_eq!(addresses(&again), ["fd00:1::f816:3eff:fe00:2"]);
    })
    .await;
}

#[tokio::test]
async fn an_address_asked_for_is_given_once() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let ask = json!({"fixed_ips": [{"ip_address": "10.0.0.77"}]});
        let port = cloud.port(&network, ask.clone()).await;
        assert_eq!(addresses(&port), ["10.0.0.77"]);
        refused(
            cloud.try_port(&network, ask.clone()).await,
            "IpAddressAlreadyAllocated",
            &format!("IP address 10.0.0.77 already allocated in subnet {}", subnet.id),
        );
        cloud.delete(&port).await;
        assert_eq!(addresses(&cloud.port(&network, ask).await), ["10.0.0.77"]);
        let refused_fixed_ip = async |fixed_ip: Value, name: &str, message: &str| {
            refused(cloud.try_port(&network, json!({"fixed_ips": [fixed_ip]})).await, name, message);
        };
        refused_fixed_ip(
            json!({"ip_address": "99.9.9.9"}),
            "InvalidIpForNetwork",
            "IP address 99.9.9.9 is not a valid IP for any of the subnets on the specified network.",
        )
        .await;
        refused_fixed_ip(
            json!({"subnet_id": subnet.key(), "ip_address": "99.9.9.9"}),
            "InvalidIpForSubnet",
            "IP address 99.9.9.9 is not a valid IP for the specified subnet.",
        )
        .await;
        let nowhere = "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11";
        refused_fixed_ip(
            json!({"subnet_id": nowhere}),
            "SubnetNotFound",
            &format!("Subnet {nowhere} could not be found."),
        )
        .await;
        // The gateway and addresses outside of the pools may be asked for; two on one subnet too.
        let two = json!([{"ip_address": "10.0.0.1"}, {"subnet_id": subnet.key()}]);
        let port = cloud.port(&network, json!({"fixed_ips": two})).await;
        assert_eq!(port.fixed_ips.len(), 2);
        assert!(within(port.fixed_ips[1].ip_address, &subnet));
    })
    .await;
}

#[tokio::test]
async fn addresses_are_kept_exchanged_and_given_back_by_updates() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let port = cloud.port(&network, json!({"fixed_ips": [{"ip_address": "10.0.0.7"}]})).await;
        let fixed_ips = |value: Value| json!({"fixed_ips": value});
        let any = fixed_ips(json!([{"subnet_id": subnet.key()}]));
        assert_eq!(addresses(&cloud.update(&port, any.clone()).await), ["10.0.0.7"]);
        let both = fixed_ips(json!([{"ip_address": "10.0.0.7"}, {"ip_address": "10.0.0.8"}]));
        assert_eq!(addresses(&cloud.update(&port, both).await), ["10.0.0.7", "10.0.0.8"]);
        let other = fixed_ips(json!([{"ip_address": "10.0.0.9"}]));
        assert_eq!(addresses(&cloud.update(&port, other).await), ["10.0.0.9"]);
        cloud.port(&network, json!({"fixed_ips": [{"ip_address": "10.0.0.7"}]})).await;
        let taken = fixed_ips(json!([{"ip_address": "10.0.0.7"}]));
        refused_as(cloud.try_update(&port, taken).await, "IpAddressAlreadyAllocated");
        assert_eq!(addresses(&cloud.now_of(&port).await), ["10.0.0.9"]);
        let none = cloud.update(&port, fixed_ips(json!([]))).await;
        assert_eq!((none.fixed_ips.len(), none.ip_allocation.as_str()), (0, "none"));
        assert_eq!(cloud.update(&port, any).await.fixed_ips.len(), 1);
    })
    .await;
}

async fn exhausted(cloud: &Cloud, network: &nucleon_model::Network) {
    refused(
        cloud.try_port(network, json!({})).await,
        "IpAddressGenerationFailure",
        &format!("No more IP addresses available on network {}.", network.id),
    );
}

#[tokio::test]
async fn a_subnet_gives_all_of_its_addresses_and_no_more() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let pools = json!({"allocation_pools": [
            {"start": "10.0.0.10", "end": "10.0.0.14"}, {"start": "10.0.0.30", "end": "10.0.0.34"}
        ]});
        cloud.subnet(&network, "10.0.0.0/24", pools).await;
        let drafts = vec![draft::<Port>(json!({"network_id": network.key()})); 8];
        let mut ports = Port::create(&cloud, &admin(), drafts).await.unwrap();
        for _ in 0..2 {
            ports.push(cloud.port(&network, json!({})).await);
        }
        let distinct: BTreeSet<_> = ports.iter().map(|port| port.fixed_ips[0].ip_address).collect();
        assert_eq!(distinct.len(), 10);
        exhausted(&cloud, &network).await;
        cloud.delete(&ports[4]).await;
        let port = cloud.port(&network, json!({})).await;
        assert_eq!(port.fixed_ips, ports[4].fixed_ips);
        exhausted(&cloud, &network).await;
        // A second subnet takes over where the first is full.
        let second = cloud.subnet(&network, "10.0.1.0/24", json!({})).await;
        assert_eq!(cloud.port(&network, json!({})).await.fixed_ips[0].subnet_id, second.id);
    })
    .await;
}

#[tokio::test]
async fn a_nearly_full_subnet_is_searched_to_its_last_address() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        // More than two windows of a walk.
        cloud.subnet(&network, "10.0.0.0/22", json!({"gateway_ip": null})).await;
        let drafts = |count| vec![draft::<Port>(json!({"network_id": network.key()})); count];
        let ports = Port::create(&cloud, &admin(), drafts(1022)).await.unwrap();
        let distinct: BTreeSet<_> = ports.iter().map(|port| port.fixed_ips[0].ip_address).collect();
        assert_eq!(distinct.len(), 1022);
        exhausted(&cloud, &network).await;
        for port in [&ports[0], &ports[700]] {
            cloud.delete(port).await;
            assert_eq!(cloud.port(&network, json!({})).await.fixed_ips, port.fixed_ips);
        }
        cloud.delete(&ports[1]).await;
        refused_as(Port::create(&cloud, &admin(), drafts(2)).await, "IpAddressGenerationFailure");
    })
    .await;
}

#[tokio::test]
async fn a_mac_address_is_on_a_network_once() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let other = cloud.network(json!({})).await;
        let mac = json!({"mac_address": "fa:16:3e:19:1c:2d"});
        let port = cloud.port(&network, mac.clone()).await;
        cloud.port(&other, mac.clone()).await;
        let message = format!(
            "Unable to complete operation for network {}. The mac address fa:16:3e:19:1c:2d is in \
             use.",
            network.id
        );
        refused(cloud.try_port(&network, mac.clone()).await, "MacAddressInUse", &message);
        let second = cloud.port(&network, json!({})).await;
        refused(cloud.try_update(&second, mac.clone()).await, "MacAddressInUse", &message);
        let new = json!({"network_id": network.key(), "mac_address": "fa:16:3e:19:1c:2e"});
        let twice = vec![draft::<Port>(new); 2];
        refused_as(Port::create(&cloud, &admin(), twice).await, "MacAddressInUse");
        assert!(second.mac_address.to_string().starts_with("fa:16:3e:"));
        let regenerated = cloud.update(&port, json!({"mac_address": null})).await;
        assert_ne!(regenerated.mac_address, port.mac_address);
        let bound = cloud.port(&network, merged(mac, json!({"binding:host_id": "h1"}))).await;
        cloud.host("h1").await;
        let bound = cloud.now_of(&bound).await;
        assert_eq!(bound.vif_type, "ovs");
        refused_as(
            cloud.try_update(&bound, json!({"mac_address": "fa:16:3e:19:1c:2f"})).await,
            "PortBound",
        );
    })
    .await;
}
