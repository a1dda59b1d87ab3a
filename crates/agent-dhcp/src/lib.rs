//! The DHCP agent: every network's leases from one process.
//!
//! It owns what is on a network host for DHCP: the namespaces `qdhcp-<network>`, the devices in
//! them, their ports on the switch, the sockets, and the answers to clients. It does not own the
//! choice of addresses (`ipam`), the wording of answers (`dhcp`), following the server (`agent`), or
//! the flows and tags of its ports, which the OVS agent gives them like any others.
//!
//! ```text
//!   Runner --view, changes--> DhcpAgent::apply                     one task, round by round
//!                               |  Cloud      who is answered what: holds at once
//!                               |  Host       inspect -> plan (pure) -> steps
//!                               |               |            |
//!                               |      InterfaceDriver   Namespaces, Notes
//!                               |      (OVSDB, links)    (netlink; ours, on disk)
//!                               '--> ready ports --> Runner's reports
//!
//!   Switch: OVSDB events --.
//!   Listeners: a device     >--> Dirty --wake--> the next round
//!     went; audit ---------'
//!
//!   Listener (a task for each network): packet socket --frame--> Responder --frame--> socket
//! ```

pub mod agent;
pub mod answering;
pub mod cloud;
pub mod dirty;
mod error;
pub mod host;
pub mod host_state;
pub mod interface;
mod listener;
mod metrics;
pub mod names;
pub mod namespaces;
mod notes;
pub mod options;
pub mod plan;
pub mod responder;
mod run;
pub mod served;

#[cfg(test)]
mod samples;

pub use crate::agent::DhcpAgent;
pub use crate::dirty::Dirty;
pub use crate::error::Error;
pub use crate::listener::{Common, Listener};
pub use crate::metrics::Counts;
pub use crate::notes::Notes;
pub use crate::options::Options;
pub use crate::run::{Place, RunError, Surroundings, assemble, run, run_at};
