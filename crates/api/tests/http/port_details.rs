//! What ports have beside addresses and bindings: names in DNS, hints to drivers, private VLANs.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Ask, Cloud, MEMBER};

async fn cloud() -> Cloud {
    let dns_domain = "example.org".to_owned();
    let settings = Settings { api_preview: true, dns_domain, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

/// A network with one subnet.
async fn network(cloud: &Cloud, wanted: &Value) -> Value {
    let network = cloud.make("networks", "network", wanted).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.7.0.0/24"});
    cloud.make("subnets", "subnet", &subnet).await;
    network
}

/// A request of a project, or of the operator.
async fn by(cloud: &Cloud, role: &str, method: &str, path: &str, body: &Value) -> Answer {
    cloud.send(Ask::new(method, &format!("/v2.0/{path}")).by("p1", role).json(body)).await
}

fn path(port: &Value) -> String {
    format!("ports/{}", port["id"].as_str().unwrap())
}

#[tokio::test]
async fn addresses_have_names_within_the_configured_domain() {
    let cloud = cloud().await;
    let network = network(&cloud, &json!({"dns_domain": "Net.example.com."})).await;
    assert_eq!(network["dns_domain"], "net.example.com.");
    let wanted = json!({
        "network_id": network["id"], "dns_name": "Web", "fixed_ips": [{"ip_address": "10.7.0.9"}],
    });
    let port = cloud.make("ports", "port", &wanted).await;
    let names = |hostname: &str| {
        let fqdn = format!("{hostname}.example.org.");
        json!([{"ip_address": "10.7.0.9", "hostname": hostname, "fqdn": fqdn}])
    };
    assert_eq!((&port["dns_name"], &port["dns_domain"]), (&json!("web"), &json!("")));
    assert_eq!(port["dns_assignment"], names("web"));
    let unnamed = json!({"port": {"dns_name": "", "dns_domain": "a.example."}});
    let unnamed = by(&cloud, MEMBER, "PUT", &path(&port), &unnamed).await.json();
    assert_eq!(unnamed["port"]["dns_assignment"], names("host-10-7-0-9"));
    let listed = cloud.get("/v2.0/ports?fields=dns_assignment&fields=dns_domain").await.json();
    let expected = json!([{"dns_assignment": names("host-10-7-0-9"), "dns_domain": "a.example."}]);
    assert_eq!(listed["ports"], expected);
    for (name, value) in [
        ("dns_name", "-web"),
        ("dns_name", "web.elsewhere.org."),
        ("dns_domain", "no-dot-at-its-end"),
    ] {
        let answer = by(&cloud, MEMBER, "PUT", &path(&port), &json!({"port": {name: value}})).await;
        assert_eq!(answer.status, 400, "{name} {value}: {}", answer.text);
        assert!(answer.text.contains(&format!("Invalid input for {name}. Reason: ")));
    }
}

#[tokio::test]
async fn without_a_domain_of_the_clouds_own_ports_have_no_names() {
    let settings = Settings { api_preview: true, ..Settings::default() };
    let cloud = Cloud::with(ApiOptions::default(), settings).await;
    let network = network(&cloud, &json!({})).await;
    let wanted = json!({"network_id": network["id"], "dns_name": "web"});
    let port = cloud.make("ports", "port", &wanted).await;
    assert_eq!(port["dns_name"], "");
    let name = port["dns_assignment"][0]["fqdn"].as_str().unwrap();
    assert!(name.starts_with("host-10-7-0-") && name.ends_with(".openstacklocal."), "{name}");
}

#[tokio::test]
async fn what_drivers_and_the_compute_service_need_is_kept_on_the_port() {
    let cloud = cloud().await;
    let network = network(&cloud, &json!({})).await;
    let hints = json!({"openvswitch": {"other_config": {"tx-steering": "hash"}}});
    let wanted = json!({"port": {
        "network_id": network["id"], "device_profile": "gpu", "hints": hints, "trusted": true,
        "numa_affinity_policy": "socket", "hardware_offload_type": "switchdev",
    }});
    assert_eq!(by(&cloud, MEMBER, "POST", "ports", &wanted).await.status, 403);
    let made = by(&cloud, ADMIN, "POST", "ports", &wanted).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let port = made.json()["port"].clone();
    for (name, value) in wanted["port"].as_object().unwrap() {
        assert_eq!(&port[name], value, "{name}");
    }
    assert_eq!(port["propagate_uplink_status"], true);
    assert_eq!(port["data_plane_status"], Value::Null);
    let profile = json!({"trusted": true, "capabilities": ["switchdev"]});
    assert_eq!(port["binding:profile"], profile);
    let changes = json!({"port": {
        "data_plane_status": "DOWN", "hints": null, "trusted": false, "numa_affinity_policy": null,
        "propagate_uplink_status": false,
    }});
    assert_eq!(by(&cloud, MEMBER, "PUT", &path(&port), &changes).await.status, 403);
    let changed = by(&cloud, ADMIN, "PUT", &path(&port), &changes).await.json()["port"].clone();
    for (name, value) in changes["port"].as_object().unwrap() {
        assert_eq!(&changed[name], value, "{name}");
    }
    // Projects are not shown what is the operator's.
    let shown = cloud.get(&format!("/v2.0/{}", path(&port))).await.json()["port"].clone();
    assert_eq!((shown.get("hints"), shown.get("trusted")), (None, None));
    for (name, value) in [
        ("device_profile", json!("other")),
        ("hardware_offload_type", json!("switchdev")),
        ("data_plane_status", json!("LOST")),
        ("numa_affinity_policy", json!("near")),
        ("hints", json!({"dpdk": {}})),
    ] {
        let answer = by(&cloud, ADMIN, "PUT", &path(&port), &json!({"port": {name: value}})).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn ports_of_a_private_vlan_are_promiscuous_isolated_or_of_a_community() {
    let cloud = cloud().await;
    let plain = network(&cloud, &json!({})).await;
    assert_eq!(plain["pvlan"], false);
    let refused = json!({"port": {"network_id": plain["id"], "pvlan_type": "isolated"}});
    let refused = by(&cloud, MEMBER, "POST", "ports", &refused).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.json()["NeutronError"]["type"], "PVLANNotEnabledOnNetwork");
    let private = network(&cloud, &json!({"pvlan": true})).await;
    let port = cloud.make("ports", "port", &json!({"network_id": private["id"]})).await;
    assert_eq!(port["pvlan_type"], "promiscuous");
    let community = json!({"port": {"pvlan_type": "community", "pvlan_community": "red"}});
    let changed = by(&cloud, MEMBER, "PUT", &path(&port), &community).await.json();
    assert_eq!(changed["port"]["pvlan_community"], "red");
    let bad = json!({"port": {"pvlan_community": "1red"}});
    let bad = by(&cloud, MEMBER, "PUT", &path(&port), &bad).await;
    assert_eq!(
        bad.json()["NeutronError"]["message"],
        "Invalid input for pvlan_community. Reason: '1red' is not a valid input."
    );
    let found = cloud.get("/v2.0/ports?pvlan_type=community&fields=id").await.json();
    assert_eq!(found["ports"], json!([{"id": port["id"]}]));
}
