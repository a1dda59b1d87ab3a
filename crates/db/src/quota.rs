//! How much projects may have of each resource, and counters of what they have where that is limited.
//!
//! A counter is changed as the last thing of a transaction, so that its row is held over the commit alone, and the
//! statement that changes it says whether the limit would be passed: many at a time get exactly what is left. Where
//! there is no limit nothing is counted, and nobody waits for anybody. A counter begins with the first change under a
//! limit, at what there is; who wants to read what a project has counts the rows.

use std::collections::BTreeMap;

use sea_query::{
    Alias, Asterisk, Cond, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr,
    UnionType, UpdateStatement,
};

use crate::error::Result;
use crate::resource;
use crate::tx::{Attempt, Tx};

/// What is counted of a project.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    pub project_id: &'a str,
    pub resource: &'static str,
    /// Where the objects lie, each with a `project_id`; `None` where they are no rows.
    pub table: Option<&'static str>,
    /// The limit of projects that have none of their own; below zero there is none.
    pub default: i64,
}

/// What becomes of a change that would pass the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    Refused,
    Counted,
}

/// The limit of one resource that a project has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub project_id: String,
    pub resource: String,
    pub limit: i64,
}

/// A counter that is not what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub project_id: String,
    pub counter: i64,
    pub counted: i64,
}

const TABLE: &str = "quotas";

/// How often a counter is tried that others open, close and limit anew at the same time.
const TRIES: usize = 5;

fn col(name: &'static str) -> SimpleExpr {
    Expr::col((Alias::new(TABLE), Alias::new(name)))
}

/// The limit that holds, where projects without one of their own have this one.
fn limit_or(default: i64) -> SimpleExpr {
    Func::coalesce([col("hard_limit"), Expr::val(default)]).into()
}

impl Account<'_> {
    fn row(&self) -> Cond {
        Cond::all()
            .add(col("project_id").eq(self.project_id))
            .add(col("resource").eq(self.resource))
    }

    fn update(&self, column: &'static str, value: SimpleExpr) -> UpdateStatement {
        let mut update = Query::update();
        update.table(Alias::new(TABLE)).value(Alias::new(column), value).cond_where(self.row());
        update
    }

    /// Adds to the counter of a limited resource; none falls below zero.
    fn add(&self, amount: i64, beyond: Beyond) -> UpdateStatement {
        let sum = || col("used").add(amount);
        let floored = Expr::case(sum().lt(0i64), Expr::val(0i64)).finally(sum());
        let mut add = self.update("used", floored.into());
        add.and_where(limit_or(self.default).gte(0i64));
        if amount > 0 && beyond == Beyond::Refused {
            add.and_where(sum().lte(limit_or(self.default)));
        }
        add
    }
}

/// Adds `amount`, which may be negative, to a counter. Answers whether it was refused for the limit.
pub async fn quota_charge(
    tx: &mut Tx,
    account: &Account<'_>,
    amount: i64,
    beyond: Beyond,
) -> Result<bool> {
    // Where there is no limit in general, few have one: one look, which holds nothing.
    if account.default < 0 && !find(tx, account).await?.is_some_and(|row| row.is_limited(-1)) {
        return Ok(false);
    }
    for _ in 0..TRIES {
        if tx.execute(&account.add(amount, beyond)).await? > 0 {
            return Ok(false);
        }
        let refuses = |sum: i64, limit: i64| amount > 0 && beyond == Beyond::Refused && sum > limit;
        match find(tx, account).await? {
            Some(row) if !row.is_limited(account.default) => return Ok(false),
            Some(row) if refuses(row.used + amount, row.limit.unwrap_or(account.default)) => {
                return Ok(true);
            }
            // Opened or changed since.
            Some(_) => {}
            None if account.default < 0 => return Ok(false),
            None => {
                // With what this transaction came to change.
                let counted = count(tx, account).await?;
                if refuses(counted, account.default) {
                    return Ok(true);
                }
                if let Attempt::Done(_) = open(tx, account, None, counted).await? {
                    return Ok(false);
                }
            }
        }
    }
    Err(tx.retry(&format!(
        "the quota of {} in {} does not rest",
        account.resource, account.project_id
    )))
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    limit: Option<i64>,
    used: i64,
}

impl Counter {
    fn is_limited(self, default: i64) -> bool {
        self.limit.unwrap_or(default) >= 0
    }
}

async fn find(tx: &mut Tx, account: &Account<'_>) -> Result<Option<Counter>> {
    let mut query = Query::select();
    query
        .columns(["hard_limit", "used"].map(Alias::new))
        .from(Alias::new(TABLE))
        .cond_where(account.row());
    // What waits are objects and their changes: no counters.
    let row = tx.fetch_beside(query).await?.into_iter().next();
    row.map(|row| Ok(Counter { limit: row.at(0)?, used: row.at(1)? })).transpose()
}

/// Makes a row; another may have made it meanwhile.
async fn open(
    tx: &mut Tx,
    account: &Account<'_>,
    limit: Option<i64>,
    used: i64,
) -> Result<Attempt> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new(TABLE))
        .columns(["project_id", "resource", "hard_limit", "used"].map(Alias::new))
        .values_panic([
            Expr::val(account.project_id),
            Expr::val(account.resource),
            Expr::val(limit),
            Expr::val(used),
        ]);
    tx.attempt(&insert).await
}

