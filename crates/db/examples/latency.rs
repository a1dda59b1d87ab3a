//! Measures the store on each database that can be had here: a write's commit, from the commit to the announcement of
//! its change, and how many writes a second come through from many clients.
//!
//! `cargo run --release -p nucleon-db --example latency`

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use nucleon_db::migrate::upgrade;
use nucleon_db::{Change, Error, Operation, Store, StoreOptions};
use nucleon_testkit::{TestDatabase, databases_and_galera};
use tokio::time::Instant;

/// Writes one after the other, for the latencies.
const ALONE: usize = 1000;

/// Clients at once, and the writes of each.
const CLIENTS: usize = 32;
const EACH: usize = 200;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:<12}{:>14}{:>14}{:>20}{:>20}{:>20}",
        "", "commit p50", "p99", "to announced p50", "p99", "32 clients"
    )?;
    for database in databases_and_galera() {
        let row = measure(&database).await?;
        writeln!(out, "{:<12}{row}", database.kind.to_string())?;
    }
    Ok(())
}

async fn measure(database: &TestDatabase) -> anyhow::Result<String> {
    // On Galera the second node sequences as well.
    let mut stores = Vec::new();
    for node in &database.nodes {
        stores.push(Store::open(&node.parse()?, StoreOptions::default()).await?);
    }
    let store = stores.first().ok_or_else(|| anyhow::anyhow!("no node"))?;
    upgrade(store).await?;
    stores.iter().for_each(Store::start_journal);

    let (mut commits, mut announced) = (Vec::new(), Vec::new());
    let mut committed = HashMap::new();
    let mut batches = store.batches();
    for number in 0..ALONE {
        let start = Instant::now();
        let tx = write(store, number).await?;
        commits.push(start.elapsed());
        committed.insert(tx, Instant::now());
        // The other node may have been faster: then there is nothing to hear.
        let wait = Duration::from_millis(if database.nodes.len() > 1 { 200 } else { 5000 });
        let batch = tokio::time::timeout(wait, batches.recv()).await;
        for entry in batch.into_iter().flatten().flat_map(|batch| batch.entries.clone()) {
            announced.extend(committed.remove(&entry.tx).map(|at| at.elapsed()));
        }
    }

    let start = Instant::now();
    let clients = (0..CLIENTS).map(|client| async move {
        for number in 0..EACH {
            write(store, client * EACH + number).await?;
        }
        Ok::<_, Error>(())
    });
    futures::future::try_join_all(clients).await?;
    let seconds = start.elapsed().as_secs_f64();
    let writes = u32::try_from(CLIENTS * EACH)?;
    let rate = f64::from(writes) / seconds;
    let row = format!(
        "{:>14}{:>14}{:>20}{:>20}{:>20}",
        percentile(&mut commits, 50),
        percentile(&mut commits, 99),
        percentile(&mut announced, 50),
        percentile(&mut announced, 99),
        format!("{rate:.0} writes/s")
    );
    for store in &stores {
        store.close().await;
    }
    Ok(row)
}

/// A write as small as they come: one row, and one change in two scopes.
async fn write(store: &Store, number: usize) -> Result<uuid::Uuid, Error> {
    store
        .write("measured", move |tx| {
            Box::pin(async move {
                let position = tx.journal_head().await?;
                tx.cursor_set(&format!("c{number}"), position, 0).await?;
                tx.emit(Change {
                    kind: "cursor".into(),
                    id: number.to_string(),
                    operation: Operation::Update,
                    revision: 1,
                    request: None,
                    scopes: vec![format!("host:h{}", number % 100), "network:n".to_owned()],
                });
                Ok(tx.id())
            })
        })
        .await
}

fn percentile(times: &mut [Duration], percent: usize) -> String {
    times.sort_unstable();
    let place = times.len().saturating_sub(1) * percent / 100;
    times.get(place).map_or_else(|| "-".to_owned(), |time| format!("{time:.2?}"))
}
