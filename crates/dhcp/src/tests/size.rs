//! Replies within the size that the client takes.

use dhcproto::v4::{DhcpOption, Message, OptionCode};

use super::support::*;
use crate::v4::Network;

/// A client with `count` text options of `len` octets each, from code 200 on.
fn network_with_texts(count: u8, len: usize) -> Network {
    let text = "x".repeat(len);
    let names: Vec<String> = (0..count).map(|i| (200 + i).to_string()).collect();
    let options: Vec<_> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    network(&config_with_options(&options))
}

fn taking(size: u16) -> Message {
    with(discover(), DhcpOption::MaxMessageSize(size))
}

#[test]
fn a_small_reply_is_padded_to_the_size_of_bootp() {
    let config = config_with(|config| config.domain = None);
    let (reply, _) = reply(&network(&config), &asking(discover(), &[1]));
    assert_eq!(reply.payload.len(), 300);
}

#[test]
fn a_reply_of_548_octets_at_most_goes_to_a_client_that_does_not_say() {
    let (reply, _) = reply(&network_with_texts(6, 100), &discover());
    assert!(reply.payload.len() <= 548, "{}", reply.payload.len());
}

#[test]
fn what_finds_no_room_goes_into_the_fields_for_names() {
    let (reply, offer) = reply(&network_with_texts(3, 100), &discover());
    assert!(reply.payload.len() <= 548);
    assert_eq!(reply.left_out, [] as [u8; 0]);
    assert_eq!(option(&offer, 52), Some(DhcpOption::OptionOverload(1)));
    assert_eq!(reply.payload[108..110], [202, 100], "the third text is in the file field");
    assert_eq!(codes(&offer).len(), 12 + 2 + 1, "two texts and the overload itself remain");
}

#[test]
fn a_field_with_a_name_in_it_is_not_overloaded() {
    let text = "x".repeat(100);
    let options = [("bootfile-name", "pxelinux.0"), ("200", &text), ("201", &text), ("202", &text)];
    let (reply, offer) = reply(&network(&config_with_options(&options)), &discover());
    assert_eq!(offer.fname(), Some(b"pxelinux.0\0".as_slice()));
    assert_eq!(reply.left_out, [202]);
}

#[test]
fn what_matters_least_is_left_out_first() {
    let (reply, offer) = reply(&network_with_texts(8, 100), &discover());
    assert!(!reply.left_out.is_empty());
    for code in [1, 3, 6, 26, 51, 53, 54] {
        assert!(offer.opts().get(OptionCode::from(code)).is_some(), "{code}");
        assert!(!reply.left_out.contains(&code));
    }
}

#[test]
fn a_client_that_takes_more_gets_more() {
    let (reply, offer) = reply(&network_with_texts(8, 100), &taking(1500));
    assert_eq!(reply.left_out, [] as [u8; 0]);
    assert!(reply.payload.len() > 548 && reply.payload.len() <= 1472);
    assert!(option(&offer, 207).is_some());
}

#[test]
fn absurd_sizes_are_brought_into_bounds() {
    let network = network_with_texts(30, 100);
    assert!(reply(&network, &taking(1)).0.payload.len() > 500, "less than 576 is not allowed");
    assert!(reply(&network, &taking(u16::MAX)).0.payload.len() <= 1472, "no fragments");
}

#[test]
fn a_long_value_is_split_and_comes_together_again() {
    let long = "y".repeat(600);
    let network = network(&config_with_options(&[("200", &long)]));
    let (reply, _) = reply(&network, &taking(1500));
    assert_eq!(raw_option(&reply.payload, 200).unwrap(), long.as_bytes());
}

#[test]
fn a_client_with_a_huge_identifier_still_gets_its_address() {
    let id = DhcpOption::ClientIdentifier(vec![7; 255]);
    let (reply, offer) = reply(&network_with_texts(3, 100), &with(discover(), id));
    assert_eq!(offer.yiaddr(), ADDRESS);
    assert!(reply.payload.len() <= 548);
}
