//! The operations of `core` that belong to no single resource, each called in one place.

use nucleon_core::{Caller, Core, Result};
use nucleon_model::{Agent, Network, ResourceDecl};

pub(crate) async fn tags_list(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
) -> Result<Vec<String>> {
    core.tags_list(caller, decl, id).await
}

/// Gives back what there is now.
pub(crate) async fn tags_replace(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
    tags: Vec<String>,
) -> Result<Vec<String>> {
    core.tags_replace(caller, decl, id, tags).await
}

pub(crate) async fn tags_add(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
    tags: Vec<String>,
) -> Result<()> {
    core.tags_add(caller, decl, id, tags).await
}

/// Fails with `TagNotFound` where there is no such tag.
pub(crate) async fn tags_remove(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
    tag: &str,
) -> Result<()> {
    core.tags_remove(caller, decl, id, tag).await
}

pub(crate) async fn tags_clear(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
) -> Result<()> {
    core.tags_clear(caller, decl, id).await
}

pub(crate) async fn tag_exists(
    core: &Core,
    caller: &Caller,
    decl: &'static ResourceDecl,
    id: &str,
    tag: &str,
) -> Result<bool> {
    core.tag_exists(caller, decl, id, tag).await
}

/// The networks that a DHCP agent serves.
pub(crate) async fn dhcp_networks(
    core: &Core,
    caller: &Caller,
    agent: &str,
) -> Result<Vec<Network>> {
    core.dhcp_networks(caller, agent).await
}

pub(crate) async fn dhcp_network_add(
    core: &Core,
    caller: &Caller,
    agent: &str,
    network: &str,
) -> Result<()> {
    core.dhcp_network_add(caller, agent, network).await
}

pub(crate) async fn dhcp_network_remove(
    core: &Core,
    caller: &Caller,
    agent: &str,
    network: &str,
) -> Result<()> {
    core.dhcp_network_remove(caller, agent, network).await
}

/// The DHCP agents that serve a network.
pub(crate) async fn dhcp_agents(core: &Core, caller: &Caller, network: &str) -> Result<Vec<Agent>> {
    core.dhcp_agents(caller, network).await
}

/// Whether the control plane can do its work; the text is for the operator.
pub(crate) async fn health(core: &Core) -> Result<()> {
    core.health().await
}
