//! Bindings of one port to several hosts, of which one is active: a machine that moves has its port prepared on the host
//! that it comes to, and switched over when it is there.
//!
//! The active binding is the port's own row. The others lie apart, and no agent hears of them.

use nucleon_db::{Tx, network as networks, port as ports, port_binding as store};
use nucleon_model::port_binding::status;
use nucleon_model::{
    Field, Port, PortBinding, PortBindingDraft, PortDraft, PortId, Timestamp, port,
};

use super::{address, missing, parse, set_parent};
use crate::{Caller, Core, Error, Kind, Precondition, Result};

/// What can have its ports on two hosts.
const MOVABLE: &[&str] = &["compute:", "manila:"];

/// The rule about changes is that about new bindings: Neutron has none of its own.
const CREATE: &str = "create_port_binding";

impl Core {
    /// The bindings of a port, the active one first.
    pub async fn port_bindings(&self, caller: &Caller, port: &str) -> Result<Vec<PortBinding>> {
        let id = parse(port)?;
        let found = self.store().snapshot(|tx| {
            let (core, caller) = (self.clone(), caller.clone());
            Box::pin(async move {
                let port = ports::port_get(tx, id).await?;
                let port = core.movable(tx, &caller, id, port, "get_port_binding").await?;
                let mut bindings = vec![active(&port)];
                bindings.extend(store::port_binding_list(tx, id).await?.into_iter().map(inactive));
                Ok::<_, Error>(bindings)
            })
        });
        found.await
    }

    /// The binding of a port to one host.
    pub async fn port_binding(
        &self,
        caller: &Caller,
        port: &str,
        host: &str,
    ) -> Result<PortBinding> {
        let bindings = self.port_bindings(caller, port).await?;
        let found = bindings.into_iter().find(|binding| binding.host == host);
        found.ok_or_else(|| not_found(port, host))
    }

    /// Binds a port to one more host, where it waits to become active.
    pub async fn port_binding_create(
        &self,
        caller: &Caller,
        port: &str,
        draft: PortBindingDraft,
    ) -> Result<PortBinding> {
        let input = (caller.clone(), parse(port)?, draft);
        self.write("port binding create", input, |core, tx, (caller, id, draft)| {
            Box::pin(async move {
                let port = core.movable_held(tx, &caller, id, CREATE).await?;
                let host = draft.host.get().cloned().unwrap_or_default();
                check_free(tx, &port, &host).await?;
                let binding = PortBinding {
                    host,
                    port_id: id,
                    vnic_type: draft.vnic_type.get().cloned().unwrap_or_default(),
                    profile: draft.profile.value().unwrap_or_default(),
                    ..PortBinding::default()
                };
                let binding = core.bind_apart(tx, &port, binding).await?;
                store::port_binding_insert(tx, &binding).await?;
                Ok(inactive(binding))
            })
        })
        .await
    }

    /// Changes a binding; the active one as a change of the port itself would.
    pub async fn port_binding_update(
        &self,
        caller: &Caller,
        port: &str,
        host: &str,
        draft: PortBindingDraft,
    ) -> Result<PortBinding> {
        let input = (caller.clone(), parse(port)?, host.to_owned(), draft, self.now());
        self.write("port binding update", input, |core, tx, (caller, id, host, draft, now)| {
            Box::pin(async move {
                let port = core.movable_held(tx, &caller, id, CREATE).await?;
                if port.host == host {
                    return core.rebind_active(tx, &caller, &port, draft, now).await;
                }
                let before = store::port_binding_get(tx, id, &host).await?;
                let mut binding = before.ok_or_else(|| not_found(id, &host))?;
                draft.host.apply(&mut binding.host);
                if binding.host != host {
                    check_free(tx, &port, &binding.host).await?;
                }
                draft.vnic_type.apply(&mut binding.vnic_type);
                draft.profile.apply(&mut binding.profile);
                let binding = core.bind_apart(tx, &port, binding).await?;
                store::port_binding_delete(tx, id, &host).await?;
                store::port_binding_insert(tx, &binding).await?;
                Ok(inactive(binding))
            })
        })
        .await
    }

    /// Takes a binding away; without the active one the port is bound nowhere.
    pub async fn port_binding_delete(&self, caller: &Caller, port: &str, host: &str) -> Result<()> {
        const DELETE: &str = "delete_port_binding";
        let input = (caller.clone(), parse(port)?, host.to_owned(), self.now());
        self.write("port binding delete", input, |core, tx, (caller, id, host, now)| {
            Box::pin(async move {
                let port = core.movable_held(tx, &caller, id, DELETE).await?;
                if store::port_binding_delete(tx, id, &host).await? {
                    return Ok(());
                }
                if port.host != host {
                    return Err(not_found(id, &host));
                }
                let nowhere = PortDraft { host: Field::Null, ..PortDraft::default() };
                let any = Precondition::default();
                core.port_update(tx, &caller, id, nowhere, any, now).await.map(drop)
            })
        })
        .await
    }

    /// Switches a port over to another of its hosts.
    pub async fn port_binding_activate(
        &self,
        caller: &Caller,
        port: &str,
        host: &str,
    ) -> Result<PortBinding> {
        let input = (caller.clone(), parse(port)?, host.to_owned(), self.now());
        self.write("port binding activate", input, |core, tx, (caller, id, host, now)| {
            Box::pin(async move { core.switch_over(tx, &caller, id, &host, now).await })
        })
        .await
    }

