//! Edits, each a few operations of one transaction.
//!
//! Sets and maps are mutated, never written as a whole, so that what others keep in them stays.
//! Rows of `Bridge`, `Port` and `Interface` live as long as something refers to them: a row is
//! deleted by taking it out of the set that has it.

use std::collections::{BTreeMap, BTreeSet};

use super::id::{BridgeId, InterfaceId, PortId, RowRef, SwitchId};
use super::interface::InterfaceType;
use super::rows::{Bridge, FailMode, Protocol, Tag};
use super::{BRIDGE, INTERFACE, PORT, SWITCH};
use crate::row::Row;
use crate::transaction::{Condition, Mutation, Transaction};
use crate::value::{Atom, Datum, NamedUuid};

/// A bridge to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeDraft {
    pub name: String,
    /// `system`, `netdev`, or empty.
    pub datapath_type: String,
    pub fail_mode: Option<FailMode>,
    /// Empty is all that the switch enables by default.
    pub protocols: BTreeSet<Protocol>,
    pub other_config: BTreeMap<String, String>,
    pub external_ids: BTreeMap<String, String>,
}

/// A port to be, with its one interface of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortDraft {
    pub name: String,
    pub kind: InterfaceType,
    pub tag: Option<Tag>,
    /// Of the port.
    pub other_config: BTreeMap<String, String>,
    /// Of the port.
    pub external_ids: BTreeMap<String, String>,
    /// Of the interface.
    pub options: BTreeMap<String, String>,
    /// Of the interface; Nova's `iface-id` is one of them.
    pub interface_external_ids: BTreeMap<String, String>,
    pub mtu_request: Option<u32>,
    pub ofport_request: Option<u32>,
}

impl BridgeDraft {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            datapath_type: String::new(),
            fail_mode: None,
            protocols: BTreeSet::new(),
            other_config: BTreeMap::new(),
            external_ids: BTreeMap::new(),
        }
    }
}

impl PortDraft {
    pub fn new(name: impl Into<String>, kind: InterfaceType) -> Self {
        Self {
            name: name.into(),
            kind,
            tag: None,
            other_config: BTreeMap::new(),
            external_ids: BTreeMap::new(),
            options: BTreeMap::new(),
            interface_external_ids: BTreeMap::new(),
            mtu_request: None,
            ofport_request: None,
        }
    }

    /// A device of the operating system.
    pub fn system(name: impl Into<String>) -> Self {
        Self::new(name, InterfaceType::System)
    }

    /// A device that the switch makes.
    pub fn internal(name: impl Into<String>) -> Self {
        Self::new(name, InterfaceType::Internal)
    }

    /// One end of a patch whose other end is named `peer`.
    pub fn patch(name: impl Into<String>, peer: &str) -> Self {
        let mut draft = Self::new(name, InterfaceType::Patch);
        draft.options.insert("peer".to_owned(), peer.to_owned());
        draft
    }
}

/// Inserts the root row of a database that has none; the server refuses a second one.
pub fn init_switch(transaction: &mut Transaction) -> NamedUuid {
    transaction.insert(SWITCH, Row::new())
}

/// Adds a bridge, with the internal port and interface of its name that every bridge has.
pub fn add_bridge(
    transaction: &mut Transaction,
    switch: impl Into<RowRef>,
    draft: &BridgeDraft,
) -> NamedUuid {
    let switch = switch.into();
    expect(transaction, SWITCH, switch);
    let port = insert_port(transaction, &PortDraft::internal(&draft.name));
    let protocols = draft.protocols.iter().map(|protocol| protocol.as_str());
    let mut row = Row::new()
        .with("name", &draft.name)
        .with("ports", port)
        .with("protocols", Datum::set(protocols))
        .with("other_config", &draft.other_config)
        .with("external_ids", &draft.external_ids)
        .with("fail_mode", draft.fail_mode.map(FailMode::as_str));
    if !draft.datapath_type.is_empty() {
        row = row.with("datapath_type", &draft.datapath_type);
    }
    let bridge = transaction.insert(BRIDGE, row);
    transaction.mutate(SWITCH, [Condition::uuid(switch)], [Mutation::insert("bridges", bridge)]);
    bridge
}

