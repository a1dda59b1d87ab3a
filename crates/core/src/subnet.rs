//! Subnets.

mod address;
mod segment;

use nucleon_db::{
    Listed, Operation, Tx, allocation, network as networks, port as ports, subnet as store,
};
use nucleon_model::{
    ListQuery, Network, Port, Resource, Subnet, SubnetDraft, SubnetId, Timestamp, port,
};

use crate::change::{again, emit_subnet};
use crate::driver::Change;
use crate::network::{check_subnet_mtu, hold};
use crate::subnet::segment::Moved;
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result, quota};

impl Noun for Subnet {
    const OPERATIONS: Operations = Operations::all();

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn create(core: &Core, caller: &Caller, drafts: Vec<SubnetDraft>) -> Result<Vec<Self>> {
        let input = (caller.clone(), drafts, core.now());
        core.write("subnet create", input, |core, tx, (caller, drafts, now)| {
            Box::pin(async move {
                quota::limit::<Self>(tx);
                let mut subnets = Vec::with_capacity(drafts.len());
                for draft in drafts {
                    subnets.push(core.subnet_create(tx, &caller, draft, now).await?);
                }
                Ok(subnets)
            })
        })
        .await
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let viewer = Core::viewer(caller).map(str::to_owned);
        let listed = core.store().snapshot(|tx| {
            let (viewer, query) = (viewer.clone(), query.clone());
            let project = caller.project_id().to_owned();
            Box::pin(async move {
                Ok::<_, Error>(store::subnet_list(tx, viewer.as_deref(), &project, &query).await?)
            })
        });
        match listed.await? {
            Listed::Records(mut subnets) => {
                let viewing = core.viewing::<Self>(caller);
                subnets.retain(|subnet| viewing.sees(subnet));
                Ok(subnets)
            }
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let subnet_id = parse(id)?;
        let found = core.store().snapshot(|tx| {
            let (core, caller) = (core.clone(), caller.clone());
            Box::pin(async move {
                let Some(subnet) = store::subnet_get(tx, subnet_id).await? else {
                    return Ok::<_, Error>(None);
                };
                let network = networks::network_get(tx, subnet.network_id).await?;
                let Some(network) = network else { return Ok(None) };
                core.subnet_seen(tx, &caller, subnet, network).await
            })
        });
        let subnet = found.await?.filter(|subnet| core.sees(caller, subnet));
        subnet.ok_or_else(|| missing(id))
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: SubnetDraft,
        precondition: Precondition,
    ) -> Result<Self> {
        let input = (caller.clone(), parse(id)?, draft, precondition, core.now());
        core.write("subnet update", input, |core, tx, (caller, id, draft, precondition, now)| {
            Box::pin(
                async move { core.subnet_update(tx, &caller, id, draft, precondition, now).await },
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
        let input = (caller.clone(), parse(id)?, precondition, core.now());
        core.write("subnet delete", input, |core, tx, (caller, id, precondition, now)| {
            Box::pin(async move { core.subnet_delete(tx, &caller, id, precondition, now).await })
        })
        .await
    }
}

fn parse(id: &str) -> Result<SubnetId> {
    id.parse().map_err(|_| missing(id))
}

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(Subnet::DECL, id)
}

/// With what a subnet shows of its network.
pub(crate) fn complete(mut subnet: Subnet, network: &Network) -> Subnet {
    subnet.parent_project = Some(network.project_id.clone());
    subnet.external = network.external;
    subnet.shared = network.shared;
    subnet
}

impl Core {
    /// A subnet as the caller sees it: by its own project, or by way of its network.
    pub(crate) async fn subnet_seen(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        subnet: Subnet,
        network: Network,
    ) -> Result<Option<Subnet>> {
        let own = subnet.project_id == caller.project_id();
        let found = match self.network_seen(tx, caller, network.clone()).await? {
            Some(seen) => Some(complete(subnet, &seen)),
            None => own.then(|| complete(subnet, &network)),
        };
        Ok(found)
    }

    pub(crate) async fn subnet_create(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        draft: SubnetDraft,
        now: Timestamp,
    ) -> Result<Subnet> {
        let network_id = draft.network_id.get().copied().unwrap_or_default();
        // The guard: from here on, nobody else changes what is on this network.
        match networks::network_touch(tx, network_id, now).await {
            Err(nucleon_db::Error::Stale { .. }) => Err(crate::network::missing(network_id)),
            other => other.map_err(Error::from),
        }?;
        let found = networks::network_get(tx, network_id).await?;
        let network = self.network_reached(tx, caller, network_id, found).await?;
        let project_id = caller.project_of(&draft.project_id);
        let standing = Subnet { project_id: project_id.clone(), network_id, ..Subnet::default() };
        self.authorise_create(caller, &draft, &complete(standing, &network))?;
        check_subnet_mtu(&network, draft.ip_version.get().copied().unwrap_or_default())?;
        let others = store::subnet_list_of(tx, &[network_id]).await?;
        let cut = self.subnet_prefix(tx, caller, &draft, &project_id, &others).await?;
        let mut subnet = address::from_draft(self.settings(), draft, project_id, &cut)?;
        address::check_apart(&subnet, &others)?;
        cut.check_affinity(&others)?;
        let segments = nucleon_db::segment::segment_list_of(tx, &[network_id]).await?;
        segment::check_new(tx, &subnet, &others, &segments).await?;
        if subnet.segment_id.is_some() {
            subnet.host_routes = segment::routes(&subnet, &others, Moved::default());
        }
        self.check(&Change::SubnetCreate(&subnet))?;
        subnet.id = SubnetId::new(self.new_uuid());
        subnet.created_at = now;
        subnet.updated_at = now;
        let subnet = complete(subnet, &network);
        store::subnet_insert(tx, std::slice::from_ref(&subnet)).await?;
        emit_subnet(tx, caller, Operation::Create, &subnet);
        if subnet.segment_id.is_some() {
            let all = [others.clone(), vec![subnet.clone()]].concat();
            self.subnets_reroute(tx, caller, &others, &all, Moved::default(), now).await?;
        }
        if subnet.is_auto_address() {
            self.ports_join_auto_subnet(tx, caller, &subnet, now).await?;
        }
        if subnet.enable_dhcp {
            self.dhcp_serve_subnet(tx, caller, network.id, now).await?;
        }
        Ok(subnet)
    }

    async fn subnet_update(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetId,
        draft: SubnetDraft,
        precondition: Precondition,
        now: Timestamp,
    ) -> Result<Subnet> {
        let (before, network) = self.subnet_load(tx, caller, id, now).await?;
        self.authorise_update(caller, &draft, &before)?;
        hold(precondition, before.revision_number)?;
        if draft.segment_id.is_given() {
            let segment = draft.segment_id.get().copied();
            let others = store::subnet_list_of(tx, &[before.network_id]).await?;
            let segments = nucleon_db::segment::segment_list_of(tx, &[before.network_id]).await?;
            let others: Vec<Subnet> = others.into_iter().filter(|other| other.id != id).collect();
            segment::check_moved(tx, &before, segment, &others, &segments).await?;
        }
        let mut after = before.clone();
        address::update(self.settings(), &mut after, draft)?;
        if after.segment_id.is_some()
            && (after.host_routes != before.host_routes || after.gateway_ip != before.gateway_ip)
        {
            let all = store::subnet_list_of(tx, &[before.network_id]).await?;
            let moved = Moved { old_gateway: before.gateway_ip, ..Moved::default() };
            after.host_routes = segment::routes(&after, &all, moved);
        }
        after.revision_number = before.revision_number + 1;
        after.updated_at = now;
        if after.gateway_ip != before.gateway_ip {
            check_gateway_free(tx, &before).await?;
        }
        let written = store::subnet_update_at(tx, &after, before.revision_number).await;
        again(tx, written)?;
        emit_subnet(tx, caller, Operation::Update, &after);
        if after.enable_dhcp && !before.enable_dhcp {
            self.dhcp_serve_subnet(tx, caller, network.id, now).await?;
        } else if before.enable_dhcp && !after.enable_dhcp {
            self.dhcp_leave_subnet(tx, caller, &after, now).await?;
        }
        Ok(after)
    }

    async fn subnet_delete(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetId,
        precondition: Precondition,
        now: Timestamp,
    ) -> Result<()> {
        let (subnet, _) = self.subnet_load(tx, caller, id, now).await?;
        self.authorise_delete(caller, &subnet)?;
        hold(precondition, subnet.revision_number)?;
        self.subnet_vacate(tx, caller, &subnet, now).await?;
        nucleon_db::tag::tag_delete_of(tx, &id.to_string()).await?;
        match store::subnet_delete_at(tx, id, subnet.revision_number).await {
            Err(nucleon_db::Error::Reference { .. }) => return Err(in_use(id)),
            other => again(tx, other)?,
        }
        self.subnets_release(tx, std::slice::from_ref(&subnet)).await?;
        emit_subnet(tx, caller, Operation::Delete, &subnet);
        if subnet.segment_id.is_some() {
            let left = store::subnet_list_of(tx, &[subnet.network_id]).await?;
            let moved = Moved { gone: subnet.cidr, ..Moved::default() };
            self.subnets_reroute(tx, caller, &left, &left, moved, now).await?;
        }
        self.dhcp_release_idle(tx, caller, subnet.network_id, now).await
    }

    /// Brings the routes between subnets on segments up to date; those that stay as they are cost nothing.
    async fn subnets_reroute(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        subnets: &[Subnet],
        all: &[Subnet],
        moved: Moved,
        now: Timestamp,
    ) -> Result<()> {
        for before in subnets {
            let host_routes = segment::routes(before, all, moved);
            if host_routes == before.host_routes {
                continue;
            }
            let after = Subnet {
                host_routes,
                revision_number: before.revision_number + 1,
                updated_at: now,
                ..before.clone()
            };
            let written = store::subnet_update_at(tx, &after, before.revision_number).await;
            again(tx, written)?;
            emit_subnet(tx, caller, Operation::Update, &after);
        }
        Ok(())
    }

    /// Takes the addresses on a subnet from ports that do not keep it alive: DHCP agents' ports, and all ports where
    /// addresses follow from the prefix.
    async fn subnet_vacate(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        subnet: &Subnet,
        now: Timestamp,
    ) -> Result<()> {
        let keeps = |owner: &String| {
            owner != port::OWNER_DHCP
                && (!subnet.is_auto_address() || owner.starts_with("network:router"))
        };
        if allocation::allocation_owners(tx, subnet.id).await?.iter().any(keeps) {
            return Err(in_use(subnet.id));
        }
        let holders = allocation::allocation_holders(tx, subnet.id).await?;
        let holders = ports::port_get_all_held(tx, &holders).await?;
        // On a segment an address that follows from the prefix may be all that a port has.
        let alone = |port: &Port| port.fixed_ips.iter().all(|held| held.subnet_id == subnet.id);
        if subnet.segment_id.is_some() && subnet.is_auto_address() && holders.iter().any(alone) {
            return Err(in_use(subnet.id));
        }
        for port in &holders {
            let mut fixed_ips = port.fixed_ips.clone();
            fixed_ips.retain(|fixed_ip| fixed_ip.subnet_id != subnet.id);
            self.port_readdress(tx, caller, port, fixed_ips, now).await?;
        }
        Ok(())
    }

    /// A subnet about to be changed, and its network, which is held from here on: the guard of all that must agree on one
    /// network. The network's revision grows, for agents see subnets in its body.
    async fn subnet_load(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: SubnetId,
        now: Timestamp,
    ) -> Result<(Subnet, Network)> {
        let place = store::subnet_get(tx, id).await?.ok_or_else(|| missing(id))?.network_id;
        let touched = networks::network_touch(tx, place, now).await;
        again(tx, touched)?;
        // As it is now that nobody else can change it.
        let subnet = store::subnet_get(tx, id).await?.ok_or_else(|| missing(id))?;
        let network = networks::network_get(tx, place).await?.ok_or_else(|| missing(id))?;
        let seen = self.subnet_seen(tx, caller, subnet, network.clone()).await?;
        Ok((seen.ok_or_else(|| missing(id))?, network))
    }
}

/// A gateway address that a router has stays.
async fn check_gateway_free(tx: &mut Tx, before: &Subnet) -> Result<()> {
    let Some(gateway) = before.gateway_ip else { return Ok(()) };
    let holder = match allocation::allocation_holder(tx, before.id, gateway).await? {
        Some(port) => ports::port_get(tx, port).await?,
        None => None,
    };
    match holder.filter(|port| port.device_owner.starts_with("network:router")) {
        None => Ok(()),
        Some(port) => Err(Error::conflict(
            "GatewayIpInUse",
            format!(
                "Current gateway ip {gateway} already in use by port {}. Unable to update.",
                port.id
            ),
        )),
    }
}

fn in_use(id: SubnetId) -> Error {
    Error::conflict(
        "SubnetInUse",
        format!(
            "Unable to complete operation on subnet {id}: One or more ports have an IP allocation \
             from this subnet."
        ),
    )
}
