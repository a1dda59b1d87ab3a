//! Values that nobody sane sends: refused or stored, never a fault of the server's.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use nucleon_model::{
    AddressGroup, Agent, DefaultSecurityGroupRule, Flags, Network, Port, Resource as _,
    ResourceDecl, SecurityGroup, SecurityGroupRule, Statefulness, Subnet, Trunk,
};
use serde_json::{Value, json};

use crate::harness::{ADMIN, Ask, Cloud};

fn values() -> Vec<Value> {
    let mut nested = json!({});
    for _ in 0..100 {
        nested = json!({"x": [nested]});
    }
    let mut values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!([]),
        json!([null]),
        json!([{}]),
        json!([[[[]]]]),
        json!({}),
        json!({"": null}),
        nested,
        json!([{"ip_address": "10.0.0.300"}, {"subnet_id": 5}]),
        json!([{"ip_address": "::ffff:10.0.0.5"}]),
        json!([{"start": "10.0.0.9", "end": "fd00::1"}]),
        json!([{"start": "0.0.0.0", "end": "255.255.255.255"}]),
        json!([{"start": "::", "end": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}]),
        json!([{"destination": "0.0.0.0/0", "nexthop": "fe80::1"}]),
        json!([{"opt_name": "x\ny", "opt_value": 5, "ip_version": 99}]),
        json!([{"provider:network_type": "vlan", "provider:physical_network": "physnet1",
                "provider:segmentation_id": 4096}]),
        json!(vec!["x"; 1000]),
    ];
    let texts = [
        "",
        " ",
        "\0",
        "a\0b",
        "\u{1f980}",
        "\u{202e}",
        "%s%n{}",
        "'; DROP TABLE ports; --",
        "\r\nx: y",
        "0.0.0.0/0",
        "::/0",
        "10.0.0.0/33",
        "255.255.255.255/32",
        "ff:ff:ff:ff:ff:ff",
        "01:00:5e:00:00:01",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "99999999999999999999999999",
        "NaN",
    ];
    values.extend(texts.iter().map(|text| json!(text)));
    values.push(json!("x".repeat(300)));
    values.push(json!("9".repeat(100_000)));
    values
}

/// Something that can be created, to put absurd values into.
fn sane(decl: &ResourceDecl, network: &Value, group: &Value) -> Value {
    match decl.name {
        "security_group_rule" => json!({"security_group_id": group, "direction": "ingress"}),
        "default_security_group_rule" => json!({
            "direction": "egress", "protocol": "tcp",
            "used_in_default_sg": true, "used_in_non_default_sg": true,
        }),
        "subnet" => json!({"network_id": network, "ip_version": 4, "cidr": "10.77.0.0/24"}),
        "port" => json!({"network_id": network}),
        _ => json!({}),
    }
}

async fn ask(cloud: &Cloud, method: &str, path: &str, body: &Value) -> Value {
    let answer = cloud.send(Ask::new(method, path).by("adm", ADMIN).json(body)).await;
    let shown: String = body.to_string().chars().take(300).collect();
    // 503 is for want of resources in the cloud, not a fault.
    assert!(
        answer.status < 500 || answer.status == 503,
        "{method} {path} {shown}: {}",
        answer.text
    );
    if answer.status == 204 { Value::Null } else { answer.json() }
}

async fn sweep(decl: &'static ResourceDecl) {
    let settings = Settings { api_preview: true, ..Settings::default() };
    let cloud = Cloud::with(ApiOptions::default(), settings).await;
    let network = ask(&cloud, "POST", "/v2.0/networks", &json!({"network": {}})).await;
    let network = &network["network"]["id"];
    let group = json!({"security_group": {}});
    let group = ask(&cloud, "POST", "/v2.0/security-groups", &group).await;
    let group = &group["security_group"]["id"];
    let collection = format!("/v2.0/{}", decl.path);
    let made =
        ask(&cloud, "POST", &collection, &json!({decl.name: sane(decl, network, group)})).await;
    let member = format!("{collection}/{}", made[decl.name]["id"].as_str().unwrap_or("none"));
    let settable = decl.with(Flags::POST).or(decl.with(Flags::PUT));
    for attribute in settable.iter().map(|index| &decl.attributes[index]) {
        for value in values() {
            let mut object = sane(decl, network, group);
            object[attribute.name] = value.clone();
            let created = ask(&cloud, "POST", &collection, &json!({decl.name: object})).await;
            if let Some(id) = created[decl.name]["id"].as_str() {
                ask(&cloud, "GET", &format!("{collection}/{id}"), &Value::Null).await;
                ask(&cloud, "DELETE", &format!("{collection}/{id}"), &Value::Null).await;
            }
            ask(&cloud, "PUT", &member, &json!({decl.name: {attribute.name: value}})).await;
        }
    }
    // Whatever got in can be shown.
    ask(&cloud, "GET", &collection, &Value::Null).await;
}

#[tokio::test]
async fn networks_stand_any_value() {
    sweep(Network::DECL).await;
}

#[tokio::test]
async fn subnets_stand_any_value() {
    sweep(Subnet::DECL).await;
}

#[tokio::test]
async fn ports_stand_any_value() {
    sweep(Port::DECL).await;
}

#[tokio::test]
async fn security_groups_stand_any_value() {
    for decl in [
        SecurityGroup::DECL,
        SecurityGroupRule::DECL,
        DefaultSecurityGroupRule::DECL,
        Statefulness::DECL,
        AddressGroup::DECL,
        Trunk::DECL,
    ] {
        sweep(decl).await;
    }
}

#[tokio::test]
async fn agents_stand_any_value() {
    sweep(Agent::DECL).await;
}

#[tokio::test]
async fn lists_stand_any_parameter() {
    let cloud = Cloud::new().await;
    cloud.make("networks", "network", &json!({})).await;
    for decl in [Network::DECL, Subnet::DECL, Port::DECL, Agent::DECL] {
        for attribute in decl.attributes {
            for value in [
                "",
                "%00",
                "%ff",
                "%F0%9F%A6%80",
                "-1",
                "true",
                "99999999999999999999",
                "a,b,,",
                "x=y=z",
                "ip_address=",
            ] {
                for query in [
                    format!("{}={value}", attribute.name),
                    format!("sort_key={}&sort_dir={value}", attribute.name),
                    format!("limit={value}&marker={value}&page_reverse={value}"),
                    format!("tags={value}&not-tags-any={value}&limit=1"),
                ] {
                    let path = format!("/v2.0/{}?{query}", decl.collection);
                    let answer = cloud.send(Ask::new("GET", &path).by("adm", ADMIN)).await;
                    assert!(answer.status < 500, "{path}: {}", answer.text);
                }
            }
        }
    }
}
