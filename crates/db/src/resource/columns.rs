//! Which columns of a resource a statement asks for, and how they come.

use std::fmt;

use nucleon_model::{BadCell, Cell, CellKind, Resource};
use sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};
use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};

use super::{cell_at, record};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::row::Row;

/// Columns of a resource, and where they come in a row; `None` for those that are not loaded.
#[derive(Debug)]
pub(crate) struct Columns {
    places: Vec<Option<usize>>,
    packed: Option<Dialect>,
}

impl Columns {
    pub(crate) fn all<R: Resource>() -> Self {
        Self::where_name::<R>(|_| true)
    }

    /// Those for whose name `wanted` holds.
    pub(crate) fn where_name<R: Resource>(wanted: impl Fn(&str) -> bool) -> Self {
        let mut next = 0..;
        let place = |(name, _): &(&'static str, CellKind)| {
            if wanted(name) { next.next() } else { None }
        };
        Self { places: R::columns().iter().map(place).collect(), packed: None }
    }

    /// As a row or a few come from a database: see [`packs_few`].
    #[must_use]
    pub(crate) fn for_few_rows(self, dialect: Dialect) -> Self {
        Self { packed: packs_few(dialect).then_some(dialect), ..self }
    }

    /// As many rows come from a database: see [`packs_many`].
    #[must_use]
    pub(crate) fn for_many_rows(self, dialect: Dialect) -> Self {
        Self { packed: packs_many(dialect).then_some(dialect), ..self }
    }

    /// How many there are in a row.
    pub(crate) fn width(&self) -> usize {
        match self.packed {
            Some(_) => 1,
            None => self.places.iter().flatten().count(),
        }
    }

    /// All of a row as one JSON array, by which rows of several tables come in one answer.
    pub(crate) fn pack<R: Resource>(&self, dialect: Dialect) -> SimpleExpr {
        pack(dialect, self.loaded::<R>())
    }

    /// A record from what [`Columns::pack`] made of its row.
    pub(crate) fn unpack<R: Resource>(&self, row: &str) -> Result<R> {
        unpack_by(row, |index| self.place(index))
    }

    /// `SELECT` of these columns, in the order that [`Columns::read`] expects.
    pub(crate) fn select<R: Resource>(&self) -> SelectStatement {
        let mut select = Query::select();
        match self.packed {
            Some(dialect) => select.expr(self.pack::<R>(dialect)),
            None => select.exprs(self.loaded::<R>()),
        };
        select.from(Alias::new(R::DECL.table));
        select
    }

    /// A record from a row of [`Columns::select`].
    pub(crate) fn read<R: Resource>(&self, row: &Row) -> Result<R> {
        if self.packed.is_some() {
            return self.unpack(&row.at::<String>(0)?);
        }
        record(|index, kind| self.place(index).map(|place| cell_at(row, place, kind)).transpose())
    }

    fn place(&self, index: usize) -> Option<usize> {
        self.places.get(index).copied().flatten()
    }

    fn loaded<R: Resource>(&self) -> impl Iterator<Item = SimpleExpr> {
        let loaded = R::columns().iter().zip(&self.places).filter(|(_, place)| place.is_some());
        loaded.map(|(&(column, _), _)| Expr::col((Alias::new(R::DECL.table), Alias::new(column))))
    }
}

/// Whether the columns of a single row, or of a few, come as one JSON array. MariaDB describes each column anew with every
/// answer, which for a single row is several times the row.
pub(super) fn packs_few(dialect: Dialect) -> bool {
    dialect == Dialect::MySql || packs_many(dialect)
}

/// Whether the columns of each of many rows come as one JSON array. SQLite's driver copies each value of a row on its own,
/// and hands rows from thread to thread. What MariaDB spends on an array is more than what it spends on the columns.
fn packs_many(dialect: Dialect) -> bool {
    dialect == Dialect::Sqlite
}

/// A record from what [`Columns::pack`] made of all columns of its row.
pub(super) fn unpack_all<R: Resource>(row: &str) -> Result<R> {
    unpack_by(row, Some)
}

/// A record from a packed row, of whose columns `place` says where they are; `None` for those that are not.
fn unpack_by<R: Resource>(row: &str, place: impl Fn(usize) -> Option<usize>) -> Result<R> {
    let mut cells: Vec<Packed> =
        serde_json::from_str(row).map_err(|error| damaged::<R>(error.to_string()))?;
    record(|index, kind| {
        let Some(place) = place(index) else { return Ok(None) };
        let cell = cells.get_mut(place).map(|cell| std::mem::replace(&mut cell.0, Cell::Null));
        match (cell, kind) {
            (None, _) => Err(damaged::<R>(format!("no value at {place}"))),
            // Only PostgreSQL's JSON knows flags.
            (Some(Cell::Int(flag)), CellKind::Bool) => Ok(Some(Cell::Bool(flag != 0))),
            (cell, _) => Ok(cell),
        }
    })
}

/// Values of a row as one JSON array.
pub(crate) fn pack(dialect: Dialect, values: impl Iterator<Item = SimpleExpr>) -> SimpleExpr {
    let array = |name: &'static str| Func::cust(Alias::new(name)).args(values);
    match dialect {
        Dialect::Sqlite => array("json_array").into(),
        Dialect::MySql => array("JSON_ARRAY").into(),
        Dialect::Postgres => {
            SimpleExpr::from(array("json_build_array")).cast_as(Alias::new("text"))
        }
    }
}

pub(super) fn damaged<R: Resource>(problem: String) -> Error {
    Error::Damaged { column: R::DECL.table.to_owned(), problem }
}

/// A value in a JSON array of a row.
#[derive(Debug, PartialEq)]
struct Packed(Cell);

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(OneCell).map(Self)
    }
}

struct OneCell;

impl Visitor<'_> for OneCell {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flag, a number, a text or null")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Cell, E> {
        Ok(Cell::Bool(value))
    }

    fn visit_unit<E>(self) -> std::result::Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Cell, E> {
        Ok(Cell::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> std::result::Result<Cell, E> {
        let value = i64::try_from(value);
        value.map(Cell::Int).map_err(|_| E::invalid_value(Unexpected::Other("too large"), &self))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Cell, E> {
        Ok(Cell::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Cell, E> {
        Ok(Cell::Text(value))
    }
}

/// What is not loaded at a place, for [`record`].
pub(super) const NOTHING: BadCell = BadCell { cell: Cell::Null, expected: "column" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_row_holds_flags_numbers_texts_and_nothing() {
        let cells: Vec<Packed> = serde_json::from_str(r#"[1,"a\"\u0000",null,-2,true]"#).unwrap();
        let text = Cell::Text("a\"\0".to_owned());
        let expected =
            [Cell::Int(1), text, Cell::Null, Cell::Int(-2), Cell::Bool(true)].map(Packed);
        assert_eq!(cells, expected);
        assert!(serde_json::from_str::<Vec<Packed>>("[1.5]").is_err());
        assert!(serde_json::from_str::<Vec<Packed>>("[18446744073709551615]").is_err());
    }
}
