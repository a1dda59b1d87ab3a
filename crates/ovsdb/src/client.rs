//! The handle to a database, for any number of callers.

mod backoff;
mod connection;
mod counters;
mod endpoint;
mod liveness;
mod outbox;
mod task;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::Error;
use crate::frame::FrameLimits;
use crate::monitor::MonitorSpec;
use crate::snapshot::Snapshot;
use crate::transaction::{OpResult, Transaction};

pub use self::backoff::BackoffLimits;
pub use self::counters::Counters;
pub use self::endpoint::{Endpoint, InvalidEndpoint};
pub use self::outbox::{Event, Events};

use self::counters::SharedCounters;
use self::task::{Command, Question, Task};

/// How patient a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// For the connection to be there.
    pub connect_timeout: Duration,
    /// From the connection to the first snapshot.
    pub snapshot_timeout: Duration,
    /// For the answer to a transaction.
    pub request_timeout: Duration,
    /// A server silent for so long is asked for an echo; silent for as long again, it is given up.
    pub probe_interval: Duration,
    pub backoff: BackoffLimits,
    /// For what the server sends.
    pub limits: FrameLimits,
}

/// A cheap handle to the task that owns the connection. The task ends when the last handle is
/// dropped.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: String,
    config: Config,
    commands: mpsc::Sender<Command>,
    revision: watch::Receiver<u64>,
    counters: Arc<SharedCounters>,
    /// Owns the task: dropping it is what ends it.
    _task: JoinSet<()>,
}

/// How many commands may wait for the task; more callers wait for their turn, within their timeout.
const COMMANDS: usize = 64;

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            snapshot_timeout: Duration::from_mins(1),
            request_timeout: Duration::from_secs(30),
            probe_interval: Duration::from_secs(10),
            backoff: BackoffLimits::default(),
            limits: FrameLimits::default(),
        }
    }
}

impl Client {
    /// Starts a task that connects, keeps connecting, and keeps the replica. Must be called within
    /// a tokio runtime; it does not wait for the server: [`Event::Connected`] tells when it is
    /// there.
    pub fn connect(endpoint: Endpoint, spec: MonitorSpec, config: Config) -> (Self, Events) {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (events, receiver) = outbox::channel();
        let (revision_sender, revision) = watch::channel(0);
        let counters = Arc::new(SharedCounters::default());
        let database = spec.database().to_owned();
        let mut tasks = JoinSet::new();
        tasks.spawn(
            Task {
                endpoint,
                spec,
                config,
                commands: inbox,
                events,
                revision: revision_sender,
                counters: Arc::clone(&counters),
            }
            .run(),
        );
        let inner = Inner { database, config, commands, revision, counters, _task: tasks };
        (Self { inner: Arc::new(inner) }, receiver)
    }

    /// Runs a transaction within [`Config::request_timeout`].
    ///
    /// When it returns, its changes are in [`Client::snapshot`], and the event that tells them is
    /// under way: the server sends updates before the answer. Dropping the future does not take
    /// back what was sent.
    pub async fn transact(&self, transaction: Transaction) -> Result<Vec<OpResult>, Error> {
        self.transact_within(transaction, self.inner.config.request_timeout).await
    }

    pub async fn transact_within(
        &self,
        transaction: Transaction,
        limit: Duration,
    ) -> Result<Vec<OpResult>, Error> {
        if transaction.is_empty() {
            return Ok(Vec::new());
        }
        let params = transaction.to_json(&self.inner.database)?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Transact(Question { params, kinds: transaction.kinds(), reply });
        timeout(limit, self.ask(command, answer)).await.map_err(|_| Error::Timeout(limit))??
    }

    /// Runs transactions one after the other, up to the first that fails.
    pub async fn transact_all(
        &self,
        transactions: impl IntoIterator<Item = Transaction>,
    ) -> Result<Vec<Vec<OpResult>>, Error> {
        let mut results = Vec::new();
        for transaction in transactions {
            results.push(self.transact(transaction).await?);
        }
        Ok(results)
    }

    /// The replica as it is now.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Snapshot(reply), answer).await?.ok_or(Error::NotConnected)
    }

    /// Waits until `found` finds what it looks for in the replica, across lost connections.
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        mut found: impl FnMut(&Snapshot) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + limit;
        let mut revision = self.inner.revision.clone();
        loop {
            revision.borrow_and_update();
            match timeout_at(deadline, self.snapshot()).await {
                Err(_) => return Err(Error::Timeout(limit)),
                Ok(Err(Error::NotConnected)) => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok(snapshot)) => {
                    if let Some(answer) = found(&snapshot) {
                        return Ok(answer);
                    }
                }
            }
            match timeout_at(deadline, revision.changed()).await {
                Err(_) => return Err(Error::Timeout(limit)),
                Ok(Err(_)) => return Err(Error::Stopped),
                Ok(Ok(())) => {}
            }
        }
    }

    pub fn counters(&self) -> Counters {
        self.inner.counters.read()
    }

    async fn ask<T>(&self, command: Command, answer: oneshot::Receiver<T>) -> Result<T, Error> {
        self.inner.commands.send(command).await.map_err(|_| Error::Stopped)?;
        answer.await.map_err(|_| Error::Stopped)
    }
}
