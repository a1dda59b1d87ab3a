//! EUI-48 addresses.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use ipnet::Ipv6Net;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A MAC address, written `fa:16:3e:00:00:01`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr([u8; 6]);

/// A text that is not six colon- or dash-separated octets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a valid MAC address")]
pub struct InvalidMac(pub String);

impl MacAddr {
    pub const BROADCAST: Self = Self([0xff; 6]);
    pub const ZERO: Self = Self([0; 6]);

    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Group bit of the first octet (IEEE 802, I/G); broadcast is multicast too.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The EUI-64 address in `prefix` (RFC 4291, appendix A); the prefix must leave 64 bits.
    pub fn eui64_in(self, prefix: Ipv6Net) -> Option<Ipv6Addr> {
        if prefix.prefix_len() > 64 {
            return None;
        }
        let [first, vendor @ .., x, y, z] = self.0;
        let [v1, v2] = vendor;
        let interface = u64::from_be_bytes([first ^ 2, v1, v2, 0xff, 0xfe, x, y, z]);
        Some(Ipv6Addr::from_bits(prefix.network().to_bits() | u128::from(interface)))
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octet) in self.0.iter().enumerate() {
            write!(f, "{}{octet:02x}", if index == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = InvalidMac;

    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let invalid = || InvalidMac(text.to_owned());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut parts = text.split(separator);
        for octet in &mut octets {
            let part = parts.next().filter(|part| part.len() == 2).ok_or_else(invalid)?;
            if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| invalid())?;
        }
        if parts.next().is_some() {
            return Err(invalid());
        }
        Ok(Self(octets))
    }
}

impl Serialize for MacAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_octets_are_two_forms_of_one_address() {
        let mac: MacAddr = "FA-16-3e-00-00-0a".parse().unwrap();
        assert_eq!(mac.to_string(), "fa:16:3e:00:00:0a");
        assert_eq!(mac.octets(), [0xfa, 0x16, 0x3e, 0, 0, 10]);
    }

    #[test]
    fn malformed_text_is_refused() {
        for text in
            ["", "fa:16:3e:00:00", "fa:16:3e:00:00:0a:0b", "fa:16:3e:00:00:g0", "+1:16:3e:00:00:01"]
        {
            assert_eq!(text.parse::<MacAddr>(), Err(InvalidMac(text.to_owned())));
        }
    }

    #[test]
    fn eui64_flips_the_universal_bit() {
        let mac: MacAddr = "fa:16:3e:11:22:33".parse().unwrap();
        let address = mac.eui64_in("2001:db8::/64".parse().unwrap()).unwrap();
        assert_eq!(address.to_string(), "2001:db8::f816:3eff:fe11:2233");
        assert_eq!(mac.eui64_in("2001:db8::/65".parse().unwrap()), None);
    }
}
