//! Single questions, asked together: those that come while others are being answered become one question, the next.
//!
//! A server under load then asks its database a few large questions instead of many small ones; a server without load
//! asks at once. Whoever comes is answered from what the database says after that: what was committed before is seen.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use crate::{Error, Kind, Result};

/// Questions under way at once. With one, the database would idle while an answer is being read.
const AT_ONCE: usize = 2;

/// Where questions of one kind meet. Each is a task of its own: whoever goes away takes nobody along.
pub(crate) struct Gather<K, V> {
    desk: Arc<Desk<K, V>>,
    tasks: TaskTracker,
}

/// Where those who ask queue up.
struct Desk<K, V>(Mutex<Queue<K, V>>);

struct Queue<K, V> {
    waiting: Vec<Asked<K, V>>,
    under_way: usize,
}

struct Asked<K, V> {
    key: K,
    reply: oneshot::Sender<Result<Option<V>>>,
}

impl<K, V> Default for Gather<K, V> {
    fn default() -> Self {
        let queue = Queue { waiting: Vec::new(), under_way: 0 };
        Self { desk: Arc::new(Desk(Mutex::new(queue))), tasks: TaskTracker::new() }
    }
}

impl<K, V> fmt::Debug for Gather<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
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
    /// Those of the question. A fault that one of the keys alone may have (an [`Kind::Internal`]) is told only to whoever
    /// asked for that one.
    pub(crate) async fn ask<F>(
        &self,
        key: K,
        ask: impl Fn(Vec<K>) -> F + Send + 'static,
    ) -> Result<Option<V>>
    where
        F: Future<Output = Result<BTreeMap<K, V>>> + Send,
    {
        let (reply, answer) = oneshot::channel();
        if self.desk.queue_up(Asked { key, reply }) {
            let desk = self.desk.clone();
            self.tasks.spawn(async move { desk.serve(ask).await });
        }
        answer.await.unwrap_or_else(|_| Err(Error::internal("a question ended without an answer")))
    }
}

impl<K, V> Desk<K, V> {
    fn queue(&self) -> MutexGuard<'_, Queue<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whether one more has to serve those who wait.
    fn queue_up(&self, asked: Asked<K, V>) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(asked);
        let more = queue.under_way < AT_ONCE;
        queue.under_way += usize::from(more);
        more
    }

    /// All who wait; when that is nobody, one serves less.
    fn next(&self) -> Option<Vec<Asked<K, V>>> {
        let mut queue = self.queue();
        let mut next = std::mem::take(&mut queue.waiting);
        next.retain(|asked| !asked.reply.is_closed());
        if next.is_empty() {
            queue.under_way -= 1;
            return None;
        }
        Some(next)
    }
}

impl<K, V> Desk<K, V>
where
    K: Ord + Copy,
    V: Clone,
{
    /// Asks for all who wait, and again, until nobody does.
    async fn serve<F>(self: Arc<Self>, ask: impl Fn(Vec<K>) -> F)
    where
        F: Future<Output = Result<BTreeMap<K, V>>>,
    {
        let mut serving = Serving { desk: &self, ended: false };
        while let Some(asked) = self.next() {
            let mut keys: Vec<K> = asked.iter().map(|asked| asked.key).collect();
            keys.sort_unstable();
            keys.dedup();
            let alone = keys.len() == 1;
            let found = ask(keys).await;
            for Asked { key, reply } in asked {
                let answer = match &found {
                    Ok(found) => Ok(found.get(&key).cloned()),
                    Err(error) if alone || error.kind() != Kind::Internal => Err(error.clone()),
                    Err(_) => ask(vec![key]).await.map(|mut found| found.remove(&key)),
                };
                // Whoever went away does not want to know.
                let _ = reply.send(answer);
            }
        }
        serving.ended = true;
    }
}

/// One who serves. Should that end by a panic, those who wait are told by the end of their channels.
struct Serving<'c, K, V> {
    desk: &'c Desk<K, V>,
    ended: bool,
}

