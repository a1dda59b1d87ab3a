//! Rows of declared resources: one way in and out for all of them.

mod columns;

use std::collections::BTreeMap;

use nucleon_model::{Cell, CellKind, Resource};
use sea_query::{
    Alias, Cond, Expr, ExprTrait, LockType, Query, SelectStatement, UpdateStatement, Value,
};

pub(crate) use self::columns::{Columns, pack};

use self::columns::{NOTHING, damaged};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::row::Row;
use crate::tx::Tx;

/// A cell as a bound value; `null` has the type of its column, as PostgreSQL wants it.
pub(crate) fn value_of(cell: Cell, kind: CellKind) -> Value {
    match (cell, kind) {
        (Cell::Bool(value), _) => Value::Bool(Some(value)),
        (Cell::Int(value), _) => Value::BigInt(Some(value)),
        (Cell::Text(text), _) => Value::String(Some(text)),
        (Cell::Null, CellKind::Bool) => Value::Bool(None),
        (Cell::Null, CellKind::Int) => Value::BigInt(None),
        (Cell::Null, CellKind::Text | CellKind::LongText) => Value::String(None),
    }
}

fn cell_at(row: &Row, place: usize, kind: CellKind) -> Result<Cell> {
    Ok(match kind {
        CellKind::Bool => row.at::<Option<bool>>(place)?.map_or(Cell::Null, Cell::Bool),
        CellKind::Int => row.at::<Option<i64>>(place)?.map_or(Cell::Null, Cell::Int),
        CellKind::Text | CellKind::LongText => {
            row.at::<Option<String>>(place)?.map_or(Cell::Null, Cell::Text)
        }
    })
}

/// `SELECT` of all columns of a resource, as [`read`] expects them.
pub(crate) fn select<R: Resource>(tx: &Tx) -> SelectStatement {
    Columns::all::<R>().for_few_rows(tx.dialect()).select::<R>()
}

/// How many columns [`select`] has, the place of the first that is added to it.
pub(crate) fn width<R: Resource>(tx: &Tx) -> usize {
    Columns::all::<R>().for_few_rows(tx.dialect()).width()
}

/// Has the rows that a query finds held to the end of the transaction: whoever else means to change them waits. (On
/// SQLite there is one writer at a time, which needs none of this.)
pub(crate) fn hold(tx: &Tx, select: &mut SelectStatement) {
    match tx.dialect() {
        Dialect::Sqlite => {}
        Dialect::MySql => drop(select.lock(LockType::Update)),
        // As an UPDATE does it: rows that refer to these may still come.
        Dialect::Postgres => drop(select.lock(LockType::NoKeyUpdate)),
    }
}

/// A record from a row of [`select`].
pub(crate) fn read<R: Resource>(row: &Row) -> Result<R> {
    if columns::packs_few(row.dialect()) {
        return columns::unpack_all(&row.at::<String>(0)?);
    }
    record(|index, kind| cell_at(row, index, kind).map(Some))
}

/// A record from the cells of its columns; `None` for those that were not loaded.
fn record<R: Resource>(mut cell: impl FnMut(usize, CellKind) -> Result<Option<Cell>>) -> Result<R> {
    let columns = R::columns();
    let mut failure = None;
    let record = R::from_cells(&mut |index| {
        let (_, kind) = columns.get(index).copied().unwrap_or(("", CellKind::Text));
        cell(index, kind).map_err(|error| {
            failure = Some(error);
            NOTHING
        })
    });
    record.map_err(|bad| failure.unwrap_or_else(|| damaged::<R>(bad.to_string())))
}

/// All records that `select`, made by [`select`], finds.
pub(crate) async fn fetch<R: Resource>(tx: &mut Tx, select: &SelectStatement) -> Result<Vec<R>> {
    tx.fetch_map(select, read).await
}

/// The record with this identifier.
pub async fn get<R: Resource>(tx: &mut Tx, id: String) -> Result<Option<R>> {
    let mut query = select::<R>(tx);
    query.and_where(Expr::col(Alias::new("id")).eq(id));
    Ok(fetch(tx, &query).await?.pop())
}

/// As [`get`], and holds the row to the end of the transaction: whoever else means to change it waits.
pub async fn get_held<R: Resource>(tx: &mut Tx, id: String) -> Result<Option<R>> {
    let mut query = select::<R>(tx);
    query.and_where(Expr::col(Alias::new("id")).eq(id));
    hold(tx, &mut query);
    Ok(fetch(tx, &query).await?.pop())
}

/// The records with these identifiers; those that are not there are left out.
pub async fn get_all<R: Resource>(tx: &mut Tx, ids: Vec<String>) -> Result<Vec<R>> {
    let columns = Columns::all::<R>();
    let columns = match ids.len() {
        ..=FEW => columns.for_few_rows(tx.dialect()),
        _ => columns.for_many_rows(tx.dialect()),
    };
    by_keys(tx, &columns, "id", ids).await
}

/// The records with one of `keys` in `column`, of which there may be many.
pub async fn by_chunks<R: Resource>(
    tx: &mut Tx,
    column: &'static str,
    keys: Vec<String>,
) -> Result<Vec<R>> {
    let columns = Columns::all::<R>().for_many_rows(tx.dialect());
    by_keys(tx, &columns, column, keys).await
}

async fn by_keys<R: Resource>(
    tx: &mut Tx,
    columns: &Columns,
    column: &'static str,
    keys: Vec<String>,
) -> Result<Vec<R>> {
    let mut records = Vec::new();
    for chunk in keys.chunks(CHUNK) {
        let mut query = columns.select::<R>();
        query.and_where(Expr::col(Alias::new(column)).is_in(padded(chunk)));
        records.extend(tx.fetch_map(&query, |row| columns.read(row)).await?);
    }
    Ok(records)
}

