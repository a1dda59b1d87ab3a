//! What once let one project into another's affairs, asked for here. Projects are p1, whose all of it is, and p2.

use nucleon_api::ApiOptions;
use nucleon_core::Settings;
use serde_json::{Value, json};

use crate::harness::{ADMIN, Answer, Ask, Cloud, MEMBER};

async fn cloud() -> Cloud {
    let settings = Settings { api_preview: true, ..Settings::default() };
    Cloud::with(ApiOptions::default(), settings).await
}

async fn by_other(cloud: &Cloud, method: &str, path: &str, body: &Value) -> Answer {
    cloud.send(Ask::new(method, path).json(body).by("p2", MEMBER)).await
}

async fn by_admin(cloud: &Cloud, method: &str, path: &str, body: &Value) -> Answer {
    cloud.send(Ask::new(method, path).json(body).by("adm", ADMIN)).await
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// How many objects an answer lists.
fn listed(answer: &Answer) -> usize {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (_, objects) = body.as_object().unwrap().iter().next().unwrap();
    objects.as_array().unwrap().len()
}

/// A network of p1 that everybody may use, with a subnet.
async fn shared_network(cloud: &Cloud) -> (Value, Value) {
    let network = json!({"network": {"project_id": "p1", "shared": true}});
    let network =
        by_admin(cloud, "POST", "/v2.0/networks", &network).await.json()["network"].clone();
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    (network, subnet)
}

/// CVE-2024-53916.
#[tokio::test]
async fn nobody_tags_what_belongs_to_another_project() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    let port = cloud.make("ports", "port", &json!({"network_id": network["id"]})).await;
    let router = cloud.make("routers", "router", &json!({})).await;
    let group = cloud.make("security-groups", "security_group", &json!({"name": "g"})).await;
    for (collection, object) in [
        ("networks", &network),
        ("subnets", &subnet),
        ("ports", &port),
        ("routers", &router),
        ("security-groups", &group),
    ] {
        let path = format!("/v2.0/{collection}/{}/tags", id(object));
        let all = by_other(&cloud, "PUT", &path, &json!({"tags": ["mine"]})).await;
        let one = by_other(&cloud, "PUT", &format!("{path}/mine"), &json!({})).await;
        let clear = by_other(&cloud, "DELETE", &path, &json!({})).await;
        let look = by_other(&cloud, "GET", &path, &json!({})).await;
        for answer in [all, one, clear, look] {
            assert_eq!(answer.status, 404, "{collection}: {}", answer.text);
        }
        assert_eq!(cloud.get(&path).await.json(), json!({"tags": []}), "{collection}");
    }
    let (shared, _) = shared_network(&cloud).await;
    let path = format!("/v2.0/networks/{}/tags", id(&shared));
    let refusal = by_other(&cloud, "PUT", &path, &json!({"tags": ["mine"]})).await;
    assert_eq!(refusal.status, 403, "{}", refusal.text);
}

/// CVE-2015-5240 and CVE-2026-50266: such a port would not be filtered.
#[tokio::test]
async fn nobody_passes_for_a_service_on_a_network_of_another_project() {
    let cloud = cloud().await;
    let (network, _) = shared_network(&cloud).await;
    for owner in ["network:dhcp", "network:router_interface", "network:anything"] {
        let wanted = json!({"port": {"network_id": network["id"], "device_owner": owner}});
        for roles in [MEMBER, "manager,member,reader"] {
            let ask = Ask::new("POST", "/v2.0/ports").json(&wanted).by("p2", roles);
            let refusal = cloud.send(ask).await;
            assert_eq!(refusal.status, 403, "{owner} by {roles}: {}", refusal.text);
        }
        let plain = json!({"port": {"network_id": network["id"]}});
        let plain = by_other(&cloud, "POST", "/v2.0/ports", &plain).await.json()["port"].clone();
        let path = format!("/v2.0/ports/{}", id(&plain));
        let change = json!({"port": {"device_owner": owner}});
        let refusal = by_other(&cloud, "PUT", &path, &change).await;
        assert_eq!(refusal.status, 403, "{owner}: {}", refusal.text);
    }
}

/// CVE-2014-6414.
#[tokio::test]
async fn to_set_an_administrators_attribute_to_its_default_is_to_set_it() {
    let cloud = cloud().await;
    let network = json!({"network": {"project_id": "p1", "shared": true, "router:external": true}});
    let network = by_admin(&cloud, "POST", "/v2.0/networks", &network).await;
    let network = network.json()["network"].clone();
    let path = format!("/v2.0/networks/{}", id(&network));
    for change in [json!({"shared": false}), json!({"router:external": false})] {
        let refusal = cloud.put(&path, &json!({"network": change})).await;
        assert_eq!(refusal.status, 403, "{change}: {}", refusal.text);
    }
    let port = cloud.make("ports", "port", &json!({"network_id": network["id"]})).await;
    let path = format!("/v2.0/ports/{}", id(&port));
    for change in [json!({"binding:host_id": ""}), json!({"binding:profile": {}})] {
        let refusal = cloud.put(&path, &json!({"port": change})).await;
        assert_eq!(refusal.status, 403, "{change}: {}", refusal.text);
    }
    let shown = cloud.get(&format!("/v2.0/networks/{}", id(&network))).await.json();
    assert_eq!(
        (&shown["network"]["shared"], &shown["network"]["router:external"]),
        (&json!(true), &json!(true))
    );
}

