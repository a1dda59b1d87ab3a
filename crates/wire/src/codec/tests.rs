use std::net::IpAddr;

use nucleon_model::view::{
    Change, NetworkBody, ObjectId, PortBody, Position, Role, Scope, SegmentBody, SubnetBody,
};
use nucleon_model::{
    ExtraDhcpOpt, FixedIp, NetworkId, NetworkType, PortId, RouterId, SegmentId, SubnetId, Timestamp,
};
use nucleon_net::MacAddr;
use proptest::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::*;
use crate::{
    AgentMessage, AliveState, AnswerChunk, AnswerKind, Heartbeat, Hello, Hint, PortMark, Refusal,
    RefusalReason, Report, ReportAck, ServerMessage, Version, VersionRange, Watch, Welcome,
};

fn text() -> impl Strategy<Value = String> {
    "[a-z0-9.:-]{1,20}|\\PC{0,20}"
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn position() -> impl Strategy<Value = Position> {
    (id(), any::<i64>()).prop_map(|(epoch, seq)| Position { epoch, seq })
}

fn address() -> impl Strategy<Value = IpAddr> {
    any::<IpAddr>()
}

fn port() -> impl Strategy<Value = PortBody> {
    (
        (id(), id(), id(), any::<i64>(), any::<[u8; 6]>(), any::<bool>()),
        proptest::collection::vec((id(), address()), 0..3),
        (text(), proptest::option::of(id()), text(), text()),
        proptest::collection::vec((text(), proptest::option::of(text()), any::<i64>()), 0..3),
    )
        .prop_map(|((number, network, _, revision, mac, up), ips, names, options)| PortBody {
            id: PortId::new(number),
            network_id: NetworkId::new(network),
            revision,
            mac_address: MacAddr::new(mac),
            admin_state_up: up,
            fixed_ips: ips
                .into_iter()
                .map(|(subnet, ip_address)| FixedIp {
                    subnet_id: SubnetId::new(subnet),
                    ip_address,
                })
                .collect(),
            host: names.0,
            segment_id: names.1.map(SegmentId::new),
            device_owner: names.2,
            device_id: names.3,
            extra_dhcp_opts: options
                .into_iter()
                .map(|(opt_name, opt_value, ip_version)| ExtraDhcpOpt {
                    opt_name,
                    opt_value,
                    ip_version,
                })
                .collect(),
        })
}

fn network() -> impl Strategy<Value = NetworkBody> {
    let subnet = (id(), any::<bool>(), proptest::option::of(address()), id()).prop_map(
        |(number, dhcp, gateway_ip, segment)| SubnetBody {
            id: SubnetId::new(number),
            cidr: "10.0.0.0/24".parse().unwrap(),
            gateway_ip,
            enable_dhcp: dhcp,
            dns_nameservers: gateway_ip.into_iter().collect(),
            host_routes: Vec::new(),
            ipv6_ra_mode: None,
            ipv6_address_mode: None,
            segment_id: Some(SegmentId::new(segment)),
        },
    );
    let segment = (id(), proptest::option::of(text()), proptest::option::of(any::<i64>()))
        .prop_map(|(number, physical_network, segmentation_id)| SegmentBody {
            id: SegmentId::new(number),
            network_type: NetworkType::VLAN.parse().unwrap(),
            physical_network,
            segmentation_id,
        });
    (
        (id(), any::<i64>(), text(), any::<u32>(), any::<bool>()),
        proptest::collection::vec(segment, 0..3),
        proptest::collection::vec(subnet, 0..3),
        proptest::collection::vec(text(), 0..3),
    )
        .prop_map(|((number, revision, name, mtu, up), segments, subnets, dhcp_hosts)| {
            NetworkBody {
                id: NetworkId::new(number),
                revision,
                name,
                mtu,
                admin_state_up: up,
                segments,
                subnets,
                dhcp_hosts,
            }
        })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        port().prop_map(Change::Port),
        network().prop_map(Change::Network),
        id().prop_map(|number| Change::Gone(ObjectId::Port(PortId::new(number)))),
        id().prop_map(|number| Change::Gone(ObjectId::Network(NetworkId::new(number)))),
    ]
}

