//! From JSON to typed values, with the wording of Neutron's validators.
//!
//! Clients and test suites match on these texts, so they are facts here: "Invalid input for x. Reason: …" for a value
//! that a validator refuses, and "Invalid input for operation: …" for one that cannot be converted.

mod dns;
mod prefixes;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use nucleon_net::{IpNet, IpRange, MacAddr};
use serde_json::{Map, Value};

use crate::rule::Rule;

/// Why a value is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Refused by a validator; the attribute's name goes before it.
    #[error("{0}")]
    Rule(String),
    /// Not convertible to the attribute's type.
    #[error("{0}")]
    Convert(String),
    /// Refused in words that stand alone, under a type of their own.
    #[error("{message}")]
    Typed { name: &'static str, message: String },
}

impl Invalid {
    pub(crate) fn rule(text: impl Into<String>) -> Self {
        Self::Rule(text.into())
    }

    pub(crate) fn typed(name: &'static str, message: impl Into<String>) -> Self {
        Self::Typed { name, message: message.into() }
    }
}

/// A type that a request's JSON can be read as.
pub trait AttrValue: Sized {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid>;
}

/// A JSON value as Python prints it, which is how Neutron's messages quote values.
#[derive(Debug)]
pub struct PyText<'a>(pub &'a Value);

impl fmt::Display for PyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(text),
            other => write_repr(other, f, 0),
        }
    }
}

/// Values nested deeper than this are cut in messages.
const REPR_DEPTH: usize = 8;

fn write_repr(value: &Value, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    match value {
        Value::Null => f.write_str("None"),
        Value::Bool(true) => f.write_str("True"),
        Value::Bool(false) => f.write_str("False"),
        Value::Number(number) => write!(f, "{number}"),
        Value::String(text) if text.contains('\'') && !text.contains('"') => {
            write!(f, "\"{text}\"")
        }
        Value::String(text) => write!(f, "'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(_) | Value::Object(_) if depth >= REPR_DEPTH => f.write_str("..."),
        Value::Array(items) => {
            f.write_str("[")?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                write_repr(item, f, depth + 1)?;
            }
            f.write_str("]")
        }
        Value::Object(entries) => {
            f.write_str("{")?;
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                write!(f, "'{key}': ")?;
                write_repr(item, f, depth + 1)?;
            }
            f.write_str("}")
        }
    }
}

impl AttrValue for bool {
    /// True, false, 0, 1 and their texts in any case.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let read = match value {
            Value::Bool(value) => Some(*value),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.to_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        read.ok_or_else(|| {
            Invalid::Convert(format!("'{}' cannot be converted to boolean", PyText(value)))
        })
    }
}

impl AttrValue for i64 {
    /// An integer, or its text.
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let read = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(value) => Some(Self::from(*value)),
            _ => None,
        };
        let number =
            read.ok_or_else(|| Invalid::Convert(format!("'{}' is not an integer", PyText(value))))?;
        match rule {
            Rule::Range(0, max) if number < 0 && *max == Self::MAX => {
                Err(Invalid::rule(format!("'{number}' should be non-negative")))
            }
            Rule::Range(min, _) if number < *min => {
                Err(Invalid::rule(format!("'{number}' is too small - must be at least '{min}'")))
            }
            Rule::Range(_, max) if number > *max => Err(Invalid::rule(format!(
                "'{number}' is too large - must be no larger than '{max}'"
            ))),
            Rule::OneOfInt(allowed) if !allowed.contains(&number) => {
                Err(not_in_valid_values(value))
            }
            _ => Ok(number),
        }
    }
}

impl AttrValue for String {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        if let Rule::OneOf(allowed) = rule {
            return match value {
                Value::String(text) if allowed.contains(&text.as_str()) => Ok(text.clone()),
                _ => Err(not_in_valid_values(value)),
            };
        }
        let Value::String(text) = value else {
            return Err(Invalid::rule(format!("'{}' is not a valid string", PyText(value))));
        };
        if let Rule::Text(max) | Rule::SomeText(max) = rule
            && text.chars().count() > *max
        {
            return Err(Invalid::rule(format!("'{text}' exceeds maximum length of {max}")));
        }
        if matches!(rule, Rule::SomeText(_)) && text.trim().is_empty() {
            return Err(Invalid::rule(format!("'{text}' Blank strings are not permitted")));
        }
        // PostgreSQL's text type cannot hold NUL, and nothing on a wire should.
        if text.contains('\0') {
            return Err(Invalid::rule(format!("'{}' is not a valid string", text.escape_debug())));
        }
        match rule {
            Rule::DnsName => dns::name(text),
            Rule::DnsHost => dns::host(text),
            Rule::DnsDomain => dns::domain(text),
            Rule::Word(most) if !is_word(text, *most) => {
                Err(Invalid::rule(format!("'{text}' is not a valid input")))
            }
            _ => Ok(text.clone()),
        }
    }
}

