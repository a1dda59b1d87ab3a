//! The copy of the monitored columns, kept up to date by `update2` (ovsdb-server(7), 4.1.14).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::monitor::MonitorSpec;
use crate::row::Row;
use crate::schema::Schema;
use crate::snapshot::{Change, ChangeKind, Snapshot};
use crate::value::{Bounds, ColumnType, Datum, ValueError, excerpt, row_uuid};

/// The replica of one session. Pure: what the server sent goes in, what changed comes out.
#[derive(Debug, Clone)]
pub struct Replica {
    schema: Arc<Schema>,
    tables: BTreeMap<Arc<str>, Columns>,
    snapshot: Snapshot,
}

/// The monitored columns of a table, with the row that an insert of nothing but defaults makes.
#[derive(Debug, Clone)]
struct Columns {
    kinds: BTreeMap<Arc<str>, ColumnType>,
    defaults: Row,
}

/// An update that does not fit the replica. The replica is of no use after it; a new session makes
/// a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    #[error("the database has no table {table}")]
    NoTable { table: String },
    #[error("table {table} has no column {column}")]
    NoColumn { table: String, column: String },
    #[error("an update holds {found} where {expected} belongs")]
    Shape { expected: &'static str, found: String },
    #[error("an update is about table {table}, which is not monitored")]
    UnknownTable { table: String },
    #[error("an update is about column {table}.{column}, which is not monitored")]
    UnknownColumn { table: String, column: String },
    #[error("the value of {table}.{column} of row {uuid}")]
    Value { table: String, column: String, uuid: Uuid, source: ValueError },
    #[error("row {uuid} of {table} is inserted, but was there already")]
    Present { table: String, uuid: Uuid },
    #[error("row {uuid} of {table} is changed, but was never there")]
    Missing { table: String, uuid: Uuid },
}

impl Replica {
    /// An empty replica; every table and column of `spec` must be in the schema.
    pub fn new(schema: Arc<Schema>, spec: &MonitorSpec) -> Result<Self, UpdateError> {
        let mut tables = BTreeMap::new();
        let mut snapshot = Snapshot::default();
        for (table, wanted) in spec.tables() {
            let known = schema
                .table(table)
                .ok_or_else(|| UpdateError::NoTable { table: table.to_string() })?;
            let mut columns = Columns { kinds: BTreeMap::new(), defaults: Row::new() };
            for column in wanted {
                let (name, kind) = known.entry(column).ok_or_else(|| UpdateError::NoColumn {
                    table: table.to_string(),
                    column: column.to_string(),
                })?;
                columns.kinds.insert(Arc::clone(name), *kind);
                columns.defaults.set(Arc::clone(name), kind.default_datum());
            }
            snapshot.add_table(table);
            tables.insert(Arc::clone(table), columns);
        }
        Ok(Self { schema, tables, snapshot })
    }

    pub const fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes in `<table-updates2>`: the result of `monitor_cond`, or the body of an `update2`.
    pub fn apply(&mut self, updates: Value) -> Result<Vec<Change>, UpdateError> {
        let mut changes = Vec::new();
        for (table, rows) in object(updates, "an object of tables")? {
            let Some((table, columns)) = self.tables.get_key_value(table.as_str()) else {
                return Err(UpdateError::UnknownTable { table });
            };
            for (uuid, update) in object(rows, "an object of rows")? {
                let uuid = row_uuid(&uuid).ok_or_else(|| UpdateError::Shape {
                    expected: "a UUID",
                    found: excerpt(&Value::String(uuid)),
                })?;
                let old = self.snapshot.row(table, uuid).cloned();
                let new = columns.step(table, uuid, old.as_deref(), update)?.map(Arc::new);
                if let Some(kind) = ChangeKind::between(old, new) {
                    self.snapshot.put(table, uuid, kind.new_row().cloned());
                    changes.push(Change { table: Arc::clone(table), uuid, kind });
                }
            }
        }
        Ok(changes)
    }
}

impl Columns {
    /// The row after a `<row-update2>`, or `None` when it is gone.
    fn step(
        &self,
        table: &str,
        uuid: Uuid,
        old: Option<&Row>,
        update: Value,
    ) -> Result<Option<Row>, UpdateError> {
        const EXPECTED: &str = "one of initial, insert, modify, delete";
        let mut update = object(update, EXPECTED)?.into_iter();
        let (Some((verb, body)), None) = (update.next(), update.next()) else {
            return Err(UpdateError::Shape {
                expected: EXPECTED,
                found: "none or several".to_owned(),
            });
        };
        match (verb.as_str(), old) {
            ("initial" | "insert", None) => {
                self.merge(table, uuid, &self.defaults, Bounds::Whole, body).map(Some)
            }
            ("initial" | "insert", Some(_)) => {
                Err(UpdateError::Present { table: table.to_owned(), uuid })
            }
            ("modify", Some(old)) => {
                self.merge(table, uuid, old, Bounds::Difference, body).map(Some)
            }
            ("delete", Some(_)) => Ok(None),
            ("modify" | "delete", None) => {
                Err(UpdateError::Missing { table: table.to_owned(), uuid })
            }
            _ => {
                Err(UpdateError::Shape { expected: EXPECTED, found: excerpt(&Value::String(verb)) })
            }
        }
    }

    /// `base` with the columns of `body` put in its place, or as differences to it.
    fn merge(
        &self,
        table: &str,
        uuid: Uuid,
        base: &Row,
        bounds: Bounds,
        body: Value,
    ) -> Result<Row, UpdateError> {
        let mut row = base.clone();
        for (column, json) in object(body, "an object of columns")? {
            let Some((name, kind)) = self.kinds.get_key_value(column.as_str()) else {
                return Err(UpdateError::UnknownColumn { table: table.to_owned(), column });
            };
            let datum = Datum::read(json, kind, bounds).map_err(|source| UpdateError::Value {
                table: table.to_owned(),
                column,
                uuid,
                source,
            })?;
            let datum = match (bounds, row.get(name)) {
                (Bounds::Difference, Some(old)) => old.patched(datum, kind),
                _ => datum,
            };
            row.set(Arc::clone(name), datum);
        }
        Ok(row)
    }
}

fn object(json: Value, expected: &'static str) -> Result<Map<String, Value>, UpdateError> {
    match json {
        Value::Object(parts) => Ok(parts),
        json => Err(UpdateError::Shape { expected, found: excerpt(&json) }),
    }
}

#[cfg(test)]
mod tests;