fn mark() -> impl Strategy<Value = PortMark> {
    (id(), any::<i64>(), any::<i64>()).prop_map(|(port, revision, at)| PortMark {
        port_id: PortId::new(port),
        revision,
        at: Timestamp::from_micros(at),
    })
}

fn report() -> impl Strategy<Value = Report> {
    let marks = || proptest::collection::vec(mark(), 0..4);
    let heartbeat = (
        proptest::collection::btree_map(text(), any::<i64>(), 0..3),
        any::<i64>(),
        any::<bool>(),
        proptest::option::of(text()),
        proptest::option::of(position()),
        any::<u64>(),
    )
        .prop_map(|(configurations, at, start_flag, availability_zone, position, digest)| {
            Heartbeat {
                configurations: configurations
                    .into_iter()
                    .map(|(key, value)| (key, Value::from(value)))
                    .collect(),
                started_at: Timestamp::from_micros(at),
                start_flag,
                availability_zone,
                position,
                digest,
            }
        });
    prop_oneof![
        heartbeat.prop_map(Report::Heartbeat),
        marks().prop_map(|ports| Report::Wired { ports }),
        marks().prop_map(|ports| Report::Unwired { ports }),
        marks().prop_map(|ports| Report::DhcpReady { ports }),
    ]
}

fn versions() -> impl Strategy<Value = VersionRange> {
    any::<(u16, u16)>().prop_map(|(oldest, newest)| VersionRange {
        oldest: Version(oldest),
        newest: Version(newest),
    })
}

fn agent_message() -> impl Strategy<Value = AgentMessage> {
    let role = prop_oneof![Just(Role::OvsAgent), Just(Role::DhcpAgent)];
    prop_oneof![
        (versions(), role, text(), text()).prop_map(|(versions, role, host, program)| {
            AgentMessage::Hello(Hello { versions, role, host, program })
        }),
        (any::<u64>(), proptest::option::of(position()), any::<bool>())
            .prop_map(|(id, position, verify)| AgentMessage::Watch(Watch { id, position, verify })),
        (any::<u64>(), report()).prop_map(|(id, report)| AgentMessage::Report { id, report }),
        any::<u64>().prop_map(|nonce| AgentMessage::Ping { nonce }),
        any::<u64>().prop_map(|nonce| AgentMessage::Pong { nonce }),
    ]
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        "[a-z]{1,9}".prop_map(Scope::Host),
        "[a-z]{1,9}".prop_map(Scope::Dhcp),
        id().prop_map(|number| Scope::Network(NetworkId::new(number))),
        id().prop_map(|number| Scope::Ports(NetworkId::new(number))),
        id().prop_map(|number| Scope::Router(RouterId::new(number))),
    ]
}

