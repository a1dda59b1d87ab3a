//! Ports.
//!
//! The way of a create: what it stands on (network, subnets, segments, agents) is read, the rest is decided in memory,
//! and written: port, addresses, outbox. Eight statements.

mod address;
mod bind;
mod check;

use nucleon_db::{
    Listed, Operation, Tx, agent as agents, allocation, network as networks, port as store,
};
use nucleon_db::{segment as segments, subnet as subnets, tag as tags};
use nucleon_model::{
    Agent, AttrSet, Draft, Field, FixedIp, ListQuery, Network, NetworkId, Port, PortDraft, PortId,
    Resource, Segment, Subnet, Timestamp, port,
};

pub(crate) use address::add_auto_addresses;

use crate::change::{emit_port, emit_port_status};
use crate::driver::Change;
use crate::network::hold;
use crate::policy::{Action, Target};
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result};

/// How often an operation starts over when another took its address or MAC address in the meantime.
const TRIES: usize = 10;

/// What a port stands on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub network: Network,
    pub subnets: Vec<Subnet>,
    pub segments: Vec<Segment>,
    /// Agents on the port's host.
    pub agents: Vec<Agent>,
    /// DHCP agents that serve the network.
    pub dhcp_agents: Vec<Agent>,
}

impl Noun for Port {
    const OPERATIONS: Operations = Operations::all();

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn create(core: &Core, caller: &Caller, drafts: Vec<PortDraft>) -> Result<Vec<Self>> {
        core.ports_create(caller, drafts).await
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let viewer = core.viewer(caller).map(str::to_owned);
        let listed = core.store().read(|tx| {
            let (viewer, query) = (viewer.clone(), query.clone());
            Box::pin(async move {
                Ok::<_, Error>(store::port_list(tx, viewer.as_deref(), &query).await?)
            })
        });
        match listed.await? {
            Listed::Records(ports) => Ok(ports),
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let port_id = parse(id)?;
        // The network matters only for who owns it, which an administrator need not ask.
        let ask_network = !caller.is_admin();
        let found = core.store().read(|tx| {
            Box::pin(async move {
                let Some(port) = store::port_get(tx, port_id).await? else {
                    return Ok::<_, Error>(None);
                };
                let network = match ask_network {
                    true => networks::network_get(tx, port.network_id).await?,
                    false => None,
                };
                Ok(Some((port, network)))
            })
        });
        let (port, network) = found.await?.ok_or_else(|| missing(id))?;
        let standing = target(&port, network.as_ref());
        let seen = core.policy().allows(caller, Action::Get, Self::DECL, &standing);
        if seen { Ok(port) } else { Err(missing(id)) }
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

    fn shown(&self, core: &Core, caller: &Caller) -> AttrSet {
        core.shown::<Self>(caller, &target(self, None))
    }
}

fn parse(id: &str) -> Result<PortId> {
    id.parse().map_err(|_| missing(id))
}

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(Port::DECL, id)
}

fn target<'a>(port: &'a Port, network: Option<&'a Network>) -> Target<'a> {
    Target {
        project_id: &port.project_id,
        network_project_id: network.map(|network| network.project_id.as_str()),
        shared: network.is_some_and(|network| network.shared),
    }
}

impl Core {
    async fn ports_create(&self, caller: &Caller, drafts: Vec<PortDraft>) -> Result<Vec<Port>> {
        let input = (caller.clone(), drafts, self.now());
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome =
                self.write("port create", input.clone(), |core, tx, (caller, drafts, now)| {
                    Box::pin(async move { core.ports_create_in(tx, &caller, drafts, now).await })
                });
            match outcome.await {
                Err(error) if error.name() == COLLIDED && tries < TRIES => {}
                Err(error) if error.name() == COLLIDED => return Err(Error::unavailable(error)),
                outcome => return outcome,
            }
        }
    }