impl<K, V> Drop for Serving<'_, K, V> {
    fn drop(&mut self) {
        if !self.ended {
            let mut queue = self.desk.queue();
            queue.under_way -= 1;
            // Another who serves takes them.
            if queue.under_way == 0 {
                queue.waiting.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    /// A database that answers as often as it is let, and knows all numbers but 13; 500 it cannot read, and it is away
    /// for who asks for 503.
    struct Database {
        gather: Gather<u32, String>,
        questions: Arc<Mutex<Vec<Vec<u32>>>>,
        lets: Arc<Semaphore>,
    }

    impl Database {
        fn letting(answers: usize) -> Arc<Self> {
            let lets = Arc::new(Semaphore::new(answers));
            Arc::new(Self { gather: Gather::default(), questions: Arc::default(), lets })
        }

        async fn ask(&self, key: u32) -> Result<Option<String>> {
            let (questions, lets) = (self.questions.clone(), self.lets.clone());
            let ask = move |keys: Vec<u32>| {
                let (questions, lets) = (questions.clone(), lets.clone());
                async move {
                    questions.lock().unwrap().push(keys.clone());
                    lets.acquire().await.unwrap().forget();
                    assert!(!keys.contains(&666), "a question that cannot be asked");
                    if keys.contains(&500) {
                        return Err(Error::internal("a damaged row"));
                    }
                    if keys.contains(&503) {
                        return Err(Error::unavailable("away"));
                    }
                    let known = keys.into_iter().filter(|key| *key != 13);
                    Ok(known.map(|key| (key, key.to_string())).collect())
                }
            };
            self.gather.ask(key, ask).await
        }

        /// Asks in this order, each in a task of its own; the answers come when they are let.
        async fn asked(
            self: &Arc<Self>,
            keys: &[u32],
        ) -> Vec<tokio::task::JoinHandle<Result<Option<String>>>> {
            let tasks = TaskTracker::new();
            let mut asked = Vec::new();
            for &key in keys {
                let database = self.clone();
                asked.push(tasks.spawn(async move { database.ask(key).await }));
                // Its question, if it begins one, is asked before the next comes.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            }
            asked
        }

        fn questions(&self) -> Vec<Vec<u32>> {
            self.questions.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_comes_while_others_are_answered_is_one_question() {
        let database = Database::letting(0);
        let asked = database.asked(&[1, 2, 4, 13, 4]).await;
        database.lets.add_permits(3);
        let answers = join_all(asked).await.into_iter().map(|answer| answer.unwrap().unwrap());
        let expected = [Some("1"), Some("2"), Some("4"), None, Some("4")];
        assert_eq!(answers.collect::<Vec<_>>(), expected.map(|it| it.map(str::to_owned)));
        assert_eq!(database.questions(), [vec![1], vec![2], vec![4, 13]]);
    }

    #[tokio::test]
    async fn who_goes_away_takes_nobody_along() {
        let database = Database::letting(0);
        let asked = database.asked(&[1, 2, 3, 4]).await;
        // One whose question is under way, and one who waits.
        asked[0].abort();
        asked[2].abort();
        tokio::task::yield_now().await;
        database.lets.add_permits(3);
        let answers = join_all(asked).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
        assert_eq!(database.questions(), [vec![1], vec![2], vec![4]]);
    }

    #[tokio::test]
    async fn a_fault_is_told_to_whom_it_concerns() {
        let database = Database::letting(100);
        let asked = |keys: &'static [u32]| async {
            let answers = join_all(keys.iter().map(|key| database.ask(*key))).await;
            answers.iter().map(Result::is_ok).collect::<Vec<_>>()
        };
        // They come before the first question is asked, which is for them all.
        assert_eq!(asked(&[1, 2, 3, 500, 4]).await, [true, true, true, false, true]);
        assert_eq!(asked(&[1, 2, 3, 503, 4]).await, [false; 5]);
        assert_eq!(asked(&[500, 2]).await, [false, true]);
    }

    #[tokio::test]
    async fn a_question_that_panics_leaves_no_one_waiting() {
        let database = Database::letting(100);
        for _ in 0..3 {
            let answers = join_all([666, 666, 1].map(|key| database.ask(key))).await;
            assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 3);
        }
        assert_eq!(database.ask(1).await.unwrap().unwrap(), "1");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn everybody_is_answered_though_many_go_away() {
        let database = Database::letting(1_000_000);
        let tasks = TaskTracker::new();
        let clients = (0..32u32).map(|client| {
            let database = database.clone();
            tasks.spawn(async move {
                for round in 0..500 {
                    let key = 1000 + client * 1000 + round;
                    if round % 7 == 0 {
                        // Is asked, and waited for no longer than it takes to look.
                        let _ = futures::poll!(Box::pin(database.ask(key)));
                    }
                    assert_eq!(database.ask(key).await.unwrap().unwrap(), key.to_string());
                }
            })
        });
        for client in join_all(clients).await {
            client.unwrap();
        }
        let questions = database.questions();
        assert!(questions.len() <= 32 * 500 + 32 * 72, "{}", questions.len());
    }
}
