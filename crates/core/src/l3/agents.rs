//! `/agents/{id}/l3-routers` and `/routers/{id}/l3-agents`.

use nucleon_db::{Tx, agent as agents, l3_agent as store, resource};
use nucleon_model::{Agent, AgentId, AgentType, Router, RouterId};

use super::schedule::{Mode, carrier, suits};
use crate::entity::{self, Entity as _};
use crate::{Caller, Core, Error, Kind, Result};

impl Core {
    pub async fn l3_agent_routers(&self, caller: &Caller, agent: &str) -> Result<Vec<Router>> {
        self.permit(caller, "get_l3-routers")?;
        let id = parse(agent)?;
        self.store()
            .snapshot(|tx| {
                let (core, caller) = (self.clone(), caller.clone());
                Box::pin(async move {
                    if agents::agent_get(tx, id).await?.is_none() {
                        return Err(crate::agent::missing(id));
                    }
                    let carried = store::l3_routers_of(tx, id).await?;
                    let carried = carried.iter().map(ToString::to_string).collect();
                    let mut routers: Vec<Router> = resource::get_all(tx, carried).await?;
                    Router::complete(&core, tx, &caller, &mut routers).await?;
                    Ok(routers)
                })
            })
            .await
    }

    pub async fn router_l3_agents(&self, caller: &Caller, router: &str) -> Result<Vec<Agent>> {
        self.permit(caller, "get_l3-agents")?;
        let id: RouterId = entity::parse::<Router>(router)?;
        let now = self.now();
        let found = self.store().snapshot(|tx| {
            Box::pin(async move {
                let carriers = store::l3_carriers_of(tx, &[id]).await?.remove(&id);
                let ids: Vec<AgentId> =
                    carriers.iter().flatten().map(|carrier| carrier.agent_id).collect();
                Ok::<_, Error>(agents::agent_get_all(tx, &ids).await?)
            })
        });
        let mut found = found.await?;
        for agent in &mut found {
            agent.alive = self.is_alive(agent, now);
        }
        Ok(found)
    }

    /// Has an agent carry a router, as an administrator wants it.
    pub async fn l3_agent_add_router(
        &self,
        caller: &Caller,
        agent: &str,
        router: &str,
    ) -> Result<()> {
        self.permit(caller, "create_l3-router")?;
        let input = (caller.clone(), parse(agent)?, entity::parse::<Router>(router)?, self.now());
        self.write("router assign", input, |core, tx, (caller, agent, router, now)| {
            Box::pin(async move {
                let mut router = core.router_held(tx, &caller, router).await?;
                let agent = agent_for(tx, agent, &router).await?;
                if router.carriers.iter().any(|carrier| carrier.agent_id == agent.id) {
                    return Ok(());
                }
                if let Some(other) = router.carriers.first().filter(|_| !router.ha) {
                    return Err(Error::conflict(
                        "RouterHostedByL3Agent",
                        format!(
                            "The router {} has been already hosted by the L3 Agent {}.",
                            router.id, other.agent_id
                        ),
                    ));
                }
                core.router_assign(tx, &mut router, carrier(&agent), now).await?;
                core.router_ports_follow(tx, &caller, &router, now).await
            })
        })
        .await
    }

    /// Takes a router from an agent. It stays with nobody until it is changed, or somebody else is told to carry it.
    pub async fn l3_agent_remove_router(
        &self,
        caller: &Caller,
        agent: &str,
        router: &str,
    ) -> Result<()> {
        self.permit(caller, "delete_l3-router")?;
        let input = (caller.clone(), parse(agent)?, entity::parse::<Router>(router)?, self.now());
        self.write("router unassign", input, |core, tx, (caller, agent, router, now)| {
            Box::pin(async move {
                let held = agents::agent_get(tx, agent).await?;
                let held = held.ok_or_else(|| crate::agent::missing(agent))?;
                if Mode::of(&held) == Mode::Dvr {
                    return Err(Error::conflict(
                        "DVRL3CannotRemoveFromDvrAgent",
                        "Not allowed to manually remove a router from an agent in 'dvr' mode.",
                    ));
                }
                let mut router = core.router_held(tx, &caller, router).await?;
                let way = (agent, Vec::new());
                core.router_hand_over(tx, &caller, &mut router, way, now).await
            })
        })
        .await
    }
}

fn parse(agent: &str) -> Result<AgentId> {
    agent.parse().map_err(|_| crate::agent::missing(agent))
}

/// The agent that an administrator chose for a router.
async fn agent_for(tx: &mut Tx, id: AgentId, router: &Router) -> Result<Agent> {
    let found = agents::agent_get(tx, id).await?.ok_or_else(|| crate::agent::missing(id))?;
    let unsuitable = || {
        let message = format!("Agent {id} is not a L3 Agent or has been disabled");
        Error::new(Kind::NotFound, "InvalidL3Agent", message)
    };
    if found.agent_type != AgentType::L3.as_str() {
        return Err(unsuitable());
    }
    match Mode::of(&found) {
        Mode::Dvr => Err(Error::conflict(
            "DVRL3CannotAssignToDvrAgent",
            "Not allowed to manually assign a router to an agent in 'dvr' mode.",
        )),
        Mode::Legacy if router.distributed => Err(Error::conflict(
            "RouterL3AgentMismatch",
            format!("Cannot host distributed router {} on legacy L3 agent {id}.", router.id),
        )),
        _ if !found.admin_state_up || !suits(&found, router) => Err(unsuitable()),
        _ => Ok(found),
    }
}
