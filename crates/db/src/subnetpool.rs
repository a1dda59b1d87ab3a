//! Subnet pools in the store, and their free blocks: the fewest prefixes that cover what no subnet has.

use nucleon_model::{
    AddressScopeId, Attribute, Cell, SubnetId, SubnetPool, SubnetPoolId, Timestamp,
};
use nucleon_net::IpNet;
use sea_query::{Alias, Cond, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};

use crate::allocation::sortable;
use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::rbac::is_shared_as;
use crate::resource;
use crate::row::Row;
use crate::tx::Tx;

/// `rbac_policies.object_type` of subnet pools.
pub const OBJECT_TYPE: &str = "subnetpool";

/// The unique key by which there is one default pool of a version.
pub const DEFAULT_KEY: &str = "subnetpools_default_uq";

impl Listing for SubnetPool {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        (attribute.name == "shared").then(|| is_shared_as(values, viewer, OBJECT_TYPE))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and_shared::<Self>(project, OBJECT_TYPE)
    }
}

fn col(table: &'static str, column: &'static str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(column)))
}

/// The default pool of an IP version.
pub async fn subnetpool_default(tx: &mut Tx, ip_version: i64) -> Result<Option<SubnetPool>> {
    let mut query = resource::select::<SubnetPool>(tx);
    query.and_where(Expr::col(Alias::new("default_for")).eq(ip_version));
    Ok(resource::fetch(tx, &query).await?.pop())
}

/// Pools, held to the end of the transaction, in the order of their identifiers: the same for all who hold several.
pub async fn subnetpool_get_all_held(tx: &mut Tx, ids: &[SubnetPoolId]) -> Result<Vec<SubnetPool>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = resource::select::<SubnetPool>(tx);
    query
        .and_where(Expr::col(Alias::new("id")).is_in(ids.iter().map(ToString::to_string)))
        .order_by(Alias::new("id"), Order::Asc);
    resource::hold(tx, &mut query);
    resource::fetch(tx, &query).await
}

/// The prefixes of the pools in a scope, `except` one pool's.
pub async fn subnetpool_prefixes_in_scope(
    tx: &mut Tx,
    scope: AddressScopeId,
    except: SubnetPoolId,
) -> Result<Vec<IpNet>> {
    let mut query = resource::select::<SubnetPool>(tx);
    query
        .and_where(Expr::col(Alias::new("address_scope_id")).eq(scope.to_string()))
        .and_where(Expr::col(Alias::new("id")).ne(except.to_string()));
    let pools: Vec<SubnetPool> = resource::fetch(tx, &query).await?;
    Ok(pools.into_iter().flat_map(|pool| pool.prefixes).collect())
}

/// Whether a scope has pools.
pub async fn subnetpool_uses_scope(tx: &mut Tx, scope: AddressScopeId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("subnetpools"))
        .and_where(Expr::col(Alias::new("address_scope_id")).eq(scope.to_string()))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Whether subnets came from a pool.
pub async fn subnetpool_in_use(tx: &mut Tx, pool: SubnetPoolId) -> Result<bool> {
    let mut query = subnets_of(pool);
    query.column(Alias::new("id")).limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

fn subnets_of(pool: SubnetPoolId) -> SelectStatement {
    let mut query = Query::select();
    query
        .from(Alias::new("subnets"))
        .and_where(col("subnets", "subnetpool_id").eq(pool.to_string()));
    query
}

/// The prefixes of a pool that subnets have; of one project's subnets where one is named.
pub async fn subnetpool_taken(
    tx: &mut Tx,
    pool: SubnetPoolId,
    project: Option<&str>,
) -> Result<Vec<IpNet>> {
    let mut query = subnets_of(pool);
    query.column(Alias::new("cidr"));
    if let Some(project) = project {
        query.and_where(Expr::col(Alias::new("project_id")).eq(project));
    }
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("cidr")).collect()
}

