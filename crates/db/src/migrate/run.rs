//! Applying migrations: one program at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_query::{
    Expr, ExprTrait, MysqlQueryBuilder, Order, PostgresQueryBuilder, Query, SchemaStatementBuilder,
    SqliteQueryBuilder, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::SqlSafeStr;

use crate::dialect::Dialect;
use crate::error::classify::retry_reason;
use crate::migrate::{Error, MIGRATIONS, Migration, Phase, State, Step};
use crate::schema::Schema;
use crate::store::{Store, retry};
use crate::tx::{Access, Attempt, Tx};

/// How long a starting program waits for another that is migrating.
const PATIENCE: Duration = Duration::from_mins(1);

/// PostgreSQL's advisory lock for this: `nucleon` in ASCII.
const LOCK_NUMBER: i64 = 0x006e_7563_6c65_6f6e;

const RECORD: &str = "schema_migration";

/// Applies what is missing. Safe to call from several programs at once.
pub async fn upgrade(store: &Store) -> Result<Vec<i64>, Error> {
    upgrade_with(store, MIGRATIONS).await
}

/// The number of the newest migration that was applied; 0 for an empty database.
pub async fn version(store: &Store) -> Result<i64, Error> {
    Ok(recorded(store).await?.keys().max().copied().unwrap_or(0))
}

/// Compares the schema with what this program knows.
pub async fn check(store: &Store) -> Result<State, Error> {
    check_with(store, MIGRATIONS).await
}

/// Takes back the newest migration. Answers with its number.
pub async fn downgrade_one(store: &Store) -> Result<i64, Error> {
    downgrade_one_with(store, MIGRATIONS).await
}

