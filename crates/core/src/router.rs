//! Routers.
//!
//! A router's row is the guard of all that must agree on one router: its interfaces and gateway, whose prefixes must not
//! overlap, its routes, its helpers. Whoever changes any of them holds it.

mod attached;
mod gateway;
mod guard;
mod interface;
mod kind;
mod routes;

use nucleon_db::{
    Tx, conntrack_helper as helpers, l3_agent as l3_agents, port as ports, resource as rows,
};
use nucleon_model::router::OWNER_GATEWAY;
use nucleon_model::view::Scope;
use nucleon_model::{
    AgentType, Field, Gateway, Port, PortId, Router, RouterDraft, RouterId, Timestamp,
};

pub(crate) use self::guard::{check_addresses, check_deletable, check_devices};

use self::attached::Attached;
use crate::availability_zone::check_hints;
use crate::entity::Entity;
use crate::flavor;
use crate::floating_ip::check_gateway_idle;
use crate::{Caller, Core, Error, Operations, Result, ndp_proxy, qos_policy};

const ACTIVE: &str = "ACTIVE";

/// A refusal of a request about a router.
fn bad(reason: impl std::fmt::Display) -> Error {
    Error::bad_request("router", reason)
}

impl Entity for Router {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &RouterDraft) -> Self {
        let text = |field: &Field<String>| field.get().cloned().unwrap_or_default();
        Self {
            name: text(&draft.name),
            project_id: text(&draft.project_id),
            admin_state_up: draft.admin_state_up.get().copied().unwrap_or(true),
            description: text(&draft.description),
            flavor_id: draft.flavor_id.get().cloned(),
            availability_zone_hints: draft
                .availability_zone_hints
                .get()
                .cloned()
                .unwrap_or_default(),
            enable_ndp_proxy: draft.enable_ndp_proxy.get().copied().unwrap_or_default(),
            status: ACTIVE.to_owned(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &RouterDraft,
    ) -> Result<()> {
        if let Some(flavor) = draft.flavor_id.get() {
            let provider = flavor::provider_for(core, tx, caller, flavor, draft).await?;
            self.provider = Some(provider.name.to_owned());
        }
        check_hints(tx, AgentType::L3, &self.availability_zone_hints).await?;
        let settings = core.settings();
        self.distributed = draft.distributed.get().copied().unwrap_or(settings.router_distributed);
        self.ha = draft.ha.get().copied().unwrap_or(settings.l3_ha);
        self.enable_snat = settings.enable_snat_by_default;
        // Whom the router goes to is chosen first, for its gateway goes to the same host.
        self.carriers = core.l3_choose(tx, self, None, core.now()).await?;
        match draft.external_gateway_info.get().and_then(|info| info.wanted.as_ref()) {
            Some(wanted) => {
                let way = (&mut *self, Attached::default());
                gateway::set(core, tx, caller, way, Some(wanted)).await?;
                ndp_proxy::switch_new(tx, self, Some(wanted)).await
            }
            None => ndp_proxy::switch_new(tx, self, None).await,
        }
    }

    async fn created(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        _: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        for carrier in std::mem::take(&mut self.carriers) {
            core.router_assign(tx, self, carrier, now).await?;
        }
        gateway::record(tx, self, None);
        Ok(())
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: RouterDraft,
    ) -> Result<()> {
        if draft.routes.is_given() {
            routes::replace(core, tx, self, draft.routes.value().unwrap_or_default()).await?;
        }
        if draft.external_gateway_info.is_given() {
            let wanted = draft.external_gateway_info.get().and_then(|info| info.wanted.as_ref());
            let attached = Attached::load(tx, self.id).await?;
            gateway::set(core, tx, caller, (&mut *self, attached), wanted).await?;
        }
        let was_up = self.admin_state_up;
        draft.admin_state_up.apply(&mut self.admin_state_up);
        kind::check_provider(self, draft.distributed.get(), draft.ha.get())?;
        kind::change(self, was_up, draft.distributed.value(), draft.ha.value())?;
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        ndp_proxy::switch(tx, self, draft.enable_ndp_proxy.value()).await
    }

    async fn changed(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        before: &Self,
        now: Timestamp,
    ) -> Result<()> {
        gateway::record(tx, self, before.gw_port_id);
        kind::follow(tx, caller, before, self, now).await?;
        if (before.distributed, before.ha) == (self.distributed, self.ha) {
            core.router_place(tx, caller, self, now).await
        } else {
            core.router_replace(tx, caller, self, now).await
        }
    }

    async fn release(&self, core: &Core, tx: &mut Tx, caller: &Caller, _: Timestamp) -> Result<()> {
        let attached = Attached::load(tx, self.id).await?;
        let holding: Vec<String> = attached
            .ports
            .iter()
            .filter(|attachment| attachment.owner == self.interface_owner())
            .map(|attachment| attachment.port.id.to_string())
            .collect();
        if !holding.is_empty() {
            return Err(Error::conflict(
                "RouterInUse",
                format!("Router {} has ports still attached: {}", self.id, holding.join(", ")),
            ));
        }
        if let Some(gateway) = attached.gateway(self) {
            check_gateway_idle(tx, self, gateway).await?;
            ndp_proxy::check_unset(tx, self).await?;
        }
        for attachment in &attached.ports {
            core.port_remove(tx, caller, &attachment.port).await?;
        }
        if self.ha { core.ha_network_leave(tx, self).await } else { Ok(()) }
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, routers: &mut [Self]) -> Result<()> {
        show_gateways(tx, routers).await?;
        let ids: Vec<RouterId> = routers.iter().map(|router| router.id).collect();
        let helpers = helpers::conntrack_helper_list_of(tx, &ids).await?;
        let mut carriers = l3_agents::l3_carriers_of(tx, &ids).await?;
        for router in routers {
            let own = helpers.iter().filter(|helper| helper.router_id == router.id);
            router.conntrack_helpers = own.cloned().map(Into::into).collect();
            router.carriers = carriers.remove(&router.id).unwrap_or_default();
            router.availability_zones = router.zones();
        }
        Ok(())
    }

    async fn insert(&mut self, _: &Core, tx: &mut Tx) -> Result<()> {
        rows::insert_later(tx, std::slice::from_ref(self));
        Ok(())
    }

    /// Who carries them and how they lead outside is known, and helpers they have none.
    async fn complete_new(_: &Core, _: &mut Tx, _: &Caller, routers: &mut [Self]) -> Result<()> {
        for router in routers {
            router.availability_zones = router.zones();
        }
        Ok(())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Router(self.id)]
    }

