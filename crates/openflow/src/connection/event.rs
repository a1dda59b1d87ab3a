//! What a switch tells without being asked.

use std::path::PathBuf;

use tokio::sync::mpsc;

use super::link::Closed;
use crate::message::{PacketIn, PortStatus};

/// Ports of a bridge come by the thousand when it starts; a reader that is further behind than
/// this reads them anew.
const QUEUE: usize = 8192;

/// Something that happened on the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    PortStatus(PortStatus),
    PacketIn(PacketIn),
    /// The reader was too slow and events were dropped: read the ports anew.
    Missed,
    /// The connection ended: the switch has restarted, has no flows, and must be connected to
    /// anew. No event follows.
    Closed {
        path: PathBuf,
        reason: String,
    },
}

/// The events of a connection, in order.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
    path: PathBuf,
    closed: Closed,
    told: bool,
}

pub(super) fn channel(path: PathBuf, closed: Closed) -> (EventSender, Events) {
    let (sender, queue) = mpsc::channel(QUEUE);
    (EventSender { queue: sender, missed: false }, Events { queue, path, closed, told: false })
}

impl Events {
    /// The next event; after [`Event::Closed`] there is none.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.queue.recv().await {
            return Some(event);
        }
        if self.told {
            return None;
        }
        self.told = true;
        Some(Event::Closed { path: self.path.clone(), reason: self.closed.reason() })
    }
}

#[derive(Debug)]
pub(super) struct EventSender {
    queue: mpsc::Sender<Event>,
    missed: bool,
}

impl EventSender {
    /// Never waits: answers to requests must not stand behind a slow reader of events.
    pub(super) fn send(&mut self, event: Event) {
        if self.missed {
            self.missed = self.queue.try_send(Event::Missed).is_err();
        }
        if self.missed || self.queue.try_send(event).is_err() {
            self.missed = true;
        }
    }
}
