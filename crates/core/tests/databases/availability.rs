//! Subnets for certain kinds of port, and how many addresses are left.

use nucleon_core::Noun;
use nucleon_model::{NetworkIpAvailability, Port, Subnet};
use serde_json::json;

use crate::scene::{Ask, admin, each, member, refused, refused_as};

fn subnet_of(port: &Port) -> nucleon_model::SubnetId {
    port.fixed_ips[0].subnet_id
}

#[tokio::test]
async fn ports_get_addresses_on_the_subnets_for_their_kind() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let types = |types: &[&str]| json!({"service_types": types, "enable_dhcp": false});
        let one = cloud.subnet(&network, "10.1.0.0/24", types(&["test:one"])).await;
        let two = cloud.subnet(&network, "10.2.0.0/24", types(&["test:two", "test:more"])).await;
        let of = |owner: &str| json!({"device_owner": owner});
        assert_eq!(subnet_of(&cloud.port(&network, of("test:one")).await), one.id);
        assert_eq!(subnet_of(&cloud.port(&network, of("test:more")).await), two.id);
        refused(
            cloud.try_port(&network, of("compute:nova")).await,
            "IpAddressGenerationFailureNoMatchingSubnet",
            &format!(
                "No valid service subnet for the given device owner, network {}, service type \
                 compute:nova.",
                network.id
            ),
        );
        let any = cloud.subnet(&network, "10.3.0.0/24", types(&[])).await;
        assert_eq!(subnet_of(&cloud.port(&network, of("compute:nova")).await), any.id);
        // A subnet for the kind comes before one for all.
        assert_eq!(subnet_of(&cloud.port(&network, of("test:one")).await), one.id);
        let wrong = json!({"device_owner": "test:one", "fixed_ips": [{"subnet_id": two.key()}]});
        refused(
            cloud.try_port(&network, wrong).await,
            "InvalidInput",
            &format!(
                "Invalid input for operation: Failed to create port on network {}, because fixed_ips \
                 included invalid subnet {}.",
                network.id, two.id
            ),
        );
        let opened = cloud.update(&two, json!({"service_types": [], "dns_publish_fixed_ip": true}));
        let opened: Subnet = opened.await;
        assert!(opened.service_types.is_any() && opened.dns_publish_fixed_ip);
    })
    .await;
}

#[tokio::test]
async fn addresses_in_use_are_counted_within_pools_and_beyond() {
    each(async |cloud| {
        let network = cloud.network(json!({"name": "n"})).await;
        let off = json!({"enable_dhcp": false, "allocation_pools": [
            {"start": "10.0.0.10", "end": "10.0.0.19"}, {"start": "10.0.0.30", "end": "10.0.0.34"},
        ]});
        cloud.subnet(&network, "10.0.0.0/24", off).await;
        cloud.subnet(&network, "fd00::/64", json!({"enable_dhcp": false})).await;
        for address in ["10.0.0.10", "10.0.0.33", "10.0.0.99"] {
            cloud.port(&network, json!({"fixed_ips": [{"ip_address": address}]})).await;
        }
        let empty = cloud.network(json!({})).await;
        let shown = NetworkIpAvailability::show(&cloud, &admin(), &network.key()).await.unwrap();
        assert_eq!((shown.network_name.as_str(), shown.used_ips.0), ("n", 3));
        assert_eq!(shown.total_ips.0, 15 + (1 << 64) - 1);
        let four = shown.subnet_ip_availability.iter().find(|it| it.ip_version == 4).unwrap();
        let details = four.ip_availability_details;
        assert_eq!((four.total_ips.0, four.used_ips.0), (15, 3));
        assert_eq!(
            (details.total_ips_in_subnet.0, details.total_ips_in_allocation_pool.0),
            (254, 15)
        );
        assert_eq!((details.used_ips_in_subnet.0, details.used_ips_in_allocation_pool.0), (3, 2));
        let all: Vec<NetworkIpAvailability> = cloud.list(Ask::default().query()).await;
        assert_eq!(all.len(), 2);
        assert!(all.iter().any(|it| it.id == empty.id && it.total_ips.0 == 0));
        let fours = Ask::default().with::<NetworkIpAvailability>("ip_version", &[4i64]).query();
        let [only] = &cloud.list::<NetworkIpAvailability>(fours).await[..] else { panic!() };
        assert_eq!((only.id, only.total_ips.0), (network.id, 15));
        let named = Ask::default().with::<NetworkIpAvailability>("network_name", &["n".to_owned()]);
        assert_eq!(cloud.list::<NetworkIpAvailability>(named.query()).await.len(), 1);
        let stranger = member("p");
        let hidden = NetworkIpAvailability::show(&cloud, &stranger, &network.key()).await;
        refused_as(hidden, "NetworkNotFound");
        let none = NetworkIpAvailability::list(&cloud, &stranger, Ask::default().query()).await;
        assert_eq!(none.unwrap(), []);
    })
    .await;
}
