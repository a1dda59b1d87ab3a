//! QoS policies and their rules, as the API shows them.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Ask, Cloud};

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

async fn send(cloud: &Cloud, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let ask = Ask::new(method, path).by("adm", ADMIN);
    cloud
        .send(match body {
            Some(body) => ask.json(body),
            None => ask,
        })
        .await
}

async fn make(cloud: &Cloud, path: &str, body: &Value) -> Value {
    let made = send(cloud, "POST", path, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let body = made.json();
    body.as_object().and_then(|body| body.values().next()).cloned().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_policy_shows_its_rules_of_all_kinds() {
    let cloud = cloud().await;
    let policy = make(&cloud, "/v2.0/qos/policies", &json!({"policy": {"name": "q"}})).await;
    let path = format!("/v2.0/qos/policies/{}", text(&policy["id"]));
    let rules = [
        ("bandwidth_limit", json!({"max_kbps": 1000})),
        ("dscp_marking", json!({"dscp_mark": 26})),
        ("minimum_bandwidth", json!({"min_kbps": "10", "direction": "ingress"})),
        ("minimum_packet_rate", json!({"min_kpps": 5, "direction": "any"})),
        ("packet_rate_limit", json!({"max_kpps": 5, "max_burst_kpps": 6})),
    ];
    let mut expected = Vec::new();
    for (kind, values) in rules {
        let body = json!({format!("{kind}_rule"): values});
        let mut rule = make(&cloud, &format!("{path}/{kind}_rules"), &body).await;
        let shown = cloud_get(&cloud, &format!("{path}/{kind}_rules/{}", text(&rule["id"]))).await;
        assert_eq!(shown[format!("{kind}_rule")], rule);
        let listed = cloud_get(&cloud, &format!("{path}/{kind}_rules")).await;
        assert_eq!(listed[format!("{kind}_rules")], json!([rule]));
        rule["type"] = json!(kind);
        rule["qos_policy_id"] = policy["id"].clone();
        expected.push(rule);
    }
    assert_eq!(expected[0]["max_burst_kbps"], 0);
    assert_eq!(expected[0]["direction"], "egress");
    assert_eq!(expected[2]["min_kbps"], 10);
    let shown = cloud_get(&cloud, &path).await;
    assert_eq!(shown["policy"]["rules"], json!(expected));
    // Each rule counted as a change of its policy.
    assert_eq!(shown["policy"]["revision_number"], 6);
}

async fn cloud_get(cloud: &Cloud, path: &str) -> Value {
    let answer = send(cloud, "GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_rule_has_an_address_without_its_policy() {
    let cloud = cloud().await;
    let policy = make(&cloud, "/v2.0/qos/policies", &json!({"policy": {}})).await;
    let path = format!("/v2.0/qos/policies/{}/dscp_marking_rules", text(&policy["id"]));
    let rule = make(&cloud, &path, &json!({"dscp_marking_rule": {"dscp_mark": 8}})).await;
    let id = text(&rule["id"]);
    for spelling in ["alias-dscp-marking-rules", "alias_dscp_marking_rules"] {
        let shown = cloud_get(&cloud, &format!("/v2.0/qos/{spelling}/{id}")).await;
        assert_eq!(shown["alias_dscp_marking_rule"], rule);
    }
    let alias = format!("/v2.0/qos/alias-dscp-marking-rules/{id}");
    let body = json!({"alias_dscp_marking_rule": {"dscp_mark": 10}});
    let changed = send(&cloud, "PUT", &alias, Some(&body)).await;
    assert_eq!(changed.json()["alias_dscp_marking_rule"]["dscp_mark"], 10);
    assert_eq!(cloud.put(&alias, &body).await.status, 404);
    let other = format!("/v2.0/qos/alias-minimum-bandwidth-rules/{id}");
    let missing = send(&cloud, "GET", &other, None).await;
    assert_eq!(missing.status, 404);
    let message = format!("QoS rule {id} for policy  could not be found.");
    assert_eq!(missing.json()["NeutronError"]["message"], message);
    assert_eq!(send(&cloud, "DELETE", &alias, None).await.status, 204);
    assert_eq!(send(&cloud, "GET", &format!("{path}/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn a_rule_belongs_to_the_policy_in_its_address() {
    let cloud = cloud().await;
    let one = make(&cloud, "/v2.0/qos/policies", &json!({"policy": {}})).await;
    let two = make(&cloud, "/v2.0/qos/policies", &json!({"policy": {}})).await;
    let rules = |policy: &Value| format!("/v2.0/qos/policies/{}/dscp_marking_rules", text(policy));
    let body = json!({"dscp_marking_rule": {"dscp_mark": 8}});
    let rule = make(&cloud, &rules(&one["id"]), &body).await;
    let stray = format!("{}/{}", rules(&two["id"]), text(&rule["id"]));
    let message = format!(
        "QoS rule {} for policy {} could not be found.",
        text(&rule["id"]),
        text(&two["id"])
    );
    for (method, body) in [("GET", None), ("PUT", Some(&body)), ("DELETE", None)] {
        let answer = send(&cloud, method, &stray, body).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["NeutronError"]["message"], message);
    }
    let nowhere = "/v2.0/qos/policies/nowhere/dscp_marking_rules";
    let answer = send(&cloud, "POST", nowhere, Some(&body)).await;
    assert_eq!(answer.json()["NeutronError"]["type"], "QosPolicyNotFound");
}

#[tokio::test]
async fn rule_types_are_those_of_the_drivers() {
    let cloud = cloud().await;
    let listed = cloud_get(&cloud, "/v2.0/qos/rule-types").await;
    let kinds: Vec<&str> =
        listed["rule_types"].as_array().unwrap().iter().map(|kind| text(&kind["type"])).collect();
    let all = [
        "bandwidth_limit",
        "dscp_marking",
        "minimum_bandwidth",
        "minimum_packet_rate",
        "packet_rate_limit",
    ];
    assert_eq!(kinds, all);
    assert!(listed["rule_types"][0].get("drivers").is_none());
    let page = cloud_get(&cloud, "/v2.0/qos/rule-types?limit=2&marker=dscp_marking").await;
    assert_eq!(page["rule_types"].as_array().unwrap().len(), 2);
    let shown = cloud_get(&cloud, "/v2.0/qos/rule-types/dscp_marking").await;
    let driver = &shown["rule_type"]["drivers"][0];
    assert_eq!(driver["name"], "openvswitch");
    assert_eq!(driver["supported_parameters"][0]["parameter_name"], "dscp_mark");
    assert_eq!(cloud.get("/v2.0/qos/rule-types/dscp_marking").await.status, 403);
    assert_eq!(send(&cloud, "GET", "/v2.0/qos/rule-types/luck", None).await.status, 404);
}

#[tokio::test]
async fn pages_of_policies_end_with_an_empty_one() {
    let cloud = cloud().await;
    for name in ["b", "a"] {
        let body = json!({"policy": {"name": name, "description": "x"}});
        make(&cloud, "/v2.0/qos/policies", &body).await;
    }
    let first = "/v2.0/qos/policies?limit=1&sort_dir=asc&sort_key=name&description=x";
    let mut next = first.to_owned();
    let mut names = Vec::new();
    for _ in 0..2 {
        let page = cloud_get(&cloud, &next).await;
        let policy = &page["policies"][0];
        names.push(text(&policy["name"]).to_owned());
        next = format!("{first}&marker={}", text(&policy["id"]));
        let link = &page["policies_links"][0];
        assert_eq!(link["rel"], "next");
        assert!(text(&link["href"]).ends_with(text(&policy["id"])), "{link}");
    }
    assert_eq!(names, ["a", "b"]);
    assert_eq!(cloud_get(&cloud, &next).await["policies"], json!([]));
    // To whom the marker is not there.
    assert_eq!(cloud.get(&next).await.json()["policies"], json!([]));
}

#[tokio::test]
async fn what_a_port_is_promised_is_asked_of_its_host() {
    let cloud = cloud().await;
    let policy = make(&cloud, "/v2.0/qos/policies", &json!({"policy": {"shared": true}})).await;
    let rules = format!("/v2.0/qos/policies/{}/minimum_bandwidth_rules", text(&policy["id"]));
    make(&cloud, &rules, &json!({"minimum_bandwidth_rule": {"min_kbps": 7}})).await;
    let body = json!({"network": {"qos_policy_id": policy["id"]}});
    let network = make(&cloud, "/v2.0/networks", &body).await;
    let body = json!({"port": {"network_id": network["id"]}});
    let port = make(&cloud, "/v2.0/ports", &body).await;
    assert_eq!(port["qos_network_policy_id"], policy["id"]);
    assert_eq!(port["qos_policy_id"], Value::Null);
    let resources = json!({"NET_BW_EGR_KILOBIT_PER_SEC": 7});
    assert_eq!(port["resource_request"]["request_groups"][0]["resources"], resources);
    let path = format!("/v2.0/ports/{}", text(&port["id"]));
    assert_eq!(cloud_get(&cloud, &path).await["port"], port);
    let listed = cloud_get(&cloud, &format!("/v2.0/ports?id={}", text(&port["id"]))).await;
    assert_eq!(listed["ports"], json!([port]));
    // Nobody but administrators is shown what is asked of hosts.
    let network = cloud.post("/v2.0/networks", &json!({"network": {}})).await.json();
    let body = json!({"port": {
        "network_id": network["network"]["id"], "qos_policy_id": policy["id"]
    }});
    let own = cloud.post("/v2.0/ports", &body).await.json();
    assert_eq!(own["port"]["qos_policy_id"], policy["id"]);
    assert!(own["port"].get("resource_request").is_none());
}
