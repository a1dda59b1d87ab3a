//! What agents are told: the part of the cloud that a host must know.
//!
//! A view is the set of objects that the host's scopes reach. Server and agent use the same functions here, so that
//! they cannot disagree on what belongs to a view. A body holds what agents need, not what the API shows.
//!
//! ```text
//!   OVS agent on H:   host:H ──► ports bound to H ──► their networks ◄── network:N
//!   L3 agent on H:    host:H ──► ports of routers bound to H ──► their networks ◄── network:N
//!   DHCP agent on H:  dhcp:H ──► networks served by H ──► all their ports ◄── ports:N
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use nucleon_net::{IpNet, MacAddr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::agent::AgentType;
use crate::id::{
    AddressGroupId, NetworkId, PortId, QosPolicyId, RouterId, SecurityGroupId, SegmentId, SubnetId,
};
use crate::port::{ExtraDhcpOpt, FixedIp};
use crate::router::{
    OWNER_GATEWAY, OWNER_HA, OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA,
};
use crate::segment::NetworkType;
use crate::subnet::{HostRoute, Ipv6Mode};

/// A place in the journal of one epoch of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// A restored database starts a new one.
    pub epoch: Uuid,
    pub seq: i64,
}

/// What an agent watches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    OvsAgent,
    DhcpAgent,
    L3Agent,
}

impl Role {
    pub const fn agent_type(self) -> AgentType {
        match self {
            Self::OvsAgent => AgentType::OpenVSwitch,
            Self::DhcpAgent => AgentType::Dhcp,
            Self::L3Agent => AgentType::L3,
        }
    }
}

/// Whether a `device_owner` says that a port leads a router to a network, inside or outside, or to its like.
pub fn is_router_port(owner: &str) -> bool {
    [OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA, OWNER_GATEWAY, OWNER_HA]
        .contains(&owner)
}

impl Role {
    /// Whether a port is in the view of an agent whose view is what is bound to its host.
    pub fn holds(self, host: &str, port: &PortBody) -> bool {
        port.host == host && (self != Self::L3Agent || is_router_port(&port.device_owner))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OvsAgent => "ovs-agent",
            Self::DhcpAgent => "dhcp-agent",
            Self::L3Agent => "l3-agent",
        })
    }
}

/// A part of the cloud whose changes somebody follows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// The ports bound to a host.
    Host(String),
    /// The networks that the DHCP agent on a host serves.
    Dhcp(String),
    /// A network with its segments, subnets and DHCP agents.
    Network(NetworkId),
    /// The ports of a network.
    Ports(NetworkId),
    /// A router with all that belongs to it.
    Router(RouterId),
    /// A security group with its rules, and the ports in it.
    SecurityGroup(SecurityGroupId),
    /// The addresses of an address group.
    AddressGroup(AddressGroupId),
    /// A QoS policy with its rules.
    QosPolicy(QosPolicyId),
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a scope")]
pub struct InvalidScope(pub String);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "host:{host}"),
            Self::Dhcp(host) => write!(f, "dhcp:{host}"),
            Self::Network(id) => write!(f, "network:{id}"),
            Self::Ports(id) => write!(f, "ports:{id}"),
            Self::Router(id) => write!(f, "router:{id}"),
            Self::SecurityGroup(id) => write!(f, "security-group:{id}"),
            Self::AddressGroup(id) => write!(f, "address-group:{id}"),
            Self::QosPolicy(id) => write!(f, "qos-policy:{id}"),
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let invalid = || InvalidScope(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(invalid)?;
        match kind {
            "host" if !name.is_empty() => Ok(Self::Host(name.to_owned())),
            "dhcp" if !name.is_empty() => Ok(Self::Dhcp(name.to_owned())),
            "network" => name.parse().map(Self::Network).map_err(|_| invalid()),
            "ports" => name.parse().map(Self::Ports).map_err(|_| invalid()),
            "router" => name.parse().map(Self::Router).map_err(|_| invalid()),
            "security-group" => name.parse().map(Self::SecurityGroup).map_err(|_| invalid()),
            "address-group" => name.parse().map(Self::AddressGroup).map_err(|_| invalid()),
            "qos-policy" => name.parse().map(Self::QosPolicy).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl Scope {
    /// The scope that an agent's view grows from.
    pub fn root(role: Role, host: &str) -> Self {
        match role {
            Role::OvsAgent | Role::L3Agent => Self::Host(host.to_owned()),
            Role::DhcpAgent => Self::Dhcp(host.to_owned()),
        }
    }
}

/// A segment as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentBody {
    pub id: SegmentId,
    pub network_type: NetworkType,
    pub physical_network: Option<String>,
    pub segmentation_id: Option<i64>,
}

/// A subnet as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetBody {
    pub id: SubnetId,
    pub cidr: IpNet,
    pub gateway_ip: Option<IpAddr>,
    pub enable_dhcp: bool,
    pub dns_nameservers: Vec<IpAddr>,
    pub host_routes: Vec<HostRoute>,
    pub ipv6_ra_mode: Option<Ipv6Mode>,
    pub ipv6_address_mode: Option<Ipv6Mode>,
    pub segment_id: Option<SegmentId>,
}

