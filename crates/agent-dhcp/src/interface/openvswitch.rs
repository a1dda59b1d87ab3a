//! Ports on Open vSwitch: a row in its database, and a device of the same name.

mod edit;
mod switch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use nucleon_linux::{LinkChange, LinkName, Netns, Offload, Veth, VethEnd};
use nucleon_model::NetworkId;
use nucleon_ovsdb::{Transaction, ovs};

use self::edit::Standing;
pub use self::switch::Switch;
use super::InterfaceDriver;
use crate::error::Error;
use crate::host_state::{FoundDevice, FoundPort, FoundPorts};
use crate::namespaces::Namespaces;
use crate::plan::{Plug, Plugging};

/// Plugs into one bridge of the Open vSwitch of this host.
#[derive(Debug)]
pub struct OpenVSwitch {
    switch: Switch,
    bridge: String,
    /// Where the switch's devices are.
    host: Netns,
    namespaces: Arc<Namespaces>,
    /// For ovs-vswitchd to make its devices.
    patience: Duration,
}

impl OpenVSwitch {
    pub fn new(
        switch: Switch,
        bridge: impl Into<String>,
        host: Netns,
        namespaces: Arc<Namespaces>,
        patience: Duration,
    ) -> Self {
        Self { switch, bridge: bridge.into(), host, namespaces, patience }
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    async fn found(
        &self,
        view: &ovs::View,
        interface: &ovs::Interface,
    ) -> Result<FoundPort, Error> {
        let bridge = view.port_of(interface.id).and_then(|port| view.bridge_of(port.id));
        let mut port = edit::found(interface);
        port.on_bridge = bridge.is_some_and(|bridge| bridge.name == self.bridge);
        if let Ok(name) = LinkName::new(&interface.name) {
            let link = self.host.links().link(&name).await?;
            port.outside = link.map(|link| FoundDevice::new(&link, &[]));
        }
        Ok(port)
    }

    /// Rows that are of the wrong kind, on the wrong bridge, or without their devices go before
    /// their names are used again: ovs-vswitchd may hold on to a device that is no more, and not
    /// look at another one of the same name. Rows of others stay.
    async fn make_room(&self, view: &ovs::View, plugs: &[Plug]) -> Vec<Result<(), Error>> {
        let mut transaction = Transaction::new();
        let mut removed = Vec::new();
        let mut results = Vec::with_capacity(plugs.len());
        for plug in plugs {
            let row = match Standing::of(view, &self.bridge, plug) {
                Standing::Foreign { holder } => {
                    results.push(Err(Error::NameTaken { name: plug.name(), holder }));
                    continue;
                }
                Standing::Missing => None,
                Standing::Misplaced(row) => Some(row),
                Standing::Present(row) => match self.has_device(plug).await {
                    Ok(has_device) => Some(row).filter(|_| !has_device),
                    Err(error) => {
                        results.push(Err(error));
                        continue;
                    }
                },
            };
            if let Some(row) = row {
                ovs::delete_port(&mut transaction, row.bridge, row.port);
                removed.push(row.port);
            }
            results.push(Ok(()));
        }
        let gone = |view: &ovs::View| !removed.iter().any(|port| view.port(*port).is_some());
        if !transaction.is_empty()
            && let Err(error) = self.switch.apply(transaction, self.patience, gone).await
        {
            fail_rest(&mut results, &Arc::new(error));
        }
        results
    }

    /// Whether the row's device is there, and leads to the namespace or can be moved into it.
    async fn has_device(&self, plug: &Plug) -> Result<bool, Error> {
        let netns = self.namespaces.enter(plug.network).await?;
        let outside = self.host.links().link(&plug.name()).await?;
        let inside = netns.links().link(&plug.device()).await?;
        Ok(match plug.plugging {
            Plugging::Veth => {
                outside.zip(inside).is_some_and(|(near, far)| near.peer == Some(far.index))
            }
            Plugging::Internal => outside.is_some() || inside.is_some(),
        })
    }

    async fn make_pair(&self, plug: &Plug) -> Result<(), Error> {
        let netns = self.namespaces.enter(plug.network).await?;
        let near = VethEnd::new(plug.name()).mtu(plug.mtu).up();
        let far = VethEnd::new(plug.device()).mac(plug.mac).mtu(plug.mtu).up();
        let _ = self.host.links().ensure_veth(&Veth::into_netns(near, far, &netns)).await?;
        // Open vSwitch's userspace datapath forwards checksums that a virtual pair left to the
        // other side, unfinished; what the kernel answers from here would not arrive.
        let _ = netns.set_tx_checksum(&plug.device(), Offload::Off).await?;
        Ok(())
    }

    async fn note(&self, plugs: &[(usize, &Plug)]) -> Result<(), Error> {
        let view = self.switch.view().ok_or(Error::SwitchAway)?;
        let no_bridge = || Error::NoBridge { bridge: self.bridge.clone() };
        let bridge = view.bridge_named(&self.bridge).ok_or_else(no_bridge)?.id;
        let mut transaction = Transaction::new();
        for (_, plug) in plugs {
            match Standing::of(&view, &self.bridge, plug) {
                Standing::Present(row) => edit::set_notes(&mut transaction, row.interface, plug),
                _ => drop(ovs::add_port(&mut transaction, bridge, &edit::draft(plug))),
            }
        }
        let there = |view: &ovs::View| {
            let noted = |plug: &Plug| {
                view.interface_named(plug.name().as_str()).is_some_and(|row| {
                    plug.is_noted_on(&FoundPort { on_bridge: true, ..edit::found(row) })
                })
            };
            plugs.iter().all(|(_, plug)| noted(plug))
        };
        if plugs.iter().any(|(_, plug)| plug.plugging == Plugging::Internal) {
            // The devices are there when the switch has acted.
            self.switch.apply(transaction, self.patience, there).await
        } else {
            self.switch.transact(transaction, there).await
        }
    }

    /// Moves the switch's device into the namespace.
    async fn move_in(&self, plug: &Plug) -> Result<(), Error> {
        let name = plug.device();
        let netns = self.namespaces.enter(plug.network).await?;
        let Some(outside) = self.host.links().link(&name).await? else {
            if netns.links().link(&name).await?.is_some() {
                return Ok(());
            }
            let view = self.switch.view();
            let row = view.and_then(|view| view.interface_named(name.as_str()).cloned());
            let why = row.and_then(|row| row.error.clone());
            let why = why.unwrap_or_else(|| "it gives no reason".to_owned());
            return Err(Error::NoDevice { name, why });
        };
        // What a former ovs-vswitchd left in there has the name.
        let _ = netns.links().ensure_deleted(&name).await?;
        let change = LinkChange { mac: Some(plug.mac), ..LinkChange::default() };
        if outside.mac != Some(plug.mac) {
            self.host.links().set(&name, &change).await?;
        }
        Ok(self.host.links().move_to(&name, &netns).await?)
    }
}

#[async_trait]
impl InterfaceDriver for OpenVSwitch {
    fn networks(&self) -> Option<BTreeSet<NetworkId>> {
        self.switch.networks()
    }

