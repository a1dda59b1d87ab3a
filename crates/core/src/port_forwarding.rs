//! Port forwardings of floating IPs.
//!
//! The floating IP and the port inside are held by whoever changes its forwardings: no two may overlap on either side.

use std::net::IpAddr;

use nucleon_db::{Tx, port_forwarding as store, resource as rows};
use nucleon_model::port_forwarding::PortRange;
use nucleon_model::{
    Field, FloatingIp, FloatingIpId, Port, PortForwarding, PortForwardingDraft, PyText,
    Resource as _, Router, RouterId, Timestamp,
};

use crate::child::{self, Child};
use crate::entity::{self, Entity};
use crate::floating_ip::{has_floating_ip, router_between, seen_port, taken};
use crate::{Caller, Core, Error, Operations, Result};

/// A refusal of a request about a port forwarding.
fn bad(reason: impl std::fmt::Display) -> Error {
    Error::bad_request(PortForwarding::DECL.name, reason)
}

impl Child for PortForwarding {
    type Parent = FloatingIp;

    const PARENT_COLUMN: &'static str = "floatingip_id";

    fn parent_id(&self) -> FloatingIpId {
        self.floatingip_id
    }

    fn set_parent_id(&mut self, id: FloatingIpId) {
        self.floatingip_id = id;
    }
}

impl Entity for PortForwarding {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &PortForwardingDraft) -> Self {
        let range =
            |range: Field<PortRange>, single: Field<i64>| asked(range, single).unwrap_or_default();
        Self {
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            external_port_range: range(draft.external_port_range, draft.external_port),
            internal_port_range: range(draft.internal_port_range, draft.internal_port),
            internal_ip_address: draft.internal_ip_address.get().copied(),
            protocol: draft.protocol.get().cloned().unwrap_or_default(),
            internal_port_id: draft.internal_port_id.get().copied().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn load_parents(tx: &mut Tx, forwardings: &mut [Self]) -> Result<()> {
        child::load_parents(tx, forwardings).await
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &PortForwardingDraft,
    ) -> Result<()> {
        for (range, single, what) in [
            (draft.external_port_range, draft.external_port, "external"),
            (draft.internal_port_range, draft.internal_port, "internal"),
        ] {
            if asked(range, single).is_none() {
                return Err(bad(format!(
                    "Either {what}_port or {what}_port_range must be specified"
                )));
            }
        }
        let before = held(tx, self.floatingip_id).await?;
        let port = seen_port(core, tx, caller, self.internal_port_id).await?;
        check_apart(tx, self).await?;
        check_no_floating_ip(tx, self).await?;
        if before.port_id.is_some() {
            let address = self.internal_ip_address.unwrap_or(IpAddr::from([0; 4]));
            return Err(taken(&before, self.internal_port_id, address));
        }
        let router = router(tx, self, &before, &port).await?;
        check_router(self, &before, router.id)?;
        let mut after = FloatingIp { router_id: Some(router.id), ..before.clone() };
        entity::store_changed(core, tx, caller, &before, &mut after, core.now()).await
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: PortForwardingDraft,
    ) -> Result<()> {
        let floating_ip = held(tx, self.floatingip_id).await?;
        let before = self.clone();
        let moved = draft.internal_port_id.get().is_some();
        let external = asked(draft.external_port_range, draft.external_port);
        let internal = asked(draft.internal_port_range, draft.internal_port);
        self.external_port_range = external.unwrap_or(self.external_port_range);
        self.internal_port_range = internal.unwrap_or(self.internal_port_range);
        if let Field::Value(address) = draft.internal_ip_address {
            self.internal_ip_address = Some(address);
        }
        draft.protocol.apply(&mut self.protocol);
        draft.internal_port_id.apply(&mut self.internal_port_id);
        draft.description.apply(&mut self.description);
        if moved {
            check_no_floating_ip(tx, self).await?;
        }
        let port = seen_port(core, tx, caller, self.internal_port_id).await?;
        if self.internal_port_id != before.internal_port_id {
            let router = router(tx, self, &floating_ip, &port).await?;
            check_router(self, &floating_ip, router.id)?;
        }
        if !port.fixed_ips.iter().any(|ip| Some(ip.ip_address) == self.internal_ip_address) {
            return Err(bad(format!(
                "The internal IP does not correspond to an address on the internal port, which has fixed_ips {}",
                python(&port)
            )));
        }
        check_apart(tx, self).await?;
        entity::touch::<FloatingIp>(tx, caller, self.floatingip_id, core.now()).await
    }

    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        let before = held(tx, self.floatingip_id).await?;
        let mut after = before.clone();
        let others = store::port_forwarding_list_of(tx, &[self.floatingip_id]).await?;
        if others.iter().all(|other| other.id == self.id) {
            after.router_id = None;
        }
        entity::store_changed(core, tx, caller, &before, &mut after, now).await
    }

    async fn complete(_: &Core, _: &mut Tx, _: &Caller, forwardings: &mut [Self]) -> Result<()> {
        forwardings.iter_mut().for_each(Self::show_single_ports);
        Ok(())
    }

