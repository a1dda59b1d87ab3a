//! Connections between uses.
//!
//! What sqlx gets back it looks at first: a task asks the database whether the connection is well, which for a show is as
//! much again as the question was. Here a connection that ended its work in order waits for the next who wants one, and is
//! given back to sqlx, which looks, only now and then, or when there is doubt. (docs/decisions/0017)
//!
//! ```text
//!   acquire <--- rack <--- sound --- Lease --- doubtful ----> sqlx's pool, which looks at it
//!        ^         |                   |                        ^
//!        |         +--- a minute ------|------------------------+
//!        +--- sqlx's pool              +------ broken, lost ---> closed; with a lost one, all on the rack
//! ```

use std::collections::VecDeque;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nucleon_obs::{Clock, Mono};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{Connection, Source};
use crate::store::StoreOptions;

/// How long a connection goes from use to use, or waits for one, until sqlx has a look at it; sqlx also ends those of servers
/// that have lived long, or that nobody has wanted for long.
pub(crate) const UNSEEN: Duration = Duration::from_mins(1);

/// Connections of one purpose; clones are the same pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    source: Source,
    patience: Duration,
    rack: Arc<Rack>,
}

/// Where connections wait.
#[derive(Debug)]
struct Rack {
    /// As many as sqlx may open: who gets one finds a connection here, or sqlx has one or may open one.
    permits: Arc<Semaphore>,
    /// The one used last is at the back, and is used next: what is not needed gets old at the front.
    idle: Mutex<VecDeque<Kept>>,
    clock: Clock,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    /// When it came from sqlx.
    taken: Mono,
    /// When it was used last.
    used: Mono,
}

/// A connection on loan.
#[derive(Debug)]
pub(crate) struct Lease {
    kept: Option<Kept>,
    condition: Condition,
    rack: Arc<Rack>,
    _permit: OwnedSemaphorePermit,
}

/// How a connection comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It ended what it did in order.
    Sound,
    /// sqlx is to look at it.
    Doubtful,
    /// It is in the middle of something.
    Broken,
    /// The database ended it. That may have ended those that wait, as well: they are closed with it.
    Lost,
}

impl Pool {
    pub(crate) fn new(source: Source, size: u32, options: &StoreOptions) -> Self {
        let permits = usize::try_from(size).unwrap_or(Semaphore::MAX_PERMITS);
        let rack = Rack {
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
            clock: options.clock.clone(),
        };
        Self { source, patience: options.acquire_timeout, rack: Arc::new(rack) }
    }

    /// One that waits here, else one of sqlx's. [`Condition::Doubtful`] until its holder says otherwise.
    ///
    /// # Errors
    /// As sqlx's: `PoolTimedOut`, `PoolClosed`, or why none can be opened.
    pub(crate) async fn acquire(&self) -> Result<Lease, sqlx::Error> {
        let acquiring = async {
            let permits = self.rack.permits.clone();
            let permit = permits.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
            let kept = if let Some(kept) = self.rack.take() {
                kept
            } else {
                let connection = self.source.acquire().await?;
                let now = self.rack.clock.mono();
                Kept { connection, taken: now, used: now }
            };
            Ok(Lease {
                kept: Some(kept),
                condition: Condition::Doubtful,
                rack: self.rack.clone(),
                _permit: permit,
            })
        };
        let acquired = tokio::time::timeout(self.patience, acquiring).await;
        acquired.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Gives sqlx what has waited for long.
    pub(crate) fn tidy(&self) {
        drop(self.rack.unseen(self.rack.clock.mono()));
    }

    /// Waits for what is on loan, and closes all.
    pub(crate) async fn close(&self) {
        self.rack.permits.close();
        // It is closed from here on, and looks no more at what it gets.
        let closing = self.source.close();
        drop(self.rack.all());
        closing.await;
    }
}

impl Rack {
    fn idle(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, unless that is long ago.
    fn take(&self) -> Option<Kept> {
        drop(self.unseen(self.clock.mono()));
        self.idle().pop_back()
    }

    /// Keeps one for the next who wants one; gives sqlx what it has not seen for long.
    fn put(&self, mut kept: Kept) {
        let now = self.clock.mono();
        kept.used = now;
        let mut idle = self.idle();
        if self.permits.is_closed() || now - kept.taken > UNSEEN {
            drop(idle);
            drop(kept);
        } else {
            idle.push_back(kept);
            drop(idle);
        }
        drop(self.unseen(now));
    }

    /// Those that have waited for long, to be dropped, which gives them back, when the lock is gone.
    fn unseen(&self, now: Mono) -> Vec<Kept> {
        let mut idle = self.idle();
        let count = idle.partition_point(|kept| now - kept.used > UNSEEN);
        idle.drain(..count).collect()
    }

    fn all(&self) -> VecDeque<Kept> {
        mem::take(&mut *self.idle())
    }
}

impl Drop for Rack {
    /// Outside a runtime sqlx cannot take back what it gets: there the process's end closes them.
    fn drop(&mut self) {
        if Handle::try_current().is_err() {
            mem::forget(self.all());
        }
    }
}

impl Lease {
    /// How it comes back, should it be dropped now.
    pub(crate) fn set(&mut self, condition: Condition) {
        self.condition = condition;
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.kept.as_ref().expect("a connection").connection
    }
}

#[expect(clippy::expect_used, reason = "it is there until it is dropped")]
impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.kept.as_mut().expect("a connection").connection
    }
}

