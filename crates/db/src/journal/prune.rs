//! Forgetting old changes, and starting a new epoch.

use std::time::Duration;

use sea_query::{Expr, ExprTrait, Order, Query};
use uuid::Uuid;

use crate::error::Result;
use crate::journal::Position;
use crate::store::Store;
use crate::tx::Tx;

/// Rows deleted in one transaction, at most: nobody waits long for a prune.
const CHUNK: u64 = 1000;

/// What of the journal stays: a row goes when it is both beyond the number and beyond the age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub rows: i64,
    pub age: Duration,
}

impl Store {
    /// Deletes old rows from the journal. Answers with the place up to which it is pruned now.
    pub async fn journal_prune(&self, keep: Keep) -> Result<i64> {
        let age = i64::try_from(keep.age.as_micros()).unwrap_or(i64::MAX);
        let cutoff = self.now().saturating_sub(age);
        loop {
            let (pruned, more) = self
                .write("journal prune", move |tx| Box::pin(prune(tx, keep.rows, cutoff)))
                .await?;
            if !more {
                return Ok(pruned);
            }
        }
    }

    /// To be called after a restore: positions handed out before mean nothing any more. Answers with the new head.
    pub async fn journal_new_epoch(&self) -> Result<Position> {
        let epoch = Uuid::now_v7();
        self.write("new epoch", move |tx| {
            Box::pin(async move {
                let update =
                    Query::update().table("epoch").value("epoch", epoch.to_string()).take();
                tx.execute(&update).await?;
                tx.journal_head().await
            })
        })
        .await
    }
}

/// One chunk. Tells how far it came, and whether there may be more.
async fn prune(tx: &mut Tx, rows: i64, cutoff: i64) -> Result<(i64, bool)> {
    let (_, pruned) = tx.epoch().await?;
    let last = tx.journal_head().await?.seq.saturating_sub(rows);
    let old = Query::select()
        .columns(["seq", "sequenced_at"])
        .from("journal")
        .and_where(Expr::col("seq").gt(pruned))
        .and_where(Expr::col("seq").lte(last))
        .order_by("seq", Order::Asc)
        .limit(CHUNK)
        .take();
    let mut mark = pruned;
    let mut met = 0;
    for row in tx.fetch_all(&old).await? {
        if row.get::<i64>("sequenced_at")? >= cutoff {
            break;
        }
        mark = row.get("seq")?;
        met += 1;
    }
    if mark == pruned {
        return Ok((pruned, false));
    }
    let update = Query::update()
        .table("epoch")
        .value("pruned_to", mark)
        .and_where(Expr::col("pruned_to").eq(pruned))
        .take();
    if tx.execute(&update).await? == 0 {
        return Err(tx.retry("another server prunes the journal"));
    }
    for table in ["journal_scope", "journal"] {
        let delete = Query::delete().from_table(table).and_where(Expr::col("seq").lte(mark)).take();
        tx.execute(&delete).await?;
    }
    Ok((mark, met == CHUNK))
}
