//! Ranges of addresses, and sets of them.

use std::cmp::{max, min};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The addresses from `start` to `end`, both included, of one family.
///
/// On the wire it is an allocation pool: `{"start": "10.0.0.2", "end": "10.0.0.254"}`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct IpRange {
    start: IpAddr,
    end: IpAddr,
}

#[derive(Serialize, Deserialize)]
struct Ends {
    start: IpAddr,
    end: IpAddr,
}

/// Ends that make no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRange {
    #[error("{start} comes after {end}")]
    Reversed { start: IpAddr, end: IpAddr },
    #[error("{start} and {end} are of different families")]
    Mixed { start: IpAddr, end: IpAddr },
}

impl IpRange {
    pub fn new(start: IpAddr, end: IpAddr) -> Result<Self, InvalidRange> {
        if start.is_ipv4() != end.is_ipv4() {
            Err(InvalidRange::Mixed { start, end })
        } else if start > end {
            Err(InvalidRange::Reversed { start, end })
        } else {
            Ok(Self { start, end })
        }
    }

    pub const fn start(&self) -> IpAddr {
        self.start
    }

    pub const fn end(&self) -> IpAddr {
        self.end
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.start.is_ipv4() == address.is_ipv4() && self.start <= address && address <= self.end
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.start) || other.contains(self.start)
    }

    pub fn is_within(&self, prefix: &IpNet) -> bool {
        prefix.contains(&self.start) && prefix.contains(&self.end)
    }

    /// How many addresses it holds; `u128::MAX` stands for all 2^128 of IPv6.
    pub fn size(&self) -> u128 {
        (to_bits(self.end) - to_bits(self.start)).saturating_add(1)
    }

    /// The address at `offset` from the start, if it is still inside.
    pub fn nth(&self, offset: u128) -> Option<IpAddr> {
        let bits = to_bits(self.start).checked_add(offset)?;
        (bits <= to_bits(self.end)).then(|| from_bits(bits, self.start.is_ipv4()))
    }

    /// How far `address` is from the start, if it is inside.
    pub fn offset_of(&self, address: IpAddr) -> Option<u128> {
        self.contains(address).then(|| to_bits(address) - to_bits(self.start))
    }
}

impl From<IpNet> for IpRange {
    fn from(prefix: IpNet) -> Self {
        Self { start: prefix.network(), end: prefix.broadcast() }
    }
}

impl TryFrom<Ends> for IpRange {
    type Error = InvalidRange;

    fn try_from(ends: Ends) -> Result<Self, InvalidRange> {
        Self::new(ends.start, ends.end)
    }
}

impl From<IpRange> for Ends {
    fn from(range: IpRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl fmt::Debug for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of addresses of one family, kept as disjoint, non-adjacent intervals.
///
/// Costs follow the number of intervals, never the number of addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct RangeSet {
    is_ipv4: bool,
    /// First bits to last bits.
    intervals: BTreeMap<u128, u128>,
}

impl RangeSet {
    pub const fn new_v4() -> Self {
        Self { is_ipv4: true, intervals: BTreeMap::new() }
    }

    pub const fn new_v6() -> Self {
        Self { is_ipv4: false, intervals: BTreeMap::new() }
    }

    /// An empty set of the family of `address`.
    pub const fn of_family(address: IpAddr) -> Self {
        Self { is_ipv4: address.is_ipv4(), intervals: BTreeMap::new() }
    }

    /// Adds a range; ranges of the other family are not of this set and change nothing.
    pub fn insert(&mut self, range: IpRange) {
        if range.start.is_ipv4() != self.is_ipv4 {
            return;
        }
        let (mut first, mut last) = (to_bits(range.start), to_bits(range.end));
        let touching: Vec<(u128, u128)> = self
            .intervals
            .range(..=last.saturating_add(1))
            .rev()
            .take_while(|&(_, &end)| end.saturating_add(1) >= first)
            .map(|(&start, &end)| (start, end))
            .collect();
        for (start, end) in touching {
            self.intervals.remove(&start);
            first = min(first, start);
            last = max(last, end);
        }
        self.intervals.insert(first, last);
    }

    /// Takes a range out, splitting intervals where it must.
    pub fn remove(&mut self, range: IpRange) {
        if range.start.is_ipv4() != self.is_ipv4 {
            return;
        }
        let (first, last) = (to_bits(range.start), to_bits(range.end));
        let touching: Vec<(u128, u128)> = self
            .intervals
            .range(..=last)
            .rev()
            .take_while(|&(_, &end)| end >= first)
            .map(|(&start, &end)| (start, end))
            .collect();
        for (start, end) in touching {
            self.intervals.remove(&start);
            if start < first {
                self.intervals.insert(start, first - 1);
            }
            if end > last {
                self.intervals.insert(last + 1, end);
            }
        }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = to_bits(address);
        address.is_ipv4() == self.is_ipv4
            && self.intervals.range(..=bits).next_back().is_some_and(|(_, &end)| end >= bits)
    }

    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// How many addresses it holds, saturating at `u128::MAX`.
    pub fn size(&self) -> u128 {
        self.intervals
            .iter()
            .fold(0u128, |sum, (&start, &end)| sum.saturating_add((end - start).saturating_add(1)))
    }

    pub fn ranges(&self) -> impl Iterator<Item = IpRange> + '_ {
        self.intervals.iter().map(|(&start, &end)| IpRange {
            start: from_bits(start, self.is_ipv4),
            end: from_bits(end, self.is_ipv4),
        })
    }
}

impl fmt::Debug for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.ranges()).finish()
    }
}

fn to_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn from_bits(bits: u128, is_ipv4: bool) -> IpAddr {
    match u32::try_from(bits) {
        Ok(v4) if is_ipv4 => IpAddr::V4(Ipv4Addr::from_bits(v4)),
        _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn v4(last_octet: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, last_octet))
    }

    #[test]
    fn a_range_has_a_size_and_counts_from_its_start() {
        let range = IpRange::new(v4(2), v4(254)).unwrap();
        assert_eq!(range.size(), 253);
        assert_eq!(range.nth(252), Some(v4(254)));
        assert_eq!(range.nth(253), None);
        assert_eq!(range.offset_of(v4(10)), Some(8));
        assert!(IpRange::new(v4(9), v4(8)).is_err());
    }

    proptest! {
        #[test]
        fn a_range_set_agrees_with_a_set_of_addresses(
            steps in prop::collection::vec((any::<bool>(), any::<u8>(), any::<u8>()), 0..24)
        ) {
            let mut ranges = RangeSet::new_v4();
            let mut addresses = BTreeSet::new();
            for (add, a, b) in steps {
                let range = IpRange::new(v4(a.min(b)), v4(a.max(b))).unwrap();
                for octet in a.min(b)..=a.max(b) {
                    if add { addresses.insert(octet); } else { addresses.remove(&octet); }
                }
                if add { ranges.insert(range) } else { ranges.remove(range) }
            }
            prop_assert_eq!(ranges.size(), addresses.len() as u128);
            for octet in 0..=255 {
                prop_assert_eq!(ranges.contains(v4(octet)), addresses.contains(&octet));
            }
        }
    }
}
