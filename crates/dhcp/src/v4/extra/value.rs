//! Values of options, from the text an operator wrote to octets.

use std::fmt;
use std::net::Ipv4Addr;

use nucleon_net::Ipv4Net;

use super::InvalidOption;

/// How the value of an option is written and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    Address,
    Addresses,
    AddressPairs,
    Text,
    Bool,
    U8,
    U16,
    U32,
    I32,
    Octets,
    /// `10.1.0.0/16,10.0.0.1,0.0.0.0/0,10.0.0.1` (RFC 3442).
    Routes,
    /// Names in DNS form (RFC 3397).
    Domains,
    /// Names or addresses, told apart by a first octet (RFC 3361).
    Sip,
    /// Octets in hex, else text: what a vendor's client makes of option 43 is its own affair.
    Encapsulated,
    /// An option whose type nobody told: hex, number, addresses or text, by the look of it.
    Any,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "an IPv4 address",
            Self::Addresses => "a list of IPv4 addresses",
            Self::AddressPairs => "a list of pairs of IPv4 addresses",
            Self::Text | Self::Encapsulated | Self::Any => "a text without control characters",
            Self::Bool => "true or false",
            Self::U8 => "a number up to 255",
            Self::U16 => "a number up to 65535",
            Self::U32 => "a number up to 4294967295",
            Self::I32 => "a number between -2147483648 and 2147483647",
            Self::Octets => "a sequence of octets in hex, with colons between",
            Self::Routes => "a list of prefixes and next hops",
            Self::Domains => "a list of domain names",
            Self::Sip => "a list of IPv4 addresses or a list of domain names",
        })
    }
}

impl ValueKind {
    /// The value as sent; never empty.
    pub(super) fn encode(self, text: &str) -> Result<Vec<u8>, InvalidOption> {
        let data = match self {
            Self::Address => text.parse().ok().map(|address: Ipv4Addr| address.octets().to_vec()),
            Self::Addresses => addresses(text),
            Self::AddressPairs => addresses(text).filter(|data| data.len() % 8 == 0),
            Self::Text => printable(text),
            Self::Bool => boolean(text).map(|value| vec![u8::from(value)]),
            Self::U8 => number::<u8>(text).map(|value| vec![value]),
            Self::U16 => number::<u16>(text).map(|value| value.to_be_bytes().to_vec()),
            Self::U32 => number::<u32>(text).map(|value| value.to_be_bytes().to_vec()),
            Self::I32 => number::<i32>(text).map(|value| value.to_be_bytes().to_vec()),
            Self::Octets => octets(text),
            Self::Routes => routes(text),
            Self::Domains => domains(text),
            Self::Sip => prefixed(1, addresses(text)).or_else(|| prefixed(0, domains(text))),
            Self::Encapsulated => octets(text).or_else(|| printable(text)),
            Self::Any => octets(text)
                .or_else(|| guess_number(text))
                .or_else(|| addresses(text))
                .or_else(|| printable(text)),
        };
        data.filter(|data| !data.is_empty())
            .ok_or_else(|| InvalidOption::Value { kind: self, text: text.to_owned() })
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn addresses(text: &str) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    for item in items(text) {
        data.extend_from_slice(&item.parse::<Ipv4Addr>().ok()?.octets());
    }
    Some(data)
}

/// Quotes around the whole are dnsmasq's way to say "this is text".
fn printable(text: &str) -> Option<Vec<u8>> {
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    (!bare.chars().any(char::is_control)).then(|| bare.as_bytes().to_vec())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn number<T: TryFrom<i64>>(text: &str) -> Option<T> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    T::try_from(text.parse::<i64>().ok()?).ok()
}

/// The smallest of one, two and four octets that holds the number.
fn guess_number(text: &str) -> Option<Vec<u8>> {
    if let Some(value) = number::<u8>(text) {
        return Some(vec![value]);
    }
    if let Some(value) = number::<u16>(text) {
        return Some(value.to_be_bytes().to_vec());
    }
    number::<u32>(text).map(|value| value.to_be_bytes().to_vec())
}

/// `01:02:ff`; at least one colon, else a number could be meant.
fn octets(text: &str) -> Option<Vec<u8>> {
    if !text.contains(':') {
        return None;
    }
    text.split(':')
        .map(|part| {
            let hex = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
            hex.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        })
        .collect()
}

fn routes(text: &str) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    let mut parts = items(text);
    while let Some(prefix) = parts.next() {
        let destination: Ipv4Net = match prefix.parse() {
            Ok(prefix) => prefix,
            Err(_) => Ipv4Net::from(prefix.parse::<Ipv4Addr>().ok()?),
        };
        let next_hop = parts.next()?.parse().ok()?;
        push_route(&mut data, destination, next_hop);
    }
    Some(data)
}

/// Prefix length, the octets of the prefix that matter, next hop (RFC 3442).
pub(in crate::v4) fn push_route(data: &mut Vec<u8>, destination: Ipv4Net, next_hop: Ipv4Addr) {
    let length = destination.prefix_len();
    let significant = usize::from(length.div_ceil(8));
    data.push(length);
    data.extend(destination.network().octets().into_iter().take(significant));
    data.extend_from_slice(&next_hop.octets());
}

fn domains(text: &str) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    for name in items(text) {
        push_domain(&mut data, name)?;
    }
    Some(data)
}

/// A name as labels, without compression (RFC 1035, section 3.1).
pub(in crate::v4) fn push_domain(data: &mut Vec<u8>, name: &str) -> Option<()> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        if !is_label(label) {
            return None;
        }
        data.push(length);
        data.extend_from_slice(label.as_bytes());
    }
    data.push(0);
    Some(())
}

/// Letters, digits, hyphens; underscores too, which occur in the field.
pub(in crate::v4) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

fn prefixed(first: u8, data: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut data = data?;
    data.insert(0, first);
    Some(data)
}
