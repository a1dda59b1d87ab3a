//! The choice of addresses within a subnet, and of subnets within a pool: pure, and blind to how many are in use.
//!
//! Whether an address is free is known to the store alone, and a unique key there decides who gets it. This crate only
//! says what to ask for next, so that the questions do not grow with the number of addresses in use:
//!
//! ```text
//!   draw a handful at random ─► ask which are taken ─► one is free: take it
//!                                                └──► none is: the pools are nearly full, walk them window by window
//! ```

pub mod blocks;

use std::collections::BTreeSet;
use std::net::IpAddr;

use nucleon_net::IpRange;
use rand::Rng;
use rand::seq::SliceRandom;

/// How many addresses are drawn at once. With nine of ten addresses taken, all of a draw are in one case in five.
pub const DRAW: usize = 16;

/// How many taken addresses one window of a walk looks at.
pub const WINDOW: u64 = 256;

/// Distinct addresses drawn evenly over the pools; fewer than `count` where the pools are small.
pub fn draw(pools: &[IpRange], count: usize, rng: &mut impl Rng) -> Vec<IpAddr> {
    let total = pools.iter().fold(0u128, |sum, pool| sum.saturating_add(pool.size()));
    if total <= count as u128 {
        let whole = |pool: &IpRange| {
            let pool = *pool;
            (0..pool.size()).map_while(move |n| pool.nth(n))
        };
        let mut all: Vec<IpAddr> = pools.iter().flat_map(whole).collect();
        // Whoever draws at the same time should not want the same one first.
        all.shuffle(rng);
        return all;
    }
    let mut drawn = BTreeSet::new();
    let mut order = Vec::with_capacity(count);
    // A bound on the tries, for pools hardly larger than the draw; what is missing is left out.
    for _ in 0..count * 8 {
        if order.len() == count {
            break;
        }
        let offset = rng.random_range(0..total);
        if let Some(address) = at(pools, offset)
            && drawn.insert(address)
        {
            order.push(address);
        }
    }
    order
}

/// The address at `offset` over all pools in their order.
fn at(pools: &[IpRange], mut offset: u128) -> Option<IpAddr> {
    for pool in pools {
        if offset < pool.size() {
            return pool.nth(offset);
        }
        offset -= pool.size();
    }
    None
}

/// The address of `range` that has `place` free ones before it. `taken` are all of the range that are not free, in order
/// and each once.
pub fn nth_free(range: &IpRange, taken: &[IpAddr], place: u128) -> Option<IpAddr> {
    let mut offset = place;
    for at in taken.iter().filter_map(|address| range.offset_of(*address)) {
        if at > offset {
            break;
        }
        offset = offset.checked_add(1)?;
    }
    range.nth(offset)
}

/// What remains of `range` behind `address`.
pub fn rest_after(range: &IpRange, address: IpAddr) -> Option<IpRange> {
    let next = range.nth(range.offset_of(address)?.checked_add(1)?)?;
    IpRange::new(next, range.end()).ok()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn range(start: &str, end: &str) -> IpRange {
        IpRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_draw_is_distinct_and_within_the_pools() {
        let pools = [range("10.0.0.2", "10.0.0.9"), range("10.0.0.100", "10.0.255.254")];
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let drawn = draw(&pools, DRAW, &mut rng);
            assert_eq!(drawn.len(), DRAW);
            assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), DRAW);
            assert!(drawn.iter().all(|&address| pools.iter().any(|pool| pool.contains(address))));
        }
    }

    #[test]
    fn every_address_of_the_pools_is_drawn_sooner_or_later() {
        let pools = [range("10.0.0.2", "10.0.0.21"), range("10.0.0.30", "10.0.0.39")];
        let mut rng = StdRng::seed_from_u64(2);
        let seen: BTreeSet<IpAddr> = (0..200).flat_map(|_| draw(&pools, 4, &mut rng)).collect();
        assert_eq!(seen.len(), 30);
    }

    #[test]
    fn small_pools_are_drawn_whole() {
        let mut rng = StdRng::seed_from_u64(3);
        let mut drawn = draw(&[range("10.0.0.2", "10.0.0.3")], DRAW, &mut rng);
        drawn.sort_unstable();
        assert_eq!(drawn, addresses(&["10.0.0.2", "10.0.0.3"]));
        assert_eq!(draw(&[], DRAW, &mut rng), Vec::<IpAddr>::new());
    }

    #[test]
    fn the_whole_of_ipv6_can_be_drawn_from() {
        let mut rng = StdRng::seed_from_u64(4);
        let pool = range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(draw(&[pool], 4, &mut rng).len(), 4);
    }

    #[test]
    fn the_gaps_are_found_in_order() {
        let pool = range("10.0.0.2", "10.0.0.5");
        assert_eq!(nth_free(&pool, &[], 0), Some(pool.start()));
        assert_eq!(nth_free(&pool, &[], 3), Some(pool.end()));
        assert_eq!(nth_free(&pool, &[], 4), None);
        let taken = addresses(&["10.0.0.3", "10.0.0.5"]);
        let free: Vec<_> = (0..3).map(|place| nth_free(&pool, &taken, place)).collect();
        assert_eq!(free, [Some(pool.start()), "10.0.0.4".parse().ok(), None]);
        let all = addresses(&["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
        assert_eq!(nth_free(&pool, &all, 0), None);
    }

    #[test]
    fn a_walk_goes_on_behind_the_last_address_it_saw() {
        let pool = range("10.0.0.2", "10.0.0.5");
        assert_eq!(
            rest_after(&pool, "10.0.0.3".parse().unwrap()),
            Some(range("10.0.0.4", "10.0.0.5"))
        );
        assert_eq!(rest_after(&pool, "10.0.0.5".parse().unwrap()), None);
    }
}
