//! What went by, and what went wrong, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since the client was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Snapshots received: connections that were of use.
    pub connected: u64,
    /// Attempts to connect that failed.
    pub connect_failed: u64,
    /// Connections lost.
    pub lost: u64,
    /// Times that the server sent something malformed: no JSON, too long, too deep, of a wrong
    /// type.
    pub malformed: u64,
    /// Well-formed messages that nobody waited for; late answers, most of all.
    pub unexpected: u64,
    pub bytes_received: u64,
    pub messages_received: u64,
    pub transactions: u64,
    /// Transactions that the server refused.
    pub transactions_failed: u64,
    /// Transactions taken back because nobody waited for them any more.
    pub transactions_cancelled: u64,
    /// Batches of changes that were merged because the reader of events was slow.
    pub batches_merged: u64,
}

#[derive(Debug, Default)]
pub(super) struct SharedCounters {
    pub(super) connected: AtomicU64,
    pub(super) connect_failed: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) unexpected: AtomicU64,
    pub(super) bytes_received: AtomicU64,
    pub(super) messages_received: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) transactions_failed: AtomicU64,
    pub(super) transactions_cancelled: AtomicU64,
    pub(super) batches_merged: AtomicU64,
}

impl SharedCounters {
    pub(super) fn read(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            connected: read(&self.connected),
            connect_failed: read(&self.connect_failed),
            lost: read(&self.lost),
            malformed: read(&self.malformed),
            unexpected: read(&self.unexpected),
            bytes_received: read(&self.bytes_received),
            messages_received: read(&self.messages_received),
            transactions: read(&self.transactions),
            transactions_failed: read(&self.transactions_failed),
            transactions_cancelled: read(&self.transactions_cancelled),
            batches_merged: read(&self.batches_merged),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
