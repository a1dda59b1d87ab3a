//! The operations of `core` that belong to no single resource, each called in one place.

use nucleon_core::{Caller, Core, Error, Result};
use nucleon_model::router::RouterInterface;
use nucleon_model::{Agent, Network, NetworkId, Resource as _, Router, RouterDraft};
use serde_json::Value;

/// The networks that a DHCP agent serves.
pub(crate) async fn dhcp_networks(
    core: &Core,
    caller: &Caller,
    agent: &str,
) -> Result<Vec<Network>> {
    core.dhcp_agent_networks(caller, agent).await
}

pub(crate) async fn dhcp_network_add(
    core: &Core,
    caller: &Caller,
    agent: &str,
    network: &str,
) -> Result<()> {
    core.dhcp_agent_add_network(caller, agent, network_id(network)?).await
}

pub(crate) async fn dhcp_network_remove(
    core: &Core,
    caller: &Caller,
    agent: &str,
    network: &str,
) -> Result<()> {
    core.dhcp_agent_remove_network(caller, agent, network_id(network)?).await
}

/// The DHCP agents that serve a network.
pub(crate) async fn dhcp_agents(core: &Core, caller: &Caller, network: &str) -> Result<Vec<Agent>> {
    core.network_dhcp_agents(caller, network).await
}

/// The routers that an L3 agent carries.
pub(crate) async fn l3_routers(core: &Core, caller: &Caller, agent: &str) -> Result<Vec<Router>> {
    core.l3_agent_routers(caller, agent).await
}

pub(crate) async fn l3_router_add(
    core: &Core,
    caller: &Caller,
    agent: &str,
    router: &str,
) -> Result<()> {
    core.l3_agent_add_router(caller, agent, router).await
}

pub(crate) async fn l3_router_remove(
    core: &Core,
    caller: &Caller,
    agent: &str,
    router: &str,
) -> Result<()> {
    core.l3_agent_remove_router(caller, agent, router).await
}

/// The L3 agents that carry a router.
pub(crate) async fn l3_agents(core: &Core, caller: &Caller, router: &str) -> Result<Vec<Agent>> {
    core.router_l3_agents(caller, router).await
}

pub(crate) async fn router_interface_add(
    core: Core,
    caller: Caller,
    router: String,
    body: Value,
) -> Result<RouterInterface> {
    core.router_interface_add(&caller, &router, &body).await
}

pub(crate) async fn router_interface_remove(
    core: Core,
    caller: Caller,
    router: String,
    body: Value,
) -> Result<RouterInterface> {
    core.router_interface_remove(&caller, &router, &body).await
}

pub(crate) async fn router_routes_add(
    core: Core,
    caller: Caller,
    router: String,
    draft: RouterDraft,
) -> Result<Router> {
    core.router_routes_add(&caller, &router, draft).await
}

pub(crate) async fn router_routes_remove(
    core: Core,
    caller: Caller,
    router: String,
    draft: RouterDraft,
) -> Result<Router> {
    core.router_routes_remove(&caller, &router, draft).await
}

/// Whether the control plane can do its work: its database answers, and holds a schema.
pub(crate) async fn health(core: &Core) -> Result<()> {
    nucleon_db::migrate::version(core.store()).await.map_err(Error::unavailable)?;
    Ok(())
}

fn network_id(text: &str) -> Result<NetworkId> {
    text.parse().map_err(|_| Error::not_found(Network::DECL, text))
}
