//! Telling this server's subscribers what it has sequenced.

use std::sync::Arc;

use sea_query::{Expr, ExprTrait, Query, UnionType};
use tokio::sync::{broadcast, mpsc, watch};

use crate::error::Result;
use crate::journal::{Batch, ScopeMark};
use crate::stats::Stats;
use crate::store::Shared;
use crate::tx::{Access, Tx};

/// Batches that may wait for the publisher. If more come, the newest is not announced: a hint may be lost, the journal
/// has it all the same, and every reader polls.
const WAITING: usize = 256;

/// Batches that a slow subscriber may be behind before it is told that it lags.
const BEHIND: usize = 1024;

pub(crate) struct Publisher {
    announcements: mpsc::Sender<Batch>,
    batches: broadcast::Sender<Arc<Batch>>,
    head: watch::Sender<i64>,
}

impl Publisher {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Batch>) {
        let (announcements, receiver) = mpsc::channel(WAITING);
        let batches = broadcast::Sender::new(BEHIND);
        (Self { announcements, batches, head: watch::Sender::new(0) }, receiver)
    }

    pub(crate) fn batches(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.batches.subscribe()
    }

    pub(crate) fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// The head is at least here.
    pub(crate) fn reached(&self, seq: i64) {
        self.head.send_if_modified(|head| {
            let higher = seq > *head;
            if higher {
                *head = seq;
            }
            higher
        });
    }

    /// Hands on a batch whose commit is durable.
    pub(crate) fn announce(&self, batch: Batch, stats: &Stats) {
        stats.add_batches(1);
        self.reached(batch.last());
        if self.batches.receiver_count() > 0 && self.announcements.try_send(batch).is_err() {
            stats.add_hints_dropped(1);
        }
    }
}

/// Looks up what the scopes' readers must have seen before a batch, then sends the batch: beside the commit, not in it.
pub(crate) async fn run(shared: Arc<Shared>, mut announcements: mpsc::Receiver<Batch>) {
    loop {
        let mut batch = tokio::select! {
            batch = announcements.recv() => match batch {
                Some(batch) => batch,
                None => return,
            },
            () = shared.stop.cancelled() => return,
        };
        match mark(&shared, &mut batch).await {
            Ok(()) => {
                // Without a subscriber there is nobody to tell.
                let _ = shared.publisher.batches.send(Arc::new(batch));
            }
            Err(error) => {
                shared.stats.add_hints_dropped(1);
                tracing::warn!(%error, seq = batch.last(), "a batch of changes was not announced");
            }
        }
    }
}

async fn mark(shared: &Shared, batch: &mut Batch) -> Result<()> {
    let mut tx = shared.acquire(Access::Read).await?;
    let before = batch.previous;
    for marks in batch.scopes.chunks_mut(64) {
        previous(&mut tx, marks, before).await?;
    }
    Ok(())
}

/// Fills in the last place of each scope at or below a place, which is one step in an index for each.
async fn previous(tx: &mut Tx, marks: &mut [ScopeMark], before: i64) -> Result<()> {
    // As many questions as the next power of two, the last one repeated: few statements to prepare.
    let size = marks.len().next_power_of_two();
    let questions = (0..size).filter_map(|n| Some((n, marks.get(n).or(marks.last())?)));
    let mut query = Query::select();
    let pruned = || Query::select().column("pruned_to").from("epoch").take();
    for (n, mark) in questions {
        let newest = Query::select()
            .expr(Expr::col("seq").max())
            .from("journal_scope")
            .and_where(Expr::col("scope").eq(mark.scope.clone()))
            .and_where(Expr::col("seq").lte(before))
            .take();
        let place = i64::try_from(n).unwrap_or(i64::MAX);
        let part = Query::select()
            .expr_as(Expr::cust(place.to_string()), "place")
            .expr_as(Expr::from(newest), "newest")
            .expr_as(Expr::from(pruned()), "pruned")
            .take();
        if n == 0 {
            query = part;
        } else {
            query.union(UnionType::All, part);
        }
    }
    for row in tx.fetch_all(&query).await? {
        let place: i64 = row.get::<i32>("place").map(i64::from).or_else(|_| row.get("place"))?;
        let newest: Option<i64> = row.get("newest")?;
        let pruned: i64 = row.get("pruned")?;
        if let Some(mark) = usize::try_from(place).ok().and_then(|place| marks.get_mut(place)) {
            mark.previous = newest.unwrap_or_else(|| Ord::min(pruned, before));
        }
    }
    Ok(())
}
