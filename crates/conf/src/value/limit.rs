//! Numbers of which one means "none".

use std::num::NonZero;
use std::time::Duration;

use super::{FromText, Invalid};

/// The longest page that a list answers with; `-1`, `0` and `infinite` are no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(pub Option<NonZero<u32>>);

/// How much of something a project may have; below zero without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaLimit(pub i64);

/// How long a DHCP lease holds; `-1` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseTime {
    Infinite,
    Seconds(NonZero<u32>),
}

/// How long something is remembered; `-1` and `0` are not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheTime(pub Option<Duration>);

impl FromText for PageLimit {
    const KIND: &'static str = "integer or 'infinite'";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        if matches!(text, "-1" | "infinite") {
            return Ok(Self(None));
        }
        let limit: i64 = text.parse().map_err(|_| Invalid::NotInteger)?;
        let range = Invalid::OutOfRange { least: -1, most: i64::from(u32::MAX) };
        u32::try_from(limit).map_err(|_| range).map(|limit| Self(NonZero::new(limit)))
    }
}

impl FromText for QuotaLimit {
    const KIND: &'static str = "integer";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let limit: i32 = text.parse().map_err(|_| match text.parse::<i64>() {
            Ok(_) => Invalid::OutOfRange { least: -1, most: i64::from(i32::MAX) },
            Err(_) => Invalid::NotInteger,
        })?;
        Ok(Self(i64::from(limit)))
    }

    fn number(&self) -> Option<i64> {
        Some(self.0)
    }
}

impl LeaseTime {
    /// As DHCP carries it: all ones for ever (RFC 2131, section 3.3).
    pub const fn on_the_wire(self) -> u32 {
        match self {
            Self::Infinite => u32::MAX,
            Self::Seconds(seconds) => seconds.get(),
        }
    }

    /// `None` for ever.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Infinite => None,
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds.get() as u64)),
        }
    }
}

impl FromText for LeaseTime {
    const KIND: &'static str = "seconds or -1";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let seconds: i64 = text.parse().map_err(|_| Invalid::NotInteger)?;
        if seconds == -1 {
            return Ok(Self::Infinite);
        }
        let range = Invalid::OutOfRange { least: 1, most: i64::from(u32::MAX) - 1 };
        match u32::try_from(seconds).ok().filter(|s| *s < u32::MAX).and_then(NonZero::new) {
            Some(seconds) => Ok(Self::Seconds(seconds)),
            None => Err(range),
        }
    }
}

impl FromText for CacheTime {
    const KIND: &'static str = "seconds or -1";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let seconds: i64 = text.parse().map_err(|_| Invalid::NotInteger)?;
        let range = Invalid::OutOfRange { least: -1, most: i64::from(u32::MAX) };
        match seconds {
            -1 | 0 => Ok(Self(None)),
            _ => u32::try_from(seconds)
                .map_err(|_| range)
                .map(|s| Self(Some(Duration::from_secs(s.into())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn no_limit_has_three_spellings() {
        for text in ["-1", "0", "infinite"] {
            assert_eq!(parsed(text), Ok(PageLimit(None)), "{text}");
        }
        assert_eq!(parsed("1000"), Ok(PageLimit(NonZero::new(1000))));
        assert!(parsed::<PageLimit>("-2").is_err());
        assert!(parsed::<PageLimit>("many").is_err());
    }

    #[test]
    fn a_lease_is_for_ever_or_for_some_seconds() {
        assert_eq!(parsed::<LeaseTime>("-1").unwrap().on_the_wire(), u32::MAX);
        assert_eq!(parsed::<LeaseTime>("86400").unwrap().on_the_wire(), 86400);
        for text in ["0", "-2", "4294967295", "4294967296"] {
            assert!(parsed::<LeaseTime>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_remembered_for_no_time_is_not_remembered() {
        for text in ["-1", "0"] {
            assert_eq!(parsed(text), Ok(CacheTime(None)), "{text}");
        }
        assert_eq!(parsed("300"), Ok(CacheTime(Some(Duration::from_mins(5)))));
        for text in ["-2", "4294967296", "soon"] {
            assert!(parsed::<CacheTime>(text).is_err(), "{text}");
        }
    }
}
