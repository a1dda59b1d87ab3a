//! Tasks that stop together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caught::caught;
use super::{Backoff, Cause, Ending, Failure};

/// A name for a task: mostly fixed, sometimes made (`connection 10.0.0.1:4711`).
type Name = Cow<'static, str>;

/// Tasks that stop together; clones are handles to the same group.
#[derive(Clone)]
pub struct Group(Arc<Inner>);

struct Inner {
    name: String,
    deadline: Duration,
    cancel: CancellationToken,
    tracker: TaskTracker,
    running: Mutex<Running>,
    failure: watch::Sender<Option<Failure>>,
}

#[derive(Default)]
struct Running {
    next: u64,
    tasks: BTreeMap<u64, (Name, AbortHandle)>,
}

/// A task that had to be cut off at its group's deadline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task '{task}' of group '{group}' did not end within {} s", deadline.as_secs_f32())]
pub struct Straggler {
    pub group: String,
    pub task: String,
    pub deadline: Duration,
}

/// A handle whose end is the task's end: dropped, it cuts the task off at its next await.
#[must_use = "dropping it stops the task"]
#[derive(Debug)]
pub struct OwnedTask(AbortHandle);

impl Group {
    pub(super) fn new(
        name: &str,
        deadline: Duration,
        failure: watch::Sender<Option<Failure>>,
    ) -> Self {
        Self(Arc::new(Inner {
            name: name.to_owned(),
            deadline,
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
            running: Mutex::default(),
            failure,
        }))
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Cancelled when the group stops; children of it may be cancelled on their own.
    pub fn token(&self) -> &CancellationToken {
        &self.0.cancel
    }

    /// How many tasks run now.
    pub fn len(&self) -> usize {
        self.0.tracker.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.tracker.is_empty()
    }

    /// The names of the tasks that run now, oldest first.
    pub fn names(&self) -> Vec<String> {
        self.running().tasks.values().map(|(name, _)| name.to_string()).collect()
    }

    /// A job that may end at any time. An error or panic is logged and concerns nobody else.
    pub fn spawn<F>(&self, name: impl Into<Name>, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        self.start_job(name.into(), work(self.0.cancel.child_token()));
    }

    /// A job that ends with the handle, at the latest with the group.
    pub fn spawn_owned<F>(
        &self,
        name: impl Into<Name>,
        work: impl FnOnce(CancellationToken) -> F,
    ) -> OwnedTask
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        OwnedTask(self.start_job(name.into(), work(self.0.cancel.child_token())))
    }

    /// A task that must run until it is cancelled. Any other end is reported by
    /// [`super::Tasks::failed`].
    pub fn spawn_vital<F>(&self, name: impl Into<Name>, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        let name = name.into();
        let group = self.clone();
        let work = work(self.0.cancel.child_token());
        self.start(name.clone(), async move {
            let cause = caught(work).await;
            group.judge(&name, cause);
        });
    }

    /// A task that must run until it is cancelled. Any other end is logged, and `work` is called
    /// again after a pause; one that had run for longer than the longest pause is taken to have
    /// done well.
    pub fn spawn_restarting<F>(
        &self,
        name: impl Into<Name>,
        mut backoff: Backoff,
        mut work: impl FnMut(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output: Ending> + Send + 'static,
    {
        let name = name.into();
        let group = self.clone();
        self.start(name.clone(), async move {
            let cancel = &group.0.cancel;
            while !cancel.is_cancelled() {
                let began = tokio::time::Instant::now();
                let cause = caught(work(cancel.child_token())).await;
                if cancel.is_cancelled() {
                    group.judge_cancelled(&name, &cause);
                    return;
                }
                if began.elapsed() > backoff.longest() {
                    backoff.reset();
                }
                let pause = backoff.pause();
                tracing::warn!(
                    task = %name, group = group.name(), pause_ms = pause.as_millis(),
                    "task '{name}' {cause}; it starts again"
                );
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Cancels the tasks, waits for them until the deadline, cuts off and names the rest.
    pub async fn stop(&self) -> Vec<Straggler> {
        self.0.cancel.cancel();
        self.0.tracker.close();
        if tokio::time::timeout(self.0.deadline, self.0.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        let stragglers: Vec<_> = self
            .running()
            .tasks
            .values()
            .map(|(task, handle)| {
                handle.abort();
                Straggler {
                    group: self.0.name.clone(),
                    task: task.to_string(),
                    deadline: self.0.deadline,
                }
            })
            .collect();
        for straggler in &stragglers {
            let task = &straggler.task;
            tracing::warn!(%task, group = self.name(), "{straggler}; it is cut off");
        }
        // An abort works at the task's next await; one that blocks its thread is left behind.
        let _ = tokio::time::timeout(Duration::from_millis(500), self.0.tracker.wait()).await;
        stragglers
    }

    fn start_job<F>(&self, name: Name, work: F) -> AbortHandle
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        let group = self.clone();
        self.start(name.clone(), async move {
            match caught(work).await {
                Cause::Ended => {}
                cause => {
                    tracing::error!(task = %name, group = group.name(), "task '{name}' {cause}");
                }
            }
        })
    }

    fn start(&self, name: Name, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut running = self.running();
        let id = running.next;
        running.next += 1;
        let entry = Entry { group: self.clone(), id };
        // The entry is taken out when the task ends or is dropped half-way. It cannot miss: the
        // table is locked until the entry is in.
        let handle = self.0.tracker.spawn(async move {
            let _entry = entry;
            work.await;
        });
        let abort = handle.abort_handle();
        running.tasks.insert(id, (name, abort.clone()));
        abort
    }

    fn judge(&self, name: &Name, cause: Cause) {
        if self.0.cancel.is_cancelled() {
            self.judge_cancelled(name, &cause);
            return;
        }
        let failure = Failure { group: self.0.name.clone(), task: name.to_string(), cause };
        tracing::error!(task = %name, group = self.name(), "{failure}");
        self.0.failure.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(failure);
            is_first
        });
    }

    /// Ending is right after cancellation, in whatever way; errors on the way out are still worth a
    /// line.
    fn judge_cancelled(&self, name: &Name, cause: &Cause) {
        if *cause != Cause::Ended {
            let group = self.name();
            tracing::warn!(task = %name, group, "task '{name}' {cause} while stopping");
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.0.name).field("tasks", &self.len()).finish()
    }
}

impl OwnedTask {
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Lets the task run on without this handle; the group still owns it.
    pub fn detach(self) {
        std::mem::forget(self);
    }
}

impl Drop for OwnedTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A running task's place in its group's table.
struct Entry {
    group: Group,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.group.running().tasks.remove(&self.id);
    }
}
