//! What holds for any bytes.

use std::net::Ipv4Addr;

use dhcproto::Encodable;
use dhcproto::v4::MessageType;
use nucleon_net::MacAddr;
use proptest::prelude::*;

use super::support::*;
use crate::frame::Datagram;
use crate::v4::{Answer, Arrival, Destination, FrameAnswer, Network, ReplyKind, Request};

fn served() -> Network {
    network(&config_with(|config| {
        config.reservations[0].options =
            extras(&[("bootfile-name", "pxelinux.0"), ("tag:ipxe,42", "10.0.0.9")]);
    }))
}

/// What must hold for every answer of a network whose only client is [`CLIENT_MAC`].
fn check(request: &Request, answer: &Answer) {
    let Answer::Reply(reply) = answer else { return };
    assert_eq!(request.mac, CLIENT_MAC, "a stranger was answered");
    assert_eq!(reply.client, CLIENT_MAC);
    assert_eq!(reply.server, SERVER);
    assert!((300..=1472).contains(&reply.payload.len()));
    if let Destination::Client { mac, address } = reply.destination {
        assert_eq!((mac, address), (CLIENT_MAC, ADDRESS));
    }
    let message = decode(&reply.payload);
    assert_eq!(message.xid(), request.xid);
    assert_eq!(message.chaddr(), CLIENT_MAC.octets());
    match reply.kind {
        ReplyKind::Offer | ReplyKind::Ack => {
            assert_eq!((reply.address, message.yiaddr()), (ADDRESS, ADDRESS));
        }
        ReplyKind::Information => assert_eq!(message.yiaddr(), Ipv4Addr::UNSPECIFIED),
        ReplyKind::Nak => {
            assert_ne!(reply.address, ADDRESS);
            assert_eq!(message.opts().msg_type(), Some(MessageType::Nak));
        }
    }
}

fn message_kind() -> impl Strategy<Value = MessageType> {
    (1_u8..=18).prop_map(MessageType::from)
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        Just(ADDRESS),
        Just(SERVER),
        Just(Ipv4Addr::UNSPECIFIED),
        any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

fn mac() -> impl Strategy<Value = MacAddr> {
    prop_oneof![Just(CLIENT_MAC), Just(STRANGER_MAC), any::<[u8; 6]>().prop_map(MacAddr::new)]
}

prop_compose! {
    /// A message with all its fields and the options that decide, then any further octets.
    fn payload()(
        kind in message_kind(),
        mac in mac(),
        xid: u32,
        flags: u16,
        addresses in [address(), address(), address(), address()],
        relay in prop_oneof![4 => Just(Ipv4Addr::UNSPECIFIED), 1 => address()],
        options in (any::<bool>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)),
    ) -> Vec<u8> {
        let [ciaddr, requested, server_id, yiaddr] = addresses;
        let mut message = from_mac(message(kind), mac);
        message.set_xid(xid).set_flags(flags.into());
        message.set_ciaddr(ciaddr).set_yiaddr(yiaddr).set_giaddr(relay);
        let (with_requested, with_server, tail) = options;
        let mut payload = message.to_vec().unwrap();
        payload.truncate(240);
        payload.extend_from_slice(&[53, 1, kind.into()]);
        if with_requested {
            payload.extend_from_slice(&[50, 4]);
            payload.extend_from_slice(&requested.octets());
        }
        if with_server {
            payload.extend_from_slice(&[54, 4]);
            payload.extend_from_slice(&server_id.octets());
        }
        payload.extend_from_slice(&tail);
        payload
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_payloads_are_survived(payload in prop::collection::vec(any::<u8>(), 0..800)) {
        if let Ok(request) = Request::parse(&payload, Arrival::default()) {
            check(&request, &served().respond(&request));
        }
    }

    #[test]
    fn arbitrary_frames_are_survived(frame in prop::collection::vec(any::<u8>(), 0..800)) {
        let _ = served().answer_frame(&frame);
    }

    #[test]
    fn strangers_are_never_answered_and_clients_get_their_own_address(payload in payload()) {
        let arrival = Arrival { source_mac: Some(CLIENT_MAC), ..Arrival::default() };
        if let Ok(request) = Request::parse(&payload, arrival) {
            check(&request, &served().respond(&request));
        }
    }

    #[test]
    fn mutated_messages_are_survived(
        payload in payload(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        shorten: bool,
    ) {
        let mut payload = payload;
        for (at, octet) in changes {
            let at = at.index(payload.len());
            payload[at] = octet;
        }
        if shorten {
            payload.truncate(cut.index(payload.len()));
        }
        if let Ok(request) = Request::parse(&payload, Arrival::default()) {
            check(&request, &served().respond(&request));
        }
    }

    #[test]
    fn mutated_frames_are_survived(
        payload in payload(),
        changes in prop::collection::vec((0_usize..60, any::<u8>()), 0..4),
    ) {
        let mut frame = frame_with(&payload);
        for (at, octet) in changes {
            frame[at] = octet;
        }
        if let Ok(FrameAnswer::Reply { reply, frame }) = served().answer_frame(&frame) {
            prop_assert_eq!(reply.client, CLIENT_MAC);
            prop_assert_eq!(&frame[6..12], SERVER_MAC.octets());
        }
    }

    #[test]
    fn frames_survive_being_written_and_read(
        macs: [[u8; 6]; 2],
        vlan: Option<u16>,
        addresses: [u32; 2],
        port: u16,
        payload in prop::collection::vec(any::<u8>(), 0..1472),
    ) {
        let datagram = Datagram {
            source_mac: MacAddr::new(macs[0]),
            destination_mac: MacAddr::new(macs[1]),
            vlan,
            source: std::net::SocketAddrV4::new(addresses[0].into(), port),
            destination: std::net::SocketAddrV4::new(addresses[1].into(), 67),
            payload: &payload,
        };
        let frame = datagram.to_frame().unwrap();
        prop_assert_eq!(Datagram::parse(&frame).unwrap(), datagram);
    }

    #[test]
    fn any_extra_option_either_compiles_or_is_reported(name in ".{0,24}", value in ".{0,300}") {
        let (network, _) = config_with_options(&[(&name, &value)]).compile();
        let (_, offer) = reply(&network, &discover());
        prop_assert_eq!(offer.yiaddr(), ADDRESS);
    }

    #[test]
    fn any_numbered_option_either_compiles_or_is_reported(
        code in 0_u16..300,
        value in "[0-9a-f.:,/\" -]{0,40}",
    ) {
        let (network, _) = config_with_options(&[(&code.to_string(), &value)]).compile();
        // Not read by dhcproto's typed decoder, which asserts the lengths of some options.
        let Answer::Reply(reply) = ask(&network, &discover()) else { panic!("no reply") };
        prop_assert_eq!(&reply.payload[16..20], ADDRESS.octets());
        prop_assert_eq!(raw_option(&reply.payload, 53), Some(vec![2]));
        prop_assert_eq!(reply.left_out.len(), 0);
    }
}
