//! What the hub asks the server: the trait that `core` implements.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use nucleon_model::view::{Position, Role, Scope};
use nucleon_wire::{Answer, Report, ReportAck, Version};

/// Who speaks at the other end of a connection; the hub has checked that it may speak for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub role: Role,
    pub host: String,
    pub identity: Identity,
    pub version: Version,
    /// The agent's program and its version, for people.
    pub program: String,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.role, self.host)
    }
}

/// How the hub knows a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// In this process, or over a Unix socket that only trusted users may open: it is believed.
    Local,
    /// By a certificate for these names, which must include the host's.
    Certificate { names: Vec<String> },
    /// Over TCP without TLS, where the operator asked for that: it is believed.
    Insecure,
}

/// An agent's question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchRequest<'a> {
    pub role: Role,
    pub host: &'a str,
    /// Up to where the agent knows everything; `None` asks for a snapshot.
    pub position: Option<Position>,
    /// The answer should hold the digest of the whole view at its position.
    pub verify: bool,
}

/// The server's answer, and where its changes will show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub answer: Answer,
    /// [`nucleon_model::view::View::scopes`] of the view at the answer's position: the hub sends the connection the hints for
    /// these from now on. Ignored with [`Answer::Behind`].
    pub scopes: BTreeSet<Scope>,
}

/// Why the server gives no answer. The agent hears the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The database cannot be asked just now; the agent asks again.
    #[error("{0}")]
    Unavailable(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
}

/// Answers agents from the database, without state of its own.
///
/// The contract of an answer, with `V(p)` the agent's view at a position `p`, pruned:
///
/// * A snapshot at `p` holds the bodies of exactly `V(p)`, read in one snapshot of the database.
/// * A delta from `p` to `q` makes `V(q)` of `V(p)` by [`nucleon_model::view::View::apply`] and `prune`, and also of a view
///   that hints have brought beyond `p` in some scopes. So it holds, as of `q`, the body (or
///   [`nucleon_model::view::Change::Gone`]) of every object that the journal names between the two in a scope of `V(q)`,
///   those included that came and went again; for each port named in the root scope also its network, and for each network
///   named in the root scope of a DHCP agent also all of its ports, even where those last changed long before `p`.
/// * A position of another epoch, or one whose journal is pruned, is answered by a snapshot.
/// * A position ahead of this database (of the same epoch) is answered by [`Answer::Behind`], never by a snapshot.
#[async_trait]
pub trait ViewSource: Send + Sync {
    async fn watch(&self, request: WatchRequest<'_>) -> Result<Watched, SourceError>;

    /// Takes in a report; reports may come twice. Whether the ports in it are `who`'s to speak of is for the source to check:
    /// the hub knows hosts, not ports.
    async fn report(&self, who: &Peer, report: Report) -> Result<ReportAck, SourceError>;
}
