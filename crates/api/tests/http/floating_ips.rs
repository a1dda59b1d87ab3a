//! Floating IPs, as the API shows them, and to whom.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Ask, Cloud, MEMBER};
use nucleon_api::ApiOptions;
use nucleon_core::Settings;

async fn by(cloud: &Cloud, who: (&str, &str), method: &str, path: &str, body: Value) -> Answer {
    let mut ask = Ask::new(method, &format!("/v2.0/{path}")).by(who.0, who.1);
    if !body.is_null() {
        ask = ask.json(&body);
    }
    cloud.send(ask).await
}

const OPERATOR: (&str, &str) = ("adm", ADMIN);
const OTHER: (&str, &str) = ("p2", MEMBER);

/// A network outside, and a port of `p1` behind a router that leads there.
async fn site(cloud: &Cloud) -> (Value, Value) {
    let outside = json!({"network": {"router:external": true}});
    let outside = by(cloud, OPERATOR, "POST", "networks", outside).await.json()["network"].clone();
    let subnet = json!({"subnet": {
        "network_id": outside["id"], "ip_version": 4, "cidr": "203.0.113.0/24", "enable_dhcp": false,
    }});
    assert_eq!(by(cloud, OPERATOR, "POST", "subnets", subnet).await.status, 201);
    let inside = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": inside["id"], "ip_version": 4, "cidr": "10.1.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    let gateway = json!({"external_gateway_info": {"network_id": outside["id"]}});
    let router = cloud.make("routers", "router", &gateway).await;
    let path = format!("/v2.0/routers/{}/add_router_interface", text(&router["id"]));
    let joined = cloud.put(&path, &json!({"subnet_id": subnet["id"]})).await;
    assert_eq!(joined.status, 200, "{}", joined.text);
    (outside, cloud.make("ports", "port", &json!({"network_id": inside["id"]})).await)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

#[tokio::test]
async fn a_floating_ip_is_led_and_left_by_requests_about_it() {
    let cloud = cloud().await;
    let (outside, port) = site(&cloud).await;
    let wanted = json!({"floating_network_id": outside["id"], "port_id": port["id"]});
    let made = cloud.make("floatingips", "floatingip", &wanted).await;
    let path = format!("/v2.0/floatingips/{}", text(&made["id"]));
    assert_eq!(made["fixed_ip_address"], port["fixed_ips"][0]["ip_address"]);
    assert_eq!(made["port_details"]["mac_address"], port["mac_address"]);
    for (name, value) in [
        ("floating_ip_address", &made["floating_ip_address"]),
        ("fixed_ip_address", &made["fixed_ip_address"]),
        ("router_id", &made["router_id"]),
        ("port_id", &port["id"]),
        ("floating_network_id", &outside["id"]),
    ] {
        let query = format!("/v2.0/floatingips?{name}={}&fields=id", text(value));
        let listed = cloud.get(&query).await.json();
        assert_eq!(listed["floatingips"], json!([{"id": made["id"]}]), "{name}");
    }
    let tags = cloud.put(&format!("{path}/tags"), &json!({"tags": ["blue"]})).await;
    assert_eq!(tags.status, 200, "{}", tags.text);
    let listed = cloud.get("/v2.0/floatingips?tags=blue").await.json();
    assert_eq!(listed["floatingips"].as_array().unwrap().len(), 1);
    let changed = cloud.put(&path, &json!({"floatingip": {"description": "web"}})).await.json();
    assert_eq!(changed["floatingip"]["port_id"], port["id"]);
    let blank = cloud.put(&path, &json!({"floatingip": {}})).await;
    assert_eq!(blank.status, 200, "{}", blank.text);
    for name in ["port_id", "router_id", "fixed_ip_address", "port_details"] {
        assert_eq!(blank.json()["floatingip"][name], Value::Null, "{name}");
    }
    assert_eq!(cloud.delete(&path).await.status, 204);
}

#[tokio::test]
async fn projects_neither_choose_addresses_outside_nor_reach_what_is_others() {
    let cloud = cloud().await;
    let (outside, port) = site(&cloud).await;
    let wanted = json!({"floatingip": {
        "floating_network_id": outside["id"], "floating_ip_address": "203.0.113.77",
    }});
    assert_eq!(cloud.post("/v2.0/floatingips", &wanted).await.status, 403);
    let chosen = by(&cloud, OPERATOR, "POST", "floatingips", wanted).await;
    assert_eq!(chosen.json()["floatingip"]["floating_ip_address"], "203.0.113.77");

    let made = json!({"floating_network_id": outside["id"]});
    let made = cloud.make("floatingips", "floatingip", &made).await;
    let path = format!("floatingips/{}", text(&made["id"]));
    let forwarding = json!({"port_forwarding": {
        "internal_port_id": port["id"],
        "internal_ip_address": port["fixed_ips"][0]["ip_address"],
        "internal_port": 80,
        "external_port": 8080,
        "protocol": "tcp",
    }});
    let forwardings = format!("{path}/port_forwardings");
    let refused = by(&cloud, OTHER, "POST", &forwardings, forwarding.clone()).await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    let forwarded = cloud.post(&format!("/v2.0/{forwardings}"), &forwarding).await;
    assert_eq!(forwarded.status, 201, "{}", forwarded.text);
    let forwarded = forwarded.json()["port_forwarding"].clone();
    let its_own = format!("{forwardings}/{}", text(&forwarded["id"]));
    for (method, path, body) in [
        ("GET", path.as_str(), Value::Null),
        ("PUT", path.as_str(), json!({"floatingip": {"description": "mine"}})),
        ("DELETE", path.as_str(), Value::Null),
        ("GET", forwardings.as_str(), Value::Null),
        ("GET", its_own.as_str(), Value::Null),
        ("PUT", its_own.as_str(), json!({"port_forwarding": {"internal_port": 81}})),
        ("DELETE", its_own.as_str(), Value::Null),
    ] {
        let answer = by(&cloud, OTHER, method, path, body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
    let theirs =
        json!({"floatingip": {"floating_network_id": outside["id"], "port_id": port["id"]}});
    assert_eq!(by(&cloud, OTHER, "POST", "floatingips", theirs).await.status, 404);
    assert_eq!(
        by(&cloud, OTHER, "GET", "floatingips", Value::Null).await.json(),
        json!({"floatingips": []})
    );
    let shown = cloud.get(&format!("/v2.0/{path}")).await.json();
    assert_eq!(shown["floatingip"]["port_forwardings"][0]["external_port"], 8080);
    // The port that holds the address outside is not theirs to see.
    let held = cloud.get(&format!("/v2.0/ports?device_id={}", text(&made["id"]))).await.json();
    assert_eq!(held, json!({"ports": []}));
}

#[tokio::test]
async fn pools_are_the_ipv4_subnets_outside_that_one_sees() {
    let cloud = cloud().await;
    let (outside, _) = site(&cloud).await;
    let listed = cloud.get("/v2.0/floatingip_pools").await.json();
    assert_eq!(cloud.get("/v2.0/floatingip-pools").await.json(), listed);
    let pools = listed["floatingip_pools"].as_array().unwrap();
    assert_eq!(pools.len(), 1, "{listed}");
    assert_eq!((&pools[0]["network_id"], &pools[0]["project_id"]), (&outside["id"], &json!("p1")));
    assert_eq!(
        (&pools[0]["cidr"], &pools[0]["subnet_name"]),
        (&json!("203.0.113.0/24"), &json!(""))
    );
    assert_eq!(pools[0].as_object().unwrap().len(), 6, "{listed}");
}
