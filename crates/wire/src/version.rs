//! Protocol versions and how two sides agree on one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the messages. `Hello` and `Refused` are the same in all of them.
///
/// | Version | Difference |
/// |---|---|
/// | 1 | Hints carry no bodies; answers carry no digest. |
/// | 2 | Both do. |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u16);

impl Version {
    pub const CURRENT: Self = Self(2);
    /// The oldest that is still spoken: hosts are upgraded one by one, after the servers.
    pub const PREVIOUS: Self = Self(1);

    /// Whether hints may hold the changed bodies.
    pub fn hints_have_bodies(self) -> bool {
        self >= Self(2)
    }

    /// Whether an answer may hold a digest of the whole view.
    pub fn answers_have_digests(self) -> bool {
        self >= Self(2)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All versions that a program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    pub oldest: Version,
    pub newest: Version,
}

impl VersionRange {
    /// What this program speaks.
    pub const OURS: Self = Self { oldest: Version::PREVIOUS, newest: Version::CURRENT };

    /// The newest version that both sides speak.
    pub fn common(self, other: Self) -> Option<Version> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest && newest >= other.oldest).then_some(newest)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(oldest: u16, newest: u16) -> VersionRange {
        VersionRange { oldest: Version(oldest), newest: Version(newest) }
    }

    #[test]
    fn the_newest_common_version_is_taken() {
        for (ours, theirs, common) in [
            (range(1, 2), range(1, 2), Some(2)),
            (range(1, 2), range(1, 1), Some(1)),
            (range(1, 2), range(2, 3), Some(2)),
            (range(1, 2), range(3, 4), None),
            (range(2, 3), range(1, 1), None),
            (range(1, 2), range(2, 1), None),
        ] {
            assert_eq!(ours.common(theirs), common.map(Version), "{ours} and {theirs}");
            assert_eq!(theirs.common(ours), common.map(Version), "{theirs} and {ours}");
        }
    }

    #[test]
    fn the_current_version_and_the_one_before_are_spoken() {
        assert_eq!(Version::PREVIOUS.0 + 1, Version::CURRENT.0);
        assert_eq!(VersionRange::OURS.common(range(0, 1)), Some(Version::PREVIOUS));
    }
}
