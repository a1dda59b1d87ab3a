//! The blocks of a subnet pool: which one a subnet is cut from, what remains of it, and what grows together again.
//!
//! The free blocks of a pool are kept in the store as the fewest prefixes that cover them. A question then needs a
//! handful of them by name, however many subnets were cut from the pool:
//!
//! ```text
//!   take /26:       the smallest free block that holds one   10.0.0.0/24 ─► 10.0.0.0/26 + rest .64/26, .128/25
//!   take a prefix:  the free one of those around it          at most one for each length
//!   give back:      the free ones of its siblings            .0/26 + .64/26 + .128/25 ─► 10.0.0.0/24
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, IpSubnets, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};
use nucleon_net::{IpRange, RangeSet};

/// The fewest prefixes that cover these, in order.
pub fn compact(prefixes: &[IpNet]) -> Vec<IpNet> {
    without(prefixes, &[])
}

/// The fewest prefixes that cover what is in `prefixes` and not in `taken`; all are of one family.
pub fn without(prefixes: &[IpNet], taken: &[IpNet]) -> Vec<IpNet> {
    let Some(first) = prefixes.first() else { return Vec::new() };
    let mut set = RangeSet::of_family(first.addr());
    for prefix in prefixes {
        set.insert(IpRange::from(*prefix));
    }
    for prefix in taken {
        set.remove(IpRange::from(*prefix));
    }
    set.ranges().flat_map(cut).collect()
}

/// The fewest prefixes that cover a range.
fn cut(range: IpRange) -> IpSubnets {
    match (range.start(), range.end()) {
        (IpAddr::V4(start), IpAddr::V4(end)) => IpSubnets::V4(Ipv4Subnets::new(start, end, 0)),
        (IpAddr::V6(start), IpAddr::V6(end)) => IpSubnets::V6(Ipv6Subnets::new(start, end, 0)),
        // No range has ends of two families; an empty walk stands for what cannot be.
        _ => IpSubnets::V4(Ipv4Subnets::new(Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED, 0)),
    }
}

/// Whether two prefixes have an address in common.
pub fn meet(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

/// Whether any of one meets any of the other.
pub fn any_meet(some: &[IpNet], others: &[IpNet]) -> bool {
    some.iter().any(|one| others.iter().any(|other| meet(one, other)))
}

/// The first prefix of a length in a block.
pub fn first_in(block: IpNet, length: u8) -> Option<IpNet> {
    if length < block.prefix_len() { None } else { IpNet::new(block.network(), length).ok() }
}

/// The prefixes that hold this one: itself, then each of one bit less.
pub fn around(prefix: IpNet) -> impl Iterator<Item = IpNet> {
    std::iter::successors(Some(prefix.trunc()), |prefix| Some(prefix.supernet()?.trunc()))
}

/// The other halves that a prefix grows together with: its own, then that of the two together, and so on.
pub fn siblings(prefix: IpNet) -> impl Iterator<Item = IpNet> {
    around(prefix).filter_map(sibling)
}

fn sibling(prefix: IpNet) -> Option<IpNet> {
    let length = prefix.prefix_len();
    let bit = prefix.max_prefix_len().checked_sub(length)?;
    if length == 0 {
        return None;
    }
    match prefix.network() {
        IpAddr::V4(address) => {
            let other = Ipv4Addr::from_bits(address.to_bits() ^ (1 << bit));
            Ipv4Net::new(other, length).ok().map(IpNet::V4)
        }
        IpAddr::V6(address) => {
            let other = Ipv6Addr::from_bits(address.to_bits() ^ (1 << bit));
            Ipv6Net::new(other, length).ok().map(IpNet::V6)
        }
    }
}

/// What remains of a block when a prefix within it is taken out: one prefix for each bit between the two.
pub fn rest_of(block: IpNet, taken: IpNet) -> Vec<IpNet> {
    let bits = taken.prefix_len().saturating_sub(block.prefix_len());
    siblings(taken).take(usize::from(bits)).collect()
}

/// A prefix that was given back, grown together with the free blocks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// What is free now.
    pub block: IpNet,
    /// The free blocks that are part of it now.
    pub swallowed: Vec<IpNet>,
}

/// Joins a prefix with its siblings for as long as they are free.
pub fn grow(prefix: IpNet, is_free: impl Fn(&IpNet) -> bool) -> Grown {
    let swallowed: Vec<IpNet> = siblings(prefix).take_while(is_free).collect();
    let block = around(prefix).nth(swallowed.len()).unwrap_or(prefix);
    Grown { block, swallowed }
}

#[cfg(test)]
mod tests;