/// Deletes a bridge, and with it its ports.
pub fn delete_bridge(transaction: &mut Transaction, switch: SwitchId, bridge: BridgeId) {
    transaction.mutate(SWITCH, [Condition::uuid(switch)], [Mutation::delete("bridges", bridge)]);
}

/// Lets a bridge also speak these versions, and forbids none.
///
/// An empty column means every version that the switch enables by default. Naming one there would
/// switch the others off for everybody else, so all are named.
pub fn extend_protocols(
    transaction: &mut Transaction,
    bridge: &Bridge,
    protocols: impl IntoIterator<Item = Protocol>,
) {
    let mut wanted: BTreeSet<Protocol> = protocols.into_iter().collect();
    if bridge.protocols.is_empty() {
        wanted.extend(Protocol::ALL);
    }
    let missing: Vec<&str> = wanted
        .iter()
        .map(|protocol| protocol.as_str())
        .filter(|name| !bridge.protocols.contains(*name))
        .collect();
    if !missing.is_empty() {
        let mutation = Mutation::insert("protocols", Datum::set(missing));
        transaction.mutate(BRIDGE, [Condition::uuid(bridge.id)], [mutation]);
    }
}

pub fn set_bridge_fail_mode(transaction: &mut Transaction, bridge: BridgeId, mode: FailMode) {
    let row = Row::new().with("fail_mode", mode.as_str());
    transaction.update(BRIDGE, [Condition::uuid(bridge)], row);
}

/// Adds a port to a bridge; the transaction fails when the bridge is gone.
pub fn add_port(
    transaction: &mut Transaction,
    bridge: impl Into<RowRef>,
    draft: &PortDraft,
) -> NamedUuid {
    let bridge = bridge.into();
    expect(transaction, BRIDGE, bridge);
    let port = insert_port(transaction, draft);
    transaction.mutate(BRIDGE, [Condition::uuid(bridge)], [Mutation::insert("ports", port)]);
    port
}

/// Takes a port out of its bridge; the server then deletes it and its interfaces. See
/// [`super::batches`] for many.
pub fn delete_port(transaction: &mut Transaction, bridge: BridgeId, port: PortId) {
    transaction.mutate(BRIDGE, [Condition::uuid(bridge)], [Mutation::delete("ports", port)]);
}

/// Sets the tag of a port, or clears it.
pub fn set_port_tag(transaction: &mut Transaction, port: PortId, tag: Option<Tag>) {
    let row = Row::new().with("tag", tag.map(i64::from));
    transaction.update(PORT, [Condition::uuid(port)], row);
}

/// Sets the MTU that an internal interface shall have, or leaves it to the switch.
pub fn set_interface_mtu_request(
    transaction: &mut Transaction,
    interface: InterfaceId,
    mtu: Option<u32>,
) {
    let row = Row::new().with("mtu_request", mtu.map(i64::from));
    transaction.update(INTERFACE, [Condition::uuid(interface)], row);
}

pub fn set_interface_type(
    transaction: &mut Transaction,
    interface: InterfaceId,
    kind: &InterfaceType,
) {
    let row = Row::new().with("type", kind.as_str());
    transaction.update(INTERFACE, [Condition::uuid(interface)], row);
}

macro_rules! map_edits {
    ($($set:ident $remove:ident $table:ident $column:literal $id:ident)*) => {$(
        #[doc = concat!("Sets these keys of `", $column, "` and leaves the others alone.")]
        pub fn $set(transaction: &mut Transaction, row: $id, pairs: &BTreeMap<String, String>) {
            set_keys(transaction, $table, row.into(), $column, pairs);
        }

        #[doc = concat!("Removes these keys of `", $column, "`.")]
        pub fn $remove<'a>(
            transaction: &mut Transaction,
            row: $id,
            keys: impl IntoIterator<Item = &'a str>,
        ) {
            remove_keys(transaction, $table, row.into(), $column, keys);
        }
    )*};
}

