//! The codec against itself.

use bytes::BytesMut;
use nucleon_openflow::message::{
    Band, BandKind, BundleAdd, BundleControl, BundleFlags, BundleStep, FlowEntry, FlowStats,
    Message, MeterCommand, MeterFlags, MeterMod, Part,
};
use nucleon_openflow::{Flow, FlowFilter, FlowMod, diff};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::generate::flows;

fn bytes(message: &Message, xid: u32) -> BytesMut {
    let mut out = BytesMut::new();
    message.encode(xid, &mut out).unwrap();
    out
}

/// Whatever can be read is read the same after it was written.
fn stays(message: &Message) {
    let mut out = BytesMut::new();
    if message.encode(7, &mut out).is_ok() {
        assert_eq!(Message::decode(&out), Ok((7, message.clone())));
    }
}

proptest! {
    #[test]
    fn flows_survive_their_bytes(flow in flows(), xid in any::<u32>()) {
        for message in [
            Message::FlowMod(FlowMod::Add(flow.clone())),
            Message::FlowMod(FlowMod::ModifyStrict(flow.clone())),
            Message::BundleAdd(BundleAdd {
                id: 5,
                flags: BundleFlags::ATOMIC_ORDERED,
                message: Box::new(Message::FlowMod(FlowMod::Add(flow.clone()))),
            }),
            Message::FlowReply {
                flows: vec![FlowEntry { flow: flow.clone(), stats: FlowStats::default() }; 2],
                part: Part::More,
            },
            Message::FlowRequest(FlowFilter {
                matches: flow.matches.clone(),
                ..FlowFilter::table(flow.table)
            }),
        ] {
            let encoded = bytes(&message, xid);
            prop_assert_eq!(Message::decode(&encoded), Ok((xid, message)));
        }
    }

    #[test]
    fn flows_survive_their_text(flow in flows()) {
        let text = flow.to_string();
        prop_assert_eq!(text.parse::<Flow>().unwrap(), flow, "{}", text);
    }

    #[test]
    fn canonical_flows_are_their_own_canonical_form(flow in flows()) {
        prop_assert_eq!(flow.canonical(), flow);
    }

    #[test]
    fn a_difference_leads_from_one_set_to_the_other(
        desired in vec(flows(), 0..10),
        kept in vec(any::<Index>(), 0..5),
        others in vec(flows(), 0..5),
    ) {
        let mut actual: Vec<Flow> = others;
        if !desired.is_empty() {
            actual.extend(kept.iter().map(|index| index.get(&desired).clone()));
        }
        let mut table: std::collections::BTreeMap<_, _> =
            actual.iter().map(|flow| (flow.key(), flow.clone())).collect();
        for change in diff(&desired, &actual, |_| true) {
            match change {
                FlowMod::Add(flow) => {
                    prop_assert_ne!(table.insert(flow.key(), flow.clone()), Some(flow));
                }
                FlowMod::DeleteStrict { key, cookie } => {
                    let gone = table.remove(&key);
                    prop_assert!(gone.is_some_and(|gone| cookie.contains(gone.cookie)));
                }
                other => prop_assert!(false, "{}", other),
            }
        }
        let wanted: std::collections::BTreeMap<_, _> =
            desired.iter().map(|flow| (flow.key(), flow.clone())).collect();
        prop_assert_eq!(table, wanted);
    }

    #[test]
    fn arbitrary_bytes_never_panic(kind in 0..40_u8, mut body in vec(any::<u8>(), 8..400)) {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        body[..4].copy_from_slice(&[6, kind, length[0], length[1]]);
        if let Ok((_, message)) = Message::decode(&body) {
            stays(&message);
        }
    }

    #[test]
    fn damaged_flows_never_panic(
        flow in flows(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = bytes(&Message::FlowMod(FlowMod::Add(flow)), 1);
        for (index, value) in damage {
            let at = index.index(frame.len() - 8) + 8;
            frame[at] = value;
        }
        if let Ok((_, message)) = Message::decode(&frame) {
            stays(&message);
            if let Message::FlowMod(FlowMod::Add(flow)) = message {
                let text = flow.to_string();
                let read: Flow = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
                prop_assert_eq!(read.canonical(), flow.canonical(), "{}", text);
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,80}") {
        let _ = text.parse::<Flow>();
        let _ = format!("{text},actions={text}").parse::<Flow>();
    }
}

#[test]
fn small_messages_survive_their_bytes() {
    for message in [
        Message::Hello(vec![6, 4, 1]),
        Message::BarrierRequest,
        Message::BarrierReply,
        Message::FeaturesRequest,
        Message::BundleControl(BundleControl {
            id: 1,
            step: BundleStep::CommitRequest,
            flags: BundleFlags::ATOMIC,
        }),
        Message::MeterMod(MeterMod {
            command: MeterCommand::Modify,
            meter: 1,
            flags: MeterFlags::PACKETS,
            bands: vec![Band { kind: BandKind::DscpRemark(2), rate: 1, burst: 2 }],
        }),
    ] {
        assert_eq!(Message::decode(&bytes(&message, 9)), Ok((9, message)));
    }
}

#[test]
fn a_flow_too_large_for_a_message_is_an_error_that_writes_nothing() {
    let actions = std::iter::repeat_n(nucleon_openflow::Action::PopVlan, 9000);
    let flow = Flow::new(0, 0).actions(actions);
    let mut out = BytesMut::from(&b"before"[..]);
    assert!(Message::FlowMod(FlowMod::Add(flow)).encode(1, &mut out).is_err());
    assert_eq!(&out[..], b"before");
}
