//! The pools of the three drivers, and one connection out of any of them. The only file that hands SQL text to a driver.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt, TryStreamExt};
use sea_query_sqlx::SqlxValues;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, Postgres};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Executor, MySqlPool, PgPool, SqlSafeStr, SqlStr, SqlitePool};

use crate::dialect::Dialect;
use crate::pool::Pool;
use crate::row::Row;
use crate::store::StoreOptions;
use crate::url::{DatabaseUrl, Server};

/// A transaction that sits idle holds locks (above all the sequencer's row), so its connection is cut after this.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(2);

/// A snapshot holds no locks, but it holds back the clearing up of old rows.
const IDLE_IN_SNAPSHOT: Duration = Duration::from_mins(1);

/// How PostgreSQL plans what a write asks, all of which looks rows up by keys: once for each statement and connection,
/// and so that it is right for tables of any size. What small tables suggest, a sequential scan, would outlive their
/// growth; forbidden, it counts as so dear where there is no other way that the plan would be compiled.
/// (docs/decisions/0009)
const BY_KEYS: &[(&str, &str)] =
    &[("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")];

/// How it plans what is read: by the values that clients filter by, until it keeps a plan after all; which then is right for
/// tables of any size, too.
const FOR_ANY_SIZE: &[(&str, &str)] = &[("enable_seqscan", "off"), ("jit", "off")];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Write,
    Read,
}

impl Purpose {
    /// How many connections there may be.
    fn size(self, options: &StoreOptions) -> u32 {
        match self {
            Self::Write => options.writers,
            Self::Read => options.readers,
        }
    }
}

/// Where sqlx has the connections of one purpose.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Sqlite(SqlitePool),
    MySql(MySqlPool),
    Postgres(PgPool),
}

/// One connection, borrowed from its pool.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    MySql(PoolConnection<MySql>),
    Postgres(PoolConnection<Postgres>),
}

/// Where writes go and where reads go.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    pub(crate) writers: Pool,
    pub(crate) readers: Pool,
}

impl Pools {
    /// Makes the pools; connections are opened when they are needed.
    pub(crate) fn open(url: &DatabaseUrl, options: &StoreOptions) -> Self {
        let pool = |source, size| Pool::new(source, size, options);
        match url {
            DatabaseUrl::SqliteMemory => {
                // One connection is the whole database: readers take turns with the writer.
                let memory = SqliteConnectOptions::new().in_memory(true);
                let sqlite = SqlitePoolOptions::new()
                    .max_connections(1)
                    .min_connections(1)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .connect_lazy_with(quiet(memory));
                let pool = pool(Source::Sqlite(sqlite), 1);
                Self { writers: pool.clone(), readers: pool }
            }
            DatabaseUrl::SqliteFile(path) => {
                let file = SqliteConnectOptions::new()
                    .filename(path)
                    .busy_timeout(options.busy_timeout)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    // A long snapshot lets the log grow; it is cut back to this afterwards.
                    .pragma("journal_size_limit", "67108864");
                // Keys are random, so a write touches pages all over: with SQLite's 2 MB a port create of 3,000 reads 23
                // of them again.
                let write = file.clone().create_if_missing(true).pragma("cache_size", "-16384");
                // Rows cross from the driver's thread in batches of this size.
                let read = file.pragma("query_only", "ON").row_buffer_size(1000);
                let sqlite = |size| {
                    SqlitePoolOptions::new()
                        .max_connections(size)
                        .acquire_timeout(options.acquire_timeout)
                        .idle_timeout(None)
                        .max_lifetime(None)
                        .test_before_acquire(false)
                };
                let writer = sqlite(1).connect_lazy_with(quiet(write));
                let readers = sqlite(options.readers).connect_lazy_with(quiet(read));
                Self {
                    writers: pool(Source::Sqlite(writer), 1),
                    readers: pool(Source::Sqlite(readers), options.readers),
                }
            }
            DatabaseUrl::MySql(server) => {
                let of = |purpose| {
                    let source = Source::MySql(mysql(server, options, purpose));
                    pool(source, purpose.size(options))
                };
                Self { writers: of(Purpose::Write), readers: of(Purpose::Read) }
            }
            DatabaseUrl::Postgres(server) => {
                let of = |purpose| {
                    let source = Source::Postgres(postgres(server, options, purpose));
                    pool(source, purpose.size(options))
                };
                Self { writers: of(Purpose::Write), readers: of(Purpose::Read) }
            }
        }
    }

    /// See [`Pool::tidy`].
    pub(crate) fn tidy(&self) {
        self.writers.tidy();
        self.readers.tidy();
    }

    pub(crate) async fn close(&self) {
        self.writers.close().await;
        self.readers.close().await;
    }
}

/// sqlx logs each statement; here the Tx counts them and the caller logs once.
fn quiet<O: ConnectOptions>(options: O) -> O {
    options.disable_statement_logging()
}

fn mysql(server: &Server, options: &StoreOptions, purpose: Purpose) -> MySqlPool {
    let mut connect = MySqlConnectOptions::new()
        .host(&server.host)
        .port(server.port)
        .username(&server.user)
        .database(&server.database)
        .charset("utf8mb4");
    if let Some(password) = &server.password {
        connect = connect.password(password);
    }
    if let Some(socket) = &server.socket {
        connect = connect.socket(socket);
    }
    connect = server.security.mysql(connect);
    MySqlPoolOptions::new()
        .max_connections(purpose.size(options))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let (isolation, idle) = match purpose {
                    Purpose::Write => ("READ COMMITTED", IDLE_IN_TRANSACTION),
                    Purpose::Read => ("REPEATABLE READ", IDLE_IN_SNAPSHOT),
                };
                let isolation = format!("SET SESSION TRANSACTION ISOLATION LEVEL {isolation}");
                connection.execute(assert_safe(isolation)).await?;
                if purpose == Purpose::Write {
                    // Statements after a transaction that Galera has undone in silence must not commit themselves.
                    connection.execute("SET SESSION autocommit = 0").await?;
                }
                let idle = format!("SET SESSION idle_transaction_timeout = {}", idle.as_secs());
                match connection.execute(assert_safe(idle)).await {
                    // 1193: MySQL has no such variable; there a stuck transaction ends with its connection.
                    Err(sqlx::Error::Database(error))
                        if error.message().contains("Unknown system") =>
                    {
                        Ok(())
                    }
                    other => other.map(drop),
                }
            })
        })
        .connect_lazy_with(quiet(connect))
}

