//! What has to be done on a host, from what should be and what is.
//!
//! ```text
//!   view --> ServedNetwork --.
//!                             >-- plan --> Vec<Op>, taking away before making
//!   host --> HostState ------'
//! ```
//!
//! A network that is in the state and is not wanted is taken away, if it is known to be ours: by a
//! note on disk or by the note on its port. So the state must be of the wanted networks and of
//! those that are to go, and nothing else.

use std::fmt;

use nucleon_linux::{AdminState, LinkName};
use nucleon_model::{NetworkId, PortId};
use nucleon_net::MacAddr;

use crate::host_state::{FoundDevice, FoundNetwork, FoundPort, FoundPorts, HostState, PortKind};
use crate::names;
use crate::served::ServedNetwork;

/// How a namespace is joined to the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plugging {
    /// A virtual pair, one end on the switch (Neutron: `ovs_use_veth`). Survives a restart of
    /// ovs-vswitchd.
    Veth,
    /// An internal port, moved into the namespace.
    Internal,
}

/// One step, in the order in which all networks take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    CloseSocket {
        network: NetworkId,
    },
    /// Takes the port from the switch, and its device with it.
    Unplug {
        network: NetworkId,
        name: LinkName,
    },
    DeleteDevice {
        network: NetworkId,
        name: LinkName,
    },
    /// Deletes the namespace, and what was noted of it.
    DeleteNamespace {
        network: NetworkId,
    },
    /// Makes the namespace exist, and notes that it is ours, and which device is to be in it.
    EnsureNamespace {
        network: NetworkId,
        device: LinkName,
    },
    Plug(Plug),
    /// Gives the device its MAC, MTU and addresses, and switches it on.
    Configure {
        network: ServedNetwork,
        device: LinkName,
    },
    OpenSocket {
        network: NetworkId,
        device: LinkName,
    },
}

/// A port as it is to be on the switch, with its device in the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plug {
    pub network: NetworkId,
    pub port: PortId,
    pub mac: MacAddr,
    pub mtu: u32,
    pub plugging: Plugging,
}

impl Plugging {
    /// The device in the namespace.
    pub fn device(self, port: PortId) -> LinkName {
        match self {
            Self::Veth => names::inner_end(port),
            Self::Internal => names::switch_end(port),
        }
    }

    pub const fn kind(self) -> PortKind {
        match self {
            Self::Veth => PortKind::System,
            Self::Internal => PortKind::Internal,
        }
    }
}

impl Plug {
    pub fn new(network: &ServedNetwork, plugging: Plugging) -> Self {
        let ServedNetwork { id, port, mac, mtu, .. } = *network;
        Self { network: id, port, mac, mtu, plugging }
    }

    /// The port on the switch.
    pub fn name(&self) -> LinkName {
        names::switch_end(self.port)
    }

    /// The device in the namespace.
    pub fn device(&self) -> LinkName {
        self.plugging.device(self.port)
    }

    /// Whether the row on the switch says what it should.
    pub fn is_noted_on(&self, found: &FoundPort) -> bool {
        found.owner == Some(self.network)
            && found.port == Some(self.port)
            && found.mac == Some(self.mac)
            && found.is_active
            && found.on_bridge
            && found.kind == self.plugging.kind()
    }
}

impl Op {
    pub fn network(&self) -> NetworkId {
        match self {
            Self::CloseSocket { network }
            | Self::Unplug { network, .. }
            | Self::DeleteDevice { network, .. }
            | Self::DeleteNamespace { network }
            | Self::EnsureNamespace { network, .. }
            | Self::OpenSocket { network, .. } => *network,
            Self::Plug(plug) => plug.network,
            Self::Configure { network, .. } => network.id,
        }
    }

    /// For counters.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CloseSocket { .. } => "close_socket",
            Self::Unplug { .. } => "unplug",
            Self::DeleteDevice { .. } => "delete_device",
            Self::DeleteNamespace { .. } => "delete_namespace",
            Self::EnsureNamespace { .. } => "ensure_namespace",
            Self::Plug(_) => "plug",
            Self::Configure { .. } => "configure",
            Self::OpenSocket { .. } => "open_socket",
        }
    }

    /// Its turn: everything is taken away before anything is made.
    pub(crate) const fn phase(&self) -> u8 {
        match self {
            Self::CloseSocket { .. } => 0,
            Self::Unplug { .. } => 1,
            Self::DeleteDevice { .. } => 2,
            Self::DeleteNamespace { .. } => 3,
            Self::EnsureNamespace { .. } => 4,
            Self::Plug(_) => 5,
            Self::Configure { .. } => 6,
            Self::OpenSocket { .. } => 7,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.network();
        match self {
            Self::CloseSocket { .. } => write!(f, "DHCP of {network} is silent"),
            Self::Unplug { name, .. } => write!(f, "'{name}' of {network} is unplugged"),
            Self::DeleteDevice { name, .. } => {
                write!(f, "'{name}', left over in the namespace of {network}, is deleted")
            }
            Self::DeleteNamespace { .. } => write!(f, "the namespace of {network} is deleted"),
            Self::EnsureNamespace { .. } => write!(f, "the namespace of {network} is there"),
            Self::Plug(plug) => write!(f, "'{}' of {network} is plugged", plug.name()),
            Self::Configure { device, .. } => write!(f, "'{device}' of {network} is configured"),
            Self::OpenSocket { .. } => write!(f, "DHCP of {network} is answered"),
        }
    }
}

