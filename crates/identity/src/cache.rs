//! What is known of secrets for a while.

use std::collections::{HashMap, VecDeque};

use nucleon_obs::Mono;

use crate::secret::Digest;

/// The most that is kept. What came first goes first: all entries hold equally long, so it is also the oldest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// Values by the digests of secrets, each for its time.
#[derive(Debug)]
pub(crate) struct Cache<V> {
    bounds: Bounds,
    entries: HashMap<Digest, Entry<V>>,
    /// In the order of their coming, with those that were replaced since.
    order: VecDeque<(Digest, u64)>,
    coming: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    until: Mono,
    weight: usize,
    coming: u64,
}

/// What an entry takes beside its value.
const OVERHEAD: usize = 128;

impl<V: Clone> Cache<V> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (entries, order) = (HashMap::new(), VecDeque::new());
        Self { bounds, entries, order, coming: 0, bytes: 0 }
    }

    pub(crate) fn get(&self, key: &Digest, now: Mono) -> Option<V> {
        self.entries.get(key).filter(|entry| now < entry.until).map(|entry| entry.value.clone())
    }

    /// Keeps a value that weighs so many bytes until then, in place of what was known before.
    pub(crate) fn put(&mut self, key: Digest, value: V, weight: usize, until: Mono, now: Mono) {
        if let Some(former) = self.entries.remove(&key) {
            self.bytes = self.bytes.saturating_sub(former.weight);
        }
        let weight = weight + OVERHEAD;
        if weight > self.bounds.bytes {
            return;
        }
        self.coming += 1;
        let coming = self.coming;
        self.entries.insert(key, Entry { value, until, weight, coming });
        self.bytes += weight;
        self.order.push_back((key, coming));
        self.trim(now);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.bounds);
    }

    /// Drops from the front what is over, too much, or was replaced.
    fn trim(&mut self, now: Mono) {
        while let Some((key, coming)) = self.order.front() {
            let current = self.entries.get(key).filter(|entry| entry.coming == *coming);
            let full = self.entries.len() > self.bounds.entries || self.bytes > self.bounds.bytes;
            if current.is_some_and(|entry| now < entry.until) && !full {
                return;
            }
            if let Some(entry) = current {
                self.bytes = self.bytes.saturating_sub(entry.weight);
                self.entries.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nucleon_obs::Clock;

    use super::*;

    fn key(name: &str) -> Digest {
        Digest::of(&[name.as_bytes()])
    }

    fn cache(entries: usize, bytes: usize) -> Cache<u32> {
        Cache::new(Bounds { entries, bytes })
    }

    #[test]
    fn an_entry_holds_until_its_time_and_not_a_moment_longer() {
        let clock = Clock::fake();
        let mut cache = cache(10, 10_000);
        let now = clock.mono();
        cache.put(key("a"), 1, 0, now + Duration::from_secs(5), now);
        clock.advance(Duration::from_millis(4999));
        assert_eq!(cache.get(&key("a"), clock.mono()), Some(1));
        clock.advance(Duration::from_millis(1));
        assert_eq!(cache.get(&key("a"), clock.mono()), None);
    }

    #[test]
    fn neither_entries_nor_bytes_grow_past_their_bounds() {
        let now = Clock::fake().mono();
        let until = now + Duration::from_secs(5);
        let mut few = cache(3, usize::MAX);
        for n in 0..100 {
            few.put(key(&n.to_string()), n, 0, until, now);
        }
        assert_eq!((few.entries.len(), few.order.len()), (3, 3));
        assert_eq!(few.get(&key("99"), now), Some(99));
        assert_eq!(few.get(&key("96"), now), None);

        let mut light = cache(usize::MAX, 10_000);
        for n in 0..100 {
            light.put(key(&n.to_string()), n, 1000, until, now);
        }
        assert!(light.bytes <= 10_000 && light.entries.len() == 10_000 / (1000 + OVERHEAD));
        let kept = light.entries.len();
        light.put(key("heavy"), 0, 20_000, until, now);
        assert_eq!(light.entries.len(), kept, "one that is too heavy by itself is not kept");
    }

    #[test]
    fn one_token_asked_about_again_and_again_takes_one_place() {
        let clock = Clock::fake();
        let mut cache = cache(10, 10_000);
        for n in 0..100 {
            let now = clock.mono();
            cache.put(key("a"), n, 10, now + Duration::from_secs(5), now);
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!((cache.entries.len(), cache.bytes), (1, 10 + OVERHEAD));
        assert!(cache.order.len() <= 6, "{}", cache.order.len());
        cache.clear();
        assert_eq!((cache.bytes, cache.get(&key("a"), clock.mono())), (0, None));
    }
}