fn postgres(server: &Server, options: &StoreOptions, purpose: Purpose) -> PgPool {
    let (isolation, idle, planning) = match purpose {
        Purpose::Write => ("read committed", IDLE_IN_TRANSACTION, BY_KEYS),
        Purpose::Read => ("repeatable read", IDLE_IN_SNAPSHOT, FOR_ANY_SIZE),
    };
    let mut connect = PgConnectOptions::new_without_pgpass()
        .host(&server.host)
        .port(server.port)
        .username(&server.user)
        .database(&server.database)
        .application_name("nucleon")
        .options([
            ("default_transaction_isolation", isolation.to_owned()),
            ("idle_in_transaction_session_timeout", idle.as_millis().to_string()),
        ])
        .options(planning.iter().copied());
    if let Some(password) = &server.password {
        connect = connect.password(password);
    }
    if let Some(socket) = &server.socket {
        connect = connect.socket(socket);
    }
    connect = server.security.postgres(connect);
    PgPoolOptions::new()
        .max_connections(purpose.size(options))
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .connect_lazy_with(quiet(connect))
}

/// The text was printed by sea-query with placeholders, or is made of constants of this crate.
pub(crate) fn assert_safe(sql: String) -> SqlStr {
    #[expect(clippy::disallowed_methods, reason = "this is the one home of dynamic SQL")]
    sqlx::AssertSqlSafe(sql).into_sql_str()
}

impl Source {
    pub(crate) async fn acquire(&self) -> Result<Connection, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::Sqlite(pool.acquire().await?),
            Self::MySql(pool) => Connection::MySql(pool.acquire().await?),
            Self::Postgres(pool) => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// Closed from when this is called; what is returned waits for those on loan.
    pub(crate) fn close(&self) -> BoxFuture<'_, ()> {
        match self {
            Self::Sqlite(pool) => pool.close().boxed(),
            Self::MySql(pool) => pool.close().boxed(),
            Self::Postgres(pool) => pool.close().boxed(),
        }
    }
}

impl Connection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement without values and without preparing it: transaction control and DDL.
    pub(crate) fn control(&mut self, sql: SqlStr) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        match self {
            Self::Sqlite(connection) => (&mut **connection).execute(sql).map_ok(drop).boxed(),
            Self::MySql(connection) => (&mut **connection).execute(sql).map_ok(drop).boxed(),
            Self::Postgres(connection) => (&mut **connection).execute(sql).map_ok(drop).boxed(),
        }
    }

    /// Hands each row of the answer to `each` as it comes, and keeps none: a SQLite row holds a copy of each of its
    /// values, which for a long list is many times what is made of it.
    pub(crate) fn fetch_each<'c>(
        &'c mut self,
        sql: SqlStr,
        values: SqlxValues,
        each: &'c mut (dyn FnMut(Row) + Send),
    ) -> BoxFuture<'c, Result<(), sqlx::Error>> {
        async move {
            match self {
                Self::Sqlite(connection) => {
                    let mut rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                    while let Some(row) = rows.try_next().await? {
                        each(Row::Sqlite(row));
                    }
                }
                Self::MySql(connection) => {
                    let mut rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                    while let Some(row) = rows.try_next().await? {
                        each(Row::MySql(row));
                    }
                }
                Self::Postgres(connection) => {
                    let mut rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                    while let Some(row) = rows.try_next().await? {
                        each(Row::Postgres(row));
                    }
                }
            }
            Ok(())
        }
        .boxed()
    }

    pub(crate) fn execute(
        &mut self,
        sql: SqlStr,
        values: SqlxValues,
    ) -> BoxFuture<'_, Result<u64, sqlx::Error>> {
        match self {
            Self::Sqlite(connection) => {
                let done = sqlx::query_with(sql, values).execute(&mut **connection);
                done.map_ok(|done| done.rows_affected()).boxed()
            }
            Self::MySql(connection) => {
                let done = sqlx::query_with(sql, values).execute(&mut **connection);
                done.map_ok(|done| done.rows_affected()).boxed()
            }
            Self::Postgres(connection) => {
                let done = sqlx::query_with(sql, values).execute(&mut **connection);
                done.map_ok(|done| done.rows_affected()).boxed()
            }
        }
    }

    pub(crate) fn fetch_all(
        &mut self,
        sql: SqlStr,
        values: SqlxValues,
    ) -> BoxFuture<'_, Result<Vec<Row>, sqlx::Error>> {
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                rows.map_ok(Row::Sqlite).try_collect().boxed()
            }
            Self::MySql(connection) => {
                let rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                rows.map_ok(Row::MySql).try_collect().boxed()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_with(sql, values).fetch(&mut **connection);
                rows.map_ok(Row::Postgres).try_collect().boxed()
            }
        }
    }

    /// Has the connection thrown away instead of given back: its state is not known.
    pub(crate) fn condemn(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.close_on_drop(),
            Self::MySql(connection) => connection.close_on_drop(),
            Self::Postgres(connection) => connection.close_on_drop(),
        }
    }
}
