//! Choosing DHCP agents: for networks that come, for agents that go.

use std::collections::BTreeSet;

use nucleon_db::{Tx, agent as store, port as ports};
use nucleon_model::{Agent, AgentId, AgentType, NetworkId, Port, SegmentId, Timestamp, port};

use crate::port::{Ground, reached_segments};
use crate::{Caller, Core, Error, Result};

/// Where a network has to be served: as a whole, or, if it is routed, on each segment by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Everywhere,
    On(SegmentId),
}

impl Place {
    fn is_among(self, reached: &[SegmentId]) -> bool {
        match self {
            Self::Everywhere => !reached.is_empty(),
            Self::On(segment) => reached.contains(&segment),
        }
    }
}

/// The places of a network whose subnets want DHCP.
fn places(ground: &Ground) -> BTreeSet<Place> {
    let wants = ground.subnets.iter().filter(|subnet| subnet.enable_dhcp);
    wants.map(|subnet| subnet.segment_id.map_or(Place::Everywhere, Place::On)).collect()
}

/// A DHCP agent, the segments of a network that its host reaches, and how many networks it serves.
#[derive(Debug)]
struct Candidate {
    agent: Agent,
    reached: Vec<SegmentId>,
    load: i64,
}

impl Core {
    /// Chooses agents for a network, whose row is held, until it has as many as it should.
    pub(super) async fn dhcp_schedule(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        now: Timestamp,
    ) -> Result<()> {
        let agents = self.dhcp_serving(tx, network).await?;
        let serving: BTreeSet<AgentId> = agents.iter().map(|agent| agent.id).collect();
        let ground = self.ground(tx, network, "").await?;
        let places = places(&ground);
        let wanted = self.settings().dhcp_agents_per_network;
        let routed = places.iter().any(|place| *place != Place::Everywhere);
        if places.is_empty() || (!routed && serving.len() >= wanted) {
            return Ok(());
        }
        let ports = ports::port_list_of_owner(tx, network, port::OWNER_DHCP).await?;
        // Dead or alive: failover sees to those.
        let serve_on = |segment: SegmentId| {
            let on = |agent: &&Agent| {
                let device = super::device_id(&agent.host, network);
                ports.iter().any(|p| p.device_id == device && p.segment_id == Some(segment))
            };
            agents.iter().filter(on).count()
        };
        let mut candidates = self.dhcp_candidates(tx, ground, now).await?;
        let mut chosen = serving.clone();
        for place in places {
            let reaching = |candidate: &&mut Candidate| place.is_among(&candidate.reached);
            let mut there: Vec<&mut Candidate> = candidates.iter_mut().filter(reaching).collect();
            let has = match place {
                Place::Everywhere => chosen.len(),
                Place::On(segment) => serve_on(segment),
            };
            there.sort_by_key(|candidate| (candidate.load, candidate.agent.id));
            let free = there.into_iter().filter(|c| !chosen.contains(&c.agent.id));
            let picked: Vec<&mut Candidate> = free.take(wanted.saturating_sub(has)).collect();
            for candidate in picked {
                candidate.load += 1;
                chosen.insert(candidate.agent.id);
            }
        }
        let new = candidates.iter().filter(|candidate| {
            chosen.contains(&candidate.agent.id) && !serving.contains(&candidate.agent.id)
        });
        for candidate in new {
            self.dhcp_assign(tx, caller, network, &candidate.agent, now).await?;
        }
        Ok(())
    }

    /// Agents that could serve a network: alive, up, and on a host that the network reaches.
    async fn dhcp_candidates(
        &self,
        tx: &mut Tx,
        mut ground: Ground,
        now: Timestamp,
    ) -> Result<Vec<Candidate>> {
        let mut agents = store::agent_list_of_type(tx, AgentType::Dhcp.as_str()).await?;
        agents.retain(|agent| agent.admin_state_up && self.is_alive(agent, now));
        if agents.is_empty() {
            return Ok(Vec::new());
        }
        let hosts: Vec<String> = agents.iter().map(|agent| agent.host.clone()).collect();
        let on_hosts = store::agent_list_on_hosts(tx, &hosts).await?;
        let loads = store::dhcp_agent_loads(tx).await?;
        let mut candidates = Vec::with_capacity(agents.len());
        for agent in agents {
            ground.agents =
                on_hosts.iter().filter(|other| other.host == agent.host).cloned().collect();
            let probe = Port {
                host: agent.host.clone(),
                vnic_type: "normal".to_owned(),
                ..Port::default()
            };
            let reached = reached_segments(self, &probe, &ground);
            if !reached.is_empty() {
                let load = loads.get(&agent.id).copied().unwrap_or(0);
                candidates.push(Candidate { agent, reached, load });
            }
        }
        Ok(candidates)
    }