/// `SELECT resource, COUNT(*)` of what a project has.
fn counted(account: &Account<'_>) -> Option<SelectStatement> {
    let mut query = Query::select();
    query
        .expr(Expr::cust(format!("'{}'", account.resource)))
        .expr(Func::count(Expr::col(Asterisk)))
        .from(Alias::new(account.table?))
        .and_where(Expr::col(Alias::new("project_id")).eq(account.project_id));
    Some(query)
}

async fn count(tx: &mut Tx, account: &Account<'_>) -> Result<i64> {
    let Some(query) = counted(account) else { return Ok(0) };
    let row = tx.fetch_optional(&query).await?;
    row.map_or(Ok(0), |row| row.at(1))
}

/// What a project has of each of these: one statement for all.
pub async fn quota_used(tx: &mut Tx, accounts: &[Account<'_>]) -> Result<BTreeMap<String, i64>> {
    let mut queries = accounts.iter().filter_map(counted);
    let Some(mut query) = queries.next() else { return Ok(BTreeMap::new()) };
    for other in queries {
        query.union(UnionType::All, other);
    }
    let rows = tx.fetch_map(&query, |row| Ok((row.at(0)?, row.at(1)?))).await?;
    Ok(rows.into_iter().collect())
}

/// Sets the limit of a project, and its counter to what there is.
pub async fn quota_set_limit(tx: &mut Tx, account: &Account<'_>, limit: i64) -> Result<()> {
    let set = account.update("hard_limit", Expr::val(limit));
    if tx.execute(&set).await? == 0
        && let Attempt::Conflict { .. } = open(tx, account, Some(limit), 0).await?
    {
        tx.execute(&set).await?;
    }
    // The row is held: what others are about to count comes after.
    let counted = count(tx, account).await?;
    tx.execute(&account.update("used", Expr::val(counted))).await.map(drop)
}

/// Takes all limits of a project away, so that the defaults hold; answers how many there were. Their counters begin anew.
pub async fn quota_reset(tx: &mut Tx, project_id: &str) -> Result<u64> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new(TABLE))
        .and_where(col("project_id").eq(project_id))
        .and_where(col("hard_limit").is_not_null());
    tx.execute(&delete).await
}

/// The limits that a project has of its own.
pub async fn quota_list_of(tx: &mut Tx, project_id: &str) -> Result<Vec<Limit>> {
    list(tx, Some(project_id)).await
}

/// The limits that projects have of their own, project by project.
pub async fn quota_list(tx: &mut Tx) -> Result<Vec<Limit>> {
    list(tx, None).await
}

async fn list(tx: &mut Tx, project_id: Option<&str>) -> Result<Vec<Limit>> {
    let mut query = Query::select();
    query
        .columns(["project_id", "resource", "hard_limit"].map(Alias::new))
        .from(Alias::new(TABLE))
        .and_where(col("hard_limit").is_not_null())
        .order_by(Alias::new("project_id"), Order::Asc);
    if let Some(project_id) = project_id {
        query.and_where(col("project_id").eq(project_id));
    }
    let read = |row: &crate::Row| {
        Ok(Limit { project_id: row.at(0)?, resource: row.at(1)?, limit: row.at(2)? })
    };
    tx.fetch_map(&query, read).await
}

/// Projects, whichever, whose counter of a limited resource is not what there is, as far as that can be told while others
/// write.
pub async fn quota_drift(tx: &mut Tx, of: &Account<'_>) -> Result<Vec<Drift>> {
    let Some(table) = of.table else { return Ok(Vec::new()) };
    let mut counted = Query::select();
    counted
        .expr(Func::count(Expr::col(Asterisk)))
        .from(Alias::new(table))
        .and_where(Expr::col((Alias::new(table), Alias::new("project_id"))).eq(col("project_id")));
    let mut query = Query::select();
    query
        .columns(["project_id", "used"].map(Alias::new))
        .expr(SimpleExpr::SubQuery(None, Box::new(counted.into())))
        .from(Alias::new(TABLE))
        .and_where(col("resource").eq(of.resource))
        .and_where(limit_or(of.default).gte(0i64));
    let read = |row: &crate::Row| {
        Ok(Drift { project_id: row.at(0)?, counter: row.at(1)?, counted: row.at(2)? })
    };
    let mut found = tx.fetch_map(&query, read).await?;
    found.retain(|drift| drift.counter != drift.counted);
    Ok(found)
}

/// Counts again. The counter is held first: what others are about to count comes after.
pub async fn quota_recount(tx: &mut Tx, account: &Account<'_>) -> Result<()> {
    let mut held = Query::select();
    held.column(Alias::new("used")).from(Alias::new(TABLE)).cond_where(account.row());
    resource::hold(tx, &mut held);
    if tx.fetch_optional(&held).await?.is_none() {
        return Ok(());
    }
    let counted = count(tx, account).await?;
    tx.execute(&account.update("used", Expr::val(counted))).await.map(drop)
}
