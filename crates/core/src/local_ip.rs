//! Local IPs.
//!
//! The address is that of a port: one that is named, or one that is made for it and goes with it.

mod association;

use std::net::IpAddr;

use nucleon_db::port_dependents::{Dependents, port_dependents};
use nucleon_db::{Operation, Tx, local_ip as store, port as ports};
use nucleon_model::local_ip::OWNER_LOCAL_IP;
use nucleon_model::{
    Field, FixedIp, FixedIpRequest, LocalIp, LocalIpDraft, NetworkId, Port, PortId, Resource as _,
    Timestamp, port,
};

use crate::change::emit;
use crate::entity::Entity;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for LocalIp {
    const OPERATIONS: Operations = Operations::PLAIN.union(Operations::BULK);

    fn of(draft: &LocalIpDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            ip_mode: draft.ip_mode.get().cloned().unwrap_or_else(|| "translate".to_owned()),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &LocalIpDraft,
    ) -> Result<()> {
        let wanted = draft.local_ip_address.get().copied();
        let (port, address) = match (draft.local_port_id.get(), draft.network_id.get()) {
            (Some(port), _) => {
                let port = own_port(tx, caller, Self::DECL.name, *port).await?;
                let address = address_of(&port, wanted)?;
                (port, address)
            }
            (None, Some(network)) => make_port(core, tx, caller, self, *network, wanted).await?,
            (None, None) => {
                return Err(Error::invalid(
                    "LocalIPPortOrNetworkRequired",
                    "Either Port ID or Network ID must be specified for Local IP create.",
                ));
            }
        };
        self.local_port_id = port.id;
        self.network_id = port.network_id;
        self.local_ip_address = Some(address);
        Ok(())
    }

    async fn change(
        &mut self,
        _: &Core,
        _: &mut Tx,
        _: &Caller,
        draft: LocalIpDraft,
    ) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    async fn release(&self, core: &Core, tx: &mut Tx, caller: &Caller, _: Timestamp) -> Result<()> {
        if store::local_ip_is_answered(tx, self.id).await? {
            return Err(Error::conflict(
                "LocalIPInUse",
                format!("Local IP {} is still associated with one or more ports.", self.id),
            ));
        }
        match ports::port_get_held(tx, self.local_port_id).await? {
            Some(port) if holds_for(&port, self) => core.port_remove(tx, caller, &port).await,
            _ => Ok(()),
        }
    }
}

/// Whether a port was made for a local IP.
fn holds_for(port: &Port, local_ip: &LocalIp) -> bool {
    port.device_owner == OWNER_LOCAL_IP && port.device_id == local_ip.id.to_string()
}

/// A port of the caller's project, or any for an administrator; held, so that its addresses stay.
async fn own_port(tx: &mut Tx, caller: &Caller, resource: &str, id: PortId) -> Result<Port> {
    let port = ports::port_get_held(tx, id).await?;
    port.filter(|port| caller.is_admin() || port.project_id == caller.project_id())
        .ok_or_else(|| Error::bad_request(resource, format!("Port {id} not found")))
}

/// The address of a port: the one that is named, or the only one.
fn address_of(port: &Port, wanted: Option<IpAddr>) -> Result<IpAddr> {
    let id = port.id;
    let has = |address: IpAddr| port.fixed_ips.iter().any(|held| held.ip_address == address);
    match (port.fixed_ips.as_slice(), wanted) {
        ([], None) => Err(Error::invalid(
            "LocalIPNoIP",
            format!("Specified Port {id} has no fixed IPs configured."),
        )),
        (_, Some(address)) if has(address) => Ok(address),
        (_, Some(address)) => Err(Error::invalid(
            "LocalIPRequestedIPNotFound",
            format!("Specified Port {id} does not have requested IP address: {address}."),
        )),
        ([FixedIp { ip_address, .. }], None) => Ok(*ip_address),
        (_, None) => Err(Error::invalid(
            "LocalIPNoRequestedIP",
            format!(
                "Specified Port {id} has several IPs, should specify exact IP address to use for Local IP."
            ),
        )),
    }
}

/// Makes the port that holds the address, on a network that the caller reaches.
async fn make_port(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    local_ip: &LocalIp,
    id: NetworkId,
    wanted: Option<IpAddr>,
) -> Result<(Port, IpAddr)> {
    let ground = core.ground_reached(tx, caller, id, "").await?;
    let no_ipv4 =
        || Error::bad_request("local_ip", format!("Network {id} does not contain any IPv4 subnet"));
    if !ground.subnets.iter().any(|subnet| subnet.ip_version == 4) {
        return Err(no_ipv4());
    }
    let port = Port {
        project_id: local_ip.project_id.clone(),
        network_id: id,
        device_id: local_ip.id.to_string(),
        device_owner: OWNER_LOCAL_IP.to_owned(),
        status: port::status::NOT_APPLICABLE.to_owned(),
        ..Port::default()
    };
    let addresses = wanted.map_or(Field::Absent, |address| {
        Field::Value(vec![FixedIpRequest { subnet_id: None, ip_address: Some(address) }])
    });
    let port = core.port_make_on(tx, caller, port, (&addresses, &ground), core.now()).await?;
    let held = port.fixed_ips.iter().map(|held| held.ip_address);
    let address = wanted.or_else(|| held.clone().find(IpAddr::is_ipv4)).ok_or_else(no_ipv4)?;
    Ok((port, address))
}

/// The API of ports must not delete a port that was made for a local IP: it goes with that.
pub(crate) async fn check_deletable(tx: &mut Tx, port: &Port) -> Result<()> {
    if port.device_owner != OWNER_LOCAL_IP {
        return Ok(());
    }
    let holds = port_dependents(tx, port.id).await?.contains(Dependents::LOCAL_IP);
    if holds { Err(held(port.id)) } else { Ok(()) }
}

/// A port goes, and answers no local IP any more. A port of its own that has the address of one stays.
pub(crate) async fn port_goes(
    tx: &mut Tx,
    caller: &Caller,
    port: &Port,
    dependents: Dependents,
) -> Result<()> {
    if dependents.contains(Dependents::LOCAL_IP) && port.device_owner != OWNER_LOCAL_IP {
        return Err(held(port.id));
    }
    if !dependents.contains(Dependents::LOCAL_IP_ASSOCIATION) {
        return Ok(());
    }
    for mut association in store::local_ip_association_forget(tx, port.id).await? {
        association.host.clone_from(&port.host);
        emit(tx, caller, Operation::Delete, &association, &association.scopes());
    }
    Ok(())
}

fn held(port: PortId) -> Error {
    Error::conflict(
        "ServicePortInUse",
        format!(
            "Port {port} cannot be deleted directly via the port API: still referenced by Local IPs."
        ),
    )
}
