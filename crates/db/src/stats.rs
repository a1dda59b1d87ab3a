//! What the store counts. The server shows it at `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RetryReason;

/// Counters since the store was opened.
#[derive(Debug, Default)]
pub struct Stats {
    commits: Counter,
    groups: Counter,
    statements: Counter,
    refused: Counter,
    retries: [Counter; RetryReason::ALL.len()],
    given_up: Counter,
    sequenced: Counter,
    batches: Counter,
    hints_dropped: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $add:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(&self) -> u64 {
                self.$name.get()
            }

            pub(crate) fn $add(&self, number: u64) {
                self.$name.add(number);
            }
        )*
    };
}

impl Stats {
    counters! {
        /// Writes that were committed.
        commits, add_commits;
        /// Commits of the database itself on SQLite; fewer than the writes, thanks to group commit.
        groups, add_groups;
        /// Statements of committed and refused writes.
        statements, add_statements;
        /// Writes that their closure refused.
        refused, add_refused;
        /// Writes that failed after all attempts.
        given_up, add_given_up;
        /// Journal rows that this server gave their place.
        sequenced, add_sequenced;
        /// Batches of such rows.
        batches, add_batches;
        /// Batches that were not announced because the publisher was behind.
        hints_dropped, add_hints_dropped;
    }

    /// Attempts that were run again for this reason.
    pub fn retries(&self, reason: RetryReason) -> u64 {
        self.retry_counter(reason).map_or(0, Counter::get)
    }

    pub(crate) fn add_retry(&self, reason: RetryReason) {
        if let Some(counter) = self.retry_counter(reason) {
            counter.add(1);
        }
    }

    fn retry_counter(&self, reason: RetryReason) -> Option<&Counter> {
        let place = RetryReason::ALL.iter().position(|known| *known == reason)?;
        self.retries.get(place)
    }
}
