//! Which rows, and how their columns change.

use serde_json::{Value, json};

use crate::value::{Atom, Datum};

/// `[<column>, <function>, <value>]` (RFC 7047 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub column: String,
    pub function: Function,
    pub value: Datum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// The column holds every element of the value.
    Includes,
    /// The column holds no element of the value.
    Excludes,
}

/// `[<column>, <mutator>, <value>]` (RFC 7047 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    pub column: String,
    pub mutator: Mutator,
    pub value: Datum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutator {
    Add,
    Insert,
    Delete,
}

impl Condition {
    pub fn new(column: &str, function: Function, value: impl Into<Datum>) -> Self {
        Self { column: column.to_owned(), function, value: value.into() }
    }

    /// The one row of this UUID, or of this name in the same transaction.
    pub fn uuid(row: impl Into<Atom>) -> Self {
        Self::new("_uuid", Function::Equal, row.into())
    }

    pub fn equal(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::Equal, value)
    }

    pub fn not_equal(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::NotEqual, value)
    }

    pub fn includes(column: &str, value: impl Into<Datum>) -> Self {
        Self::new(column, Function::Includes, value)
    }

    pub(super) fn to_json(&self) -> Value {
        json!([self.column, self.function.symbol(), self.value.to_json()])
    }
}

impl Function {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Includes => "includes",
            Self::Excludes => "excludes",
        }
    }
}

impl Mutation {
    /// Adds elements to a set, or pairs to a map. A key that the map has keeps its value.
    pub fn insert(column: &str, value: impl Into<Datum>) -> Self {
        Self { column: column.to_owned(), mutator: Mutator::Insert, value: value.into() }
    }

    /// Takes elements out of a set; out of a map, the keys of a set or the exact pairs of a map.
    pub fn delete(column: &str, value: impl Into<Datum>) -> Self {
        Self { column: column.to_owned(), mutator: Mutator::Delete, value: value.into() }
    }

    /// Adds to an integer.
    pub fn add(column: &str, value: i64) -> Self {
        Self { column: column.to_owned(), mutator: Mutator::Add, value: value.into() }
    }

    pub(super) fn to_json(&self) -> Value {
        let symbol = match self.mutator {
            Mutator::Add => "+=",
            Mutator::Insert => "insert",
            Mutator::Delete => "delete",
        };
        json!([self.column, symbol, self.value.to_json()])
    }
}
