//! A transaction on a connection of its own: every write on MariaDB and PostgreSQL, and every read.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::error::{Error, Result, RetryReason};
use crate::journal::outbox;
use crate::store::job::{Answer, Ended, perform};
use crate::store::{Receipt, Shared};
use crate::tx::{Access, Tx};

/// One attempt at a write.
pub(crate) fn write<T, E, F>(
    shared: Arc<Shared>,
    label: &'static str,
    id: Uuid,
    closure: Arc<F>,
) -> BoxFuture<'static, Answer<T, E>>
where
    T: Send + 'static,
    E: Send + 'static,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
{
    async move { attempt(&shared, label, id, &*closure).await }.boxed()
}

async fn attempt<T, E, F>(
    shared: &Shared,
    label: &'static str,
    id: Uuid,
    closure: &F,
) -> Answer<T, E>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let mut tx = shared.acquire(Access::Write).await?;
    tx.start(id, shared.now());
    tx.begin_write().await?;
    let limit: Duration = shared.options.closure_limit;
    let value = match perform(closure, &mut tx, label, limit).await {
        Ended::Keep(value) => value,
        Ended::Refused(refusal) => {
            shared.stats.add_refused(1);
            shared.stats.add_statements(tx.statements().into());
            // Should it fail, the connection is thrown away, which rolls back as well.
            let _ = tx.end("ROLLBACK").await;
            return Ok(Err(refusal));
        }
        Ended::Failed(error) => {
            if !matches!(error, Error::TooLong { .. } | Error::Panicked { .. }) {
                let _ = tx.end("ROLLBACK").await;
            }
            return Err(error);
        }
    };
    let filled = match outbox::fill(&mut tx) {
        Ok(()) => tx.together().await,
        refused => refused,
    };
    if let Err(error) = filled {
        let _ = tx.end("ROLLBACK").await;
        return Err(error);
    }
    if let Err(error) = tx.commit_write().await {
        return Err(match error {
            Error::Retry { reason: RetryReason::Connection, detail } | Error::Down { detail } => {
                Error::OutcomeUnknown { label, detail }
            }
            refused => {
                let _ = tx.end("ROLLBACK").await;
                refused
            }
        });
    }
    let (statements, changes) = (tx.statements(), tx.written());
    drop(tx);
    shared.stats.add_commits(1);
    shared.stats.add_statements(statements.into());
    if changes > 0 {
        shared.outbox.notify_one();
    }
    Ok(Ok((value, Receipt { tx: id, statements })))
}

/// Runs a closure in a read-only transaction that sees one picture.
pub(crate) async fn snapshot<T, E, F>(shared: &Shared, closure: F) -> Result<T, E>
where
    E: From<Error>,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let begin = match shared.dialect {
        Dialect::Sqlite => "BEGIN",
        // The isolation level is that of the session.
        Dialect::MySql => "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    reading(shared, &closure, Some(begin)).await
}

/// Runs a closure without a transaction.
pub(crate) async fn read<T, E, F>(shared: &Shared, closure: F) -> Result<T, E>
where
    E: From<Error>,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    reading(shared, &closure, None).await
}

async fn reading<T, E, F>(shared: &Shared, closure: &F, begin: Option<&'static str>) -> Result<T, E>
where
    E: From<Error>,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let outcome = super::retry::run(shared, "read", || async {
        let mut tx = shared.acquire(Access::Read).await?;
        tx.start(Uuid::nil(), shared.now());
        if let Some(begin) = begin {
            tx.begin(begin).await?;
        } else {
            tx.unsettle();
        }
        let result = closure(&mut tx).await;
        if let Some(error @ (Error::Retry { .. } | Error::ReadOnly)) = tx.failure() {
            return Err(error.clone());
        }
        match begin {
            // A read-only transaction has nothing to lose; a connection that cannot end it is thrown away.
            Some(_) => drop(tx.end("COMMIT").await),
            None => tx.settle(),
        }
        Ok(result)
    })
    .await;
    outcome.map_err(E::from)?
}
