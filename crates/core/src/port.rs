//! Ports.
//!
//! The way of a create: what it stands on (network, subnets, segments, agents) is read, the rest is decided in memory,
//! and written: port, addresses, groups, tags, outbox; at last its project's quota is settled. Four statements, and one
//! more where this server does not know the project's default security group yet.

mod address;
mod bind;
mod binding;
mod carried;
mod check;
mod create;
mod detail;
mod dns;
pub(crate) mod pvlan;
mod qos;
mod security;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use nucleon_db::ground::Ground;
use nucleon_db::ground::{Under, ground_get};
use nucleon_db::log::Logged;
use nucleon_db::port::Part;
use nucleon_db::port_dependents::{Dependents, port_dependents};
use nucleon_db::{Listed, Operation, Tx, network as networks, port as store, tag as tags};
use nucleon_model::{
    AttrSet, Attribute, FixedIp, ListQuery, Network, NetworkId, Port, PortDraft, PortId, Resource,
    Subnet, SubnetId, Timestamp,
};
use nucleon_policy::Verdict;

pub(crate) use address::{Found, add_auto_addresses, reached_segments};

use crate::change::{again, emit_port, emit_port_status};
use crate::network::{hold, sharing};
use crate::policy::Viewing;
use crate::qos_policy::show_requests;
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result};

impl Noun for Port {
    const OPERATIONS: Operations = Operations::all();

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn create(core: &Core, caller: &Caller, drafts: Vec<PortDraft>) -> Result<Vec<Self>> {
        core.ports_create(caller, drafts).await
    }

    /// Who carries nothing has no details of that.
    fn concealed(&self) -> AttrSet {
        let details = |attribute: &Attribute| attribute.name == "trunk_details";
        if self.trunk_details.is_some() { AttrSet::default() } else { Self::DECL.select(details) }
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let viewer = Core::viewer(caller).map(str::to_owned);
        let viewing = Arc::new(core.viewing::<Self>(caller));
        let listed = core.store().read(|tx| {
            let (viewer, query) = (viewer.clone(), query.clone());
            let viewing = viewing.clone();
            Box::pin(async move {
                let mut listed = store::port_list(tx, viewer.as_deref(), &query).await?;
                if let Listed::Records(ports) = &mut listed {
                    set_parents(tx, &viewing, ports).await?;
                    crate::trunk::show_details(tx, ports).await?;
                    qos::show_all(tx, ports).await?;
                }
                Ok::<_, Error>(listed)
            })
        });
        match listed.await? {
            Listed::Records(mut ports) => {
                core.ports_show_names(&mut ports);
                ports.retain(|port| viewing.sees(port));
                Ok(ports)
            }
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let asking = core.clone();
        let found = core
            .ports_shown()
            .ask(parse(id)?, move |ids| asking.clone().ports_load_shown(ids))
            .await?;
        let mut port = found.ok_or_else(|| missing(id))?;
        // The network matters only where the port's own project does not decide.
        if core.sight(caller, &port) == Verdict::NeedsParent {
            let network = Box::pin(core.network_row(port.network_id)).await?;
            set_parent(&mut port, network.as_ref());
        }
        if !core.sees(caller, &port) {
            return Err(missing(id));
        }
        core.ports_show_names(std::slice::from_mut(&mut port));
        Ok(port)
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: PortDraft,
        precondition: Precondition,
    ) -> Result<Self> {
        let input = (caller.clone(), parse(id)?, draft, precondition, core.now());
        core.write("port update", input, |core, tx, (caller, id, draft, precondition, now)| {
            Box::pin(
                async move { core.port_update(tx, &caller, id, draft, precondition, now).await },
            )
        })
        .await
    }

    async fn delete(
        core: &Core,
        caller: &Caller,
        id: &str,
        precondition: Precondition,
    ) -> Result<()> {
        let input = (caller.clone(), parse(id)?, precondition);
        core.write("port delete", input, |core, tx, (caller, id, precondition)| {
            Box::pin(async move { core.port_delete(tx, &caller, id, precondition).await })
        })
        .await
    }
}

fn parse(id: &str) -> Result<PortId> {
    id.parse().map_err(|_| missing(id))
}

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(Port::DECL, id)
}

/// Tells a port what policy may ask of its network.
pub(crate) fn set_parent(port: &mut Port, network: Option<&Network>) {
    if let Some(network) = network {
        port.parent_shared = Some(network.shared);
        port.parent_project = Some(network.project_id.clone());
    }
}

