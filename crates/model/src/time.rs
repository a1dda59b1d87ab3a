//! Points in time.

use std::fmt;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z.
///
/// The API shows whole seconds, `2026-08-07T12:00:00Z`; agents' times are shown as Neutron shows them, see
/// [`Timestamp::sql_text`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The later time by `micros`, saturating.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// `2026-08-07 12:00:00.123456`, the form of an agent's `heartbeat_timestamp`.
    pub fn sql_text(self) -> String {
        self.format("%Y-%m-%d %H:%M:%S%.6f")
    }

    fn format(self, format: &str) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|time| time.to_zoned(TimeZone::UTC).strftime(format).to_string())
            .unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Serialises as the number of microseconds, for messages between server and agents.
pub mod micros {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.as_micros())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_shows_whole_seconds_in_utc() {
        let time = Timestamp::from_micros(1_786_104_000_123_456);
        assert_eq!(time.to_string(), "2026-08-07T12:00:00Z");
        assert_eq!(time.sql_text(), "2026-08-07 12:00:00.123456");
    }
}
