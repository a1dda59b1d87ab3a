//! The journal: every committed change, in one order for every reader.
//!
//! | table | what it holds |
//! |---|---|
//! | `outbox` | changes that are committed and have no place yet (not on SQLite) |
//! | `sequencer` | one row: the next place; whoever holds its lock gives places |
//! | `journal` | the changes, by place |
//! | `journal_scope` | the places that touch a scope |
//! | `epoch` | one row: which life of the database this is, and up to where the journal was pruned |
//! | `cursor_position` | how far named consumers have come |
//!
//! Places have no gaps. Within a batch their order is not causal: a consumer reads the current state, and per object
//! the revision orders.

pub(crate) mod append;
pub(crate) mod outbox;
mod prune;
pub(crate) mod publish;
mod read;
pub(crate) mod sequence;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

pub use crate::journal::prune::Keep;
pub use crate::journal::read::After;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Create,
    Update,
    Delete,
}

/// A change, as the transaction that makes it tells it. It carries no body: readers look at the current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The resource: `port`, `network`, …
    pub kind: Cow<'static, str>,
    pub id: String,
    pub operation: Operation,
    pub revision: i64,
    /// The request that caused it, as it stands in the logs.
    pub request: Option<String>,
    /// All that the object touches before and after: `host:H1`, `network:…`.
    pub scopes: Vec<String>,
}

/// A change that has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    /// The write that made it.
    pub tx: Uuid,
    /// When that write was made and when it got its place, in microseconds since 1970.
    pub made_at: i64,
    pub sequenced_at: i64,
    pub change: Change,
}

/// How far a reader has come, in which life of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    pub epoch: Uuid,
    pub seq: i64,
}

/// What one commit has put into the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The place before the first entry's.
    pub previous: i64,
    pub entries: Vec<Entry>,
    /// The scopes that the entries touch.
    pub scopes: Vec<ScopeMark>,
}

/// A batch, as seen from one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeMark {
    pub scope: String,
    /// The scope's last place before the batch. Whoever follows the scope and stands there, or further, has missed
    /// nothing. (If the journal holds no older row of the scope: how far it was pruned.)
    pub previous: i64,
    /// Its places in the batch, ascending.
    pub seqs: Vec<i64>,
}

impl Batch {
    /// The place of the last entry.
    pub fn last(&self) -> i64 {
        self.entries.last().map_or(self.previous, |entry| entry.seq)
    }

    fn new(previous: i64, entries: Vec<Entry>) -> Self {
        let mut seqs: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for entry in &entries {
            for scope in &entry.change.scopes {
                seqs.entry(scope).or_default().push(entry.seq);
            }
        }
        let scopes = seqs
            .into_iter()
            .map(|(scope, seqs)| ScopeMark { scope: scope.to_owned(), previous: 0, seqs })
            .collect();
        Self { previous, entries, scopes }
    }
}

impl Operation {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Text that names no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an operation")]
pub struct InvalidOperation;

impl FromStr for Operation {
    type Err = InvalidOperation;

    fn from_str(text: &str) -> Result<Self, InvalidOperation> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|operation| operation.name() == text)
            .ok_or(InvalidOperation)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: i64, scopes: &[&str]) -> Entry {
        let change = Change {
            kind: "port".into(),
            id: seq.to_string(),
            operation: Operation::Update,
            revision: 1,
            request: None,
            scopes: scopes.iter().map(ToString::to_string).collect(),
        };
        Entry { seq, tx: Uuid::nil(), made_at: 0, sequenced_at: 0, change }
    }

    #[test]
    fn a_batch_knows_the_places_of_each_scope() {
        let batch = Batch::new(6, vec![entry(7, &["a", "b"]), entry(8, &["b"]), entry(9, &[])]);
        assert_eq!((batch.previous, batch.last()), (6, 9));
        let seqs: Vec<_> =
            batch.scopes.iter().map(|mark| (mark.scope.as_str(), mark.seqs.clone())).collect();
        assert_eq!(seqs, [("a", vec![7]), ("b", vec![7, 8])]);
    }

    #[test]
    fn operations_are_read_as_they_are_written() {
        for operation in [Operation::Create, Operation::Update, Operation::Delete] {
            assert_eq!(operation.to_string().parse(), Ok(operation));
        }
        assert_eq!("upsert".parse::<Operation>(), Err(InvalidOperation));
    }
}
