//! Rows by table and UUID, and the changes between two states.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::row::Row;

type Rows = BTreeMap<Uuid, Arc<Row>>;

/// All monitored rows at one moment.
///
/// A clone shares everything with its original until one of them is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    tables: BTreeMap<Arc<str>, Arc<Rows>>,
}

/// What happened to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub table: Arc<str>,
    pub uuid: Uuid,
    pub kind: ChangeKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    Insert { new: Arc<Row> },
    Modify { old: Arc<Row>, new: Arc<Row> },
    Delete { old: Arc<Row> },
}

impl Snapshot {
    /// The rows of a table; none when the table is not monitored.
    pub fn rows(&self, table: &str) -> impl Iterator<Item = (Uuid, &Arc<Row>)> {
        self.tables.get(table).into_iter().flat_map(|rows| rows.iter().map(|(id, row)| (*id, row)))
    }

    pub fn row(&self, table: &str, uuid: Uuid) -> Option<&Arc<Row>> {
        self.tables.get(table)?.get(&uuid)
    }

    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(|table| &**table)
    }

    /// How many rows there are in all tables.
    pub fn len(&self) -> usize {
        self.tables.values().map(|rows| rows.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the changes here too: for who keeps a copy of the replica.
    pub fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            self.put(&change.table, change.uuid, change.kind.new_row().cloned());
        }
    }

    /// What leads from this state to `newer`, in the order of tables and UUIDs.
    pub fn changes_to(&self, newer: &Self) -> Vec<Change> {
        let tables: BTreeSet<&Arc<str>> = self.tables.keys().chain(newer.tables.keys()).collect();
        let mut changes = Vec::new();
        for table in tables {
            let (old, new) = (self.tables.get(table), newer.tables.get(table));
            if let (Some(old), Some(new)) = (old, new)
                && Arc::ptr_eq(old, new)
            {
                continue;
            }
            let ids = old.into_iter().chain(new).flat_map(|rows| rows.keys());
            for &uuid in ids.collect::<BTreeSet<_>>() {
                let old = old.and_then(|rows| rows.get(&uuid)).cloned();
                let new = new.and_then(|rows| rows.get(&uuid)).cloned();
                if let Some(kind) = ChangeKind::between(old, new) {
                    changes.push(Change { table: Arc::clone(table), uuid, kind });
                }
            }
        }
        changes
    }

    pub(crate) fn add_table(&mut self, table: &Arc<str>) {
        self.tables.entry(Arc::clone(table)).or_default();
    }

    /// Sets or removes one row; gives back what was there.
    pub(crate) fn put(
        &mut self,
        table: &Arc<str>,
        uuid: Uuid,
        row: Option<Arc<Row>>,
    ) -> Option<Arc<Row>> {
        let rows = Arc::make_mut(self.tables.entry(Arc::clone(table)).or_default());
        match row {
            Some(row) => rows.insert(uuid, row),
            None => rows.remove(&uuid),
        }
    }
}

impl Change {
    pub fn old_row(&self) -> Option<&Arc<Row>> {
        self.kind.old_row()
    }

    pub fn new_row(&self) -> Option<&Arc<Row>> {
        self.kind.new_row()
    }

    /// This change and a later one of the same row as one; `None` when together they change
    /// nothing.
    #[must_use]
    pub fn then(self, later: Self) -> Option<Self> {
        let kind = ChangeKind::between(self.kind.into_old(), later.kind.into_new())?;
        Some(Self { table: self.table, uuid: self.uuid, kind })
    }
}

impl ChangeKind {
    /// `None` when nothing changed.
    pub fn between(old: Option<Arc<Row>>, new: Option<Arc<Row>>) -> Option<Self> {
        match (old, new) {
            (None, None) => None,
            (None, Some(new)) => Some(Self::Insert { new }),
            (Some(old), None) => Some(Self::Delete { old }),
            (Some(old), Some(new)) if Arc::ptr_eq(&old, &new) || old == new => None,
            (Some(old), Some(new)) => Some(Self::Modify { old, new }),
        }
    }

    pub fn old_row(&self) -> Option<&Arc<Row>> {
        match self {
            Self::Insert { .. } => None,
            Self::Modify { old, .. } | Self::Delete { old } => Some(old),
        }
    }

    pub fn new_row(&self) -> Option<&Arc<Row>> {
        match self {
            Self::Insert { new } | Self::Modify { new, .. } => Some(new),
            Self::Delete { .. } => None,
        }
    }

    fn into_old(self) -> Option<Arc<Row>> {
        match self {
            Self::Insert { .. } => None,
            Self::Modify { old, .. } | Self::Delete { old } => Some(old),
        }
    }

    fn into_new(self) -> Option<Arc<Row>> {
        match self {
            Self::Insert { new } | Self::Modify { new, .. } => Some(new),
            Self::Delete { .. } => None,
        }
    }
}
