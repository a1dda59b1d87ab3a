//! The database: a bare commit of one row, through the driver that the program uses too.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use nucleon_obs::Clock;
use nucleon_testkit::{Kind, TestDatabase};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor};

use crate::report::{Limit, Unit};
use crate::stats::{ms, p50};

/// One connection to a database, as durable as the program's.
#[derive(Debug)]
pub enum BareCommit {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
    Postgres(PgConnection),
}

const INSERT: &str = "INSERT INTO bench_bare (body) VALUES \
    ('2fe5c1c8-6a1f-4f57-9a7c-d1d0f5e1a2b3 fa:16:3e:00:00:01 10.0.0.5 DOWN compute:nova')";

impl BareCommit {
    /// Connects and makes its table. On SQLite in a file of its own beside the database: the
    /// program's has one writer.
    pub async fn connect(database: &TestDatabase) -> Result<Self> {
        Self::open(database.kind, &database.url).await
    }

    /// The same by the database's address.
    pub async fn open(kind: Kind, url: &str) -> Result<Self> {
        let mut bare = match kind {
            Kind::Sqlite => {
                let file = url.trim_start_matches("sqlite://").to_owned() + ".bare";
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                Self::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
            Kind::MariaDb | Kind::Galera => {
                let url = url.replace("mysql+pymysql", "mysql").replace("?charset=utf8", "");
                let options = MySqlConnectOptions::from_str(&url)?;
                Self::MySql(MySqlConnection::connect_with(&options).await?)
            }
            Kind::Postgres => {
                let options =
                    PgConnectOptions::from_str(&url.replace("postgresql+psycopg2", "postgres"))?;
                Self::Postgres(PgConnection::connect_with(&options).await?)
            }
        };
        match &mut bare {
            Self::Sqlite(connection) => {
                let table = "CREATE TABLE bench_bare (id INTEGER PRIMARY KEY, body TEXT)";
                connection.execute(table).await?;
            }
            Self::MySql(connection) => {
                let table = "CREATE TABLE bench_bare \
                             (id BIGINT AUTO_INCREMENT PRIMARY KEY, body VARCHAR(255))";
                connection.execute(table).await?;
            }
            Self::Postgres(connection) => {
                let table = "CREATE TABLE bench_bare (id BIGSERIAL PRIMARY KEY, body TEXT)";
                connection.execute(table).await?;
            }
        }
        Ok(bare)
    }

    /// The time of each of `count` commits.
    pub async fn times(&mut self, count: usize) -> Result<Vec<Duration>> {
        let clock = Clock::system();
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let start = clock.mono();
            match self {
                Self::Sqlite(connection) => {
                    sqlx::query(INSERT).execute(connection).await?;
                }
                Self::MySql(connection) => {
                    sqlx::query(INSERT).execute(connection).await?;
                }
                Self::Postgres(connection) => {
                    sqlx::query(INSERT).execute(connection).await?;
                }
            }
            times.push(clock.mono() - start);
        }
        Ok(times)
    }

    /// The median of some, as a limit.
    pub async fn limit(&mut self) -> Result<Limit> {
        let times = self.times(50).await?;
        Ok(Limit::new("bare commit", ms(p50(&times)), Unit::Milliseconds))
    }
}
