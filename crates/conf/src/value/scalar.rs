//! Booleans, numbers, texts, paths.

use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use super::{FromText, Invalid};

/// A TCP port.
pub type Port = NonZero<u16>;

/// The name by which a host's agents report and its ports are bound: one word without control
/// characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// A password, which is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromText for Secret {
    const KIND: &'static str = "secret";
    const SECRET: bool = true;

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl FromText for bool {
    const KIND: &'static str = "boolean";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(Invalid::NotBoolean),
        }
    }
}

impl FromText for u32 {
    const KIND: &'static str = "integer";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let number: i64 = text.parse().map_err(|_| Invalid::NotInteger)?;
        let range = Invalid::OutOfRange { least: 0, most: i64::from(u32::MAX) };
        Self::try_from(number).map_err(|_| range)
    }

    fn number(&self) -> Option<i64> {
        Some(i64::from(*self))
    }
}

impl FromText for Port {
    const KIND: &'static str = "port";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let number: i64 = text.parse().map_err(|_| Invalid::NotInteger)?;
        let range = Invalid::OutOfRange { least: 1, most: i64::from(u16::MAX) };
        u16::try_from(number).ok().and_then(Self::new).ok_or(range)
    }
}

impl FromText for Duration {
    const KIND: &'static str = "seconds";

    /// Whole or decimal seconds.
    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self::from_secs(seconds));
        }
        let seconds: f64 = text.parse().map_err(|_| Invalid::NotNumber)?;
        Self::try_from_secs_f64(seconds)
            .map_err(|_| Invalid::OutOfRange { least: 0, most: i64::MAX })
    }

    fn number(&self) -> Option<i64> {
        // Upwards, so that half a second is not taken for none.
        let whole = i64::try_from(self.as_secs()).unwrap_or(i64::MAX);
        Some(if self.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole })
    }
}

impl FromText for String {
    const KIND: &'static str = "string";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        Ok(text.to_owned())
    }
}

impl FromText for PathBuf {
    const KIND: &'static str = "path";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        if text.is_empty() { Err(Invalid::Empty) } else { Ok(text.into()) }
    }
}

impl FromText for std::net::IpAddr {
    const KIND: &'static str = "IP address";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        text.parse().map_err(|_| Invalid::Form("an IPv4 or IPv6 address"))
    }
}

/// Nothing written after the sign is no value.
impl<T: FromText> FromText for Option<T> {
    const KIND: &'static str = T::KIND;
    const SECRET: bool = T::SECRET;

    fn from_text(text: &str, notes: &mut Vec<String>) -> Result<Self, Invalid> {
        if text.is_empty() { Ok(None) } else { T::from_text(text, notes).map(Some) }
    }

    fn number(&self) -> Option<i64> {
        self.as_ref().and_then(T::number)
    }
}

impl HostName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for HostName {
    const KIND: &'static str = "host name";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::Empty);
        }
        // It becomes part of file names, topics and the 255 characters of agents.host.
        let fits = text.len() <= 255 && text.chars().all(|c| c.is_ascii_graphic() && c != '/');
        if fits { Ok(Self(text.to_owned())) } else { Err(Invalid::NotHost) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn booleans_have_four_words_each_in_any_case() {
        for text in ["true", "True", "YES", "on", "1"] {
            assert_eq!(parsed(text), Ok(true), "{text}");
        }
        for text in ["false", "False", "no", "OFF", "0"] {
            assert_eq!(parsed(text), Ok(false), "{text}");
        }
        for text in ["", "2", "y", "truee", "none"] {
            assert_eq!(parsed::<bool>(text), Err(Invalid::NotBoolean), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_none_and_numbers_that_do_not_fit_are_told_apart() {
        assert_eq!(parsed("4294967295"), Ok(u32::MAX));
        assert_eq!(parsed::<u32>("1.5"), Err(Invalid::NotInteger));
        assert_eq!(parsed::<u32>("0x10"), Err(Invalid::NotInteger));
        let range = Invalid::OutOfRange { least: 0, most: 4294967295 };
        assert_eq!(parsed::<u32>("-1"), Err(range.clone()));
        assert_eq!(parsed::<u32>("4294967296"), Err(range));
    }

    #[test]
    fn ports_are_between_1_and_65535() {
        assert_eq!(parsed::<Port>("9696").map(Port::get), Ok(9696));
        let range = Invalid::OutOfRange { least: 1, most: 65535 };
        for text in ["0", "65536", "-1"] {
            assert_eq!(parsed::<Port>(text), Err(range.clone()));
        }
    }

    #[test]
    fn seconds_may_have_decimals_but_no_sign() {
        assert_eq!(parsed("75"), Ok(Duration::from_secs(75)));
        assert_eq!(parsed("0.5"), Ok(Duration::from_millis(500)));
        for text in ["-1", "inf", "NaN", "1e300"] {
            assert!(parsed::<Duration>(text).is_err(), "{text}");
        }
        assert_eq!(parsed::<Duration>("soon"), Err(Invalid::NotNumber));
    }

    #[test]
    fn an_optional_value_may_be_empty_but_not_wrong() {
        assert_eq!(parsed::<Option<u32>>(""), Ok(None));
        assert_eq!(parsed::<Option<u32>>("7"), Ok(Some(7)));
        assert_eq!(parsed::<Option<u32>>("x"), Err(Invalid::NotInteger));
    }

    #[test]
    fn a_host_name_is_one_printable_word() {
        assert_eq!(parsed::<HostName>("compute-1.site").unwrap().as_str(), "compute-1.site");
        for text in ["a b", "a/b", "hôte", "a\u{7}"] {
            assert_eq!(parsed::<HostName>(text), Err(Invalid::NotHost), "{text}");
        }
        assert!(parsed::<HostName>(&"a".repeat(256)).is_err());
    }
}
