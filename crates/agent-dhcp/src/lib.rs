//! The DHCP agent: every network's leases from one process.
//!
//! It owns what is on a network host for DHCP: the namespaces `qdhcp-<network>`, the devices in
//! them, their ports on the switch, the sockets, and the answers to clients. It does not own the
//! choice of addresses (`ipam`), the wording of answers (`dhcp`), following the server (`agent`), or
//! the flows and tags of its ports, which the OVS agent gives them like any others.

pub mod answering;
pub mod host_state;
pub mod names;
pub mod options;
pub mod plan;
pub mod responder;
pub mod served;

#[cfg(test)]
mod samples;
