//! Security groups and what belongs to them, as clients meet them.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Ask, Cloud};

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_group_shows_its_rules_as_they_show_themselves() {
    let cloud = cloud().await;
    let groups = cloud.get("/v2.0/security-groups").await.json();
    let group = &groups["security_groups"][0];
    assert_eq!((&group["name"], &group["tenant_id"]), (&json!("default"), &json!("p1")));
    let embedded = &group["security_group_rules"][0];
    let path = format!("/v2.0/security-group-rules/{}", embedded["id"].as_str().unwrap());
    let alone = cloud.get(&path).await.json();
    assert_eq!(&alone["security_group_rule"], embedded);
    let only = cloud.get("/v2.0/security-groups?fields=name&fields=stateful").await.json();
    assert_eq!(keys(&only["security_groups"][0]), ["name", "stateful"]);
    // A rule is never changed.
    let answer = cloud.put(&path, &json!({"security_group_rule": {"description": "x"}})).await;
    assert_eq!(answer.status, 405, "{}", answer.text);
    let answer = cloud.put("/v2.0/security-group-rules/x", &json!({})).await;
    answer.is(404, "SecurityGroupRuleNotFound", "Security group rule x does not exist");
}

#[tokio::test]
async fn rules_are_refused_in_neutrons_words() {
    let cloud = cloud().await;
    let group = cloud.make("security-groups", "security_group", &json!({"name": "web"})).await;
    for (more, status, name, message) in [
        (
            json!({"protocol": "tcp", "port_range_min": -16}),
            400,
            "SecurityGroupInvalidPortValue",
            "Invalid value for port -16",
        ),
        (
            json!({"remote_ip_prefix": "256"}),
            400,
            "InvalidCIDR",
            "Invalid CIDR 256 given as IP prefix.",
        ),
        (
            json!({"ethertype": "ipx"}),
            400,
            "SecurityGroupRuleInvalidEtherType",
            "Security group rule for ethertype 'ipx' not supported. Allowed values are ['IPv4', 'IPv6'].",
        ),
        (
            json!({"direction": "up"}),
            400,
            "HTTPBadRequest",
            "Invalid input for direction. Reason: up is not in valid_values.",
        ),
        (
            json!({"remote_group_id": "nope"}),
            404,
            "SecurityGroupNotFound",
            "Security group nope does not exist",
        ),
    ] {
        let mut rule = json!({"security_group_id": group["id"], "direction": "ingress"});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({"security_group_rule": rule});
        cloud.post("/v2.0/security-group-rules", &body).await.is(status, name, message);
    }
    let rule = |port: u16| {
        json!({"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
               "port_range_min": port, "port_range_max": port})
    };
    let many = json!({"security_group_rules": [rule(80), rule(443)]});
    let answer = cloud.post("/v2.0/security-group-rules", &many).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json()["security_group_rules"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_port_names_its_groups() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    assert_eq!(network["port_security_enabled"], json!(true));
    let port = cloud.make("ports", "port", &json!({"network_id": network["id"]})).await;
    let group = port["security_groups"][0].as_str().unwrap();
    let found = cloud.get(&format!("/v2.0/ports?security_groups={group}&fields=id")).await.json();
    assert_eq!(found, json!({"ports": [{"id": port["id"]}]}));
    let twice = json!({"port": {"network_id": network["id"], "security_groups": [group, group]}});
    let text = format!(
        "Invalid input for security_groups. Reason: Duplicate items in the list: '{group}'."
    );
    cloud.post("/v2.0/ports", &twice).await.is(400, "HTTPBadRequest", &text);
}

#[tokio::test]
async fn addresses_are_added_to_a_group_and_taken_out() {
    let cloud = cloud().await;
    let wanted = json!({"name": "a", "addresses": ["10.0.0.9/32"]});
    let group = cloud.make("address-groups", "address_group", &wanted).await;
    assert!(!keys(&group).contains(&"shared"), "{group}");
    let path = format!("/v2.0/address-groups/{}", group["id"].as_str().unwrap());
    let body = json!({"addresses": ["10.0.0.10", "fd00::/64"]});
    let answer = cloud.put(&format!("{path}/add_addresses"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let all = json!(["10.0.0.9/32", "10.0.0.10/32", "fd00::/64"]);
    assert_eq!(answer.json()["address_group"]["addresses"], all);
    let answer = cloud.put(&format!("{path}/remove_addresses"), &body).await;
    assert_eq!(answer.json()["address_group"]["addresses"], json!(["10.0.0.9/32"]));
    let wrong = json!({"addresses": ["this is bad IP address"]});
    let answer = cloud.put(&format!("{path}/add_addresses"), &wrong).await;
    answer.is(400, "AddrFormatError", "invalid IPNetwork this is bad IP address");
}

#[tokio::test]
async fn a_default_for_all_projects_is_set_by_null() {
    let cloud = cloud().await;
    let path = "/v2.0/security-groups-default-statefulness";
    let body =
        json!({"security_groups_default_statefulness": {"project_id": null, "stateful": false}});
    let answer = cloud.send(Ask::new("POST", path).by("adm", ADMIN).json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let set = answer.json()["security_groups_default_statefulness"].clone();
    assert_eq!((&set["project_id"], &set["stateful"]), (&Value::Null, &json!(false)));
    let listed = cloud.send(Ask::new("GET", path).by("adm", ADMIN)).await.json();
    assert_eq!(listed["security_groups_default_statefulness"], json!([set]));
    let group = cloud.make("security-groups", "security_group", &json!({"name": "lax"})).await;
    assert_eq!(group["stateful"], json!(false));
}
