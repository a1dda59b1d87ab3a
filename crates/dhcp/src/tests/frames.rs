//! Frames in and out.

use std::net::Ipv4Addr;

use dhcproto::Encodable;
use nucleon_net::MacAddr;

use super::support::*;
use crate::frame::{Datagram, FrameError, Layer};
use crate::v4::{FrameAnswer, NotAnswerable, Silence};

fn answered(frame: &[u8]) -> Vec<u8> {
    match network(&config()).answer_frame(frame) {
        Ok(FrameAnswer::Reply { frame, .. }) => frame,
        other => panic!("expected a frame, got {other:?}"),
    }
}

/// A frame to a client cannot be read as one to a server: the port is changed back, the checksum
/// is corrected by what that changes.
fn read_reply(frame: &[u8]) -> (MacAddr, MacAddr, Option<u16>, Vec<u8>) {
    let tagged = frame[12..14] == [0x81, 0];
    let ip = if tagged { 18 } else { 14 };
    let mut mirrored = frame.to_vec();
    assert_eq!(
        mirrored[ip + 20..ip + 24],
        [0, 67, 0, 68],
        "from the server's port to the client's"
    );
    mirrored[ip + 20..ip + 24].copy_from_slice(&[0, 68, 0, 67]);
    let datagram = Datagram::parse(&mirrored).unwrap();
    assert_eq!(datagram.source.ip(), &SERVER);
    (datagram.source_mac, datagram.destination_mac, datagram.vlan, datagram.payload.to_vec())
}

#[test]
fn an_offer_goes_by_unicast_to_the_mac_that_asked() {
    let (source, destination, vlan, payload) = read_reply(&answered(&frame_of(&discover())));
    assert_eq!((source, destination, vlan), (SERVER_MAC, CLIENT_MAC, None));
    assert_eq!(decode(&payload).yiaddr(), ADDRESS);
}

#[test]
fn a_broadcast_goes_to_everybody() {
    let (_, destination, _, _) = read_reply(&answered(&frame_of(&broadcasting(discover()))));
    assert_eq!(destination, MacAddr::BROADCAST);
}

#[test]
fn a_tagged_request_gets_a_tagged_reply() {
    let payload = discover().to_vec().unwrap();
    let frame = Datagram { vlan: Some(0x6065), payload: &payload, ..broadcast_datagram() };
    let (_, _, vlan, _) = read_reply(&answered(&frame.to_frame().unwrap()));
    assert_eq!(vlan, Some(0x6065));
}

#[test]
fn a_frame_survives_being_written_and_read() {
    let payload = discover().to_vec().unwrap();
    let datagram = Datagram { payload: &payload, ..broadcast_datagram() };
    assert_eq!(Datagram::parse(&datagram.to_frame().unwrap()).unwrap(), datagram);
}

#[test]
fn a_short_datagram_is_padded_to_ethernets_minimum_and_the_padding_is_not_read() {
    let frame = frame_with(b"x");
    assert_eq!(frame.len(), 60);
    assert_eq!(Datagram::parse(&frame).unwrap().payload, b"x");
}

#[test]
fn an_absent_and_an_unfinished_udp_checksum_are_accepted_and_a_wrong_one_is_not() {
    let mut frame = frame_of(&discover());
    let length = u16::from_be_bytes([frame[38], frame[39]]);

    frame[40..42].copy_from_slice(&[0, 0]);
    assert!(Datagram::parse(&frame).is_ok());

    // What Linux leaves in a frame over a veth: 0.0.0.0 + 255.255.255.255 + UDP + length.
    let partial = (0xffff + 0xffff + 17 + u32::from(length)) % 0xffff;
    frame[40..42].copy_from_slice(&u16::try_from(partial).unwrap().to_be_bytes());
    assert!(Datagram::parse(&frame).is_ok());

    frame[41] ^= 1;
    assert!(matches!(Datagram::parse(&frame), Err(FrameError::UdpChecksum(_))));
}

#[test]
fn a_frame_cut_off_anywhere_is_an_error() {
    let frame = frame_of(&discover());
    for len in 0..frame.len() {
        let error = Datagram::parse(&frame[..len]).unwrap_err();
        assert!(matches!(error, FrameError::Truncated { .. }), "{len}: {error}");
    }
    let error = Datagram::parse(&frame[..3]).unwrap_err();
    let truncated = FrameError::Truncated { layer: Layer::Ethernet, needed: 6, available: 3 };
    assert_eq!(error, truncated);
    assert_eq!(error.to_string(), "the Ethernet header needs 6 octets, 3 are there");
}

#[test]
fn frames_of_other_kinds_are_told_apart() {
    let changed = |at: usize, to: &[u8]| {
        let mut frame = frame_of(&discover());
        frame[at..at + to.len()].copy_from_slice(to);
        Datagram::parse(&frame).map(|_| ()).unwrap_err()
    };
    assert_eq!(changed(12, &[0x86, 0xdd]), FrameError::NotIpv4(0x86dd));
    assert_eq!(changed(14, &[0x65]), FrameError::Version(6));
    assert_eq!(changed(14, &[0x44]), FrameError::HeaderLength(16));
    assert_eq!(changed(22, &[1]), FrameError::IpChecksum);
    assert_eq!(changed(36, &[0, 53]), FrameError::Port(53));
    // The header's checksum stays right when two words change by the same amount.
    assert_eq!(changed(20, &[0x20, 0, 64 + 0x20, 17]), FrameError::Fragment(Ipv4Addr::UNSPECIFIED));
}

#[test]
fn a_frame_for_another_server_is_silence_and_noise_is_an_error() {
    let network = network(&config());
    let payload = renewing(ADDRESS).to_vec().unwrap();
    let elsewhere =
        Datagram { destination_mac: STRANGER_MAC, payload: &payload, ..broadcast_datagram() };
    let answer = network.answer_frame(&elsewhere.to_frame().unwrap());
    assert_eq!(answer, Ok(FrameAnswer::Silent(Silence::NotForUs)));

    assert!(matches!(network.answer_frame(&[0; 64]), Err(NotAnswerable::Frame(_))));
    assert!(matches!(network.answer_frame(&frame_with(&[1; 300])), Err(NotAnswerable::Message(_))));
}
