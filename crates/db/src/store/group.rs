//! SQLite's writer: one task, one connection. The closures that wait are run in one `BEGIN IMMEDIATE`, a savepoint
//! each, and answered after the commit: the cost of making it durable is shared.

use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::error::{Error, Result, RetryReason};
use crate::journal::{Batch, Change, append};
use crate::store::Shared;
use crate::store::job::{Job, Verdict};
use crate::tx::{Access, Tx};

pub(crate) async fn run(shared: Arc<Shared>, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    let stop = shared.stop.clone();
    loop {
        let job = tokio::select! {
            job = jobs.recv() => job,
            () = stop.cancelled() => {
                // Those already in the queue are still served.
                jobs.close();
                jobs.recv().await
            }
        };
        let Some(first) = job else { return };
        serve(&shared, first, &mut jobs).await;
    }
}

/// Commits one group and answers all of it.
async fn serve(shared: &Shared, first: Box<dyn Job>, jobs: &mut mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Group { done: Vec::new(), changes: Vec::new() };
    let outcome = match group.commit(shared, first, jobs).await {
        Ok(batch) => {
            shared.stats.add_groups(1);
            if let Some(batch) = batch {
                shared.stats.add_sequenced(batch.entries.len() as u64);
                shared.publisher.announce(batch, &shared.stats);
            }
            Ok(())
        }
        Err(error) => Err(error),
    };
    for (job, verdict) in group.done {
        match (&outcome, verdict) {
            (Ok(()), Verdict::Keep) => shared.stats.add_commits(1),
            (Ok(()), Verdict::Undo) => shared.stats.add_refused(1),
            (Err(_), _) => {}
        }
        job.answer(outcome.clone());
    }
}

struct Group {
    done: Vec<(Box<dyn Job>, Verdict)>,
    changes: Vec<(Uuid, Change)>,
}

impl Group {
    async fn commit(
        &mut self,
        shared: &Shared,
        first: Box<dyn Job>,
        jobs: &mut mpsc::Receiver<Box<dyn Job>>,
    ) -> Result<Option<Batch>> {
        let mut next = Some(first);
        let mut tx = match begin(shared).await {
            Ok(tx) => tx,
            Err(error) => {
                // Whoever waits further back meets the same, each with its own attempt.
                self.done.extend(next.take().map(|job| (job, Verdict::Undo)));
                return Err(error);
            }
        };
        while let Some(job) = next.take() {
            if !job.is_abandoned() {
                self.perform(shared, &mut tx, job).await?;
            }
            if self.done.len() < shared.options.group_size {
                next = jobs.try_recv().ok();
            }
        }
        let now = shared.now();
        tx.start(Uuid::nil(), now);
        let changes = std::mem::take(&mut self.changes);
        let batch = append::group(&mut tx, changes, now).await?;
        tx.commit_write().await.map_err(|error| match error {
            Error::Down { detail } => Error::OutcomeUnknown { label: "group commit", detail },
            other => other,
        })?;
        Ok(batch)
    }

    async fn perform(&mut self, shared: &Shared, tx: &mut Tx, mut job: Box<dyn Job>) -> Result<()> {
        tx.start(job.id(), shared.now());
        tx.control("SAVEPOINT closure").await?;
        let verdict = job.run(tx, shared.options.closure_limit).await;
        let (id, statements) = (job.id(), tx.statements());
        self.done.push((job, verdict));
        shared.stats.add_statements(statements.into());
        let settled = match verdict {
            Verdict::Keep => {
                self.changes.extend(tx.take_changes().into_iter().map(|change| (id, change)));
                tx.control("RELEASE closure").await
            }
            Verdict::Undo => match tx.control("ROLLBACK TO closure").await {
                Ok(()) => tx.control("RELEASE closure").await,
                Err(error) => Err(error),
            },
        };
        // SQLite gives up a whole transaction on a full disk and the like: then the others are run again without it.
        settled.map_err(|error| match error {
            error @ (Error::Retry { .. } | Error::Down { .. }) => error,
            other => Error::retry(RetryReason::Busy, other),
        })
    }
}

async fn begin(shared: &Shared) -> Result<Tx> {
    let mut tx = shared.acquire(Access::Write).await?;
    tx.begin_write().await?;
    Ok(tx)
}
