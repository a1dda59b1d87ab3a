//! What somebody breaks is repaired, what is not wanted goes, and what is not ours stays.

use anyhow::Result;
use nucleon_agent_dhcp::plan::Plugging;
use nucleon_linux::NetnsDir;
use nucleon_model::NetworkId;
use uuid::Uuid;

use crate::client::{Client, has, ip};
use crate::scene::{Scene, dhcp_port, network};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_taken_from_the_switch_by_hand_is_plugged_again() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    for plugging in [Plugging::Veth, Plugging::Internal] {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let port = scene.ready_port(5).await?;
        let vm = scene.machine.plug("a", port.mac_address).await?;
        let plugged = scene.steps("plug");
        scene.machine.switch.vsctl(&["del-port", &scene.switch_port()])?;
        scene.until("not plugged again", || Ok(scene.steps("plug") > plugged)).await?;
        scene.until("nobody listens", || Ok(scene.counter("dhcp_listening") == 1)).await?;
        Client::new(&vm)?.udhcpc(&[])?;
        scene.stop_agent().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_deleted_by_hand_is_made_again() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    for plugging in [Plugging::Veth, Plugging::Internal] {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let port = scene.ready_port(5).await?;
        let vm = scene.machine.plug("b", port.mac_address).await?;
        let opened = scene.steps("open_socket");
        let device = plugging.device(scene.dhcp_port.id);
        ip(&["-n", scene.namespace.as_str(), "link", "delete", device.as_str()])?;
        scene.until("not opened again", || Ok(scene.steps("open_socket") > opened)).await?;
        Client::new(&vm)?.udhcpc(&[])?;
        scene.stop_agent().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dhcp_port_is_on_the_switch_as_the_ovs_agent_expects_it() -> Result<()> {
    let Some(scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let port = scene.switch_port();
    let read = |key: &str| {
        scene.machine.switch.vsctl(&["get", "interface", &port, &format!("external_ids:{key}")])
    };
    assert_eq!(read("iface-id")?, format!("\"{}\"", scene.dhcp_port.id));
    assert_eq!(read("iface-status")?, "active");
    assert_eq!(read("attached-mac")?, format!("\"{}\"", scene.dhcp_port.mac_address));
    assert_eq!(scene.machine.switch.vsctl(&["get", "port", &port, "tag"])?, "[]");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_no_longer_served_leaves_nothing_and_foreign_namespaces_stay() -> Result<()> {
    for plugging in [Plugging::Veth, Plugging::Internal] {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let stranger = scene.machine.expect_network(NetworkId::new(Uuid::new_v4()));
        let _ = NetnsDir::default().create(&stranger).await?;
        let foreign = ["add-port", "br-int", "tapforeign", "--", "set", "interface", "tapforeign"];
        scene.machine.switch.vsctl(&[&foreign[..], &["type=internal"]].concat())?;

        let mut network = scene.network.clone();
        network.dhcp_hosts.clear();
        scene.put_network(&network);
        let dir = NetnsDir::default();
        let gone = || Ok(!dir.exists(&scene.namespace));
        scene.until("the namespace stays", gone).await?;
        let ports = scene.machine.switch.vsctl(&["list-ports", "br-int"])?;
        assert!(!ports.contains(&scene.switch_port()), "{ports}");
        assert!(ports.contains("tapforeign"), "{ports}");
        assert!(dir.exists(&stranger));
        let noted = scene.options.state_path.join("dhcp").join(scene.network.id.to_string());
        assert!(!noted.exists());

        // Served again it is made again.
        let told = scene.ready_count(scene.dhcp_port.id);
        scene.put_network(&scene.network);
        scene.until("not told", || Ok(scene.ready_count(scene.dhcp_port.id) > told)).await?;
        scene.stop_agent().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_while_the_agent_was_stopped_goes_when_it_starts() -> Result<()> {
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    scene.stop_agent().await;
    let mut network = scene.network.clone();
    network.dhcp_hosts.clear();
    scene.put_network(&network);
    scene.start_agent();
    let gone = || Ok(!NetnsDir::default().exists(&scene.namespace));
    scene.until("the namespace stays", gone).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bridge_that_comes_late_is_waited_for() -> Result<()> {
    let Some(mut scene) = Scene::new(Plugging::Veth).await else { return Ok(()) };
    scene.machine.switch.vsctl(&["del-br", "br-int"])?;
    scene.start_agent();
    scene.until("no namespace", || Ok(scene.steps("ensure_namespace") == 1)).await?;
    assert_eq!(scene.ready_count(scene.dhcp_port.id), 0);
    let bridge = ["add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev"];
    scene.machine.switch.vsctl(&bridge)?;
    scene.await_ready(scene.dhcp_port.id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_taken_on_the_switch_is_left_alone_and_other_networks_are_served() -> Result<()> {
    let Some(mut scene) = Scene::new(Plugging::Veth).await else { return Ok(()) };
    let port = scene.switch_port();
    let iface = format!("external_ids:iface-id={}", Uuid::new_v4());
    scene.machine.switch.vsctl(&[
        "add-port",
        "br-int",
        &port,
        "--",
        "set",
        "interface",
        &port,
        "type=internal",
        &iface,
    ])?;
    let other = network();
    scene.machine.expect_network(other.id);
    let other_port = dhcp_port(&other);
    scene.put_network(&other);
    scene.put_port(&other_port);
    scene.start_agent();
    scene.await_ready(other_port.id).await?;
    assert_eq!(scene.ready_count(scene.dhcp_port.id), 0);
    let held = scene.machine.switch.vsctl(&["get", "interface", &port, "external_ids:iface-id"])?;
    assert!(iface.contains(held.trim_matches('"')), "{held}");

    // Given free, it is used without further ado.
    scene.machine.switch.vsctl(&["del-port", &port])?;
    scene.await_ready(scene.dhcp_port.id).await
}
