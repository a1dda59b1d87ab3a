//! Creating ports.

use nucleon_db::{Operation, Tx, allocation, port as store, security_group as groups, tag as tags};
use nucleon_model::{
    Field, FixedIpRequest, Network, NetworkId, Port, PortDraft, PortId, Timestamp,
};
use nucleon_net::MacAddr;

use super::security::Groups;
use super::{Found, Ground, check, detail, pvlan, qos};
use crate::change::emit_port;
use crate::driver::Change;
use crate::qos_policy::show_requests;
use crate::{Caller, Core, Result, quota};

impl Core {
    pub(super) async fn ports_create(
        &self,
        caller: &Caller,
        drafts: Vec<PortDraft>,
    ) -> Result<Vec<Port>> {
        let input = (caller.clone(), drafts, self.now());
        self.write("port create", input, |core, tx, (caller, drafts, now)| {
            Box::pin(async move { core.ports_create_in(tx, &caller, drafts, now).await })
        })
        .await
    }

    async fn ports_create_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        drafts: Vec<PortDraft>,
        now: Timestamp,
    ) -> Result<Vec<Port>> {
        quota::limit::<Port>(tx);
        let mut grounds: Vec<(NetworkId, String, Ground)> = Vec::new();
        let mut created: Vec<Port> = Vec::with_capacity(drafts.len());
        let mut found = Found::for_ports(drafts.len());
        let groups = Groups::of_drafts(self, tx, caller, &drafts, now).await?;
        for draft in drafts {
            let network_id = draft.network_id.get().copied().unwrap_or_default();
            let host = draft.host.get().cloned().unwrap_or_default();
            let known = grounds.iter().position(|(id, on, _)| *id == network_id && *on == host);
            let place = if let Some(place) = known {
                place
            } else {
                let ground = self.ground_reached(tx, caller, network_id, &host).await?;
                grounds.push((network_id, host, ground));
                grounds.len() - 1
            };
            let Some((_, _, ground)) = grounds.get(place) else { continue };
            let known = (ground, &groups);
            let port = self.port_from_draft(tx, caller, draft, known, &mut found, now).await?;
            created.push(port);
        }
        crate::router::check_devices(tx, caller, &created).await?;
        Self::ports_insert(tx, caller, &created);
        show_requests(tx, &mut created).await?;
        self.ports_show_names(&mut created);
        Ok(created)
    }

    async fn port_from_draft(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        draft: PortDraft,
        (ground, groups): (&Ground, &Groups),
        found: &mut Found,
        now: Timestamp,
    ) -> Result<Port> {
        let network = &ground.network;
        let project_id = caller.project_of(&draft.project_id);
        self.authorise_port_create(caller, &draft, network, &project_id)?;
        check::draft(self.settings(), &draft)?;
        let mac_address = match draft.mac_address {
            Field::Value(mac) => {
                check::mac_free(tx, network.id, mac).await?;
                if !found.macs.insert((network.id, mac)) {
                    return Err(check::mac_in_use(network.id, mac));
                }
                mac
            }
            Field::Absent | Field::Null => self.new_mac(network.id, found),
        };
        let mut port = Port {
            id: PortId::new(self.new_uuid()),
            name: draft.name.value().unwrap_or_default(),
            network_id: network.id,
            admin_state_up: draft.admin_state_up.value().unwrap_or(true),
            mac_address,
            device_id: draft.device_id.value().unwrap_or_default(),
            device_owner: draft.device_owner.value().unwrap_or_default(),
            host: draft.host.value().unwrap_or_default(),
            vnic_type: draft.vnic_type.value().unwrap_or_else(|| "normal".to_owned()),
            profile: draft.profile.value().unwrap_or_default(),
            description: draft.description.value().unwrap_or_default(),
            device_profile: draft.device_profile.value(),
            hints: draft.hints.value(),
            hardware_offload_type: draft.hardware_offload_type.value(),
            numa_affinity_policy: draft.numa_affinity_policy.value(),
            propagate_uplink_status: draft.propagate_uplink_status.value().unwrap_or(true),
            trusted: draft.trusted.value(),
            tags: draft.tags.value().unwrap_or_default(),
            created_at: now,
            updated_at: now,
            revision_number: 1,
            view_revision: 1,
            project_id,
            ..Port::default()
        };
        detail::show_in_profile(&mut port);
        port.allowed_address_pairs =
            check::pairs(draft.allowed_address_pairs.value().unwrap_or_default(), port.mac_address);
        port.extra_dhcp_opts = check::dhcp_opts(Vec::new(), draft.extra_dhcp_opts.value());
        self.allocate(tx, &mut port, &draft.fixed_ips, ground, found).await?;
        let security = (&draft.port_security_enabled, &draft.security_groups);
        groups.settle(caller, &mut port, network, security)?;
        let (kind, community) = (draft.pvlan_type, draft.pvlan_community);
        pvlan::settle(&mut port, network, kind, community)?;
        self.port_call(&mut port, draft.dns_name, draft.dns_domain)?;
        self.bind(&mut port, ground);
        Self::set_awaited(&mut port, ground);
        let policies = (&draft.qos_policy_id, network);
        qos::settle(self, tx, caller, &mut port, policies, &mut found.qos).await?;
        self.check(&Change::PortCreate(&port))?;
        Ok(port)
    }

    /// Makes a port on behalf of something else of the cloud, which has been authorised for what it is. `port` says what
    /// is special about it.
    pub(crate) async fn port_make(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        port: Port,
        addresses: &Field<Vec<FixedIpRequest>>,
        now: Timestamp,
    ) -> Result<Port> {
        let ground = self.ground(tx, port.network_id, &port.host).await?;
        self.port_make_on(tx, caller, port, (addresses, &ground), now).await
    }

    /// As [`Core::port_make`], where it is known what the port stands on.
    pub(crate) async fn port_make_on(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        port: Port,
        (addresses, ground): (&Field<Vec<FixedIpRequest>>, &Ground),
        now: Timestamp,
    ) -> Result<Port> {
        let mut found = Found::for_ports(1);
        let mut port = Port {
            id: PortId::new(self.new_uuid()),
            mac_address: self.new_mac(port.network_id, &mut found),
            admin_state_up: true,
            vnic_type: "normal".to_owned(),
            propagate_uplink_status: true,
            created_at: now,
            updated_at: now,
            revision_number: 1,
            view_revision: 1,
            ..port
        };
        self.allocate(tx, &mut port, addresses, ground, &mut found).await?;
        pvlan::settle(&mut port, &ground.network, Field::Absent, Field::Absent)?;
        self.bind(&mut port, ground);
        // One with a status of its own is plugged nowhere, and waits for nobody.
        if port.status.is_empty() {
            Self::set_awaited(&mut port, ground);
        }
        self.check(&Change::PortCreate(&port))?;
        Self::ports_insert(tx, caller, std::slice::from_ref(&port));
        Ok(port)
    }

    fn authorise_port_create(
        &self,
        caller: &Caller,
        draft: &PortDraft,
        network: &Network,
        project_id: &str,
    ) -> Result<()> {
        let standing = Port {
            project_id: project_id.to_owned(),
            network_id: network.id,
            device_owner: draft.device_owner.get().cloned().unwrap_or_default(),
            parent_project: Some(network.project_id.clone()),
            parent_shared: Some(network.shared),
            ..Port::default()
        };
        self.authorise_create(caller, draft, &standing)
    }

    /// A MAC address that no other port of the transaction has. Among 1,000 drawn, two are equal in one case of 33.
    fn new_mac(&self, network: NetworkId, found: &mut Found) -> MacAddr {
        loop {
            let mac = self.settings().mac_from(self.random().bytes());
            if found.macs.insert((network, mac)) {
                return mac;
            }
        }
    }

    /// Writes new ports with their addresses, groups and tags. What was free when we looked may be taken, or gone: where
    /// the request named it, the next look refuses it.
    pub(crate) fn ports_insert(tx: &mut Tx, caller: &Caller, ports: &[Port]) {
        store::port_insert(tx, ports);
        allocation::allocation_insert(tx, &pairs(ports, |port| &port.fixed_ips));
        groups::member_insert(tx, &pairs(ports, |port| &port.security_groups));
        let labels: Vec<(String, String)> = ports
            .iter()
            .flat_map(|port| crate::tag::rows(&port.id.to_string(), &port.tags))
            .collect();
        tags::tag_insert(tx, &labels);
        for port in ports {
            emit_port(tx, caller, Operation::Create, None, port);
        }
    }
}

/// What ports have several of, each with its port.
fn pairs<T: Copy>(ports: &[Port], of: impl Fn(&Port) -> &[T]) -> Vec<(PortId, T)> {
    let with_port = |port| of(port).iter().map(move |one| (port.id, *one));
    ports.iter().flat_map(with_port).collect()
}
