//! Replies of dnsmasq 2.90, run with the arguments and files that Neutron gives it, recorded from
//! the wire and compared with ours option by option.

use std::collections::BTreeMap;

use dhcproto::v4::{DhcpOption, borrowed};
use dhcproto::v4::{Message, MessageType, UnknownOption};

use super::support::*;
use crate::v4::{Answer, HostRoute, Network};

type Options = BTreeMap<u8, String>;

fn neutron() -> Network {
    network(&config_with(|config| {
        config.subnets[0].dns_servers = vec![[8, 8, 8, 8].into()];
        config.subnets[0].host_routes = vec![HostRoute {
            destination: "10.2.0.0/16".parse().unwrap(),
            next_hop: [10, 0, 0, 9].into(),
        }];
        config.reservations[0].options = extras(&[
            ("bootfile-name", "pxelinux.0"),
            ("tftp-server", "10.0.0.20"),
            ("server-ip-address", "10.0.0.21"),
            ("ntp-server", "10.0.0.7"),
            ("224", "1.2.3.4"),
            ("225", "300"),
            ("226", "70000"),
            ("227", "01:02:ff"),
            ("228", "1"),
        ]);
    }))
}

/// What we send, an octet as two digits.
fn ours(message: &Message) -> Options {
    let answer = ask(&neutron(), message);
    let Answer::Reply(reply) = answer else { panic!("expected a reply, got {answer:?}") };
    borrowed::Message::new(&reply.payload)
        .unwrap()
        .opts()
        .map(|option| {
            let octets: Vec<_> = option.data().iter().map(|octet| format!("{octet:02x}")).collect();
            (u8::from(option.code()), octets.concat())
        })
        .collect()
}

fn recorded(kind: &str, further: &[(u8, &str)]) -> Options {
    // What dnsmasq puts into every reply that carries an address.
    let always = [
        (53, kind),
        (54, "0a000002"),
        (51, "00015180"),
        (58, "0000a8c0"),
        (59, "00012750"),
        (1, "ffffff00"),
        (28, "0a0000ff"),
        (26, "05aa"),
    ];
    let all = always.iter().chain(further);
    all.map(|&(code, value)| (code, value.to_owned())).collect()
}

const ROUTES: &str = "100a020a000009000a000001";
const BOOTFILE: (u8, &str) = (67, "7078656c696e75782e3000");
const TFTP_SERVER: (u8, &str) = (66, "31302e302e302e323000");
const HOSTNAME: (u8, &str) = (12, "686f73742d31302d302d302d35");

#[test]
fn a_discover_without_a_list() {
    let mut expected = recorded(
        "02",
        &[
            (15, "6f70656e737461636b6c6f63616c"),
            HOSTNAME,
            (228, "01"),
            (227, "0102ff"),
            (226, "00011170"),
            (225, "012c"),
            (224, "01020304"),
            (42, "0a000007"),
            (3, "0a000001"),
            (249, ROUTES),
            (121, ROUTES),
            (6, "08080808"),
        ],
    );
    // dnsmasq has the names of server and file in the header alone; ours are in both places.
    expected.extend([BOOTFILE, TFTP_SERVER].map(|(code, value)| (code, value.to_owned())));
    assert_eq!(ours(&discover()), expected);
}

#[test]
fn a_discover_with_a_list() {
    let expected = recorded("02", &[(3, "0a000001"), (121, ROUTES), (6, "08080808")]);
    assert_eq!(ours(&asking(discover(), &[1, 3, 6, 121])), expected);
}

#[test]
fn a_discover_of_a_boot_loader() {
    let expected = recorded("02", &[HOSTNAME, (42, "0a000007"), TFTP_SERVER, BOOTFILE]);
    assert_eq!(ours(&asking(discover(), &[66, 67, 12, 42])), expected);
}

#[test]
fn a_discover_with_a_full_name_as_text_and_in_dns_form() {
    let named = |data: &[u8]| {
        let option = DhcpOption::Unknown(UnknownOption::new(81.into(), data.to_vec()));
        ours(&asking(with(discover(), option), &[1]))
    };
    let text = "03ffff686f73742d31302d302d302d352e6f70656e737461636b6c6f63616c";
    assert_eq!(named(&[0, 0, 0, b'x']), recorded("02", &[(81, text)]));
    let wire = "05ffff0d686f73742d31302d302d302d350e6f70656e737461636b6c6f63616c00";
    assert_eq!(named(&[5, 0, 0, 1, b'x', 0]), recorded("02", &[(81, wire)]));
}

#[test]
fn the_selection_of_the_offer() {
    let expected = recorded("05", &[]);
    assert_eq!(ours(&asking(selecting(SERVER, ADDRESS), &[1])), expected);
}

#[test]
fn the_header_names_the_boot_server() {
    let (_, offer) = reply(&neutron(), &discover());
    assert_eq!(offer.opts().msg_type(), Some(MessageType::Offer));
    assert_eq!(offer.siaddr().octets(), [10, 0, 0, 21]);
    assert_eq!(offer.sname(), Some(b"10.0.0.20\0".as_slice()));
    assert_eq!(offer.fname(), Some(b"pxelinux.0\0".as_slice()));
}
