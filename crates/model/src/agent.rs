//! Agents: the processes on the hosts.

use std::fmt;

use serde_json::{Map, Value};

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::AgentId;
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::Standard;
use crate::time::Timestamp;

/// The kinds of agent, by the names that Neutron's API gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentType {
    OpenVSwitch,
    Dhcp,
    L3,
}

impl AgentType {
    pub const ALL: [Self; 3] = [Self::OpenVSwitch, Self::Dhcp, Self::L3];

    /// By its name, however it is spelt: clients ask for `DHCP Agent`, which Neutron's database finds.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(name))
    }

    /// As shown in `agent_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenVSwitch => "Open vSwitch agent",
            Self::Dhcp => "DHCP agent",
            Self::L3 => "L3 agent",
        }
    }

    /// As shown in `binary`.
    pub const fn binary(self) -> &'static str {
        match self {
            Self::OpenVSwitch => "neutron-openvswitch-agent",
            Self::Dhcp => "neutron-dhcp-agent",
            Self::L3 => "neutron-l3-agent",
        }
    }

    /// As shown in `topic`.
    pub const fn topic(self) -> &'static str {
        match self {
            Self::OpenVSwitch => "N/A",
            Self::Dhcp => "dhcp_agent",
            Self::L3 => "l3_agent",
        }
    }
}

impl fmt::Display for AgentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

resource! {
    /// A process on a host that carries out what the API promises.
    Agent, AgentDraft: "agent" / "agents", titled "Agent", in "agents";
    settable {
        /// Whether new work may be given to it.
        "admin_state_up": admin_state_up: bool as bool ["admin_state_up"]
            { "agent", flags!(PUT FILTER SORT), Rule::Plain, Unless::Unset }
        /// Text for people.
        "description": description: Option<String> as String ["description"]
            { "agent", flags!(PUT FILTER SORT NULLABLE), Rule::Text(255), Unless::Unset }
    }
    computed {
        /// Its identifier.
        "id": id: AgentId ["id"] { "agent", flags!(FILTER SORT) }
        /// What kind of agent it is.
        "agent_type": agent_type: String ["agent_type"] { "agent", flags!(FILTER SORT) }
        /// Whether it was heard of within `agent_down_time`.
        "alive": alive: bool { "agent", flags!(FILTER SORT) }
        /// Where its host is.
        "availability_zone": availability_zone: Option<String> ["availability_zone"] { "availability_zone", flags!(FILTER) }
        /// The program.
        "binary": binary: String ["binary"] { "agent", flags!(FILTER SORT) }
        /// What it says of itself.
        "configurations": configurations: Map<String, Value> ["configurations"] { "agent", flags!() }
        /// When it was first heard of.
        "created_at": created_at: AgentTime ["created_at"] { "agent", flags!(SORT) }
        /// When it was last heard of.
        "heartbeat_timestamp": heartbeat_timestamp: AgentTime ["heartbeat_timestamp"] { "agent", flags!(SORT) }
        /// Its host's name.
        "host": host: String ["host"] { "agent", flags!(FILTER SORT) }
        /// When it was last started.
        "started_at": started_at: AgentTime ["started_at"] { "agent", flags!(SORT) }
        /// Its queue, as Neutron names it.
        "topic": topic: String ["topic"] { "agent", flags!(FILTER SORT) }
        /// Whether it has published its resources to the placement service.
        "resources_synced": resources_synced: Option<bool> { "agent-resources-synced", flags!() }
    }
    mirrors {}
    internal {}
}

impl Standard for Agent {
    type Id = AgentId;

    fn id(&self) -> AgentId {
        self.id
    }

    fn set_id(&mut self, id: AgentId) {
        self.id = id;
    }

    /// Reports of an agent follow one another; nothing counts them.
    fn revision(&self) -> i64 {
        0
    }

    fn set_revision(&mut self, _: i64) {}
}

/// A time that the API shows as `2026-08-07 12:00:00`, as Neutron does for agents alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AgentTime(pub Timestamp);

impl serde::Serialize for AgentTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.sql_text())
    }
}

shaped! {
    AgentTime => Shape::Time;
}

impl crate::stored::Stored for AgentTime {
    const KIND: crate::stored::CellKind = crate::stored::CellKind::Int;

    fn to_cell(&self) -> crate::stored::Cell {
        self.0.to_cell()
    }

    fn from_cell(cell: crate::stored::Cell) -> Result<Self, crate::stored::BadCell> {
        Timestamp::from_cell(cell).map(Self)
    }
}
