//! How many exchanges a second go through sockets and switch.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::Result;
use dhcproto::v4::{DhcpOption, Message, MessageType};
use dhcproto::{Encodable, Encoder};
use nucleon_agent_dhcp::plan::Plugging;
use nucleon_dhcp::frame::Datagram;
use nucleon_linux::{Filter, NetnsDir, PacketOptions, PacketSocket, Protocol};
use nucleon_net::MacAddr;
use tokio::time::{Instant, timeout};

use crate::machine::link;
use crate::scene::{Scene, dhcp_port, network};

const CLIENTS: u8 = 100;
const ROUNDS: u32 = 50;

/// A DISCOVER whose answer is broadcast, so that one socket hears all of them.
fn discover(mac: MacAddr, xid: u32) -> Result<Vec<u8>> {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(xid, none, none, none, none, &mac.octets());
    message.set_flags(dhcproto::v4::Flags::default().set_broadcast());
    message.opts_mut().insert(DhcpOption::MessageType(MessageType::Discover));
    let mut payload = Vec::new();
    message.encode(&mut Encoder::new(&mut payload))?;
    let datagram = Datagram {
        source_mac: mac,
        destination_mac: MacAddr::BROADCAST,
        vlan: None,
        source: SocketAddrV4::new(none, 68),
        destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        payload: &payload,
    };
    Ok(datagram.to_frame()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_networks_are_served_and_adopted_in_seconds() -> Result<()> {
    const NETWORKS: usize = 40;
    let Some(mut scene) = Scene::new(Plugging::Veth).await else { return Ok(()) };
    for _ in 1..NETWORKS {
        let network = network();
        scene.machine.expect_network(network.id);
        scene.put_network(&network);
        scene.put_port(&dhcp_port(&network));
    }
    let started = Instant::now();
    scene.start_agent();
    let listening = |scene: &Scene| Ok(scene.counter("dhcp_listening") == NETWORKS as u64);
    scene.until("not all are served", || listening(&scene)).await?;
    eprintln!("{NETWORKS} networks made in {:?}", started.elapsed());
    scene.stop_agent().await;
    let started = Instant::now();
    scene.start_agent();
    scene.until("not all are served", || listening(&scene)).await?;
    eprintln!("{NETWORKS} networks served after a restart in {:?}", started.elapsed());
    scene.settled().await?;
    assert_eq!(scene.changes(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_machines_that_start_at_once_are_answered() -> Result<()> {
    let Some(mut scene) = Scene::served(Plugging::Veth).await else { return Ok(()) };
    let mut frames = Vec::new();
    for number in 10..10 + CLIENTS {
        let port = scene.ready_port(number).await?;
        frames.push(discover(port.mac_address, u32::from(number))?);
    }
    let rack = scene.machine.plug("rack", MacAddr::new([2, 0, 0, 0, 0, 1])).await?;
    let netns = NetnsDir::default().open(&rack).await?;
    let options = PacketOptions {
        protocol: Protocol::IPV4,
        filter: Some(Filter::udp_to(68)),
        receive_buffer: Some(8 << 20),
        ..PacketOptions::default()
    };
    let socket = PacketSocket::open(&netns, &link("eth0"), options).await?;
    let mut buffer = [0; 2048];
    let (mut heard, started) = (0_u32, Instant::now());
    for _ in 0..ROUNDS {
        for frame in &frames {
            socket.send(frame).await?;
        }
        for _ in &frames {
            if timeout(Duration::from_secs(2), socket.recv(&mut buffer)).await.is_err() {
                break;
            }
            heard += 1;
        }
    }
    let sent = u32::from(CLIENTS) * ROUNDS;
    let rate = f64::from(heard) / started.elapsed().as_secs_f64();
    eprintln!("{heard} of {sent} answered, {rate:.0} exchanges a second");
    assert!(heard * 100 >= sent * 99, "{heard} of {sent} answered");
    assert!(rate > 200.0, "{rate:.0} exchanges a second");
    Ok(())
}
