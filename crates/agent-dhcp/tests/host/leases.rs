//! What clients get.

use anyhow::Result;
use nucleon_agent_dhcp::plan::Plugging;
use nucleon_dhcp::frame::Datagram;
use nucleon_linux::{NetnsDir, PacketOptions, PacketSocket, Protocol};
use nucleon_model::port::ExtraDhcpOpt;
use nucleon_net::MacAddr;

use crate::client::{Client, has, ip, other_server, pings};
use crate::machine::link;
use crate::scene::{Scene, port, present};

const BOTH: [Plugging; 2] = [Plugging::Veth, Plugging::Internal];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn udhcpc_gets_its_address_and_all_options() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    for plugging in BOTH {
        let Some(mut scene) = Scene::served(plugging).await else { return Ok(()) };
        let mut port = port(&scene.network, 5);
        port.extra_dhcp_opts = vec![ExtraDhcpOpt {
            opt_name: "tftp-server".to_owned(),
            opt_value: Some("boot.example".to_owned()),
            ip_version: 4,
        }];
        scene.put_port(&port);
        scene.await_ready(port.id).await?;
        let vm = scene.machine.plug("a", port.mac_address).await?;
        let told = Client::new(&vm)?.udhcpc(&["-O", "staticroutes", "-O", "mtu", "-O", "tftp"])?;
        let said = |key: &str| told.get(key).map(String::as_str);
        assert_eq!(said("ip"), Some("10.0.0.5"), "{told:?}");
        assert_eq!(said("serverid"), Some("10.0.0.2"));
        assert_eq!(said("subnet"), Some("255.255.255.0"));
        assert_eq!(said("router"), Some("10.0.0.1"));
        assert_eq!(said("dns"), Some("9.9.9.9 1.1.1.1"));
        assert_eq!(said("domain"), Some("openstacklocal"));
        assert_eq!(said("mtu"), Some("1450"));
        assert_eq!(said("lease"), Some("86400"));
        assert_eq!(said("hostname"), Some("host-10-0-0-5"));
        assert_eq!(said("tftp"), Some("boot.example"));
        let routes = present(said("staticroutes"), "staticroutes")?;
        assert!(routes.contains("192.0.2.0/24 10.0.0.7"), "{routes}");
        assert!(routes.contains("0.0.0.0/0 10.0.0.1"), "{routes}");
        assert!(!routes.contains("169.254.169.254"), "{routes}");
        assert!(pings(&vm, "10.0.0.2"), "the kernel answers for the DHCP port's address");
        assert_eq!(scene.counter("dhcp_answers_total{kind=\"offer\"}"), 1);
        assert_eq!(scene.counter("dhcp_answers_total{kind=\"ack\"}"), 1);
        scene.stop_agent().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dhclient_binds_renews_reboots_and_releases() -> Result<()> {
    if !has("dhclient") {
        return Ok(());
    }
    let Some(mut scene) = Scene::new(Plugging::Veth).await else { return Ok(()) };
    scene.options.answers.renewal_time = 2;
    scene.start_agent();
    let port = scene.ready_port(6).await?;
    let vm = scene.machine.plug("b", port.mac_address).await?;
    let client = Client::new(&vm)?;

    let running = client.dhclient()?;
    let told = client.wait_for("BOUND").await?;
    let said = |key: &str| told.get(key).map(String::as_str);
    assert_eq!(said("new_ip_address"), Some("10.0.0.6"), "{told:?}");
    assert_eq!(said("new_dhcp_renewal_time"), Some("2"));
    assert_eq!(said("new_domain_name_servers"), Some("9.9.9.9 1.1.1.1"));
    assert_eq!(said("new_interface_mtu"), Some("1450"));
    let routes = said("new_rfc3442_classless_static_routes");
    assert_eq!(routes, Some("24 192 0 2 10 0 0 7 0 10 0 0 1"), "{told:?}");

    // Renewing is by unicast, which the kernel of the namespace must leave to us.
    let told = client.wait_for("RENEW").await?;
    assert_eq!(told.get("new_ip_address").map(String::as_str), Some("10.0.0.6"));

    // Ended and started again it asks for the address it had.
    drop(running);
    let acks = scene.counter("dhcp_answers_total{kind=\"ack\"}");
    let _running = client.dhclient()?;
    let told = client.wait_for("REBOOT").await?;
    assert_eq!(told.get("new_ip_address").map(String::as_str), Some("10.0.0.6"));
    assert!(scene.counter("dhcp_answers_total{kind=\"ack\"}") > acks);
    assert_eq!(scene.counter("dhcp_answers_total{kind=\"nak\"}"), 0);

    client.release()?;
    scene
        .until("the release is not noted", || {
            Ok(scene.counter("dhcp_events_total{event=\"released\"}") == 1)
        })
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_address_has_changed_is_refused_and_gets_the_new_one() -> Result<()> {
    if !has("dhclient") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let mut port = scene.ready_port(7).await?;
    let vm = scene.machine.plug("c", port.mac_address).await?;
    let client = Client::new(&vm)?;
    let running = client.dhclient()?;
    client.wait_for("BOUND").await?;
    drop(running);
    port.fixed_ips[0].ip_address = "10.0.0.77".parse()?;
    let told_before = scene.ready_count(port.id);
    scene.put_port(&port);
    scene.until("not told", || Ok(scene.ready_count(port.id) > told_before)).await?;
    let _running = client.dhclient()?;
    let told = client.wait_for("BOUND").await?;
    assert_eq!(told.get("new_ip_address").map(String::as_str), Some("10.0.0.77"));
    assert_eq!(scene.counter("dhcp_answers_total{kind=\"nak\"}"), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_physical_machine_gets_silence_here_and_a_lease_from_its_own_server() -> Result<()> {
    if !has("udhcpc") || !has("busybox") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let ours = scene.ready_port(5).await?;
    let mac = MacAddr::new([0x00, 0x25, 0x90, 0, 0, 0x01]);
    let metal = scene.machine.plug("metal", mac).await?;
    let client = Client::new(&metal)?;
    assert!(client.udhcpc(&[]).is_err(), "a stranger got a lease");
    let unknown = "dhcp_silences_total{reason=\"unknown_client\"}";
    assert!(scene.counter(unknown) >= 3);
    assert_eq!(scene.counter("dhcp_answers_total{kind=\"nak\"}"), 0);

    let their = scene.machine.plug("their", MacAddr::new([0x00, 0x25, 0x90, 0, 0, 0x02])).await?;
    ip(&["-n", their.as_str(), "addr", "add", "10.0.0.200/24", "dev", "eth0"])?;
    let directory = tempfile::tempdir()?;
    let _server = other_server(&their, directory.path(), &mac.to_string(), "10.0.0.201")?;
    let mut lease = client.udhcpc(&[]);
    for _ in 0..5 {
        if lease.is_ok() {
            break;
        }
        lease = client.udhcpc(&[]);
    }
    let told = lease?;
    assert_eq!(told.get("ip").map(String::as_str), Some("10.0.0.201"));
    assert_eq!(told.get("serverid").map(String::as_str), Some("10.0.0.200"));
    assert_eq!(scene.counter("dhcp_answers_total{kind=\"nak\"}"), 0);
    assert_eq!(scene.counter("dhcp_answers_total{kind=\"offer\"}"), 0);

    // And ours is served beside it.
    let vm = scene.machine.plug("d", ours.mac_address).await?;
    let told = Client::new(&vm)?.udhcpc(&[])?;
    assert_eq!(told.get("ip").map(String::as_str), Some("10.0.0.5"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_deleted_is_answered_no_more() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let port = scene.ready_port(5).await?;
    let vm = scene.machine.plug("e", port.mac_address).await?;
    let client = Client::new(&vm)?;
    client.udhcpc(&[])?;
    scene.delete_port(port.id);
    // A port told ready after it says that the deletion is carried out.
    scene.ready_port(9).await?;
    assert!(client.udhcpc(&[]).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_say_what_neutrons_say() -> Result<()> {
    let Some(scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let configurations = present(scene.configurations(), "a heartbeat")?;
    assert_eq!(configurations["dhcp_driver"], "native");
    assert_eq!(configurations["dhcp_lease_duration"], 86400);
    assert_eq!(configurations["log_agent_heartbeats"], false);
    for count in ["networks", "subnets", "ports"] {
        assert!(configurations[count].is_u64(), "{count}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_is_counted_and_survived() -> Result<()> {
    if !has("udhcpc") {
        return Ok(());
    }
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let port = scene.ready_port(5).await?;
    let vm = scene.machine.plug("f", port.mac_address).await?;
    let netns = NetnsDir::default().open(&vm).await?;
    let options = PacketOptions { protocol: Protocol::IPV4, ..PacketOptions::default() };
    let socket = PacketSocket::open(&netns, &link("eth0"), options).await?;
    for length in 0..200 {
        let noise: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
        let datagram = Datagram {
            source_mac: port.mac_address,
            destination_mac: MacAddr::BROADCAST,
            vlan: None,
            source: "0.0.0.0:68".parse()?,
            destination: "255.255.255.255:67".parse()?,
            payload: &noise,
        };
        socket.send(&datagram.to_frame()?).await?;
    }
    scene
        .until("noise is not counted", || Ok(scene.counter("dhcp_malformed_total") == 200))
        .await?;
    Client::new(&vm)?.udhcpc(&[])?;
    Ok(())
}
