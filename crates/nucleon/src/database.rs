//! `nucleon db`, and the database that the server opens.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use nucleon_conf::Settings;
use nucleon_conf::value::DatabaseUrl as Configured;
use nucleon_db::migrate::{self, State};
use nucleon_db::{DatabaseUrl, Store, StoreOptions};
use nucleon_obs::Clock;

use crate::cli::DbCommand;

/// How often a start that waits for its database says so.
const TELL: Duration = Duration::from_secs(3);

/// Opens the configured database; a directory for SQLite's file is made where it is missing.
pub(crate) async fn open(settings: &Settings, clock: &Clock) -> anyhow::Result<Store> {
    let configured = settings.database_url();
    let url = match &configured {
        Configured::Sqlite(path) => {
            make_directory(path)?;
            DatabaseUrl::SqliteFile(path.clone())
        }
        server => server
            .expose()
            .parse()
            .with_context(|| format!("[database] connection = {configured}"))?,
    };
    let connections =
        settings.database.max_pool_size.saturating_add(settings.database.max_overflow);
    let options = StoreOptions {
        // Half for writes, half for reads, of what Neutron would allow one worker.
        writers: (connections / 2).clamp(2, 32),
        readers: (connections / 2).clamp(2, 32),
        acquire_timeout: Duration::from_secs(30),
        clock: clock.clone(),
        ..StoreOptions::default()
    };
    let opening = Store::open(&url, options);
    told(&format!("waiting for the database {configured}"), opening)
        .await
        .with_context(|| format!("the database {configured} cannot be opened"))
}

/// Says what is waited for, while it is.
pub(crate) async fn told<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    tokio::pin!(waiting);
    let mut seconds = 0;
    loop {
        if let Ok(outcome) = tokio::time::timeout(TELL, &mut waiting).await {
            return outcome;
        }
        seconds += TELL.as_secs();
        tracing::warn!(seconds, "{what}");
    }
}

fn make_directory(path: &Path) -> anyhow::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(directory)
        .with_context(|| format!("the directory {} cannot be made", directory.display()))
}

/// Brings the schema to this program's version, as the server does at its start.
pub(crate) async fn upgrade(store: &Store) -> anyhow::Result<()> {
    let upgrading = migrate::upgrade(store);
    let applied = told("waiting for the schema of the database", upgrading)
        .await
        .context("the schema cannot be brought up to date")?;
    if !applied.is_empty() {
        tracing::info!(migrations = ?applied, "brought the schema up to date");
    }
    Ok(())
}

pub(crate) async fn run(command: DbCommand, settings: Settings) -> anyhow::Result<()> {
    let store = open(&settings, &Clock::system()).await?;
    let outcome = match command {
        DbCommand::Upgrade => {
            let applied = migrate::upgrade(&store).await?;
            let version = migrate::version(&store).await?;
            say(&format!("the schema is at version {version}; applied {}", applied.len()));
            Ok(())
        }
        DbCommand::Downgrade => {
            let version = migrate::downgrade_one(&store).await?;
            say(&format!("the schema is at version {version}"));
            Ok(())
        }
        DbCommand::Version => {
            say(&migrate::version(&store).await?.to_string());
            Ok(())
        }
        DbCommand::Check => check(&store).await,
    };
    store.close().await;
    outcome
}

async fn check(store: &Store) -> anyhow::Result<()> {
    match migrate::check(store).await? {
        State::Current => say("the schema and this program fit"),
        State::Ahead { unknown } => {
            say(&format!("the schema has steps that this program does not need: {unknown:?}"));
        }
        State::Behind { missing } => {
            bail!("the schema lacks steps {missing:?}: run 'nucleon db upgrade'");
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn say(text: &str) {
    println!("{text}");
}
