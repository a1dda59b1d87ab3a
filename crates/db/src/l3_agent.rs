//! Which L3 agents carry which routers.

use std::collections::BTreeMap;

use nucleon_model::{Agent, AgentId, AgentType, RouterCarrier, RouterId};
use sea_query::{Alias, Expr, ExprTrait, Func, Order, Query};

use crate::error::Result;
use crate::parts::{Answers, Parts};
use crate::resource;
use crate::tx::{Attempt, Tx};

const TABLE: &str = "router_l3_agents";

fn column(name: &'static str) -> (Alias, Alias) {
    (Alias::new(TABLE), Alias::new(name))
}

/// Has an agent carry a router; a second time changes nothing.
pub async fn l3_agent_add(tx: &mut Tx, router: RouterId, agent: AgentId) -> Result<Attempt> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new(TABLE))
        .columns(["router_id", "agent_id"].map(Alias::new))
        .values_panic([Expr::val(router.to_string()), Expr::val(agent.to_string())]);
    tx.attempt(&insert).await
}

/// Returns whether the agent had carried the router.
pub async fn l3_agent_remove(tx: &mut Tx, router: RouterId, agent: AgentId) -> Result<bool> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new(TABLE))
        .and_where(Expr::col(column("router_id")).eq(router.to_string()))
        .and_where(Expr::col(column("agent_id")).eq(agent.to_string()));
    Ok(tx.execute(&delete).await? > 0)
}

/// The agents that carry routers, in the order of their identifiers.
pub async fn l3_carriers_of(
    tx: &mut Tx,
    routers: &[RouterId],
) -> Result<BTreeMap<RouterId, Vec<RouterCarrier>>> {
    let ids: Vec<String> = routers.iter().map(ToString::to_string).collect();
    let agent = |name: &'static str| (Alias::new("agents"), Alias::new(name));
    let mut found: BTreeMap<RouterId, Vec<RouterCarrier>> = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = Query::select();
        query
            .columns(["router_id", "agent_id"].map(column))
            .columns(["host", "availability_zone"].map(agent))
            .from(Alias::new(TABLE))
            .inner_join(Alias::new("agents"), Expr::col(agent("id")).equals(column("agent_id")))
            .and_where(Expr::col(column("router_id")).is_in(resource::padded(chunk)))
            .order_by(column("agent_id"), Order::Asc);
        for row in tx.fetch_all(&query).await? {
            let carrier = RouterCarrier {
                agent_id: row.parse("agent_id")?,
                host: row.get("host")?,
                availability_zone: row.get("availability_zone")?,
            };
            found.entry(row.parse("router_id")?).or_default().push(carrier);
        }
    }
    Ok(found)
}

/// The agents of a router.
#[derive(Debug)]
pub struct L3Agents {
    /// Those that carry it, in the order of their identifiers.
    pub carriers: Vec<Agent>,
    /// Where there are none, all that might.
    pub candidates: Vec<Agent>,
}

pub(crate) fn ask_for_agents(parts: &mut Parts, router: RouterId) {
    let mine = || Expr::col(column("router_id")).eq(router.to_string());
    parts.rows::<Agent>(CARRIER, |part| {
        let carries =
            Expr::col((Alias::new("agents"), Alias::new("id"))).equals(column("agent_id"));
        part.inner_join(Alias::new(TABLE), carries).and_where(mine());
    });
    parts.rows::<Agent>(CANDIDATE, |part| {
        let mut carried = Query::select();
        carried.column(column("agent_id")).from(Alias::new(TABLE)).and_where(mine());
        part.and_where(Expr::col(Alias::new("agent_type")).eq(AgentType::L3.as_str()))
            .and_where(Expr::exists(carried).not());
    });
}

pub(crate) fn l3_agents(answers: &mut Answers) -> Result<L3Agents> {
    let mut carriers: Vec<Agent> = answers.rows(CARRIER)?;
    carriers.sort_by_key(|agent| agent.id);
    Ok(L3Agents { carriers, candidates: answers.rows(CANDIDATE)? })
}

const CARRIER: &str = "carrier";
const CANDIDATE: &str = "candidate";

/// The routers that an agent carries.
pub async fn l3_routers_of(tx: &mut Tx, agent: AgentId) -> Result<Vec<RouterId>> {
    let mut query = Query::select();
    query
        .column(column("router_id"))
        .from(Alias::new(TABLE))
        .and_where(Expr::col(column("agent_id")).eq(agent.to_string()))
        .order_by(column("router_id"), Order::Asc);
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("router_id")).collect()
}

/// How many routers each L3 agent carries.
pub async fn l3_agent_loads(tx: &mut Tx) -> Result<BTreeMap<AgentId, i64>> {
    let mut query = Query::select();
    query
        .column(column("agent_id"))
        .expr(Func::count(Expr::col(column("router_id"))))
        .from(Alias::new(TABLE))
        .group_by_col(column("agent_id"));
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((row.parse("agent_id")?, row.at(1)?))).collect()
}

/// Routers that nobody carries.
pub async fn l3_routers_uncarried(tx: &mut Tx) -> Result<Vec<RouterId>> {
    let mut carried = Query::select();
    carried.column(column("router_id")).from(Alias::new(TABLE));
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("routers"))
        .and_where(Expr::col(Alias::new("id")).not_in_subquery(carried))
        .order_by(Alias::new("id"), Order::Asc);
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("id")).collect()
}
