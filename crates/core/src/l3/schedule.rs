//! Choosing L3 agents: for routers that come, for agents that go.

use nucleon_db::{Tx, agent as agents, l3_agent as store};
use nucleon_model::{Agent, AgentId, AgentType, Router, RouterCarrier, RouterId, Timestamp};
use serde_json::Value;

use crate::{Caller, Core, Error, Kind, Result};

/// What an L3 agent says of itself, as far as it decides what it can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Legacy,
    /// Beside all others distributed ones.
    DvrSnat,
    /// Its host's part of distributed routers, which come to it unasked.
    Dvr,
}

impl Mode {
    pub(super) fn of(agent: &Agent) -> Self {
        match agent.configurations.get("agent_mode").and_then(Value::as_str) {
            Some("dvr_snat") => Self::DvrSnat,
            Some("dvr" | "dvr_no_external") => Self::Dvr,
            _ => Self::Legacy,
        }
    }

    const fn carries(self, distributed: bool) -> bool {
        match self {
            Self::Legacy => !distributed,
            Self::DvrSnat => true,
            Self::Dvr => false,
        }
    }
}

/// Whether an agent can carry a router, whatever else there is.
pub(super) fn suits(agent: &Agent, router: &Router) -> bool {
    let handles_inner = agent.configurations.get("handle_internal_only_routers");
    let handles_inner = handles_inner.and_then(Value::as_bool).unwrap_or(true);
    Mode::of(agent).carries(router.distributed) && (handles_inner || router.gw_port_id.is_some())
}

/// Whether an agent is where a router is wanted.
fn is_hinted(agent: &Agent, router: &Router) -> bool {
    let hints = &router.availability_zone_hints;
    let among = |zone: &String| hints.contains(zone);
    hints.is_empty() || agent.availability_zone.as_ref().is_some_and(among)
}

pub(super) fn carrier(agent: &Agent) -> RouterCarrier {
    RouterCarrier {
        agent_id: agent.id,
        host: agent.host.clone(),
        availability_zone: agent.availability_zone.clone(),
    }
}

impl Core {
    /// The agents that are to carry a router beside those that do: of all but one, those with the fewest routers.
    pub(crate) async fn l3_choose(
        &self,
        tx: &mut Tx,
        router: &Router,
        but: Option<AgentId>,
        now: Timestamp,
    ) -> Result<Vec<RouterCarrier>> {
        if self.l3_wanted(router) == 0 {
            return Ok(Vec::new());
        }
        let mut candidates = agents::agent_list_of_type(tx, AgentType::L3.as_str()).await?;
        candidates.retain(|agent| Some(agent.id) != but);
        self.l3_choose_among(tx, router, candidates, now).await
    }

    /// How many agents are to carry a router beside those that do.
    fn l3_wanted(&self, router: &Router) -> usize {
        let most = if router.ha { self.settings().max_l3_agents_per_router } else { 1 };
        most.saturating_sub(router.carriers.len())
    }

    /// As [`Core::l3_choose`], of these agents.
    pub(super) async fn l3_choose_among(
        &self,
        tx: &mut Tx,
        router: &Router,
        mut candidates: Vec<Agent>,
        now: Timestamp,
    ) -> Result<Vec<RouterCarrier>> {
        let wanted = self.l3_wanted(router);
        candidates.retain(|agent| {
            agent.admin_state_up
                && self.is_alive(agent, now)
                && suits(agent, router)
                && is_hinted(agent, router)
                && !router.carriers.iter().any(|carrier| carrier.agent_id == agent.id)
        });
        if candidates.len() > wanted {
            let loads = store::l3_agent_loads(tx).await?;
            let load = |agent: &Agent| loads.get(&agent.id).copied().unwrap_or_default();
            candidates.sort_by_key(|agent| (load(agent), agent.id));
        }
        Ok(candidates.iter().take(wanted).map(carrier).collect())
    }

    /// Has routers carried that nobody carries; called when an agent comes up.
    pub(crate) async fn l3_schedule_uncarried(&self) -> Result<()> {
        if !self.settings().router_auto_schedule {
            return Ok(());
        }
        let uncarried = self.store().read(|tx| {
            Box::pin(async move { Ok::<_, Error>(store::l3_routers_uncarried(tx).await?) })
        });
        for id in uncarried.await? {
            let input = (Caller::server("router placement"), id, self.now());
            let done = self.write("router placement", input, |core, tx, (caller, id, now)| {
                Box::pin(async move {
                    let mut router = core.router_held(tx, &caller, id).await?;
                    core.router_place(tx, &caller, &mut router, now).await
                })
            });
            unless_gone(done.await)?;
        }
        Ok(())
    }

