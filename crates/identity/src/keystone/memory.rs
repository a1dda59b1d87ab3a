//! What Keystone has said of tokens lately.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nucleon_obs::Clock;

use super::answer::Validated;
use crate::cache::{Bounds, Cache};
use crate::secret::Digest;

/// Good tokens that are known at once, some 1,000 bytes each.
const GOOD: Bounds = Bounds { entries: 50_000, bytes: 64 * 1024 * 1024 };

/// Bad tokens, apart from the good ones: who sends many must not push those out.
const BAD: Bounds = Bounds { entries: 10_000, bytes: 4 * 1024 * 1024 };

/// How long a bad token is refused without asking: long enough against a client that insists, short enough for a
/// Keystone whose databases are not in step yet.
const BAD_FOR: Duration = Duration::from_secs(5);

/// Good and bad tokens, by their digests.
#[derive(Debug)]
pub(super) struct Memory {
    /// `None` to forget at once.
    cache_time: Option<Duration>,
    good: Mutex<Cache<Validated>>,
    bad: Mutex<Cache<()>>,
    clock: Clock,
}

/// What is known of a token.
#[derive(Debug)]
pub(super) enum Recalled {
    Good(Validated),
    Bad,
    Nothing,
}

impl Memory {
    pub(super) fn new(cache_time: Option<Duration>, clock: Clock) -> Self {
        let (good, bad) = (Mutex::new(Cache::new(GOOD)), Mutex::new(Cache::new(BAD)));
        Self { cache_time, good, bad, clock }
    }

    pub(super) fn recall(&self, key: &Digest) -> Recalled {
        let now = self.clock.mono();
        if let Some(good) = lock(&self.good).get(key, now) {
            return Recalled::Good(good);
        }
        match lock(&self.bad).get(key, now) {
            Some(()) => Recalled::Bad,
            None => Recalled::Nothing,
        }
    }

    pub(super) fn keep(&self, key: Digest, validated: Option<&Validated>) {
        let Some(cache_time) = self.cache_time else { return };
        let now = self.clock.mono();
        match validated {
            Some(good) => {
                let (until, weight) = (now + cache_time, good.weight());
                lock(&self.good).put(key, good.clone(), weight, until, now);
            }
            None => lock(&self.bad).put(key, (), 0, now + BAD_FOR.min(cache_time), now),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change of a cache is whole before anything in it can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
