//! IEEE 802.1Q VLAN identifiers.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A VLAN id that may be carried in a tag: 1 to 4094 (IEEE 802.1Q-2018, table 9-2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct VlanId(NonZero<u16>);

/// A number that is no usable VLAN id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVlan {
    #[error("VLAN id 0 marks a priority tag, not a VLAN")]
    Zero,
    #[error("VLAN id 4095 is reserved")]
    Reserved,
    #[error("VLAN id {0} does not fit in 12 bits")]
    TooLarge(u16),
    #[error("not a number")]
    NotANumber,
}

impl VlanId {
    pub const MIN: u16 = 1;
    pub const MAX: u16 = 4094;

    pub const fn new(id: u16) -> Result<Self, InvalidVlan> {
        match NonZero::new(id) {
            None => Err(InvalidVlan::Zero),
            Some(_) if id == 4095 => Err(InvalidVlan::Reserved),
            Some(_) if id > 4095 => Err(InvalidVlan::TooLarge(id)),
            Some(id) => Ok(Self(id)),
        }
    }

    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<u16> for VlanId {
    type Error = InvalidVlan;

    fn try_from(id: u16) -> Result<Self, InvalidVlan> {
        Self::new(id)
    }
}

impl From<VlanId> for u16 {
    fn from(id: VlanId) -> Self {
        id.get()
    }
}

impl FromStr for VlanId {
    type Err = InvalidVlan;

    fn from_str(text: &str) -> Result<Self, InvalidVlan> {
        Self::new(text.parse().map_err(|_| InvalidVlan::NotANumber)?)
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_that_a_tag_can_carry_are_accepted() {
        assert_eq!(VlanId::new(0), Err(InvalidVlan::Zero));
        assert_eq!(VlanId::new(1).map(VlanId::get), Ok(1));
        assert_eq!(VlanId::new(4094).map(VlanId::get), Ok(4094));
        assert_eq!(VlanId::new(4095), Err(InvalidVlan::Reserved));
        assert_eq!(VlanId::new(4096), Err(InvalidVlan::TooLarge(4096)));
    }
}
