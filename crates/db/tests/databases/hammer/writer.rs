//! A process that writes.

use std::time::Duration;

use nucleon_db::{Error, Operation, RetryReason, Store};
use nucleon_testkit::{say, wait_for_the_end};
use rand::Rng;
use sea_query::{Expr, ExprTrait, Query};
use tokio_util::sync::CancellationToken;

use crate::scene::{change, names, open, put, thing};

/// Clients of one process.
const CLIENTS: usize = 4;

/// Rows that all writers fight over.
pub(crate) const SHARED: usize = 3;

pub(crate) fn shared_name(n: usize) -> String {
    format!("shared-{n}")
}

/// Stores those rows, and waits until every node has them: Galera applies what it has certified a moment later.
pub(crate) async fn prepare(store: &Store, nodes: &[String]) {
    for n in 0..SHARED {
        let place = -1 - i64::try_from(n).unwrap();
        put(store, thing(&shared_name(n), place)).await.unwrap();
    }
    for node in nodes {
        let node = open(node).await;
        while names(&node).await.len() < SHARED {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Writes until its input is closed, and says which writes were acknowledged and which were refused.
pub(crate) async fn run(store: &Store, number: &str) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    std::thread::spawn(move || {
        wait_for_the_end();
        stopped.cancel();
    });
    let number: i64 = number.parse().unwrap();
    let clients = (0..CLIENTS).map(|client| client_writes(store, number, client, &stop));
    futures::future::join_all(clients).await;
    for reason in RetryReason::ALL {
        let times = store.stats().retries(reason);
        if times > 0 {
            say(&format!("retried {reason} {times}"));
        }
    }
}

async fn client_writes(store: &Store, number: i64, client: usize, stop: &CancellationToken) {
    let mut place = (number * 10 + i64::try_from(client).unwrap()) * 1_000_000;
    while !stop.is_cancelled() {
        place += 1;
        let (kind, pause) = {
            let mut rng = rand::rng();
            (rng.random_range(0..10), rng.random_range(0..4))
        };
        let outcome = match kind {
            0 => refuse(store, place).await,
            1..=3 => update(store, place).await,
            _ => create(store, place).await,
        };
        match outcome {
            Ok(line) => say(&line),
            // Not acknowledged: it may be there or not, but whole.
            Err(Error::OutcomeUnknown { .. } | Error::Down { .. } | Error::Retry { .. }) => {}
            Err(error) => panic!("a write failed: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

fn host(place: i64) -> String {
    format!("host:h{}", place % 7)
}

/// A new thing and one to three changes: `<number of changes> of <thing>`, so that a torn write shows.
async fn create(store: &Store, place: i64) -> Result<String, Error> {
    let changes = usize::try_from(place % 3).unwrap() + 1;
    let new = thing(&format!("t{place}"), place);
    store
        .write("create", move |tx| {
            let (insert, id) = (new.insert(), new.id.clone());
            Box::pin(async move {
                tx.execute(&insert).await?;
                for n in 0..changes {
                    let name = format!("{id}/{n}/{changes}");
                    tx.emit(change(&name, Operation::Create, 0, &[&host(place), "network:n"]));
                }
                Ok(format!("ack {} {changes}", tx.id()))
            })
        })
        .await
}

/// Raises the revision of a row that others raise as well.
async fn update(store: &Store, place: i64) -> Result<String, Error> {
    let name = shared_name(usize::try_from(place).unwrap() % SHARED);
    store
        .write("update", move |tx| {
            let name = name.clone();
            Box::pin(async move {
                let raise = Query::update()
                    .table("thing")
                    .value("revision", Expr::col("revision").add(1i64))
                    .and_where(Expr::col("name").eq(name.as_str()))
                    .take();
                tx.execute(&raise).await?;
                let read = Query::select()
                    .column("revision")
                    .from("thing")
                    .and_where(Expr::col("name").eq(name.as_str()))
                    .take();
                let row = tx.fetch_optional(&read).await?.unwrap();
                let revision = row.get("revision")?;
                tx.emit(change(&name, Operation::Update, revision, &[&name]));
                Ok(format!("ack {} 1", tx.id()))
            })
        })
        .await
}

/// A write that changes its mind.
async fn refuse(store: &Store, place: i64) -> Result<String, Error> {
    let new = thing(&format!("t{place}"), place);
    let id = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let told = id.clone();
    let refused = store
        .write("refuse", move |tx| {
            let (insert, id) = (new.insert(), new.id.clone());
            *told.lock().unwrap() = tx.id().to_string();
            Box::pin(async move {
                tx.execute(&insert).await?;
                tx.emit(change(&id, Operation::Create, 0, &[&host(place)]));
                Err::<(), _>(Error::Stale { kind: "thing", id })
            })
        })
        .await;
    match refused {
        Err(Error::Stale { .. }) => Ok(format!("refused {}", id.lock().unwrap())),
        Err(other) => Err(other),
        Ok(()) => panic!("a refused write was committed"),
    }
}