/// CVE-2014-3555.
#[tokio::test]
async fn a_port_has_only_so_many_further_addresses() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let pairs = |count: u32| {
        let pairs = (0..count).map(|host| json!({"ip_address": format!("10.1.0.{host}")}));
        let pairs: Vec<Value> = pairs.collect();
        json!({"port": {"network_id": network["id"], "allowed_address_pairs": pairs}})
    };
    let refusal = cloud.post("/v2.0/ports", &pairs(11)).await;
    assert_eq!((refusal.status, refusal.error().1.as_str()), (400, "AllowedAddressPairExhausted"));
    let made = cloud.post("/v2.0/ports", &pairs(10)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/v2.0/ports/{}", id(&made.json()["port"]));
    let change =
        json!({"port": {"allowed_address_pairs": pairs(11)["port"]["allowed_address_pairs"]}});
    assert_eq!(cloud.put(&path, &change).await.status, 400);
}

/// CVE-2022-3277: each such request left a group and its rules behind.
#[tokio::test]
async fn naming_another_project_makes_nothing_for_it() {
    let cloud = cloud().await;
    for path in ["security-groups", "security-group-rules", "networks", "ports"] {
        for project in ["p1", "nobody"] {
            let path = format!("/v2.0/{path}?project_id={project}");
            assert_eq!(listed(&by_other(&cloud, "GET", &path, &json!({})).await), 0, "{path}");
        }
    }
    let foreign = json!({"security_group": {"name": "g", "project_id": "p1"}});
    assert_eq!(by_other(&cloud, "POST", "/v2.0/security-groups", &foreign).await.status, 400);
    let all = by_admin(&cloud, "GET", "/v2.0/security-groups?fields=project_id", &json!({})).await;
    let owners = all.json()["security_groups"].clone();
    assert_eq!(owners, json!([{"project_id": "adm"}]));
}

/// What a filter finds tells of what it filters by, and so does an order.
#[tokio::test]
async fn what_is_not_shown_cannot_be_asked_after() {
    let cloud = cloud().await;
    let vlan = |id: u16, name: &str| {
        json!({"network": {
            "name": name, "project_id": "p1", "shared": true, "provider:network_type": "vlan",
            "provider:physical_network": "physnet1", "provider:segmentation_id": id,
        }})
    };
    for (id, name) in [(201, "b"), (200, "a")] {
        assert_eq!(by_admin(&cloud, "POST", "/v2.0/networks", &vlan(id, name)).await.status, 201);
    }
    for query in [
        "provider:segmentation_id=200",
        "provider:physical_network=physnet1",
        "provider:network_type=vlan",
    ] {
        let path = format!("/v2.0/networks?{query}");
        assert_eq!(listed(&cloud.get(&path).await), 0, "{query}");
        assert!(listed(&by_admin(&cloud, "GET", &path, &json!({})).await) > 0, "{query}");
    }
    let network = cloud.make("networks", "network", &json!({})).await;
    let port = json!({"port": {
        "network_id": network["id"], "project_id": "p1", "binding:host_id": "secret",
    }});
    assert_eq!(by_admin(&cloud, "POST", "/v2.0/ports", &port).await.status, 201);
    let path = "/v2.0/ports?binding:host_id=secret";
    assert_eq!(listed(&cloud.get(path).await), 0);
    assert_eq!(listed(&by_admin(&cloud, "GET", path, &json!({})).await), 1);
    assert_eq!(listed(&cloud.get("/v2.0/ports").await), 1);
}

#[tokio::test]
async fn what_is_another_projects_is_no_page_to_go_on_from() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let from = |marker: &str| format!("/v2.0/networks?limit=1&marker={marker}");
    let foreign = by_other(&cloud, "GET", &from(id(&network)), &json!({})).await;
    let missing = by_other(&cloud, "GET", &from(nobody), &json!({})).await;
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(foreign.text.replace(id(&network), nobody), missing.text);
}

