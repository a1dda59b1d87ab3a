//! Networks.

mod external;
pub(crate) mod sharing;

use nucleon_db::{Listed, Operation, Tx, network as store, port as ports, subnet as subnets};
use nucleon_model::{
    AgentType, AttrSet, Field, ListQuery, Network, NetworkDraft, NetworkId, PortId, QosPolicyId,
    Resource, Timestamp, port,
};

use crate::availability_zone::check_hints;
use crate::change::{again, emit_network, emit_network_moved, emit_subnet};
use crate::driver::Change;
use crate::port::pvlan;
use crate::qos_policy::{self, check_network, check_ports_on};
use crate::segment::{invalid_input, wanted};
use crate::{Caller, Core, Error, Noun, Operations, Precondition, Result, quota};

/// IPv6's smallest link MTU (RFC 8200, section 5) and IPv4's (RFC 791, section 3.2).
const MIN_MTU_V6: i64 = 1280;
const MIN_MTU_V4: i64 = 68;

/// Ports that a refusal to delete a network names, at most.
const MOST_NAMED: u64 = 100;

impl Noun for Network {
    const OPERATIONS: Operations = Operations::all();

    fn key(&self) -> String {
        self.id.to_string()
    }

    async fn create(core: &Core, caller: &Caller, drafts: Vec<NetworkDraft>) -> Result<Vec<Self>> {
        let input = (caller.clone(), drafts, core.now());
        core.write("network create", input, |core, tx, (caller, drafts, now)| {
            Box::pin(async move {
                quota::limit::<Self>(tx);
                let mut networks = Vec::with_capacity(drafts.len());
                for draft in drafts {
                    networks.push(core.network_create(tx, &caller, draft, now).await?);
                }
                Ok(networks)
            })
        })
        .await
    }

    async fn list(core: &Core, caller: &Caller, query: ListQuery) -> Result<Vec<Self>> {
        let viewer = Core::viewer(caller).map(str::to_owned);
        let listed = core.store().snapshot(|tx| {
            let (core, caller) = (core.clone(), caller.clone());
            let (viewer, query) = (viewer.clone(), query.clone());
            Box::pin(async move {
                let mut listed = store::network_list(tx, viewer.as_deref(), &query).await?;
                if let Listed::Records(networks) = &mut listed {
                    *networks = core.networks_seen(tx, &caller, std::mem::take(networks)).await?;
                }
                Ok::<_, Error>(listed)
            })
        });
        match listed.await? {
            Listed::Records(mut networks) => {
                let viewing = core.viewing::<Self>(caller);
                networks.retain(|network| viewing.sees(network));
                Ok(networks)
            }
            Listed::NoMarker(id) => Err(Error::not_found(Self::DECL, id)),
        }
    }

    async fn show(core: &Core, caller: &Caller, id: &str) -> Result<Self> {
        let network_id = parse(id)?;
        let found = core.store().read(|tx| {
            let project = caller.project_id().to_owned();
            Box::pin(async move {
                Ok::<_, Error>(store::network_get_shown(tx, network_id, &project).await?)
            })
        });
        let (mut network, actions) = found.await?.ok_or_else(|| missing(id))?;
        if !sharing::reach(caller, &mut network, |action| actions.contains(action)) {
            return Err(missing(id));
        }
        if core.sees(caller, &network) { Ok(network) } else { Err(missing(id)) }
    }

