//! Floating IPs.
//!
//! A floating IP holds its address by a port of its own, on the network outside. It leads to an address of a port inside
//! through a router that reaches both, whose row is held while that is decided: its gateway and interfaces stay.

mod association;
mod leaving;

use std::net::IpAddr;

use nucleon_db::floating_ip::{self as store, ASSOCIATION_KEY};
use nucleon_db::{Tx, port as ports, port_forwarding as forwardings, resource as rows};
use nucleon_model::floating_ip::OWNER_FLOATING_IP;
use nucleon_model::view::Scope;
use nucleon_model::{
    Field, FixedIpRequest, FloatingIp, FloatingIpDraft, FloatingIpId, Network, Port, PortId,
    Router, Timestamp, port,
};

pub(crate) use self::association::{has_floating_ip, router_between, seen_port, taken};
pub(crate) use self::leaving::{port_goes, port_readdressed};

use self::association::Wanted;
use crate::entity::{self, Entity};
use crate::port::Ground;
use crate::{Caller, Core, Error, Operations, Result, qos_policy};

const DOWN: &str = "DOWN";

/// A refusal of a request about a floating IP.
fn bad(reason: impl std::fmt::Display) -> Error {
    Error::bad_request("floatingip", reason)
}

impl Entity for FloatingIp {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &FloatingIpDraft) -> Self {
        let text = |field: &Field<String>| field.get().cloned().unwrap_or_default();
        Self {
            project_id: text(&draft.project_id),
            floating_network_id: draft.floating_network_id.get().copied().unwrap_or_default(),
            dns_domain: text(&draft.dns_domain),
            dns_name: text(&draft.dns_name),
            description: text(&draft.description),
            status: DOWN.to_owned(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &FloatingIpDraft,
    ) -> Result<()> {
        let ground = core.ground_reached(tx, caller, self.floating_network_id, "").await?;
        check_outside(&ground)?;
        let port = make_port(core, tx, caller, (self, &ground), draft).await?;
        let address = port.fixed_ips.iter().map(|held| held.ip_address).find(IpAddr::is_ipv4);
        self.floating_port_id = port.id;
        self.floating_ip_address = Some(address.ok_or_else(|| exhausted(self))?);
        let way = Wanted {
            port: draft.port_id,
            address: draft.fixed_ip_address.get().copied(),
            router: draft.router_id.get().copied(),
        };
        association::set(core, tx, caller, self, way).await?;
        let policy = &draft.qos_policy_id;
        qos_policy::change(core, tx, caller, &mut self.qos_policy_id, policy).await.map(drop)
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: FloatingIpDraft,
    ) -> Result<()> {
        if draft.port_id.get().is_some()
            && !forwardings::port_forwarding_list_of(tx, &[self.id]).await?.is_empty()
        {
            return Err(forwards(self.id));
        }
        // From the time when nothing else could be changed: a change of nothing ends the association.
        let port = if draft == FloatingIpDraft::default() { Field::Null } else { draft.port_id };
        let way = Wanted {
            port,
            address: draft.fixed_ip_address.get().copied(),
            router: draft.router_id.get().copied(),
        };
        association::set(core, tx, caller, self, way).await?;
        draft.description.apply(&mut self.description);
        let policy = &draft.qos_policy_id;
        qos_policy::change(core, tx, caller, &mut self.qos_policy_id, policy).await.map(drop)
    }

    async fn release(&self, core: &Core, tx: &mut Tx, caller: &Caller, _: Timestamp) -> Result<()> {
        if !forwardings::port_forwarding_list_of(tx, &[self.id]).await?.is_empty() {
            return Err(forwards(self.id));
        }
        match ports::port_get_held(tx, self.floating_port_id).await? {
            Some(port) => core.port_remove(tx, caller, &port).await,
            None => Ok(()),
        }
    }

    async fn insert(&mut self, _: &Core, tx: &mut Tx) -> Result<()> {
        rows::insert_later(tx, std::slice::from_ref(self));
        Ok(())
    }

    async fn complete(_: &Core, tx: &mut Tx, _: &Caller, floating_ips: &mut [Self]) -> Result<()> {
        show_ports(tx, floating_ips).await?;
        let ids: Vec<FloatingIpId> = floating_ips.iter().map(|one| one.id).collect();
        let forwardings = forwardings::port_forwarding_list_of(tx, &ids).await?;
        for one in floating_ips {
            let own = forwardings.iter().filter(|forwarding| forwarding.floatingip_id == one.id);
            one.port_forwardings = own.map(Into::into).collect();
        }
        Ok(())
    }

    /// Single ports they do not forward yet.
    async fn complete_new(_: &Core, tx: &mut Tx, _: &Caller, new: &mut [Self]) -> Result<()> {
        show_ports(tx, new).await
    }

    fn scopes(&self) -> Vec<Scope> {
        self.router_id.into_iter().map(Scope::Router).collect()
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        match (self.port_id, self.fixed_ip_address) {
            (Some(port), Some(address)) if error.is_conflict_on(ASSOCIATION_KEY) => {
                taken(self, port, address)
            }
            // The port or the router went, or another took the address: to be looked at again.
            _ => Error::collided(),
        }
    }
}

/// Fills in to which ports floating IPs lead.
async fn show_ports(tx: &mut Tx, floating_ips: &mut [FloatingIp]) -> Result<()> {
    let ids: Vec<PortId> = floating_ips.iter().filter_map(|one| one.port_id).collect();
    let inside = ports::port_get_all(tx, &ids).await?;
    for one in floating_ips {
        let port = inside.iter().find(|port| Some(port.id) == one.port_id);
        one.port_details = port.map(Into::into);
    }
    Ok(())
}

/// The port that holds the address. It is nobody's: projects do not see it.
async fn make_port(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    (floating_ip, ground): (&FloatingIp, &Ground),
    draft: &FloatingIpDraft,
) -> Result<Port> {
    let port = Port {
        network_id: floating_ip.floating_network_id,
        device_id: floating_ip.id.to_string(),
        device_owner: OWNER_FLOATING_IP.to_owned(),
        status: port::status::NOT_APPLICABLE.to_owned(),
        ..Port::default()
    };
    let subnet_id = draft.subnet_id.get().copied();
    let ip_address = draft.floating_ip_address.get().copied();
    let addresses = if subnet_id.is_some() || ip_address.is_some() {
        Field::Value(vec![FixedIpRequest { subnet_id, ip_address }])
    } else {
        Field::Absent
    };
    core.port_make_on(tx, caller, port, (&addresses, ground), core.now()).await
}

/// Refuses a network that does not lead outside, or has no IPv4 addresses to give.
fn check_outside(Ground { network, subnets, .. }: &Ground) -> Result<()> {
    let id = network.id;
    if !network.external {
        return Err(bad(format!("Network {id} is not a valid external network")));
    }
    if !subnets.iter().any(|subnet| subnet.ip_version == 4) {
        return Err(bad(format!("Network {id} does not contain any IPv4 subnet")));
    }
    Ok(())
}

fn exhausted(floating_ip: &FloatingIp) -> Error {
    Error::invalid(
        "ExternalIpAddressExhausted",
        format!(
            "Unable to find any IP address on external network {}.",
            floating_ip.floating_network_id
        ),
    )
}

/// The refusal of what cannot be done to a floating IP whose single ports are forwarded.
fn forwards(id: FloatingIpId) -> Error {
    Error::conflict(
        "FipInUseByPortForwarding",
        format!("Floating IP {id} in use by Port Forwarding resources."),
    )
}

/// A router that floating IPs lead through keeps its gateway.
pub(crate) async fn check_gateway_idle(tx: &mut Tx, router: &Router, gateway: &Port) -> Result<()> {
    if store::floating_ip_list_of_router(tx, router.id).await?.is_empty() {
        return Ok(());
    }
    Err(Error::conflict(
        "RouterExternalGatewayInUseByFloatingIp",
        format!(
            "Gateway cannot be updated for router {}, since a gateway to external network {} is required by one or \
             more floating IPs.",
            router.id, gateway.network_id
        ),
    ))
}

/// Deletes the floating IPs of a network that lead nowhere, as it goes.
pub(crate) async fn network_goes(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    network: &Network,
) -> Result<()> {
    if !network.external {
        return Ok(());
    }
    for idle in store::floating_ip_list_idle(tx, network.id).await? {
        entity::remove(core, tx, caller, &idle, core.now()).await?;
    }
    Ok(())
}
