//! A row, whichever driver brought it.

use sqlx::mysql::{MySql, MySqlRow};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{ColumnIndex, Decode, Row as _, Type};

use crate::dialect::Dialect;
use crate::error::{Error, Result};

/// A type that decodes alike on the three databases: `String`, `i64`, `i32`, `i16`, `bool`, `Vec<u8>`, and their `Option`s.
pub trait Column:
    Type<Sqlite>
    + Type<MySql>
    + Type<Postgres>
    + for<'r> Decode<'r, Sqlite>
    + for<'r> Decode<'r, MySql>
    + for<'r> Decode<'r, Postgres>
{
}

impl<T> Column for T where
    T: Type<Sqlite>
        + Type<MySql>
        + Type<Postgres>
        + for<'r> Decode<'r, Sqlite>
        + for<'r> Decode<'r, MySql>
        + for<'r> Decode<'r, Postgres>
{
}

/// One row of an answer.
pub enum Row {
    #[doc(hidden)]
    Sqlite(SqliteRow),
    #[doc(hidden)]
    MySql(MySqlRow),
    #[doc(hidden)]
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The value of a named column.
    pub fn get<T: Column>(&self, column: &str) -> Result<T> {
        self.value(column).map_err(|source| Error::decode(column.to_owned(), source))
    }

    /// The value at a place, counted from 0.
    pub fn at<T: Column>(&self, place: usize) -> Result<T> {
        self.value(place).map_err(|source| Error::decode(format!("#{place}"), source))
    }

    /// The value of a named column, parsed from its text.
    pub fn parse<T: std::str::FromStr>(&self, column: &str) -> Result<T>
    where
        T::Err: std::fmt::Display,
    {
        let text: String = self.get(column)?;
        text.parse().map_err(|error: T::Err| Error::Damaged {
            column: column.to_owned(),
            problem: format!("{text:?}: {error}"),
        })
    }

    fn value<T: Column, I>(&self, index: I) -> std::result::Result<T, sqlx::Error>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<MySqlRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::MySql(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(row) => f.debug_list().entries(row.columns()).finish(),
            Self::MySql(row) => f.debug_list().entries(row.columns()).finish(),
            Self::Postgres(row) => f.debug_list().entries(row.columns()).finish(),
        }
    }
}