    async fn switch_over(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        host: &str,
        now: Timestamp,
    ) -> Result<PortBinding> {
        let before = self.movable_held(tx, caller, id, "activate").await?;
        if before.host == host {
            return Err(Error::conflict(
                "PortBindingAlreadyActive",
                format!("Binding for port {id} on host {host} is already active."),
            ));
        }
        let next = store::port_binding_get(tx, id, host).await?;
        let next = next.ok_or_else(|| not_found(id, host))?;
        let ground = self.ground(tx, before.network_id, host).await?;
        let mut after = Port {
            host: next.host,
            vnic_type: next.vnic_type,
            profile: next.profile,
            vif_type: next.vif_type,
            vif_details: next.vif_details,
            segment_id: next.segment_id,
            ..before.clone()
        };
        address::check_host(self, &after, &ground)?;
        Self::await_again(&before, &mut after, &ground, true);
        store::port_binding_delete(tx, id, host).await?;
        // It is nothing on the host that it leaves, until somebody deletes it there or it comes back.
        let left = PortBinding {
            host: before.host.clone(),
            vnic_type: before.vnic_type.clone(),
            profile: before.profile.clone(),
            vif_type: port::vif_type::UNBOUND.to_owned(),
            port_id: id,
            ..PortBinding::default()
        };
        store::port_binding_insert(tx, &left).await?;
        self.port_store(tx, caller, &before, &mut after, now).await?;
        crate::trunk::parent_moved(self, tx, caller, &after, now).await?;
        Ok(active(&after))
    }

    /// Finds out what a port would be on a host.
    async fn bind_apart(
        &self,
        tx: &mut Tx,
        port: &Port,
        mut binding: PortBinding,
    ) -> Result<PortBinding> {
        let ground = self.ground(tx, port.network_id, &binding.host).await?;
        let mut there = Port {
            host: binding.host.clone(),
            vnic_type: binding.vnic_type.clone(),
            profile: binding.profile.clone(),
            ..port.clone()
        };
        self.bind(&mut there, &ground);
        if !there.is_bound() {
            return Err(unable(port.id, &binding.host));
        }
        binding.vif_type = there.vif_type;
        binding.vif_details = there.vif_details;
        binding.segment_id = there.segment_id;
        Ok(binding)
    }

    async fn rebind_active(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        port: &Port,
        draft: PortBindingDraft,
        now: Timestamp,
    ) -> Result<PortBinding> {
        let asked = PortDraft {
            host: draft.host,
            vnic_type: draft.vnic_type,
            profile: draft.profile,
            ..PortDraft::default()
        };
        let any = Precondition::default();
        let after = self.port_update(tx, caller, port.id, asked, any, now).await?;
        if after.host.is_empty() || after.is_bound() {
            Ok(active(&after))
        } else {
            Err(unable(port.id, &after.host))
        }
    }

    async fn movable_held(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        rule: &str,
    ) -> Result<Port> {
        let port = ports::port_get_held(tx, id).await?;
        self.movable(tx, caller, id, port, rule).await
    }

    /// A port that was looked for, if the caller may do this to its bindings, and there can be several.
    async fn movable(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: PortId,
        found: Option<Port>,
        rule: &str,
    ) -> Result<Port> {
        let mut port = found.ok_or_else(|| missing(id))?;
        let network = networks::network_get(tx, port.network_id).await?;
        set_parent(&mut port, network.as_ref());
        self.authorise_rule(caller, rule, &port)?;
        if MOVABLE.iter().any(|owner| port.device_owner.starts_with(owner)) {
            return Ok(port);
        }
        Err(Error::bad_request(
            "port",
            format!(
                "Invalid port {id}. Operation only valid on compute and shared filesystem ports"
            ),
        ))
    }
}

/// A port has one binding to a host.
async fn check_free(tx: &mut Tx, port: &Port, host: &str) -> Result<()> {
    if port.host != host && store::port_binding_get(tx, port.id, host).await?.is_none() {
        return Ok(());
    }
    Err(Error::conflict(
        "PortBindingAlreadyExists",
        format!("Binding for port {} on host {host} already exists.", port.id),
    ))
}

/// What the port's own row says.
fn active(port: &Port) -> PortBinding {
    PortBinding {
        host: port.host.clone(),
        vnic_type: port.vnic_type.clone(),
        profile: port.profile.clone(),
        vif_type: port.vif_type.clone(),
        vif_details: port.vif_details.clone(),
        status: status::ACTIVE.to_owned(),
        port_id: port.id,
        segment_id: port.segment_id,
        project_id: port.project_id.clone(),
    }
}

fn inactive(binding: PortBinding) -> PortBinding {
    PortBinding { status: status::INACTIVE.to_owned(), ..binding }
}

fn not_found(port: impl std::fmt::Display, host: &str) -> Error {
    Error::new(
        Kind::NotFound,
        "PortBindingNotFound",
        format!("Binding for port {port} for host {host} could not be found."),
    )
}

/// Nobody on the host can do it. Neutron answers so with 500, and the compute service looks no further.
fn unable(port: PortId, host: &str) -> Error {
    Error::new(
        Kind::Internal,
        "PortBindingError",
        format!("Binding for port {port} on host {host} could not be created or updated."),
    )
}
