//! What happens when something on the host starts anew.

use std::time::Duration;

use anyhow::Result;
use nucleon_agent_dhcp::plan::Plugging;
use nucleon_bus::fake::Down;

use crate::client::{Client, has, pings};
use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_agent_changes_nothing_and_serves_on() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    for plugging in [Plugging::Veth, Plugging::Internal] {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let port = scene.ready_port(5).await?;
        let vm = scene.machine.plug("a", port.mac_address).await?;
        let client = Client::new(&vm)?;
        client.udhcpc(&[])?;
        let index = scene.device_index().await?;
        scene.stop_agent().await;
        assert!(client.udhcpc(&[]).is_err(), "somebody answers while the agent is stopped");
        assert!(pings(&vm, "10.0.0.2"), "the device stands while the agent is stopped");
        let told = scene.ready_count(port.id);

        scene.start_agent();
        scene.until("not told again", || Ok(scene.ready_count(port.id) > told)).await?;
        client.udhcpc(&[])?;
        scene.settled().await?;
        assert_eq!(scene.device_index().await?, index);
        assert_eq!(scene.changes(), 0, "a right host was changed");
        assert_eq!(scene.addresses().await?, ["10.0.0.2/24", "fd00:1::2/64"]);
        scene.stop_agent().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_started_while_the_server_is_away_serves_from_its_last_view() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let port = scene.ready_port(5).await?;
    let vm = scene.machine.plug("b", port.mac_address).await?;
    scene.stop_agent().await;
    scene.server.set_down(Down::Yes);
    scene.start_agent();
    scene.until("no socket is open", || Ok(scene.counter("dhcp_listening") == 1)).await?;
    Client::new(&vm)?.udhcpc(&[])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_switchs_database_is_away_what_stands_is_served_by_a_new_agent_too() -> Result<()>
{
    if !has("udhcpc") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let port = scene.ready_port(5).await?;
    let vm = scene.machine.plug("c", port.mac_address).await?;
    let client = Client::new(&vm)?;
    client.udhcpc(&[])?;
    // The userspace datapath of Open vSwitch 3.1 itself forwards nothing until it is back
    // (`bridge_run` returns early without the database's lock), so that no client can be asked.
    scene.machine.switch.kill_database();
    let other = scene.ready_port(6).await?;
    scene.stop_agent().await;
    let told = scene.ready_count(other.id);
    scene.start_agent();
    scene.until("not told again", || Ok(scene.ready_count(other.id) > told)).await?;
    assert_eq!(scene.changes(), 0);
    scene.machine.switch.start_database().await?;
    scene.machine.switch.vsctl(&["set", "bridge", "br-int", "external_ids:again=1"])?;
    client.udhcpc(&[])?;
    // What only the switch can tell is looked at now, and found right.
    let mut network = scene.network.clone();
    network.mtu = 1400;
    scene.put_network(&network);
    scene.until("the MTU is not set", || Ok(scene.steps("plug") == 1)).await?;
    client.udhcpc(&[])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_switch_is_survived_and_internal_ports_are_plugged_anew() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    for plugging in [Plugging::Veth, Plugging::Internal] {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let port = scene.ready_port(5).await?;
        let vm = scene.machine.plug("d", port.mac_address).await?;
        let client = Client::new(&vm)?;
        client.udhcpc(&[])?;
        let (before, opened) = (scene.device_index().await?, scene.steps("open_socket"));
        scene.machine.switch.kill_daemon();
        scene.machine.switch.start_daemon()?;
        // ovs-vsctl waits until the switch has acted.
        scene.machine.switch.vsctl(&["set", "bridge", "br-int", "external_ids:again=1"])?;
        if plugging == Plugging::Internal {
            scene.until("not plugged anew", || Ok(scene.steps("open_socket") > opened)).await?;
            assert_ne!(scene.device_index().await?, before);
        }
        let mut told = client.udhcpc(&[]);
        for _ in 0..3 {
            if told.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            told = client.udhcpc(&[]);
        }
        told?;
        assert!(pings(&vm, "10.0.0.2"));
        if plugging == Plugging::Veth {
            assert_eq!(scene.device_index().await?, before);
        }
        scene.stop_agent().await;
    }
    Ok(())
}
