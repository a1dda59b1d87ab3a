//! The messages, by direction.

use nucleon_model::view::{Position, Role};
use serde::{Deserialize, Serialize};

use crate::answer::AnswerChunk;
use crate::hint::Hint;
use crate::report::{Report, ReportAck};
use crate::version::{Version, VersionRange};

/// Chosen by the agent, given back with what answers the request.
pub type RequestId = u64;

/// From agent to server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentMessage {
    Hello(Hello),
    Watch(Watch),
    Report { id: RequestId, report: Report },
    Ping { nonce: u64 },
    Pong { nonce: u64 },
}

/// From server to agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerMessage {
    Welcome(Welcome),
    Refused(Refusal),
    Answer(AnswerChunk),
    ReportAck { id: RequestId, ack: ReportAck },
    Hint(Hint),
    Ping { nonce: u64 },
    Pong { nonce: u64 },
}

/// The first frame of a connection, the same in all versions. One connection speaks for one role on one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub versions: VersionRange,
    pub role: Role,
    pub host: String,
    /// The agent's program and its version, for people.
    pub program: String,
}

/// The answer to a `Hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub version: Version,
    /// The server's name for itself, for people.
    pub server: String,
}

/// What has changed since a position, or all of it without one; the hub sends hints for the answer's scopes from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub id: RequestId,
    pub position: Option<Position>,
    /// Wants the digest of the whole view with the answer, to find drift.
    #[serde(default)]
    pub verify: bool,
}

/// The server does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The request; `None` refuses the connection itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    pub reason: RefusalReason,
}

/// Why the server does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalReason {
    #[error("the server speaks protocol versions {spoken}")]
    Version { spoken: VersionRange },
    #[error("the peer may not speak for host '{host}': {why}")]
    NotYourHost { host: String, why: String },
    #[error("'{host}' is not a host name")]
    InvalidHost { host: String },
    #[error("the server cannot answer now: {why}")]
    Unavailable { why: String },
    #[error("another watch of this connection is being answered")]
    Busy,
    #[error("the server refuses the request: {why}")]
    Invalid { why: String },
    #[error("unexpected message: {what}")]
    Unexpected { what: String },
    #[error("the server is stopping")]
    Stopping,
}