/// Whether a network has subnets from a pool beside others of the same family: then they belong to one address scope.
pub async fn subnetpool_shares_networks(tx: &mut Tx, pool: SubnetPoolId) -> Result<bool> {
    let (own, other) = ("subnets", "other");
    let mut query = subnets_of(pool);
    query
        .column((Alias::new(own), Alias::new("id")))
        .join_as(
            sea_query::JoinType::InnerJoin,
            Alias::new("subnets"),
            Alias::new(other),
            Cond::all()
                .add(col(other, "network_id").equals((Alias::new(own), Alias::new("network_id"))))
                .add(col(other, "ip_version").equals((Alias::new(own), Alias::new("ip_version")))),
        )
        .cond_where(
            Cond::any()
                .add(col(other, "subnetpool_id").is_null())
                .add(col(other, "subnetpool_id").ne(pool.to_string())),
        )
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Moves subnets into a pool.
pub async fn subnetpool_adopt(
    tx: &mut Tx,
    pool: SubnetPoolId,
    subnets: &[SubnetId],
    now: Timestamp,
) -> Result<()> {
    let mut update = Query::update();
    update
        .table(Alias::new("subnets"))
        .value(Alias::new("subnetpool_id"), pool.to_string())
        .value(
            Alias::new("revision_number"),
            Expr::col(Alias::new("revision_number")).add(Expr::val(1i64)),
        )
        .value(Alias::new("updated_at"), now.as_micros())
        .and_where(Expr::col(Alias::new("id")).is_in(subnets.iter().map(ToString::to_string)));
    tx.execute(&update).await.map(drop)
}

// === Free blocks ===

/// Alternatives of one condition; SQLite's depth of expressions is limited to 1,000.
const ALTERNATIVES: usize = 256;

const COLUMNS: [&str; 4] = ["subnetpool_id", "host_bits", "address_key", "cidr"];

fn host_bits(block: &IpNet) -> i64 {
    i64::from(block.max_prefix_len() - block.prefix_len())
}

fn free_of(pool: SubnetPoolId) -> SelectStatement {
    let mut query = Query::select();
    query
        .column(Alias::new("cidr"))
        .from(Alias::new("subnetpool_free"))
        .and_where(Expr::col(Alias::new("subnetpool_id")).eq(pool.to_string()));
    query
}

fn cidr(row: &Row) -> Result<IpNet> {
    row.parse("cidr")
}

/// The smallest free block with room for so many bits, the first of these in the order of addresses.
pub async fn subnetpool_free_fit(
    tx: &mut Tx,
    pool: SubnetPoolId,
    bits: u8,
) -> Result<Option<IpNet>> {
    let mut query = free_of(pool);
    query
        .and_where(Expr::col(Alias::new("host_bits")).gte(i64::from(bits)))
        .order_by(Alias::new("host_bits"), Order::Asc)
        .order_by(Alias::new("address_key"), Order::Asc)
        .limit(1);
    tx.fetch_optional(&query).await?.as_ref().map(cidr).transpose()
}

/// Those of these blocks that are free, each looked up by its key.
pub async fn subnetpool_free_among(
    tx: &mut Tx,
    pool: SubnetPoolId,
    blocks: impl Iterator<Item = IpNet>,
) -> Result<Vec<IpNet>> {
    let any = blocks.fold(Cond::any(), |any, block| any.add(is(&block)));
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = free_of(pool);
    query.cond_where(any);
    tx.fetch_all(&query).await?.iter().map(cidr).collect()
}

fn is(block: &IpNet) -> Cond {
    Cond::all()
        .add(Expr::col(Alias::new("host_bits")).eq(host_bits(block)))
        .add(Expr::col(Alias::new("address_key")).eq(sortable(block.network())))
}

/// All free blocks of a pool.
pub async fn subnetpool_free_list(tx: &mut Tx, pool: SubnetPoolId) -> Result<Vec<IpNet>> {
    tx.fetch_all(&free_of(pool)).await?.iter().map(cidr).collect()
}

pub async fn subnetpool_free_insert(
    tx: &mut Tx,
    pool: SubnetPoolId,
    blocks: &[IpNet],
) -> Result<()> {
    for portion in resource::portions(blocks) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("subnetpool_free")).columns(COLUMNS.map(Alias::new));
        for block in portion {
            insert.values_panic([
                Expr::val(pool.to_string()),
                Expr::val(host_bits(block)),
                Expr::val(sortable(block.network())),
                Expr::val(block.to_string()),
            ]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

pub async fn subnetpool_free_delete(
    tx: &mut Tx,
    pool: SubnetPoolId,
    blocks: &[IpNet],
) -> Result<()> {
    for chunk in blocks.chunks(ALTERNATIVES) {
        let any = chunk.iter().fold(Cond::any(), |any, block| any.add(is(block)));
        let mut delete = Query::delete();
        delete
            .from_table(Alias::new("subnetpool_free"))
            .and_where(Expr::col(Alias::new("subnetpool_id")).eq(pool.to_string()))
            .cond_where(any);
        tx.execute(&delete).await?;
    }
    Ok(())
}