    async fn update(
        core: &Core,
        caller: &Caller,
        id: &str,
        draft: NetworkDraft,
        precondition: Precondition,
    ) -> Result<Self> {
        let input = (caller.clone(), parse(id)?, draft, precondition, core.now());
        core.write("network update", input, |core, tx, (caller, id, draft, precondition, now)| {
            Box::pin(
                async move { core.network_update(tx, &caller, id, draft, precondition, now).await },
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
        core.write("network delete", input, |core, tx, (caller, id, precondition)| {
            Box::pin(async move { core.network_delete(tx, &caller, id, precondition).await })
        })
        .await
    }

    /// A network shows its only segment as `provider:*`, several as `segments`, never both; and whether it is the default
    /// one where it is external, or just made.
    fn concealed(&self) -> AttrSet {
        let several = !self.segments.is_empty();
        let inside = !self.external && !self.is_new;
        Self::DECL.select(|attribute| match attribute.name {
            "is_default" => inside,
            "segments" => !several,
            name => several && name.starts_with("provider:"),
        })
    }
}

fn parse(id: &str) -> Result<NetworkId> {
    id.parse().map_err(|_| missing(id))
}

pub(crate) fn missing(id: impl std::fmt::Display) -> Error {
    Error::not_found(Network::DECL, id)
}

/// Refuses when the object is not at the revision that the request names.
pub(crate) fn hold(precondition: Precondition, revision: i64) -> Result<()> {
    match precondition.revision {
        Some(expected) if expected != revision => Err(Error::revision_mismatch(expected, revision)),
        _ => Ok(()),
    }
}

impl Core {
    pub(crate) async fn network_create(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        draft: NetworkDraft,
        now: Timestamp,
    ) -> Result<Network> {
        let wanted = wanted(&draft)?;
        let requested_mtu = draft.mtu.get().copied().unwrap_or(0);
        let mut network = Network {
            id: NetworkId::new(self.new_uuid()),
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: caller.project_of(&draft.project_id),
            admin_state_up: draft.admin_state_up.get().copied().unwrap_or(true),
            shared: draft.shared.get().copied().unwrap_or(false),
            external: draft.external.get().copied().unwrap_or(false),
            is_default: draft.is_default.get().copied().unwrap_or(false),
            port_security_enabled: draft.port_security_enabled.get().copied().unwrap_or(true),
            description: draft.description.get().cloned().unwrap_or_default(),
            dns_domain: draft.dns_domain.get().cloned().unwrap_or_default(),
            pvlan: draft.pvlan.get().copied().unwrap_or(false),
            ha_project: draft
                .ha
                .get()
                .copied()
                .unwrap_or(false)
                .then(|| caller.project_id().to_owned()),
            availability_zone_hints: draft
                .availability_zone_hints
                .get()
                .cloned()
                .unwrap_or_default(),
            status: "ACTIVE".to_owned(),
            l2_adjacency: true,
            created_at: now,
            updated_at: now,
            revision_number: 1,
            ..Network::default()
        };
        self.authorise_create(caller, &draft, &network)?;
        pvlan::check_network(&network, draft.pvlan)?;
        self.check(&Change::NetworkCreate(&network))?;
        self.default_group(tx, caller, &network.project_id, now).await?;
        // The row before its segments, which refer to it; the MTU is known only after them.
        network.mtu = requested_mtu;
        external::place(&mut network);
        external::check_default(tx, &network).await?;
        self.network_under_policy(tx, caller, &mut network, &draft.qos_policy_id).await?;
        if let Some(project) = &network.ha_project
            && store::network_of_ha(tx, project).await?.is_some()
        {
            return Err(Error::conflict(
                "DuplicatedHANetwork",
                format!("Project {project} already has a HA network."),
            ));
        }
        let inserted = store::network_insert(tx, std::slice::from_ref(&network)).await;
        external::unless_taken(inserted)??;
        self.network_share(tx, &network).await?;
        let segments = self.segments_create(tx, &network, &wanted, now).await?;
        let largest = i64::from(self.segments_mtu(&segments));
        check_mtu(requested_mtu, largest)?;
        check_hints(tx, AgentType::Dhcp, &network.availability_zone_hints).await?;
        if requested_mtu == 0 {
            network.mtu = largest;
            store::network_update_at(tx, &network, network.revision_number).await?;
        }
        store::network_show_segments(&mut network, segments);
        emit_network(tx, caller, Operation::Create, &network);
        network.is_new = true;
        Ok(network)
    }

    async fn network_update(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        draft: NetworkDraft,
        precondition: Precondition,
        now: Timestamp,
    ) -> Result<Network> {
        let before = self.network_load(tx, id).await?;
        let seen = self.network_seen(tx, caller, before.clone()).await?;
        self.authorise_update(caller, &draft, &seen.ok_or_else(|| missing(id))?)?;
        hold(precondition, before.revision_number)?;
        let mut after = before.clone();
        if draft.network_type.is_given()
            || draft.physical_network.is_given()
            || draft.segmentation_id.is_given()
            || draft.segments.is_given()
        {
            return Err(invalid_input("Plugin does not support updating provider attributes"));
        }
        if let Field::Value(mtu) = draft.mtu {
            let segments = nucleon_db::segment::segment_list_of(tx, &[id]).await?;
            let largest = i64::from(self.segments_mtu(&segments));
            let versions: Vec<i64> = subnets::subnet_list_of(tx, &[id])
                .await?
                .iter()
                .map(|subnet| subnet.ip_version)
                .collect();
            check_mtu(mtu, largest)?;
            after.mtu = if mtu == 0 { largest } else { mtu };
            for version in versions {
                check_subnet_mtu(&after, version)?;
            }
        }
        draft.name.apply(&mut after.name);
        draft.admin_state_up.apply(&mut after.admin_state_up);
        draft.external.apply(&mut after.external);
        draft.shared.apply(&mut after.shared);
        draft.is_default.apply(&mut after.is_default);
        external::place(&mut after);
        if after.default_place != before.default_place {
            external::check_default(tx, &after).await?;
        }
        draft.port_security_enabled.apply(&mut after.port_security_enabled);
        draft.description.apply(&mut after.description);
        draft.dns_domain.apply(&mut after.dns_domain);
        pvlan::check_network(&after, draft.pvlan)?;
        draft.pvlan.apply(&mut after.pvlan);
        pvlan::follow_network(tx, &before, &after).await?;
        let wanted = &draft.qos_policy_id;
        if let Some(policy) =
            qos_policy::change(self, tx, caller, &mut after.qos_policy_id, wanted).await?
        {
            check_network(self, &policy, id)?;
            check_ports_on(self, tx, &policy, id).await?;
        }
        self.network_share_again(tx, &before, &after).await?;
        self.check(&Change::NetworkUpdate { before: &before, after: &after })?;
        // Neutron bumps the revision on every update that names an attribute, changed or not.
        after.revision_number = before.revision_number + 1;
        after.updated_at = now;
        let written = store::network_update_at(tx, &after, before.revision_number).await;
        again(tx, external::unless_taken(written)?)?;
        emit_network(tx, caller, Operation::Update, &after);
        if before.admin_state_up && !after.admin_state_up {
            // No DHCP agent serves a network that is down: nobody may wait for one.
            self.ports_waive_dhcp(tx, caller, id, now).await?;
        }
        self.network_seen(tx, caller, after).await?.ok_or_else(|| missing(id))
    }

    /// Brings a new network under the policy that it asks for, or its project's default one.
    async fn network_under_policy(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        network: &mut Network,
        wanted: &Field<QosPolicyId>,
    ) -> Result<()> {
        network.qos_policy_id = match wanted.get() {
            Some(id) => Some(*id),
            None => qos_policy::default_of(tx, &network.project_id).await?,
        };
        let Some(id) = network.qos_policy_id else { return Ok(()) };
        let policy = qos_policy::wanted(self, tx, caller, id).await?;
        check_network(self, &policy, network.id)
    }

    pub(crate) async fn network_delete(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: NetworkId,
        precondition: Precondition,
    ) -> Result<()> {
        let network = store::network_get_held(tx, id).await?.ok_or_else(|| missing(id))?;
        let seen = self.network_seen(tx, caller, network.clone()).await?;
        self.authorise_delete(caller, &seen.ok_or_else(|| missing(id))?)?;
        hold(precondition, network.revision_number)?;
        crate::floating_ip::network_goes(self, tx, caller, &network).await?;
        let foreign = ports::port_ids_in_use(tx, id, port::OWNER_DHCP, MOST_NAMED).await?;
        if !foreign.is_empty() {
            return Err(in_use(id, &foreign));
        }
        let hosts = self.dhcp_hosts(tx, id).await?;
        for port in ports::port_list_of_owner(tx, id, port::OWNER_DHCP).await? {
            self.port_remove(tx, caller, &port).await?;
        }
        let subnets = subnets::subnet_list_of(tx, &[id]).await?;
        self.subnets_release(tx, &subnets).await?;
        for subnet in subnets {
            let deleted = subnets::subnet_delete_at(tx, subnet.id, subnet.revision_number).await;
            again(tx, unless_referred(deleted)?)?;
            nucleon_db::tag::tag_delete_of(tx, &subnet.id.to_string()).await?;
            emit_subnet(tx, caller, Operation::Delete, &subnet);
        }
        nucleon_db::segment::segment_delete_of(tx, id).await?;
        nucleon_db::tag::tag_delete_of(tx, &id.to_string()).await?;
        crate::sharing::forget(tx, store::OBJECT_TYPE, &network).await?;
        let deleted = store::network_delete_at(tx, id, network.revision_number).await;
        again(tx, unless_referred(deleted)?)?;
        // With the network goes the record of who served it: they are told now or never.
        let revision = network.revision_number;
        emit_network_moved(tx, caller, Operation::Delete, id, revision, &hosts);
        quota::charge::<Network>(tx, &network.project_id, -1);
        Ok(())
    }

    /// A network, complete, and held to the end of the transaction.
    async fn network_load(&self, tx: &mut Tx, id: NetworkId) -> Result<Network> {
        let mut found: Vec<Network> = store::network_get_held(tx, id).await?.into_iter().collect();
        store::network_complete(tx, &mut found).await?;
        found.pop().ok_or_else(|| missing(id))
    }

    /// Asks the mechanism drivers about a change.
    pub(crate) fn check(&self, change: &Change<'_>) -> Result<()> {
        for driver in &self.drivers().mechanisms {
            driver
                .check(change)
                .map_err(|refusal| Error::conflict("MechanismDriverError", refusal.to_string()))?;
        }
        Ok(())
    }
}

/// A port came between our look and the deletion: look again.
fn unless_referred<T>(
    deleted: std::result::Result<T, nucleon_db::Error>,
) -> Result<std::result::Result<T, nucleon_db::Error>> {
    match deleted {
        Err(nucleon_db::Error::Reference { .. }) => Err(Error::collided()),
        other => Ok(other),
    }
}

fn in_use(id: NetworkId, ports: &[PortId]) -> Error {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    Error::conflict(
        "NetworkInUse",
        format!(
            "Unable to complete operation on network {id}. There are one or more ports still in \
             use on the network, id for these ports is: {}.",
            ports.join(",")
        ),
    )
}

fn check_mtu(mtu: i64, largest: i64) -> Result<()> {
    if mtu > largest {
        return Err(invalid_input(format!("Requested MTU is too big, maximum is {largest}")));
    }
    Ok(())
}

/// Packets of a subnet's IP version fit through its network. A network without subnets may be as narrow as it likes.
pub(crate) fn check_subnet_mtu(network: &Network, ip_version: i64) -> Result<()> {
    let least = if network.mtu < MIN_MTU_V4 || ip_version != 6 { MIN_MTU_V4 } else { MIN_MTU_V6 };
    if network.mtu == 0 || network.mtu >= least {
        return Ok(());
    }
    Err(Error::conflict(
        "NetworkMTUSubnetConflict",
        format!("MTU of {} is not valid, subnet requires a minimum of {least}", network.id),
    ))
}
