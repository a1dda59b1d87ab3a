//! IP protocols as security group rules name them: by a name, or by a number written out.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::stored::stored_as_text;
use crate::value::{AttrValue, Invalid, PyText};

/// Names in the order of Neutron's list. Of two names for a number, the number itself goes by the later one; but
/// `icmpv6` is only an old name of `ipv6-icmp`.
const NAMES: &[(&str, u8)] = &[
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ip", 0),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    (OLD_ICMP_V6, 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

const OLD_ICMP_V6: &str = "icmpv6";

/// Means the same as no protocol at all.
const ANY: &str = "any";

/// A protocol, shown as it was given: a name in small letters, or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(Text);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Name(&'static str, u8),
    Number(u8),
}

impl Protocol {
    /// ICMP for IPv6, by name.
    pub const ICMP_V6: Self = Self(Text::Name("ipv6-icmp", 58));

    pub const fn from_number(number: u8) -> Self {
        Self(Text::Number(number))
    }

    pub const fn number(&self) -> u8 {
        match self.0 {
            Text::Name(_, number) | Text::Number(number) => number,
        }
    }

    /// Whether it was given by its number.
    pub const fn is_number(&self) -> bool {
        matches!(self.0, Text::Number(_))
    }

    /// The name that tells it from others: `6` and `tcp` have one, `ip` and `hopopt` have two.
    pub fn name(&self) -> Option<&'static str> {
        match self.0 {
            Text::Name(name, _) => Some(name),
            Text::Number(wanted) => NAMES
                .iter()
                .rfind(|(name, number)| *number == wanted && *name != OLD_ICMP_V6)
                .map(|(name, _)| *name),
        }
    }
}

/// A text that is no protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no IP protocol")]
pub struct InvalidProtocol(pub String);

impl FromStr for Protocol {
    type Err = InvalidProtocol;

    fn from_str(text: &str) -> Result<Self, InvalidProtocol> {
        if let Ok(number) = text.parse() {
            return Ok(Self::from_number(number));
        }
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map(|&(name, number)| Self(Text::Name(name, number)))
            .ok_or_else(|| InvalidProtocol(text.to_owned()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Text::Name(name, _) => f.write_str(name),
            Text::Number(number) => number.fmt(f),
        }
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

stored_as_text! { Protocol }

shaped! { Protocol => Shape::Text; }

impl AttrValue for Option<Protocol> {
    /// A name, a number or its text; `any` is none.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let read = match value {
            Value::String(text) if text.eq_ignore_ascii_case(ANY) => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => {
                number.as_u64().and_then(|n| u8::try_from(n).ok()).map(Protocol::from_number)
            }
            _ => None,
        };
        read.map(Some).ok_or_else(|| unsupported(value))
    }
}

fn unsupported(value: &Value) -> Invalid {
    let names: Vec<String> = NAMES.iter().map(|(name, _)| format!("'{name}'")).collect();
    Invalid::typed(
        "SecurityGroupRuleInvalidProtocol",
        format!(
            "Security group rule protocol {} not supported. Only protocol values (None, '{ANY}', {}) and integer \
             representations [0 to 255] are supported.",
            PyText(value),
            names.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<Option<Protocol>, Invalid> {
        Option::from_json(value, &Rule::Plain)
    }

    #[test]
    fn a_protocol_is_shown_as_it_was_given() {
        for (given, shown) in [
            (json!("TCP"), "tcp"),
            (json!("6"), "6"),
            (json!(6), "6"),
            (json!("icmpv6"), "icmpv6"),
            (json!(255), "255"),
        ] {
            assert_eq!(read(&given).unwrap().unwrap().to_string(), shown);
        }
        assert_eq!(read(&json!("any")), Ok(None));
    }

    #[test]
    fn what_is_no_protocol_is_refused_with_all_that_are() {
        for value in [json!("banana"), json!(256), json!(-1), json!(""), json!([]), json!("6 6")] {
            let Err(Invalid::Typed { name, message }) = read(&value) else { panic!("{value}") };
            assert_eq!(name, "SecurityGroupRuleInvalidProtocol");
            assert!(message.contains("(None, 'any', 'ah', 'dccp', 'egp',"), "{message}");
        }
    }

    #[test]
    fn a_number_has_the_name_of_its_protocol() {
        let name = |text: &str| text.parse::<Protocol>().unwrap().name();
        assert_eq!(
            [name("6"), name("58"), name("0")],
            [Some("tcp"), Some("ipv6-icmp"), Some("ip")]
        );
        assert_eq!([name("hopopt"), name("200")], [Some("hopopt"), None]);
    }
}
