//! Agents in the store, and which of them serve which networks.

use std::collections::BTreeMap;

use nucleon_model::agent::AgentTime;
use nucleon_model::{Agent, AgentId, Attribute, Cell, ListQuery, NetworkId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listed, Listing, Visible, list_where};
use crate::resource;
use crate::tx::{Attempt, Tx};

impl Listing for Agent {
    fn visible_to(_: Option<&str>) -> Visible {
        // Agents are for administrators alone, which core has asked policy about.
        Visible::Everything
    }

    fn special(_: &Attribute, _: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        // `alive` depends on the time; core filters by it.
        None
    }
}

pub async fn agent_get(tx: &mut Tx, id: AgentId) -> Result<Option<Agent>> {
    resource::get(tx, id.to_string()).await
}

/// Agents; with `heard_since`, those that were heard of since (`true`), or were not (`false`).
pub async fn agent_list(
    tx: &mut Tx,
    query: &ListQuery,
    heard_since: Option<(Timestamp, bool)>,
) -> Result<Listed<Agent>> {
    let also = heard_since.map(|(since, wanted)| {
        let heard = Expr::col(Alias::new("heartbeat_timestamp"));
        if wanted { heard.gte(since.as_micros()) } else { heard.lt(since.as_micros()) }
    });
    list_where(tx, None, query, also.map(Into::into)).await
}

/// The agent of a type on a host.
pub async fn agent_on_host(tx: &mut Tx, agent_type: &str, host: &str) -> Result<Option<Agent>> {
    let mut query = resource::select::<Agent>(tx);
    query
        .and_where(Expr::col(Alias::new("host")).eq(host))
        .and_where(Expr::col(Alias::new("agent_type")).eq(agent_type));
    Ok(resource::fetch(tx, &query).await?.pop())
}

/// All agents of a type.
pub async fn agent_list_of_type(tx: &mut Tx, agent_type: &str) -> Result<Vec<Agent>> {
    resource::by_chunks(tx, "agent_type", vec![agent_type.to_owned()]).await
}

pub async fn agent_try_insert(tx: &mut Tx, agent: &Agent) -> Result<Attempt> {
    resource::try_insert(tx, agent).await
}

/// Writes an agent's row over; agents have no revisions, the last word counts.
pub async fn agent_update(tx: &mut Tx, agent: &Agent) -> Result<()> {
    let mut update = Query::update();
    update.table(Alias::new("agents"));
    let cells = nucleon_model::Resource::cells(agent).into_iter();
    for (cell, &(column, kind)) in cells.zip(<Agent as nucleon_model::Resource>::columns().iter()) {
        if column != "id" {
            update.value(Alias::new(column), Expr::val(resource::value_of(cell, kind)));
        }
    }
    update.and_where(Expr::col(Alias::new("id")).eq(agent.id.to_string()));
    tx.execute(&update).await.map(drop)
}

/// Notes heartbeats: one statement for all agents heard of at about the same time. Returns how many are still there.
pub async fn agent_heard(tx: &mut Tx, ids: &[AgentId], at: Timestamp) -> Result<u64> {
    let (column, cell) = ("heartbeat_timestamp", AgentTime(at).0.as_micros());
    let mut update = Query::update();
    update
        .table(Alias::new("agents"))
        .value(Alias::new(column), Expr::val(sea_query::Value::BigInt(Some(cell))))
        .and_where(Expr::col(Alias::new("id")).is_in(ids.iter().map(ToString::to_string)));
    tx.execute(&update).await
}

pub async fn agent_delete(tx: &mut Tx, id: AgentId) -> Result<bool> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("agents"))
        .and_where(Expr::col(Alias::new("id")).eq(id.to_string()));
    Ok(tx.execute(&delete).await? > 0)
}

