//! Where to listen, and where generated MAC addresses begin.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use nucleon_net::MacAddr;

use super::{FromText, Invalid};

/// An address or a name to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostAddress {
    Address(IpAddr),
    Name(String),
}

/// The fixed front of generated MAC addresses: three octets, or four when the fourth is not zero,
/// as in Neutron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseMac(MacAddr);

impl HostAddress {
    /// Nobody but this machine reaches it. A name other than `localhost` is taken to be reachable.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl FromText for HostAddress {
    const KIND: &'static str = "IP address or host name";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Ok(Self::Address(address));
        }
        if is_host_name(text) { Ok(Self::Name(text.to_owned())) } else { Err(Invalid::NotHost) }
    }
}

impl fmt::Display for HostAddress {
    /// As it stands before `:port` in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// RFC 1123, section 2.1: labels of letters, digits and inner dashes, not all of them numbers.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_number =
        text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= 253 && !last_is_a_number && text.split('.').all(label)
}

impl BaseMac {
    pub const fn mac(self) -> MacAddr {
        self.0
    }

    /// How many octets are fixed.
    pub const fn fixed_octets(self) -> usize {
        let [_, _, _, fourth, _, _] = self.0.octets();
        if fourth == 0 { 3 } else { 4 }
    }
}

impl FromText for BaseMac {
    const KIND: &'static str = "MAC address";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mac: MacAddr = text.parse().map_err(|_| Invalid::NotMac)?;
        if mac.is_multicast() { Err(Invalid::NotUnicast) } else { Ok(Self(mac)) }
    }
}

impl FromText for IpNet {
    const KIND: &'static str = "IP address or network";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let address = || text.parse::<IpAddr>().map(Self::from);
        text.parse::<Self>()
            .map(|network| network.trunc())
            .or_else(|_| address())
            .map_err(|_| Invalid::Form("an IPv4 or IPv6 address, or a network as 10.0.0.0/24"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        assert_eq!(parsed::<HostAddress>("::").unwrap().to_string(), "[::]");
        assert_eq!(parsed::<HostAddress>("[::1]").unwrap().to_string(), "[::1]");
        assert_eq!(parsed("node-1.site"), Ok(HostAddress::Name("node-1.site".to_owned())));
        for text in ["", "10.0.0", "10.0.0.300", "a b", "-a", "a..b", "http://x", "a:1"] {
            assert_eq!(parsed::<HostAddress>(text), Err(Invalid::NotHost), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_loopback() {
        for (text, loopback) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost", true),
            ("0.0.0.0", false),
            ("::", false),
            ("10.0.0.1", false),
            ("localhost.example.org", false),
        ] {
            assert_eq!(parsed::<HostAddress>(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn a_fourth_octet_that_is_not_zero_is_fixed_too() {
        assert_eq!(parsed::<BaseMac>("fa:16:3e:00:00:00").unwrap().fixed_octets(), 3);
        assert_eq!(parsed::<BaseMac>("fa:16:3e:4f:00:00").unwrap().fixed_octets(), 4);
        assert_eq!(parsed::<BaseMac>("fb:16:3e:00:00:00"), Err(Invalid::NotUnicast));
        assert_eq!(parsed::<BaseMac>("fa:16:3e"), Err(Invalid::NotMac));
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        for (text, network) in [
            ("10.0.0.7", "10.0.0.7/32"),
            ("10.0.0.7/24", "10.0.0.0/24"),
            ("fd00::1", "fd00::1/128"),
            ("fd00::/8", "fd00::/8"),
        ] {
            assert_eq!(parsed::<IpNet>(text).unwrap().to_string(), network);
        }
        for text in ["", "proxy", "10.0.0.0/33", "*"] {
            assert!(parsed::<IpNet>(text).is_err(), "{text}");
        }
    }
}