fn refusal() -> impl Strategy<Value = RefusalReason> {
    prop_oneof![
        versions().prop_map(|spoken| RefusalReason::Version { spoken }),
        (text(), text()).prop_map(|(host, why)| RefusalReason::NotYourHost { host, why }),
        text().prop_map(|host| RefusalReason::InvalidHost { host }),
        text().prop_map(|why| RefusalReason::Unavailable { why }),
        text().prop_map(|why| RefusalReason::Invalid { why }),
        text().prop_map(|what| RefusalReason::Unexpected { what }),
        Just(RefusalReason::Busy),
        Just(RefusalReason::Stopping),
    ]
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let kind = prop_oneof![
        Just(AnswerKind::Snapshot),
        Just(AnswerKind::Behind),
        position().prop_map(|from| AnswerKind::Delta { from }),
    ];
    let changes = || proptest::collection::vec(change(), 0..4);
    let chunk = (
        any::<(u64, u32, bool)>(),
        kind,
        position(),
        changes(),
        proptest::option::of(any::<u64>()),
    )
        .prop_map(|((id, index, last), kind, position, changes, digest)| AnswerChunk {
            id,
            index,
            last,
            kind,
            position,
            changes,
            digest,
        });
    let hint = (id(), scope(), any::<(i64, i64)>(), proptest::option::of(changes())).prop_map(
        |(epoch, scope, (previous, seq), changes)| Hint { epoch, scope, previous, seq, changes },
    );
    let alive =
        prop_oneof![Just(AliveState::New), Just(AliveState::Alive), Just(AliveState::Revived)];
    prop_oneof![
        (any::<u16>(), text()).prop_map(|(version, server)| {
            ServerMessage::Welcome(Welcome { version: Version(version), server })
        }),
        (proptest::option::of(any::<u64>()), refusal())
            .prop_map(|(id, reason)| ServerMessage::Refused(Refusal { id, reason })),
        chunk.prop_map(ServerMessage::Answer),
        hint.prop_map(ServerMessage::Hint),
        (any::<u64>(), proptest::option::of(alive), any::<bool>()).prop_map(
            |(id, alive, resync)| ServerMessage::ReportAck { id, ack: ReportAck { alive, resync } }
        ),
        any::<u64>().prop_map(|nonce| ServerMessage::Ping { nonce }),
        any::<u64>().prop_map(|nonce| ServerMessage::Pong { nonce }),
    ]
}

fn codec<In>() -> FrameCodec<In> {
    let mut codec = FrameCodec::new();
    codec.set_limit(FRAME_LIMIT);
    codec
}

fn frame(body: &[u8]) -> BytesMut {
    let mut buffer = BytesMut::new();
    buffer.put_u32(u32::try_from(body.len()).unwrap());
    buffer.put_slice(body);
    buffer
}

/// Feeds a stream byte by byte and collects what comes out.
fn trickle<In: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<In>, FrameError> {
    let (mut codec, mut buffer, mut messages) = (codec(), BytesMut::new(), Vec::new());
    for &byte in bytes {
        buffer.put_u8(byte);
        while let Some(message) = codec.decode(&mut buffer)? {
            messages.push(message);
        }
    }
    match codec.decode_eof(&mut buffer)? {
        Some(message) => messages.push(message),
        None => assert!(buffer.is_empty()),
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn agents_messages_survive_the_wire(messages in proptest::collection::vec(agent_message(), 1..4)) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|message| encode_frame(message).unwrap().to_vec()).collect();
        prop_assert_eq!(trickle::<AgentMessage>(&bytes).unwrap(), messages);
    }

    #[test]
    fn servers_messages_survive_the_wire(message in server_message()) {
        let mut buffer = BytesMut::new();
        codec::<AgentMessage>().encode(encode_frame(&message).unwrap(), &mut buffer).unwrap();
        prop_assert_eq!(codec::<ServerMessage>().decode(&mut buffer).unwrap(), Some(message));
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn arbitrary_bytes_are_an_error_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = codec::<AgentMessage>().decode(&mut BytesMut::from(&*bytes));
        let _ = codec::<AgentMessage>().decode(&mut frame(&bytes));
        let _ = codec::<ServerMessage>().decode_eof(&mut BytesMut::from(&*bytes));
    }

    #[test]
    fn a_damaged_message_never_panics(
        message in server_message(), at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let mut bytes = encode_frame(&message).unwrap().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = codec::<ServerMessage>().decode(&mut BytesMut::from(&*bytes));
    }
}

#[test]
fn a_length_over_the_limit_is_refused_before_any_memory_is_taken() {
    let mut buffer = BytesMut::from(&u32::MAX.to_be_bytes()[..]);
    let error = codec::<AgentMessage>().decode(&mut buffer).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { limit: FRAME_LIMIT, .. }), "{error}");
    assert!(buffer.capacity() < RESERVE_STEP);
}

