//! What a role brings along: how a view becomes true on the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use nucleon_model::view::{ObjectId, View};
use nucleon_wire::PortMark;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::changed::Changed;

/// Carries out a view. Rounds come one at a time and may be repeated.
#[async_trait]
pub trait Applier: Send {
    /// Makes the host be as `view` says, at least as regards `changed`; objects named there and not in the view have gone.
    ///
    /// A round with nothing changed was asked for by [`Wake`]. It is not cut short, except by the end of the process: whatever
    /// may hang inside needs a limit of its own. What is wired or ready already is reported again when it is named in
    /// `changed` (or everything is): the server may have forgotten.
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome;

    /// The `configurations` dictionary of the agent's heartbeats.
    fn configurations(&self) -> Map<String, Value>;

    /// Whatever else an operator may want to see in `status`.
    fn details(&self) -> Value {
        Value::Null
    }
}

/// What a round came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub wired: Vec<PortMark>,
    pub unwired: Vec<PortMark>,
    pub dhcp_ready: Vec<PortMark>,
    /// What has to be tried again.
    pub failures: Vec<Failure>,
}

/// Something that could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What is tried again; `None` means the whole round.
    pub object: Option<ObjectId>,
    pub why: String,
}

/// Asks for a round because of something on the host. Clones wake the same agent; many calls before a round make one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    rung: AtomicBool,
    notify: Notify,
}

impl Wake {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn wake(&self) {
        if !self.0.rung.swap(true, Ordering::AcqRel) {
            self.0.notify.notify_one();
        }
    }

    /// Waits to be woken. Dropping the future loses no call.
    pub(crate) async fn woken(&self) {
        self.0.notify.notified().await;
        self.0.rung.store(false, Ordering::Release);
    }
}
