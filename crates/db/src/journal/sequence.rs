//! The sequencer: moves committed changes from the outbox into the journal. It runs on every server; the lock of one
//! row is all that they share, so any of them may die at any moment.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use sea_query::{Expr, ExprTrait, LockType, Query, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::SqlSafeStr;
use tokio::time::Instant;

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::journal::append::{append, next};
use crate::journal::{Batch, outbox};
use crate::store::{Shared, retry};
use crate::tx::{Access, Tx};

/// Changes moved in one transaction, at most.
const BATCH: u64 = 512;

/// The longest pause after failures, such as a database that is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The least time between two turns that writes of this server call for. A change after a quiet while has its place at
/// once; of many in a row several share one transaction, rather than each slowing down the write that comes after it.
const PACE: Duration = Duration::from_millis(8);

/// What the sequencer found to do.
enum Woken {
    /// A write of this server has filled the outbox.
    Here,
    /// It is time to look for what others left.
    Poll,
}

pub(crate) async fn run(shared: Arc<Shared>) {
    let mut seen = None;
    let mut failures = 0;
    let mut last: Option<Instant> = None;
    loop {
        let pause = pause(shared.options.poll, failures);
        let woken = tokio::select! {
            () = shared.stop.cancelled() => return,
            () = shared.outbox.notified() => Woken::Here,
            () = tokio::time::sleep(pause) => Woken::Poll,
        };
        if let (Woken::Here, Some(last)) = (&woken, last) {
            tokio::select! {
                () = shared.stop.cancelled() => return,
                () = tokio::time::sleep_until(last + PACE) => {}
            }
        }
        last = Some(Instant::now());
        match turn(&shared, &woken, &mut seen).await {
            Ok(()) => failures = 0,
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "changes cannot be put into the journal just now");
                }
                failures += 1;
            }
        }
    }
}

/// The pause before the next poll; random, so that the servers do not poll together.
fn pause(poll: Duration, failures: u32) -> Duration {
    let pause = poll.saturating_mul(1 << Ord::min(failures, 10)).min(PATIENCE.max(poll));
    pause.mul_f64(rand::rng().random_range(0.7..1.3))
}

async fn turn(shared: &Shared, woken: &Woken, seen: &mut Option<String>) -> Result<()> {
    if shared.dialect == Dialect::Sqlite {
        return look(shared).await.map(drop);
    }
    if matches!(woken, Woken::Poll) {
        let oldest = look(shared).await?;
        // Another server is likely at it. What is still there at the next look has nobody.
        let abandoned = oldest.is_some() && oldest == *seen;
        *seen = oldest;
        if !abandoned {
            return Ok(());
        }
    }
    loop {
        let batch = retry::run(shared, "sequence", || sequence(shared)).await;
        let batch = match batch {
            Err(Error::Late { refusal }) if refusal.is_conflict_on("journal_outbox_uq") => {
                discard_doubles(shared).await?;
                continue;
            }
            other => other?,
        };
        let Some(batch) = batch else { return Ok(()) };
        let more = batch.entries.len() as u64 == BATCH;
        shared.stats.add_sequenced(batch.entries.len() as u64);
        shared.publisher.announce(batch, &shared.stats);
        if !more {
            return Ok(());
        }
    }
}

/// Notes how far the journal has come, and what waits in the outbox.
async fn look(shared: &Shared) -> Result<Option<String>> {
    let mut tx = shared.acquire(Access::Read).await?;
    let next = next(&mut tx, Query::select().column("next").from("sequencer").take()).await?;
    shared.publisher.reached(next - 1);
    match shared.dialect {
        Dialect::Sqlite => Ok(None),
        Dialect::MySql | Dialect::Postgres => outbox::oldest(&mut tx).await,
    }
}

/// One transaction: lock, read, write, delete, durable commit.
async fn sequence(shared: &Shared) -> Result<Option<Batch>> {
    let mut tx = shared.acquire(Access::Write).await?;
    tx.begin_write().await?;
    let next = lock(&mut tx).await?;
    let pending = outbox::waiting(&mut tx, BATCH).await?;
    if pending.is_empty() {
        tx.end("ROLLBACK").await?;
        return Ok(None);
    }
    let batch = append(&mut tx, next, pending, shared.now())?;
    let values = Values(vec![next.into(), batch.last().into()]);
    let cleared = tx.execute_sql(clear(tx.dialect()).into_sql_str(), SqlxValues(values)).await?;
    if cleared != batch.entries.len() as u64 {
        // Cannot be while the lock is held; if it is, nothing of it may stay.
        return Err(Error::Damaged {
            column: "outbox.id".to_owned(),
            problem: format!("{cleared} rows left it, {} were read", batch.entries.len()),
        });
    }
    tx.commit_write().await?;
    Ok(Some(batch))
}

async fn lock(tx: &mut Tx) -> Result<i64> {
    let query = Query::select()
        .column("next")
        .from("sequencer")
        .and_where(Expr::col("id").eq(1i64))
        .lock(LockType::Update)
        .take();
    next(tx, query).await
}

/// Deletes from the outbox what has just got its place, by a join that starts from the journal: any other way may look
/// at, and on MariaDB wait for, rows that others are still inserting. sea-query has no such statement.
fn clear(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => {
            "DELETE FROM outbox USING journal \
             WHERE outbox.id = journal.outbox_id AND journal.seq BETWEEN $1 AND $2"
        }
        Dialect::MySql | Dialect::Sqlite => {
            "DELETE o FROM journal j STRAIGHT_JOIN outbox o FORCE INDEX (PRIMARY) \
             ON o.id = j.outbox_id WHERE j.seq BETWEEN ? AND ?"
        }
    }
}

/// Clears the outbox of changes that have their place already. That happens only to a database that was put together
/// from parts of several ages; without this it would stop the journal for good.
async fn discard_doubles(shared: &Shared) -> Result<()> {
    retry::run(shared, "discard doubles", || async {
        let mut tx = shared.acquire(Access::Write).await?;
        tx.begin_write().await?;
        lock(&mut tx).await?;
        let ids: Vec<String> = outbox::waiting(&mut tx, BATCH)
            .await?
            .into_iter()
            .map(|pending| pending.outbox_id)
            .collect();
        let doubles = Query::select()
            .column("outbox_id")
            .from("journal")
            .and_where(Expr::col("outbox_id").is_in(ids))
            .take();
        for row in tx.fetch_all(&doubles).await? {
            let id: String = row.get("outbox_id")?;
            tracing::error!(outbox.id = id, "a change was in the journal already; discarded");
            let delete =
                Query::delete().from_table("outbox").and_where(Expr::col("id").eq(id)).take();
            tx.execute(&delete).await?;
        }
        tx.commit_write().await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_lengthen_the_pause_up_to_patience() {
        let poll = Duration::from_millis(75);
        for failures in 0..20 {
            assert!(pause(poll, failures) <= PATIENCE.mul_f64(1.3));
        }
        assert!(pause(poll, 0) < Duration::from_millis(98));
        assert!(pause(poll, 10) > Duration::from_secs(1));
    }
}