    /// Moves the routers of dead agents to living ones. Returns how many moved.
    pub async fn l3_failover(&self) -> Result<usize> {
        if !self.settings().allow_automatic_l3agent_failover {
            return Ok(0);
        }
        let mut moved = 0;
        for (router, dead) in self.l3_orphans().await? {
            let input = (Caller::server("router failover"), router, dead, self.now());
            let done = self.write("router failover", input, |core, tx, (caller, id, dead, now)| {
                Box::pin(async move {
                    let mut router = core.router_held(tx, &caller, id).await?;
                    let heirs = core.l3_heirs(tx, &router, dead, now).await?;
                    // Nobody to take over: the old agent may come back, and knows what it carried.
                    if heirs.is_empty() {
                        return Ok(false);
                    }
                    let way = (dead, heirs);
                    core.router_hand_over(tx, &caller, &mut router, way, now).await?;
                    Ok(true)
                })
            });
            moved += usize::from(unless_gone(done.await)?.unwrap_or_default());
        }
        Ok(moved)
    }

    /// Who is to carry a router in an agent's stead.
    async fn l3_heirs(
        &self,
        tx: &mut Tx,
        router: &Router,
        agent: AgentId,
        now: Timestamp,
    ) -> Result<Vec<RouterCarrier>> {
        let mut left = router.clone();
        left.carriers.retain(|carrier| carrier.agent_id != agent);
        self.l3_choose(tx, &left, Some(agent), now).await
    }

    /// Routers that are carried by agents not heard of any more.
    async fn l3_orphans(&self) -> Result<Vec<(RouterId, AgentId)>> {
        let now = self.now();
        self.store()
            .read(|tx| {
                let core = self.clone();
                Box::pin(async move {
                    let mut dead = agents::agent_list_of_type(tx, AgentType::L3.as_str()).await?;
                    dead.retain(|agent| !core.is_alive(agent, now));
                    let mut orphans = Vec::new();
                    for agent in dead {
                        let routers = store::l3_routers_of(tx, agent.id).await?;
                        orphans.extend(routers.into_iter().map(|router| (router, agent.id)));
                    }
                    Ok::<_, Error>(orphans)
                })
            })
            .await
    }

    /// Gives the routers of an agent that is about to be forgotten to others, or to nobody.
    pub(crate) async fn l3_bequeath(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        agent: AgentId,
        now: Timestamp,
    ) -> Result<()> {
        for id in store::l3_routers_of(tx, agent).await? {
            let mut router = self.router_held(tx, caller, id).await?;
            let heirs = self.l3_heirs(tx, &router, agent, now).await?;
            self.router_hand_over(tx, caller, &mut router, (agent, heirs), now).await?;
        }
        Ok(())
    }
}

/// A router that was deleted since we looked is placed nowhere.
fn unless_gone<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn agent(configurations: &Value) -> Agent {
        let configurations = configurations.as_object().cloned().unwrap_or_default();
        Agent { configurations, ..Agent::default() }
    }

    #[test]
    fn an_agent_carries_what_its_mode_allows() {
        let plain = Router::default();
        let distributed = Router { distributed: true, ..Router::default() };
        for (mode, carries_plain, carries_distributed) in [
            ("legacy", true, false),
            ("dvr_snat", true, true),
            ("dvr", false, false),
            ("dvr_no_external", false, false),
        ] {
            let agent = agent(&json!({"agent_mode": mode}));
            assert_eq!(suits(&agent, &plain), carries_plain, "{mode}");
            assert_eq!(suits(&agent, &distributed), carries_distributed, "{mode}");
        }
        assert!(suits(&agent(&json!({})), &plain));
        assert!(!suits(&agent(&json!({"handle_internal_only_routers": false})), &plain));
    }

    #[test]
    fn hints_are_zones_to_choose_from() {
        let router = Router { availability_zone_hints: vec!["a".to_owned()], ..Router::default() };
        let zone =
            |name: &str| Agent { availability_zone: Some(name.to_owned()), ..Agent::default() };
        assert!(is_hinted(&zone("a"), &router) && !is_hinted(&zone("b"), &router));
        assert!(is_hinted(&zone("b"), &Router::default()));
        assert!(!is_hinted(&Agent::default(), &router));
    }
}
