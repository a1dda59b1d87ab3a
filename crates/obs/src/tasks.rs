//! Tasks with an owner, a name and an end.
//!
//! ```text
//!   Tasks -- groups in the order of their making; shutdown() stops them last made first
//!     |
//!     '- Group "api", 10 s   -- one cancel token, one count of what runs
//!          |- spawn             a job: may end at any time; its panic is logged
//!          |- spawn_vital       runs until cancelled: any other end is the process's failure
//!          '- spawn_restarting  runs until cancelled: after any other end it starts again
//! ```

mod backoff;
mod caught;
mod group;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use self::backoff::Backoff;
pub use self::caught::{Cause, Ending};
pub use self::group::{Group, OwnedTask, Straggler};

/// Owner of all tasks of a process, in groups; clones are handles to the same groups.
#[derive(Clone)]
pub struct Tasks {
    groups: Arc<Mutex<Vec<Group>>>,
    failure: watch::Sender<Option<Failure>>,
}

/// A vital task ended although nobody asked it to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task '{task}' of group '{group}' {cause}")]
pub struct Failure {
    pub group: String,
    pub task: String,
    pub cause: Cause,
}

/// What an ordered shutdown came to.
#[derive(Debug, Default)]
pub struct ShutdownReport {
    /// Tasks that were still running at their group's deadline and were cut off.
    pub stragglers: Vec<Straggler>,
}

impl Tasks {
    pub fn new() -> Self {
        Self { groups: Arc::default(), failure: watch::Sender::new(None) }
    }

    /// A new group, to be stopped before the groups that exist already; its tasks get `deadline` to
    /// end by themselves.
    pub fn group(&self, name: &str, deadline: Duration) -> Group {
        let group = Group::new(name, deadline, self.failure.clone());
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).push(group.clone());
        group
    }

    /// Waits for the first end of a vital task; at once when there was one already.
    pub async fn failed(&self) -> Failure {
        let mut failure = self.failure.subscribe();
        loop {
            if let Some(failure) = &*failure.borrow_and_update() {
                return failure.clone();
            }
            // The sender lives as long as this handle; should it not, there is nothing to report.
            if failure.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The first failure, if there was one.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.borrow().clone()
    }

    /// Stops the groups, last made first, each within its deadline. Goes on past tasks that do not
    /// end, and names them.
    pub async fn shutdown(&self) -> ShutdownReport {
        let mut report = ShutdownReport::default();
        loop {
            // The lock is not held while waiting: a group's tasks may make groups until they end.
            let group = self.groups.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(group) = group else { return report };
            report.stragglers.extend(group.stop().await);
        }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("failure", &self.failure()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
