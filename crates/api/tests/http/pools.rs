//! Subnet pools, ranges and counts, as the API shows them.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Ask, Cloud};

async fn admins(cloud: &Cloud, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut ask = Ask::new(method, path).by("adm", ADMIN);
    if let Some(body) = body {
        ask = ask.json(&body);
    }
    let answer = cloud.send(ask).await;
    let status = answer.status;
    (status, if answer.text.is_empty() { Value::Null } else { answer.json() })
}

#[tokio::test]
async fn a_subnet_pool_writes_its_lengths_as_text() {
    let cloud = Cloud::new().await;
    let wanted = json!({"name": "sp", "prefixes": ["10.20.0.0/16"], "default_prefixlen": 26});
    let pool = cloud.make("subnetpools", "subnetpool", &wanted).await;
    for (name, value) in [
        ("default_prefixlen", json!("26")),
        ("min_prefixlen", json!("8")),
        ("max_prefixlen", json!("32")),
        ("ip_version", json!(4)),
        ("default_quota", Value::Null),
        ("address_scope_id", Value::Null),
        ("is_default", json!(false)),
        ("shared", json!(false)),
        ("prefixes", json!(["10.20.0.0/16"])),
        ("tenant_id", json!("p1")),
        ("tags", json!([])),
    ] {
        assert_eq!(pool[name], value, "{name}");
    }
    let listed = cloud.get("/v2.0/subnetpools?min_prefixlen=8&shared=False").await.json();
    assert_eq!(listed["subnetpools"].as_array().unwrap().len(), 1);
    let path = format!("/v2.0/subnetpools/{}", pool["id"].as_str().unwrap());
    let added = json!({"prefixes": ["10.21.0.0/16"]});
    let answer = cloud.put(&format!("{path}/add_prefixes"), &added).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"prefixes": ["10.20.0.0/15"]})));
    let answer = cloud.put(&format!("{path}/remove_prefixes"), &added).await;
    assert_eq!(answer.json(), json!({"prefixes": ["10.20.0.0/16"]}));
    let answer = cloud.put(&format!("{path}/add_prefixes"), &json!({"prefixes": []})).await;
    assert_eq!(answer.status, 400);
    let network = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.30.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    let onboard = json!({"network_id": network["id"]});
    let answer = cloud.put(&format!("{path}/onboard_network_subnets"), &onboard).await;
    assert_eq!(answer.json(), json!([{"id": subnet["id"], "cidr": "10.30.0.0/24"}]));
    for (wanted, status) in [
        (json!({"name": " ", "prefixes": ["10.0.0.0/8"]}), 400),
        (json!({"name": "x", "prefixes": []}), 400),
        (json!({"name": "x"}), 400),
        (json!({"name": "x", "prefixes": ["10.0.0.0/8"], "shared": true}), 403),
        (json!({"name": "x", "prefixes": ["10.0.0.0/8"], "is_default": true}), 403),
    ] {
        let answer = cloud.post("/v2.0/subnetpools", &json!({"subnetpool": wanted})).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let answer = cloud.put(&path, &json!({"subnetpool": {"shared": true}})).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn segment_ranges_are_found_at_both_of_their_addresses() {
    let cloud = Cloud::new().await;
    let wanted = json!({"network_segment_range": {
        "name": "r", "network_type": "vlan", "physical_network": "physnet1",
        "minimum": 700, "maximum": 702,
    }});
    let (status, made) = admins(&cloud, "POST", "/v2.0/network_segment_ranges", Some(wanted)).await;
    assert_eq!(status, 201, "{made}");
    let range = &made["network_segment_range"];
    assert_eq!((&range["shared"], &range["project_id"]), (&json!(true), &Value::Null));
    assert_eq!((&range["available"], &range["used"]), (&json!([700, 701, 702]), &json!({})));
    let id = range["id"].as_str().unwrap();
    for collection in ["network-segment-ranges", "network_segment_ranges"] {
        let path = format!("/v2.0/{collection}/{id}");
        let (status, shown) = admins(&cloud, "GET", &path, None).await;
        assert_eq!((status, &shown["network_segment_range"]["name"]), (200, &json!("r")));
        let tags = format!("{path}/tags");
        let (status, _) = admins(&cloud, "PUT", &tags, Some(json!({"tags": ["a"]}))).await;
        assert_eq!(status, 200);
        let (status, _) = admins(&cloud, "DELETE", &tags, None).await;
        assert_eq!(status, 204);
    }
    let listed = cloud.get("/v2.0/network-segment-ranges").await;
    assert_eq!(listed.json(), json!({"network_segment_ranges": []}));
}

#[tokio::test]
async fn the_addresses_of_a_large_subnet_are_counted_exactly() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({"name": "n"})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 6, "cidr": "fd00::/60"});
    cloud.make("subnets", "subnet", &subnet).await;
    let path = format!("/v2.0/network-ip-availabilities/{}", network["id"].as_str().unwrap());
    let answer = cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await;
    assert_eq!(answer.status, 200);
    // 2^68 - 1: more than 64 bits hold, and than a double says exactly.
    assert!(answer.text.contains("\"total_ips\":295147905179352825855"), "{}", answer.text);
    let shown = answer.json()["network_ip_availability"].clone();
    assert_eq!((&shown["network_name"], &shown["used_ips"]), (&json!("n"), &json!(0)));
    assert_eq!(shown["subnet_ip_availability"][0]["cidr"], "fd00::/60");
    assert_eq!(
        cloud.get("/v2.0/network-ip-availabilities").await.json(),
        json!({"network_ip_availabilities": []})
    );
}
