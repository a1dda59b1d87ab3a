//! DHCP: which agents serve which networks, and the ports by which they do.
//!
//! An agent serves a network through a port of its own, which the server makes when it schedules, with an address on
//! every subnet that has DHCP. When the agent dies, its ports move to another agent and keep their addresses.
//!
//! The network's row is held by whoever changes any of this.

mod agents;
mod schedule;

use nucleon_db::{
    Attempt, Operation, Tx, agent as store, network as networks, port as ports, subnet as subnets,
};
use nucleon_model::{Agent, FixedIp, Network, NetworkId, Port, PortId, Subnet, Timestamp, port};
use uuid::Uuid;

use crate::change::{again, emit_network_moved};
use crate::port::{Found, Ground};
use crate::{Caller, Core, Result};

/// `device_id` of the port by which the agent on `host` serves a network; Neutron's scheme, so that either finds the
/// other's ports.
pub(crate) fn device_id(host: &str, network: NetworkId) -> String {
    let short = host.split('.').next().unwrap_or(host);
    format!("dhcp{}-{network}", Uuid::new_v5(&Uuid::NAMESPACE_DNS, short.as_bytes()))
}

/// Whether a DHCP agent takes an address on a subnet by itself, rather than by its prefix.
fn is_served(subnet: &Subnet) -> bool {
    subnet.enable_dhcp && !subnet.is_auto_address()
}

impl Core {
    /// Holds a network's row: from here on, nobody else changes who serves it.
    async fn dhcp_guard(&self, tx: &mut Tx, network: NetworkId) -> Result<Network> {
        let held = networks::network_get_held(tx, network).await?;
        held.ok_or_else(|| crate::network::missing(network))
    }

    /// The agents that serve a network.
    async fn dhcp_serving(&self, tx: &mut Tx, network: NetworkId) -> Result<Vec<Agent>> {
        let ids = store::dhcp_agents_of(tx, &[network]).await?.remove(&network);
        Ok(store::agent_get_all(tx, &ids.unwrap_or_default()).await?)
    }

    /// The hosts of the agents that serve a network.
    pub(crate) async fn dhcp_hosts(&self, tx: &mut Tx, network: NetworkId) -> Result<Vec<String>> {
        let serving = self.dhcp_serving(tx, network).await?;
        Ok(serving.into_iter().map(|agent| agent.host).collect())
    }

