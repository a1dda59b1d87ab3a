//! A DHCP responder as a pure function of request and configuration.
//!
//! Owns: reading requests from frames or UDP payloads, deciding what a server of fixed addresses
//! answers, and writing the answer back as a payload or a whole frame. Owns no socket, no clock, no
//! lease file: an address belongs to a MAC because the configuration says so, so nothing is to be
//! remembered between two requests, and a restarted agent answers exactly as before.
//!
//! Does not own: sockets and namespaces (`agent-dhcp`), the choice of addresses (`ipam`), DNS.
//!
//! ```text
//!  frame bytes --> frame::Datagram --> v4::Request --> v4::Network::respond --> v4::Answer
//!                  Ethernet, 802.1Q,   RFC 2131        client by MAC,           Reply -> frame
//!                  IPv4, UDP           header,         OFFER/ACK/NAK            Noted(event)
//!                  checksums           options         or silence               Silent(reason)
//!
//!  v4::NetworkConfig --compile--> v4::Network (by MAC) + v4::Issue for each part left out
//! ```
//!
//! The first rule is silence towards clients that are not in the configuration: on a provider
//! network physical machines with a DHCP server of their own share the segment.

pub mod frame;
pub mod v4;

#[cfg(test)]
mod tests;
