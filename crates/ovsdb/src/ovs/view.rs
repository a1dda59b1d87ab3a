//! The switch as typed rows, with the questions that a planner has.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::id::{BridgeId, InterfaceId, PortId};
use super::interface::Interface;
use super::rows::{Bridge, OpenVSwitch, Port};
use super::{BRIDGE, INTERFACE, PORT, SWITCH};
use crate::row::{Row, RowError};
use crate::snapshot::{Change, Snapshot};

/// All rows of the [monitored](super::monitor) tables, typed. A clone shares the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    switch: Option<Arc<OpenVSwitch>>,
    bridges: BTreeMap<BridgeId, Arc<Bridge>>,
    ports: BTreeMap<PortId, Arc<Port>>,
    interfaces: BTreeMap<InterfaceId, Arc<Interface>>,
    /// Names are unique in each table (the schema's `indexes`).
    bridges_by_name: BTreeMap<String, BridgeId>,
    ports_by_name: BTreeMap<String, PortId>,
    interfaces_by_name: BTreeMap<String, InterfaceId>,
    bridge_of_port: BTreeMap<PortId, BridgeId>,
    port_of_interface: BTreeMap<InterfaceId, PortId>,
}

/// What happened to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange<T> {
    Added(Arc<T>),
    Changed { old: Arc<T>, new: Arc<T> },
    Removed(Arc<T>),
}

/// What happened in one of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewChange {
    Switch(RowChange<OpenVSwitch>),
    Bridge(RowChange<Bridge>),
    Port(RowChange<Port>),
    Interface(RowChange<Interface>),
}

impl View {
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, RowError> {
        let mut view = Self::default();
        for table in [SWITCH, BRIDGE, PORT, INTERFACE] {
            for (uuid, row) in snapshot.rows(table) {
                view.put(table, uuid, Some(row))?;
            }
        }
        Ok(view)
    }

    /// Takes in a batch of changes; tells them typed. On an error the view is of no use any more:
    /// make a new one.
    pub fn apply(&mut self, changes: &[Change]) -> Result<Vec<ViewChange>, RowError> {
        let mut typed = Vec::with_capacity(changes.len());
        for change in changes {
            let new = change.new_row().map(|row| &**row);
            typed.extend(self.put(&change.table, change.uuid, new)?);
        }
        Ok(typed)
    }

    /// `None` before anybody ran `ovs-vsctl init`, which the start scripts of every distribution
    /// do.
    pub fn switch(&self) -> Option<&Arc<OpenVSwitch>> {
        self.switch.as_ref()
    }

    pub fn bridges(&self) -> impl Iterator<Item = &Arc<Bridge>> {
        self.bridges.values()
    }

    pub fn ports(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.ports.values()
    }

    pub fn interfaces(&self) -> impl Iterator<Item = &Arc<Interface>> {
        self.interfaces.values()
    }

    pub fn bridge(&self, id: BridgeId) -> Option<&Arc<Bridge>> {
        self.bridges.get(&id)
    }

    pub fn port(&self, id: PortId) -> Option<&Arc<Port>> {
        self.ports.get(&id)
    }

    pub fn interface(&self, id: InterfaceId) -> Option<&Arc<Interface>> {
        self.interfaces.get(&id)
    }

    pub fn bridge_named(&self, name: &str) -> Option<&Arc<Bridge>> {
        self.bridge(*self.bridges_by_name.get(name)?)
    }

    pub fn port_named(&self, name: &str) -> Option<&Arc<Port>> {
        self.port(*self.ports_by_name.get(name)?)
    }

    pub fn interface_named(&self, name: &str) -> Option<&Arc<Interface>> {
        self.interface(*self.interfaces_by_name.get(name)?)
    }

    /// The bridge that has the port.
    pub fn bridge_of(&self, port: PortId) -> Option<&Arc<Bridge>> {
        self.bridge(*self.bridge_of_port.get(&port)?)
    }

    /// The port that has the interface.
    pub fn port_of(&self, interface: InterfaceId) -> Option<&Arc<Port>> {
        self.port(*self.port_of_interface.get(&interface)?)
    }

    pub fn ports_of(&self, bridge: &Bridge) -> impl Iterator<Item = &Arc<Port>> {
        bridge.ports.iter().filter_map(|id| self.ports.get(id))
    }

    pub fn interfaces_of(&self, port: &Port) -> impl Iterator<Item = &Arc<Interface>> {
        port.interfaces.iter().filter_map(|id| self.interfaces.get(id))
    }

