//! A moment of wall-clock time.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970 in UTC, within the years 0 to 9998: each value has a text form in the
/// API and in RFC 3339.
///
/// `Display` writes RFC 3339 with six digits (`2026-08-07T12:00:00.000001Z`), which is also the
/// serialised form; [`Timestamp::api`] writes Neutron's form, in whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is not a moment as RFC 3339 writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a valid timestamp")]
pub struct InvalidTimestamp(pub String);

/// A moment as Neutron's API writes it: `2026-08-07T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiTime(Timestamp);

impl Timestamp {
    pub const EPOCH: Self = Self(0);
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// 9998-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_370_764_799_999_999);

    /// The moment this many microseconds after 1970; beyond [`Self::MIN`] and [`Self::MAX`], the
    /// nearer of them.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The same moment without its fraction of a second, as the API shows it.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self::from_seconds(self.as_seconds())
    }

    /// As Neutron's API writes it, in whole seconds.
    pub const fn api(self) -> ApiTime {
        ApiTime(self)
    }

    /// How long after `earlier` this is; zero when it is not after it, as wall clocks may step
    /// back.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn civil(self) -> DateTime {
        // The range of the type lies inside jiff's, so the fallback is never taken.
        let moment =
            jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Offset::UTC.to_datetime(moment)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros_of(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros_of(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        write_seconds(f, civil)?;
        write!(f, ".{:06}Z", civil.subsec_nanosecond() / 1000)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ApiTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_seconds(f, self.0.civil())?;
        f.write_str("Z")
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 with any offset and any precision; finer digits than microseconds are cut
    /// off.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment: jiff::Timestamp =
            text.parse().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        // Down, not towards zero: the microsecond that holds the moment, before 1970 too.
        let micros = moment.as_nanosecond().div_euclid(1000);
        match i64::try_from(micros) {
            Ok(micros) if (Self::MIN.0..=Self::MAX.0).contains(&micros) => Ok(Self(micros)),
            _ => Err(InvalidTimestamp(text.to_owned())),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ApiTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn write_seconds(f: &mut fmt::Formatter<'_>, civil: DateTime) -> fmt::Result {
    let (year, month, day) = (civil.year(), civil.month(), civil.day());
    let (hour, minute, second) = (civil.hour(), civil.minute(), civil.second());
    write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_api_form_has_whole_seconds_and_the_long_form_microseconds() {
        let moment = Timestamp::from_micros(1_786_104_000_000_007);
        assert_eq!(moment.api().to_string(), "2026-08-07T12:00:00Z");
        assert_eq!(moment.to_string(), "2026-08-07T12:00:00.000007Z");
        assert_eq!(moment.whole_seconds().to_string(), "2026-08-07T12:00:00.000000Z");
    }

    #[test]
    fn offsets_are_read_and_written_as_utc() {
        let moment: Timestamp = "2026-08-07T14:00:00.5+02:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-08-07T12:00:00.500000Z");
    }

    #[test]
    fn malformed_text_is_refused_with_the_text() {
        for text in ["", "yesterday", "2026-08-07", "2026-13-01T00:00:00Z", "2026-08-07T12:00:00"] {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp(text.to_owned())));
        }
    }

    #[test]
    fn moments_past_the_range_stop_at_its_ends() {
        assert_eq!(Timestamp::from_micros(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_seconds(i64::MIN), Timestamp::MIN);
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::from_secs(1), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.api().to_string(), "0000-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9998-12-31T23:59:59.999999Z");
    }

    #[test]
    fn a_clock_stepped_back_makes_no_negative_age() {
        let (early, late) = (Timestamp::from_seconds(10), Timestamp::from_seconds(11));
        assert_eq!(late.since(early), Duration::from_secs(1));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn before_1970_the_second_is_rounded_down() {
        let moment = Timestamp::from_micros(-1);
        assert_eq!(moment.api().to_string(), "1969-12-31T23:59:59Z");
        assert_eq!("1969-12-31T23:59:59.9999999Z".parse(), Ok(moment));
    }

    #[test]
    fn json_carries_the_long_form() {
        let moment = Timestamp::from_micros(1);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"1970-01-01T00:00:00.000001Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
    }

    proptest! {
        #[test]
        fn text_and_number_are_two_forms_of_one_moment(micros in any::<i64>()) {
            let moment = Timestamp::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            prop_assert_eq!(moment.api().to_string().parse(), Ok(moment.whole_seconds()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = text.parse::<Timestamp>();
        }
    }
}
