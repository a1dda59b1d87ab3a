//! `/agents/{id}/dhcp-networks` and `/networks/{id}/dhcp-agents`.

use nucleon_db::{Tx, agent as agents, network as networks};
use nucleon_model::{Agent, AgentId, AgentType, Network, NetworkId};

use crate::{Caller, Core, Error, Result};

impl Core {
    pub async fn dhcp_agent_networks(&self, caller: &Caller, agent: &str) -> Result<Vec<Network>> {
        self.permit(caller, "get_dhcp-networks")?;
        let id = parse(agent)?;
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
        self.permit(caller, "get_dhcp-agents")?;
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
        self.permit(caller, "create_dhcp-network")?;
        let id = parse(agent)?;
        let input = (caller.clone(), id, network, self.now());
        self.write("dhcp assign", input, |core, tx, (caller, id, network, now)| {
            Box::pin(async move {
                let agent = core.dhcp_agent(tx, id).await?;
                core.dhcp_guard(tx, network).await?;
                if !core.dhcp_assign(tx, &caller, network, &agent, now).await? {
                    return Err(Error::conflict(
                        "NetworkHostedByDHCPAgent",
                        format!(
                            "The network {network} has been already hosted by the DHCP Agent {id}."
                        ),
                    ));
                }
                Ok(())
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
        self.permit(caller, "delete_dhcp-network")?;
        let id = parse(agent)?;
        let input = (caller.clone(), id, network, self.now());
        self.write("dhcp unassign", input, |core, tx, (caller, id, network, now)| {
            Box::pin(async move {
                let agent = core.dhcp_agent(tx, id).await?;
                core.dhcp_guard(tx, network).await?;
                if !core.dhcp_unassign(tx, &caller, network, &agent, None, now).await? {
                    return Err(Error::conflict(
                        "NetworkNotHostedByDhcpAgent",
                        format!("The network {network} is not hosted by the DHCP agent {id}."),
                    ));
                }
                Ok(())
            })
        })
        .await
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

fn parse(agent: &str) -> Result<AgentId> {
    agent.parse().map_err(|_| crate::agent::missing(agent))
}