/// As [`upgrade`], with a list of one's own.
pub async fn upgrade_with(store: &Store, migrations: &[Migration]) -> Result<Vec<i64>, Error> {
    let done = Mutex::new(Vec::new());
    again(store, "schema upgrade", || apply(store, migrations, &done)).await?;
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// As [`check`], with a list of one's own.
pub async fn check_with(store: &Store, migrations: &[Migration]) -> Result<State, Error> {
    compare(&recorded(store).await?, migrations)
}

/// As [`downgrade_one`], with a list of one's own.
pub async fn downgrade_one_with(store: &Store, migrations: &[Migration]) -> Result<i64, Error> {
    again(store, "schema downgrade", || take_back(store, migrations)).await
}

/// Runs it again when it lost against another node's DDL: each step may be run twice.
async fn again<T, F, Attempt>(store: &Store, label: &'static str, attempt: F) -> Result<T, Error>
where
    F: Fn() -> Attempt,
    Attempt: Future<Output = Result<T, Error>>,
{
    let outcome = retry::run(store.shared(), label, || async {
        match attempt().await {
            Err(Error::Store(error @ crate::Error::Retry { .. })) => Err(error),
            other => Ok(other),
        }
    });
    outcome.await?
}

async fn apply(
    store: &Store,
    migrations: &[Migration],
    done: &Mutex<Vec<i64>>,
) -> Result<(), Error> {
    let (mut tx, schema) = begin(store).await?;
    let known = applied(&mut tx).await?;
    compare(&known, migrations)?;
    let mut applied = Vec::new();
    for migration in migrations.iter().filter(|migration| !known.contains_key(&migration.number)) {
        for step in (migration.up)(&schema) {
            run(&mut tx, migration, step).await?;
        }
        let insert = Query::insert()
            .into_table(RECORD)
            .columns(["number", "name", "phase", "applied_at"])
            .values_panic([
                migration.number.into(),
                migration.name.into(),
                migration.phase.name().into(),
                store.now().into(),
            ])
            .take();
        if let Attempt::Done(_) = tx.attempt(&insert).await? {
            applied.push(migration.number);
            tracing::info!(migration.number, migration.name, "schema migrated");
        }
        if tx.dialect() == Dialect::MySql {
            // Its DDL is committed already; so is this.
            note(done, &mut applied);
        }
    }
    end(tx).await?;
    note(done, &mut applied);
    Ok(())
}

fn note(done: &Mutex<Vec<i64>>, applied: &mut Vec<i64>) {
    done.lock().unwrap_or_else(PoisonError::into_inner).append(applied);
}

async fn take_back(store: &Store, migrations: &[Migration]) -> Result<i64, Error> {
    let (mut tx, schema) = begin(store).await?;
    let known = applied(&mut tx).await?;
    let last = known.keys().max().copied().ok_or(Error::Empty)?;
    let program = migrations.last().map_or(0, |migration| migration.number);
    let migration = migrations
        .iter()
        .find(|migration| migration.number == last)
        .ok_or(Error::Newer { schema: last, program })?;
    for step in (migration.down)(&schema) {
        run(&mut tx, migration, step).await?;
    }
    let delete = Query::delete().from_table(RECORD).and_where(Expr::col("number").eq(last)).take();
    tx.execute(&delete).await?;
    end(tx).await?;
    tracing::info!(migration.number, migration.name, "schema migration taken back");
    Ok(last)
}

fn compare(known: &BTreeMap<i64, String>, migrations: &[Migration]) -> Result<State, Error> {
    let program = migrations.last().map_or(0, |migration| migration.number);
    let unknown: Vec<i64> = known.keys().copied().filter(|number| *number > program).collect();
    let contracted = known
        .iter()
        .rev()
        .find(|(number, phase)| **number > program && phase.as_str() != Phase::Expand.name());
    if let Some((schema, _)) = contracted {
        return Err(Error::Newer { schema: *schema, program });
    }
    let missing: Vec<i64> = migrations
        .iter()
        .map(|migration| migration.number)
        .filter(|number| !known.contains_key(number))
        .collect();
    Ok(match (missing.is_empty(), unknown.is_empty()) {
        (false, _) => State::Behind { missing },
        (true, false) => State::Ahead { unknown },
        (true, true) => State::Current,
    })
}

/// A transaction in which this program alone changes the schema. (On MariaDB each DDL statement commits; there the
/// lock is the connection's, and Galera's nodes do not share it: that is why steps may be run twice.)
async fn begin(store: &Store) -> Result<(Tx, Schema), Error> {
    let mut tx = store.shared().acquire(Access::Write).await?;
    let schema = schema(&mut tx).await?;
    match tx.dialect() {
        Dialect::Sqlite => {
            // References to a table that is made anew must not fire while it is gone.
            tx.begin("BEGIN IMMEDIATE").await?;
        }
        Dialect::MySql => {
            tx.unsettle();
            let sql = format!("SELECT GET_LOCK('nucleon_schema', {})", PATIENCE.as_secs());
            let values = SqlxValues(Values(Vec::new()));
            let rows = tx.fetch_sql(crate::connection::assert_safe(sql), values).await?;
            let got: Option<i64> = rows.first().map(|row| row.at(0)).transpose()?.flatten();
            if got != Some(1) {
                return Err(Error::Locked);
            }
        }
        Dialect::Postgres => {
            tx.begin("BEGIN").await?;
            let values = SqlxValues(Values(vec![LOCK_NUMBER.into()]));
            let sql = "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)";
            tx.fetch_sql(sql.into_sql_str(), values).await?;
        }
    }
    record(&mut tx, &schema).await?;
    Ok((tx, schema))
}

async fn end(mut tx: Tx) -> Result<(), Error> {
    match tx.dialect() {
        Dialect::Sqlite | Dialect::Postgres => tx.end("COMMIT").await?,
        Dialect::MySql => tx.end("COMMIT; DO RELEASE_LOCK('nucleon_schema')").await?,
    }
    Ok(())
}

async fn schema(tx: &mut Tx) -> Result<Schema, Error> {
    let version = match tx.dialect() {
        Dialect::MySql => {
            let values = SqlxValues(Values(Vec::new()));
            let rows = tx.fetch_sql("SELECT VERSION()".into_sql_str(), values).await?;
            rows.first().map(|row| row.at(0)).transpose()?.unwrap_or_default()
        }
        Dialect::Sqlite | Dialect::Postgres => String::new(),
    };
    Ok(Schema::new(tx.dialect(), &version))
}

/// Makes the table of what was applied.
async fn record(tx: &mut Tx, schema: &Schema) -> Result<(), Error> {
    let mut table = schema.table(RECORD);
    table
        .col(schema.number("number").primary_key())
        .col(schema.text("name", 255))
        .col(schema.text("phase", 16))
        .col(schema.number("applied_at"));
    let record = Migration {
        number: 0,
        name: "record",
        phase: Phase::Expand,
        up: |_| Vec::new(),
        down: |_| Vec::new(),
    };
    run(tx, &record, Step::Create(table)).await
}

/// What was applied, as a reader sees it; nothing where there is no record yet.
async fn recorded(store: &Store) -> Result<BTreeMap<i64, String>, Error> {
    let mut tx = store.shared().acquire(Access::Read).await?;
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migration'"
        }
        Dialect::MySql => {
            "SELECT COUNT(*) FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = 'schema_migration'"
        }
        Dialect::Postgres => {
            "SELECT COUNT(*) FROM information_schema.tables \
             WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'schema_migration'"
        }
    };
    let values = SqlxValues(Values(Vec::new()));
    let rows = tx.fetch_sql(sql.into_sql_str(), values).await?;
    let tables: i64 = rows.first().map(|row| row.at(0)).transpose()?.unwrap_or(0);
    if tables == 0 {
        return Ok(BTreeMap::new());
    }
    applied(&mut tx).await
}

