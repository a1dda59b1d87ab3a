//! A row: columns by name, read by type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::value::{Atom, Datum};

/// Some columns of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    columns: BTreeMap<Arc<str>, Datum>,
}

/// A column that does not hold what its reader wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    #[error("column {column} was not asked for")]
    Absent { column: String },
    #[error("column {column} holds {found}, which is no {expected}")]
    Type { column: String, expected: &'static str, found: String },
}

impl Row {
    pub const fn new() -> Self {
        Self { columns: BTreeMap::new() }
    }

    /// This row with one more column.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Datum>) -> Self {
        self.set(Arc::from(column), value.into());
        self
    }

    pub fn set(&mut self, column: Arc<str>, value: Datum) {
        self.columns.insert(column, value);
    }

    pub fn get(&self, column: &str) -> Option<&Datum> {
        self.columns.get(column)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Datum)> {
        self.columns.iter().map(|(column, datum)| (&**column, datum))
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn to_json(&self) -> Value {
        let columns =
            self.columns.iter().map(|(column, datum)| (column.to_string(), datum.to_json()));
        Value::Object(columns.collect::<Map<_, _>>())
    }

    pub fn string(&self, column: &str) -> Result<&str, RowError> {
        self.optional_string(column)?.ok_or_else(|| self.mistyped(column, "string"))
    }

    pub fn optional_string(&self, column: &str) -> Result<Option<&str>, RowError> {
        match self.optional(column, "string")? {
            None => Ok(None),
            Some(Atom::String(value)) => Ok(Some(value)),
            Some(_) => Err(self.mistyped(column, "string")),
        }
    }

    pub fn integer(&self, column: &str) -> Result<i64, RowError> {
        self.optional_integer(column)?.ok_or_else(|| self.mistyped(column, "integer"))
    }

    pub fn optional_integer(&self, column: &str) -> Result<Option<i64>, RowError> {
        match self.optional(column, "integer")? {
            None => Ok(None),
            Some(Atom::Integer(value)) => Ok(Some(*value)),
            Some(_) => Err(self.mistyped(column, "integer")),
        }
    }

    pub fn boolean(&self, column: &str) -> Result<bool, RowError> {
        match self.optional(column, "boolean")? {
            Some(Atom::Boolean(value)) => Ok(*value),
            _ => Err(self.mistyped(column, "boolean")),
        }
    }

    pub fn integers(&self, column: &str) -> Result<BTreeSet<i64>, RowError> {
        self.elements(column, "set of integers", |atom| match atom {
            Atom::Integer(value) => Some(*value),
            _ => None,
        })
    }

    pub fn strings(&self, column: &str) -> Result<BTreeSet<String>, RowError> {
        self.elements(column, "set of strings", |atom| match atom {
            Atom::String(value) => Some(value.clone()),
            _ => None,
        })
    }

    pub fn uuids(&self, column: &str) -> Result<BTreeSet<Uuid>, RowError> {
        self.elements(column, "set of UUIDs", |atom| match atom {
            Atom::Uuid(value) => Some(*value),
            _ => None,
        })
    }

    pub fn string_map(&self, column: &str) -> Result<BTreeMap<String, String>, RowError> {
        let wrong = || self.mistyped(column, "map of strings");
        let Datum::Map(pairs) = self.present(column)? else { return Err(wrong()) };
        pairs
            .iter()
            .map(|pair| match pair {
                (Atom::String(key), Atom::String(value)) => Ok((key.clone(), value.clone())),
                _ => Err(wrong()),
            })
            .collect()
    }

    fn present(&self, column: &str) -> Result<&Datum, RowError> {
        self.get(column).ok_or_else(|| RowError::Absent { column: column.to_owned() })
    }

    fn optional(&self, column: &str, expected: &'static str) -> Result<Option<&Atom>, RowError> {
        match self.present(column)? {
            Datum::Set(atoms) if atoms.len() <= 1 => Ok(atoms.first()),
            _ => Err(self.mistyped(column, expected)),
        }
    }

    fn elements<T: Ord>(
        &self,
        column: &str,
        expected: &'static str,
        read: impl Fn(&Atom) -> Option<T>,
    ) -> Result<BTreeSet<T>, RowError> {
        let Datum::Set(atoms) = self.present(column)? else {
            return Err(self.mistyped(column, expected));
        };
        atoms.iter().map(|atom| read(atom).ok_or_else(|| self.mistyped(column, expected))).collect()
    }

    /// The error for a column that is there but is not `expected`.
    pub(crate) fn mistyped(&self, column: &str, expected: &'static str) -> RowError {
        let found = self.get(column).map(|datum| crate::value::excerpt(&datum.to_json()));
        RowError::Type { column: column.to_owned(), expected, found: found.unwrap_or_default() }
    }
}

impl FromIterator<(Arc<str>, Datum)> for Row {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Datum)>>(columns: I) -> Self {
        Self { columns: columns.into_iter().collect() }
    }
}
