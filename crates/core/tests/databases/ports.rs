//! Ports: create, bulk, update, delete, binding.

use nucleon_core::{Noun, Precondition};
use nucleon_model::Port;
use serde_json::json;

use crate::scene::{Ask, admin, draft, each, member, refused, refused_as};

#[tokio::test]
async fn a_bulk_create_is_all_or_nothing() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let good = json!({"network_id": network.key(), "tags": ["a", "b"]});
        let bad = json!({"network_id": network.key(), "fixed_ips": [{"ip_address": "9.9.9.9"}]});
        let drafts = vec![draft::<Port>(good.clone()), draft::<Port>(bad)];
        refused_as(Port::create(&cloud, &admin(), drafts).await, "InvalidIpForNetwork");
        assert!(cloud.list::<Port>(Ask::default().query()).await.is_empty());
        let twice = json!({"network_id": network.key(), "fixed_ips": [{"ip_address": "10.0.0.9"}]});
        let drafts = vec![draft::<Port>(twice); 2];
        refused_as(Port::create(&cloud, &admin(), drafts).await, "IpAddressAlreadyAllocated");
        let ports = Port::create(&cloud, &admin(), vec![draft::<Port>(good); 100]).await.unwrap();
        assert_eq!(ports.len(), 100);
        let mut listed = cloud.list::<Port>(Ask::default().query()).await;
        let mut ports = ports;
        ports.sort_by_key(|port| port.id);
        listed.sort_by_key(|port| port.id);
        assert_eq!(listed, ports);
    })
    .await;
}

#[tokio::test]
async fn revisions_guard_updates_and_deletes() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let port = cloud.port(&network, json!({})).await;
        let at = |revision| Precondition { revision: Some(revision) };
        let name = draft::<Port>(json!({"name": "x"}));
        let update = Port::update(&cloud, &admin(), &port.key(), name.clone(), at(77)).await;
        refused(
            update,
            "RevisionNumberConstraintFailed",
            "Constrained to 77, but current revision is 1",
        );
        let port = Port::update(&cloud, &admin(), &port.key(), name, at(1)).await.unwrap();
        assert_eq!((port.revision_number, port.name.as_str()), (2, "x"));
        refused_as(
            Port::delete(&cloud, &admin(), &port.key(), at(1)).await,
            "RevisionNumberConstraintFailed",
        );
        Port::delete(&cloud, &admin(), &port.key(), at(2)).await.unwrap();
        let missing = format!("Port {} could not be found.", port.id);
        refused(cloud.try_delete(&port).await, "PortNotFound", &missing);
        refused(cloud.try_update(&port, json!({})).await, "PortNotFound", &missing);
    })
    .await;
}

#[tokio::test]
async fn strangers_see_no_port_and_the_owner_of_the_network_does() {
    each(async |cloud| {
        let owner = member("p1");
        let network: nucleon_model::Network = cloud.create_as(&owner, json!({})).await.unwrap();
        let port = cloud.port(&network, json!({"project_id": "p2"})).await;
        for (caller, sees) in [("p1", true), ("p2", true), ("p3", false)] {
            let shown = Port::show(&cloud, &member(caller), &port.key()).await;
            assert_eq!(shown.is_ok(), sees, "{caller}");
            let listed = Port::list(&cloud, &member(caller), Ask::default().query()).await;
            assert_eq!(listed.unwrap().len(), usize::from(sees), "{caller}");
        }
        let attributes = json!({"network_id": network.key()});
        refused_as(cloud.create_as::<Port>(&member("p3"), attributes).await, "NetworkNotFound");
        let precondition = Precondition::default();
        refused_as(
            Port::delete(&cloud, &member("p3"), &port.key(), precondition).await,
            "PortNotFound",
        );
    })
    .await;
}

#[tokio::test]
async fn a_port_is_bound_where_its_host_reaches_the_network() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.host_on("h2", "physnet9").await;
        let network = cloud
            .network(json!({
                "provider:network_type": "vlan",
                "provider:physical_network": "physnet1",
                "provider:segmentation_id": 7,
            }))
            .await;
        let at = |host: &str| json!({"binding:host_id": host});
        let bound = cloud.port(&network, at("h1")).await;
        assert_eq!(bound.vif_type, "ovs");
        assert_eq!(bound.vif_details["bridge_name"], "br-int");
        for host in ["h2", "h3"] {
            assert_eq!(cloud.port(&network, at(host)).await.vif_type, "binding_failed");
        }
        let unbound = cloud.port(&network, json!({})).await;
        assert_eq!((unbound.vif_type.as_str(), unbound.status.as_str()), ("unbound", "DOWN"));
        assert_eq!(cloud.update(&unbound, at("h1")).await.vif_type, "ovs");
        assert_eq!(cloud.update(&unbound, at("")).await.vif_type, "unbound");
        // Who is not heard of binds nothing.
        cloud.let_agents_die();
        assert_eq!(cloud.port(&network, at("h1")).await.vif_type, "binding_failed");
    })
    .await;
}

#[tokio::test]
async fn a_binding_outlives_its_agent_unless_it_cannot_hold() {
    each(async |cloud| {
        cloud.host("h1").await;
        let network = cloud.network(json!({})).await;
        let port = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        cloud.wired("h1", &port).await;
        let port = cloud.now_of(&port).await;
        assert_eq!(port.status, "ACTIVE");
        // The compute service's notes change nothing that the switch knows of.
        let noted = cloud.update(&port, json!({"binding:profile": {"a": 1}})).await;
        assert_eq!((noted.status.as_str(), noted.view_revision), ("ACTIVE", port.view_revision));
        cloud.let_agents_die();
        let noted = cloud.update(&port, json!({"binding:profile": {"a": 2}})).await;
        assert_eq!((noted.vif_type.as_str(), noted.status.as_str()), ("ovs", "ACTIVE"));
        assert_eq!(noted.profile["a"], 2);
        let other = cloud.update(&port, json!({"binding:vnic_type": "direct"})).await;
        assert_eq!((other.vif_type.as_str(), other.status.as_str()), ("binding_failed", "DOWN"));
    })
    .await;
}

#[tokio::test]
async fn dhcp_options_and_address_pairs_are_kept() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let port = cloud
            .port(
                &network,
                json!({
                    "extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}],
                    "allowed_address_pairs": [{"ip_address": "10.9.0.0/24"}],
                    "binding:profile": {"über": ["\u{1F980}", 1.5, null]},
                }),
            )
            .await;
        assert_eq!(cloud.now_of(&port).await, port);
        assert_eq!(port.allowed_address_pairs[0].mac_address, Some(port.mac_address));
        let gone = json!({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": null}]});
        assert!(cloud.update(&port, gone).await.extra_dhcp_opts.is_empty());
        let pairs: Vec<_> = (0..11).map(|n| json!({"ip_address": format!("10.9.0.{n}")})).collect();
        refused_as(
            cloud.try_update(&port, json!({"allowed_address_pairs": pairs})).await,
            "AllowedAddressPairExhausted",
        );
    })
    .await;
}
