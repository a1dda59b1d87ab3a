//! The hub: hints, watches and reports between the server and its agents.
//!
//! Who connects, who may, what goes to whom, and what happens when somebody is slow, silent or gone. What an answer contains
//! is the server's to say ([`ViewSource`]); what an agent makes of it is in `agent`.
//!
//! ```text
//!   server                                                          agent
//!   ViewSource <-- watch, report --+                        +-- calls -- HubClient <-- watch(), report()
//!                                  |   Unix socket, TLS,    |
//!   publish(hints) --> routes --> one task <---------> one task --> ClientEvents: connected,
//!                      by scope   per connection    per client      disconnected, hint, lagged
//!                       |           reader, writer     reader, writer
//!                       '-- bounded queue for each connection: a slow agent loses hints, not the hub its memory
//! ```

mod client;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod hub;
mod source;
mod stream;
mod tls;

pub use nucleon_wire::{Answer, Hint, Report, ReportAck};

pub use crate::client::{
    CallError, ClientEvent, ClientEvents, ClientOptions, Connect, ConnectionState, HubClient,
    ServerAt, Verify,
};
pub use crate::hub::{Hub, HubMetrics, HubOptions, ListenAt, ListenError, Listening, TcpSecurity};
pub use crate::source::{Identity, Peer, SourceError, ViewSource, WatchRequest, Watched};
pub use crate::tls::{ClientTls, ServerTls, TlsError, TlsFiles};
