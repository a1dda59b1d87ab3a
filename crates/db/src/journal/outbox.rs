//! The outbox: changes on their way into the journal, written by the transaction that makes them.

use sea_query::{Order, Query};

use crate::error::Result;
use crate::journal::Change;
use crate::journal::append::{Pending, decode, encode, outbox_id};
use crate::row::Row;
use crate::tx::Tx;

pub(crate) const COLUMNS: &[&str] = &[
    "id",
    "tx_id",
    "kind",
    "object_id",
    "operation",
    "revision",
    "request_id",
    "scopes",
    "made_at",
];

/// Writes what the transaction has emitted since this was last called, in one statement if it is one change, a few
/// otherwise.
pub(crate) fn fill(tx: &mut Tx) -> Result<()> {
    let (id, now, first) = (tx.id(), tx.began_at(), tx.written());
    let rows = (first..)
        .zip(tx.take_changes())
        .map(|(number, change)| {
            vec![
                outbox_id(id, number).into(),
                id.to_string().into(),
                change.kind.into_owned().into(),
                change.id.into(),
                change.operation.name().into(),
                change.revision.into(),
                change.request.into(),
                encode(&change.scopes).into(),
                now.into(),
            ]
        })
        .collect();
    tx.insert_rows("outbox", COLUMNS, rows)
}

/// What is committed and waits, oldest write first. No locking read: on MariaDB that would block those who insert.
pub(crate) async fn waiting(tx: &mut Tx, limit: u64) -> Result<Vec<Pending>> {
    let query = Query::select()
        .columns(COLUMNS.iter().copied())
        .from("outbox")
        .order_by("id", Order::Asc)
        .limit(limit)
        .take();
    tx.fetch_all(&query).await?.iter().map(pending).collect()
}

/// The oldest that waits.
pub(crate) async fn oldest(tx: &mut Tx) -> Result<Option<String>> {
    let query =
        Query::select().column("id").from("outbox").order_by("id", Order::Asc).limit(1).take();
    tx.fetch_optional(&query).await?.map(|row| row.get("id")).transpose()
}

fn pending(row: &Row) -> Result<Pending> {
    Ok(Pending {
        outbox_id: row.get("id")?,
        tx: row.parse("tx_id")?,
        made_at: row.get("made_at")?,
        change: change(row)?,
    })
}

/// The columns that outbox and journal share.
pub(crate) fn change(row: &Row) -> Result<Change> {
    Ok(Change {
        kind: row.get::<String>("kind")?.into(),
        id: row.get("object_id")?,
        operation: row.parse("operation")?,
        revision: row.get("revision")?,
        request: row.get("request_id")?,
        scopes: decode(&row.get::<String>("scopes")?)?,
    })
}
