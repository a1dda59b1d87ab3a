//! Transactions: operations that all happen or none (RFC 7047 section 5.2).

mod condition;
mod encode;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::row::Row;
use crate::value::NamedUuid;

pub use self::condition::{Condition, Function, Mutation, Mutator};
pub use self::encode::EncodeError;
pub use self::outcome::{ErrorCode, OpResult, OperationError, ReplyError};
pub(crate) use self::outcome::{OperationKind, results};

/// A list of operations, in order.
///
/// ```
/// use nucleon_ovsdb::{Condition, Mutation, Row, Transaction};
///
/// let mut transaction = Transaction::new();
/// let port = transaction.insert("Port", Row::new().with("name", "tap0"));
/// transaction.mutate(
///     "Bridge",
///     [Condition::equal("name", "br-int")],
///     [Mutation::insert("ports", port)],
/// );
/// assert_eq!(transaction.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    operations: Vec<Operation>,
}

/// One operation (RFC 7047 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    Insert {
        table: String,
        row: Row,
        name: NamedUuid,
    },
    Select {
        table: String,
        conditions: Vec<Condition>,
        columns: Vec<String>,
    },
    Update {
        table: String,
        conditions: Vec<Condition>,
        row: Row,
    },
    Mutate {
        table: String,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    },
    Delete {
        table: String,
        conditions: Vec<Condition>,
    },
    Wait {
        table: String,
        conditions: Vec<Condition>,
        until: Until,
        rows: Rows,
        timeout: Duration,
    },
    Comment {
        text: String,
    },
    /// Answer only when the transaction is on the disk.
    CommitDurably,
    Abort,
}

/// What a `wait` compares: these columns of the rows found with these rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Equal,
    NotEqual,
}

impl Transaction {
    pub const fn new() -> Self {
        Self { operations: Vec::new() }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn len(&self) -> usize {
        self.operations.len()
    }

    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Inserts a row; columns that it does not name get their defaults. What comes back stands for
    /// the row's UUID in the other operations of this transaction, and only there.
    pub fn insert(&mut self, table: &str, row: Row) -> NamedUuid {
        let index = u32::try_from(self.operations.len()).unwrap_or(u32::MAX);
        let name = NamedUuid(index);
        self.operations.push(Operation::Insert { table: table.to_owned(), row, name });
        name
    }

    /// Reads the columns of the rows that meet all conditions.
    pub fn select<'a>(
        &mut self,
        table: &str,
        conditions: impl IntoIterator<Item = Condition>,
        columns: impl IntoIterator<Item = &'a str>,
    ) {
        self.operations.push(Operation::Select {
            table: table.to_owned(),
            conditions: conditions.into_iter().collect(),
            columns: columns.into_iter().map(str::to_owned).collect(),
        });
    }

    /// Sets the columns of `row` in the rows that meet all conditions.
    pub fn update(
        &mut self,
        table: &str,
        conditions: impl IntoIterator<Item = Condition>,
        row: Row,
    ) {
        let conditions = conditions.into_iter().collect();
        self.operations.push(Operation::Update { table: table.to_owned(), conditions, row });
    }

    /// Changes sets, maps and numbers in place: two transactions that do so to one column do not
    /// lose each other's work.
    pub fn mutate(
        &mut self,
        table: &str,
        conditions: impl IntoIterator<Item = Condition>,
        mutations: impl IntoIterator<Item = Mutation>,
    ) {
        self.operations.push(Operation::Mutate {
            table: table.to_owned(),
            conditions: conditions.into_iter().collect(),
            mutations: mutations.into_iter().collect(),
        });
    }

    /// Deletes the rows that meet all conditions.
    pub fn delete(&mut self, table: &str, conditions: impl IntoIterator<Item = Condition>) {
        let conditions = conditions.into_iter().collect();
        self.operations.push(Operation::Delete { table: table.to_owned(), conditions });
    }

    /// Waits until the rows found are, or are not, these; fails the transaction with `timed out`
    /// after `timeout`.
    pub fn wait(
        &mut self,
        table: &str,
        conditions: impl IntoIterator<Item = Condition>,
        until: Until,
        rows: Rows,
        timeout: Duration,
    ) {
        let conditions = conditions.into_iter().collect();
        let table = table.to_owned();
        self.operations.push(Operation::Wait { table, conditions, until, rows, timeout });
    }

    /// Fails the transaction when the row is gone. Without it an insert that only this row would
    /// have referred to succeeds, and is collected as garbage at once (RFC 7047 section 3.2,
    /// `isRoot`).
    pub fn expect_row(&mut self, table: &str, uuid: Uuid) {
        let rows =
            Rows { columns: vec!["_uuid".to_owned()], rows: vec![Row::new().with("_uuid", uuid)] };
        self.wait(table, [Condition::uuid(uuid)], Until::Equal, rows, Duration::ZERO);
    }

    /// Leaves a text in the database's log.
    pub fn comment(&mut self, text: impl Into<String>) {
        self.operations.push(Operation::Comment { text: text.into() });
    }

    pub fn commit_durably(&mut self) {
        self.operations.push(Operation::CommitDurably);
    }

    pub fn abort(&mut self) {
        self.operations.push(Operation::Abort);
    }

    pub(crate) fn kinds(&self) -> Vec<OperationKind> {
        self.operations.iter().map(OperationKind::of).collect()
    }
}

impl Operation {
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Select { .. } => "select",
            Self::Update { .. } => "update",
            Self::Mutate { .. } => "mutate",
            Self::Delete { .. } => "delete",
            Self::Wait { .. } => "wait",
            Self::Comment { .. } => "comment",
            Self::CommitDurably => "commit",
            Self::Abort => "abort",
        }
    }

    pub fn table(&self) -> Option<&str> {
        match self {
            Self::Insert { table, .. }
            | Self::Select { table, .. }
            | Self::Update { table, .. }
            | Self::Mutate { table, .. }
            | Self::Delete { table, .. }
            | Self::Wait { table, .. } => Some(table),
            Self::Comment { .. } | Self::CommitDurably | Self::Abort => None,
        }
    }
}

impl OperationKind {
    fn of(operation: &Operation) -> Self {
        Self { verb: operation.verb(), table: operation.table().map(Arc::from) }
    }
}

#[cfg(test)]
mod tests;
