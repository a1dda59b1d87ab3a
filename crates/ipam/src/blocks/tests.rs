use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| net(text)).collect()
}

#[test]
fn prefixes_are_compacted_and_cut_out() {
    let pool = nets(&["10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25", "10.9.0.0/16"]);
    assert_eq!(compact(&pool), nets(&["10.0.0.0/23", "10.9.0.0/16"]));
    assert_eq!(
        without(&pool, &nets(&["10.9.0.0/16", "10.0.0.64/26"])),
        nets(&["10.0.0.0/26", "10.0.0.128/25", "10.0.1.0/24"])
    );
    assert_eq!(without(&nets(&["::/0"]), &[]), nets(&["::/0"]));
    assert_eq!(without(&nets(&["::/0"]), &nets(&["8000::/1"])), nets(&["::/1"]));
    assert_eq!(compact(&[]), []);
}

#[test]
fn a_prefix_has_a_sibling_for_each_of_its_bits() {
    assert_eq!(
        siblings(net("10.0.0.0/8")).collect::<Vec<_>>(),
        nets(&[
            "11.0.0.0/8",
            "8.0.0.0/7",
            "12.0.0.0/6",
            "0.0.0.0/5",
            "16.0.0.0/4",
            "32.0.0.0/3",
            "64.0.0.0/2",
            "128.0.0.0/1",
        ])
    );
    assert_eq!(siblings(net("fd00::/128")).count(), 128);
    assert_eq!(siblings(net("0.0.0.0/0")).count(), 0);
}

#[test]
fn what_is_cut_out_of_a_block_leaves_a_prefix_for_each_bit() {
    let rest = rest_of(net("10.0.0.0/24"), net("10.0.0.64/26"));
    assert_eq!(rest, nets(&["10.0.0.0/26", "10.0.0.128/25"]));
    assert_eq!(rest_of(net("10.0.0.0/24"), net("10.0.0.0/24")), []);
    assert_eq!(first_in(net("10.0.0.0/24"), 26), Some(net("10.0.0.0/26")));
    assert_eq!(first_in(net("10.0.0.0/24"), 23), None);
}

#[test]
fn what_is_given_back_grows_together_with_its_siblings() {
    let free: BTreeSet<IpNet> =
        nets(&["10.0.0.0/26", "10.0.0.128/25", "10.0.4.0/24"]).into_iter().collect();
    let grown = grow(net("10.0.0.64/26"), |block| free.contains(block));
    assert_eq!(grown.block, net("10.0.0.0/24"));
    assert_eq!(grown.swallowed, nets(&["10.0.0.0/26", "10.0.0.128/25"]));
    let alone = grow(net("10.0.7.0/24"), |block| free.contains(block));
    assert_eq!(alone, Grown { block: net("10.0.7.0/24"), swallowed: Vec::new() });
}

/// A pool as the store keeps it, played through in memory.
struct Pool {
    prefixes: Vec<IpNet>,
    free: BTreeSet<IpNet>,
    given: Vec<IpNet>,
}

impl Pool {
    fn take(&mut self, block: IpNet, taken: IpNet) {
        assert!(self.free.remove(&block));
        self.free.extend(rest_of(block, taken));
        self.given.push(taken);
    }

    /// The smallest that is large enough, the first of these.
    fn take_any(&mut self, length: u8) -> bool {
        let large = self.free.iter().filter(|block| block.prefix_len() <= length);
        let best = large.min_by_key(|block| (128 - block.prefix_len(), block.network())).copied();
        let Some(block) = best else { return false };
        self.take(block, first_in(block, length).unwrap());
        true
    }

    fn take_this(&mut self, prefix: IpNet) -> bool {
        let Some(block) = around(prefix).find(|block| self.free.contains(block)) else {
            return false;
        };
        self.take(block, prefix);
        true
    }

    fn give_back(&mut self, place: usize) {
        if self.given.is_empty() {
            return;
        }
        let prefix = self.given.swap_remove(place % self.given.len());
        let grown = grow(prefix, |block| self.free.contains(block));
        for block in &grown.swallowed {
            assert!(self.free.remove(block));
        }
        self.free.insert(grown.block);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Any(u8),
    This(u8, u8),
    Back(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (24u8..=30).prop_map(Step::Any),
        (any::<u8>(), 24u8..=30).prop_map(|(host, length)| Step::This(host, length)),
        any::<usize>().prop_map(Step::Back),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn free_blocks_are_always_what_the_pool_has_not_given_out(steps in steps()) {
        let prefixes = nets(&["10.0.0.0/25", "10.0.0.192/26", "10.0.7.0/24"]);
        let free = prefixes.iter().copied().collect();
        let mut pool = Pool { prefixes, free, given: Vec::new() };
        for step in steps {
            match step {
                Step::Any(length) => {
                    let free: Vec<IpNet> = without(&pool.prefixes, &pool.given);
                    let could = free.iter().any(|block| block.prefix_len() <= length);
                    prop_assert_eq!(pool.take_any(length), could);
                }
                Step::This(host, length) => {
                    let prefix = net(&format!("10.0.0.{host}/{length}")).trunc();
                    let inside = pool.prefixes.iter().any(|held| held.contains(&prefix));
                    let could = inside && !any_meet(&pool.given, &[prefix]);
                    prop_assert_eq!(pool.take_this(prefix), could);
                }
                Step::Back(place) => pool.give_back(place),
            }
            for (place, one) in pool.given.iter().enumerate() {
                prop_assert!(!any_meet(&[*one], &pool.given[place + 1..]));
            }
            let free: BTreeSet<IpNet> = without(&pool.prefixes, &pool.given).into_iter().collect();
            prop_assert_eq!(&free, &pool.free);
        }
    }
}
