//! Putting changes into the journal, by whoever holds the sequencer's lock.

use sea_query::{Expr, ExprTrait, Query, Value};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::journal::{Batch, Change, Entry};
use crate::tx::Tx;

const JOURNAL: &[&str] = &[
    "seq",
    "outbox_id",
    "tx_id",
    "kind",
    "object_id",
    "operation",
    "revision",
    "request_id",
    "scopes",
    "made_at",
    "sequenced_at",
];

/// A change that is committed, or is about to be, and has no place yet.
pub(crate) struct Pending {
    pub(crate) outbox_id: String,
    pub(crate) tx: Uuid,
    pub(crate) made_at: i64,
    pub(crate) change: Change,
}

/// The name of a change before it has a place: the write, and the change's number in it.
pub(crate) fn outbox_id(tx: Uuid, number: usize) -> String {
    format!("{tx}-{number:05}")
}

/// Gives the changes of SQLite's group their places at once: the transaction is the only writer.
pub(crate) async fn group(
    tx: &mut Tx,
    changes: Vec<(Uuid, Change)>,
    now: i64,
) -> Result<Option<Batch>> {
    if changes.is_empty() {
        return Ok(None);
    }
    let next = next(tx, Query::select().column("next").from("sequencer").take()).await?;
    let mut number = 0;
    let mut last = Uuid::nil();
    let pending = changes.into_iter().map(|(id, change)| {
        number = if id == last { number + 1 } else { 0 };
        last = id;
        Pending { outbox_id: outbox_id(id, number), tx: id, made_at: now, change }
    });
    let batch = append(tx, next, pending.collect(), now)?;
    tx.together().await?;
    Ok(Some(batch))
}

pub(crate) async fn next(tx: &mut Tx, question: sea_query::SelectStatement) -> Result<i64> {
    let row = tx.fetch_optional(&question).await?.ok_or_else(|| Error::Damaged {
        column: "sequencer.next".to_owned(),
        problem: "the row is missing".to_owned(),
    })?;
    row.get("next")
}

/// Writes journal rows from place `first` on, and moves the sequencer.
pub(crate) fn append(tx: &mut Tx, first: i64, pending: Vec<Pending>, now: i64) -> Result<Batch> {
    let mut rows = Vec::with_capacity(pending.len());
    let mut scopes: Vec<Vec<Value>> = Vec::new();
    let mut entries = Vec::with_capacity(pending.len());
    for (seq, Pending { outbox_id, tx, made_at, change }) in (first..).zip(pending) {
        rows.push(vec![
            seq.into(),
            outbox_id.into(),
            tx.to_string().into(),
            change.kind.as_ref().into(),
            change.id.clone().into(),
            change.operation.name().into(),
            change.revision.into(),
            change.request.clone().into(),
            encode(&change.scopes).into(),
            made_at.into(),
            now.into(),
        ]);
        scopes.extend(change.scopes.iter().map(|scope| vec![scope.clone().into(), seq.into()]));
        entries.push(Entry { seq, tx, made_at, sequenced_at: now, change });
    }
    tx.insert_rows("journal", JOURNAL, rows)?;
    tx.insert_rows("journal_scope", &["scope", "seq"], scopes)?;
    let batch = Batch::new(first - 1, entries);
    let advance = Query::update()
        .table("sequencer")
        .value("next", batch.last() + 1)
        .and_where(Expr::col("id").eq(1i64))
        .take();
    tx.later(advance);
    Ok(batch)
}

/// Scopes as one column: JSON, so that any name is safe.
pub(crate) fn encode(scopes: &[String]) -> String {
    serde_json::Value::from(scopes).to_string()
}

pub(crate) fn decode(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text)
        .map_err(|error| Error::Damaged { column: "scopes".to_owned(), problem: error.to_string() })
}
