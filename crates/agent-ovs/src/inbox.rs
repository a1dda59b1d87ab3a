//! What happened on the host since the last round.

use std::sync::{Arc, Mutex, PoisonError};

use nucleon_agent::Wake;
use nucleon_ovsdb::Event as OvsdbEvent;
use tokio::sync::Notify;

/// News from the switch, kept until the next round takes them.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) ovsdb: Vec<OvsdbEvent>,
    /// Bridges whose management connection has ended: the switch has restarted, or the bridge has gone.
    pub(crate) closed: Vec<String>,
    /// It is time to compare the switch with what it should be.
    pub(crate) verify: bool,
}

/// Where tasks leave news; whoever does wakes the agent.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    news: Arc<Mutex<News>>,
    arrived: Arc<Notify>,
    wake: Wake,
}

impl Inbox {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { news: Arc::default(), arrived: Arc::default(), wake }
    }

    pub(crate) fn leave(&self, news: impl FnOnce(&mut News)) {
        news(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner));
        self.arrived.notify_one();
        self.wake.wake();
    }

    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for news in the midst of a round. It may return without any.
    pub(crate) async fn more(&self) {
        self.arrived.notified().await;
    }
}
