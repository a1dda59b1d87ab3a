//! From text to octets.

use super::*;

fn compile(name: &str, value: &str) -> Result<Extra, InvalidOption> {
    Extra::compile(&ExtraOption { name: name.to_owned(), value: value.to_owned() })
}

/// Code and octets of an option that is sent.
fn sent(name: &str, value: &str) -> (u8, Vec<u8>) {
    match compile(name, value).unwrap().effect {
        Effect::Send(option) => (option.code, option.data.into_owned()),
        other => panic!("'{name}' is not sent: {other:?}"),
    }
}

fn refused(name: &str, value: &str) -> InvalidOption {
    compile(name, value).unwrap_err()
}

#[test]
fn names_and_numbers_are_two_ways_to_say_the_same() {
    for (name, number, value) in [
        ("router", "3", "10.0.0.1"),
        ("mtu", "26", "1400"),
        ("bootfile-name", "67", "a"),
        ("classless-static-route", "121", "10.0.0.0/8,10.0.0.1"),
        ("tftp-server-address", "150", "10.0.0.1,10.0.0.2"),
    ] {
        assert_eq!(compile(name, value), compile(number, value));
    }
}

#[test]
fn names_are_taken_in_any_case_and_with_the_prefix_of_dnsmasq() {
    assert_eq!(sent("NTP-Server", "10.0.0.1").0, 42);
    assert_eq!(sent("option:ntp-server", "10.0.0.1").0, 42);
    assert!(matches!(compile("t1", "60").unwrap().effect, Effect::Renewal(60)));
}

