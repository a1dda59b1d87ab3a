//! The policies that networks' own attributes stand for: `shared` and `router:external` open them to everybody.

use sea_query::{Alias, Expr, ExprTrait, InsertStatement, Query, SimpleExpr};

use crate::dialect::Dialect;
use crate::migrate::{Migration, Phase, Step};
use crate::network::OBJECT_TYPE;
use crate::rbac::{ACCESS_AS_EXTERNAL, ACCESS_AS_SHARED, EVERYBODY};
use crate::schema::Schema;

pub(super) const MIGRATION: Migration =
    Migration { number: 7, name: "network sharing", phase: Phase::Expand, up, down };

fn up(schema: &Schema) -> Vec<Step> {
    [("shared", ACCESS_AS_SHARED), ("external", ACCESS_AS_EXTERNAL)]
        .into_iter()
        .filter_map(|(flag, action)| policies(schema.dialect(), flag, action))
        .map(Step::Insert)
        .collect()
}

/// What was inserted is right for the schema before, too.
fn down(_: &Schema) -> Vec<Step> {
    Vec::new()
}

/// A policy for each network with a flag that has none yet.
fn policies(dialect: Dialect, flag: &'static str, action: &'static str) -> Option<InsertStatement> {
    let there = Query::select()
        .column(Alias::new("object_id"))
        .from(Alias::new("rbac_policies"))
        .and_where(Expr::col(Alias::new("object_type")).eq(OBJECT_TYPE))
        .and_where(Expr::col(Alias::new("action")).eq(action))
        .and_where(Expr::col(Alias::new("target_project")).eq(EVERYBODY))
        .take();
    let flagged = Query::select()
        .expr(new_uuid(dialect))
        .column(Alias::new("project_id"))
        .expr(Expr::cust(format!("'{OBJECT_TYPE}'")))
        .column(Alias::new("id"))
        .expr(Expr::cust(format!("'{action}'")))
        .expr(Expr::cust(format!("'{EVERYBODY}'")))
        .expr(Expr::cust("1"))
        .from(Alias::new("networks"))
        .and_where(Expr::col(Alias::new(flag)).eq(true))
        .and_where(Expr::col(Alias::new("id")).not_in_subquery(there))
        .take();
    let columns = [
        "id",
        "project_id",
        "object_type",
        "object_id",
        "action",
        "target_project",
        "revision_number",
    ];
    let mut insert = Query::insert();
    insert.into_table(Alias::new("rbac_policies")).columns(columns.map(Alias::new));
    insert.select_from(flagged).ok()?;
    Some(insert)
}

/// A random UUID as text, made by the database.
fn new_uuid(dialect: Dialect) -> SimpleExpr {
    Expr::cust(match dialect {
        Dialect::MySql => "UUID()",
        Dialect::Postgres => "CAST(gen_random_uuid() AS TEXT)",
        Dialect::Sqlite => {
            "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || \
             substr(hex(randomblob(2)), 2) || '-8' || substr(hex(randomblob(2)), 2) || '-' || \
             hex(randomblob(6)))"
        }
    })
}