/// Has a DHCP agent serve a network; a second time changes nothing.
pub async fn dhcp_agent_add(tx: &mut Tx, network: NetworkId, agent: AgentId) -> Result<Attempt> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("network_dhcp_agents"))
        .columns([Alias::new("network_id"), Alias::new("agent_id")])
        .values_panic([Expr::val(network.to_string()), Expr::val(agent.to_string())]);
    tx.attempt(&insert).await
}

/// Returns whether the agent had served the network.
pub async fn dhcp_agent_remove(tx: &mut Tx, network: NetworkId, agent: AgentId) -> Result<bool> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("network_dhcp_agents"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("agent_id")).eq(agent.to_string()));
    Ok(tx.execute(&delete).await? > 0)
}

/// Which agents serve these networks.
pub async fn dhcp_agents_of(
    tx: &mut Tx,
    networks: &[NetworkId],
) -> Result<BTreeMap<NetworkId, Vec<AgentId>>> {
    let ids: Vec<String> = networks.iter().map(ToString::to_string).collect();
    let found =
        resource::owned(tx, "network_dhcp_agents", ("network_id", "agent_id"), &ids).await?;
    Ok(parsed(found))
}

/// Which networks these agents serve.
pub async fn dhcp_networks_of(
    tx: &mut Tx,
    agents: &[AgentId],
) -> Result<BTreeMap<AgentId, Vec<NetworkId>>> {
    let ids: Vec<String> = agents.iter().map(ToString::to_string).collect();
    let found =
        resource::owned(tx, "network_dhcp_agents", ("agent_id", "network_id"), &ids).await?;
    Ok(parsed(found))
}

fn parsed<K, V>(found: BTreeMap<String, Vec<String>>) -> BTreeMap<K, Vec<V>>
where
    K: std::str::FromStr + Ord,
    V: std::str::FromStr,
{
    found
        .into_iter()
        .filter_map(|(key, items)| {
            let items = items.iter().filter_map(|item| item.parse().ok()).collect();
            Some((key.parse().ok()?, items))
        })
        .collect()
}

/// How many networks each DHCP agent serves.
pub async fn dhcp_agent_loads(tx: &mut Tx) -> Result<BTreeMap<AgentId, i64>> {
    let mut query = Query::select();
    query
        .column(Alias::new("agent_id"))
        .expr(Func::count(Expr::col(Alias::new("network_id"))))
        .from(Alias::new("network_dhcp_agents"))
        .group_by_col(Alias::new("agent_id"));
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((row.parse("agent_id")?, row.at(1)?))).collect()
}

/// The agents on these hosts.
pub async fn agent_list_on_hosts(tx: &mut Tx, hosts: &[String]) -> Result<Vec<Agent>> {
    resource::by_chunks(tx, "host", hosts.to_vec()).await
}

/// The agents with these identifiers; those that are not there are left out.
pub async fn agent_get_all(tx: &mut Tx, ids: &[AgentId]) -> Result<Vec<Agent>> {
    resource::get_all(tx, ids.iter().map(ToString::to_string).collect()).await
}

/// Networks with a subnet that wants DHCP, and fewer than `wanted` agents.
pub async fn dhcp_networks_short_of(tx: &mut Tx, wanted: usize) -> Result<Vec<NetworkId>> {
    let mut enough = Query::select();
    enough
        .column(Alias::new("network_id"))
        .from(Alias::new("network_dhcp_agents"))
        .group_by_col(Alias::new("network_id"))
        .and_having(
            Func::count(Expr::col(Alias::new("agent_id")))
                .gte(i64::try_from(wanted).unwrap_or(i64::MAX)),
        );
    let mut query = Query::select();
    query
        .column(Alias::new("network_id"))
        .distinct()
        .from(Alias::new("subnets"))
        .and_where(Expr::col(Alias::new("enable_dhcp")).eq(true))
        .cond_where(
            Cond::any()
                .add(Expr::col(Alias::new("network_id")).not_in_subquery(enough))
                // A routed network needs as many on each segment, which is for others to count.
                .add(Expr::col(Alias::new("segment_id")).is_not_null()),
        );
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("network_id")).collect()
}
