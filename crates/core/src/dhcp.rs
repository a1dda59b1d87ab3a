//! DHCP: which agents serve which networks, and the ports by which they do.
//!
//! An agent serves a network through a port of its own, which the server makes when it schedules, with an address on
//! every subnet that has DHCP. When the agent dies, its ports move to another agent and keep their addresses.

use std::collections::BTreeMap;

use nucleon_db::{
    Attempt, Operation, Tx, agent as agents, network as networks, port as ports, subnet as subnets,
};
use nucleon_model::view::Scope;
use nucleon_model::{
    Agent, AgentId, AgentType, Network, NetworkId, Port, PortId, Resource, Subnet, Timestamp, port,
};
use uuid::Uuid;

use crate::change::{emit_network_part, emit_port};
use crate::policy::{Action, Target};
use crate::port::Ground;
use crate::{Caller, Core, Error, Result};

/// `device_id` of the port by which the agent on `host` serves a network; Neutron's scheme, so that either finds the
/// other's ports.
pub(crate) fn device_id(host: &str, network: NetworkId) -> String {
    let short = host.split('.').next().unwrap_or(host);
    format!("dhcp{}-{network}", Uuid::new_v5(&Uuid::NAMESPACE_DNS, short.as_bytes()))
}

impl Core {
    /// Has a subnet served: by the agents that serve its network, or by newly chosen ones.
    pub(crate) async fn dhcp_serve_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: &Network,
        subnet: &Subnet,
        now: Timestamp,
    ) -> Result<()> {
        let serving = ports::port_list_of_owner(tx, network.id, port::OWNER_DHCP).await?;
        for before in &serving {
            if before.fixed_ips.iter().any(|held| held.subnet_id == subnet.id) {
                continue;
            }
            let mut fixed_ips = before.fixed_ips.clone();
            if !subnet.is_auto_address()
                && let Some(address) = self.free_address(tx, subnet, before, &[]).await?
            {
                fixed_ips.push(address);
                self.port_readdress(tx, caller, before, fixed_ips, now).await?;
            }
        }
        self.dhcp_schedule(tx, caller, network.id, now).await
    }

    /// Chooses agents for a network until it has as many as it should.
    pub(crate) async fn dhcp_schedule(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        now: Timestamp,
    ) -> Result<()> {
        let serving =
            agents::dhcp_agents_of(tx, &[network]).await?.remove(&network).unwrap_or_default();
        let wanted = self.settings().dhcp_agents_per_network.saturating_sub(serving.len());
        if wanted == 0 {
            return Ok(());
        }
        for agent in self.dhcp_candidates(tx, network, &serving).await?.into_iter().take(wanted) {
            self.dhcp_assign(tx, caller, network, &agent, now).await?;
        }
        Ok(())
    }

    /// Agents that could serve a network, the least loaded first: alive, up, and on a host that the network reaches.
    async fn dhcp_candidates(
        &self,
        tx: &mut Tx,
        network: NetworkId,
        serving: &[AgentId],
    ) -> Result<Vec<Agent>> {
        let now = self.now();
        let usable = |agent: &Agent| {
            agent.admin_state_up && self.is_alive(agent, now) && !serving.contains(&agent.id)
        };
        let mut candidates: Vec<Agent> =
            agents::agent_list_of_type(tx, AgentType::Dhcp.as_str()).await?;
        candidates.retain(usable);
        if candidates.is_empty() {
            return Ok(candidates);
        }
        let hosts: Vec<String> = candidates.iter().map(|agent| agent.host.clone()).collect();
        let on_hosts = agents::agent_list_on_hosts(tx, &hosts).await?;
        let row = networks::network_get(tx, network)
            .await?
            .ok_or_else(|| crate::network::missing(network))?;
        let segments = nucleon_db::segment::segment_list_of(tx, &[network]).await?;
        let mut ground = Ground {
            network: row,
            subnets: Vec::new(),
            segments,
            agents: Vec::new(),
            dhcp_agents: Vec::new(),
        };
        candidates.retain(|agent| {
            ground.agents =
                on_hosts.iter().filter(|other| other.host == agent.host).cloned().collect();
            let mut probe = Port {
                host: agent.host.clone(),
                vnic_type: "normal".to_owned(),
                ..Port::default()
            };
            self.bind(&mut probe, &ground);
            probe.is_bound()
        });
        let loads = agents::dhcp_agent_loads(tx).await?;
        candidates.sort_by_key(|agent| (loads.get(&agent.id).copied().unwrap_or(0), agent.id));
        Ok(candidates)
    }

    /// Has an agent serve a network: the record, and its port.
    async fn dhcp_assign(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        agent: &Agent,
        now: Timestamp,
    ) -> Result<()> {
        if let Attempt::Conflict { .. } = agents::dhcp_agent_add(tx, network, agent.id).await? {
            return Err(Error::conflict(
                "NetworkHostedByDHCPAgent",
                format!(
                    "The network {network} has been already hosted by the DHCP Agent {}.",
                    agent.id
                ),
            ));
        }
        let ground = self.ground(tx, network, &agent.host).await?;
        let wanted = device_id(&agent.host, network);
        let held = ports::port_list_of_device(tx, &wanted).await?;
        if held.is_empty() {
            let served = ground.subnets.iter().any(|subnet| subnet.enable_dhcp);
            if served {
                let port = self.dhcp_port(tx, &ground, &agent.host, now).await?;
                self.ports_insert(tx, caller, std::slice::from_ref(&port)).await?;
            }
        }
        self.dhcp_tell(tx, caller, network, &[agent.host.clone()], now).await
    }

    /// The port by which the agent on a host is to serve a network.
    async fn dhcp_port(
        &self,
        tx: &mut Tx,
        ground: &Ground,
        host: &str,
        now: Timestamp,
    ) -> Result<Port> {
        let network = &ground.network;
        let mut port = Port {
            id: PortId::new(self.new_uuid()),
            network_id: network.id,
            project_id: network.project_id.clone(),
            admin_state_up: true,
            mac_address: self.settings().mac_from(self.random().bytes()),
            device_id: device_id(host, network.id),
            device_owner: port::OWNER_DHCP.to_owned(),
            host: host.to_owned(),
            vnic_type: "normal".to_owned(),
            ip_allocation: "immediate".to_owned(),
            awaits_l2: true,
            status: port::status::DOWN.to_owned(),
            created_at: now,
            updated_at: now,
            revision_number: 1,
            view_revision: 1,
            ..Port::default()
        };
        for subnet in
            ground.subnets.iter().filter(|subnet| subnet.enable_dhcp && !subnet.is_auto_address())
        {
            if let Some(address) = self.free_address(tx, subnet, &port, &[]).await? {
                port.fixed_ips.push(address);
            }
        }
        crate::port::add_auto_addresses(&mut port, &ground.subnets);
        self.bind(&mut port, ground);
        Ok(port)
    }

    /// Says in the outbox that other agents serve a network now.
    async fn dhcp_tell(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<()> {
        networks::network_touch(tx, network, now).await?;
        let row = networks::network_get(tx, network)
            .await?
            .ok_or_else(|| crate::network::missing(network))?;
        let scopes = hosts.iter().cloned().map(Scope::Dhcp).collect();
        emit_network_part(tx, caller, network, row.revision_number, scopes);
        Ok(())
    }

    /// Takes the addresses on a subnet from the ports of DHCP agents.
    pub(crate) async fn dhcp_leave_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        subnet: &Subnet,
        now: Timestamp,
    ) -> Result<()> {
        let serving = ports::port_list_of_owner(tx, subnet.network_id, port::OWNER_DHCP).await?;
        for before in &serving {
            let mut fixed_ips = before.fixed_ips.clone();
            fixed_ips.retain(|held| held.subnet_id != subnet.id);
            if fixed_ips != before.fixed_ips {
                self.port_readdress(tx, caller, before, fixed_ips, now).await?;
            }
        }
        self.dhcp_release_idle(tx, caller, subnet.network_id).await
    }

    /// Lets go of agents whose ports have nothing left to serve.
    pub(crate) async fn dhcp_release_idle(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
    ) -> Result<()> {
        let left = subnets::subnet_list_of(tx, &[network]).await?;
        if left.iter().any(|subnet| subnet.enable_dhcp) {
            return Ok(());
        }
        for port in ports::port_list_of_owner(tx, network, port::OWNER_DHCP).await? {
            self.port_remove(tx, caller, &port).await?;
        }
        let serving =
            agents::dhcp_agents_of(tx, &[network]).await?.remove(&network).unwrap_or_default();
        let serving = agents::agent_get_all(tx, &serving).await?;
        let hosts: Vec<String> = serving.iter().map(|agent| agent.host.clone()).collect();
        for agent in &serving {
            agents::dhcp_agent_remove(tx, network, agent.id).await?;
        }
        if !hosts.is_empty() {
            self.dhcp_tell(tx, caller, network, &hosts, self.now()).await?;
        }
        Ok(())
    }

    /// Takes a network from an agent. Its port goes to `heir`, or away.
    async fn dhcp_unassign(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        agent: &Agent,
        heir: Option<&Agent>,
        now: Timestamp,
    ) -> Result<()> {
        if !agents::dhcp_agent_remove(tx, network, agent.id).await? {
            return Err(Error::conflict(
                "NetworkNotHostedByDhcpAgent",
                format!("The network {network} is not hosted by the DHCP agent {}.", agent.id),
            ));
        }
        let mut hosts = vec![agent.host.clone()];
        for before in ports::port_list_of_device(tx, &device_id(&agent.host, network)).await? {
            match heir {
                None => self.port_remove(tx, caller, &before).await?,
                Some(heir) => {
                    let ground = self.ground(tx, network, &heir.host).await?;
                    let mut after = before.clone();
                    after.host.clone_from(&heir.host);
                    after.device_id = device_id(&heir.host, network);
                    after.awaits_l2 = true;
                    after.wired_at = None;
                    port::status::DOWN.clone_into(&mut after.status);
                    self.bind(&mut after, &ground);
                    after.revision_number = before.revision_number + 1;
                    after.view_revision = before.view_revision + 1;
                    after.updated_at = now;
                    self.port_write(tx, &before, &after).await?;
                    emit_port(tx, caller, Operation::Update, Some(&before), &after);
                }
            }
        }
        if let Some(heir) = heir {
            agents::dhcp_agent_add(tx, network, heir.id).await?;
            hosts.push(heir.host.clone());
        }
        self.dhcp_tell(tx, caller, network, &hosts, now).await
    }

    /// Moves the networks of dead agents to living ones. Returns how many moved.
    pub async fn dhcp_failover(&self) -> Result<usize> {
        if !self.settings().allow_automatic_dhcp_failover {
            return Ok(0);
        }
        let orphans = self.dhcp_orphans().await?;
        let mut moved = 0;
        for (network, dead) in orphans {
            let input = (Caller::server("dhcp failover"), network, dead, self.now());
            let done =
                self.write("dhcp failover", input, |core, tx, (caller, network, dead, now)| {
                    Box::pin(async move {
                        let serving = agents::dhcp_agents_of(tx, &[network])
                            .await?
                            .remove(&network)
                            .unwrap_or_default();
                        let candidates = core.dhcp_candidates(tx, network, &serving).await?;
                        // Nobody to take over: the old agent may come back, and knows what it served.
                        let Some(heir) = candidates.first() else { return Ok(false) };
                        core.dhcp_unassign(tx, &caller, network, &dead, Some(heir), now).await?;
                        Ok(true)
                    })
                });
            if done.await? {
                moved += 1;
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
                    let mut dead = agents::agent_list_of_type(tx, AgentType::Dhcp.as_str()).await?;
                    dead.retain(|agent| !core.is_alive(agent, now));
                    let ids: Vec<AgentId> = dead.iter().map(|agent| agent.id).collect();
                    let mut served: BTreeMap<AgentId, Vec<NetworkId>> =
                        agents::dhcp_networks_of(tx, &ids).await?;
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
                async move { Ok::<_, Error>(agents::dhcp_networks_short_of(tx, wanted).await?) },
            )
        });
        for network in unserved.await? {
            let input = (Caller::server("dhcp schedule"), network, self.now());
            self.write("dhcp schedule", input, |core, tx, (caller, network, now)| {
                Box::pin(async move { core.dhcp_schedule(tx, &caller, network, now).await })
            })
            .await?;
        }
        Ok(())
    }

    // === /agents/{id}/dhcp-networks and /networks/{id}/dhcp-agents ===

    pub async fn dhcp_agent_networks(&self, caller: &Caller, agent: &str) -> Result<Vec<Network>> {
        let id = self.dhcp_allowed(caller, agent)?;
        self.store()
            .snapshot(|tx| {
                Box::pin(async move {
                    if agents::agent_get(tx, id).await?.is_none() {
                        return Err(crate::agent::missing(id));
                    }
                    let served =
                        agents::dhcp_networks_of(tx, &[id]).await?.remove(&id).unwrap_or_default();
                    let mut found = networks::network_get_all(tx, &served).await?;
                    networks::network_complete(tx, &mut found).await?;
                    Ok(found)
                })
            })
            .await
    }

    pub async fn network_dhcp_agents(&self, caller: &Caller, network: &str) -> Result<Vec<Agent>> {
        let id: NetworkId = network.parse().map_err(|_| crate::network::missing(network))?;
        if !caller.is_admin() {
            return Err(crate::network::missing(network));
        }
        let now = self.now();
        let found = self.store().snapshot(|tx| {
            Box::pin(async move {
                let serving =
                    agents::dhcp_agents_of(tx, &[id]).await?.remove(&id).unwrap_or_default();
                Ok::<_, Error>(agents::agent_get_all(tx, &serving).await?)
            })
        });
        let mut found = found.await?;
        for agent in &mut found {
            agent.alive = self.is_alive(agent, now);
        }
        Ok(found)
    }

    pub async fn dhcp_agent_add_network(
        &self,
        caller: &Caller,
        agent: &str,
        network: NetworkId,
    ) -> Result<()> {
        let id = self.dhcp_allowed(caller, agent)?;
        let input = (caller.clone(), id, network, self.now());
        self.write("dhcp assign", input, |core, tx, (caller, id, network, now)| {
            Box::pin(async move {
                let agent = core.dhcp_agent(tx, id).await?;
                if networks::network_get(tx, network).await?.is_none() {
                    return Err(crate::network::missing(network));
                }
                core.dhcp_assign(tx, &caller, network, &agent, now).await
            })
        })
        .await
    }

    pub async fn dhcp_agent_remove_network(
        &self,
        caller: &Caller,
        agent: &str,
        network: NetworkId,
    ) -> Result<()> {
        let id = self.dhcp_allowed(caller, agent)?;
        let input = (caller.clone(), id, network, self.now());
        self.write("dhcp unassign", input, |core, tx, (caller, id, network, now)| {
            Box::pin(async move {
                let agent = core.dhcp_agent(tx, id).await?;
                core.dhcp_unassign(tx, &caller, network, &agent, None, now).await
            })
        })
        .await
    }

    fn dhcp_allowed(&self, caller: &Caller, agent: &str) -> Result<AgentId> {
        let nobodys = Target { project_id: "", network_project_id: None, shared: false };
        if !self.policy().allows(caller, Action::Update, Agent::DECL, &nobodys) {
            return Err(crate::agent::missing(agent));
        }
        agent.parse().map_err(|_| crate::agent::missing(agent))
    }

    async fn dhcp_agent(&self, tx: &mut Tx, id: AgentId) -> Result<Agent> {
        let agent = agents::agent_get(tx, id).await?.ok_or_else(|| crate::agent::missing(id))?;
        if agent.agent_type != AgentType::Dhcp.as_str() || !agent.admin_state_up {
            return Err(Error::conflict(
                "InvalidDHCPAgent",
                format!("Agent {id} is not a valid DHCP Agent or has been disabled"),
            ));
        }
        Ok(agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dhcp_port_is_named_after_the_short_host_as_neutron_names_it() {
        let network: NetworkId = "11111111-2222-3333-4444-555555555555".parse().unwrap();
        // uuid5(NAMESPACE_DNS, 'python') is what any implementation of RFC 9562 computes.
        let id = device_id("python.example.org", network);
        assert_eq!(id, format!("dhcp{}-{network}", Uuid::new_v5(&Uuid::NAMESPACE_DNS, b"python")));
        assert_eq!(id.len(), 4 + 36 + 1 + 36);
    }
}
