//! Pieces shared by the parsers of text.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a valid {what}")]
pub struct ParseError {
    pub what: &'static str,
    pub text: String,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.to_owned() }
    }
}

/// A number in decimal, or in hexadecimal after `0x`.
pub(crate) fn number(what: &'static str, text: &str) -> Result<u128, ParseError> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u128::from_str_radix(digits, 16),
        _ => text.parse(),
    };
    parsed.map_err(|_| ParseError::new(what, text))
}

pub(crate) fn integer<T: TryFrom<u128>>(what: &'static str, text: &str) -> Result<T, ParseError> {
    T::try_from(number(what, text)?).map_err(|_| ParseError::new(what, text))
}

pub(crate) fn ipv4(text: &str) -> Result<Ipv4Addr, ParseError> {
    text.parse().map_err(|_| ParseError::new("IPv4 address", text))
}

pub(crate) fn ipv6(text: &str) -> Result<Ipv6Addr, ParseError> {
    text.parse().map_err(|_| ParseError::new("IPv6 address", text))
}

/// The pieces between commas that are outside of parentheses and brackets.
pub(crate) fn split_list(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c == ','
    })
    .map(str::trim)
    .filter(|piece| !piece.is_empty())
    .collect()
}

/// `a(b)` is `("a", Some("b"))`, `a:b` and `a=b` are `("a", Some("b"))`, `a` is `("a", None)`.
pub(crate) fn head_and_argument(text: &str) -> (&str, Option<&str>) {
    let Some(at) = text.find(['(', ':', '=']) else { return (text, None) };
    let (head, tail) = text.split_at(at);
    let argument = match tail.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')').unwrap_or(inner),
        None => tail.get(1..).unwrap_or_default(),
    };
    (head.trim(), Some(argument.trim()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |out, byte| out + &format!("{byte:02x}"))
}

pub(crate) fn unhex(what: &'static str, text: &str) -> Result<Vec<u8>, ParseError> {
    let invalid = || ParseError::new(what, text);
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = text.get(at..at + 2).ok_or_else(invalid)?;
            u8::from_str_radix(pair, 16).map_err(|_| invalid())
        })
        .collect()
}

/// Bytes as Open vSwitch writes them in notes and user data: `01.02.ff`.
pub(crate) fn dotted(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(".")
}

pub(crate) fn undotted(what: &'static str, text: &str) -> Result<Vec<u8>, ParseError> {
    unhex(what, &text.replace('.', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_outside_of_parentheses_only() {
        assert_eq!(
            split_list("output:1,learn(table=2,a=b),ct(nat(src=[::1],x))"),
            ["output:1", "learn(table=2,a=b)", "ct(nat(src=[::1],x))"]
        );
    }

    #[test]
    fn hexadecimal_and_decimal_are_numbers() {
        assert_eq!(number("n", "0x10"), Ok(16));
        assert_eq!(number("n", "10"), Ok(10));
        assert!(number("n", "0x+1").is_err());
        assert!(integer::<u8>("n", "256").is_err());
    }

    #[test]
    fn bytes_survive_hexadecimal() {
        assert_eq!(hex(&[0, 0xab]), "00ab");
        assert_eq!(unhex("bytes", "00ab"), Ok(vec![0, 0xab]));
        assert!(unhex("bytes", "0").is_err());
        assert_eq!(dotted(&[1, 0xff]), "01.ff");
    }
}
