//! What to monitor: a database, and of some of its tables some columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

/// The columns of which a replica is kept. Columns that nobody asked for (statistics, most of all)
/// cost nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorSpec {
    database: Arc<str>,
    tables: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

impl MonitorSpec {
    pub fn new(database: &str) -> Self {
        Self { database: database.into(), tables: BTreeMap::new() }
    }

    /// Also monitors these columns of a table.
    #[must_use]
    pub fn table<'a>(mut self, table: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let known = self.tables.entry(table.into()).or_default();
        for column in columns {
            if !known.iter().any(|name| **name == *column) {
                known.push(column.into());
            }
        }
        self
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = (&Arc<str>, &[Arc<str>])> {
        self.tables.iter().map(|(table, columns)| (table, columns.as_slice()))
    }

    /// `<monitor-cond-requests>` of ovsdb-server(7), 4.1.12.
    pub(crate) fn to_json(&self) -> Value {
        let tables = self.tables.iter().map(|(table, columns)| {
            let columns: Vec<&str> = columns.iter().map(|column| &**column).collect();
            (table.to_string(), json!([{ "columns": columns }]))
        });
        Value::Object(tables.collect::<Map<_, _>>())
    }
}
