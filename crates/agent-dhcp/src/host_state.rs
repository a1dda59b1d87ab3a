//! What is on the host: namespaces, devices in them, ports on the switch, open sockets.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_linux::{Address, AdminState, Link, LinkName, Scope};
use nucleon_model::{NetworkId, PortId};
use nucleon_net::{IpNet, MacAddr};

/// The part of a host that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostState {
    pub networks: BTreeMap<NetworkId, FoundNetwork>,
    /// `None` while the switch cannot be asked: that is not a switch without ports.
    pub ports: Option<FoundPorts>,
}

/// By name: ports on the switch that an agent plugged for one of the networks, or whose names one
/// of the networks needs.
pub type FoundPorts = BTreeMap<LinkName, FoundPort>;

/// What there is of one network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundNetwork {
    /// This agent noted on disk that it made the namespace, or took it over.
    pub noted: bool,
    /// The devices in the namespace, loopback excepted; `None` when there is no such namespace.
    pub devices: Option<BTreeMap<LinkName, FoundDevice>>,
    /// The device that the open socket is bound to, by the kernel's number.
    pub socket: Option<u32>,
}

/// A device, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDevice {
    pub index: u32,
    pub mac: Option<MacAddr>,
    pub mtu: u32,
    pub state: AdminState,
    /// For a virtual pair, the number of the other end.
    pub peer: Option<u32>,
    /// Without IPv6 link-local ones, which the kernel makes.
    pub addresses: BTreeSet<IpNet>,
}

/// A port on the switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPort {
    /// The network that an agent noted on the port to have plugged it for.
    pub owner: Option<NetworkId>,
    pub port: Option<PortId>,
    pub mac: Option<MacAddr>,
    pub kind: PortKind,
    /// It says `iface-status=active`.
    pub is_active: bool,
    /// It is on the integration bridge.
    pub on_bridge: bool,
    /// The device of that name outside of any namespace of ours.
    pub outside: Option<FoundDevice>,
}

/// How a port of the switch leads to its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortKind {
    /// A device of the operating system: one end of a virtual pair.
    System,
    /// A device that the switch makes.
    Internal,
    Other,
}

impl FoundDevice {
    pub fn new(link: &Link, addresses: &[Address]) -> Self {
        let by_the_kernel =
            |address: &&Address| address.net.addr().is_ipv6() && address.scope == Scope::Link;
        Self {
            index: link.index,
            mac: link.mac,
            mtu: link.mtu,
            state: link.state,
            peer: link.peer,
            addresses: addresses
                .iter()
                .filter(|address| !by_the_kernel(address))
                .map(|address| address.net)
                .collect(),
        }
    }
}
