//! Changing ports.

use nucleon_db::{Operation, Tx, allocation, port as store, port_binding as bindings};
use nucleon_model::{Field, FixedIp, FixedIpRequest, Port, PortDraft, PortId, Timestamp, port};

use nucleon_net::MacAddr;

use super::{Found, Ground, address, check, detail, missing, pvlan, qos};
use crate::change::{again, emit_port, emit_port_in_groups, emit_port_status};
use crate::driver::Change;
use crate::network::hold;
use crate::qos_policy::show_requests;
use crate::{Caller, Core, Error, Precondition, Result};

/// Whether a change calls for another binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rebind {
    No,
    /// Drivers may want to know; a binding that stands is not given up for it.
    May,
    /// There is none yet; perhaps somebody can now.
    Retry,
    /// What there was cannot hold.
    Must,
}

impl Core {
    pub(super) async fn port_update(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        draft: PortDraft,
        precondition: Precondition,
        now: Timestamp,
    ) -> Result<Port> {
        let before = store::port_get_held(tx, id).await?.ok_or_else(|| missing(id))?;
        let host = match &draft.host {
            Field::Value(host) => host.clone(),
            Field::Null => String::new(),
            Field::Absent => before.host.clone(),
        };
        // One's own port stays one's own, also where the network is out of reach by now.
        let (ground, _) = self.ground_as_seen(tx, caller, before.network_id, &host).await?;
        let standing = Port {
            // Rules about a `device_owner` mean the one that is asked for (CVE-2015-5240).
            device_owner: draft.device_owner.get().unwrap_or(&before.device_owner).clone(),
            parent_project: Some(ground.network.project_id.clone()),
            parent_shared: Some(ground.network.shared),
            ..before.clone()
        };
        self.authorise_update(caller, &draft, &standing)?;
        hold(precondition, before.revision_number)?;
        check::draft(self.settings(), &draft)?;
        check::mac_change(&before, &draft)?;
        if let Field::Value(mac) = draft.mac_address
            && mac != before.mac_address
        {
            check::mac_free(tx, before.network_id, mac).await?;
        }
        let mut after = before.clone();
        detail::change(&mut after, &draft)?;
        let mut rebind = self.apply(&mut after, draft.clone(), host);
        if let Some(mac) = detail::card_mac(&before, &after) {
            if let Field::Value(mac) = mac {
                check::mac_free(tx, before.network_id, mac).await?;
            }
            self.apply_mac(&mut after, mac);
            rebind = Rebind::Must;
        }
        if (&after.device_owner, &after.device_id) != (&before.device_owner, &before.device_id) {
            crate::router::check_devices(tx, caller, std::slice::from_ref(&after)).await?;
        }
        if draft.fixed_ips.is_given() {
            self.reallocate(tx, &mut after, &before, &draft.fixed_ips, &ground).await?;
            crate::router::check_addresses(tx, &before, &after).await?;
            crate::floating_ip::port_readdressed(tx, caller, &before, &after, now).await?;
        } else if before.ip_allocation == address::DEFERRED && !after.host.is_empty() {
            self.allocate(tx, &mut after, &Field::Absent, &ground, &mut Found::default()).await?;
        } else if after.host != before.host {
            address::check_host(self, &after, &ground)?;
        }
        if after.mac_address != before.mac_address {
            address::follow_mac(&mut after, &before, &ground.subnets);
        }
        if after.host != before.host {
            // What was prepared there is it now.
            bindings::port_binding_delete(tx, id, &after.host).await?;
        }
        let security = (draft.port_security_enabled, draft.security_groups);
        self.port_secure(tx, caller, &mut after, security, now).await?;
        pvlan::settle(&mut after, &ground.network, draft.pvlan_type, draft.pvlan_community)?;
        self.port_call(&mut after, draft.dns_name, draft.dns_domain)?;
        let wire = self.rebind(&before, &mut after, rebind, &ground)
            || after.admin_state_up != before.admin_state_up;
        Self::await_again(&before, &mut after, &ground, wire);
        let policies = (&draft.qos_policy_id, &ground.network);
        qos::change(self, tx, caller, &mut after, policies).await?;
        self.check(&Change::PortUpdate { before: &before, after: &after })?;
        self.port_store(tx, caller, &before, &mut after, now).await?;
        if after.host != before.host {
            crate::trunk::parent_moved(self, tx, caller, &after, now).await?;
        }
        crate::trunk::show_details(tx, std::slice::from_mut(&mut after)).await?;
        show_requests(tx, std::slice::from_mut(&mut after)).await?;
        self.ports_show_names(std::slice::from_mut(&mut after));
        Ok(after)
    }

