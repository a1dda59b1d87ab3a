//! Chance as a value that is handed down.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// A cheap handle to random numbers: the machine's, or a repeatable sequence for tests.
#[derive(Debug, Clone)]
pub struct Random(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The same seed gives the same numbers; clones share one sequence.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// Runs `use_it` with the generator, for whatever takes one.
    pub fn with<T>(&self, use_it: impl FnOnce(&mut dyn RngCore) -> T) -> T {
        match &self.0 {
            Source::System => use_it(&mut rand::rng()),
            // A generator is in order after any panic of its user.
            Source::Seeded(rng) => use_it(&mut *rng.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    pub fn next_u64(&self) -> u64 {
        self.with(|rng| rng.next_u64())
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.with(|rng| rng.fill_bytes(&mut bytes));
        bytes
    }

    /// A number below `bound`, each equally likely; zero when `bound` is zero.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.with(|rng| rng.random_range(0..bound)) }
    }

    /// Between half of `around` and one and a half of it: periods that must not beat in step.
    pub fn jitter(&self, around: Duration) -> Duration {
        around.mul_f64(0.5 + self.with(|rng| rng.random::<f64>()))
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_another_does_not() {
        let draw = |seed| {
            let random = Random::seeded(seed);
            (random.next_u64(), random.bytes::<16>(), random.below(1000))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let random = Random::seeded(3);
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn jitter_stays_within_half_and_one_and_a_half() {
        let random = Random::system();
        let second = Duration::from_secs(1);
        for _ in 0..1000 {
            let pause = random.jitter(second);
            assert!(pause >= second / 2 && pause <= second * 3 / 2, "{pause:?}");
        }
    }
}