#[test]
fn each_type_of_value_has_its_form() {
    assert_eq!(sent("netmask", "255.255.0.0"), (1, vec![255, 255, 0, 0]));
    assert_eq!(sent("time-offset", "-3600"), (2, vec![0xff, 0xff, 0xf1, 0xf0]));
    assert_eq!(sent("ntp-server", "1.2.3.4, 5.6.7.8"), (42, vec![1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(sent("static-route", "1.2.3.4,5.6.7.8"), (33, vec![1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(sent("root-path", "\"10.0.0.1:/srv\""), (17, b"10.0.0.1:/srv".to_vec()));
    assert_eq!(sent("ip-forward-enable", "true"), (19, vec![1]));
    assert_eq!(sent("ip-forward-enable", "0"), (19, vec![0]));
    assert_eq!(sent("default-ttl", "64"), (23, vec![64]));
    assert_eq!(sent("mtu", "1400"), (26, vec![5, 120]));
    assert_eq!(sent("arp-timeout", "60"), (35, vec![0, 0, 0, 60]));
    assert_eq!(sent("bootfile-name", "pxelinux.0"), (67, b"pxelinux.0\0".to_vec()));
    assert_eq!(sent("vendor-class", "PXEClient"), (60, b"PXEClient".to_vec()));
    assert_eq!(sent("client-machine-id", "00:1:ff"), (97, vec![0, 1, 255]));
    assert_eq!(sent("vendor-encap", "01:04:0a"), (43, vec![1, 4, 10]));
    assert_eq!(sent("vendor-encap", "text"), (43, b"text".to_vec()));
    assert_eq!(sent("domain-search", "a.b, c"), (119, b"\x01a\x01b\x00\x01c\x00".to_vec()));
    assert_eq!(sent("sip-server", "1.2.3.4"), (120, vec![1, 1, 2, 3, 4]));
    assert_eq!(sent("sip-server", "a.b"), (120, b"\x00\x01a\x01b\x00".to_vec()));
    let routes = sent("249", "10.0.0.0/8,10.0.0.1,192.0.2.1,10.0.0.2,0.0.0.0/0,10.0.0.3");
    let mut expected = vec![8, 10, 10, 0, 0, 1, 32, 192, 0, 2, 1, 10, 0, 0, 2];
    expected.extend_from_slice(&[0, 10, 0, 0, 3]);
    assert_eq!(routes, (249, expected));
}

#[test]
fn an_option_of_unknown_type_is_sent_as_what_it_looks_like() {
    assert_eq!(sent("224", "1:2:ff").1, [1, 2, 255]);
    assert_eq!(sent("224", "200").1, [200]);
    assert_eq!(sent("224", "300").1, [1, 44]);
    assert_eq!(sent("224", "70000").1, [0, 1, 0x11, 0x70]);
    assert_eq!(sent("224", "1.2.3.4,5.6.7.8").1, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(sent("224", "1.2.3").1, b"1.2.3");
    assert_eq!(sent("224", "\"200\"").1, b"200");
}

#[test]
fn values_of_a_wrong_type_are_refused() {
    for (name, value, kind) in [
        ("netmask", "255.255.0.0,1.2.3.4", ValueKind::Address),
        ("time-offset", "2147483648", ValueKind::I32),
        ("router", "gateway", ValueKind::Addresses),
        ("ntp-server", "1.2.3.4,", ValueKind::Addresses),
        ("static-route", "1.2.3.4", ValueKind::AddressPairs),
        ("ip-forward-enable", "maybe", ValueKind::Bool),
        ("default-ttl", "256", ValueKind::U8),
        ("mtu", "-1", ValueKind::U16),
        ("mtu", "+1400", ValueKind::U16),
        ("arp-timeout", "4294967296", ValueKind::U32),
        ("client-machine-id", "xyz", ValueKind::Octets),
        ("client-machine-id", "001:2", ValueKind::Octets),
        ("classless-static-route", "10.0.0.0/33,10.0.0.1", ValueKind::Routes),
        ("classless-static-route", "10.0.0.0/8", ValueKind::Routes),
        ("domain-search", "a..b", ValueKind::Domains),
        ("sip-server", "1.2.3.4,a b", ValueKind::Sip),
        ("root-path", "a\nb", ValueKind::Text),
        ("224", "a\u{7}b", ValueKind::Any),
        ("server-ip-address", "host", ValueKind::Address),
        ("lease-time", "0", ValueKind::U32),
    ] {
        let text = value.to_owned();
        assert_eq!(refused(name, value), InvalidOption::Value { kind, text }, "{name}={value}");
    }
}

#[test]
fn names_and_numbers_that_do_not_exist_are_refused() {
    assert_eq!(refused("no-such", "1"), InvalidOption::UnknownName("no-such".to_owned()));
    assert_eq!(refused("", "1"), InvalidOption::UnknownName(String::new()));
    assert_eq!(refused("0", "1"), InvalidOption::Number(0));
    assert_eq!(refused("255", "1"), InvalidOption::Number(255));
    assert_eq!(refused("99999999999", "1"), InvalidOption::Number(u32::MAX));
    assert_eq!(refused("tag:foo,67", "a"), InvalidOption::UnknownTag("tag:foo".to_owned()));
}

#[test]
fn the_protocols_own_options_cannot_be_set() {
    for code in [50, 52, 53, 54, 55, 57, 80, 81, 82] {
        assert_eq!(refused(&code.to_string(), "1"), InvalidOption::Reserved(code));
    }
}

#[test]
fn an_empty_value_takes_an_option_away_or_is_refused() {
    assert_eq!(compile("router", " ").unwrap().effect, Effect::Suppress(3));
    assert_eq!(compile("121", "").unwrap().effect, Effect::Suppress(121));
    assert_eq!(refused("ntp-server", ""), InvalidOption::Empty);
    let quotes = InvalidOption::Value { kind: ValueKind::Text, text: "\"\"".to_owned() };
    assert_eq!(refused("root-path", "\"\""), quotes);
}

#[test]
fn a_value_that_no_message_holds_is_refused() {
    assert_eq!(refused("root-path", &"x".repeat(1025)), InvalidOption::TooLong(1025));
}

#[test]
fn an_option_can_hold_for_ipxe_only() {
    let extra = compile("tag:ipxe,67", "a").unwrap();
    assert!(extra.condition.holds(true) && !extra.condition.holds(false));
    let extra = compile("tag:!ipxe,bootfile-name", "a").unwrap();
    assert!(!extra.condition.holds(true) && extra.condition.holds(false));
    assert!(compile("67", "a").unwrap().condition.holds(true));
}