    fn put(
        &mut self,
        table: &str,
        uuid: Uuid,
        row: Option<&Row>,
    ) -> Result<Option<ViewChange>, RowError> {
        Ok(match table {
            SWITCH => {
                let new =
                    row.map(|row| OpenVSwitch::from_row(uuid, row)).transpose()?.map(Arc::new);
                let is_other = self.switch.as_ref().is_some_and(|switch| switch.id.0 != uuid);
                // The table has one row at most; a new one may come before the old one goes.
                if new.is_none() && is_other {
                    return Ok(None);
                }
                let old = std::mem::replace(&mut self.switch, new.clone());
                RowChange::between(old, new).map(ViewChange::Switch)
            }
            BRIDGE => {
                let new = row.map(|row| Bridge::from_row(uuid, row)).transpose()?.map(Arc::new);
                self.put_bridge(BridgeId(uuid), new).map(ViewChange::Bridge)
            }
            PORT => {
                let new = row.map(|row| Port::from_row(uuid, row)).transpose()?.map(Arc::new);
                self.put_port(PortId(uuid), new).map(ViewChange::Port)
            }
            INTERFACE => {
                let new = row.map(|row| Interface::from_row(uuid, row)).transpose()?.map(Arc::new);
                self.put_interface(InterfaceId(uuid), new).map(ViewChange::Interface)
            }
            _ => None,
        })
    }

    fn put_bridge(&mut self, id: BridgeId, new: Option<Arc<Bridge>>) -> Option<RowChange<Bridge>> {
        let old = replace(&mut self.bridges, id, new.clone());
        let (was, is) = (old.as_deref(), new.as_deref());
        let name = |bridge: &Bridge| bridge.name.clone();
        reindex(&mut self.bridges_by_name, id, was.map(name), is.map(name));
        let ports = |bridge: Option<&Bridge>, other: Option<&Bridge>| match (bridge, other) {
            (Some(bridge), Some(other)) => bridge.ports.difference(&other.ports).copied().collect(),
            (Some(bridge), None) => bridge.ports.iter().copied().collect(),
            (None, _) => Vec::new(),
        };
        reindex(&mut self.bridge_of_port, id, ports(was, is), ports(is, was));
        RowChange::between(old, new)
    }

    fn put_port(&mut self, id: PortId, new: Option<Arc<Port>>) -> Option<RowChange<Port>> {
        let old = replace(&mut self.ports, id, new.clone());
        let (was, is) = (old.as_deref(), new.as_deref());
        let name = |port: &Port| port.name.clone();
        reindex(&mut self.ports_by_name, id, was.map(name), is.map(name));
        let interfaces = |port: Option<&Port>| -> Vec<InterfaceId> {
            port.into_iter().flat_map(|port| port.interfaces.iter().copied()).collect()
        };
        reindex(&mut self.port_of_interface, id, interfaces(was), interfaces(is));
        RowChange::between(old, new)
    }

    fn put_interface(
        &mut self,
        id: InterfaceId,
        new: Option<Arc<Interface>>,
    ) -> Option<RowChange<Interface>> {
        let old = replace(&mut self.interfaces, id, new.clone());
        let name = |interface: &Interface| interface.name.clone();
        let (was, is) = (old.as_deref().map(name), new.as_deref().map(name));
        reindex(&mut self.interfaces_by_name, id, was, is);
        RowChange::between(old, new)
    }
}

impl<T> RowChange<T> {
    fn between(old: Option<Arc<T>>, new: Option<Arc<T>>) -> Option<Self> {
        match (old, new) {
            (None, None) => None,
            (None, Some(new)) => Some(Self::Added(new)),
            (Some(old), None) => Some(Self::Removed(old)),
            (Some(old), Some(new)) => Some(Self::Changed { old, new }),
        }
    }

    pub fn before(&self) -> Option<&Arc<T>> {
        match self {
            Self::Added(_) => None,
            Self::Changed { old, .. } | Self::Removed(old) => Some(old),
        }
    }

    pub fn after(&self) -> Option<&Arc<T>> {
        match self {
            Self::Added(new) | Self::Changed { new, .. } => Some(new),
            Self::Removed(_) => None,
        }
    }
}

fn replace<K: Ord, T>(
    rows: &mut BTreeMap<K, Arc<T>>,
    id: K,
    new: Option<Arc<T>>,
) -> Option<Arc<T>> {
    match new {
        Some(new) => rows.insert(id, new),
        None => rows.remove(&id),
    }
}

/// Moves what `owner` no longer has out of an index, and what it now has in. Within one batch of
/// changes a new owner may come before the old one goes; the old one then takes nothing away.
fn reindex<K: Ord, P: Copy + PartialEq>(
    index: &mut BTreeMap<K, P>,
    owner: P,
    old: impl IntoIterator<Item = K>,
    new: impl IntoIterator<Item = K>,
) {
    for key in old {
        if index.get(&key) == Some(&owner) {
            index.remove(&key);
        }
    }
    for key in new {
        index.insert(key, owner);
    }
}
