//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// The shortest and the longest wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackoffLimits {
    pub first: Duration,
    pub longest: Duration,
}

/// Waits that double, each somewhere in the upper half of its span so that many clients of one
/// server spread out.
#[derive(Debug)]
pub(super) struct Backoff {
    limits: BackoffLimits,
    failures: u32,
}

impl Default for BackoffLimits {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(8) }
    }
}

impl Backoff {
    pub(super) const fn new(limits: BackoffLimits) -> Self {
        Self { limits, failures: 0 }
    }

    /// The wait after one more failure; `random` is any number.
    pub(super) fn next(&mut self, random: u32) -> Duration {
        let factor = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let half = self.limits.first.saturating_mul(factor).min(self.limits.longest) / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    /// A connection was up for `lifetime`. One that breaks at once is as good as none.
    pub(super) fn connected_for(&mut self, lifetime: Duration) {
        if lifetime >= self.limits.longest.min(self.limits.first * 10) {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BackoffLimits =
        BackoffLimits { first: Duration::from_millis(100), longest: Duration::from_secs(1) };

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(LIMITS);
        let waits: Vec<u128> = (0..6).map(|_| backoff.next(u32::MAX).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn chance_takes_off_at_most_half() {
        let mut backoff = Backoff::new(LIMITS);
        assert_eq!(backoff.next(0), Duration::from_millis(50));
        assert_eq!(backoff.next(0), Duration::from_millis(100));
    }

    #[test]
    fn a_long_row_of_failures_does_not_overflow() {
        let mut backoff = Backoff::new(LIMITS);
        for _ in 0..100 {
            assert!(backoff.next(u32::MAX) <= LIMITS.longest);
        }
    }

    #[test]
    fn only_a_connection_that_lasted_starts_over() {
        let mut backoff = Backoff::new(LIMITS);
        backoff.next(0);
        backoff.connected_for(Duration::from_millis(10));
        assert_eq!(backoff.next(0), Duration::from_millis(100));
        backoff.connected_for(Duration::from_secs(5));
        assert_eq!(backoff.next(0), Duration::from_millis(50));
    }
}
