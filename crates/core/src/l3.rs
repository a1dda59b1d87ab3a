//! Which L3 agents carry which routers.
//!
//! A router is carried by one agent; a highly available one by several. Its ports are bound to its carrier's host, where the
//! switch wires them as it does those of machines; those of a distributed router belong to every host, and to none.
//!
//! The router's row is held by whoever changes any of this.

mod agents;
mod ha;
mod schedule;

use nucleon_db::l3_agent::{self as store, L3Agents};
use nucleon_db::{Attempt, Tx, router as routers};
use nucleon_model::router::OWNER_HA;
use nucleon_model::{AgentId, Port, Router, RouterCarrier, RouterId, Timestamp};

use crate::entity;
use crate::{Caller, Core, Result};

impl Core {
    /// Sees that a router, whose row is held, is carried by as many agents as it should, and its ports are where they should
    /// be.
    pub(crate) async fn router_place(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        router: &mut Router,
        now: Timestamp,
    ) -> Result<()> {
        let chosen = self.l3_choose(tx, router, None, now).await?;
        self.router_carriers_add(tx, router, chosen, now).await?;
        self.router_ports_follow(tx, caller, router, now).await
    }

    /// As [`Core::router_place`], of a router that these agents were found for, and whose ports are where they should be as
    /// long as nobody else carries it. Answers whether anybody else does now.
    pub(crate) async fn router_carry(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        (router, agents): (&mut Router, L3Agents),
        now: Timestamp,
    ) -> Result<bool> {
        router.carriers = agents.carriers.iter().map(schedule::carrier).collect();
        let chosen = if router.carriers.is_empty() {
            self.l3_choose_among(tx, router, agents.candidates, now).await?
        } else {
            self.l3_choose(tx, router, None, now).await?
        };
        if chosen.is_empty() {
            return Ok(false);
        }
        self.router_carriers_add(tx, router, chosen, now).await?;
        self.router_ports_follow(tx, caller, router, now).await?;
        Ok(true)
    }

    async fn router_carriers_add(
        &self,
        tx: &mut Tx,
        router: &mut Router,
        chosen: Vec<RouterCarrier>,
        now: Timestamp,
    ) -> Result<()> {
        for carrier in chosen {
            self.router_assign(tx, router, carrier, now).await?;
        }
        Ok(())
    }

    /// Has an agent carry a router; a second time changes nothing.
    pub(crate) async fn router_assign(
        &self,
        tx: &mut Tx,
        router: &mut Router,
        carrier: RouterCarrier,
        now: Timestamp,
    ) -> Result<()> {
        let added = store::l3_agent_add(tx, router.id, carrier.agent_id).await?;
        if matches!(added, Attempt::Conflict { .. }) {
            return Ok(());
        }
        if router.ha {
            self.ha_port_make(tx, router, &carrier.host, now).await?;
        }
        router.carriers.push(carrier);
        Ok(())
    }

    /// Takes a router from an agent, if that carries it, and gives it to others; its ports go to the host of whoever carries
    /// it then, or to none.
    async fn router_hand_over(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        router: &mut Router,
        (from, to): (AgentId, Vec<RouterCarrier>),
        now: Timestamp,
    ) -> Result<()> {
        if !store::l3_agent_remove(tx, router.id, from).await? {
            return Ok(());
        }
        if let Some(left) = router.carriers.iter().position(|carrier| carrier.agent_id == from) {
            let left = router.carriers.remove(left);
            self.ha_ports_remove(tx, router, Some(&left.host)).await?;
        }
        for carrier in to {
            self.router_assign(tx, router, carrier, now).await?;
        }
        self.router_ports_follow(tx, caller, router, now).await
    }

    /// Takes a router from all who carry it, and has it carried anew: it has become another kind of router.
    pub(crate) async fn router_replace(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        router: &mut Router,
        now: Timestamp,
    ) -> Result<()> {
        for carrier in std::mem::take(&mut router.carriers) {
            store::l3_agent_remove(tx, router.id, carrier.agent_id).await?;
        }
        self.ha_ports_remove(tx, router, None).await?;
        if !router.ha {
            self.ha_network_leave(tx, router).await?;
        }
        self.router_place(tx, caller, router, now).await
    }

    /// Brings the ports of a router to its host.
    async fn router_ports_follow(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        router: &Router,
        now: Timestamp,
    ) -> Result<()> {
        let host = router.host();
        let ports = routers::router_ports(tx, router.id).await?;
        let elsewhere =
            ports.into_iter().filter(|(_, owner)| owner != OWNER_HA).map(|(port, _)| port);
        let elsewhere: Vec<Port> = elsewhere.filter(|port| port.host != host).collect();
        let mut owners: Vec<String> =
            elsewhere.iter().map(|port| port.device_owner.clone()).collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            let ports = elsewhere.iter().filter(|port| port.device_owner == owner);
            self.ports_move(tx, caller, ports.cloned().collect(), (host, &owner), now).await?;
        }
        Ok(())
    }

    async fn router_held(&self, tx: &mut Tx, caller: &Caller, id: RouterId) -> Result<Router> {
        entity::load_held(self, tx, caller, id).await
    }
}
