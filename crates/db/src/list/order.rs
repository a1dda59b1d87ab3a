//! The order of a list.

use std::borrow::Cow;

use nucleon_model::{Attribute, Cell, CellKind, Direction, Resource};
use sea_query::extension::postgres::PgExpr as _;
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Order, SelectStatement, SimpleExpr};

use crate::dialect::Dialect;
use crate::resource::value_of;

/// Sorts what came from the database as it found it: there, whole rows would be put aside for that.
pub(super) fn sort_by_id<R: Resource>(records: &mut [R]) {
    let is_id = |attribute: &Attribute| attribute.column.is_some_and(|(column, _)| column == "id");
    if let Some(index) = R::DECL.attributes.iter().position(is_id) {
        records.sort_by_cached_key(|record| record.fact(index).map(Cow::into_owned));
    }
}

/// The value of an attribute for ordering: databases disagree on where nulls go, so there are none.
fn sort_value(column: &'static str, kind: CellKind) -> SimpleExpr {
    let plain = Expr::col(Alias::new(column));
    match kind {
        CellKind::Bool => plain,
        _ if column == "id" => plain,
        CellKind::Int => Func::coalesce([plain, Expr::val(i64::MIN)]).into(),
        CellKind::Text | CellKind::LongText => Func::coalesce([plain, Expr::val("")]).into(),
    }
}

/// How records are found that are sorted by their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Along the primary key.
    InOrder,
    /// By something else.
    First,
}

impl Found {
    /// `of_all`: whether a list is of everybody's records, with or without filters. Of some of them, PostgreSQL would walk
    /// along the primary key to the end of a page, past all that are none of them.
    pub(super) fn by(dialect: Dialect, of_all: bool) -> Self {
        if of_all || dialect != Dialect::Postgres { Self::InOrder } else { Self::First }
    }
}

/// Columns to sort by, the identifier last.
fn keys<R: Resource>(sort: &[(usize, Direction)]) -> Vec<(&'static str, CellKind, Direction)> {
    let mut keys: Vec<_> = sort
        .iter()
        .filter_map(|&(index, direction)| {
            let attribute = R::DECL.attributes.get(index)?;
            let attribute = match attribute.mirrors {
                Some(name) => R::DECL.find(name)?.1,
                None => attribute,
            };
            let (column, kind) = attribute.column?;
            Some((column, kind, direction))
        })
        .collect();
    if !keys.iter().any(|&(column, ..)| column == "id") {
        keys.push(("id", CellKind::Text, Direction::Ascending));
    }
    keys
}

/// Has a statement sort by the keys of a list, backwards for a page before its marker.
pub(super) fn order<R: Resource>(
    statement: &mut SelectStatement,
    sort: &[(usize, Direction)],
    reverse: bool,
    found: Found,
) {
    for (column, kind, direction) in keys::<R>(sort) {
        let ascending = (direction == Direction::Ascending) != reverse;
        let order = if ascending { Order::Asc } else { Order::Desc };
        let value = match (column, found) {
            // No index is in the order of what is put together.
            ("id", Found::First) => Expr::col(Alias::new(column)).concatenate(Expr::val("")),
            _ => sort_value(column, kind),
        };
        statement.order_by_expr(value, order);
    }
}

/// Records behind `marker` in the order of the list: `(a > x) or (a = x and b > y) or …`.
pub(super) fn beyond<R: Resource>(marker: &R, sort: &[(usize, Direction)], reverse: bool) -> Cond {
    let cells = marker.cells();
    let mut any = Cond::any();
    let mut equal: Vec<SimpleExpr> = Vec::new();
    for (column, kind, direction) in keys::<R>(sort) {
        let place = R::columns().iter().position(|&(name, _)| name == column);
        let cell = place.and_then(|place| cells.get(place)).cloned().unwrap_or(Cell::Null);
        let cell = match (cell, kind) {
            (Cell::Null, CellKind::Int) => Cell::Int(i64::MIN),
            (Cell::Null, CellKind::Bool) => Cell::Bool(false),
            (Cell::Null, _) => Cell::Text(String::new()),
            (cell, _) => cell,
        };
        let value = value_of(cell, kind);
        let here = sort_value(column, kind);
        let ascending = (direction == Direction::Ascending) != reverse;
        let further =
            if ascending { here.clone().gt(value.clone()) } else { here.clone().lt(value.clone()) };
        let mut all = Cond::all().add(further);
        for earlier in &equal {
            all = all.add(earlier.clone());
        }
        any = any.add(all);
        equal.push(here.eq(value));
    }
    any
}
