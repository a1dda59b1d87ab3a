//! What an agent says of itself to its operator.

use nucleon_bus::ConnectionState;
use nucleon_model::view::{Position, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::applier::Failure;
use crate::follower::Withheld;

/// An agent's state at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub role: Role,
    pub host: String,
    /// RFC 3339.
    pub started_at: String,
    pub server: ServerStatus,
    pub view: ViewStatus,
    /// Rounds so far.
    pub rounds: u64,
    /// Of the last round, RFC 3339.
    pub last_round_at: Option<String>,
    /// What is tried again.
    pub failures: Vec<Failure>,
    /// Marks that the server has not acknowledged yet.
    pub reports_waiting: usize,
    /// Why the view could not be kept on disk, or read from it at the start.
    pub store_error: Option<String>,
    /// The role's own.
    pub details: Value,
}

/// How it stands with the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ServerStatus {
    Connecting,
    Connected { address: String, server: String },
    Failed { address: String, why: String },
}

/// How it stands with the view.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ViewStatus {
    /// Nothing is known without one: that is not an empty view.
    pub position: Option<Position>,
    pub networks: usize,
    pub ports: usize,
    pub digest: u64,
    /// What waits for `nucleon agent accept`.
    pub withheld: Option<Withheld>,
    /// Where the server's database is, when it is behind this view.
    pub behind: Option<Position>,
    /// How often the view was found to differ from the server's.
    pub drifts: u64,
}

impl From<ConnectionState> for ServerStatus {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Connecting => Self::Connecting,
            ConnectionState::Connected { address, server } => Self::Connected { address, server },
            ConnectionState::Failed { address, why } => Self::Failed { address, why },
        }
    }
}