    /// Something came to lead through it meanwhile.
    fn refused(&self, error: nucleon_db::Error) -> Error {
        match error {
            nucleon_db::Error::Reference { .. } => Error::collided(),
            error => error.into(),
        }
    }
}

/// Fills in through which gateways routers reach outside.
async fn show_gateways(tx: &mut Tx, routers: &mut [Router]) -> Result<()> {
    let gateways: Vec<PortId> = routers.iter().filter_map(|router| router.gw_port_id).collect();
    let gateways = ports::port_get_all(tx, &gateways).await?;
    let outside = gateways.iter().map(|port| port.network_id);
    let policies = qos_policy::of_networks(tx, outside).await?;
    for router in routers {
        let port = gateways.iter().find(|port| Some(port.id) == router.gw_port_id);
        router.external_gateway_info = port.map(|port| {
            let is_limited = policies.contains_key(&port.network_id);
            shown(router, port, is_limited)
        });
    }
    Ok(())
}

/// The gateway as the router shows it; `is_limited` says whether the network outside is under a QoS policy.
fn shown(router: &Router, port: &Port, is_limited: bool) -> Gateway {
    let has_policy = router.qos_policy_id.is_some() || is_limited;
    Gateway {
        network_id: port.network_id,
        external_fixed_ips: port.fixed_ips.clone(),
        enable_snat: router.enable_snat,
        qos_policy_id: has_policy.then_some(router.qos_policy_id),
    }
}