/// Whom a network is shared with puts ports on it, and no more.
#[tokio::test]
async fn a_shared_network_stays_its_owners() {
    let cloud = cloud().await;
    let (network, subnet) = shared_network(&cloud).await;
    let theirs = cloud.make("ports", "port", &json!({"network_id": network["id"]})).await;
    let own = json!({"port": {"network_id": network["id"]}});
    let own = by_other(&cloud, "POST", "/v2.0/ports", &own).await.json()["port"].clone();
    let ports = by_other(&cloud, "GET", "/v2.0/ports?fields=id", &json!({})).await.json();
    assert_eq!(ports["ports"], json!([{"id": own["id"]}]));
    let path = format!("/v2.0/networks/{}", id(&network));
    let shown = by_other(&cloud, "GET", &path, &json!({})).await.json()["network"].clone();
    assert!(
        shown.as_object().unwrap().keys().all(|name| !name.starts_with("provider:")),
        "{shown}"
    );
    let change = |name: &str| json!({name: {"name": "mine"}});
    let wanted = json!({"subnet": {
        "network_id": network["id"], "ip_version": 4, "cidr": "10.9.0.0/24",
    }});
    for (status, method, path, body) in [
        (403, "PUT", format!("networks/{}", id(&network)), change("network")),
        (403, "DELETE", format!("networks/{}", id(&network)), json!({})),
        (403, "PUT", format!("subnets/{}", id(&subnet)), change("subnet")),
        (403, "DELETE", format!("subnets/{}", id(&subnet)), json!({})),
        (403, "POST", "subnets".to_owned(), wanted),
        (404, "GET", format!("ports/{}", id(&theirs)), json!({})),
        (404, "PUT", format!("ports/{}", id(&theirs)), change("port")),
        (404, "DELETE", format!("ports/{}", id(&theirs)), json!({})),
    ] {
        let answer = by_other(&cloud, method, &format!("/v2.0/{path}"), &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_shared_address_group_is_there_to_see_and_not_to_change() {
    let cloud = cloud().await;
    let wanted = json!({"name": "g", "addresses": ["10.0.0.0/24"]});
    let group = cloud.make("address-groups", "address_group", &wanted).await;
    let everybody = json!({"rbac_policy": {
        "object_type": "address_group", "object_id": group["id"], "action": "access_as_shared",
        "target_tenant": "*",
    }});
    let shared = by_admin(&cloud, "POST", "/v2.0/rbac-policies", &everybody).await;
    assert_eq!(shared.status, 201, "{}", shared.text);
    let path = format!("/v2.0/address-groups/{}", id(&group));
    assert_eq!(by_other(&cloud, "GET", &path, &json!({})).await.status, 200);
    let renamed = json!({"address_group": {"name": "theirs"}});
    assert_eq!(by_other(&cloud, "PUT", &path, &renamed).await.status, 404);
}

/// OSSN-0102: the child by its own identifier, under a parent that is the caller's.
#[tokio::test]
async fn a_child_is_found_only_under_its_own_parent() {
    let cloud = cloud().await;
    let theirs = cloud.make("routers", "router", &json!({})).await;
    let helper = json!({"conntrack_helper": {"protocol": "tcp", "port": 21, "helper": "ftp"}});
    let path = format!("/v2.0/routers/{}/conntrack_helpers", id(&theirs));
    let helper = cloud.post(&path, &helper).await;
    assert_eq!(helper.status, 201, "{}", helper.text);
    let helper = helper.json()["conntrack_helper"].clone();
    let own = by_other(&cloud, "POST", "/v2.0/routers", &json!({"router": {}})).await;
    let own = own.json()["router"].clone();
    let change = json!({"conntrack_helper": {"port": 2121}});
    for parent in [&own, &theirs] {
        let path = format!("/v2.0/routers/{}/conntrack_helpers/{}", id(parent), id(&helper));
        for (method, body) in [("GET", json!({})), ("PUT", change.clone()), ("DELETE", json!({}))] {
            let answer = by_other(&cloud, method, &path, &body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
        }
    }
    let path = format!("/v2.0/routers/{}/conntrack_helpers/{}", id(&theirs), id(&helper));
    assert_eq!(cloud.get(&path).await.json()["conntrack_helper"]["port"], 21);
}

/// A name in a request is no way to learn of, or to use, what is another project's.
#[tokio::test]
async fn what_a_request_names_must_be_the_callers_to_use() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let subnet = json!({"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"});
    let subnet = cloud.make("subnets", "subnet", &subnet).await;
    let group = cloud.make("security-groups", "security_group", &json!({"name": "g"})).await;
    let addresses = json!({"addresses": ["10.0.0.0/24"]});
    let addresses = cloud.make("address-groups", "address_group", &addresses).await;
    let own = by_other(&cloud, "POST", "/v2.0/networks", &json!({"network": {}})).await;
    let own = own.json()["network"].clone();
    let own_group = json!({"security_group": {"name": "own"}});
    let own_group = by_other(&cloud, "POST", "/v2.0/security-groups", &own_group).await;
    let own_group = own_group.json()["security_group"].clone();
    let rule = |other: &str, id: &Value| {
        json!({"security_group_rule": {
            "security_group_id": own_group["id"], "direction": "ingress", other: id,
        }})
    };
    for (collection, body) in [
        ("ports", json!({"port": {"network_id": network["id"]}})),
        (
            "subnets",
            json!({"subnet": {
                "network_id": network["id"], "ip_version": 4, "cidr": "10.1.0.0/24",
            }}),
        ),
        (
            "ports",
            json!({"port": {
                "network_id": own["id"], "security_groups": [group["id"]],
            }}),
        ),
        ("security-group-rules", rule("remote_group_id", &group["id"])),
        ("security-group-rules", rule("remote_address_group_id", &addresses["id"])),
    ] {
        let answer = by_other(&cloud, "POST", &format!("/v2.0/{collection}"), &body).await;
        assert_eq!(answer.status, 404, "{body}: {}", answer.text);
    }
    let rule = json!({"security_group_rule": {
        "security_group_id": group["id"], "direction": "ingress",
    }});
    let answer = by_other(&cloud, "POST", "/v2.0/security-group-rules", &rule).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let port = json!({"port": {
        "network_id": own["id"], "fixed_ips": [{"subnet_id": subnet["id"]}],
    }});
    let answer = by_other(&cloud, "POST", "/v2.0/ports", &port).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    let path = format!("/v2.0/address-groups/{}/add_addresses", id(&addresses));
    let answer = by_other(&cloud, "PUT", &path, &json!({"addresses": ["0.0.0.0/0"]})).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
}

/// Also where a network is shared: who is on it is not for everybody on it to know.
#[tokio::test]
async fn filters_find_only_what_the_caller_sees() {
    let cloud = cloud().await;
    let (network, subnet) = shared_network(&cloud).await;
    let group = cloud.make("security-groups", "security_group", &json!({"name": "g"})).await;
    let port = json!({
        "network_id": network["id"], "name": "p", "device_id": "d", "security_groups": [group["id"]],
    });
    let port = cloud.make("ports", "port", &port).await;
    let address = port["fixed_ips"][0]["ip_address"].as_str().unwrap();
    for query in [
        format!("id={}", id(&port)),
        format!("network_id={}", id(&network)),
        format!("fixed_ips=ip_address%3D{address}"),
        format!("fixed_ips=subnet_id%3D{}", id(&subnet)),
        "fixed_ips=ip_address_substr%3D10.0".to_owned(),
        format!("security_groups={}", id(&group)),
        format!("mac_address={}", port["mac_address"].as_str().unwrap()),
        "device_id=d".to_owned(),
        "project_id=p1".to_owned(),
        "not-tags=x".to_owned(),
    ] {
        let path = format!("/v2.0/ports?{query}");
        assert_eq!(listed(&cloud.get(&path).await), 1, "{query}");
        assert_eq!(listed(&by_other(&cloud, "GET", &path, &json!({})).await), 0, "{query}");
    }
}

/// CVE-2014-0187 and CVE-2014-7821.
#[tokio::test]
async fn what_no_host_could_read_is_refused_at_the_door() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let group = cloud.make("security-groups", "security_group", &json!({"name": "g"})).await;
    for prefix in ["10.0.0.0/33", "10.0.0/24x", "::/129", "0.0.0.0/-1", "$(reboot)"] {
        let rule = json!({"security_group_rule": {
            "security_group_id": group["id"], "direction": "ingress", "remote_ip_prefix": prefix,
        }});
        let answer = cloud.post("/v2.0/security-group-rules", &rule).await;
        assert_eq!(answer.status, 400, "{prefix}: {}", answer.text);
    }
    for servers in
        [json!(["1111"]), json!(["10.0.0.1\n"]), json!([{"a": 1}]), json!("10.0.0.1"), json!([[]])]
    {
        let subnet = json!({"subnet": {
            "network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24",
            "dns_nameservers": servers,
        }});
        let answer = cloud.post("/v2.0/subnets", &subnet).await;
        assert_eq!(answer.status, 400, "{servers}: {}", answer.text);
    }
}

/// CVE-2021-40085: what went into a file, line by line.
#[tokio::test]
async fn an_option_is_one_line() {
    let cloud = cloud().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    for (name, value) in [
        ("bootfile-name", "a\nb"),
        ("bootfile-name", "a\r\ndhcp-script=x"),
        ("bootfile-name", "\n"),
        ("a\nb", "c"),
    ] {
        let port = json!({"port": {
            "network_id": network["id"],
            "extra_dhcp_opts": [{"opt_name": name, "opt_value": value}],
        }});
        let answer = cloud.post("/v2.0/ports", &port).await;
        assert_eq!(answer.status, 400, "{name:?} {value:?}: {}", answer.text);
    }
}
