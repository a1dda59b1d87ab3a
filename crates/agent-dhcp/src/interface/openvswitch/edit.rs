//! What is written on the rows of our ports, and read from them.

use std::collections::BTreeMap;

use nucleon_model::NetworkId;
use nucleon_ovsdb::Transaction;
use nucleon_ovsdb::ovs::{
    self, BridgeId, Interface, InterfaceId, InterfaceType, PortDraft, PortId, View,
};

use crate::host_state::{FoundPort, PortKind};
use crate::plan::{Plug, Plugging};

/// The network that the DHCP agent plugged a port for. By this key a port is known to be ours.
const NETWORK: &str = "nucleon-dhcp-network";
/// What Nova and Neutron write, and the OVS agent looks for.
const PORT: &str = "iface-id";
const STATUS: &str = "iface-status";
const MAC: &str = "attached-mac";
const ACTIVE: &str = "active";

/// How it stands with the row that a port is to have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Missing,
    Present(Rows),
    /// Ours, but on another bridge or of another kind.
    Misplaced(Rows),
    /// The name is taken for something else.
    Foreign {
        holder: String,
    },
}

/// A port in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) bridge: BridgeId,
    pub(super) port: PortId,
    pub(super) interface: InterfaceId,
}

impl Standing {
    pub(super) fn of(view: &View, bridge: &str, plug: &Plug) -> Self {
        let name = plug.name();
        let Some(port) = view.port_named(name.as_str()) else { return Self::Missing };
        let on = view.bridge_of(port.id);
        let interface = view.interface_named(name.as_str());
        let (Some(on), Some(interface)) = (on, interface) else { return Self::Missing };
        let holder = interface.external_ids.get(PORT);
        if owner(interface).is_none()
            && holder.is_none_or(|holder| *holder != plug.port.to_string())
        {
            return Self::Foreign { holder: holder.cloned().unwrap_or_default() };
        }
        let rows = Rows { bridge: on.id, port: port.id, interface: interface.id };
        if on.name == bridge && kind(interface) == plug.plugging.kind() {
            Self::Present(rows)
        } else {
            Self::Misplaced(rows)
        }
    }
}

pub(super) fn owner(interface: &Interface) -> Option<NetworkId> {
    interface.external_ids.get(NETWORK)?.parse().ok()
}

/// All but where it is.
pub(super) fn found(interface: &Interface) -> FoundPort {
    let ids = &interface.external_ids;
    FoundPort {
        owner: owner(interface),
        port: ids.get(PORT).and_then(|id| id.parse().ok()),
        mac: ids.get(MAC).and_then(|mac| mac.parse().ok()),
        kind: kind(interface),
        is_active: ids.get(STATUS).is_some_and(|status| status == ACTIVE),
        on_bridge: false,
        outside: None,
    }
}

pub(super) fn draft(plug: &Plug) -> PortDraft {
    let name = plug.name().to_string();
    let mut draft = match plug.plugging {
        Plugging::Veth => PortDraft::system(name),
        Plugging::Internal => PortDraft::internal(name),
    };
    draft.interface_external_ids = notes(plug);
    draft
}

pub(super) fn set_notes(transaction: &mut Transaction, interface: InterfaceId, plug: &Plug) {
    ovs::set_interface_external_ids(transaction, interface, &notes(plug));
}

fn notes(plug: &Plug) -> BTreeMap<String, String> {
    [
        (NETWORK, plug.network.to_string()),
        (PORT, plug.port.to_string()),
        (STATUS, ACTIVE.to_owned()),
        (MAC, plug.mac.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn kind(interface: &Interface) -> PortKind {
    match interface.kind {
        InterfaceType::System => PortKind::System,
        InterfaceType::Internal => PortKind::Internal,
        _ => PortKind::Other,
    }
}
