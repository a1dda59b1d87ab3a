//! Questions that are under way: who asks the same shares the answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

use crate::secret::Digest;

type Flight<T> = BoxFuture<'static, T>;

/// Questions by the digests of what they are about.
///
/// A question lives as long as somebody waits for it, whoever asked first: it is driven by those who wait.
#[derive(Debug)]
pub(super) struct Flights<T: Clone> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T: Clone> {
    flights: HashMap<Digest, WeakShared<Flight<T>>>,
    /// At this size, those that nobody waits for any more are thrown out.
    sweep_at: usize,
}

const LEAST_SWEEP: usize = 64;

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        let state = State { flights: HashMap::new(), sweep_at: LEAST_SWEEP };
        Self { state: Mutex::new(state) }
    }

    /// The answer to what is asked already, or to `ask`.
    pub(super) fn join<F>(&self, about: Digest, ask: impl FnOnce() -> F) -> Shared<Flight<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = state.flights.get(&about).and_then(WeakShared::upgrade) {
            return flight;
        }
        let flight = ask().boxed().shared();
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(about, weak);
        }
        if state.flights.len() >= state.sweep_at {
            state.flights.retain(|_, flight| flight.upgrade().is_some());
            state.sweep_at = LEAST_SWEEP.max(state.flights.len() * 2);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    fn key(name: &str) -> Digest {
        Digest::of(&[name.as_bytes()])
    }

    #[tokio::test]
    async fn who_asks_the_same_meanwhile_shares_the_answer() {
        let flights = Flights::new();
        let (asked, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (asked, gate) = (asked.clone(), gate.clone());
            move || async move {
                let number = asked.fetch_add(1, Ordering::Relaxed);
                gate.acquire().await.unwrap().forget();
                number
            }
        };
        let waiting = [(); 5].map(|()| flights.join(key("a"), ask()));
        let other = flights.join(key("b"), ask());
        gate.add_permits(2);
        let answers = futures::future::join_all(waiting).await;
        assert_eq!(answers, [0; 5]);
        assert_eq!(other.await, 1);
        gate.add_permits(1);
        assert_eq!(flights.join(key("a"), ask()).await, 2, "what was answered is asked anew");
    }

    #[tokio::test]
    async fn whoever_asked_first_may_leave() {
        let flights = Flights::new();
        let gate = Arc::new(Semaphore::new(0));
        let ask = |gate: Arc<Semaphore>| async move {
            gate.acquire().await.unwrap().forget();
            7
        };
        let mut first = flights.join(key("a"), || ask(gate.clone()));
        let second = flights.join(key("a"), || async { 8 });
        assert_eq!((&mut first).now_or_never(), None);
        drop(first);
        gate.add_permits(1);
        assert_eq!(second.await, 7);
    }

    #[tokio::test]
    async fn questions_that_nobody_waits_for_are_forgotten() {
        let flights = Flights::new();
        for n in 0..1000 {
            drop(flights.join(key(&n.to_string()), std::future::pending::<()>));
        }
        assert!(flights.state.lock().unwrap().flights.len() <= LEAST_SWEEP);
    }
}