fn is_word(text: &str, most: usize) -> bool {
    let beginning = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'.';
    text.len() <= most
        && text.bytes().next().is_some_and(beginning)
        && text.bytes().all(|byte| beginning(byte) || byte.is_ascii_digit())
}

/// The refusal of a value that is not among the allowed ones.
pub(crate) fn not_in_valid_values(value: &Value) -> Invalid {
    Invalid::rule(format!("{} is not in valid_values", PyText(value)))
}

macro_rules! value_from_text {
    ($($type:ty => $what:literal)*) => {$(
        impl AttrValue for $type {
            fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
                from_text(value, $what)
            }
        }
    )*};
}

value_from_text! {
    IpAddr => "IP address"
}

/// Reads a text by its type's own parser.
pub(crate) fn from_text<T: FromStr>(value: &Value, what: &str) -> Result<T, Invalid> {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Invalid::rule(format!("'{}' is not a valid {what}", PyText(value))))
}

impl AttrValue for MacAddr {
    /// Neutron accepts an address only if it is not the all-zero one.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let mac: Self = from_text(value, "MAC address")?;
        if mac == Self::ZERO {
            return Err(Invalid::rule(format!("'{mac}' is not a valid MAC address")));
        }
        Ok(mac)
    }
}

impl AttrValue for IpNet {
    /// A prefix in CIDR form, its host bits cleared; an address alone is refused.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let text = value.as_str().unwrap_or_default();
        text.parse::<Self>().map(|prefix| prefix.trunc()).map_err(|_| match text.parse::<IpAddr>() {
            Ok(address) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                Invalid::rule(format!(
                    "'{text}' isn't a recognized IP subnet cidr, '{address}/{bits}' is recommended"
                ))
            }
            Err(_) => Invalid::rule(format!("'{}' is not a valid IP subnet", PyText(value))),
        })
    }
}

impl AttrValue for Map<String, Value> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        value
            .as_object()
            .cloned()
            .ok_or_else(|| Invalid::rule(format!("'{}' is not a dictionary", PyText(value))))
    }
}

impl AttrValue for Vec<String> {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let item_rule = match rule {
            Rule::UniqueTexts(max) => Rule::Text(*max),
            _ => Rule::Plain,
        };
        let items: Self = list(value)?
            .iter()
            .map(|item| String::from_json(item, &item_rule))
            .collect::<Result<_, _>>()?;
        if items.iter().collect::<BTreeSet<_>>().len() != items.len() {
            let items = Value::from(items);
            return Err(Invalid::rule(format!(
                "Duplicate items in the list: '{}'",
                PyText(&items)
            )));
        }
        Ok(items)
    }
}

/// Name servers: addresses, each once.
impl AttrValue for Vec<IpAddr> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let Value::Array(items) = value else {
            return Err(Invalid::rule(format!(
                "Invalid data format for nameserver: '{}'",
                PyText(value)
            )));
        };
        let mut servers = Self::with_capacity(items.len());
        for item in items {
            let server = item.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
                Invalid::rule(format!("'{}' is not a valid nameserver", PyText(item)))
            })?;
            if servers.contains(&server) {
                return Err(Invalid::rule(format!("Duplicate nameserver '{server}'")));
            }
            servers.push(server);
        }
        Ok(servers)
    }
}

/// Allocation pools: `{"start": …, "end": …}`.
impl AttrValue for Vec<IpRange> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let bad = |item: &Value| {
            Invalid::rule(format!("Invalid data format for IP pool: '{}'", PyText(item)))
        };
        let Value::Array(items) = value else {
            return Err(bad(value));
        };
        items
            .iter()
            .map(|item| {
                known_keys(item, &["start", "end"]).map_err(|_| bad(item))?;
                let given = |key| item.get(key).ok_or_else(|| bad(item));
                let (start, end) = (given("start")?, given("end")?);
                let address = |text| from_text::<IpAddr>(text, "IP address");
                IpRange::new(address(start)?, address(end)?).map_err(|_| {
                    let (start, end) = (PyText(start), PyText(end));
                    Invalid::typed(
                        "InvalidAllocationPool",
                        format!(
                            "The allocation pool {{'start': '{start}', 'end': '{end}'}} is not valid."
                        ),
                    )
                })
            })
            .collect()
    }
}

/// A JSON list, or "'x' is not a list".
pub(crate) fn list(value: &Value) -> Result<&Vec<Value>, Invalid> {
    value.as_array().ok_or_else(|| Invalid::rule(format!("'{}' is not a list", PyText(value))))
}

/// An object that has no keys but these.
pub(crate) fn known_keys<'a>(
    value: &'a Value,
    keys: &[&str],
) -> Result<&'a Map<String, Value>, Invalid> {
    let object = value
        .as_object()
        .ok_or_else(|| Invalid::rule(format!("'{}' is not a dictionary", PyText(value))))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(object),
        Some(unknown) => Err(Invalid::rule(format!(
            "Unexpected keys supplied: '{unknown}', expected {}",
            keys.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests;
