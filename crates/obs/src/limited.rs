//! Saying a thing once, however often it happens.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Clock, Mono};

/// Lets a message about the same thing through once in a period, and counts the others.
///
/// For repeated bad input: a peer that sends garbage a thousand times a second is worth one line in
/// the log. The number of keys is bounded, since keys come from outside; past the bound the
/// strangers share one allowance.
///
/// ```
/// # use std::time::Duration;
/// # use nucleon_obs::{Clock, Limited};
/// let limited = Limited::new(Clock::fake(), Duration::from_secs(60));
/// assert_eq!(limited.pass(&"10.0.0.1"), Some(0));
/// assert_eq!(limited.pass(&"10.0.0.1"), None);
/// ```
#[derive(Debug)]
pub struct Limited<K> {
    clock: Clock,
    period: Option<Duration>,
    most_keys: usize,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    keys: HashMap<K, Allowance>,
    strangers: Allowance,
    total: u64,
}

#[derive(Debug, Default)]
struct Allowance {
    said: Option<Mono>,
    held_back: u64,
}

impl<K: Eq + Hash + Clone> Limited<K> {
    const MOST_KEYS: usize = 1024;

    /// One message about a key in each `period`.
    pub fn new(clock: Clock, period: Duration) -> Self {
        Self::with_period(clock, Some(period))
    }

    /// One message about a key in the life of this value.
    pub fn once() -> Self {
        Self::with_period(Clock::system(), None)
    }

    #[must_use]
    pub fn most_keys(mut self, most_keys: usize) -> Self {
        self.most_keys = most_keys;
        self
    }

    /// Counts one event. `Some(n)`: say it, `n` like it were held back since the last time. `None`:
    /// stay quiet.
    pub fn pass(&self, key: &K) -> Option<u64> {
        let now = self.clock.mono();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.total += 1;
        if let Some(known) = state.keys.get_mut(key) {
            return known.pass(now, self.period);
        }
        if state.keys.len() >= self.most_keys
            && let Some(period) = self.period
        {
            state.keys.retain(|_, known| known.said.is_some_and(|said| now - said < period));
        }
        if state.keys.len() >= self.most_keys {
            return state.strangers.pass(now, self.period);
        }
        state.keys.entry(key.clone()).or_default().pass(now, self.period)
    }

    /// All events counted so far, said or not.
    pub fn total(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    fn with_period(clock: Clock, period: Option<Duration>) -> Self {
        let state = State { keys: HashMap::new(), strangers: Allowance::default(), total: 0 };
        Self { clock, period, most_keys: Self::MOST_KEYS, state: Mutex::new(state) }
    }
}

impl Allowance {
    fn pass(&mut self, now: Mono, period: Option<Duration>) -> Option<u64> {
        let quiet = self.said.is_some_and(|said| period.is_none_or(|period| now - said < period));
        if quiet {
            self.held_back += 1;
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_key_speaks_once_in_a_period_and_says_how_many_were_held_back() {
        let clock = Clock::fake();
        let limited = Limited::new(clock.clone(), MINUTE);
        let heard: Vec<_> = (0..4).map(|_| limited.pass(&"a")).collect();
        assert_eq!(heard, [Some(0), None, None, None]);
        clock.advance(MINUTE);
        assert_eq!(limited.pass(&"a"), Some(3));
        assert_eq!(limited.total(), 5);
    }

    #[test]
    fn keys_do_not_silence_each_other() {
        let limited = Limited::new(Clock::fake(), MINUTE);
        assert_eq!((limited.pass(&1), limited.pass(&2)), (Some(0), Some(0)));
    }

    #[test]
    fn once_means_once_however_long_it_lives() {
        let limited = Limited::once();
        let heard = (0..100).filter(|_| limited.pass(&"a").is_some()).count();
        assert_eq!(heard, 1);
    }

    #[test]
    fn invented_keys_do_not_grow_memory_or_flood_the_log() {
        let clock = Clock::fake();
        let limited = Limited::new(clock.clone(), MINUTE).most_keys(10);
        let heard = (0..1000).filter(|key| limited.pass(key).is_some()).count();
        assert_eq!(heard, 11);
        assert_eq!(limited.state.lock().unwrap().keys.len(), 10);
        clock.advance(MINUTE);
        assert_eq!(limited.pass(&5000), Some(0), "keys that fell silent make room");
    }
}
