//! What came of each operation.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::row::Row;
use crate::schema::Schema;
use crate::value::{Datum, ValueError, excerpt, uuid};

/// The result of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpResult {
    /// The UUID of the row just inserted.
    Inserted(Uuid),
    /// How many rows an update, mutate or delete met.
    Count(u64),
    Rows(Vec<Row>),
    /// Of operations that have nothing to tell: wait, comment, commit.
    Done,
}

/// An operation that failed, and with it the whole transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationError {
    /// Counted from 0. One more than the last operation when the commit itself failed.
    pub index: usize,
    pub verb: &'static str,
    pub table: Option<Arc<str>>,
    pub code: ErrorCode,
    pub details: String,
}

/// `<error>` (RFC 7047 section 3.1, and the operations of 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    ConstraintViolation,
    ReferentialIntegrityViolation,
    ResourcesExhausted,
    IoError,
    DomainError,
    RangeError,
    TimedOut,
    NotSupported,
    Aborted,
    NotOwner,
    NotAllowed,
    SyntaxError,
    Other(String),
}

/// An answer to `transact` that does not fit the question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    #[error("{found} instead of a list of at least {expected} results")]
    Length { expected: usize, found: String },
    #[error("operation {index} ({verb}) was answered by {found}")]
    Result { index: usize, verb: &'static str, found: String },
    #[error("the switch's root row was not selected")]
    NoNextCfg,
    #[error("column {column} of a row that operation {index} selected")]
    Value { index: usize, column: String, source: ValueError },
}

/// What must be remembered of an operation to read its result.
#[derive(Debug, Clone)]
pub(crate) struct OperationKind {
    pub(super) verb: &'static str,
    pub(super) table: Option<Arc<str>>,
}

/// Reads the result of `transact`: one for each operation, or the error of one of them.
pub(crate) fn results(
    kinds: &[OperationKind],
    json: Value,
    schema: &Schema,
) -> Result<Result<Vec<OpResult>, OperationError>, ReplyError> {
    let Value::Array(mut answers) = json else {
        return Err(ReplyError::Length { expected: kinds.len(), found: excerpt(&json) });
    };
    if let Some(error) = first_error(kinds, &answers) {
        return Ok(Err(error));
    }
    if answers.len() < kinds.len() {
        let found = format!("{} results", answers.len());
        return Err(ReplyError::Length { expected: kinds.len(), found });
    }
    answers.truncate(kinds.len());
    let one = |(index, (kind, answer)): (usize, (&OperationKind, Value))| {
        result(index, kind, answer, schema)
    };
    kinds.iter().zip(answers).enumerate().map(one).collect::<Result<Vec<_>, _>>().map(Ok)
}

fn first_error(kinds: &[OperationKind], answers: &[Value]) -> Option<OperationError> {
    answers.iter().enumerate().find_map(|(index, answer)| {
        let code = ErrorCode::parse(answer.get("error")?.as_str()?);
        let kind = kinds.get(index);
        Some(OperationError {
            index,
            verb: kind.map_or("commit", |kind| kind.verb),
            table: kind.and_then(|kind| kind.table.clone()),
            code,
            details: answer.get("details").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    })
}

fn result(
    index: usize,
    kind: &OperationKind,
    mut answer: Value,
    schema: &Schema,
) -> Result<OpResult, ReplyError> {
    let wrong =
        |answer: &Value| ReplyError::Result { index, verb: kind.verb, found: excerpt(answer) };
    match kind.verb {
        "insert" => {
            answer.get("uuid").and_then(uuid).map(OpResult::Inserted).ok_or_else(|| wrong(&answer))
        }
        "update" | "mutate" | "delete" => answer
            .get("count")
            .and_then(Value::as_u64)
            .map(OpResult::Count)
            .ok_or_else(|| wrong(&answer)),
        "select" => match answer.get_mut("rows").map(Value::take) {
            Some(Value::Array(rows)) => rows
                .into_iter()
                .map(|json| selected(index, kind, json, schema))
                .collect::<Result<_, _>>()
                .map(OpResult::Rows),
            _ => Err(wrong(&answer)),
        },
        _ => Ok(OpResult::Done),
    }
}

fn selected(
    index: usize,
    kind: &OperationKind,
    json: Value,
    schema: &Schema,
) -> Result<Row, ReplyError> {
    let wrong = |found: String| ReplyError::Result { index, verb: kind.verb, found };
    let Value::Object(columns) = json else { return Err(wrong(excerpt(&json))) };
    let table = kind.table.as_deref().and_then(|table| schema.table(table));
    let mut row = Row::new();
    for (column, json) in columns {
        let Some((name, kind)) = table.and_then(|table| table.entry(&column)) else {
            return Err(wrong(column));
        };
        let datum = Datum::from_json(json, kind).map_err(|source| ReplyError::Value {
            index,
            column,
            source,
        })?;
        row.set(Arc::clone(name), datum);
    }
    Ok(row)
}

impl ErrorCode {
    const NAMES: [(&'static str, Self); 12] = [
        ("constraint violation", Self::ConstraintViolation),
        ("referential integrity violation", Self::ReferentialIntegrityViolation),
        ("resources exhausted", Self::ResourcesExhausted),
        ("I/O error", Self::IoError),
        ("domain error", Self::DomainError),
        ("range error", Self::RangeError),
        ("timed out", Self::TimedOut),
        ("not supported", Self::NotSupported),
        ("aborted", Self::Aborted),
        ("not owner", Self::NotOwner),
        ("not allowed", Self::NotAllowed),
        ("syntax error", Self::SyntaxError),
    ];

    fn parse(name: &str) -> Self {
        let known = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(_, code)| code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Other(name) = self {
            return f.write_str(name);
        }
        let known = Self::NAMES.into_iter().find(|(_, code)| code == self);
        f.write_str(known.map_or("unknown error", |(name, _)| name))
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {} ({}", self.index, self.verb)?;
        if let Some(table) = &self.table {
            write!(f, " {table}")?;
        }
        write!(f, ") failed: {}: {}", self.code, self.details)
    }
}

impl std::error::Error for OperationError {}