    /// Has a subnet that came, or got DHCP, served: by the agents of its network, and by newly chosen ones.
    pub(crate) async fn dhcp_serve_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        now: Timestamp,
    ) -> Result<()> {
        for agent in self.dhcp_serving(tx, network).await? {
            self.dhcp_port_ensure(tx, caller, network, &agent, now).await?;
        }
        self.dhcp_schedule(tx, caller, network, now).await
    }

    /// Sees that the agent's port is there, with an address on each subnet that it serves.
    async fn dhcp_port_ensure(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        agent: &Agent,
        now: Timestamp,
    ) -> Result<()> {
        let ground = self.ground(tx, network, &agent.host).await?;
        if !ground.subnets.iter().any(|subnet| subnet.enable_dhcp) {
            return Ok(());
        }
        let held = ports::port_list_of_device(tx, &device_id(&agent.host, network)).await?;
        let Some(before) = held.into_iter().next() else {
            let mut port = self.dhcp_port(&ground, &agent.host, now);
            port.fixed_ips = self.dhcp_addresses(tx, &port, &ground).await?;
            self.bind(&mut port, &ground);
            Self::ports_insert(tx, caller, &[port]);
            return Ok(());
        };
        let fixed_ips = self.dhcp_addresses(tx, &before, &ground).await?;
        if fixed_ips == before.fixed_ips {
            return Ok(());
        }
        self.port_readdress(tx, caller, &before, fixed_ips, now).await
    }

    /// The port by which the agent on a host is to serve a network, without addresses yet.
    fn dhcp_port(&self, ground: &Ground, host: &str, now: Timestamp) -> Port {
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
        self.bind(&mut port, ground);
        port
    }

    /// The addresses that a DHCP agent's port should have where it is: those that it has and may keep, and one on each
    /// further subnet that has DHCP and a free address.
    async fn dhcp_addresses(
        &self,
        tx: &mut Tx,
        port: &Port,
        ground: &Ground,
    ) -> Result<Vec<FixedIp>> {
        let reached: Vec<&Subnet> = ground
            .subnets
            .iter()
            .filter(|subnet| subnet.segment_id.is_none() || subnet.segment_id == port.segment_id)
            .collect();
        let mut wanted = port.clone();
        wanted.fixed_ips.retain(|held| {
            reached.iter().any(|subnet| subnet.id == held.subnet_id && subnet.enable_dhcp)
        });
        let mut found = Found::default();
        for subnet in reached.into_iter().filter(|subnet| is_served(subnet)) {
            let has = wanted.fixed_ips.iter().any(|held| held.subnet_id == subnet.id);
            if !has && let Some(address) = self.free_address(tx, subnet, port, &mut found).await? {
                wanted.fixed_ips.push(address);
            }
        }
        crate::port::add_auto_addresses(&mut wanted, &ground.subnets);
        Ok(wanted.fixed_ips)
    }

    /// Has an agent serve a network: the record, and its port. Returns whether it had not done so before.
    async fn dhcp_assign(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        agent: &Agent,
        now: Timestamp,
    ) -> Result<bool> {
        if let Attempt::Conflict { .. } = store::dhcp_agent_add(tx, network, agent.id).await? {
            return Ok(false);
        }
        self.dhcp_port_ensure(tx, caller, network, agent, now).await?;
        self.dhcp_tell(tx, caller, network, std::slice::from_ref(&agent.host), now).await?;
        Ok(true)
    }

    /// Takes a network from an agent. Its port goes to `heir`, or away. Returns whether it had served it.
    async fn dhcp_unassign(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        agent: &Agent,
        heir: Option<&Agent>,
        now: Timestamp,
    ) -> Result<bool> {
        if !store::dhcp_agent_remove(tx, network, agent.id).await? {
            return Ok(false);
        }
        let mut hosts = vec![agent.host.clone()];
        if let Some(heir) = heir {
            store::dhcp_agent_add(tx, network, heir.id).await?;
            hosts.push(heir.host.clone());
        }
        for before in ports::port_list_of_device(tx, &device_id(&agent.host, network)).await? {
            match heir {
                None => self.port_remove(tx, caller, &before).await?,
                Some(heir) => self.dhcp_port_move(tx, caller, &before, heir, now).await?,
            }
        }
        self.dhcp_tell(tx, caller, network, &hosts, now).await?;
        if self.dhcp_serving(tx, network).await?.is_empty() {
            self.ports_waive_dhcp(tx, caller, network, now).await?;
        }
        Ok(true)
    }

    /// Hands the port of one agent to another: same port, same addresses, other host.
    async fn dhcp_port_move(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        before: &Port,
        heir: &Agent,
        now: Timestamp,
    ) -> Result<()> {
        let ground = self.ground(tx, before.network_id, &heir.host).await?;
        let mut after = before.clone();
        after.host.clone_from(&heir.host);
        after.device_id = device_id(&heir.host, before.network_id);
        after.awaits_l2 = true;
        after.wired_at = None;
        port::status::DOWN.clone_into(&mut after.status);
        self.bind(&mut after, &ground);
        self.port_store(tx, caller, before, &mut after, now).await
    }

    /// Says in the outbox that the agents on these hosts serve a network now, or no longer.
    async fn dhcp_tell(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        hosts: &[String],
        now: Timestamp,
    ) -> Result<()> {
        let touched = networks::network_touch(tx, network, now).await;
        again(tx, touched)?;
        let row = networks::network_get(tx, network).await?;
        let revision = row.ok_or_else(|| crate::network::missing(network))?.revision_number;
        emit_network_moved(tx, caller, Operation::Update, network, revision, hosts);
        Ok(())
    }

    /// Takes the addresses on a subnet that has lost DHCP from the ports of DHCP agents.
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
        self.dhcp_release_idle(tx, caller, subnet.network_id, now).await
    }

    /// Lets go of agents that have nothing left to serve on a network.
    pub(crate) async fn dhcp_release_idle(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        now: Timestamp,
    ) -> Result<()> {
        let left = subnets::subnet_list_of(tx, &[network]).await?;
        if left.iter().any(|subnet| subnet.enable_dhcp) {
            return Ok(());
        }
        for agent in self.dhcp_serving(tx, network).await? {
            self.dhcp_unassign(tx, caller, network, &agent, None, now).await?;
        }
        // Ports that no agent answers for, such as those of an agent of another name.
        for port in ports::port_list_of_owner(tx, network, port::OWNER_DHCP).await? {
            self.port_remove(tx, caller, &port).await?;
        }
        self.ports_waive_dhcp(tx, caller, network, now).await
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
