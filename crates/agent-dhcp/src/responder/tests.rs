use std::net::{Ipv4Addr, SocketAddrV4};

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use nucleon_dhcp::frame::Datagram;
use nucleon_dhcp::v4::Silence;
use proptest::prelude::*;

use super::*;
use crate::samples::{dhcp_port, extra, mac, machine, network};

fn responder(ports: &[PortBody]) -> Responder {
    let (responder, issues) =
        Responder::new(&network(), &dhcp_port(), ports, &AnswerOptions::default());
    assert_eq!(issues, []);
    responder
}

/// A DISCOVER that asks for nothing in particular, and so is told everything.
fn discover(from: MacAddr) -> Vec<u8> {
    let none = Ipv4Addr::UNSPECIFIED;
    let mut message = Message::new_with_id(1, none, none, none, none, &from.octets());
    message.opts_mut().insert(DhcpOption::MessageType(MessageType::Discover));
    let mut payload = Vec::new();
    message.encode(&mut Encoder::new(&mut payload)).unwrap();
    let datagram = Datagram {
        source_mac: from,
        destination_mac: MacAddr::BROADCAST,
        vlan: None,
        source: SocketAddrV4::new(none, 68),
        destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        payload: &payload,
    };
    datagram.to_frame().unwrap()
}

fn offered(responder: &Responder, from: MacAddr) -> Option<Ipv4Addr> {
    match responder.answer(&discover(from)).unwrap() {
        FrameAnswer::Reply { reply, .. } => Some(reply.address),
        FrameAnswer::Silent(Silence::UnknownClient(silent)) if silent == from => None,
        other => panic!("{other:?}"),
    }
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

#[test]
fn known_ports_are_answered_and_nobody_else() {
    let responder = responder(&[machine(5), machine(6)]);
    assert_eq!(offered(&responder, mac(5)), Some(address(5)));
    assert_eq!(offered(&responder, mac(6)), Some(address(6)));
    assert_eq!(offered(&responder, mac(7)), None);
    assert_eq!(responder.len(), 2);
}

#[test]
fn a_port_is_answered_from_the_moment_it_is_inserted_until_it_is_removed() {
    let responder = responder(&[]);
    assert!(responder.is_empty());
    assert_eq!(responder.insert(&machine(5)), []);
    assert_eq!(offered(&responder, mac(5)), Some(address(5)));
    responder.remove(machine(5).id);
    assert_eq!(offered(&responder, mac(5)), None);
    responder.remove(machine(5).id);
    assert!(responder.is_empty());
}

#[test]
fn a_changed_address_and_a_changed_mac_hold_at_once() {
    let responder = responder(&[machine(5)]);
    let mut port = machine(5);
    port.fixed_ips = machine(9).fixed_ips;
    responder.insert(&port);
    assert_eq!(offered(&responder, mac(5)), Some(address(9)));
    port.mac_address = mac(0x55);
    responder.insert(&port);
    assert_eq!(offered(&responder, mac(5)), None);
    assert_eq!(offered(&responder, mac(0x55)), Some(address(9)));
}

#[test]
fn a_port_that_has_lost_its_addresses_is_not_answered() {
    let responder = responder(&[machine(5)]);
    let mut port = machine(5);
    port.fixed_ips.clear();
    responder.insert(&port);
    assert_eq!(offered(&responder, mac(5)), None);
    assert!(responder.is_empty());
}

#[test]
fn a_mac_that_went_to_another_port_stays_there_when_the_former_one_goes() {
    let responder = responder(&[machine(5)]);
    let mut heir = machine(6);
    heir.mac_address = mac(5);
    responder.insert(&heir);
    responder.remove(machine(5).id);
    assert_eq!(offered(&responder, mac(5)), Some(address(6)));
    assert_eq!(responder.len(), 1);
}

#[test]
fn what_cannot_be_served_is_told_and_the_rest_is_served() {
    let responder = responder(&[]);
    let mut port = machine(5);
    port.extra_dhcp_opts = vec![extra("no-such-option", Some("1"), 4)];
    assert_eq!(responder.insert(&port).len(), 1);
    assert_eq!(offered(&responder, mac(5)), Some(address(5)));
}

#[test]
fn a_network_that_changes_keeps_its_clients() {
    let responder = responder(&[machine(5)]);
    let mut network = network();
    network.mtu = 1400;
    let ports = [machine(5)];
    responder.replace(&network, &dhcp_port(), &ports, &AnswerOptions::default());
    let FrameAnswer::Reply { reply, .. } = responder.answer(&discover(mac(5))).unwrap() else {
        panic!("no reply");
    };
    let message = Message::decode(&mut Decoder::new(&reply.payload)).unwrap();
    assert_eq!(message.opts().get(OptionCode::InterfaceMtu), Some(&DhcpOption::InterfaceMtu(1400)));
}

#[test]
fn noise_is_no_request() {
    assert!(responder(&[]).answer(&[0; 60]).is_err());
}

/// Ports with few MACs, so that they collide as they never should.
fn any_port() -> impl Strategy<Value = PortBody> {
    (3..8_u8, 3..8_u8, prop::option::of(3..20_u8)).prop_map(|(port, mac_number, address)| {
        let mut body = machine(port);
        body.mac_address = mac(mac_number);
        body.fixed_ips = address.map(|number| machine(number).fixed_ips).unwrap_or_default();
        body
    })
}

proptest! {
    #[test]
    fn change_by_change_comes_to_the_same_as_all_at_once(
        steps in prop::collection::vec((any_port(), any::<bool>()), 0..30),
    ) {
        let by_steps = responder(&[]);
        let mut ports: Vec<PortBody> = Vec::new();
        for (port, insert) in steps {
            ports.retain(|other| other.id != port.id);
            by_steps.remove(port.id);
            // The server lets no two ports of a network have one MAC at the same time.
            ports.retain(|other| {
                let same = other.mac_address == port.mac_address;
                if same {
                    by_steps.remove(other.id);
                }
                !same
            });
            if insert {
                by_steps.insert(&port);
                ports.push(port);
            }
        }
        let at_once = responder(&ports);
        prop_assert_eq!(by_steps.len(), at_once.len());
        for number in 3..8 {
            let frame = discover(mac(number));
            prop_assert_eq!(by_steps.answer(&frame), at_once.answer(&frame));
        }
    }
}