/// The steps from `actual` to `desired`; none when all is right.
///
/// While the switch cannot be asked nothing is changed; what stands already is served.
pub fn plan(desired: &[ServedNetwork], actual: &HostState, plugging: Plugging) -> Vec<Op> {
    let mut ops = Vec::new();
    let nothing = FoundNetwork::default();
    for (&id, found) in &actual.networks {
        if desired.iter().any(|network| network.id == id) {
            continue;
        }
        if found.socket.is_some() {
            ops.push(Op::CloseSocket { network: id });
        }
        if let Some(ports) = &actual.ports {
            take_away(id, found, ports, &mut ops);
        }
    }
    for network in desired {
        let found = actual.networks.get(&network.id).unwrap_or(&nothing);
        match &actual.ports {
            Some(ports) => make(network, found, ports, plugging, &mut ops),
            None => serve_as_it_stands(network, found, plugging, &mut ops),
        }
    }
    ops.sort_by_key(Op::phase);
    ops
}

fn take_away(network: NetworkId, found: &FoundNetwork, ports: &FoundPorts, ops: &mut Vec<Op>) {
    let ours: Vec<&LinkName> = ports_of(network, ports).collect();
    ops.extend(ours.iter().map(|&name| Op::Unplug { network, name: name.clone() }));
    if found.noted || (found.devices.is_some() && !ours.is_empty()) {
        ops.push(Op::DeleteNamespace { network });
    }
}

fn make(
    network: &ServedNetwork,
    found: &FoundNetwork,
    ports: &FoundPorts,
    plugging: Plugging,
    ops: &mut Vec<Op>,
) {
    let id = network.id;
    let plug = Plug::new(network, plugging);
    let (name, device) = (plug.name(), plug.device());

    let stale = ports_of(id, ports).filter(|other| **other != name).cloned();
    ops.extend(stale.map(|name| Op::Unplug { network: id, name }));
    for other in found.devices.iter().flatten().map(|(other, _)| other) {
        if *other != device && names::is_device(other) {
            ops.push(Op::DeleteDevice { network: id, name: other.clone() });
        }
    }

    if found.devices.is_none() || !found.noted {
        ops.push(Op::EnsureNamespace { network: id, device: device.clone() });
    }
    let inside = found.devices.as_ref().and_then(|devices| devices.get(&device));
    let port = ports.get(&name);
    let standing = inside.filter(|inside| is_joined(inside, port, &plug));
    let is_plugged = standing.is_some() && port.is_some_and(|port| plug.is_noted_on(port));
    if !is_plugged {
        ops.push(Op::Plug(plug));
    }
    if !standing.is_some_and(|standing| is_configured(standing, network)) {
        ops.push(Op::Configure { network: network.clone(), device: device.clone() });
    }
    if found.socket.is_none() || found.socket != standing.map(|standing| standing.index) {
        ops.push(Op::OpenSocket { network: id, device });
    }
}

fn serve_as_it_stands(
    network: &ServedNetwork,
    found: &FoundNetwork,
    plugging: Plugging,
    ops: &mut Vec<Op>,
) {
    let device = plugging.device(network.port);
    let inside = found.devices.as_ref().and_then(|devices| devices.get(&device));
    if inside.is_some_and(|inside| found.socket != Some(inside.index)) {
        ops.push(Op::OpenSocket { network: network.id, device });
    }
}

fn ports_of(network: NetworkId, ports: &FoundPorts) -> impl Iterator<Item = &LinkName> {
    let is_its = move |port: &FoundPort| port.owner == Some(network);
    ports.iter().filter(move |(_, port)| is_its(port)).map(|(name, _)| name)
}

/// Whether what the device sends reaches the switch, and the other way round.
fn is_joined(inside: &FoundDevice, port: Option<&FoundPort>, plug: &Plug) -> bool {
    let outside = port.and_then(|port| port.outside.as_ref());
    match plug.plugging {
        Plugging::Veth => outside.is_some_and(|outside| {
            outside.peer == Some(inside.index)
                && outside.state == AdminState::Up
                && outside.mtu == plug.mtu
        }),
        // ovs-vswitchd makes its devices outside. One that is there was not moved in yet, or the
        // one inside is what a restart of ovs-vswitchd left of its predecessor.
        Plugging::Internal => port.is_some() && outside.is_none(),
    }
}

fn is_configured(device: &FoundDevice, network: &ServedNetwork) -> bool {
    device.mac == Some(network.mac)
        && device.mtu == network.mtu
        && device.state == AdminState::Up
        && device.addresses == network.addresses
}

#[cfg(test)]
mod tests;
