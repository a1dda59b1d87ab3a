//! Events on their way to a reader who may be slow.
//!
//! The task never waits for the reader: the reader may be waiting for the answer to a transaction,
//! which only the task can bring. What is not taken is merged instead, row by row, so that at most
//! the difference between two states waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::error::Disconnect;
use crate::snapshot::{Change, Snapshot};

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// There is a connection, and this is all that is known. Whatever was known before is void.
    Connected(Snapshot),
    /// What changed since the last event, each row at most once.
    Changed(Vec<Change>),
    /// There is no connection, or the first attempt failed. Told once; attempts go on.
    Disconnected(Arc<Disconnect>),
}

/// The reader's end.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Event>,
}

impl Events {
    /// The next event, or `None` when the client is stopped. Cancelling it loses nothing.
    pub async fn recv(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}

pub(super) fn channel() -> (mpsc::Sender<Event>, Events) {
    // One event in the channel, the rest merged in the outbox.
    let (sender, receiver) = mpsc::channel(1);
    (sender, Events { receiver })
}

/// What the channel had no room for yet. At most three events: changes, a loss, a new snapshot with
/// its changes folded in.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Event>,
}

/// Whether an event waits by itself or went into one that waited.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Alone,
    Merged,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.waiting.pop_front()
    }

    pub(super) fn push(&mut self, event: Event) -> Pushed {
        match (event, self.waiting.back_mut()) {
            (Event::Changed(changes), _) if changes.is_empty() => return Pushed::Merged,
            (Event::Changed(changes), Some(Event::Connected(snapshot))) => {
                snapshot.apply(&changes);
                return Pushed::Merged;
            }
            (Event::Changed(changes), Some(Event::Changed(waiting))) => {
                merge(waiting, changes);
                if waiting.is_empty() {
                    self.waiting.pop_back();
                }
                return Pushed::Merged;
            }
            // A snapshot that nobody saw is void with its connection.
            (event @ Event::Disconnected(_), Some(Event::Connected(_))) => {
                self.waiting.pop_back();
                if !matches!(self.waiting.back(), Some(Event::Disconnected(_))) {
                    self.waiting.push_back(event);
                }
            }
            (event @ Event::Connected(_), _) => {
                self.waiting.retain(|waiting| matches!(waiting, Event::Disconnected(_)));
                self.waiting.push_back(event);
            }
            (event, _) => self.waiting.push_back(event),
        }
        Pushed::Alone
    }
}

/// Adds later changes to earlier ones, so that each row comes once.
fn merge(earlier: &mut Vec<Change>, later: Vec<Change>) {
    let mut merged: BTreeMap<(Arc<str>, Uuid), Change> = BTreeMap::new();
    for change in std::mem::take(earlier).into_iter().chain(later) {
        let key = (Arc::clone(&change.table), change.uuid);
        let change = match merged.remove(&key) {
            Some(first) => first.then(change),
            None => Some(change),
        };
        if let Some(change) = change {
            merged.insert(key, change);
        }
    }
    earlier.extend(merged.into_values());
}

#[cfg(test)]
mod tests;
