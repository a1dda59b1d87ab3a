//! Objects from their making to their end.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Ask, Cloud};

#[tokio::test]
async fn a_network_is_made_shown_changed_and_gone() {
    let cloud = Cloud::new().await;
    let answer = cloud.post("/v2.0/networks", &json!({"network": {"name": "n1"}})).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["content-type"], "application/json");
    let made = answer.json()["network"].clone();
    assert_eq!(
        (&made["name"], &made["project_id"], &made["tenant_id"]),
        (&json!("n1"), &json!("p1"), &json!("p1"))
    );
    assert_eq!(
        (&made["status"], &made["subnets"], &made["tags"]),
        (&json!("ACTIVE"), &json!([]), &json!([]))
    );
    assert!(made.get("provider:network_type").is_none(), "members do not see hardware");

    let path = format!("/v2.0/networks/{}", made["id"].as_str().unwrap());
    let shown = cloud.get(&format!("{path}.json")).await;
    assert_eq!((shown.status, &shown.json()["network"]), (200, &made));

    let changed = cloud.put(&path, &json!({"network": {"name": "zz"}})).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["network"]["name"], "zz");
    assert_eq!(
        changed.json()["network"]["revision_number"].as_i64().unwrap(),
        made["revision_number"].as_i64().unwrap() + 1
    );

    let gone = cloud.delete(&path).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(cloud.get(&path).await.status, 404);
    assert_eq!(cloud.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_port_gets_an_address_on_its_network() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.2.0.5/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    assert_eq!(
        (&subnet["cidr"], &subnet["gateway_ip"]),
        (&json!("10.2.0.0/24"), &json!("10.2.0.1"))
    );
    assert!(subnet.get("shared").is_none() && subnet.get("prefixlen").is_none(), "{subnet}");
    let port = json!({"network_id": network["id"], "fixed_ips": [{"ip_address": "10.2.0.77"}]});
    let port = cloud.make("ports", "port", &port).await;
    assert_eq!(port["fixed_ips"], json!([{"subnet_id": subnet["id"], "ip_address": "10.2.0.77"}]));
    assert!(port.get("binding:host_id").is_none());
    let path = format!("/v2.0/ports/{}", port["id"].as_str().unwrap());
    let admins = cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await.json()["port"].clone();
    assert_eq!(admins["binding:vif_type"], "unbound");
    assert_eq!(admins["binding:vnic_type"], "normal");
}

#[tokio::test]
async fn many_are_made_by_the_plural_key_and_answered_in_kind() {
    let cloud = Cloud::new().await;
    let body = json!({"networks": [{"name": "b1"}, {"name": "b2"}, {"name": ""}]});
    let answer = cloud.post("/v2.0/networks", &body).await;
    assert_eq!(answer.status, 201);
    let names: Vec<Value> = answer.json()["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|network| network["name"].clone())
        .collect();
    assert_eq!(names, [json!("b1"), json!("b2"), json!("")]);
}

#[tokio::test]
async fn an_administrator_makes_networks_for_others_and_sees_their_segments() {
    let cloud = Cloud::new().await;
    let body = json!({"network": {
        "tenant_id": "p1",
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 101,
    }});
    let ask = |method: &str, path: &str| Ask::new(method, path).by("adm", ADMIN);
    let answer = cloud.send(ask("POST", "/v2.0/networks").json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let network = answer.json()["network"].clone();
    assert_eq!(
        (&network["project_id"], &network["provider:segmentation_id"]),
        (&json!("p1"), &json!(101))
    );
    let id = network["id"].as_str().unwrap();
    let segments = cloud.send(ask("GET", &format!("/v2.0/segments?network_id={id}"))).await.json();
    let segment = &segments["segments"][0];
    assert_eq!(
        (&segment["network_type"], &segment["segmentation_id"]),
        (&json!("vlan"), &json!(101))
    );
    let path = format!("/v2.0/segments/{}", segment["id"].as_str().unwrap());
    assert_eq!(cloud.send(ask("GET", &path)).await.json()["segment"], *segment);
}

#[tokio::test]
async fn fields_pick_what_is_shown_of_one_object_too() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({"name": "n"})).await;
    let path = format!("/v2.0/networks/{}", network["id"].as_str().unwrap());
    let shown = cloud.get(&format!("{path}?fields=name&fields=mtu&fields=bogus")).await.json();
    assert_eq!(shown, json!({"network": {"name": "n", "mtu": network["mtu"]}}));
}

#[tokio::test]
async fn text_of_any_script_comes_back_as_it_went() {
    let cloud = Cloud::new().await;
    for name in ["\u{1f980}ä", "\u{202e}x", "a\"b\\c\n", "%s{}", "'; DROP TABLE networks; --"] {
        let network = cloud.make("networks", "network", &json!({"name": name})).await;
        assert_eq!(network["name"], *name);
    }
}

#[tokio::test]
async fn agents_are_the_administrators_to_see() {
    let cloud = Cloud::new().await;
    assert_eq!(cloud.get("/v2.0/agents").await.json(), json!({"agents": []}));
    let agent = "/v2.0/agents/2365be13-0406-43e7-9608-05a301bce191";
    let answer =
        cloud.send(Ask::new("GET", &format!("{agent}/dhcp-networks")).by("adm", ADMIN)).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    let network = cloud.make("networks", "network", &json!({})).await;
    let path = format!("/v2.0/networks/{}/dhcp-agents", network["id"].as_str().unwrap());
    let answer = cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await;
    assert_eq!(answer.json(), json!({"agents": []}));
    let ask = Ask::new("POST", &format!("{agent}/dhcp-networks")).by("adm", ADMIN);
    let answer = cloud.send(ask.json(&json!({"network_id": network["id"]}))).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    let ask = Ask::new("POST", &format!("{agent}/dhcp-networks")).by("adm", ADMIN).json(&json!({}));
    cloud.send(ask).await.is(400, "HTTPBadRequest", "Unable to find 'network_id' in request body");
}

#[tokio::test]
async fn the_segment_of_a_subnet_is_the_administrators_business() {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.2.0.0/24"});
    let asked = |segment: Value, cidr: &str| {
        let mut subnet = subnet.clone();
        subnet["segment_id"] = segment;
        subnet["cidr"] = json!(cidr);
        subnet
    };
    let id = json!("2365be13-0406-43e7-9608-05a301bce191");
    let body = json!({"subnet": asked(id, "10.3.0.0/24")});
    cloud.post("/v2.0/subnets", &body).await.is(
        403,
        "PolicyNotAuthorized",
        "(rule:create_subnet and rule:create_subnet:segment_id) is disallowed by policy",
    );
    // Asking for none is no different from not asking.
    let made = cloud.make("subnets", "subnet", &asked(Value::Null, "10.2.0.0/24")).await;
    assert!(made.get("segment_id").is_none(), "{made}");

    let path = format!("/v2.0/subnets/{}", made["id"].as_str().unwrap());
    let body = json!({"subnet": {"segment_id": null}});
    cloud.put(&path, &body).await.is(
        403,
        "PolicyNotAuthorized",
        "(rule:update_subnet and rule:update_subnet:segment_id) is disallowed by policy",
    );
    let admins = cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await.json();
    assert_eq!(admins["subnet"]["segment_id"], Value::Null);
    assert!(admins["subnet"].as_object().unwrap().contains_key("segment_id"));
}