    /// A port that went meanwhile: to be looked at again.
    fn refused(&self, _: nucleon_db::Error) -> Error {
        Error::collided()
    }
}

/// The ports that a request names, as a range or as one.
fn asked(range: Field<PortRange>, single: Field<i64>) -> Option<PortRange> {
    let single = || {
        let port = u16::try_from(*single.get()?).ok()?;
        PortRange::new(port, port).ok()
    };
    range.get().copied().or_else(single)
}

/// The floating IP, held.
async fn held(tx: &mut Tx, id: FloatingIpId) -> Result<FloatingIp> {
    let found = rows::get_held(tx, id.to_string()).await?;
    found.ok_or_else(|| Error::not_found(FloatingIp::DECL, id))
}

/// A port's addresses as Neutron's messages quote them.
fn python(port: &Port) -> String {
    let addresses = serde_json::to_value(&port.fixed_ips).unwrap_or_default();
    PyText(&addresses).to_string()
}

/// Refuses ports that another forwarding has, outside or inside, and ranges that do not match.
async fn check_apart(tx: &mut Tx, wanted: &PortForwarding) -> Result<()> {
    let (inside, outside) = (wanted.internal_port_range, wanted.external_port_range);
    if inside.span() > 0 && inside.span() != outside.span() {
        return Err(bad(
            "Invalid ranges of internal and/or external ports. The relation between internal and external ports must \
             be N-N or 1-N",
        ));
    }
    let other =
        |other: &&PortForwarding| other.id != wanted.id && other.protocol == wanted.protocol;
    let collision = |key: &str, existing: PortRange, port: PortRange| {
        bad(format!(
            "There is a port collision with the {key}. The following ranges collide: {existing} and {port}"
        ))
    };
    let same_address =
        |other: &&PortForwarding| other.internal_ip_address == wanted.internal_ip_address;
    for other in store::port_forwarding_list_to(tx, wanted.internal_port_id)
        .await?
        .iter()
        .filter(other)
        .filter(same_address)
    {
        if other.internal_port_range.overlaps(inside) {
            return Err(collision("internal_port_range", other.internal_port_range, inside));
        }
    }
    for other in
        store::port_forwarding_list_of(tx, &[wanted.floatingip_id]).await?.iter().filter(other)
    {
        if other.external_port_range.overlaps(outside) {
            return Err(collision("external_port_range", other.external_port_range, outside));
        }
    }
    Ok(())
}

/// A port that a floating IP leads to as a whole has no single ports forwarded to it.
async fn check_no_floating_ip(tx: &mut Tx, wanted: &PortForwarding) -> Result<()> {
    let port = wanted.internal_port_id;
    let Some(floating_ip) = has_floating_ip(tx, port).await? else { return Ok(()) };
    let address = |address: Option<IpAddr>| {
        address.map_or_else(|| "None".to_owned(), |address| address.to_string())
    };
    Err(Error::conflict(
        "PortHasBindingFloatingIP",
        format!(
            "Cannot create port forwarding to floating IP {} ({}) with port {port} using fixed IP {}, as that port \
             already has a binding floating IP.",
            address(floating_ip.floating_ip_address),
            floating_ip.id,
            address(wanted.internal_ip_address)
        ),
    ))
}

/// The router that leads from the address inside to the network outside.
async fn router(
    tx: &mut Tx,
    wanted: &PortForwarding,
    floating_ip: &FloatingIp,
    port: &Port,
) -> Result<Router> {
    if !port.fixed_ips.iter().any(|held| held.ip_address.is_ipv4()) {
        return Err(bad(format!(
            "Requested internal port {} must allocate an IPv4 address at least.",
            port.id
        )));
    }
    let inside = port.fixed_ips.iter().find(|held| {
        held.ip_address.is_ipv4() && Some(held.ip_address) == wanted.internal_ip_address
    });
    let Some(inside) = inside else {
        let address = wanted.internal_ip_address.map(|address| address.to_string());
        return Err(bad(format!(
            "Requested internal IP address {} is not suitable for internal neutron port {}, as its fixed_ips are {}",
            address.unwrap_or_default(),
            port.id,
            python(port)
        )));
    };
    let outside = floating_ip.floating_network_id;
    let found = router_between(tx, inside.subnet_id, outside).await?;
    found.ok_or_else(|| {
        bad(format!(
            "External network {outside} is not reachable from subnet {}. Cannot set Port forwarding for port {} with \
             Floating IP {}",
            inside.subnet_id, port.id, floating_ip.id
        ))
    })
}

/// All forwardings of a floating IP go through one router.
fn check_router(wanted: &PortForwarding, floating_ip: &FloatingIp, router: RouterId) -> Result<()> {
    match floating_ip.router_id {
        Some(held) if held != router => Err(bad(format!(
            "The Floating IP {} had been set on router {held}, the internal Neutron port {} can not reach it",
            floating_ip.id, wanted.internal_port_id
        ))),
        _ => Ok(()),
    }
}