map_edits! {
    set_bridge_other_config remove_bridge_other_config BRIDGE "other_config" BridgeId
    set_bridge_external_ids remove_bridge_external_ids BRIDGE "external_ids" BridgeId
    set_port_other_config remove_port_other_config PORT "other_config" PortId
    set_port_external_ids remove_port_external_ids PORT "external_ids" PortId
    set_interface_options remove_interface_options INTERFACE "options" InterfaceId
    set_interface_external_ids remove_interface_external_ids INTERFACE "external_ids" InterfaceId
}

/// Clears the `external_ids`, `other_config` or any other map or set of a row.
pub fn clear_column(
    transaction: &mut Transaction,
    row: impl Into<RowRef>,
    column: ClearableColumn,
) {
    let (table, name, empty) = column.parts();
    let row_columns = Row::new().with(name, empty);
    transaction.update(table, [Condition::uuid(row.into())], row_columns);
}

/// A column that may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearableColumn {
    BridgeFailMode,
    BridgeOtherConfig,
    BridgeExternalIds,
    PortTag,
    PortTrunks,
    PortVlanMode,
    PortOtherConfig,
    PortExternalIds,
    InterfaceOptions,
    InterfaceExternalIds,
    InterfaceMtuRequest,
    InterfaceOfportRequest,
}

impl ClearableColumn {
    const fn parts(self) -> (&'static str, &'static str, Datum) {
        const SET: Datum = Datum::empty_set();
        const MAP: Datum = Datum::empty_map();
        match self {
            Self::BridgeFailMode => (BRIDGE, "fail_mode", SET),
            Self::BridgeOtherConfig => (BRIDGE, "other_config", MAP),
            Self::BridgeExternalIds => (BRIDGE, "external_ids", MAP),
            Self::PortTag => (PORT, "tag", SET),
            Self::PortTrunks => (PORT, "trunks", SET),
            Self::PortVlanMode => (PORT, "vlan_mode", SET),
            Self::PortOtherConfig => (PORT, "other_config", MAP),
            Self::PortExternalIds => (PORT, "external_ids", MAP),
            Self::InterfaceOptions => (INTERFACE, "options", MAP),
            Self::InterfaceExternalIds => (INTERFACE, "external_ids", MAP),
            Self::InterfaceMtuRequest => (INTERFACE, "mtu_request", SET),
            Self::InterfaceOfportRequest => (INTERFACE, "ofport_request", SET),
        }
    }
}

fn expect(transaction: &mut Transaction, table: &str, row: RowRef) {
    if let RowRef::Uuid(uuid) = row {
        transaction.expect_row(table, uuid);
    }
}

fn insert_port(transaction: &mut Transaction, draft: &PortDraft) -> NamedUuid {
    let interface = Row::new()
        .with("name", &draft.name)
        .with("type", draft.kind.as_str())
        .with("options", &draft.options)
        .with("external_ids", &draft.interface_external_ids)
        .with("mtu_request", draft.mtu_request.map(i64::from))
        .with("ofport_request", draft.ofport_request.map(i64::from));
    let interface = transaction.insert(INTERFACE, interface);
    let port = Row::new()
        .with("name", &draft.name)
        .with("interfaces", interface)
        .with("tag", draft.tag.map(i64::from))
        .with("other_config", &draft.other_config)
        .with("external_ids", &draft.external_ids);
    transaction.insert(PORT, port)
}

/// `insert` leaves a key that is there as it is (RFC 7047 section 5.1), so it is removed first, in
/// the same operation.
fn set_keys(
    transaction: &mut Transaction,
    table: &str,
    row: Atom,
    column: &str,
    pairs: &BTreeMap<String, String>,
) {
    if !pairs.is_empty() {
        let mutations =
            [Mutation::delete(column, Datum::set(pairs.keys())), Mutation::insert(column, pairs)];
        transaction.mutate(table, [Condition::uuid(row)], mutations);
    }
}

fn remove_keys<'a>(
    transaction: &mut Transaction,
    table: &str,
    row: Atom,
    column: &str,
    keys: impl IntoIterator<Item = &'a str>,
) {
    let keys = Datum::set(keys);
    if !keys.is_empty() {
        transaction.mutate(table, [Condition::uuid(row)], [Mutation::delete(column, keys)]);
    }
}

#[cfg(test)]
mod tests;