/// A network as agents see it, with all that is embedded in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkBody {
    pub id: NetworkId,
    /// Orders bodies of the same network; grows with its segments, subnets and DHCP agents too.
    pub revision: i64,
    pub name: String,
    pub mtu: u32,
    pub admin_state_up: bool,
    pub segments: Vec<SegmentBody>,
    pub subnets: Vec<SubnetBody>,
    /// Hosts whose DHCP agents serve it.
    pub dhcp_hosts: Vec<String>,
}

/// A port as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBody {
    pub id: PortId,
    pub network_id: NetworkId,
    /// Orders bodies of the same port.
    pub revision: i64,
    pub mac_address: MacAddr,
    pub admin_state_up: bool,
    pub fixed_ips: Vec<FixedIp>,
    /// Empty when unbound.
    pub host: String,
    /// The segment that it is bound to there.
    pub segment_id: Option<SegmentId>,
    pub device_owner: String,
    pub device_id: String,
    pub extra_dhcp_opts: Vec<ExtraDhcpOpt>,
}

/// An object that agents follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum ObjectId {
    Network(NetworkId),
    Port(PortId),
}

/// What has become of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", content = "body", rename_all = "kebab-case")]
pub enum Change {
    Network(NetworkBody),
    Port(PortBody),
    Gone(ObjectId),
}

/// The part of the cloud that one agent knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    pub networks: BTreeMap<NetworkId, NetworkBody>,
    pub ports: BTreeMap<PortId, PortBody>,
}

impl View {
    /// Takes in one change; a body older than the one held changes nothing.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Network(body) => {
                if self.networks.get(&body.id).is_none_or(|held| held.revision <= body.revision) {
                    self.networks.insert(body.id, body);
                }
            }
            Change::Port(body) => {
                if self.ports.get(&body.id).is_none_or(|held| held.revision <= body.revision) {
                    self.ports.insert(body.id, body);
                }
            }
            Change::Gone(ObjectId::Network(id)) => {
                self.networks.remove(&id);
            }
            Change::Gone(ObjectId::Port(id)) => {
                self.ports.remove(&id);
            }
        }
    }

    /// Drops what the agent's scopes no longer reach: ports that moved away, networks without reason to be known.
    pub fn prune(&mut self, role: Role, host: &str) {
        match role {
            Role::OvsAgent | Role::L3Agent => {
                self.ports.retain(|_, port| role.holds(host, port));
                let used: BTreeSet<NetworkId> =
                    self.ports.values().map(|port| port.network_id).collect();
                self.networks.retain(|id, _| used.contains(id));
            }
            Role::DhcpAgent => {
                self.networks
                    .retain(|_, network| network.dhcp_hosts.iter().any(|served| served == host));
                let networks = &self.networks;
                self.ports.retain(|_, port| networks.contains_key(&port.network_id));
            }
        }
    }

    /// The scopes whose changes bear on this view.
    pub fn scopes(&self, role: Role, host: &str) -> BTreeSet<Scope> {
        let mut scopes = BTreeSet::from([Scope::root(role, host)]);
        for &id in self.networks.keys() {
            scopes.insert(Scope::Network(id));
            if role == Role::DhcpAgent {
                scopes.insert(Scope::Ports(id));
            }
        }
        scopes
    }

    /// A fingerprint of which objects are held at which revision, equal on server and agent when they agree.
    ///
    /// It is a sum, so that neither side needs an order, and each may keep it up to date change by change.
    pub fn digest(&self) -> u64 {
        let networks =
            self.networks.values().map(|body| fingerprint(body.id.uuid(), body.revision));
        let ports = self.ports.values().map(|body| fingerprint(body.id.uuid(), body.revision));
        networks.chain(ports).fold(0, u64::wrapping_add)
    }
}

/// The contribution of one object to [`View::digest`]: FNV-1a over id and revision.
pub fn fingerprint(id: Uuid, revision: i64) -> u64 {
    let bytes = id.as_bytes().iter().copied().chain(revision.to_be_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