    /// The least loaded agent that can take over from another, in the same places.
    pub(super) async fn dhcp_heir(
        &self,
        tx: &mut Tx,
        network: NetworkId,
        from: &Agent,
        now: Timestamp,
    ) -> Result<Option<Agent>> {
        let serving = self.dhcp_serving(tx, network).await?;
        let ground = self.ground(tx, network, "").await?;
        let device = super::device_id(&from.host, network);
        let ports = ports::port_list_of_device(tx, &device).await?;
        let routed = ground.subnets.iter().any(|subnet| subnet.segment_id.is_some());
        let place = match ports.first().and_then(|port| port.segment_id) {
            Some(segment) if routed => Place::On(segment),
            _ => Place::Everywhere,
        };
        let candidates = self.dhcp_candidates(tx, ground, now).await?.into_iter();
        let heir = candidates
            .filter(|c| c.agent.id != from.id && place.is_among(&c.reached))
            .filter(|c| serving.iter().all(|agent| agent.id != c.agent.id))
            .min_by_key(|c| (c.load, c.agent.id));
        Ok(heir.map(|candidate| candidate.agent))
    }

    /// Moves the networks of dead agents to living ones. Returns how many moved.
    pub async fn dhcp_failover(&self) -> Result<usize> {
        if !self.settings().allow_automatic_dhcp_failover {
            return Ok(0);
        }
        let mut moved = 0;
        for (network, dead) in self.dhcp_orphans().await? {
            let input = (Caller::server("dhcp failover"), network, dead, self.now());
            let done =
                self.write("dhcp failover", input, |core, tx, (caller, network, dead, now)| {
                    Box::pin(async move {
                        core.dhcp_guard(tx, network).await?;
                        // Nobody to take over: the old agent may come back, and knows what it served.
                        let Some(heir) = core.dhcp_heir(tx, network, &dead, now).await? else {
                            return Ok(false);
                        };
                        core.dhcp_unassign(tx, &caller, network, &dead, Some(&heir), now).await
                    })
                });
            match done.await {
                Ok(done) => moved += usize::from(done),
                // Deleted since we looked.
                Err(error) if error.kind() == crate::Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(moved)
    }

    /// Networks that are served by agents not heard of any more.
    async fn dhcp_orphans(&self) -> Result<Vec<(NetworkId, Agent)>> {
        let now = self.now();
        self.store()
            .read(|tx| {
                let core = self.clone();
                Box::pin(async move {
                    let mut dead = store::agent_list_of_type(tx, AgentType::Dhcp.as_str()).await?;
                    dead.retain(|agent| !core.is_alive(agent, now));
                    let ids: Vec<AgentId> = dead.iter().map(|agent| agent.id).collect();
                    let mut served = store::dhcp_networks_of(tx, &ids).await?;
                    let mut orphans = Vec::new();
                    for agent in dead {
                        for network in served.remove(&agent.id).unwrap_or_default() {
                            orphans.push((network, agent.clone()));
                        }
                    }
                    Ok::<_, Error>(orphans)
                })
            })
            .await
    }

    /// Has networks served that have too few agents; called when an agent comes up.
    pub(crate) async fn dhcp_schedule_unserved(&self) -> Result<()> {
        if !self.settings().network_auto_schedule {
            return Ok(());
        }
        let unserved = self.store().read(|tx| {
            let wanted = self.settings().dhcp_agents_per_network;
            Box::pin(
                async move { Ok::<_, Error>(store::dhcp_networks_short_of(tx, wanted).await?) },
            )
        });
        for network in unserved.await? {
            let input = (Caller::server("dhcp schedule"), network, self.now());
            let done = self.write("dhcp schedule", input, |core, tx, (caller, network, now)| {
                Box::pin(async move {
                    core.dhcp_guard(tx, network).await?;
                    core.dhcp_schedule(tx, &caller, network, now).await
                })
            });
            match done.await {
                // Deleted since we looked.
                Err(error) if error.kind() == crate::Kind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Gives the networks of an agent that is about to be forgotten to others, or to nobody.
    pub(crate) async fn dhcp_bequeath(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        agent: &Agent,
        now: Timestamp,
    ) -> Result<()> {
        let served = store::dhcp_networks_of(tx, &[agent.id]).await?.remove(&agent.id);
        for network in served.unwrap_or_default() {
            self.dhcp_guard(tx, network).await?;
            let heir = self.dhcp_heir(tx, network, agent, now).await?;
            self.dhcp_unassign(tx, caller, network, agent, heir.as_ref(), now).await?;
        }
        Ok(())
    }
}
