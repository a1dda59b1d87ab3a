//! What the connection tells its owner without being asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nucleon_wire::{Hint, Welcome};
use tokio::sync::Notify;

/// The hints that wait for a busy owner. When it is full all of them go and [`ClientEvent::Lagged`] takes their place: one
/// watch then brings what they would have.
const HINT_LIMIT: usize = 1024;

/// Something that happened to the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    Connected(Welcome),
    Disconnected {
        why: String,
    },
    Hint(Hint),
    /// Hints were dropped: the owner has to ask.
    Lagged,
}

/// The events of a client, for its one owner.
#[derive(Debug)]
pub struct ClientEvents(Arc<Queue>);

#[derive(Debug, Default)]
pub(super) struct Queue {
    events: Mutex<VecDeque<ClientEvent>>,
    arrived: Notify,
}

impl ClientEvents {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// The next event, if it is there already.
    pub fn try_next(&mut self) -> Option<ClientEvent> {
        self.0.events().pop_front()
    }

    /// Waits for the next event. Dropping the future loses none.
    pub async fn next(&mut self) -> ClientEvent {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            // A push in between is remembered by the Notify.
            self.0.arrived.notified().await;
        }
    }
}

impl Queue {
    pub(super) fn push(&self, event: ClientEvent) {
        let mut events = self.events();
        match &event {
            // Only the latest state is of use, so that a connection that flaps fills nothing.
            ClientEvent::Connected(_) | ClientEvent::Disconnected { .. } => {
                events.retain(|event| matches!(event, ClientEvent::Hint(_) | ClientEvent::Lagged));
            }
            ClientEvent::Hint(_) if events.len() >= HINT_LIMIT => {
                events.retain(|event| !matches!(event, ClientEvent::Hint(_) | ClientEvent::Lagged));
                events.push_back(ClientEvent::Lagged);
            }
            ClientEvent::Hint(_) | ClientEvent::Lagged => {}
        }
        events.push_back(event);
        drop(events);
        self.arrived.notify_one();
    }

    fn events(&self) -> MutexGuard<'_, VecDeque<ClientEvent>> {
        // Every operation on the queue leaves it in order.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::view::Scope;
    use uuid::Uuid;

    use super::*;

    fn hint(seq: i64) -> ClientEvent {
        ClientEvent::Hint(Hint {
            epoch: Uuid::nil(),
            scope: Scope::Host("h1".into()),
            previous: seq - 1,
            seq,
            changes: None,
        })
    }

    #[tokio::test]
    async fn events_come_in_order() {
        let queue = Arc::new(Queue::default());
        let mut events = ClientEvents::new(queue.clone());
        let gone = ClientEvent::Disconnected { why: "x".into() };
        for event in [hint(1), gone.clone(), hint(2)] {
            queue.push(event);
        }
        assert_eq!(
            [events.next().await, events.next().await, events.next().await],
            [hint(1), gone, hint(2)]
        );
    }

    #[tokio::test]
    async fn hints_beyond_the_limit_become_one_word_of_it() {
        let queue = Arc::new(Queue::default());
        let mut events = ClientEvents::new(queue.clone());
        let gone = ClientEvent::Disconnected { why: "x".into() };
        queue.push(gone.clone());
        for seq in 0..=i64::try_from(HINT_LIMIT).unwrap() {
            queue.push(hint(seq));
        }
        assert_eq!(events.next().await, gone);
        assert_eq!(events.next().await, ClientEvent::Lagged);
        assert!(matches!(events.next().await, ClientEvent::Hint(_)));
        assert!(queue.events().len() < HINT_LIMIT);
    }

    #[test]
    fn a_flapping_connection_fills_nothing() {
        let queue = Queue::default();
        for _ in 0..5000 {
            queue.push(ClientEvent::Disconnected { why: "x".into() });
        }
        assert_eq!(queue.events().len(), 1);
    }
}
