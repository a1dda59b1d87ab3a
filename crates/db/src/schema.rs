//! Column types and keys that behave the same on the three databases.
//!
//! | what | SQLite | MariaDB | PostgreSQL |
//! |---|---|---|---|
//! | id, text | varchar, compared by bytes | varchar, `utf8mb4` by bytes, no padding | varchar, `COLLATE "C"` |
//! | long text, JSON | text | longtext | text |
//! | flag | boolean | tinyint(1) | boolean |
//! | number, time (µs since 1970) | integer | bigint | bigint |
//!
//! Unique keys are always indexes of their own with a name of their own, never part of a column: SQLite has no other
//! way to name them, and the name is what [`Error::Conflict`](crate::Error::Conflict) carries.

use sea_query::{
    ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index,
    IndexCreateStatement, IndexDropStatement, Table, TableCreateStatement, TableDropStatement,
};

use crate::dialect::Dialect;

/// Length of a UUID's text.
const UUID: u32 = 36;

/// Makes tables for one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    dialect: Dialect,
    /// MariaDB's and MySQL's names for the same collation differ.
    collation: &'static str,
}

impl Schema {
    pub(crate) fn new(dialect: Dialect, version: &str) -> Self {
        let mariadb = version.contains("MariaDB");
        let collation = if mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
        Self { dialect, collation }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// An empty table; add columns.
    pub fn table(&self, name: &'static str) -> TableCreateStatement {
        let mut table = Table::create();
        table.table(name).if_not_exists();
        if self.dialect == Dialect::MySql {
            table.engine("InnoDB").character_set("utf8mb4").collate(self.collation);
        }
        table
    }

    pub fn drop_table(&self, name: &'static str) -> TableDropStatement {
        Table::drop().table(name).if_exists().take()
    }

    /// A UUID as text. Not null; say `.null()` for the other.
    pub fn id(&self, name: &'static str) -> ColumnDef {
        self.text(name, UUID)
    }

    /// Text of bounded length, compared by bytes.
    pub fn text(&self, name: &'static str, length: u32) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        column.string_len(length);
        self.bytewise(&mut column);
        column.not_null();
        column
    }

    /// Text of any length; JSON.
    pub fn long_text(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        match self.dialect {
            Dialect::MySql => column.custom("longtext"),
            Dialect::Sqlite | Dialect::Postgres => column.text(),
        };
        self.bytewise(&mut column);
        column.not_null();
        column
    }

    /// A list as JSON, empty in rows that were there before the column.
    pub fn list(&self, name: &'static str) -> ColumnDef {
        let mut column = self.long_text(name);
        match self.dialect {
            // Long text takes its default from an expression alone.
            Dialect::MySql => column.default(sea_query::Expr::cust("('[]')")),
            Dialect::Sqlite | Dialect::Postgres => column.default("[]"),
        };
        column
    }

    /// A number, or a time in microseconds; always `i64`.
    pub fn number(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        column.big_integer().not_null();
        column
    }

    /// Yes or no.
    pub fn flag(&self, name: &'static str) -> ColumnDef {
        let mut column = ColumnDef::new(name);
        column.boolean().not_null();
        column
    }

    /// A unique key over columns. The name ends in `_uq` by custom.
    pub fn unique(
        &self,
        name: &'static str,
        table: &'static str,
        columns: &[&'static str],
    ) -> IndexCreateStatement {
        let mut index = self.index(name, table, columns);
        index.unique();
        index
    }

    /// An index over columns. The name ends in `_ix` by custom.
    pub fn index(
        &self,
        name: &'static str,
        table: &'static str,
        columns: &[&'static str],
    ) -> IndexCreateStatement {
        let mut index = Index::create();
        index.name(name).table(table);
        // MySQL knows no such clause; there the migration takes "exists already" for an answer.
        if self.dialect != Dialect::MySql {
            index.if_not_exists();
        }
        for column in columns {
            index.col(*column);
        }
        index
    }

    pub fn drop_index(&self, name: &'static str, table: &'static str) -> IndexDropStatement {
        let mut drop = Index::drop();
        drop.name(name).table(table);
        if self.dialect != Dialect::MySql {
            drop.if_exists();
        }
        drop
    }

    /// A reference to another table's row, to be put into `TableCreateStatement::foreign_key`.
    /// The name ends in `_fk` by custom.
    pub fn reference(
        &self,
        name: &'static str,
        (table, column): (&'static str, &'static str),
        (other, other_column): (&'static str, &'static str),
        on_delete: ForeignKeyAction,
    ) -> ForeignKeyCreateStatement {
        ForeignKey::create()
            .name(name)
            .from(table, column)
            .to(other, other_column)
            .on_delete(on_delete)
            .take()
    }

    fn bytewise(&self, column: &mut ColumnDef) {
        if self.dialect == Dialect::Postgres {
            column.extra("COLLATE \"C\"");
        }
    }
}