async fn applied(tx: &mut Tx) -> Result<BTreeMap<i64, String>, Error> {
    let query = Query::select()
        .columns(["number", "phase"])
        .from(RECORD)
        .order_by("number", Order::Asc)
        .take();
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((row.get("number")?, row.get("phase")?))).collect()
}

async fn run(tx: &mut Tx, migration: &Migration, step: Step) -> Result<(), Error> {
    let dialect = tx.dialect();
    let sql = match step {
        Step::Insert(insert) => {
            tx.attempt(&insert).await?;
            return Ok(());
        }
        Step::Update(update) => {
            tx.execute(&update).await?;
            return Ok(());
        }
        Step::Create(statement) => print(dialect, &statement),
        Step::Alter(statement) => print(dialect, &statement),
        Step::Drop(statement) => print(dialect, &statement),
        Step::CreateIndex(statement) => print(dialect, &statement),
        Step::DropIndex(statement) => print(dialect, &statement),
    };
    match tx.control_text(sql.clone()).await {
        Err(error) if dialect == Dialect::MySql && was_done_before(&error) => Ok(()),
        Err(source) => Err(match retry_reason(&source) {
            Some(reason) => crate::Error::retry(reason, source).into(),
            None => Error::Step {
                number: migration.number,
                name: migration.name,
                statement: sql,
                source,
            },
        }),
        Ok(()) => Ok(()),
    }
}

fn print(dialect: Dialect, statement: &impl SchemaStatementBuilder) -> String {
    match dialect {
        Dialect::Sqlite => statement.build(SqliteQueryBuilder),
        Dialect::MySql => statement.build(MysqlQueryBuilder),
        Dialect::Postgres => statement.build(PostgresQueryBuilder),
    }
}

/// MariaDB: the table (1050), column (1060), key (1061) is there; the table (1051), column or key (1091) is gone; the
/// foreign key is there (1826; 1005 with errno 121).
fn was_done_before(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() else {
        return false;
    };
    matches!(error.number(), 1050 | 1051 | 1060 | 1061 | 1091 | 1826)
        || (error.number() == 1005 && error.message().contains("errno: 121"))
}