/// Tells ports what policy may ask of their networks, where what is seen of them hangs on that. One question for all.
async fn set_parents(tx: &mut Tx, viewing: &Viewing, ports: &mut [Port]) -> Result<()> {
    let mut asked: Vec<&mut Port> =
        ports.iter_mut().filter(|port| viewing.needs_parent(&**port)).collect();
    let mut ids: Vec<NetworkId> = asked.iter().map(|port| port.network_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let networks = networks::network_get_all(tx, &ids).await?;
    let networks: BTreeMap<NetworkId, Network> =
        networks.into_iter().map(|network| (network.id, network)).collect();
    for port in &mut asked {
        set_parent(port, networks.get(&port.network_id));
    }
    Ok(())
}

impl Core {
    /// Ports with all that they show, whoever asks.
    async fn ports_load_shown(self, ids: Vec<PortId>) -> Result<BTreeMap<PortId, Port>> {
        let found = self.store().read(|tx| {
            let ids = ids.clone();
            Box::pin(async move {
                let mut ports = store::port_get_shown(tx, &ids).await?;
                crate::trunk::show_details(tx, &mut ports).await?;
                show_requests(tx, &mut ports).await?;
                Ok::<_, Error>(ports)
            })
        });
        Ok(found.await?.into_iter().map(|port| (port.id, port)).collect())
    }

    /// A network as far as policy asks of it.
    async fn network_row(&self, id: NetworkId) -> Result<Option<Network>> {
        let found = self.store().read(|tx| {
            Box::pin(async move { Ok::<_, Error>(networks::network_get(tx, id).await?) })
        });
        found.await
    }

    /// Everything that a port is decided from.
    pub(crate) async fn ground(&self, tx: &mut Tx, id: NetworkId, host: &str) -> Result<Ground> {
        let found = ground_get(tx, Under::Network(id), host, None).await?;
        found.map(|(ground, _)| ground).ok_or_else(|| crate::network::missing(id))
    }

    /// As [`Core::ground`], with the network as the caller has it, and whether the caller reaches it.
    pub(crate) async fn ground_as_seen(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        host: &str,
    ) -> Result<(Ground, bool)> {
        let found = ground_get(tx, Under::Network(id), host, Self::viewer(caller)).await?;
        let (mut ground, open) = found.ok_or_else(|| crate::network::missing(id))?;
        let reached = sharing::reach_row(caller, &mut ground.network, &open);
        Ok((ground, reached))
    }

    /// As [`Core::ground`]; to one who does not see the network, or does not reach it, it is not there.
    pub(crate) async fn ground_reached(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        host: &str,
    ) -> Result<Ground> {
        match self.ground_as_seen(tx, caller, id, host).await? {
            (ground, true) if self.sees(caller, &ground.network) => Ok(ground),
            _ => Err(crate::network::missing(id)),
        }
    }

    /// A subnet as the caller has it, and what ports there stand on; `None` to one who does not see it.
    pub(crate) async fn ground_of_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetId,
        host: &str,
    ) -> Result<Option<(Subnet, Ground)>> {
        let under = Under::Subnet(id);
        let found = ground_get(tx, under, host, Some(caller.project_id())).await?;
        let Some((ground, open)) = found else { return Ok(None) };
        let Some(subnet) = ground.subnets.iter().find(|subnet| subnet.id == id) else {
            return Ok(None);
        };
        let mut network = ground.network.clone();
        let reached = sharing::reach(caller, &mut network, |action| open.contains(action));
        if !reached && subnet.project_id != caller.project_id() {
            return Ok(None);
        }
        let shown = if reached { &network } else { &ground.network };
        let subnet = crate::subnet::complete(subnet.clone(), shown);
        Ok(self.sees(caller, &subnet).then_some((subnet, ground)))
    }

    /// Gives a port other addresses, on behalf of its network rather than of a request.
    pub(crate) async fn port_readdress(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        before: &Port,
        fixed_ips: Vec<FixedIp>,
        now: Timestamp,
    ) -> Result<()> {
        let mut after = Port { fixed_ips, ..before.clone() };
        self.port_store(tx, caller, before, &mut after, now).await
    }

    async fn port_delete(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        precondition: Precondition,
    ) -> Result<()> {
        let mut port = store::port_get_held(tx, id).await?.ok_or_else(|| missing(id))?;
        if !caller.is_admin() {
            let network = networks::network_get(tx, port.network_id).await?;
            set_parent(&mut port, network.as_ref());
        }
        self.authorise_delete(caller, &port)?;
        hold(precondition, port.revision_number)?;
        crate::router::check_deletable(tx, &port).await?;
        crate::local_ip::check_deletable(tx, &port).await?;
        self.port_remove(tx, caller, &port).await
    }

    /// Deletes a port with its addresses and tags.
    pub(crate) async fn port_remove(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        port: &Port,
    ) -> Result<()> {
        crate::trunk::check_deletable(port)?;
        let dependents = port_dependents(tx, port.id).await?;
        if dependents.contains(Dependents::FLOATING_IP) {
            crate::floating_ip::port_goes(tx, caller, port, self.now()).await?;
        }
        if dependents.contains(Dependents::NDP_PROXY) {
            crate::ndp_proxy::port_goes(tx, caller, port).await?;
        }
        if dependents.contains(Dependents::LOG) {
            crate::log::logged_goes(tx, caller, Logged::Port(port.id)).await?;
        }
        crate::local_ip::port_goes(tx, caller, port, dependents).await?;
        match store::port_delete_at(tx, port.id, port.revision_number).await {
            // Something came to lead to it meanwhile.
            Err(nucleon_db::Error::Reference { .. }) => return Err(Error::collided()),
            deleted => again(tx, deleted)?,
        }
        if !port.tags.is_empty() {
            tags::tag_delete_of(tx, &port.id.to_string()).await?;
        }
        emit_port(tx, caller, Operation::Delete, None, port);
        Ok(())
    }

    /// Nobody serves a network by DHCP any more: its ports wait for that no longer.
    pub(crate) async fn ports_waive_dhcp(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: NetworkId,
        now: Timestamp,
    ) -> Result<()> {
        let waiting = store::port_ids_awaiting_dhcp(tx, network).await?;
        let ids: Vec<PortId> = waiting.iter().map(|(id, _)| *id).collect();
        store::port_part_ready(tx, &ids, Part::Dhcp, now).await?;
        for (id, revision) in waiting {
            emit_port_status(tx, caller, id, revision + 1);
        }
        Ok(())
    }
}