#[test]
fn a_promised_length_takes_no_memory_by_itself() {
    let mut buffer = BytesMut::from(&(1024_u32 * 1024 * 16).to_be_bytes()[..]);
    assert!(codec::<AgentMessage>().decode(&mut buffer).unwrap().is_none());
    assert!(buffer.capacity() <= 2 * RESERVE_STEP);
}

#[test]
fn a_stranger_may_send_little() {
    let mut buffer = frame(&[b' '; HELLO_LIMIT + 1]);
    let error = FrameCodec::<AgentMessage>::new().decode(&mut buffer).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { limit: HELLO_LIMIT, .. }), "{error}");
}

#[test]
fn a_message_over_the_limit_is_not_written() {
    let program = "x".repeat(FRAME_LIMIT);
    let error = encode_frame(&program).unwrap_err();
    assert!(matches!(error, FrameError::TooLarge { .. }), "{error}");
}

#[test]
fn a_kind_that_is_not_known_is_named() {
    let error = codec::<AgentMessage>().decode(&mut frame(br#"{"teleport":{}}"#)).unwrap_err();
    assert!(matches!(&error, FrameError::Unknown { kind } if kind == "teleport"), "{error}");
}

#[test]
fn malformed_messages_are_quoted_without_their_control_characters() {
    for body in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"\x1b[31m\n",
        br#"{"ping":{}}"#,
        br#"{"ping":{"nonce":-1}}"#,
        br#"{"hello":{"versions":{"oldest":1,"newest":2},"role":"l3","host":"h","program":""}}"#,
        br#"{"ping":{"nonce":1},"pong":{"nonce":1}}"#,
        br#"{"ping":{"nonce":1}} trailing"#,
    ] {
        let error = codec::<AgentMessage>().decode(&mut frame(body)).unwrap_err();
        assert!(matches!(error, FrameError::Malformed { .. }), "{error}");
        assert!(!error.to_string().contains(['\n', '\x1b']), "{error}");
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!(
        r#"{{"report":{{"id":1,"report":{{"heartbeat":{{"configurations":{}"#,
        r#"{"a":"#.repeat(5000)
    );
    let error = codec::<AgentMessage>().decode(&mut frame(deep.as_bytes())).unwrap_err();
    assert!(matches!(error, FrameError::Malformed { .. }), "{error}");
}

#[test]
fn a_stream_that_ends_within_a_frame_is_noticed() {
    let bytes = encode_frame(&AgentMessage::Ping { nonce: 1 }).unwrap();
    let error = trickle::<AgentMessage>(&bytes[..bytes.len() - 1]).unwrap_err();
    assert!(matches!(error, FrameError::Truncated), "{error}");
}

#[test]
fn what_a_later_version_adds_to_a_message_is_passed_over() {
    let body = br#"{"watch":{"id":1,"position":null,"colour":"blue"}}"#;
    let watch = codec::<AgentMessage>().decode(&mut frame(body)).unwrap();
    assert_eq!(watch, Some(AgentMessage::Watch(Watch { id: 1, position: None, verify: false })));
}

#[test]
fn the_frame_of_a_ping_is_what_it_was() {
    let frame = encode_frame(&AgentMessage::Ping { nonce: 7 }).unwrap();
    assert_eq!(&frame[..], b"\0\0\0\x14{\"ping\":{\"nonce\":7}}");
}

#[test]
fn configurations_come_through_as_they_are() {
    let mut configurations = Map::new();
    configurations.insert("bridge_mappings".into(), serde_json::json!({"physnet1": "br-ex"}));
    let report = Report::Heartbeat(Heartbeat {
        configurations,
        started_at: Timestamp::from_micros(5),
        start_flag: true,
        availability_zone: None,
        position: None,
        digest: u64::MAX,
    });
    let bytes = encode_frame(&AgentMessage::Report { id: 1, report: report.clone() }).unwrap();
    assert_eq!(trickle::<AgentMessage>(&bytes).unwrap(), [AgentMessage::Report { id: 1, report }]);
}
