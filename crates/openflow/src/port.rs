//! Port numbers of a bridge.

use std::fmt;
use std::str::FromStr;

use crate::text::ParseError;

/// An OpenFlow port number; those from `0xffffff00` are reserved names (OpenFlow 1.5.1, 7.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u32);

impl Port {
    pub const IN_PORT: Self = Self(0xffff_fff8);
    pub const TABLE: Self = Self(0xffff_fff9);
    pub const NORMAL: Self = Self(0xffff_fffa);
    pub const FLOOD: Self = Self(0xffff_fffb);
    pub const ALL: Self = Self(0xffff_fffc);
    pub const CONTROLLER: Self = Self(0xffff_fffd);
    pub const LOCAL: Self = Self(0xffff_fffe);
    pub const ANY: Self = Self(0xffff_ffff);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::IN_PORT, "IN_PORT"),
        (Self::TABLE, "TABLE"),
        (Self::NORMAL, "NORMAL"),
        (Self::FLOOD, "FLOOD"),
        (Self::ALL, "ALL"),
        (Self::CONTROLLER, "CONTROLLER"),
        (Self::LOCAL, "LOCAL"),
        (Self::ANY, "ANY"),
    ];

    /// The name of a reserved port.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(port, _)| *port == self).map(|(_, name)| *name)
    }

    /// The number in the 16-bit fields of Nicira's actions, whose reserved ports start at 0xff00.
    pub(crate) const fn to_u16(self) -> u16 {
        // Numbers between the ranges do not exist on a bridge of Open vSwitch.
        let [.., high, low] = self.0.to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    pub(crate) const fn from_u16(number: u16) -> Self {
        if number >= 0xff00 { Self(0xffff_0000 | number as u32) } else { Self(number as u32) }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for Port {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        match named {
            Some((port, _)) => Ok(*port),
            None => text.parse().map(Self).map_err(|_| ParseError::new("port", text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_keep_their_meaning_in_16_bits() {
        for port in [Port(0), Port(5), Port(0xfeff), Port::IN_PORT, Port::LOCAL, Port::ANY] {
            assert_eq!(Port::from_u16(port.to_u16()), port);
        }
        assert_eq!(Port::IN_PORT.to_u16(), 0xfff8);
    }

    #[test]
    fn reserved_ports_have_names() {
        assert_eq!("normal".parse(), Ok(Port::NORMAL));
        assert_eq!(Port::LOCAL.to_string(), "LOCAL");
        assert_eq!(Port(17).to_string(), "17");
        assert!("five".parse::<Port>().is_err());
    }
}
