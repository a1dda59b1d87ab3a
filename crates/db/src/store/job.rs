//! A closure on its way through a transaction.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::error::{Error, Result, RetryReason};
use crate::store::Receipt;
use crate::tx::Tx;

/// How a closure ended, before anything is committed.
pub(crate) enum Ended<T, E> {
    /// It wants to be committed.
    Keep(T),
    /// It refused, and is rolled back.
    Refused(E),
    /// The store failed it, and it is rolled back.
    Failed(Error),
}

/// Runs a closure, with a limit of time, and catches its panic: one request's mistake is not another's.
pub(crate) async fn perform<T, E, F>(
    closure: &F,
    tx: &mut Tx,
    label: &'static str,
    limit: Duration,
) -> Ended<T, E>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let run = AssertUnwindSafe(async {
        let done = closure(tx).await;
        // What it wrote without asking is refused here, and it with that.
        let written = if done.is_ok() { tx.together().await } else { Ok(()) };
        (done, written)
    })
    .catch_unwind();
    let (result, written) = match tokio::time::timeout(limit, run).await {
        Err(_) => return Ended::Failed(Error::TooLong { label }),
        Ok(Err(_)) => return Ended::Failed(Error::Panicked { label }),
        Ok(Ok(result)) => result,
    };
    // What the closure makes of a failed statement does not matter: on MariaDB a deadlock has undone everything.
    match (tx.failure(), result, written) {
        (Some(failure @ (Error::Retry { .. } | Error::Down { .. })), ..) => {
            Ended::Failed(failure.clone())
        }
        (_, Ok(_), Err(late @ Error::Late { .. })) => {
            Ended::Failed(Error::retry(RetryReason::Asked, late))
        }
        (_, Err(refusal), _) => Ended::Refused(refusal),
        (Some(failure), Ok(_), _) => {
            Ended::Failed(Error::Failed { first: Box::new(failure.clone()) })
        }
        (None, Ok(value), _) => Ended::Keep(value),
    }
}

/// Whether a job's changes stay in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

/// What SQLite's writer knows of a closure.
pub(crate) trait Job: Send {
    fn id(&self) -> Uuid;

    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    fn run<'a>(&'a mut self, tx: &'a mut Tx, limit: Duration) -> BoxFuture<'a, Verdict>;

    /// Answers the caller. With `Ok` the group is durable.
    fn answer(self: Box<Self>, group: Result<()>);
}

/// The answer to a write: what the store says, then what the closure says.
pub(crate) type Answer<T, E> = Result<Result<(T, Receipt), E>>;

pub(crate) struct Closure<T, E, F> {
    label: &'static str,
    id: Uuid,
    run: Arc<F>,
    reply: oneshot::Sender<Answer<T, E>>,
    ended: Option<(Ended<T, E>, u32)>,
}

impl<T, E, F> Closure<T, E, F> {
    pub(crate) fn new(
        label: &'static str,
        id: Uuid,
        run: Arc<F>,
        reply: oneshot::Sender<Answer<T, E>>,
    ) -> Self {
        Self { label, id, run, reply, ended: None }
    }
}

impl<T, E, F> Job for Closure<T, E, F>
where
    T: Send + 'static,
    E: Send + 'static,
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
{
    fn id(&self) -> Uuid {
        self.id
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'a>(&'a mut self, tx: &'a mut Tx, limit: Duration) -> BoxFuture<'a, Verdict> {
        async move {
            let ended = perform(&*self.run, tx, self.label, limit).await;
            let verdict =
                if matches!(ended, Ended::Keep(_)) { Verdict::Keep } else { Verdict::Undo };
            self.ended = Some((ended, tx.statements()));
            verdict
        }
        .boxed()
    }

    fn answer(self: Box<Self>, group: Result<()>) {
        let tx = self.id;
        let answer = match (group, self.ended) {
            // Its own failure says more than that of the group.
            (_, Some((Ended::Failed(error), _))) | (Err(error), _) => Err(error),
            (Ok(()), Some((Ended::Keep(value), statements))) => {
                Ok(Ok((value, Receipt { tx, statements })))
            }
            (Ok(()), Some((Ended::Refused(refusal), _))) => Ok(Err(refusal)),
            (Ok(()), None) => Err(Error::Closed),
        };
        // A caller that went away does not want to know.
        let _ = self.reply.send(answer);
    }
}
