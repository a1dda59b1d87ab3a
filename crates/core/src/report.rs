//! What agents report: that they live, and what they have carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use nucleon_bus::{Peer, Report, ReportAck};
use nucleon_db::journal::After;
use nucleon_db::port::Part;
use nucleon_db::{Attempt, Tx, agent as store, port as ports};
use nucleon_model::agent::AgentTime;
use nucleon_model::view::Role;
use nucleon_model::{Agent, AgentId, NetworkId, Port, PortId, Timestamp, port};
use nucleon_wire::{AliveState, Heartbeat, PortMark};
use serde_json::{Map, Value};

use crate::change::emit_port_status;
use crate::watch::{digest, networks_of_view, scopes};
use crate::{Caller, Core, Error, Result};

/// The answer to reports that ask for nothing.
const NOTED: ReportAck = ReportAck { alive: None, resync: false };

/// What this server remembers of agents, so that an ordinary heartbeat costs no transaction of its own.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    agents: BTreeMap<(Role, String), Agent>,
    /// Heard of since the last flush.
    pulses: BTreeSet<AgentId>,
}

impl Heard {
    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Core {
    pub(crate) async fn take_report(&self, who: &Peer, report: Report) -> Result<ReportAck> {
        match report {
            Report::Heartbeat(heartbeat) => self.take_heartbeat(who, heartbeat).await,
            Report::Wired { ports } => {
                self.take_marks(who, ports, Some(Part::L2)).await.map(|()| NOTED)
            }
            Report::Unwired { ports } => self.take_marks(who, ports, None).await.map(|()| NOTED),
            Report::DhcpReady { ports } => {
                self.take_marks(who, ports, Some(Part::Dhcp)).await.map(|()| NOTED)
            }
        }
    }

    /// Forgets what it knows of agents; the next heartbeat of each looks at the database again.
    pub(crate) fn forget_agents(&self) {
        self.heard().with(|known| known.agents.clear());
    }

    async fn take_heartbeat(&self, who: &Peer, heartbeat: Heartbeat) -> Result<ReportAck> {
        let now = self.now();
        let key = (who.role, who.host.clone());
        let held = self.heard().with(|known| known.agents.get(&key).cloned());
        let unchanged = held.filter(|agent| {
            self.is_alive(agent, now)
                && without_counts(&agent.configurations)
                    == without_counts(&heartbeat.configurations)
                && agent.started_at == AgentTime(heartbeat.started_at)
                && agent.availability_zone == heartbeat.availability_zone
        });
        let alive = match unchanged {
            Some(mut agent) if agent.configurations == heartbeat.configurations => {
                agent.heartbeat_timestamp = AgentTime(now);
                self.heard().with(|known| {
                    known.pulses.insert(agent.id);
                    known.agents.insert(key, agent);
                });
                AliveState::Alive
            }
            unchanged => {
                let (state, agent) = self.agent_upsert(who, &heartbeat, now).await?;
                // Other counts make nothing possible, but the record may have been deleted meanwhile.
                if unchanged.is_none() || state != AliveState::Alive {
                    // Known only afterwards: should it fail, the next heartbeat does it again.
                    self.heard().with(|known| known.agents.remove(&key));
                    self.agent_came(who).await?;
                }
                self.heard().with(|known| known.agents.insert(key, agent));
                state
            }
        };
        let resync = self.has_drifted(who, &heartbeat).await?;
        Ok(ReportAck { alive: Some(alive), resync })
    }

    /// Writes an agent's record; one transaction of its own.
    async fn agent_upsert(
        &self,
        who: &Peer,
        heartbeat: &Heartbeat,
        now: Timestamp,
    ) -> Result<(AliveState, Agent)> {
        let kind = who.role.agent_type();
        let fresh = Agent {
            id: AgentId::new(self.new_uuid()),
            admin_state_up: true,
            agent_type: kind.as_str().to_owned(),
            binary: kind.binary().to_owned(),
            topic: kind.topic().to_owned(),
            host: who.host.clone(),
            availability_zone: heartbeat.availability_zone.clone(),
            configurations: heartbeat.configurations.clone(),
            created_at: AgentTime(now),
            started_at: AgentTime(heartbeat.started_at),
            heartbeat_timestamp: AgentTime(now),
            ..Agent::default()
        };
        self.write("agent report", (fresh, now), |core, tx, (fresh, now)| {
            Box::pin(async move {
                let held = store::agent_on_host(tx, &fresh.agent_type, &fresh.host).await?;
                let Some(mut agent) = held else {
                    return match store::agent_try_insert(tx, &fresh).await? {
                        Attempt::Done(_) => Ok((AliveState::New, fresh)),
                        Attempt::Conflict { .. } => {
                            Err(tx.retry("the agent was just written").into())
                        }
                    };
                };
                let state = if core.is_alive(&agent, now) {
                    AliveState::Alive
                } else {
                    AliveState::Revived
                };
                agent.configurations = fresh.configurations;
                agent.availability_zone = fresh.availability_zone;
                agent.started_at = fresh.started_at;
                agent.heartbeat_timestamp = fresh.heartbeat_timestamp;
                store::agent_update(tx, &agent).await?;
                Ok((state, agent))
            })
        })
        .await
    }

    /// What an agent that is new, back, or changed makes possible.
    async fn agent_came(&self, who: &Peer) -> Result<()> {
        match who.role {
            Role::OvsAgent => self.rebind_failed(&who.host).await?,
            Role::L3Agent => self.l3_schedule_uncarried().await?,
            Role::DhcpAgent => {}
        }
        self.dhcp_schedule_unserved().await
    }

    /// Binds the ports of a host that nobody could bind before.
    async fn rebind_failed(&self, host: &str) -> Result<()> {
        let input = (Caller::server("rebind"), host.to_owned(), self.now());
        self.write("port rebind", input, |core, tx, (caller, host, now)| {
            Box::pin(async move {
                let mut failed = ports::port_list_on_host(tx, &host).await?;
                failed.retain(|port| port.vif_type == port::vif_type::BINDING_FAILED);
                let mut networks: Vec<NetworkId> =
                    failed.iter().map(|port| port.network_id).collect();
                networks.sort_unstable();
                networks.dedup();
                for network in networks {
                    let ground = core.ground(tx, network, &host).await?;
                    for before in failed.iter().filter(|port| port.network_id == network) {
                        let mut after = before.clone();
                        core.bind(&mut after, &ground);
                        if !after.is_bound() {
                            continue;
                        }
                        after.awaits_l2 = true;
                        after.wired_at = None;
                        core.port_store(tx, &caller, before, &mut after, now).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Whether an agent's view differs from ours at a position after which nothing in it has changed.
    async fn has_drifted(&self, who: &Peer, heartbeat: &Heartbeat) -> Result<bool> {
        let Some(stand) = heartbeat.position else { return Ok(false) };
        let (role, host, held) = (who.role, who.host.clone(), heartbeat.digest);
        self.store()
            .snapshot(|tx| {
                let host = host.clone();
                Box::pin(async move {
                    let host = host.as_str();
                    let known = networks_of_view(tx, role, host).await?;
                    let names: Vec<String> =
                        scopes(role, host, &known).iter().map(ToString::to_string).collect();
                    let stand = nucleon_db::Position { epoch: stand.epoch, seq: stand.seq };
                    match tx.journal_after(stand, Some(&names), 1).await? {
                        After::Entries { entries, .. } if entries.is_empty() => {
                            Ok::<_, Error>(digest(tx, role, host, &known).await? != held)
                        }
                        // It will ask by itself.
                        _ => Ok(false),
                    }
                })
            })
            .await
    }

    /// Takes in what an agent says of ports: a part that is ready, or (`None`) that they are wired no longer.
    async fn take_marks(&self, who: &Peer, marks: Vec<PortMark>, part: Option<Part>) -> Result<()> {
        let input = (Caller::server("agent report"), who.clone(), marks, self.now());
        self.write("port report", input, move |_, tx, (caller, who, marks, now)| {
            Box::pin(async move {
                let ids: Vec<PortId> = marks.iter().map(|mark| mark.port_id).collect();
                // Held, so that none of them changes between our look at its revision and the note.
                let found = ports::port_get_all_held(tx, &ids).await?;
                let serving = match who.role {
                    Role::OvsAgent | Role::L3Agent => BTreeSet::new(),
                    Role::DhcpAgent => {
                        networks_of_view(tx, who.role, &who.host).await?.into_iter().collect()
                    }
                };
                let revisions: BTreeMap<PortId, i64> =
                    marks.iter().map(|mark| (mark.port_id, mark.revision)).collect();
                let meant =
                    found.iter().filter(|port| is_meant(&who, port, &revisions, &serving, part));
                let meant: Vec<&Port> = meant.collect();
                let ids: Vec<PortId> = meant.iter().map(|port| port.id).collect();
                if ids.is_empty() {
                    return Ok(());
                }
                write_marks(tx, &ids, part, now).await?;
                for port in meant {
                    emit_port_status(tx, &caller, port.id, port.revision_number + 1);
                }
                Ok(())
            })
        })
        .await
    }

    /// Writes the heartbeats of the last while, in one statement.
    pub(crate) async fn flush_heartbeats(&self) -> Result<()> {
        let ids: Vec<AgentId> =
            self.heard().with(|known| std::mem::take(&mut known.pulses)).into_iter().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let expected = ids.len() as u64;
        let noted = self.write("heartbeats", (ids, self.now()), |_, tx, (ids, now)| {
            Box::pin(async move { Ok(store::agent_heard(tx, &ids, now).await?) })
        });
        if noted.await? < expected {
            // Some agent's record was deleted by way of another server: it is to be written anew.
            self.forget_agents();
        }
        Ok(())
    }
}

/// Configurations but for the live counts (`devices`, `networks`, `ports`, `subnets`, all of them numbers), which Neutron's
/// agents put there as well: ports come and go without the agent being another.
fn without_counts(configurations: &Map<String, Value>) -> BTreeMap<&str, &Value> {
    let settings = configurations.iter().filter(|(_, value)| !value.is_number());
    settings.map(|(key, value)| (key.as_str(), value)).collect()
}

async fn write_marks(
    tx: &mut Tx,
    ids: &[PortId],
    part: Option<Part>,
    now: Timestamp,
) -> Result<()> {
    match part {
        Some(part) => ports::port_part_ready(tx, ids, part, now).await?,
        None => ports::port_unwired(tx, ids, now).await?,
    }
    Ok(())
}

/// Whether a mark says something new of a port that is the agent's to speak of, as it is now: an agent that has carried
/// out an older body has not carried out this one.
fn is_meant(
    who: &Peer,
    port: &Port,
    revisions: &BTreeMap<PortId, i64>,
    serving: &BTreeSet<NetworkId>,
    part: Option<Part>,
) -> bool {
    let theirs = match who.role {
        Role::OvsAgent => port.host == who.host,
        Role::DhcpAgent => serving.contains(&port.network_id),
        // The switch on its host speaks of a router's ports.
        Role::L3Agent => false,
    };
    let news = match part {
        Some(Part::L2) => who.role == Role::OvsAgent && port.awaits_l2,
        Some(Part::Dhcp) => who.role == Role::DhcpAgent && port.awaits_dhcp,
        None => who.role == Role::OvsAgent && !port.awaits_l2,
    };
    theirs
        && news
        && revisions.get(&port.id).is_some_and(|revision| *revision >= port.view_revision)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn same(one: &Value, other: &Value) -> bool {
        without_counts(one.as_object().unwrap()) == without_counts(other.as_object().unwrap())
    }

    #[test]
    fn an_agent_with_other_counts_is_the_same() {
        let one = json!({"bridge_mappings": {"physnet1": "br-ex"}, "devices": 3});
        assert!(same(&one, &json!({"bridge_mappings": {"physnet1": "br-ex"}, "devices": 4})));
        assert!(same(&one, &json!({"bridge_mappings": {"physnet1": "br-ex"}, "ports": 1.5})));
    }

    #[test]
    fn an_agent_with_another_setting_is_another() {
        let one = json!({"bridge_mappings": {"physnet1": "br-ex"}, "devices": 3});
        assert!(!same(&one, &json!({"bridge_mappings": {}, "devices": 3})));
        assert!(!same(&one, &json!({"bridge_mappings": {"physnet1": "br-ex"}, "devices": "3"})));
        assert!(!same(&one, &json!({"devices": 3})));
        let rate = |rate: u32| json!({"bandwidths": {"br-ex": {"egress": rate}}});
        assert!(!same(&rate(1), &rate(2)), "numbers further in are settings");
    }
}
