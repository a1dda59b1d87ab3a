//! A transaction, or a read: what a closure given to the store works with.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use futures::future::BoxFuture;
use sea_query::{Expr, Query, SelectStatement, Value};
use sea_query_sqlx::{SqlxBinder, SqlxValues};
use sqlx::{SqlSafeStr, SqlStr};
use uuid::Uuid;

use crate::connection::assert_safe;
use crate::dialect::Dialect;
use crate::error::classify::{Classified, Violated, classify};
use crate::error::{Error, Result, RetryReason};
use crate::facts::Facts;
use crate::journal::{Change, outbox};
use crate::late::{Late, Write};
use crate::pool::{Condition, Lease};
use crate::row::Row;
use crate::touch::Touch;

/// Any sea-query statement that can be run: `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `WITH`.
pub trait Statement: SqlxBinder {}

impl<S: SqlxBinder> Statement for S {}

/// How a statement that may meet a unique key ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// So many rows were affected.
    Done(u64),
    /// The key of this name refused it; the transaction goes on.
    Conflict { constraint: String },
}

/// What a transaction adds to, or takes from, what projects have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Charges {
    /// By project and resource.
    pub sums: BTreeMap<(String, &'static str), i64>,
    /// Resources of which too many are refused.
    pub limited: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// A transaction on one connection. On all databases: once a statement has failed, every further one fails, and the
/// transaction is rolled back whatever the closure returns. Where a unique key may refuse, use [`Tx::attempt`].
#[derive(Debug)]
pub struct Tx {
    connection: Lease,
    access: Access,
    id: Uuid,
    statements: u32,
    /// When it began, in microseconds since 1970: the journal's rows carry it.
    began_at: i64,
    /// Emitted, and not written yet.
    changes: Vec<Change>,
    /// How many were emitted and are written.
    written: usize,
    charges: Charges,
    /// Written and not sent yet.
    late: Late,
    last: Vec<Touch>,
    failure: Option<Error>,
    settled: bool,
    /// A statement is: should its future be dropped, its answer would be the next one's.
    under_way: bool,
    facts: Facts,
}

impl Tx {
    pub(crate) fn new(connection: Lease, access: Access, facts: Facts) -> Self {
        Self {
            connection,
            access,
            id: Uuid::nil(),
            statements: 0,
            began_at: 0,
            changes: Vec::new(),
            written: 0,
            charges: Charges::default(),
            late: Late::default(),
            last: Vec::new(),
            failure: None,
            settled: true,
            under_way: false,
            facts,
        }
    }

    /// The id of this write, the same in every attempt; the journal's rows carry it.
    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn dialect(&self) -> Dialect {
        self.connection.dialect()
    }

    /// The statements run so far, without `BEGIN`, `COMMIT` and savepoints.
    pub fn statements(&self) -> u32 {
        self.statements
    }

    /// Runs a statement that changes rows; answers with the number of rows that it met.
    pub fn execute<'t>(&'t mut self, statement: &impl Statement) -> BoxFuture<'t, Result<u64>> {
        let (sql, values) = self.dialect().build(statement);
        self.execute_sql(assert_safe(sql), values).boxed()
    }

    /// Writes one row, or the rows of one statement, without asking how that went: together with what follows, when
    /// something is asked, with [`Tx::together`], or at the end.
    ///
    /// Where a key or a reference refuses it then, another has come before: whatever runs into it fails with
    /// [`Error::Late`], and the transaction is to be run again, so that it finds what is there.
    pub fn later(&mut self, write: impl Into<Write>) {
        self.later_rows(write, 1);
    }

    /// As [`Tx::later`], of a statement with so many rows.
    pub(crate) fn later_rows(&mut self, write: impl Into<Write>, rows: usize) {
        if self.access == Access::Read {
            self.failure.get_or_insert(Error::ReadOnly);
        }
        self.late.push(write.into(), rows);
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// [`Error::Late`] where it is refused.
    pub fn together(&mut self) -> BoxFuture<'_, Result<()>> {
        async move {
            if self.late.is_empty() {
                return Ok(());
            }
            self.run_late(None).await.map(drop)
        }
        .boxed()
    }

    /// Asks a question together with what waits, which must not write what it is about: on PostgreSQL it would not see
    /// that. The columns of the answer are had by their places alone.
    ///
    /// # Errors
    /// [`Error::Late`] where what waits is refused.
    pub fn fetch_beside(&mut self, question: SelectStatement) -> BoxFuture<'_, Result<Vec<Row>>> {
        self.run_late(Some(question)).boxed()
    }

    async fn run_late(&mut self, question: Option<SelectStatement>) -> Result<Vec<Row>> {
        let asks = question.is_some();
        let (dialect, blocks) = (self.dialect(), self.facts.has_blocks());
        let mut statements = self.late.statements(dialect, blocks, question);
        let last = if asks { statements.pop() } else { None };
        for (sql, values) in statements {
            self.run(assert_safe(sql), values).await.map_err(Error::late)?;
        }
        match last {
            Some((sql, values)) => self.ask(assert_safe(sql), values).await.map_err(Error::late),
            None => Ok(Vec::new()),
        }
    }

    /// All rows of the answer.
    pub fn fetch_all<'t>(&'t mut self, query: &impl Statement) -> BoxFuture<'t, Result<Vec<Row>>> {
        let (sql, values) = self.dialect().build(query);
        self.fetch_sql(assert_safe(sql), values).boxed()
    }

    /// What `read` makes of each row of the answer; no row is kept.
    pub fn fetch_map<'t, T: Send + 't>(
        &'t mut self,
        query: &impl Statement,
        mut read: impl FnMut(&Row) -> Result<T> + Send + 't,
    ) -> BoxFuture<'t, Result<Vec<T>>> {
        let (sql, values) = self.dialect().build(query);
        async move {
            self.together().await?;
            self.admit(Access::Read)?;
            let sql = assert_safe(sql);
            let (mut made, mut unreadable) = (Vec::new(), None);
            let mut each = |row: Row| match read(&row) {
                Ok(value) => made.push(value),
                Err(error) => {
                    unreadable.get_or_insert(error);
                }
            };
            self.under_way = true;
            let outcome = self.connection.fetch_each(sql.clone(), values, &mut each).await;
            self.under_way = false;
            self.judge(outcome, &sql).await?;
            unreadable.map_or(Ok(made), Err)
        }
        .boxed()
    }

    /// The first row of the answer, if there is one.
    pub fn fetch_optional<'t>(
        &'t mut self,
        query: &impl Statement,
    ) -> BoxFuture<'t, Result<Option<Row>>> {
        let rows = self.fetch_all(query);
        async move { Ok(rows.await?.into_iter().next()) }.boxed()
    }

    /// How the database means to answer a query, a line for each step.
    pub async fn explain(&mut self, query: &impl Statement) -> Result<Vec<String>> {
        let (sql, values) = self.dialect().build(query);
        let (word, columns): (_, &[&str]) = match self.dialect() {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN", &["detail"]),
            Dialect::MySql => ("EXPLAIN", &["select_type", "table", "type", "key"]),
            Dialect::Postgres => ("EXPLAIN", &["QUERY PLAN"]),
        };
        let rows = self.fetch_sql(assert_safe(format!("{word} {sql}")), values).await?;
        let line = |row: &Row| {
            let cell = |name: &&str| row.get::<Option<String>>(name).map(Option::unwrap_or_default);
            let cells: Vec<String> = columns.iter().map(cell).collect::<Result<_>>()?;
            Ok(cells.join(" "))
        };
        rows.iter().map(line).collect()
    }

    /// Runs a statement that a unique key may refuse, without losing the transaction to it.
    pub fn attempt<'t>(&'t mut self, statement: &impl Statement) -> BoxFuture<'t, Result<Attempt>> {
        let (sql, values) = self.dialect().build(statement);
        self.attempt_sql(assert_safe(sql), values).boxed()
    }

    /// Inserts rows as [`Tx::later`], in as few statements as there are bits in their number: the statement caches then
    /// hold a few sizes instead of all.
    pub fn insert_rows(
        &mut self,
        table: &'static str,
        columns: &'static [&'static str],
        rows: Vec<Vec<Value>>,
    ) -> Result<()> {
        let mut rows = rows.into_iter();
        while let size @ 1.. = rows.len() {
            let mut insert = Query::insert();
            insert.into_table(table).columns(columns.iter().copied());
            let count = chunk(size);
            for row in rows.by_ref().take(count) {
                insert.values(row.into_iter().map(Expr::val)).map_err(|error| Error::Damaged {
                    column: table.to_owned(),
                    problem: error.to_string(),
                })?;
            }
            self.later_rows(insert, count);
        }
        Ok(())
    }

    /// Records a change for the journal. It is written with the rest of the transaction, or not at all.
    pub fn emit(&mut self, mut change: Change) {
        if self.access == Access::Read {
            self.failure.get_or_insert(Error::ReadOnly);
        }
        let mut seen = std::collections::BTreeSet::new();
        change.scopes.retain(|scope| seen.insert(scope.clone()));
        self.changes.push(change);
    }

    /// Writes the changes that were emitted so far: before whatever makes others wait until the commit. (On SQLite, whose
    /// writer writes those of a whole group, nothing.)
    pub fn write_changes(&mut self) -> Result<()> {
        match self.dialect() {
            Dialect::Sqlite => Ok(()),
            Dialect::MySql | Dialect::Postgres => outbox::fill(self),
        }
    }

    /// Brings rows that many transactions want, which wait for each other's commits, to a further revision. On PostgreSQL that
    /// goes together with the commit, as one text, so that they are held for no way there and back; until then the
    /// transaction must keep them from going, by a row that refers to them or otherwise.
    ///
    /// On MariaDB a new row holds what it refers to, and two transactions that want to change that afterwards wait for each
    /// other: there it is before such a row.
    pub(crate) fn touch_last(&mut self, touch: Touch) {
        match self.dialect() {
            Dialect::Sqlite | Dialect::MySql => self.later(touch.statement()),
            Dialect::Postgres => self.last.push(touch),
        }
    }

    /// Notes what the transaction adds to, or takes from, what a project has; whoever ends it takes the sums and puts
    /// them on the counters.
    pub fn charge(&mut self, project: &str, resource: &'static str, amount: i64) {
        *self.charges.sums.entry((project.to_owned(), resource)).or_default() += amount;
    }

    /// Notes that too many objects of a resource are to be refused.
    pub fn limit(&mut self, resource: &'static str) {
        self.charges.limited.insert(resource);
    }

    pub fn take_charges(&mut self) -> Charges {
        std::mem::take(&mut self.charges)
    }

    /// Asks for this write to be run again from the start, in a new transaction. Return the error.
    pub fn retry(&mut self, detail: &str) -> Error {
        let error = Error::retry(RetryReason::Asked, detail);
        self.failure.get_or_insert_with(|| error.clone());
        error
    }

    pub(crate) async fn execute_sql(&mut self, sql: SqlStr, values: SqlxValues) -> Result<u64> {
        self.together().await?;
        self.run(sql, values).await
    }

    async fn run(&mut self, sql: SqlStr, values: SqlxValues) -> Result<u64> {
        self.admit(Access::Write)?;
        self.under_way = true;
        let outcome = self.connection.execute(sql.clone(), values).await;
        self.under_way = false;
        self.judge(outcome, &sql).await
    }

    pub(crate) async fn fetch_sql(&mut self, sql: SqlStr, values: SqlxValues) -> Result<Vec<Row>> {
        self.together().await?;
        self.ask(sql, values).await
    }

    async fn ask(&mut self, sql: SqlStr, values: SqlxValues) -> Result<Vec<Row>> {
        self.admit(Access::Read)?;
        self.under_way = true;
        let outcome = self.connection.fetch_all(sql.clone(), values).await;
        self.under_way = false;
        self.judge(outcome, &sql).await
    }

    async fn attempt_sql(&mut self, sql: SqlStr, values: SqlxValues) -> Result<Attempt> {
        self.together().await?;
        // A failed statement takes PostgreSQL's whole transaction with it; the others undo the statement alone.
        let guarded = self.dialect() == Dialect::Postgres;
        if guarded {
            self.control("SAVEPOINT attempt").await?;
        }
        match self.execute_sql(sql, values).await {
            Ok(rows) => {
                if guarded {
                    self.control("RELEASE SAVEPOINT attempt").await?;
                }
                Ok(Attempt::Done(rows))
            }
            Err(Error::Conflict { constraint }) => {
                self.failure = None;
                if guarded {
                    self.control("ROLLBACK TO SAVEPOINT attempt").await?;
                }
                Ok(Attempt::Conflict { constraint })
            }
            Err(error) => Err(error),
        }
    }

    fn admit(&mut self, wanted: Access) -> Result<()> {
        if let Some(first) = &self.failure {
            return Err(Error::Failed { first: Box::new(first.clone()) });
        }
        if wanted == Access::Write && self.access == Access::Read {
            return Err(Error::ReadOnly);
        }
        self.statements += 1;
        Ok(())
    }

    async fn judge<T>(
        &mut self,
        outcome: std::result::Result<T, sqlx::Error>,
        sql: &SqlStr,
    ) -> Result<T> {
        let error = match outcome {
            Ok(value) => return Ok(value),
            Err(error) => match classify(error, sql.as_str()) {
                Classified::Final(error) => error,
                Classified::Unique(Violated::Named(constraint)) => Error::Conflict { constraint },
                Classified::Unique(Violated::Columns(columns)) => {
                    Error::Conflict { constraint: self.key_name(columns).await }
                }
            },
        };
        self.failure = Some(error.clone());
        Err(error)
    }

    /// The name of SQLite's unique index over `table.a, table.b`.
    async fn key_name(&mut self, columns: String) -> String {
        if let Some(name) = self.facts.key(&columns) {
            return name;
        }
        let found = self.find_key(&columns).await;
        let name = found.unwrap_or_else(|| {
            let table = columns.split('.').next().unwrap_or_default();
            format!("{table}_pkey")
        });
        self.facts.know_key(columns, name.clone());
        name
    }

    async fn find_key(&mut self, columns: &str) -> Option<String> {
        let sql = "SELECT l.name, c.name FROM pragma_index_list($1) l JOIN pragma_index_info(l.name) c \
                   WHERE l.\"unique\" = 1 AND l.origin = 'c' ORDER BY l.name, c.seqno";
        let table = columns.split('.').next()?;
        let values = SqlxValues(sea_query::Values(vec![table.into()]));
        self.under_way = true;
        let rows = self.connection.fetch_all(sql.into_sql_str(), values).await;
        self.under_way = false;
        let rows = rows.ok()?;
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for row in rows {
            let (index, column) = (row.at::<String>(0).ok()?, row.at::<String>(1).ok()?);
            let column = format!("{table}.{column}");
            match keys.last_mut() {
                Some((name, columns)) if *name == index => columns.push(column),
                _ => keys.push((index, vec![column])),
            }
        }
        keys.into_iter().find(|(_, names)| names.join(", ") == columns).map(|(name, _)| name)
    }

    // === What the store does with it ===

    /// Makes it ready for the next closure.
    pub(crate) fn start(&mut self, id: Uuid, now: i64) {
        self.id = id;
        self.began_at = now;
        self.statements = 0;
        self.changes.clear();
        self.written = 0;
        self.charges = Charges::default();
        self.late.clear();
        self.last.clear();
        self.failure = None;
    }

    pub(crate) async fn begin(&mut self, sql: &'static str) -> Result<()> {
        self.settled = false;
        self.control(sql).await
    }

    /// Begins a write's transaction.
    pub(crate) async fn begin_write(&mut self) -> Result<()> {
        self.begin(match self.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::MySql => "START TRANSACTION; SAVEPOINT whole",
            Dialect::Postgres => "BEGIN",
        })
        .await
    }

    /// Commits a write's transaction, if it is still the one that was begun. Galera may undo a transaction between two
    /// statements without telling; the next ones would then be committed alone. But the savepoint is gone with it.
    pub(crate) async fn commit_write(&mut self) -> Result<()> {
        let commit = match self.dialect() {
            Dialect::Sqlite | Dialect::Postgres => "COMMIT",
            Dialect::MySql => "RELEASE SAVEPOINT whole; COMMIT",
        };
        let last = std::mem::take(&mut self.last);
        if last.is_empty() {
            return self.end(commit).await;
        }
        self.statements += u32::try_from(last.len()).unwrap_or(u32::MAX);
        let texts = last.iter().map(Touch::text).chain([commit.to_owned()]);
        let text = texts.collect::<Vec<_>>().join("; ");
        let outcome = self.control_text(text.clone()).await;
        self.ended(outcome, &text)?;
        self.settled = true;
        Ok(())
    }

    /// From here to [`Tx::settle`] the connection is thrown away if the caller goes away.
    pub(crate) fn unsettle(&mut self) {
        self.settled = false;
    }

    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// `COMMIT` or `ROLLBACK`; the connection may be used again when it succeeds.
    pub(crate) async fn end(&mut self, sql: &'static str) -> Result<()> {
        self.control(sql).await?;
        self.settled = true;
        Ok(())
    }

    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<()> {
        self.under_way = true;
        let outcome = self.connection.control(sql.into_sql_str()).await;
        self.under_way = false;
        self.ended(outcome, sql)
    }

    /// What transaction control came to. Where the connection is lost, that is kept in mind.
    fn ended(&mut self, outcome: std::result::Result<(), sqlx::Error>, sql: &str) -> Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        let error = match classify(error, sql) {
            Classified::Final(error) => error,
            Classified::Unique(Violated::Named(name) | Violated::Columns(name)) => {
                Error::Conflict { constraint: name }
            }
        };
        if lost(&error) {
            self.failure.get_or_insert_with(|| error.clone());
        }
        Err(error)
    }

    /// DDL and other text of this crate's own making, not prepared.
    pub(crate) async fn control_text(&mut self, sql: String) -> Result<(), sqlx::Error> {
        self.under_way = true;
        let outcome = self.connection.control(assert_safe(sql)).await;
        self.under_way = false;
        outcome
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changes = std::mem::take(&mut self.changes);
        self.written += changes.len();
        changes
    }

    pub(crate) fn began_at(&self) -> i64 {
        self.began_at
    }

    /// How many of its changes are written.
    pub(crate) fn written(&self) -> usize {
        self.written
    }
}

impl Drop for Tx {
    /// A transaction that did not come to its end leaves a connection in the middle of something: it is closed.
    fn drop(&mut self) {
        self.connection.set(if self.failure.as_ref().is_some_and(lost) {
            Condition::Lost
        } else if self.under_way || !self.settled {
            Condition::Broken
        } else if self.failure.is_some() {
            Condition::Doubtful
        } else {
            Condition::Sound
        });
    }
}

/// Whether an error says that the connection is no more.
fn lost(error: &Error) -> bool {
    error.retry_reason() == Some(RetryReason::Connection)
}

/// The greatest power of two that is not above the number of rows, 64 at most.
fn chunk(rows: usize) -> usize {
    1 << rows.ilog2().min(6)
}

#[cfg(test)]
mod tests {
    use super::chunk;

    #[test]
    fn rows_are_inserted_by_powers_of_two() {
        assert_eq!([1, 2, 3, 7, 8, 63, 64, 1000].map(chunk), [1, 2, 2, 4, 8, 32, 64, 64]);
    }
}
