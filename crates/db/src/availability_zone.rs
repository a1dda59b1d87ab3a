//! Availability zones, which the rows of agents make.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::{AgentType, AvailabilityZone, NetworkId};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};

use crate::error::Result;
use crate::resource;
use crate::tx::Tx;

const ZONE: &str = "availability_zone";

/// What agents with a zone say of it, each thing once.
fn said() -> SelectStatement {
    let mut query = Query::select();
    query
        .distinct()
        .column(Alias::new(ZONE))
        .from(Alias::new("agents"))
        .and_where(Expr::col(Alias::new(ZONE)).ne(""));
    query
}

/// All zones, by name and by what is placed there.
pub async fn availability_zone_list(tx: &mut Tx) -> Result<Vec<AvailabilityZone>> {
    let types = AvailabilityZone::agent_types().map(AgentType::as_str);
    let mut query = said();
    query
        .columns([Alias::new("agent_type"), Alias::new("admin_state_up")])
        .and_where(Expr::col(Alias::new("agent_type")).is_in(types));
    let mut zones: BTreeMap<(String, String), AvailabilityZone> = BTreeMap::new();
    for row in tx.fetch_all(&query).await? {
        let (name, agent_type): (String, String) = (row.get(ZONE)?, row.get("agent_type")?);
        let takes_work: bool = row.get("admin_state_up")?;
        let Some(zone) = AvailabilityZone::made_by(&agent_type, &name, takes_work) else {
            continue;
        };
        let place = (name, zone.resource.clone());
        // One agent that takes work is enough.
        if takes_work || !zones.contains_key(&place) {
            zones.insert(place, zone);
        }
    }
    Ok(zones.into_values().collect())
}

/// Which of these zones have an agent of a type.
pub async fn availability_zones_known(
    tx: &mut Tx,
    agent_type: AgentType,
    names: &[String],
) -> Result<BTreeSet<String>> {
    let mut known = BTreeSet::new();
    for chunk in names.chunks(resource::CHUNK) {
        let mut query = said();
        query
            .and_where(Expr::col(Alias::new("agent_type")).eq(agent_type.as_str()))
            .and_where(Expr::col(Alias::new(ZONE)).is_in(resource::padded(chunk)));
        for row in tx.fetch_all(&query).await? {
            known.insert(row.get(ZONE)?);
        }
    }
    Ok(known)
}

/// The zones of the agents that serve networks.
pub(crate) async fn availability_zones_of_networks(
    tx: &mut Tx,
    networks: &[String],
) -> Result<BTreeMap<NetworkId, BTreeSet<String>>> {
    let mut found: BTreeMap<NetworkId, BTreeSet<String>> = BTreeMap::new();
    for chunk in networks.chunks(resource::CHUNK) {
        let mut query = Query::select();
        query
            .column(Alias::new(ZONE))
            .column((Alias::new(SERVING), Alias::new("network_id")))
            .distinct();
        among_serving_agents(&mut query, chunk);
        for row in tx.fetch_all(&query).await? {
            found.entry(row.parse("network_id")?).or_default().insert(row.get(ZONE)?);
        }
    }
    Ok(found)
}

const SERVING: &str = "network_dhcp_agents";

/// Has a selection find the agents with a zone that serve networks.
pub(crate) fn among_serving_agents(query: &mut SelectStatement, networks: &[String]) {
    let of = |table: &'static str, column: &'static str| (Alias::new(table), Alias::new(column));
    query
        .from(Alias::new("agents"))
        .inner_join(
            Alias::new(SERVING),
            Expr::col(of(SERVING, "agent_id")).equals(of("agents", "id")),
        )
        .and_where(Expr::col(of("agents", ZONE)).ne(""))
        .and_where(Expr::col(of(SERVING, "network_id")).is_in(resource::padded(networks)));
}
