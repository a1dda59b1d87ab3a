//! The kernel's side of a host: network namespaces, links, addresses, routes, sysctls, raw sockets.
//!
//! It does not know what a port or a network is, speaks neither OVSDB nor OpenFlow, and starts no
//! program. What it opens it hands to the caller's event loop.
//!
//! ```text
//!   caller's runtime                          one thread per entered namespace
//!   ----------------                          --------------------------------
//!   Netns::run(job) ---- bounded channel ---> setns(2), then jobs one after another
//!   Links (netlink) ---- requests ----------> the rtnetlink socket opened in there
//!   PacketSocket <------ a descriptor ------- socket(2) called in there
//! ```
//!
//! A namespace belongs to a thread, never to a worker of the caller's runtime: `setns(2)` there
//! would move whatever task runs on that worker next. A socket stays in the namespace it was
//! opened in, so only opening happens inside.

mod bpf;
mod error;
mod ethtool;
mod links;
mod name;
mod netns;
mod packet;
mod sysctl;
mod udp;

pub use crate::bpf::Filter;
pub use crate::error::{Ensured, Error};
pub use crate::ethtool::Offload;
pub use crate::links::{
    Address, AdminState, Link, LinkChange, Links, Neighbour, Origin, Route, Scope, Veth, VethEnd,
};
pub use crate::name::{InvalidName, LinkName, NetnsName};
pub use crate::netns::{Inside, Netns, NetnsDir};
pub use crate::packet::{
    Checksum, Frame, PacketKind, PacketOptions, PacketSocket, PacketStatistics, Promiscuous,
    Protocol, VlanTag,
};
pub use crate::udp::{Broadcast, UdpOptions};
