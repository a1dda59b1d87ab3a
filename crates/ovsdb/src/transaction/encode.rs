//! Transactions as JSON.

use serde_json::{Value, json};

use super::{Condition, Operation, Transaction, Until};
use crate::row::Row;
use crate::value::{Atom, Datum, NamedUuid};

/// A transaction that no server would take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The server's JSON parser refuses a NUL and hangs up, so that one bad name would end every
    /// transaction under way.
    #[error("operation {index} ({verb}) holds a text with a NUL: {text:?}")]
    Nul { index: usize, verb: &'static str, text: String },
    #[error("operation {index} ({verb}) names row {name}, which this transaction does not insert")]
    UnknownName { index: usize, verb: &'static str, name: NamedUuid },
}

impl Transaction {
    /// The parameters of `transact` (RFC 7047 section 4.1.3).
    pub(crate) fn to_json(&self, database: &str) -> Result<Value, EncodeError> {
        let mut params = vec![Value::from(database)];
        for (index, operation) in self.operations.iter().enumerate() {
            self.check(index, operation)?;
            params.push(operation.to_json());
        }
        Ok(Value::Array(params))
    }

    fn check(&self, index: usize, operation: &Operation) -> Result<(), EncodeError> {
        let verb = operation.verb();
        for text in operation.names() {
            if text.contains('\0') {
                return Err(EncodeError::Nul { index, verb, text: text.to_owned() });
            }
        }
        for atom in operation.data().into_iter().flat_map(Datum::atoms) {
            match atom {
                Atom::String(text) if text.contains('\0') => {
                    return Err(EncodeError::Nul { index, verb, text: text.clone() });
                }
                Atom::Named(name) if !self.inserts(*name) => {
                    return Err(EncodeError::UnknownName { index, verb, name: *name });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A name is the index of its insert.
    fn inserts(&self, name: NamedUuid) -> bool {
        let at = usize::try_from(name.0).ok().and_then(|index| self.operations.get(index));
        matches!(at, Some(Operation::Insert { .. }))
    }
}

impl Operation {
    fn to_json(&self) -> Value {
        let op = self.verb();
        match self {
            Self::Insert { table, row, name } => {
                json!({"op": op, "table": table, "row": row.to_json(), "uuid-name": name.to_string()})
            }
            Self::Select { table, conditions, columns } => {
                json!({"op": op, "table": table, "where": all(conditions), "columns": columns})
            }
            Self::Update { table, conditions, row } => {
                json!({"op": op, "table": table, "where": all(conditions), "row": row.to_json()})
            }
            Self::Mutate { table, conditions, mutations } => {
                let mutations: Vec<Value> =
                    mutations.iter().map(super::Mutation::to_json).collect();
                json!({"op": op, "table": table, "where": all(conditions), "mutations": mutations})
            }
            Self::Delete { table, conditions } => {
                json!({"op": op, "table": table, "where": all(conditions)})
            }
            Self::Wait { table, conditions, until, rows, timeout } => {
                let until = match until {
                    Until::Equal => "==",
                    Until::NotEqual => "!=",
                };
                json!({
                    "op": op, "table": table, "where": all(conditions), "until": until,
                    "columns": rows.columns,
                    "rows": rows.rows.iter().map(Row::to_json).collect::<Vec<_>>(),
                    "timeout": u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX >> 1),
                })
            }
            Self::Comment { text } => json!({"op": op, "comment": text}),
            Self::CommitDurably => json!({"op": op, "durable": true}),
            Self::Abort => json!({"op": op}),
        }
    }

    fn conditions(&self) -> &[Condition] {
        match self {
            Self::Select { conditions, .. }
            | Self::Update { conditions, .. }
            | Self::Mutate { conditions, .. }
            | Self::Delete { conditions, .. }
            | Self::Wait { conditions, .. } => conditions,
            _ => &[],
        }
    }

    fn rows(&self) -> &[Row] {
        match self {
            Self::Insert { row, .. } | Self::Update { row, .. } => std::slice::from_ref(row),
            Self::Wait { rows, .. } => &rows.rows,
            _ => &[],
        }
    }

    fn data(&self) -> Vec<&Datum> {
        let mut data: Vec<&Datum> = self.conditions().iter().map(|one| &one.value).collect();
        data.extend(self.rows().iter().flat_map(Row::iter).map(|(_, datum)| datum));
        if let Self::Mutate { mutations, .. } = self {
            data.extend(mutations.iter().map(|one| &one.value));
        }
        data
    }

    /// Every text that is not a value: tables, columns, the comment.
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.table().into_iter().collect();
        names.extend(self.conditions().iter().map(|one| one.column.as_str()));
        names.extend(self.rows().iter().flat_map(Row::iter).map(|(column, _)| column));
        match self {
            Self::Select { columns, .. } => names.extend(columns.iter().map(String::as_str)),
            Self::Mutate { mutations, .. } => {
                names.extend(mutations.iter().map(|one| one.column.as_str()));
            }
            Self::Wait { rows, .. } => names.extend(rows.columns.iter().map(String::as_str)),
            Self::Comment { text } => names.push(text),
            _ => {}
        }
        names
    }
}

fn all(conditions: &[Condition]) -> Vec<Value> {
    conditions.iter().map(Condition::to_json).collect()
}
