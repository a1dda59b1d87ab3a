//! When ports become ACTIVE, and what makes them wait again.

use nucleon_bus::{Report, ViewSource};
use nucleon_model::view::Role;
use nucleon_model::{Network, Port};
use serde_json::json;

use crate::scene::{Cloud, each, mark, peer};

/// A network that `h1` serves by DHCP, and a port on `h1`.
async fn served(cloud: &Cloud) -> (Network, Port) {
    cloud.host("h1").await;
    cloud.dhcp_agent("h1").await;
    let network = cloud.network(json!({})).await;
    cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
    let port = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
    (network, port)
}

async fn status(cloud: &Cloud, port: &Port) -> String {
    cloud.now_of(port).await.status
}

#[tokio::test]
async fn a_port_is_active_when_wire_and_lease_are_there() {
    each(async |cloud| {
        let (network, port) = served(&cloud).await;
        assert_eq!(port.status, "DOWN");
        cloud.dhcp_ready("h1", &port).await;
        assert_eq!(status(&cloud, &port).await, "DOWN");
        cloud.wired("h1", &port).await;
        let active = cloud.now_of(&port).await;
        assert_eq!(active.status, "ACTIVE");
        assert!(active.wired_at.is_some() && active.active_at.is_some());
        assert_eq!(active.revision_number, port.revision_number + 2);
        assert_eq!(active.view_revision, port.view_revision);
        // Said twice, it is no news.
        cloud.wired("h1", &port).await;
        assert_eq!(cloud.now_of(&port).await, active);
        let other = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        cloud.wired("h1", &other).await;
        assert_eq!(status(&cloud, &other).await, "DOWN");
        cloud.dhcp_ready("h1", &other).await;
        assert_eq!(status(&cloud, &other).await, "ACTIVE");
    })
    .await;
}

#[tokio::test]
async fn only_those_count_who_speak_of_the_port_as_it_is() {
    each(async |cloud| {
        let (_, port) = served(&cloud).await;
        cloud.host("h2").await;
        cloud.dhcp_agent("h2").await;
        cloud.wired("h2", &port).await;
        cloud.dhcp_ready("h2", &port).await;
        let ports = || vec![mark(&port, port.view_revision)];
        let dhcp = peer(Role::DhcpAgent, "h1");
        cloud.report(&dhcp, Report::Wired { ports: ports() }).await.unwrap();
        let ovs = peer(Role::OvsAgent, "h1");
        cloud.report(&ovs, Report::DhcpReady { ports: ports() }).await.unwrap();
        cloud.report(&ovs, Report::Wired { ports: vec![mark(&port, 0)] }).await.unwrap();
        assert_eq!(cloud.now_of(&port).await, port);
        // A mark of the body before a change says nothing of the one after.
        let changed = cloud.update(&port, json!({"device_id": "vm"})).await;
        assert!(changed.view_revision > port.view_revision);
        cloud.wired("h1", &port).await;
        cloud.dhcp_ready("h1", &port).await;
        assert_eq!(cloud.now_of(&port).await, changed);
        cloud.wired("h1", &changed).await;
        cloud.dhcp_ready("h1", &changed).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
    })
    .await;
}

async fn activate(cloud: &Cloud, port: &Port) -> Port {
    let port = cloud.now_of(port).await;
    cloud.wired("h1", &port).await;
    cloud.dhcp_ready("h1", &port).await;
    let port = cloud.now_of(&port).await;
    assert_eq!(port.status, "ACTIVE");
    port
}

#[tokio::test]
async fn a_port_switched_off_and_on_is_wired_anew() {
    each(async |cloud| {
        let (_, port) = served(&cloud).await;
        let port = activate(&cloud, &port).await;
        let off = cloud.update(&port, json!({"admin_state_up": false})).await;
        assert_eq!((off.status.as_str(), off.awaits_l2), ("DOWN", true));
        cloud.wired("h1", &off).await;
        assert_eq!(status(&cloud, &port).await, "DOWN");
        let on = cloud.update(&port, json!({"admin_state_up": true})).await;
        assert_eq!((on.status.as_str(), on.awaits_l2), ("DOWN", true));
        // What was said of it while it was off does not count.
        cloud.wired("h1", &off).await;
        assert_eq!(status(&cloud, &port).await, "DOWN");
        cloud.wired("h1", &on).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
    })
    .await;
}

#[tokio::test]
async fn a_port_that_moves_or_loses_its_device_is_down_until_it_is_wired() {
    each(async |cloud| {
        let (_, port) = served(&cloud).await;
        let port = activate(&cloud, &port).await;
        let who = peer(Role::OvsAgent, "h1");
        let ports = vec![mark(&port, port.view_revision)];
        cloud.report(&who, Report::Unwired { ports }).await.unwrap();
        assert_eq!(status(&cloud, &port).await, "DOWN");
        cloud.wired("h1", &port).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
        cloud.host("h2").await;
        let moved = cloud.update(&port, json!({"binding:host_id": "h2"})).await;
        assert_eq!((moved.status.as_str(), moved.wired_at), ("DOWN", None));
        cloud.wired("h1", &moved).await;
        assert_eq!(status(&cloud, &port).await, "DOWN");
        cloud.wired("h2", &moved).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
        let renamed = cloud.update(&port, json!({"name": "n", "description": "d"})).await;
        assert_eq!(renamed.view_revision, moved.view_revision);
        assert_eq!(renamed.status, "ACTIVE");
    })
    .await;
}

#[tokio::test]
async fn new_addresses_wait_for_their_lease_without_cutting_the_wire() {
    each(async |cloud| {
        let (_, port) = served(&cloud).await;
        let port = activate(&cloud, &port).await;
        let fixed_ips = json!({"fixed_ips": [{"ip_address": "10.0.0.200"}]});
        let changed = cloud.update(&port, fixed_ips).await;
        assert_eq!((changed.status.as_str(), changed.awaits_dhcp), ("ACTIVE", true));
        cloud.dhcp_ready("h1", &changed).await;
        let ready = cloud.now_of(&port).await;
        assert!(ready.dhcp_ready_at.is_some() && !ready.awaits_dhcp);
    })
    .await;
}

#[tokio::test]
async fn nobody_waits_for_dhcp_on_a_network_that_is_down() {
    each(async |cloud| {
        let (network, port) = served(&cloud).await;
        cloud.wired("h1", &port).await;
        assert_eq!(status(&cloud, &port).await, "DOWN");
        cloud.update(&network, json!({"admin_state_up": false})).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
        let later = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        assert!(!later.awaits_dhcp);
    })
    .await;
}

#[tokio::test]
async fn ports_that_nobody_could_bind_are_bound_when_the_agent_comes() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let port = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        assert_eq!(port.vif_type, "binding_failed");
        cloud.host("h1").await;
        let bound = cloud.now_of(&port).await;
        assert_eq!((bound.vif_type.as_str(), bound.view_revision), ("ovs", port.view_revision + 1));
        cloud.wired("h1", &bound).await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
        // An agent that is heard of again leaves alone what is bound.
        cloud.let_agents_die();
        cloud.host("h1").await;
        assert_eq!(status(&cloud, &port).await, "ACTIVE");
    })
    .await;
}
