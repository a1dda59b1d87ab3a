//! The store: writes, snapshots, reads.

mod durability;
mod group;
mod job;
pub(crate) mod retry;
mod single;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use nucleon_obs::Clock;
use sea_query::Values;
use sea_query_sqlx::SqlxValues;
use sqlx::SqlSafeStr;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::connection::Pools;
use crate::dialect::Dialect;
use crate::error::classify::{Classified, Violated, classify};
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::journal::publish::Publisher;
use crate::journal::{Batch, sequence};
use crate::pool::UNSEEN;
use crate::stats::Stats;
use crate::store::job::{Closure, Job};
pub use crate::store::retry::RetryPolicy;
use crate::tx::{Access, Tx};
use crate::url::DatabaseUrl;

/// How a store behaves. The default serves.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Connections that write (on SQLite it is always one).
    pub writers: u32,
    /// Connections that read.
    pub readers: u32,
    /// How long a write or read waits for a connection.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another process that writes to the same file.
    pub busy_timeout: Duration,
    /// How long a closure may take before it is rolled back.
    pub closure_limit: Duration,
    /// Closures that SQLite commits at once, at most.
    pub group_size: usize,
    /// Closures that wait for SQLite's writer, at most; more wait outside.
    pub queue_size: usize,
    pub retry: RetryPolicy,
    /// How often the journal is looked at for what other servers have done.
    pub poll: Duration,
    /// Tells the times that stand in the journal. (Pauses between attempts are the machine's.)
    pub clock: Clock,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            writers: 16,
            readers: 16,
            acquire_timeout: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            closure_limit: Duration::from_secs(10),
            group_size: 64,
            queue_size: 1024,
            retry: RetryPolicy::default(),
            poll: Duration::from_millis(75),
            clock: Clock::system(),
        }
    }
}

/// What a write has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The id that the journal's rows of this write carry.
    pub tx: Uuid,
    /// Statements of the attempt that was committed, with the outbox's, without transaction control. (On SQLite the
    /// journal's rows are inserted once for all writes of a group, and count for none.)
    pub statements: u32,
}

/// What the tasks of a store share.
pub(crate) struct Shared {
    pub(crate) dialect: Dialect,
    pub(crate) pools: Pools,
    pub(crate) options: StoreOptions,
    pub(crate) facts: Facts,
    pub(crate) stats: Stats,
    pub(crate) publisher: Publisher,
    /// Rung when a local write has put rows into the outbox.
    pub(crate) outbox: Notify,
    pub(crate) stop: CancellationToken,
    following: AtomicBool,
}

struct Inner {
    shared: Arc<Shared>,
    /// SQLite's writer.
    queue: Option<mpsc::Sender<Box<dyn Job>>>,
    tasks: TaskTracker,
    url: DatabaseUrl,
    _stop: DropGuard,
}

/// A handle; clones are the same store. Its tasks end with the last of them.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.url).finish()
    }
}

impl Store {
    /// Opens the database and sees that it answers. The schema may still be missing: see [`crate::migrate`].
    pub async fn open(url: &DatabaseUrl, options: StoreOptions) -> Result<Self> {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (publisher, announcements) = Publisher::new();
        let shared = Arc::new(Shared {
            dialect: url.dialect(),
            pools: Pools::open(url, &options),
            options,
            facts: Facts::default(),
            stats: Stats::default(),
            publisher,
            outbox: Notify::new(),
            stop: stop.clone(),
            following: AtomicBool::new(false),
        });
        // The writer comes first: on SQLite it makes the file.
        durability::examine(&mut shared.acquire(Access::Write).await?).await?;
        shared.facts.know_blocks(has_blocks(&mut shared.acquire(Access::Write).await?).await?);
        drop(shared.acquire(Access::Read).await?);
        let queue = (url.dialect() == Dialect::Sqlite).then(|| {
            let (queue, jobs) = mpsc::channel(shared.options.queue_size);
            tasks.spawn(group::run(shared.clone(), jobs));
            queue
        });
        tasks.spawn(crate::journal::publish::run(shared.clone(), announcements));
        tasks.spawn(tidy(shared.clone()));
        let inner = Inner { shared, queue, tasks, url: url.clone(), _stop: stop.drop_guard() };
        Ok(Self(Arc::new(inner)))
    }

    /// Starts to put this server's share of the outbox into the journal, and to follow what the others put there.
    /// The schema must be there. To call it again does nothing.
    pub fn start_journal(&self) {
        if self.0.shared.following.swap(true, Ordering::Relaxed) {
            return;
        }
        self.0.tasks.spawn(sequence::run(self.0.shared.clone()));
    }