/// Keys of one question. SQLite binds 32,766 values at most; this also keeps plans and packets small.
pub(crate) const CHUNK: usize = 1024;

/// Keys, the last one repeated up to the next power of two: few statements to prepare.
pub(crate) fn padded<T: Clone>(keys: &[T]) -> impl Iterator<Item = T> + '_ {
    let rest = keys.len().next_power_of_two() - keys.len();
    keys.iter().chain(std::iter::repeat_n(keys.last(), rest).flatten()).cloned()
}

/// Rows that one insert may have whatever their number, and that are taken for few in an answer.
const FEW: usize = 8;

/// Cuts rows for inserts: 64 at a time, then by powers of two, so that there are few statements to prepare; a few rows at
/// once, so that there are few to run.
pub(crate) fn portions<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = match rows.len() {
            few @ ..=FEW => few,
            many => 1 << Ord::min(many.ilog2(), 6),
        };
        if size == 0 {
            return None;
        }
        let (portion, rest) = rows.split_at_checked(size)?;
        rows = rest;
        Some(portion)
    })
}

fn insert_statement<R: Resource>(records: &[R]) -> sea_query::InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(Alias::new(R::DECL.table));
    insert.columns(R::columns().iter().map(|&(column, _)| Alias::new(column)));
    for record in records {
        let cells = record.cells().into_iter().zip(R::columns());
        insert.values_panic(cells.map(|(cell, &(_, kind))| Expr::val(value_of(cell, kind))));
    }
    insert
}

/// Inserts records; a unique key that refuses one ends the transaction.
pub async fn insert<R: Resource>(tx: &mut Tx, records: &[R]) -> Result<()> {
    for portion in portions(records) {
        tx.execute(&insert_statement(portion)).await?;
    }
    Ok(())
}

/// Inserts records as [`Tx::later`].
pub fn insert_later<R: Resource>(tx: &mut Tx, records: &[R]) {
    for portion in portions(records) {
        tx.later_rows(insert_statement(portion), portion.len());
    }
}

/// Inserts one record; a unique key that refuses it leaves the transaction as it was.
pub async fn try_insert<R: Resource>(tx: &mut Tx, record: &R) -> Result<crate::tx::Attempt> {
    tx.attempt(&insert_statement(std::slice::from_ref(record))).await
}

/// Writes a record over the row that was read at `revision`.
///
/// # Errors
/// [`Error::Stale`] when the row is not at that revision any more.
pub async fn update_at<R: Resource>(
    tx: &mut Tx,
    record: &R,
    id: String,
    revision: i64,
) -> Result<()> {
    match tx.execute(&update_statement(record, &id, revision)).await? {
        0 => Err(Error::Stale { kind: R::DECL.name, id }),
        _ => Ok(()),
    }
}

/// As [`update_at`] and [`Tx::later`], of a row that the transaction holds, and that is as it was read at `revision`.
pub fn update_held<R: Resource>(tx: &mut Tx, record: &R, id: &str, revision: i64) {
    tx.later(update_statement(record, id, revision));
}

fn update_statement<R: Resource>(record: &R, id: &str, revision: i64) -> UpdateStatement {
    let mut update = Query::update();
    update.table(Alias::new(R::DECL.table));
    for (cell, &(column, kind)) in record.cells().into_iter().zip(R::columns()) {
        if column != "id" {
            update.value(Alias::new(column), Expr::val(value_of(cell, kind)));
        }
    }
    update.cond_where(at_revision(id, revision));
    update
}

/// Deletes the row that was read at `revision`.
///
/// # Errors
/// [`Error::Stale`] when the row is not at that revision any more, or gone.
pub async fn delete_at<R: Resource>(tx: &mut Tx, id: String, revision: i64) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new(R::DECL.table)).cond_where(at_revision(&id, revision));
    match tx.execute(&delete).await? {
        0 => Err(Error::Stale { kind: R::DECL.name, id }),
        _ => Ok(()),
    }
}

fn at_revision(id: &str, revision: i64) -> Cond {
    Cond::all()
        .add(Expr::col(Alias::new("id")).eq(id))
        .add(Expr::col(Alias::new("revision_number")).eq(revision))
}

/// Groups rows of two text columns by the first: what belongs to which owner.
pub(crate) async fn owned(
    tx: &mut Tx,
    table: &'static str,
    (owner, item): (&'static str, &'static str),
    owners: &[String],
) -> Result<BTreeMap<String, Vec<String>>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for chunk in owners.chunks(CHUNK) {
        let mut query = Query::select();
        query
            .columns([Alias::new(owner), Alias::new(item)])
            .from(Alias::new(table))
            .and_where(Expr::col(Alias::new(owner)).is_in(padded(chunk)))
            .order_by(Alias::new(item), sea_query::Order::Asc);
        for row in tx.fetch_all(&query).await? {
            found.entry(row.at(0)?).or_default().push(row.at(1)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_by_powers_of_two() {
        let sizes = |rows: usize| portions(&vec![0; rows]).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(7), [7]);
        assert_eq!(sizes(23), [16, 7]);
        assert_eq!(sizes(131), [64, 64, 3]);
        assert_eq!(sizes(60), [32, 16, 8, 4]);
    }

    #[test]
    fn keys_are_padded_with_the_last() {
        let keys = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(padded(&keys).collect::<Vec<_>>(), ["a", "b", "c", "c"]);
        assert_eq!(padded(&keys[..2]).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(padded::<String>(&[]).count(), 0);
    }
}
