//! Subnets.

use nucleon_core::Noun;
use nucleon_model::Subnet;
use serde_json::{Value, json};

use crate::scene::{Cloud, each, merged, refused, refused_as};

async fn refusal(cloud: &Cloud, base: &Value, more: Value) -> (String, String) {
    let error = cloud.try_create::<Subnet>(merged(base.clone(), more)).await.unwrap_err();
    (error.name().to_owned(), error.message().to_owned())
}

#[tokio::test]
async fn a_subnet_gets_gateway_and_pools_of_its_own() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.2.0.5/24", json!({})).await;
        assert_eq!(subnet, cloud.now_of(&subnet).await);
        assert_eq!(subnet.cidr.unwrap().to_string(), "10.2.0.0/24");
        assert_eq!(subnet.gateway_ip.unwrap().to_string(), "10.2.0.1");
        assert_eq!(subnet.allocation_pools[0].to_string(), "10.2.0.2-10.2.0.254");
        assert_eq!(cloud.now_of(&network).await.subnets, [subnet.id]);
        let outside = json!({"gateway_ip": "192.0.2.1"});
        let subnet = cloud.subnet(&network, "10.3.0.0/24", outside).await;
        assert_eq!(subnet.gateway_ip.unwrap().to_string(), "192.0.2.1");
    })
    .await;
}

#[tokio::test]
async fn refusals_are_in_neutrons_words() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.1.0.0/24", json!({})).await;
        let id = network.id;
        let base = json!({"network_id": network.key(), "ip_version": 4, "cidr": "10.4.0.0/24"});
        let invalid = |text: String| {
            ("InvalidInput".to_owned(), format!("Invalid input for operation: {text}."))
        };
        assert_eq!(
            refusal(&cloud, &base, json!({"cidr": "10.1.0.0/25"})).await,
            invalid(format!(
                "Requested subnet with cidr: 10.1.0.0/25 for network: {id} overlaps with another \
                 subnet"
            ))
        );
        assert_eq!(
            refusal(&cloud, &base, json!({"ip_version": 6})).await,
            invalid("cidr '10.4.0.0/24' does not match the ip_version '6'".to_owned())
        );
        let pools = json!({"allocation_pools": [{"start": "10.4.0.1", "end": "10.4.0.10"}]});
        assert_eq!(
            refusal(&cloud, &base, pools).await,
            (
                "GatewayConflictWithAllocationPools".to_owned(),
                "Gateway ip 10.4.0.1 conflicts with allocation pool 10.4.0.1-10.4.0.10.".to_owned()
            )
        );
        let pools = json!({"allocation_pools": [
            {"start": "10.4.0.10", "end": "10.4.0.20"}, {"start": "10.4.0.15", "end": "10.4.0.25"}
        ]});
        assert_eq!(refusal(&cloud, &base, pools).await.0, "OverlappingAllocationPools");
        let nowhere = json!({"network_id": "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11"});
        assert_eq!(refusal(&cloud, &base, nowhere).await.0, "NetworkNotFound");
        assert_eq!(refusal(&cloud, &base, json!({"cidr": null})).await.0, "BadRequest");
        // None of these has changed the network.
        assert_eq!(cloud.now_of(&network).await.revision_number, 2);
    })
    .await;
}

#[tokio::test]
async fn pools_and_gateway_are_changed_as_long_as_they_agree() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let pools = json!({"allocation_pools": [{"start": "10.0.0.10", "end": "10.0.0.20"}]});
        let updated = cloud.update(&subnet, pools).await;
        assert_eq!(updated.revision_number, subnet.revision_number + 1);
        refused(
            cloud.try_update(&subnet, json!({"gateway_ip": "10.0.0.15"})).await,
            "GatewayConflictWithAllocationPools",
            "Gateway ip 10.0.0.15 conflicts with allocation pool 10.0.0.10-10.0.0.20.",
        );
        let updated = cloud.update(&subnet, json!({"gateway_ip": "10.0.0.254"})).await;
        assert_eq!(updated.gateway_ip.unwrap().to_string(), "10.0.0.254");
        let pools = json!({"allocation_pools": [{"start": "10.0.0.250", "end": "10.0.1.3"}]});
        refused_as(cloud.try_update(&subnet, pools).await, "OutOfBoundsAllocationPool");
        assert_eq!(cloud.update(&subnet, json!({"gateway_ip": null})).await.gateway_ip, None);
        let port = cloud.port(&network, json!({})).await;
        assert!(updated.allocation_pools[0].contains(port.fixed_ips[0].ip_address));
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_a_router_has_stays() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let router = cloud
            .port(
                &network,
                json!({
                    "device_owner": "network:router_interface",
                    "fixed_ips": [{"ip_address": "10.0.0.1"}],
                }),
            )
            .await;
        refused(
            cloud.try_update(&subnet, json!({"gateway_ip": null})).await,
            "GatewayIpInUse",
            &format!(
                "Current gateway ip 10.0.0.1 already in use by port {}. Unable to update.",
                router.id
            ),
        );
        cloud.update(&subnet, json!({"name": "x"})).await;
    })
    .await;
}

#[tokio::test]
async fn a_subnet_in_use_stays_but_derived_addresses_do_not_hold_it() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let four = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let modes = json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"});
        let six = cloud.subnet(&network, "fd00::/64", modes).await;
        let port = cloud.port(&network, json!({})).await;
        assert_eq!(port.fixed_ips.len(), 2);
        refused(
            cloud.try_delete(&four).await,
            "SubnetInUse",
            &format!(
                "Unable to complete operation on subnet {}: One or more ports have an IP \
                 allocation from this subnet.",
                four.id
            ),
        );
        cloud.delete(&six).await;
        let port = cloud.now_of(&port).await;
        assert_eq!(port.fixed_ips.len(), 1);
        assert_eq!(port.revision_number, 2);
        assert_eq!(cloud.now_of(&network).await.subnets, [four.id]);
        assert_eq!(four.key(), four.id.to_string());
    })
    .await;
}
