//! Payloads that are no requests.

use dhcproto::Encodable;
use dhcproto::v4::{DhcpOption, MessageType};
use nucleon_net::MacAddr;

use super::support::*;
use crate::v4::{Arrival, Malformed, Request};

fn parse(payload: &[u8]) -> Result<Request, Malformed> {
    Request::parse(payload, Arrival::default())
}

/// A request whose options are these octets.
fn with_options(options: &[u8]) -> Vec<u8> {
    let mut payload = discover().to_vec().unwrap();
    payload.truncate(240);
    payload.extend_from_slice(options);
    payload
}

#[test]
fn a_message_cut_off_anywhere_is_an_error() {
    let payload = with_options(&[53, 1, 1, 50, 4, 10, 0, 0, 5]);
    for len in 0..240 {
        assert_eq!(parse(&payload[..len]), Err(Malformed::TooShort(len)));
    }
    assert_eq!(parse(&payload[..240]), Err(Malformed::Bootp));
    let overrun = |code, needed, available| Err(Malformed::Overrun { code, needed, available });
    assert_eq!(parse(&payload[..241]), overrun(53, 1, 0));
    assert_eq!(parse(&payload[..242]), overrun(53, 1, 0));
    assert_eq!(parse(&payload[..246]), overrun(50, 4, 1));
    assert!(parse(&payload).is_ok(), "the end mark may be missing");
}

#[test]
fn replies_are_not_requests() {
    let mut payload = discover().to_vec().unwrap();
    payload[0] = 2;
    assert_eq!(parse(&payload), Err(Malformed::NotARequest(2)));
}

#[test]
fn hardware_other_than_ethernet_is_refused_before_its_address_is_read() {
    let mut payload = discover().to_vec().unwrap();
    payload[2] = 255;
    assert_eq!(parse(&payload), Err(Malformed::Hardware { htype: 1, hlen: 255 }));
    payload[1..3].copy_from_slice(&[32, 0]);
    assert_eq!(parse(&payload), Err(Malformed::Hardware { htype: 32, hlen: 0 }));
}

#[test]
fn a_group_address_is_no_client() {
    for mac in [MacAddr::BROADCAST, MacAddr::ZERO, MacAddr::new([1, 0, 0x5e, 0, 0, 1])] {
        let payload = from_mac(discover(), mac).to_vec().unwrap();
        assert_eq!(parse(&payload), Err(Malformed::ClientAddress(mac)));
    }
}

#[test]
fn a_wrong_cookie_is_an_error() {
    let mut payload = discover().to_vec().unwrap();
    payload[239] = 0;
    assert_eq!(parse(&payload), Err(Malformed::Cookie([99, 130, 83, 0])));
}

#[test]
fn a_message_without_a_type_is_bootp() {
    assert_eq!(parse(&with_options(&[255])), Err(Malformed::Bootp));
    assert_eq!(parse(&with_options(&[0; 64])), Err(Malformed::Bootp));
}

#[test]
fn types_nobody_knows_are_an_error() {
    assert_eq!(parse(&with_options(&[53, 1, 99, 255])), Err(Malformed::Type(99)));
    assert_eq!(parse(&with_options(&[53, 1, 0, 255])), Err(Malformed::Type(0)));
}

#[test]
fn options_that_decide_must_have_their_length() {
    let length = |code, len| Err(Malformed::OptionLength { code, len });
    assert_eq!(parse(&with_options(&[53, 2, 1, 1, 255])), length(53, 2));
    assert_eq!(parse(&with_options(&[53, 1, 3, 50, 3, 1, 2, 3, 255])), length(50, 3));
    assert_eq!(parse(&with_options(&[53, 1, 3, 54, 5, 1, 2, 3, 4, 5, 255])), length(54, 5));
}

#[test]
fn broken_courtesies_are_passed_over() {
    let request = parse(&with_options(&[53, 1, 1, 57, 1, 9, 81, 2, 0, 0, 61, 0, 255])).unwrap();
    assert_eq!((request.max_size, request.fqdn_flags), (None, None));
    assert_eq!(request.client_id.as_deref(), Some([].as_slice()));
}

#[test]
fn what_follows_the_end_mark_is_not_read() {
    let request = parse(&with_options(&[53, 1, 1, 255, 50, 200])).unwrap();
    assert_eq!(request.requested_address, None);
}

#[test]
fn of_two_options_with_one_code_the_first_counts() {
    let options = [53, 1, 3, 50, 4, 10, 0, 0, 5, 12, 1, b'x', 50, 4, 10, 0, 0, 6, 255];
    assert_eq!(parse(&with_options(&options)).unwrap().requested_address, Some(ADDRESS));
}

#[test]
fn options_in_the_fields_for_names_are_read_when_the_client_says_so() {
    let mut payload = with_options(&[53, 1, 3, 52, 1, 3, 255]);
    payload[108..115].copy_from_slice(&[50, 4, 10, 0, 0, 5, 255]);
    payload[44..51].copy_from_slice(&[54, 4, 10, 0, 0, 2, 255]);
    let request = parse(&payload).unwrap();
    assert_eq!((request.requested_address, request.server_id), (Some(ADDRESS), Some(SERVER)));
    payload[245] = 2;
    assert_eq!(parse(&payload).unwrap().requested_address, None);
    payload[44..46].copy_from_slice(&[50, 63]);
    let overrun = Malformed::Overrun { code: 50, needed: 63, available: 62 };
    assert_eq!(parse(&payload), Err(overrun));
}

#[test]
fn a_request_is_read_whole() {
    let message = with(selecting(SERVER, ADDRESS), DhcpOption::MaxMessageSize(1400));
    let message = with(message, DhcpOption::ClientIdentifier(vec![1, 2]));
    let request = parse(&asking(broadcasting(message), &[1, 3]).to_vec().unwrap()).unwrap();
    assert_eq!(request.kind, MessageType::Request);
    assert_eq!(request.mac, CLIENT_MAC);
    assert_eq!(request.xid, XID);
    assert!(request.wants_broadcast());
    assert_eq!(request.requested_address, Some(ADDRESS));
    assert_eq!(request.server_id, Some(SERVER));
    assert_eq!(request.max_size, Some(1400));
    assert!(request.wants(3) && !request.wants(6));
}
