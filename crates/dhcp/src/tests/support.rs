//! A network with two subnets, and clients to ask for things.

use std::net::{Ipv4Addr, SocketAddrV4};

use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use nucleon_net::MacAddr;

use crate::frame::Datagram;
use crate::v4::{
    Answer, Arrival, ExtraOption, LeaseTime, Network, NetworkConfig, Reply, Request, Reservation,
    Silence, Subnet,
};

pub(super) const SERVER_MAC: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 0x02]);
pub(super) const CLIENT_MAC: MacAddr = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 0x05]);
pub(super) const STRANGER_MAC: MacAddr = MacAddr::new([0x00, 0x25, 0x90, 0, 0, 0x01]);
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(super) const OTHER_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
pub(super) const XID: u32 = 0x1234_5678;

pub(super) fn subnet() -> Subnet {
    Subnet {
        cidr: "10.0.0.0/24".parse().unwrap(),
        server: Some(SERVER),
        enable_dhcp: true,
        gateway: Some(GATEWAY),
        dns_servers: vec![Ipv4Addr::new(8, 8, 8, 8), Ipv4Addr::new(8, 8, 4, 4)],
        host_routes: Vec::new(),
        on_link: Vec::new(),
    }
}

pub(super) fn reservation() -> Reservation {
    Reservation { mac: CLIENT_MAC, addresses: vec![ADDRESS], hostname: None, options: Vec::new() }
}

pub(super) fn config() -> NetworkConfig {
    NetworkConfig {
        server_mac: SERVER_MAC,
        subnets: vec![subnet()],
        reservations: vec![reservation()],
        mtu: Some(1450),
        domain: Some("openstacklocal.".to_owned()),
        lease_time: LeaseTime::DEFAULT,
        renewal_time: None,
        rebinding_time: None,
        broadcast_reply: false,
    }
}

/// The configuration with one of its parts changed.
pub(super) fn config_with(change: impl FnOnce(&mut NetworkConfig)) -> NetworkConfig {
    let mut config = config();
    change(&mut config);
    config
}

/// A configuration whose only client has these extra options.
pub(super) fn config_with_options(options: &[(&str, &str)]) -> NetworkConfig {
    config_with(|config| config.reservations[0].options = extras(options))
}

pub(super) fn extras(options: &[(&str, &str)]) -> Vec<ExtraOption> {
    let extra = |(name, value): &(&str, &str)| ExtraOption {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    options.iter().map(extra).collect()
}

/// Compiled, with nothing left out.
pub(super) fn network(config: &NetworkConfig) -> Network {
    let (network, issues) = config.compile();
    assert_eq!(issues, [], "the configuration has faults");
    network
}

/// A client's message without a parameter list: such a client gets every option.
pub(super) fn message(kind: MessageType) -> Message {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(XID, none, none, none, none, &CLIENT_MAC.octets());
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message
}

pub(super) fn discover() -> Message {
    message(MessageType::Discover)
}

pub(super) fn with(mut message: Message, option: DhcpOption) -> Message {
    message.opts_mut().insert(option);
    message
}

pub(super) fn asking(message: Message, codes: &[u8]) -> Message {
    let codes = codes.iter().map(|code| OptionCode::from(*code)).collect();
    with(message, DhcpOption::ParameterRequestList(codes))
}

pub(super) fn from_mac(mut message: Message, mac: MacAddr) -> Message {
    message.set_chaddr(&mac.octets());
    message
}

pub(super) fn broadcasting(mut message: Message) -> Message {
    message.set_flags(Flags::default().set_broadcast());
    message
}

pub(super) fn holding(mut message: Message, address: Ipv4Addr) -> Message {
    message.set_ciaddr(address);
    message
}

pub(super) fn selecting(server: Ipv4Addr, address: Ipv4Addr) -> Message {
    let request = with(message(MessageType::Request), DhcpOption::ServerIdentifier(server));
    with(request, DhcpOption::RequestedIpAddress(address))
}

pub(super) fn init_reboot(address: Ipv4Addr) -> Message {
    with(message(MessageType::Request), DhcpOption::RequestedIpAddress(address))
}

pub(super) fn renewing(address: Ipv4Addr) -> Message {
    holding(message(MessageType::Request), address)
}

pub(super) fn ask(network: &Network, message: &Message) -> Answer {
    ask_from(network, message, Arrival::default())
}

pub(super) fn ask_from(network: &Network, message: &Message, arrival: Arrival) -> Answer {
    network.respond(&Request::parse(&message.to_vec().unwrap(), arrival).unwrap())
}

/// The reply, and the message in it as another implementation reads it.
pub(super) fn reply(network: &Network, message: &Message) -> (Reply, Message) {
    match ask(network, message) {
        Answer::Reply(reply) => {
            let decoded = decode(&reply.payload);
            (reply, decoded)
        }
        other => panic!("expected a reply, got {other:?}"),
    }
}

pub(super) fn silence(answer: &Answer) -> Silence {
    match answer {
        Answer::Silent(silence) => *silence,
        other => panic!("expected silence, got {other:?}"),
    }
}

pub(super) fn decode(payload: &[u8]) -> Message {
    Message::decode(&mut Decoder::new(payload)).unwrap()
}

pub(super) fn option(message: &Message, code: u8) -> Option<DhcpOption> {
    message.opts().get(OptionCode::from(code)).cloned()
}

pub(super) fn codes(message: &Message) -> Vec<u8> {
    message.opts().iter().map(|(code, _)| u8::from(*code)).collect()
}

/// The value of an option as octets, joined (RFC 3396), whatever type dhcproto gives it.
pub(super) fn raw_option(payload: &[u8], wanted: u8) -> Option<Vec<u8>> {
    dhcproto::v4::borrowed::DhcpOptionIterator::new(&payload[240..])
        .find(|option| u8::from(option.code()) == wanted)
        .map(|option| option.data().to_vec())
}

/// What the client puts on the wire while it has no address.
pub(super) fn frame_of(message: &Message) -> Vec<u8> {
    frame_with(&message.to_vec().unwrap())
}

pub(super) fn frame_with(payload: &[u8]) -> Vec<u8> {
    Datagram { payload, ..broadcast_datagram() }.to_frame().unwrap()
}

pub(super) fn broadcast_datagram() -> Datagram<'static> {
    Datagram {
        source_mac: CLIENT_MAC,
        destination_mac: MacAddr::BROADCAST,
        vlan: None,
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        payload: &[],
    }
}