    async fn list(
        &self,
        networks: &BTreeSet<NetworkId>,
        names: &BTreeSet<LinkName>,
    ) -> Result<Option<FoundPorts>, Error> {
        let Some(view) = self.switch.view() else { return Ok(None) };
        let mut wanted: BTreeSet<String> = names.iter().map(ToString::to_string).collect();
        wanted.extend(self.switch.names_of(networks));
        let mut ports = BTreeMap::new();
        for name in wanted {
            let Some(interface) = view.interface_named(&name) else { continue };
            // A name that no device can have is not one that was plugged here.
            let Ok(name) = LinkName::new(name) else { continue };
            ports.insert(name, self.found(&view, interface).await?);
        }
        Ok(Some(ports))
    }

    async fn plug(&self, plugs: &[Plug]) -> Vec<Result<(), Error>> {
        let Some(view) = self.switch.view() else {
            return plugs.iter().map(|_| Err(Error::SwitchAway)).collect();
        };
        let mut results = self.make_room(&view, plugs).await;
        let pairs = plugs.iter().zip(&mut results).map(async |(plug, result)| {
            if result.is_ok() && plug.plugging == Plugging::Veth {
                *result = self.make_pair(plug).await;
            }
        });
        join_all(pairs).await;

        let standing: Vec<(usize, &Plug)> = plugs
            .iter()
            .enumerate()
            .filter(|(at, _)| matches!(results.get(*at), Some(Ok(()))))
            .collect();
        for batch in standing.chunks(ovs::BATCH.get()) {
            if let Err(error) = self.note(batch).await {
                let error = Arc::new(error);
                for (at, _) in batch {
                    if let Some(result) = results.get_mut(*at) {
                        *result = Err(Error::Together(Arc::clone(&error)));
                    }
                }
            }
        }
        let moves = plugs.iter().zip(&mut results).map(async |(plug, result)| {
            if result.is_ok() && plug.plugging == Plugging::Internal {
                *result = self.move_in(plug).await;
            }
        });
        join_all(moves).await;
        results
    }

    async fn unplug(&self, names: &[LinkName]) -> Vec<Result<(), Error>> {
        let Some(view) = self.switch.view() else {
            return names.iter().map(|_| Err(Error::SwitchAway)).collect();
        };
        let mut results: Vec<Result<(), Error>> = names.iter().map(|_| Ok(())).collect();
        for (names, results) in
            names.chunks(ovs::BATCH.get()).zip(results.chunks_mut(ovs::BATCH.get()))
        {
            let mut transaction = Transaction::new();
            for name in names {
                let port = view.port_named(name.as_str());
                if let Some((port, bridge)) =
                    port.and_then(|port| Some((port, view.bridge_of(port.id)?)))
                {
                    ovs::delete_port(&mut transaction, bridge.id, port.id);
                }
            }
            let gone = |view: &ovs::View| {
                !names.iter().any(|name| view.port_named(name.as_str()).is_some())
            };
            if let Err(error) = self.switch.transact(transaction, gone).await {
                fail_rest(results, &Arc::new(error));
                continue;
            }
            let deletions = names.iter().map(|name| self.delete_pair(name));
            for (result, deleted) in results.iter_mut().zip(join_all(deletions).await) {
                *result = deleted;
            }
        }
        results
    }
}

impl OpenVSwitch {
    /// Deletes the outer end of a pair, and the inner one with it. Internal devices are the
    /// switch's to delete.
    async fn delete_pair(&self, name: &LinkName) -> Result<(), Error> {
        let link = self.host.links().link(name).await?;
        if link.is_some_and(|link| link.kind.as_deref() == Some("veth")) {
            let _ = self.host.links().ensure_deleted(name).await?;
        }
        Ok(())
    }
}

fn fail_rest(results: &mut [Result<(), Error>], error: &Arc<Error>) {
    for result in results.iter_mut().filter(|result| result.is_ok()) {
        *result = Err(Error::Together(Arc::clone(error)));
    }
}
