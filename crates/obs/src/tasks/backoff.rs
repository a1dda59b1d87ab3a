//! Pauses between attempts.

use std::time::Duration;

use crate::Random;

/// Pauses that double from `first` to `longest`, each jittered, so that many that fail together do
/// not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    random: Random,
    next: Duration,
}

impl Backoff {
    pub fn new(first: Duration, longest: Duration, random: Random) -> Self {
        Self { first, longest, random, next: first }
    }

    /// The pause before the next attempt.
    pub fn pause(&mut self) -> Duration {
        let pause = self.random.jitter(self.next).min(self.longest);
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause
    }

    /// An attempt did well: the next pause is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    pub(crate) fn longest(&self) -> Duration {
        self.longest
    }
}

impl Default for Backoff {
    /// From a fifth of a second to half a minute.
    fn default() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(30), Random::system())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_start_over_after_success() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, longest, Random::seeded(1));
        let pauses: Vec<_> = (0..12).map(|_| backoff.pause()).collect();
        assert!(pauses.iter().all(|pause| *pause >= first / 2 && *pause <= longest), "{pauses:?}");
        assert!(pauses.iter().skip(8).all(|pause| *pause >= longest / 2), "{pauses:?}");
        backoff.reset();
        assert!(backoff.pause() <= first * 3 / 2);
    }
}