    /// Runs a closure in a transaction, and commits it when it returns `Ok`. When this returns `Ok`, the commit is
    /// durable.
    ///
    /// The closure may run several times, each time in a new transaction; it does no I/O but `tx`, and takes ids and
    /// time from outside. It goes on to its end when the caller goes away.
    ///
    /// ```
    /// # use nucleon_db::{Error, Store, StoreOptions};
    /// # use sea_query::{Expr, ExprTrait, Query};
    /// # async fn rename(store: Store, id: String, name: String) -> Result<(), Error> {
    /// store
    ///     .write("network rename", move |tx| {
    ///         let update = Query::update()
    ///             .table("network")
    ///             .value("name", name.clone())
    ///             .and_where(Expr::col("id").eq(id.clone()))
    ///             .take();
    ///         let id = id.clone();
    ///         Box::pin(async move {
    ///             match tx.execute(&update).await? {
    ///                 0 => Err(Error::Stale { kind: "network", id }),
    ///                 _ => Ok(()),
    ///             }
    ///         })
    ///     })
    ///     .await
    /// # }
    /// ```
    pub async fn write<T, E, F>(&self, label: &'static str, closure: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        self.write_with_receipt(label, closure).await.map(|(value, _)| value)
    }

    /// As [`Store::write`], and tells what it cost.
    pub async fn write_with_receipt<T, E, F>(
        &self,
        label: &'static str,
        closure: F,
    ) -> Result<(T, Receipt), E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
    {
        let closure = Arc::new(closure);
        let id = Uuid::now_v7();
        let shared = self.0.shared.clone();
        let outcome = if let Some(queue) = &self.0.queue {
            let attempt = || async {
                let (reply, answer) = oneshot::channel();
                let job = Closure::new(label, id, closure.clone(), reply);
                queue.send(Box::new(job)).await.map_err(|_| Error::Closed)?;
                answer.await.map_err(|_| Error::Closed)?
            };
            retry::run(&shared, label, attempt).await
        } else {
            let task = self.0.tasks.spawn(async move {
                let attempt = || single::write(shared.clone(), label, id, closure.clone());
                retry::run(&shared, label, attempt).await
            });
            task.await.unwrap_or(Err(Error::Closed))
        };
        outcome.map_err(E::from)?
    }

    /// Runs a closure on one unchanging picture of the database: a repeatable-read, read-only transaction.
    pub async fn snapshot<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
    {
        single::snapshot(&self.0.shared, closure).await
    }

    /// Runs a closure outside a transaction: for one question, or several that need not agree with one another.
    pub async fn read<T, E, F>(&self, closure: F) -> Result<T, E>
    where
        E: From<Error>,
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
    {
        single::read(&self.0.shared, closure).await
    }

    /// The batches that this server gives their place. Whoever falls behind is told so, and reads the journal.
    pub fn batches(&self) -> broadcast::Receiver<Arc<Batch>> {
        self.0.shared.publisher.batches()
    }

    /// The highest place in the journal that this server knows to be taken, by itself or by another.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.0.shared.publisher.head()
    }

    pub fn stats(&self) -> &Stats {
        &self.0.shared.stats
    }

    pub fn dialect(&self) -> Dialect {
        self.0.shared.dialect
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }

    /// The time that the journal's rows carry, in microseconds since 1970.
    pub fn now(&self) -> i64 {
        self.0.shared.now()
    }

    /// Ends what was begun, and closes all connections.
    pub async fn close(&self) {
        self.0.shared.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.shared.pools.close().await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

/// Whether MariaDB takes a block of statements with values bound, which MySQL does not.
async fn has_blocks(tx: &mut Tx) -> Result<bool> {
    if tx.dialect() != Dialect::MySql {
        return Ok(false);
    }
    let values = SqlxValues(Values(vec![1i64.into()]));
    tx.unsettle();
    let tried = tx.execute_sql("BEGIN NOT ATOMIC DO ?; END".into_sql_str(), values).await;
    tx.end("ROLLBACK").await?;
    match tried {
        Ok(_) => Ok(true),
        Err(Error::Database { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Looks after connections that nobody wants.
async fn tidy(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(UNSEEN) => shared.pools.tidy(),
            () = shared.stop.cancelled() => return,
        }
    }
}

impl Shared {
    pub(crate) fn now(&self) -> i64 {
        self.options.clock.now().as_micros()
    }

    pub(crate) async fn acquire(&self, access: Access) -> Result<Tx> {
        let pool = match access {
            Access::Write => &self.pools.writers,
            Access::Read => &self.pools.readers,
        };
        match pool.acquire().await {
            Ok(connection) => Ok(Tx::new(connection, access, self.facts.clone())),
            Err(error) => Err(match classify(error, "connect") {
                Classified::Final(Error::Retry { detail, .. }) => Error::Down { detail },
                Classified::Final(error) => error,
                Classified::Unique(Violated::Named(name) | Violated::Columns(name)) => {
                    Error::Conflict { constraint: name }
                }
            }),
        }
    }
}
