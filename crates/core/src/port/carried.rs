//! Moving ports together, on behalf of the one that carries them.

use nucleon_db::{
    Tx, agent as agents, network as networks, segment as segments, subnet as subnets,
};
use nucleon_model::{Field, NetworkId, Port, Timestamp};

use super::{Found, Ground, address};
use crate::driver::Change;
use crate::{Caller, Core, Result};

impl Core {
    /// Brings ports to a host, or to none where it is empty, and gives them an owner. What they stand on is read for all
    /// at once.
    pub(crate) async fn ports_move(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        ports: Vec<Port>,
        (host, owner): (&str, &str),
        now: Timestamp,
    ) -> Result<()> {
        let grounds = self.grounds(tx, &ports, host).await?;
        for before in ports {
            if (before.host.as_str(), before.device_owner.as_str()) == (host, owner) {
                continue;
            }
            let known = grounds.iter().find(|ground| ground.network.id == before.network_id);
            let Some(ground) = known else { continue };
            let mut after =
                Port { host: host.to_owned(), device_owner: owner.to_owned(), ..before.clone() };
            if before.ip_allocation == address::DEFERRED && !host.is_empty() {
                let any = &Field::Absent;
                self.allocate(tx, &mut after, any, ground, &mut Found::default()).await?;
            }
            self.bind(&mut after, ground);
            Self::await_again(&before, &mut after, ground, true);
            self.check(&Change::PortUpdate { before: &before, after: &after })?;
            self.port_store(tx, caller, &before, &mut after, now).await?;
        }
        Ok(())
    }

    /// What ports stand on when they are on one host.
    async fn grounds(&self, tx: &mut Tx, ports: &[Port], host: &str) -> Result<Vec<Ground>> {
        let mut ids: Vec<NetworkId> = ports.iter().map(|port| port.network_id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = networks::network_get_all(tx, &ids).await?;
        let subnets = subnets::subnet_list_of(tx, &ids).await?;
        let segments = segments::segment_list_of(tx, &ids).await?;
        let on_host = agents::agent_list_on_hosts(tx, &[host.to_owned()]).await?;
        let serving = agents::dhcp_agents_of(tx, &ids).await?;
        let dhcp: Vec<_> = serving.values().flatten().copied().collect();
        let dhcp = agents::agent_get_all(tx, &dhcp).await?;
        let ground = |network: nucleon_model::Network| Ground {
            subnets: subnets.iter().filter(|it| it.network_id == network.id).cloned().collect(),
            segments: segments.iter().filter(|it| it.network_id == network.id).cloned().collect(),
            agents: on_host.clone(),
            dhcp_agents: dhcp
                .iter()
                .filter(|agent| serving.get(&network.id).is_some_and(|of| of.contains(&agent.id)))
                .cloned()
                .collect(),
            network,
        };
        Ok(found.into_iter().map(ground).collect())
    }
}
