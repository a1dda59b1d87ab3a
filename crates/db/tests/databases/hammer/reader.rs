//! A reader of the journal, on one node.

use std::time::Duration;

use nucleon_db::journal::After;
use nucleon_db::{Entry, Error, Position, Store};
use rand::Rng;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::scene::open;

/// What a reader has seen, and of what.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) entries: Vec<Entry>,
}

pub(crate) struct Reader {
    last: watch::Sender<Option<i64>>,
    task: JoinHandle<Seen>,
}

impl Reader {
    /// On each node one that reads all, one that reads the busy scope, and one that reads a few small ones.
    pub(crate) async fn start_all(nodes: &[String]) -> Vec<Self> {
        let few = ["host:h1", "host:h2", "shared-0"].map(ToOwned::to_owned).to_vec();
        let mut readers = Vec::new();
        for node in nodes {
            for scopes in [None, Some(vec!["network:n".to_owned()]), Some(few.clone())] {
                readers.push(Self::start(open(node).await, scopes));
            }
        }
        readers
    }

    #[expect(clippy::disallowed_methods, reason = "the handle is kept, and awaited")]
    fn start(store: Store, scopes: Option<Vec<String>>) -> Self {
        let (last, until) = watch::channel(None);
        Self { last, task: tokio::spawn(read(store, scopes, until)) }
    }

    /// Ends it once it stands there.
    pub(crate) async fn until(self, last: i64) -> Seen {
        self.last.send(Some(last)).unwrap();
        tokio::time::timeout(Duration::from_secs(30), self.task).await.unwrap().unwrap()
    }
}

async fn read(
    store: Store,
    scopes: Option<Vec<String>>,
    until: watch::Receiver<Option<i64>>,
) -> Seen {
    let mut position: Option<Position> = None;
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let limit = rand::rng().random_range(1..200);
        let after = store
            .snapshot(|tx| {
                let scopes = scopes.clone();
                Box::pin(async move {
                    let position = match position {
                        Some(position) => position,
                        None => Position { seq: 0, ..tx.journal_head().await? },
                    };
                    tx.journal_after(position, scopes.as_deref(), limit).await
                })
            })
            .await;
        match after {
            Ok(After::Entries { entries: new, position: next, .. }) => {
                entries.extend(new);
                position = Some(next);
            }
            Ok(other) => panic!("{other:?} for a reader that was at {position:?}"),
            Err(Error::Retry { .. } | Error::Down { .. }) => {}
            Err(error) => panic!("a reader failed: {error:?}"),
        }
        let here = position.map_or(0, |position| position.seq);
        if until.borrow().is_some_and(|last| here >= last) {
            return Seen { scopes, entries };
        }
        let pause = rand::rng().random_range(0..20);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
