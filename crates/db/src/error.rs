//! What can go wrong with a store, told apart by what the caller can do about it.

pub(crate) mod classify;

use std::fmt;
use std::sync::Arc;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a transaction has to be run again from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryReason {
    /// PostgreSQL 40001, MariaDB 1020: what was read has changed.
    Serialization,
    /// PostgreSQL 40P01, MariaDB 1213; also a transaction that lost Galera's certification.
    Deadlock,
    /// Galera had undone the transaction without telling; see `Tx::commit_write`.
    Undone,
    /// MariaDB 1205: a lock was not had in time.
    LockTimeout,
    /// SQLITE_BUSY: another process writes to the file.
    Busy,
    /// The connection was gone before anything was committed.
    Connection,
    /// The closure asked for it with [`Tx::retry`](crate::Tx::retry).
    Asked,
}

impl RetryReason {
    pub const ALL: [Self; 7] = [
        Self::Serialization,
        Self::Deadlock,
        Self::Undone,
        Self::LockTimeout,
        Self::Busy,
        Self::Connection,
        Self::Asked,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Serialization => "serialization",
            Self::Deadlock => "deadlock",
            Self::Undone => "undone",
            Self::LockTimeout => "lock-timeout",
            Self::Busy => "busy",
            Self::Connection => "connection",
            Self::Asked => "asked",
        }
    }
}

impl fmt::Display for RetryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure of the store. Cheap to clone: one failed commit answers many callers.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A unique key refused the row. The name is that of the index in the schema on all databases;
    /// a primary key is called `<table>_pkey`.
    #[error("the unique key {constraint} is violated")]
    Conflict { constraint: String },
    /// A foreign key refused the change. SQLite does not say which.
    #[error("a reference is violated ({})", constraint.as_deref().unwrap_or("unnamed"))]
    Reference { constraint: Option<String> },
    /// What a transaction wrote with [`Tx::later`](crate::Tx::later) was refused, by a key or a reference: another came
    /// before. Whoever runs into this gives up what it is at; the whole is to be done again.
    #[error("what was found changed before it was written: {refusal}")]
    Late { refusal: Box<Error> },
    /// The row is not at the revision that the caller has read, or is gone.
    #[error("{kind} {id} was changed meanwhile")]
    Stale { kind: &'static str, id: String },
    /// Run the transaction again. The store does so; a caller sees this when all attempts were used up,
    /// and inside a closure, where it is passed on.
    #[error("the transaction has to be run again ({reason}): {detail}")]
    #[non_exhaustive]
    Retry { reason: RetryReason, detail: String },
    /// The database cannot be reached or does not serve. Nothing was committed.
    #[error("the database does not serve: {detail}")]
    Down { detail: String },
    /// The connection broke while the commit was on its way: it may have happened.
    #[error("the outcome of {label:?} is not known: {detail}")]
    OutcomeUnknown { label: &'static str, detail: String },
    /// A statement failed before, so this transaction can only be given up (PostgreSQL's rule, kept on all).
    #[error("the transaction failed before: {first}")]
    Failed { first: Box<Error> },
    /// The closure of a write took too long, and was rolled back.
    #[error("{label:?} took longer than a transaction may")]
    TooLong { label: &'static str },
    /// The closure of a write panicked, and was rolled back.
    #[error("{label:?} panicked")]
    Panicked { label: &'static str },
    /// A write was tried in a read.
    #[error("a read cannot change anything")]
    ReadOnly,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// A column cannot be had as the type that was asked for.
    #[error("column {column} cannot be read")]
    Decode { column: String, source: Arc<sqlx::Error> },
    /// A column holds what this program has never written.
    #[error("column {column} is damaged: {problem}")]
    Damaged { column: String, problem: String },
    /// Any other refusal; a mistake in this program, or in the set-up of the database.
    #[error("the database refused {statement:?}")]
    Database { statement: String, source: Arc<sqlx::Error> },
}

impl Error {
    pub(crate) fn decode(column: String, source: sqlx::Error) -> Self {
        Self::Decode { column, source: Arc::new(source) }
    }

    pub(crate) fn retry(reason: RetryReason, detail: impl fmt::Display) -> Self {
        Self::Retry { reason, detail: detail.to_string() }
    }

    pub(crate) fn late(self) -> Self {
        match self {
            Self::Conflict { .. } | Self::Reference { .. } => {
                Self::Late { refusal: Box::new(self) }
            }
            other => other,
        }
    }

    /// Whether a new transaction may succeed where this one failed.
    pub fn retry_reason(&self) -> Option<RetryReason> {
        match self {
            Self::Retry { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// Whether this is a violation of the given unique key.
    pub fn is_conflict_on(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}
