//! Measures the control plane without the API around it, on each database that can be had here: one port create, many at
//! once, a thousand in one request, and the list of ten thousand.
//!
//! `cargo run --release -p nucleon-core --example throughput [sqlite|mariadb|postgresql]`
//!
//! Beside each row stands what the database itself takes: a bare commit, one client.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_core::{Caller, Core, Drivers, Noun, Precondition, QuotaLimits, Settings};
use nucleon_db::{Change, Error, Operation, Store, StoreOptions, migrate};
use nucleon_drivers::{Local, OpenVSwitch};
use nucleon_model::{
    Field, ListQuery, Network, NetworkDraft, Page, Port, PortDraft, Subnet, SubnetDraft,
};
use nucleon_obs::{Clock, Random};
use nucleon_policy::{Options, Policy};
use nucleon_testkit::{Kind, TestDatabase, database};
use tokio::task::JoinSet;
use tokio::time::Instant;

const ALONE: usize = 500;
const CLIENTS: usize = 32;
const EACH: usize = 100;
const ROUNDS: usize = 5;
const MANY: usize = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:<12}{:>12}{:>12}{:>12}{:>12}{:>14}{:>14}{:>12}{:>12}{:>12}{:>12}",
        "",
        "commit p50",
        "create p50",
        "p99",
        "show p50",
        "update p50",
        "32 clients",
        "of those",
        "bulk 1,000",
        "list 10,000",
        "page 100"
    )?;
    let only = std::env::args().nth(1);
    let wanted = |kind: &Kind| only.as_ref().is_none_or(|only| *only == kind.to_string());
    for kind in [Kind::Sqlite, Kind::MariaDb, Kind::Postgres].into_iter().filter(wanted) {
        let Some(database) = database(kind) else { continue };
        let row = measure(&database).await?;
        writeln!(out, "{:<12}{row}", database.kind.to_string())?;
    }
    Ok(())
}

async fn open(database: &TestDatabase) -> Result<Core> {
    let store = Store::open(&database.url.parse()?, StoreOptions::default()).await?;
    migrate::upgrade(&store).await?;
    store.start_journal();
    let drivers = Drivers { types: vec![Arc::new(Local)], mechanisms: vec![Arc::new(OpenVSwitch)] };
    let (clock, random) = (Clock::system(), Random::system());
    Ok(Core::new(
        store,
        Settings { quotas: QuotaLimits::unlimited(), ..Settings::default() },
        drivers,
        Policy::defaults(Options::default()),
        clock,
        random,
    ))
}

fn admin() -> Caller {
    Caller::new(
        "adm".to_owned(),
        ["admin", "service"].map(str::to_owned).to_vec(),
        "req-bench".to_owned(),
    )
}

async fn measure(database: &TestDatabase) -> Result<String> {
    let core = open(database).await?;
    let draft = ground(&core).await?;
    let mut commits = Vec::new();
    let mut creates = Vec::new();
    let mut shows = Vec::new();
    let mut updates = Vec::new();
    for _ in 0..ALONE {
        // In turn, for the disk varies.
        commits.push(timed(bare_commit(&core)).await?.0);
        let (time, ports) = timed(create(&core, &draft, 1)).await?;
        creates.push(time);
        let id = ports.first().context("a port")?.key();
        shows.push(timed(async { Ok(Port::show(&core, &admin(), &id).await?) }).await?.0);
        let name = PortDraft { name: Field::Value("n".to_owned()), ..PortDraft::default() };
        let (caller, precondition) = (admin(), Precondition::default());
        let update = async { Ok(Port::update(&core, &caller, &id, name, precondition).await?) };
        updates.push(timed(update).await?.0);
    }
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        rates.push(rate(&core, &draft).await?);
    }
    let mut bulks = Vec::new();
    for _ in 0..ROUNDS {
        bulks.push(timed(create(&core, &draft, 1000)).await?.0);
    }
    // Up to the ten thousand.
    let known = list(&core, u64::MAX >> 1).await?;
    create(&core, &draft, MANY.saturating_sub(known)).await?;
    let mut lists = Vec::new();
    let mut pages = Vec::new();
    for _ in 0..ROUNDS {
        lists.push(timed(list(&core, MANY as u64)).await?.0);
        pages.push(timed(list(&core, 100)).await?.0);
    }
    rates.sort_by(f64::total_cmp);
    Ok(format!(
        "{:>12}{:>12}{:>12}{:>12}{:>14}{:>12.0}/s{:>12}{:>12}{:>12}{:>12}",
        show(at(&mut commits, 50)),
        show(at(&mut creates, 50)),
        show(at(&mut creates, 99)),
        show(at(&mut shows, 50)),
        show(at(&mut updates, 50)),
        rates.get(ROUNDS / 2).copied().unwrap_or_default(),
        CLIENTS * EACH,
        show(at(&mut bulks, 50)),
        show(at(&mut lists, 50)),
        show(at(&mut pages, 50)),
    ))
}

/// A network with one subnet; the draft of a port on it.
async fn ground(core: &Core) -> Result<PortDraft> {
    let networks = Network::create(core, &admin(), vec![NetworkDraft::default()]).await?;
    let network_id = Field::Value(networks.first().context("a network")?.id);
    let subnet = SubnetDraft {
        network_id,
        ip_version: Field::Value(4),
        cidr: Field::Value("10.0.0.0/14".parse()?),
        ..SubnetDraft::default()
    };
    Subnet::create(core, &admin(), vec![subnet]).await?;
    Ok(PortDraft { network_id, ..PortDraft::default() })
}

async fn create(core: &Core, draft: &PortDraft, count: usize) -> Result<Vec<Port>> {
    let mut created = Vec::with_capacity(count);
    let mut left = count;
    while left > 0 {
        let portion = left.min(1000);
        created.extend(Port::create(core, &admin(), vec![draft.clone(); portion]).await?);
        left -= portion;
    }
    Ok(created)
}

/// Creates a second by many clients.
async fn rate(core: &Core, draft: &PortDraft) -> Result<f64> {
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (core, draft) = (core.clone(), draft.clone());
        clients.spawn(async move {
            for _ in 0..EACH {
                create(&core, &draft, 1).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    clients.join_all().await.into_iter().collect::<Result<()>>()?;
    let count = u32::try_from(CLIENTS * EACH)?;
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

async fn list(core: &Core, limit: u64) -> Result<usize> {
    let page = Some(Page { limit, marker: None, reverse: false });
    let query = ListQuery { page, ..ListQuery::default() };
    Ok(Port::list(core, &admin(), query).await?.len())
}

/// The least that a durable write can be: one row for the journal.
async fn bare_commit(core: &Core) -> Result<()> {
    let written = core.store().write("bare commit", |tx| {
        Box::pin(async move {
            tx.emit(Change {
                kind: "nothing".into(),
                id: String::new(),
                operation: Operation::Update,
                revision: 0,
                request: None,
                scopes: Vec::new(),
            });
            Ok::<_, Error>(())
        })
    });
    Ok(written.await?)
}

async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let value = work.await?;
    Ok((start.elapsed(), value))
}

/// The time that so many of a hundred stayed below.
fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times
        .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
