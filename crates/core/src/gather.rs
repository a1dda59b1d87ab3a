//! Single questions, asked together: those that come while others are being answered become one question, the next.
//!
//! A server under load then asks its database a few large questions instead of many small ones; a server without load
//! asks at once. Whoever comes is answered from what the database says after that: what was committed before is seen.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Questions under way at once. With one, the database would idle while an answer is being read.
const AT_ONCE: usize = 2;

type Found<K, V> = Result<Arc<BTreeMap<K, V>>>;

/// Where questions of one kind meet.
pub(crate) struct Gather<K, V> {
    next: Arc<Mutex<Option<Batch<K, V>>>>,
    turns: Arc<Semaphore>,
}

/// The question that is not asked yet. It lives as long as somebody waits for its answer; each of those who wait may be
/// the one that drives it.
struct Batch<K, V> {
    keys: Vec<K>,
    answer: WeakShared<BoxFuture<'static, Found<K, V>>>,
}

impl<K, V> Default for Gather<K, V> {
    fn default() -> Self {
        Self { next: Arc::default(), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl<K, V> fmt::Debug for Gather<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("turns", &self.turns).finish_non_exhaustive()
    }
}

impl<K, V> Gather<K, V>
where
    K: Ord + Copy + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What is found under a key, by a question for several of them: whoever's `ask` it is, all mean the same.
    ///
    /// # Errors
    /// Those of the question, for all who had a part in it.
    pub(crate) async fn ask<F>(
        &self,
        key: K,
        ask: impl FnOnce(Vec<K>) -> F + Send + 'static,
    ) -> Result<Option<V>>
    where
        F: Future<Output = Result<BTreeMap<K, V>>> + Send + 'static,
    {
        let found = self.join(key, ask).await?;
        Ok(found.get(&key).cloned())
    }

    /// Joins the next question, or begins it.
    fn join<F>(
        &self,
        key: K,
        ask: impl FnOnce(Vec<K>) -> F + Send + 'static,
    ) -> Shared<BoxFuture<'static, Found<K, V>>>
    where
        F: Future<Output = Result<BTreeMap<K, V>>> + Send + 'static,
    {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(batch) = next.as_mut()
            && let Some(answer) = batch.answer.upgrade()
        {
            batch.keys.push(key);
            return answer;
        }
        let (open, turns) = (self.next.clone(), self.turns.clone());
        let answer = async move {
            let _turn = turns.acquire().await.map_err(Error::internal)?;
            let batch = open.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut keys = batch.map(|batch| batch.keys).unwrap_or_default();
            keys.sort_unstable();
            keys.dedup();
            ask(keys).await.map(Arc::new)
        };
        let answer = answer.boxed().shared();
        *next = answer.downgrade().map(|answer| Batch { keys: vec![key], answer });
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    /// A database that answers when it is let, and knows all numbers but 13.
    #[derive(Default)]
    struct Database {
        gather: Gather<u32, String>,
        questions: Arc<Mutex<Vec<Vec<u32>>>>,
        answered: Arc<Notify>,
    }

    impl Database {
        async fn ask(&self, key: u32) -> Result<Option<String>> {
            let (questions, answered) = (self.questions.clone(), self.answered.clone());
            let ask = move |keys: Vec<u32>| async move {
                questions.lock().unwrap().push(keys.clone());
                answered.notified().await;
                if keys.contains(&500) {
                    return Err(Error::internal("out of order"));
                }
                let known = keys.into_iter().filter(|key| *key != 13);
                Ok(known.map(|key| (key, key.to_string())).collect())
            };
            self.gather.ask(key, ask).await
        }

        fn questions(&self) -> Vec<Vec<u32>> {
            self.questions.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_comes_while_others_are_answered_is_one_question() {
        let database = Database::default();
        let asking = async {
            futures::join!(
                database.ask(1),
                database.ask(2),
                database.ask(4),
                database.ask(13),
                database.ask(4),
            )
        };
        let answering = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                database.answered.notify_one();
            }
        };
        let ((one, two, four, thirteen, again), ()) = futures::join!(asking, answering);
        assert_eq!(database.questions(), [vec![1], vec![2], vec![4, 13]]);
        let said = |answer: Result<Option<String>>| answer.unwrap();
        assert_eq!(
            [one, two, four, again].map(said),
            ["1", "2", "4", "4"].map(|it| Some(it.to_owned()))
        );
        assert_eq!(thirteen.unwrap(), None);
    }

    #[tokio::test]
    async fn who_goes_away_takes_nobody_along() {
        let database = Database::default();
        let mut asking: Vec<_> = [1, 2, 3, 4].map(|key| Box::pin(database.ask(key))).into();
        for asked in &mut asking {
            assert!(asked.as_mut().now_or_never().is_none());
        }
        // The first of two questions under way, and the one that began the third.
        drop(asking.remove(0));
        drop(asking.remove(1));
        for _ in 0..3 {
            database.answered.notify_one();
            asking.retain_mut(|asked| asked.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!(asking.is_empty(), "all who stayed are answered");
        assert_eq!(database.questions(), [vec![1], vec![2], vec![3, 4]]);
    }

    #[tokio::test]
    async fn when_all_are_gone_the_next_begins_anew() {
        let database = Database::default();
        for _ in 0..5 {
            assert!(database.ask(7).now_or_never().is_none());
        }
        database.answered.notify_one();
        assert_eq!(database.ask(8).await.unwrap().unwrap(), "8");
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_asked() {
        let database = Database::default();
        let failures = AtomicUsize::new(0);
        let ask = async |key| {
            if database.ask(key).await.is_err() {
                failures.fetch_add(1, Ordering::Relaxed);
            }
        };
        let answering = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
                database.answered.notify_one();
            }
        };
        futures::join!(ask(1), ask(2), ask(500), ask(3), answering);
        assert_eq!(failures.into_inner(), 2);
        assert!(!database.questions().is_empty());
    }
}