    async fn ports_create_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        drafts: Vec<PortDraft>,
        now: Timestamp,
    ) -> Result<Vec<Port>> {
        let mut grounds: Vec<(NetworkId, String, Ground)> = Vec::new();
        let mut created = Vec::with_capacity(drafts.len());
        let mut taken = Vec::new();
        for draft in drafts {
            let network_id = draft.network_id.get().copied().unwrap_or_default();
            let host = draft.host.get().cloned().unwrap_or_default();
            let place =
                match grounds.iter().position(|(id, on, _)| *id == network_id && *on == host) {
                    Some(place) => place,
                    None => {
                        let ground = self.ground(tx, network_id, &host).await?;
                        grounds.push((network_id, host, ground));
                        grounds.len() - 1
                    }
                };
            let Some((_, _, ground)) = grounds.get(place) else { continue };
            let port = self.port_from_draft(tx, caller, draft, ground, &mut taken, now).await?;
            created.push(port);
        }
        self.ports_insert(tx, caller, &created).await?;
        Ok(created)
    }

    /// Everything that a new port is decided from, in four statements.
    pub(crate) async fn ground(&self, tx: &mut Tx, id: NetworkId, host: &str) -> Result<Ground> {
        let network =
            networks::network_get(tx, id).await?.ok_or_else(|| crate::network::missing(id))?;
        let subnets = subnets::subnet_list_of(tx, &[id]).await?;
        let segments = segments::segment_list_of(tx, &[id]).await?;
        let (agents, dhcp_agents) = agents::agent_list_about(tx, host, id).await?;
        Ok(Ground { network, subnets, segments, agents, dhcp_agents })
    }

    async fn port_from_draft(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        draft: PortDraft,
        ground: &Ground,
        taken: &mut Vec<FixedIp>,
        now: Timestamp,
    ) -> Result<Port> {
        let network = &ground.network;
        let project_id =
            draft.project_id.get().cloned().unwrap_or_else(|| caller.project_id().to_owned());
        let standing = Target {
            project_id: &project_id,
            network_project_id: Some(&network.project_id),
            shared: network.shared,
        };
        self.authorise_port_create(caller, &draft, network, &standing)?;
        check::draft(self.settings(), &draft)?;
        let mut port = Port {
            id: PortId::new(self.new_uuid()),
            name: draft.name.value().unwrap_or_default(),
            network_id: network.id,
            admin_state_up: draft.admin_state_up.value().unwrap_or(true),
            mac_address: draft
                .mac_address
                .value()
                .unwrap_or_else(|| self.settings().mac_from(self.random().bytes())),
            device_id: draft.device_id.value().unwrap_or_default(),
            device_owner: draft.device_owner.value().unwrap_or_default(),
            host: draft.host.value().unwrap_or_default(),
            vnic_type: draft.vnic_type.value().unwrap_or_else(|| "normal".to_owned()),
            profile: draft.profile.value().unwrap_or_default(),
            description: draft.description.value().unwrap_or_default(),
            tags: draft.tags.value().unwrap_or_default(),
            created_at: now,
            updated_at: now,
            revision_number: 1,
            view_revision: 1,
            project_id,
            ..Port::default()
        };
        port.allowed_address_pairs =
            check::pairs(draft.allowed_address_pairs.value().unwrap_or_default(), port.mac_address);
        port.extra_dhcp_opts = check::dhcp_opts(Vec::new(), draft.extra_dhcp_opts.value());
        self.allocate(tx, &mut port, &draft.fixed_ips, ground, taken).await?;
        self.bind(&mut port, ground);
        self.set_awaited(&mut port, ground);
        self.check(&Change::PortCreate(&port))?;
        Ok(port)
    }

    fn authorise_port_create(
        &self,
        caller: &Caller,
        draft: &PortDraft,
        network: &Network,
        standing: &Target<'_>,
    ) -> Result<()> {
        let on_network = crate::network::target(network);
        if !self.policy().allows(caller, Action::Get, Network::DECL, &on_network) {
            return Err(crate::network::missing(network.id));
        }
        // What is at its default asks for nothing special.
        let asked = Port::DECL.select(|attribute| match attribute.name {
            "binding:vnic_type" => draft.vnic_type.get().is_some_and(|kind| kind != "normal"),
            "device_owner" => draft.device_owner.get().is_some_and(|owner| !owner.is_empty()),
            "device_id" => draft.device_id.get().is_some_and(|id| !id.is_empty()),
            _ => true,
        });
        self.authorise::<Port>(caller, Action::Create, draft.given().and(asked), standing, "")?;
        check::owner(caller, draft.device_owner.get(), Action::Create, network)
    }

    /// Writes new ports with their addresses and tags.
    pub(crate) async fn ports_insert(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        ports: &[Port],
    ) -> Result<()> {
        match store::port_insert(tx, ports).await {
            Err(error) if error.is_conflict_on(store::PORT_MAC_KEY) => Err(mac_taken(ports)),
            other => other.map_err(Error::from),
        }?;
        let addresses: Vec<(PortId, FixedIp)> = ports
            .iter()
            .flat_map(|port| port.fixed_ips.iter().map(|fixed_ip| (port.id, *fixed_ip)))
            .collect();
        match allocation::allocation_insert(tx, &addresses).await {
            Err(error) if error.is_conflict_on(allocation::ALLOCATION_KEY) => Err(collided()),
            Err(nucleon_db::Error::Reference { .. }) => Err(collided()),
            other => other.map_err(Error::from),
        }?;
        for port in ports {
            tags::tag_insert(tx, &port.id.to_string(), &port.tags).await?;
            emit_port(tx, caller, Operation::Create, None, port);
        }
        Ok(())
    }

    async fn port_update(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        draft: PortDraft,
        precondition: Precondition,
        now: Timestamp,
    ) -> Result<Port> {
        let before = store::port_get(tx, id).await?.ok_or_else(|| missing(id))?;
        let host = match &draft.host {
            Field::Value(host) => host.clone(),
            Field::Null => String::new(),
            Field::Absent => before.host.clone(),
        };
        let ground = self.ground(tx, before.network_id, &host).await?;
        let standing = target(&before, Some(&ground.network));
        self.authorise::<Port>(caller, Action::Update, draft.given(), &standing, &id.to_string())?;
        check::owner(caller, draft.device_owner.get(), Action::Update, &ground.network)?;
        hold(precondition, before.revision_number)?;
        check::draft(self.settings(), &draft)?;
        let mut after = before.clone();
        check::mac_change(&before, &draft)?;
        let rebind = self.apply(&mut after, draft.clone(), host);
        if draft.fixed_ips.is_given() {
            self.reallocate(tx, &mut after, &before, &draft.fixed_ips, &ground).await?;
        } else if before.ip_allocation == "deferred" && !after.host.is_empty() {
            self.allocate(tx, &mut after, &Field::Absent, &ground, &mut Vec::new()).await?;
        }
        if rebind {
            self.bind(&mut after, &ground);
        }
        if rebind
            || after.fixed_ips != before.fixed_ips
            || after.admin_state_up != before.admin_state_up
        {
            self.await_again(&before, &mut after, &ground, rebind);
        }
        self.check(&Change::PortUpdate { before: &before, after: &after })?;
        after.revision_number = before.revision_number + 1;
        after.updated_at = now;
        let seen = crate::body::seen_by_agents(&before, &after);
        after.view_revision = before.view_revision + i64::from(seen);
        self.port_write(tx, &before, &after).await?;
        if seen {
            emit_port(tx, caller, Operation::Update, Some(&before), &after);
        } else {
            emit_port_status(tx, caller, id, after.revision_number);
        }
        Ok(after)
    }

    /// Takes over what a request says; returns whether the port has to be bound anew.
    fn apply(&self, port: &mut Port, draft: PortDraft, host: String) -> bool {
        draft.name.apply(&mut port.name);
        draft.description.apply(&mut port.description);
        draft.admin_state_up.apply(&mut port.admin_state_up);
        draft.device_id.apply(&mut port.device_id);
        draft.device_owner.apply(&mut port.device_owner);
        let mac_changed = match draft.mac_address {
            Field::Value(mac) => std::mem::replace(&mut port.mac_address, mac) != mac,
            // A new address for `null` (alias port-mac-address-regenerate).
            Field::Null => {
                port.mac_address = self.settings().mac_from(self.random().bytes());
                true
            }
            Field::Absent => false,
        };
        if draft.allowed_address_pairs.is_given() {
            let pairs = draft.allowed_address_pairs.value().unwrap_or_default();
            port.allowed_address_pairs = check::pairs(pairs, port.mac_address);
        }
        port.extra_dhcp_opts = check::dhcp_opts(
            std::mem::take(&mut port.extra_dhcp_opts),
            draft.extra_dhcp_opts.value(),
        );
        let moved = port.host != host;
        port.host = host;
        let other_kind = draft.vnic_type.apply(&mut port.vnic_type);
        let other_profile = draft.profile.apply(&mut port.profile);
        let failed = port.vif_type == port::vif_type::BINDING_FAILED;
        moved || other_kind || mac_changed || other_profile || failed
    }

    /// Writes a changed port, and what changed of its addresses.
    pub(crate) async fn port_write(&self, tx: &mut Tx, before: &Port, after: &Port) -> Result<()> {
        let gone: Vec<FixedIp> = before
            .fixed_ips
            .iter()
            .filter(|fixed_ip| !after.fixed_ips.contains(fixed_ip))
            .copied()
            .collect();
        let come: Vec<(PortId, FixedIp)> = after
            .fixed_ips
            .iter()
            .filter(|fixed_ip| !before.fixed_ips.contains(fixed_ip))
            .map(|fixed_ip| (after.id, *fixed_ip))
            .collect();
        match store::port_update_at(tx, after, before.revision_number).await {
            Err(error) if error.is_conflict_on(store::PORT_MAC_KEY) => {
                Err(mac_taken(std::slice::from_ref(after)))
            }
            // Another change came first: look again.
            Err(nucleon_db::Error::Stale { .. }) => Err(tx.retry("port changed meanwhile").into()),
            other => other.map_err(Error::from),
        }?;
        allocation::allocation_delete(tx, after.id, &gone).await?;
        match allocation::allocation_insert(tx, &come).await {
            Err(error) if error.is_conflict_on(allocation::ALLOCATION_KEY) => {
                Err(address::in_use(&come))
            }
            other => other.map_err(Error::from),
        }
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
        let mut after = before.clone();
        after.fixed_ips = fixed_ips;
        after.revision_number = before.revision_number + 1;
        after.view_revision = before.view_revision + 1;
        after.updated_at = now;
        self.port_write(tx, before, &after).await?;
        emit_port(tx, caller, Operation::Update, Some(before), &after);
        Ok(())
    }

    async fn port_delete(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        precondition: Precondition,
    ) -> Result<()> {
        let port = store::port_get(tx, id).await?.ok_or_else(|| missing(id))?;
        let network = match caller.is_admin() {
            true => None,
            false => networks::network_get(tx, port.network_id).await?,
        };
        let standing = target(&port, network.as_ref());
        let empty = AttrSet::default();
        self.authorise::<Port>(caller, Action::Delete, empty, &standing, &id.to_string())?;
        hold(precondition, port.revision_number)?;
        self.port_remove(tx, caller, &port).await
    }

    /// Deletes a port with its addresses and tags.
    pub(crate) async fn port_remove(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        port: &Port,
    ) -> Result<()> {
        match store::port_delete_at(tx, port.id, port.revision_number).await {
            // Changed, or deleted, by another: look again.
            Err(nucleon_db::Error::Stale { .. }) => Err(tx.retry("port changed meanwhile").into()),
            other => other.map_err(Error::from),
        }?;
        if !port.tags.is_empty() {
            tags::tag_delete_of(tx, &port.id.to_string()).await?;
        }
        emit_port(tx, caller, Operation::Delete, None, port);
        Ok(())
    }
}

/// Name of the error by which a transaction says that what it had chosen was taken by another meanwhile.
const COLLIDED: &str = "Collided";

fn collided() -> Error {
    Error::conflict(COLLIDED, "an address was taken by another request meanwhile")
}

/// One of these ports has a MAC address that the network knows already. Which is not said by the database; with one
/// port there is no doubt, and made-up addresses are made up again.
fn mac_taken(ports: &[Port]) -> Error {
    match ports {
        [port] => Error::conflict(
            "MacAddressInUse",
            format!(
                "Unable to complete operation for network {}. The mac address {} is in use.",
                port.network_id, port.mac_address
            ),
        ),
        _ => collided(),
    }
}