impl Drop for Lease {
    /// Before its permit goes: whoever gets that finds the connection.
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else { return };
        match self.condition {
            Condition::Sound => self.rack.put(kept),
            Condition::Doubtful => drop(kept),
            Condition::Broken => kept.connection.condemn(),
            Condition::Lost => {
                kept.connection.condemn();
                for mut other in self.rack.all() {
                    other.connection.condemn();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{SqlSafeStr, SqlStr};

    use super::*;
    use crate::connection::Pools;
    use crate::url::DatabaseUrl;

    const MARK: &str = "ATTACH DATABASE ':memory:' AS mark";

    fn text(sql: &'static str) -> SqlStr {
        sql.into_sql_str()
    }

    /// Readers of a database in a file, three at most.
    fn readers(clock: &Clock, directory: &tempfile::TempDir) -> Pool {
        let url = DatabaseUrl::SqliteFile(directory.path().join("test.db"));
        let options = StoreOptions {
            readers: 3,
            acquire_timeout: Duration::from_millis(300),
            clock: clock.clone(),
            ..StoreOptions::default()
        };
        std::fs::write(directory.path().join("test.db"), "").unwrap();
        Pools::open(&url, &options).readers
    }

    async fn used(pool: &Pool, sql: &'static str, condition: Condition) -> bool {
        let mut lease = pool.acquire().await.unwrap();
        let done = lease.control(text(sql)).await.is_ok();
        lease.set(condition);
        done
    }

    fn waiting(pool: &Pool) -> usize {
        pool.rack.idle().len()
    }

    #[tokio::test]
    async fn what_was_used_last_is_used_next() {
        let directory = tempfile::tempdir().unwrap();
        let pool = readers(&Clock::system(), &directory);
        let (one, two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        drop((one, two));
        assert_eq!(waiting(&pool), 0, "nobody said that they are sound");
        let mut other = pool.acquire().await.unwrap();
        assert!(used(&pool, MARK, Condition::Sound).await);
        other.set(Condition::Sound);
        drop(other);
        assert_eq!(waiting(&pool), 2);
        assert!(used(&pool, MARK, Condition::Sound).await, "the other has no mark yet");
        assert!(!used(&pool, MARK, Condition::Sound).await, "it has now, and is the one again");
        assert_eq!(waiting(&pool), 2);
    }

    #[tokio::test]
    async fn who_comes_when_all_are_on_loan_waits_and_not_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let pool = readers(&Clock::system(), &directory);
        let mut leases = Vec::new();
        for _ in 0..3 {
            leases.push(pool.acquire().await.unwrap());
        }
        assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolTimedOut)));
        let (fourth, ()) = tokio::join!(pool.acquire(), async {
            tokio::task::yield_now().await;
            let mut lease = leases.pop().unwrap();
            lease.set(Condition::Sound);
        });
        assert_eq!(waiting(&pool), 0);
        drop(fourth.unwrap());
    }

    #[tokio::test]
    async fn one_that_is_lost_takes_those_that_wait_along_and_one_that_is_broken_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let pool = readers(&Clock::system(), &directory);
        for (condition, left) in [(Condition::Broken, 2), (Condition::Lost, 0)] {
            let mut leases = Vec::new();
            for _ in 0..3 {
                leases.push(pool.acquire().await.unwrap());
            }
            for mut lease in leases.drain(1..) {
                lease.set(Condition::Sound);
            }
            leases.pop().unwrap().set(condition);
            assert_eq!(waiting(&pool), left, "{condition:?}");
            // There are as many as before.
            let all = [pool.acquire().await, pool.acquire().await, pool.acquire().await];
            for lease in all {
                lease.unwrap().set(Condition::Sound);
            }
        }
    }

    #[tokio::test]
    async fn now_and_then_one_is_given_to_be_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::fake();
        let pool = readers(&clock, &directory);
        let mut early = pool.acquire().await.unwrap();
        clock.advance(UNSEEN * 2);
        early.set(Condition::Sound);
        drop(early);
        assert_eq!(waiting(&pool), 0, "it came long ago");
        for mut lease in [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()] {
            lease.set(Condition::Sound);
        }
        assert_eq!(waiting(&pool), 2);
        clock.advance(UNSEEN * 2);
        let lease = pool.acquire().await.unwrap();
        assert_eq!(waiting(&pool), 0, "they were used long ago");
        drop(lease);
        assert!(used(&pool, MARK, Condition::Sound).await);
        clock.advance(UNSEEN * 2);
        pool.tidy();
        assert_eq!(waiting(&pool), 0, "nobody wanted it");
    }

    #[tokio::test]
    async fn what_is_closed_keeps_none_and_lends_none() {
        let directory = tempfile::tempdir().unwrap();
        let pool = readers(&Clock::system(), &directory);
        assert!(used(&pool, MARK, Condition::Sound).await);
        let mut lease = pool.acquire().await.unwrap();
        let ending = async {
            tokio::task::yield_now().await;
            lease.set(Condition::Sound);
            drop(lease);
        };
        tokio::join!(pool.close(), ending);
        assert_eq!(waiting(&pool), 0);
        assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolClosed)));
    }
}
