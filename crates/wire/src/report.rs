//! What agents tell the server.

use nucleon_model::PortId;
use nucleon_model::time::{self, Timestamp};
use nucleon_model::view::Position;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing that an agent reports. All may be repeated: they say how things are, not what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The agent lives.
    Heartbeat(Heartbeat),
    /// The ports forward frames as their bodies at these revisions say.
    Wired { ports: Vec<PortMark> },
    /// The ports forward no longer: the device has gone.
    Unwired { ports: Vec<PortMark> },
    /// DHCP answers for the ports as their bodies at these revisions say.
    DhcpReady { ports: Vec<PortMark> },
}

/// An agent's sign of life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The dictionary that the API shows as it is.
    pub configurations: Map<String, Value>,
    #[serde(with = "time::micros")]
    pub started_at: Timestamp,
    /// Set until the first heartbeat after a start is acknowledged.
    pub start_flag: bool,
    pub availability_zone: Option<String>,
    /// Up to where the agent knows everything; hints may have told it of later changes.
    pub position: Option<Position>,
    /// Of the view as held: comparable where no change of the agent's scopes is later than `position`.
    pub digest: u64,
}

/// A port as an agent had it at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMark {
    pub port_id: PortId,
    /// Of the body that was carried out.
    pub revision: i64,
    #[serde(with = "time::micros")]
    pub at: Timestamp,
}

/// What the server made of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAck {
    /// What the agent was to the server before this heartbeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<AliveState>,
    /// The digests differ: the agent must take a snapshot.
    #[serde(default)]
    pub resync: bool,
}

/// What a heartbeat made of an agent's record, in Neutron's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AliveState {
    /// It was not known before.
    New,
    /// It was alive, and still is.
    Alive,
    /// It had been given up; its work may be with others now.
    Revived,
}
