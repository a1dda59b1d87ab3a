//! The network that the fuzz targets ask, and what must hold for its answers.

use std::net::Ipv4Addr;

use nucleon_dhcp::v4::{
    ExtraOption, LeaseTime, NetworkConfig, Reply, ReplyKind, Reservation, Subnet,
};
use nucleon_net::MacAddr;

pub const CLIENT: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 5]);
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

pub fn config(options: Vec<ExtraOption>) -> NetworkConfig {
    NetworkConfig {
        server_mac: MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 2]),
        subnets: vec![Subnet {
            cidr: "10.0.0.0/24".parse().expect("a prefix"),
            server: Some(SERVER),
            enable_dhcp: true,
            gateway: Some(Ipv4Addr::new(10, 0, 0, 1)),
            dns_servers: vec![Ipv4Addr::new(8, 8, 8, 8)],
            host_routes: Vec::new(),
            on_link: vec!["10.0.1.0/24".parse().expect("a prefix")],
        }],
        reservations: vec![Reservation {
            mac: CLIENT,
            addresses: vec![ADDRESS],
            hostname: None,
            options,
        }],
        mtu: Some(1450),
        domain: Some("openstacklocal".to_owned()),
        lease_time: LeaseTime::DEFAULT,
        renewal_time: None,
        rebinding_time: None,
        broadcast_reply: false,
    }
}

/// Only the client is answered, with its own address, within the size of a frame.
pub fn check(reply: &Reply) {
    assert_eq!(reply.client, CLIENT);
    assert_eq!(reply.server, SERVER);
    assert!((300..=1472).contains(&reply.payload.len()));
    assert_eq!(reply.payload.get(28..34), Some(CLIENT.octets().as_slice()));
    let told = reply.payload.get(16..20);
    match reply.kind {
        ReplyKind::Offer | ReplyKind::Ack => assert_eq!(told, Some(ADDRESS.octets().as_slice())),
        ReplyKind::Information | ReplyKind::Nak => assert_eq!(told, Some([0; 4].as_slice())),
    }
}
