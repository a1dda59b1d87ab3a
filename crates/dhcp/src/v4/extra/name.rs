//! The names of options, as dnsmasq spells them and Neutron's users therefore do.

use super::InvalidOption;
use super::value::ValueKind;

/// The code under which `server-ip-address` goes; no option has it on the wire.
pub(super) const NEXT_SERVER: u8 = 255;

/// The option a name or number stands for, and how its value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) code: u8,
    pub(super) kind: ValueKind,
}

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidOption> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
            let number = text.parse::<u32>().unwrap_or(u32::MAX);
            return match u8::try_from(number) {
                Ok(code @ 1..=254) => Ok(Self { code, kind: kind_of(code) }),
                _ => Err(InvalidOption::Number(number)),
            };
        }
        // dnsmasq takes names in any case, and some write the prefix of its configuration file.
        let name = text.strip_prefix("option:").unwrap_or(text);
        NAMES
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(name))
            .map(|&(_, code, kind)| Self { code, kind })
            .ok_or_else(|| InvalidOption::UnknownName(text.to_owned()))
    }
}

fn kind_of(code: u8) -> ValueKind {
    NAMES
        .iter()
        .chain(NUMBERS)
        .find(|(_, known, _)| *known == code)
        .map_or(ValueKind::Any, |&(_, _, kind)| kind)
}

use ValueKind::{
    Address, AddressPairs, Addresses, Any, Bool, Domains, Encapsulated, I32, Octets, Routes, Sip,
    Text, U8, U16, U32,
};

/// dnsmasq 2.90 (`--help dhcp`, and the names it knows but does not list), with the types of
/// RFC 2132 where dnsmasq takes bare numbers.
const NAMES: &[(&str, u8, ValueKind)] = &[
    ("netmask", 1, Address),
    ("time-offset", 2, I32),
    ("router", 3, Addresses),
    ("dns-server", 6, Addresses),
    ("log-server", 7, Addresses),
    ("lpr-server", 9, Addresses),
    ("hostname", 12, Text),
    ("boot-file-size", 13, U16),
    ("domain-name", 15, Text),
    ("swap-server", 16, Address),
    ("root-path", 17, Text),
    ("extension-path", 18, Text),
    ("ip-forward-enable", 19, Bool),
    ("non-local-source-routing", 20, Bool),
    ("policy-filter", 21, AddressPairs),
    ("max-datagram-reassembly", 22, U16),
    ("default-ttl", 23, U8),
    ("mtu", 26, U16),
    ("all-subnets-local", 27, Bool),
    ("broadcast", 28, Address),
    ("router-discovery", 31, Bool),
    ("router-solicitation", 32, Address),
    ("static-route", 33, AddressPairs),
    ("trailer-encapsulation", 34, Bool),
    ("arp-timeout", 35, U32),
    ("ethernet-encap", 36, Bool),
    ("tcp-ttl", 37, U8),
    ("tcp-keepalive", 38, U32),
    ("nis-domain", 40, Text),
    ("nis-server", 41, Addresses),
    ("ntp-server", 42, Addresses),
    ("vendor-encap", 43, Encapsulated),
    ("netbios-ns", 44, Addresses),
    ("netbios-dd", 45, Addresses),
    ("netbios-nodetype", 46, U8),
    ("netbios-scope", 47, Text),
    ("x-windows-fs", 48, Addresses),
    ("x-windows-dm", 49, Addresses),
    ("requested-address", 50, Address),
    ("lease-time", 51, U32),
    ("option-overload", 52, U8),
    ("message-type", 53, U8),
    ("server-identifier", 54, Address),
    ("parameter-request", 55, Octets),
    ("message", 56, Text),
    ("max-message-size", 57, U16),
    ("T1", 58, U32),
    ("T2", 59, U32),
    ("vendor-class", 60, Text),
    ("client-id", 61, Any),
    ("nis+-domain", 64, Text),
    ("nis+-server", 65, Addresses),
    ("tftp-server", 66, Text),
    ("bootfile-name", 67, Text),
    ("mobile-ip-home", 68, Addresses),
    ("smtp-server", 69, Addresses),
    ("pop3-server", 70, Addresses),
    ("nntp-server", 71, Addresses),
    ("irc-server", 74, Addresses),
    ("user-class", 77, Text),
    ("rapid-commit", 80, U8),
    ("FQDN", 81, Text),
    ("agent-info", 82, Octets),
    ("client-arch", 93, U16),
    ("client-interface-id", 94, Octets),
    ("client-machine-id", 97, Octets),
    ("posix-timezone", 100, Text),
    ("tzdb-timezone", 101, Text),
    ("ipv6-only", 108, U32),
    ("domain-search", 119, Domains),
    ("sip-server", 120, Sip),
    ("classless-static-route", 121, Routes),
    ("vendor-id-encap", 125, Octets),
    ("tftp-server-address", 150, Addresses),
    ("server-ip-address", NEXT_SERVER, Address),
];

/// Options without a name in dnsmasq whose type is nevertheless known.
const NUMBERS: &[(&str, u8, ValueKind)] = &[
    ("time-server", 4, Addresses),
    ("name-server", 5, Addresses),
    ("cookie-server", 8, Addresses),
    ("impress-server", 10, Addresses),
    ("resource-location-server", 11, Addresses),
    ("merit-dump", 14, Text),
    ("path-mtu-aging-timeout", 24, U32),
    ("perform-mask-discovery", 29, Bool),
    ("mask-supplier", 30, Bool),
    ("tcp-keepalive-garbage", 39, Bool),
    ("www-server", 72, Addresses),
    ("finger-server", 73, Addresses),
    ("streettalk-server", 75, Addresses),
    ("stda-server", 76, Addresses),
    ("captive-portal", 114, Text),
    ("microsoft-classless-static-route", 249, Routes),
];
