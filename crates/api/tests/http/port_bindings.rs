//! `/v2.0/ports/{id}/bindings`. No host of this cloud has an agent: what is bound is looked at elsewhere.

use serde_json::json;

use crate::harness::{Answer, Ask, Cloud};

const SERVICE: &str = "service";

async fn cloud_with_port(owner: &str) -> (Cloud, String) {
    let cloud = Cloud::new().await;
    let network = cloud.make("networks", "network", &json!({})).await;
    let port = json!({"network_id": network["id"], "device_owner": owner});
    let port = cloud.make("ports", "port", &port).await;
    let path = format!("/v2.0/ports/{}/bindings", port["id"].as_str().unwrap());
    (cloud, path)
}

async fn by_service(cloud: &Cloud, method: &str, path: &str) -> Answer {
    cloud.send(Ask::new(method, path).by("svc", SERVICE)).await
}

#[tokio::test]
async fn a_port_shows_what_it_is_on_its_hosts_to_the_compute_service() {
    let (cloud, path) = cloud_with_port("compute:nova").await;
    let unbound = json!({
        "host": "",
        "vif_type": "unbound",
        "vif_details": {},
        "vnic_type": "normal",
        "profile": {},
        "status": "ACTIVE",
    });
    let listed = by_service(&cloud, "GET", &path).await;
    assert_eq!(listed.json(), json!({"bindings": [unbound]}));
    let listed = by_service(&cloud, "GET", &format!("{path}?status=INACTIVE")).await;
    assert_eq!(listed.json(), json!({"bindings": []}));
    let listed = by_service(&cloud, "GET", &format!("{path}?status=ACTIVE&fields=host")).await;
    assert_eq!(listed.json(), json!({"bindings": [{"host": ""}]}));
    let refusal = cloud.get(&path).await;
    refusal.is(403, "PolicyNotAuthorized", "rule:get_port_binding is disallowed by policy");
}

#[tokio::test]
async fn a_host_without_an_agent_is_refused_as_neutron_does() {
    let (cloud, path) = cloud_with_port("compute:nova").await;
    let ask = Ask::new("POST", &path).by("svc", SERVICE);
    let refusal = cloud.send(ask.json(&json!({"binding": {"host": "h1"}}))).await;
    assert_eq!((refusal.error().0, refusal.error().1.as_str()), (500, "PortBindingError"));
    let missing = by_service(&cloud, "PUT", &format!("{path}/h1/activate")).await;
    assert_eq!((missing.error().0, missing.error().1.as_str()), (404, "PortBindingNotFound"));
    let missing = by_service(&cloud, "DELETE", &format!("{path}/h1")).await;
    assert_eq!((missing.error().0, missing.error().1.as_str()), (404, "PortBindingNotFound"));
}

#[tokio::test]
async fn only_ports_of_machines_have_several_bindings() {
    let (cloud, path) = cloud_with_port("").await;
    let refusal = by_service(&cloud, "GET", &path).await;
    assert_eq!((refusal.error().0, refusal.error().1.as_str()), (400, "BadRequest"));
}
