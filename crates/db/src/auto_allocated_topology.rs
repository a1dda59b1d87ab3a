//! Topologies that were made on demand, one for a project.

use nucleon_model::{NetworkId, RouterId};
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::row::Row;
use crate::tx::{Attempt, Tx};

const TABLE: &str = "auto_allocated_topologies";

/// What was made for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    pub network_id: NetworkId,
    pub router_id: RouterId,
}

pub async fn topology_get(tx: &mut Tx, project: &str) -> Result<Option<Topology>> {
    let mut query = Query::select();
    query
        .columns([Alias::new("network_id"), Alias::new("router_id")])
        .from(Alias::new(TABLE))
        .and_where(Expr::col(Alias::new("project_id")).eq(project));
    tx.fetch_optional(&query).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Topology> {
    Ok(Topology { network_id: row.parse("network_id")?, router_id: row.parse("router_id")? })
}

/// Notes what was made for a project. Answers whether it is the first; if not, nothing was noted.
pub async fn topology_insert(tx: &mut Tx, project: &str, topology: Topology) -> Result<bool> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new(TABLE))
        .columns(["project_id", "network_id", "router_id"].map(Alias::new))
        .values_panic([
            Expr::val(project),
            Expr::val(topology.network_id.to_string()),
            Expr::val(topology.router_id.to_string()),
        ]);
    Ok(matches!(tx.attempt(&insert).await?, Attempt::Done(_)))
}

/// Forgets it; the rows that refer to it go first.
pub async fn topology_delete(tx: &mut Tx, project: &str) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new(TABLE)).and_where(Expr::col(Alias::new("project_id")).eq(project));
    tx.execute(&delete).await.map(drop)
}
