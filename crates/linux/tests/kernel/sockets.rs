use std::time::Duration;

use nucleon_linux::{
    Broadcast, Checksum, Error, Filter, Netns, Offload, PacketKind, PacketOptions, PacketSocket,
    Protocol, UdpOptions, VlanTag,
};
use nucleon_net::VlanId;
use tokio::time::timeout;

use crate::scratch::{Scratch, link};

async fn packets(netns: &Netns, options: PacketOptions) -> PacketSocket {
    PacketSocket::open(netns, &link("eth0"), options).await.unwrap()
}

fn dhcp() -> PacketOptions {
    PacketOptions {
        protocol: Protocol::IPV4,
        filter: Some(Filter::udp_to(67)),
        ..PacketOptions::default()
    }
}

fn udp(address: &str) -> UdpOptions {
    UdpOptions::new(address.parse().unwrap()).on(link("eth0")).broadcast(Broadcast::Allowed)
}

/// An ARP request of nobody for nobody, optionally with a VLAN tag in the frame.
fn arp(tag: Option<u16>) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([0x02, 0, 0, 0, 0, 1]);
    if let Some(tag) = tag {
        frame.extend([0x81, 0x00]);
        frame.extend(tag.to_be_bytes());
    }
    frame.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend([0; 20]);
    frame
}

#[tokio::test]
async fn only_requests_to_the_dhcp_port_arrive() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (server, client) = scratch.pair().await;
    let socket = packets(&server, dhcp()).await;
    let sender = client.udp_socket(udp("10.77.0.2:68")).await.unwrap();
    sender.send_to(b"not for us", "255.255.255.255:68").await.unwrap();
    sender.send_to(b"nor this", "10.77.0.1:53").await.unwrap();
    sender.send_to(b"request", "255.255.255.255:67").await.unwrap();

    let mut buffer = [0; 2048];
    let frame = socket.recv(&mut buffer).await.unwrap();
    assert_eq!(frame.kind, PacketKind::Broadcast);
    assert!(frame.bytes.ends_with(b"request"), "{:?}", frame.bytes);
    assert_eq!((frame.vlan, frame.original_len), (None, 14 + 20 + 8 + 7));
    let error = socket.try_recv(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_unfinished_checksum_is_told_until_offload_is_off() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (server, client) = scratch.pair().await;
    let socket = packets(&server, dhcp()).await;
    let sender = client.udp_socket(udp("10.77.0.2:68")).await.unwrap();
    let mut buffer = [0; 2048];
    for (offload, checksum) in
        [(Offload::On, Checksum::NotReady), (Offload::Off, Checksum::Complete)]
    {
        let _ = client.set_tx_checksum(&link("eth0"), offload).await.unwrap();
        sender.send_to(b"request", "10.77.0.1:67").await.unwrap();
        let frame = socket.recv(&mut buffer).await.unwrap();
        assert_eq!((frame.kind, frame.checksum), (PacketKind::Host, checksum), "{offload:?}");
    }
}

#[tokio::test]
async fn a_tag_sent_is_a_tag_received() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = scratch.pair().await;
    let filter = Some(Filter::ethertype(0x0806));
    let receiver = packets(&two, PacketOptions { filter, ..PacketOptions::default() }).await;
    let sender = packets(&one, PacketOptions::default()).await;
    let tagged = arp(Some(0x6065));
    sender.send(&tagged).await.unwrap();
    let mut buffer = [0; 2048];
    let frame = receiver.recv(&mut buffer).await.unwrap();
    let tag = VlanTag { id: VlanId::new(101).ok(), priority: 3, ethertype: 0x8100 };
    assert_eq!(frame.vlan, Some(tag));
    assert_eq!(frame.bytes, arp(None));
    assert_eq!(frame.tagged_bytes(), tagged);
}

#[tokio::test]
async fn a_capture_sees_what_its_own_machine_sends() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, _two) = scratch.pair().await;
    let filter = Some(Filter::ethertype(0x0806));
    let capture = packets(&one, PacketOptions { filter, ..PacketOptions::default() }).await;
    let sender = packets(&one, dhcp()).await;
    sender.send(&arp(None)).await.unwrap();
    let mut buffer = [0; 20];
    let frame = capture.recv(&mut buffer).await.unwrap();
    assert_eq!(frame.kind, PacketKind::Outgoing);
    assert_eq!((frame.bytes.len(), frame.original_len), (20, arp(None).len()));
}

#[tokio::test]
async fn a_full_buffer_drops_and_counts() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = scratch.pair().await;
    let options = PacketOptions {
        filter: Some(Filter::ethertype(0x0806)),
        receive_buffer: Some(8 * 1024),
        ..PacketOptions::default()
    };
    let receiver = packets(&two, options).await;
    let sender = packets(&one, PacketOptions::default()).await;
    for _ in 0..500 {
        sender.send(&arp(None)).await.unwrap();
    }
    let mut buffer = [0; 2048];
    let mut received = 0;
    while let Ok(frame) = timeout(Duration::from_millis(200), receiver.recv(&mut buffer)).await {
        assert_eq!(frame.unwrap().bytes, arp(None));
        received += 1;
    }
    let statistics = receiver.statistics().unwrap();
    assert_eq!(statistics.received, received);
    assert!(statistics.dropped > 0);
    assert_eq!(statistics.received + statistics.dropped, 500);
}

#[tokio::test]
async fn a_link_that_goes_away_is_told_once() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, _two) = scratch.pair().await;
    let socket = packets(&one, PacketOptions::default()).await;
    let _ = one.links().ensure_deleted(&link("eth0")).await.unwrap();
    let mut buffer = [0; 2048];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NetworkDown);
                break;
            }
        }
    }
}

#[tokio::test]
async fn errors_of_sockets_name_their_place() {
    let Some(mut scratch) = Scratch::new() else { return };
    let netns = scratch.netns().await;
    let error = PacketSocket::open(&netns, &link("eth9"), dhcp()).await.unwrap_err();
    assert!(matches!(error, Error::LinkMissing { .. }), "{error}");
    let error = netns.udp_socket(udp("10.77.0.1:67")).await.unwrap_err();
    assert!(error.is_missing(), "{error}");
    assert!(error.to_string().contains("10.77.0.1:67 of 'eth0'"), "{error}");
}

#[tokio::test]
async fn a_socket_bound_to_a_link_does_not_hear_another() {
    let Some(mut scratch) = Scratch::new() else { return };
    let (one, two) = scratch.pair().await;
    one.links().create_bridge(&link("d0")).await.unwrap();
    let deaf = UdpOptions::new("0.0.0.0:67".parse().unwrap()).on(link("d0"));
    let deaf = one.udp_socket(deaf).await.unwrap();
    let hearing = one.udp_socket(udp("0.0.0.0:67")).await.unwrap();
    let sender = two.udp_socket(udp("10.77.0.2:68")).await.unwrap();
    sender.send_to(b"request", "10.77.0.1:67").await.unwrap();
    let mut buffer = [0; 64];
    let (length, _) = hearing.recv_from(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..length], b"request");
    assert!(deaf.try_recv(&mut buffer).is_err());
}