    /// Gives a port the addresses that are asked for, on behalf of something else of the cloud.
    pub(crate) async fn port_request_addresses(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        before: &Port,
        addresses: Vec<FixedIpRequest>,
        now: Timestamp,
    ) -> Result<Port> {
        let ground = self.ground(tx, before.network_id, &before.host).await?;
        let mut after = before.clone();
        let addresses = Field::Value(addresses);
        self.reallocate(tx, &mut after, before, &addresses, &ground).await?;
        Self::await_again(before, &mut after, &ground, false);
        self.check(&Change::PortUpdate { before, after: &after })?;
        self.port_store(tx, caller, before, &mut after, now).await?;
        Ok(after)
    }

    /// Binds a changed port anew, if that is called for. Returns whether its host has to wire it anew.
    fn rebind(&self, before: &Port, after: &mut Port, rebind: Rebind, ground: &Ground) -> bool {
        if rebind == Rebind::No {
            return false;
        }
        let mut bound = after.clone();
        self.bind(&mut bound, ground);
        // The agent may be away just now; what it has wired stands.
        if rebind == Rebind::May && before.is_bound() && !bound.is_bound() {
            return false;
        }
        *after = bound;
        rebind == Rebind::Must
            || (&before.vif_type, &before.vif_details, before.segment_id)
                != (&after.vif_type, &after.vif_details, after.segment_id)
    }

    /// Writes a changed port, and says so to those who see the difference.
    pub(crate) async fn port_store(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        before: &Port,
        after: &mut Port,
        now: Timestamp,
    ) -> Result<()> {
        after.revision_number = before.revision_number + 1;
        after.updated_at = now;
        let seen = crate::body::seen_by_agents(before, after);
        after.view_revision = before.view_revision + i64::from(seen);
        if after.status == port::status::ACTIVE && before.status != port::status::ACTIVE {
            after.active_at = Some(now);
        }
        port_write(tx, before, after).await?;
        self.members_update(tx, before, after).await?;
        if seen {
            emit_port(tx, caller, Operation::Update, Some(before), after);
        } else if seen_in_groups(before, after) {
            emit_port_in_groups(tx, caller, before, after);
        } else {
            emit_port_status(tx, caller, after.id, after.revision_number);
        }
        Ok(())
    }

    /// Gives a port a MAC address, a new one for `null` (alias `port-mac-address-regenerate`). Returns whether it changed.
    fn apply_mac(&self, port: &mut Port, wanted: Field<MacAddr>) -> bool {
        let mac = match wanted {
            Field::Value(mac) => mac,
            Field::Null => self.settings().mac_from(self.random().bytes()),
            Field::Absent => return false,
        };
        std::mem::replace(&mut port.mac_address, mac) != mac
    }

    /// Takes over what a request says; returns whether the port is to be bound anew.
    fn apply(&self, port: &mut Port, draft: PortDraft, host: String) -> Rebind {
        draft.name.apply(&mut port.name);
        draft.description.apply(&mut port.description);
        draft.admin_state_up.apply(&mut port.admin_state_up);
        draft.device_id.apply(&mut port.device_id);
        draft.device_owner.apply(&mut port.device_owner);
        let mac_changed = self.apply_mac(port, draft.mac_address);
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
        if moved || other_kind || mac_changed {
            Rebind::Must
        } else if port.vif_type == port::vif_type::BINDING_FAILED {
            Rebind::Retry
        } else if other_profile {
            Rebind::May
        } else {
            Rebind::No
        }
    }
}

/// Whether those who follow a port's security groups would see a difference, though nobody else does.
fn seen_in_groups(before: &Port, after: &Port) -> bool {
    let part = |port: &Port| {
        let groups = port.security_groups.clone();
        (groups, port.port_security_enabled, port.allowed_address_pairs.clone())
    };
    part(before) != part(after)
}

/// Writes the row, and what changed of the addresses.
async fn port_write(tx: &mut Tx, before: &Port, after: &Port) -> Result<()> {
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
    let written = store::port_update_at(tx, after, before.revision_number).await;
    if written.as_ref().is_err_and(|error| error.is_conflict_on(store::PORT_MAC_KEY)) {
        return Err(Error::collided());
    }
    again(tx, written)?;
    allocation::allocation_delete(tx, after.id, &gone).await?;
    allocation::allocation_insert(tx, &come);
    Ok(())
}
