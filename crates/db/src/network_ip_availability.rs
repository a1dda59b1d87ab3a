//! Addresses in use, counted by the database.

use std::collections::BTreeMap;

use nucleon_model::{Attribute, Cell, CellKind, NetworkIpAvailability, Subnet, SubnetId};
use nucleon_net::IpRange;
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};

use crate::allocation::sortable;
use crate::error::Result;
use crate::list::{Listing, Visible, in_subquery, one_of};
use crate::resource;
use crate::tx::Tx;

impl Listing for NetworkIpAvailability {
    fn special(attribute: &Attribute, values: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        if attribute.name != "ip_version" {
            return None;
        }
        let mut query = Query::select();
        query.column(Alias::new("network_id")).from(Alias::new("subnets")).and_where(one_of(
            "ip_version",
            CellKind::Int,
            values,
        ));
        Some(in_subquery("id", query))
    }

    fn visible_to(_: Option<&str>) -> Visible {
        // For administrators and services, which core has asked policy about.
        Visible::Everything
    }
}

/// Pools of one question; SQLite's depth of expressions is limited to 1,000.
const POOLS: usize = 256;

/// How many addresses of each subnet are in use; those without any are left out.
pub async fn allocation_counts(tx: &mut Tx, subnets: &[Subnet]) -> Result<BTreeMap<SubnetId, u64>> {
    let ids: Vec<String> = subnets.iter().map(|subnet| subnet.id.to_string()).collect();
    let mut counts = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = counted();
        query.and_where(Expr::col(Alias::new("subnet_id")).is_in(resource::padded(chunk)));
        add(tx, &query, &mut counts).await?;
    }
    Ok(counts)
}

/// How many addresses in the pools of each subnet are in use; those without any are left out.
pub async fn allocation_counts_in_pools(
    tx: &mut Tx,
    subnets: &[Subnet],
) -> Result<BTreeMap<SubnetId, u64>> {
    let pools: Vec<(SubnetId, IpRange)> = subnets
        .iter()
        .flat_map(|subnet| subnet.allocation_pools.iter().map(|pool| (subnet.id, *pool)))
        .collect();
    let mut counts = BTreeMap::new();
    for chunk in pools.chunks(POOLS) {
        let any = chunk.iter().fold(Cond::any(), |any, (subnet, pool)| {
            let keys = (sortable(pool.start()), sortable(pool.end()));
            any.add(
                Cond::all()
                    .add(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()))
                    .add(Expr::col(Alias::new("ip_key")).between(keys.0, keys.1)),
            )
        });
        let mut query = counted();
        query.cond_where(any);
        add(tx, &query, &mut counts).await?;
    }
    Ok(counts)
}

fn counted() -> SelectStatement {
    let mut query = Query::select();
    query
        .column(Alias::new("subnet_id"))
        .expr(Func::count(Expr::col(Alias::new("subnet_id"))))
        .from(Alias::new("ip_allocations"))
        .group_by_col(Alias::new("subnet_id"));
    query
}

async fn add(
    tx: &mut Tx,
    query: &SelectStatement,
    counts: &mut BTreeMap<SubnetId, u64>,
) -> Result<()> {
    for row in tx.fetch_all(query).await? {
        // A subnet whose pools came in two chunks is counted twice, for each its own.
        let count: i64 = row.at(1)?;
        *counts.entry(row.parse("subnet_id")?).or_default() += count.unsigned_abs();
    }
    Ok(())
}
