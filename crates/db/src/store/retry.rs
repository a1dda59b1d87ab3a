//! The one place where a transaction is run again.

use std::time::Duration;

use rand::Rng;

use crate::error::{Error, Result, RetryReason};
use crate::store::Shared;

/// How often, and after which pause, a transaction is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// The first pause is at most this long; each further one at most twice the one before.
    pub base: Duration,
    /// No pause is longer.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 40, base: Duration::from_millis(2), cap: Duration::from_millis(100) }
    }
}

/// A broken connection is often one of many, all broken by the same restart: of as many as the server opens for a purpose
/// (32 at most), and one more; but not for forty attempts.
const BROKEN_CONNECTIONS: u32 = 33;

impl RetryPolicy {
    /// The longest pause after so many failed attempts.
    fn ceiling(&self, failed: u32) -> Duration {
        self.base.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.cap)
    }

    /// A random pause below the ceiling: those who collided do not meet again.
    fn pause(&self, failed: u32) -> Duration {
        self.ceiling(failed).mul_f64(rand::rng().random_range(0.0..1.0))
    }
}

/// Runs attempts until one ends with anything but [`Error::Retry`].
pub(crate) async fn run<T, F, Attempt>(
    shared: &Shared,
    label: &'static str,
    mut attempt: F,
) -> Result<T>
where
    F: FnMut() -> Attempt,
    Attempt: Future<Output = Result<T>>,
{
    let policy = shared.options.retry;
    let mut broken = 0;
    for failed in 1.. {
        let error = match attempt().await {
            Err(error @ Error::Retry { .. }) => error,
            outcome => return outcome,
        };
        let Some(reason) = error.retry_reason() else { return Err(error) };
        broken += u32::from(reason == RetryReason::Connection);
        if failed >= policy.attempts || broken >= BROKEN_CONNECTIONS {
            shared.stats.add_given_up(1);
            return Err(match error {
                Error::Retry { reason: RetryReason::Connection, detail } => Error::Down { detail },
                other => other,
            });
        }
        shared.stats.add_retry(reason);
        tracing::debug!(label, attempt = failed, %reason, "transaction is run again");
        tokio::time::sleep(policy.pause(failed)).await;
    }
    Err(Error::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap() {
        let policy = RetryPolicy::default();
        let millis: Vec<_> = [1, 2, 3, 6, 7, 40].map(|n| policy.ceiling(n).as_millis()).into();
        assert_eq!(millis, [2, 4, 8, 64, 100, 100]);
    }

    #[test]
    fn a_pause_is_below_its_ceiling() {
        let policy = RetryPolicy::default();
        for failed in 1..50 {
            assert!(policy.pause(failed) <= policy.ceiling(failed));
        }
    }
}
