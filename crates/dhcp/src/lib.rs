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
//!
//! ```
//! use nucleon_dhcp::v4::{LeaseTime, NetworkConfig, NotAnswerable, Reservation, Subnet};
//!
//! let config = NetworkConfig {
//!     server_mac: "fa:16:3e:00:00:02".parse()?,
//!     subnets: vec![Subnet {
//!         cidr: "10.0.0.0/24".parse()?,
//!         server: Some("10.0.0.2".parse()?),
//!         enable_dhcp: true,
//!         gateway: Some("10.0.0.1".parse()?),
//!         dns_servers: vec!["8.8.8.8".parse()?],
//!         host_routes: Vec::new(),
//!         on_link: Vec::new(),
//!     }],
//!     reservations: vec![Reservation {
//!         mac: "fa:16:3e:00:00:05".parse()?,
//!         addresses: vec!["10.0.0.5".parse()?],
//!         hostname: None,
//!         options: Vec::new(),
//!     }],
//!     mtu: Some(1500),
//!     domain: Some("openstacklocal".to_owned()),
//!     lease_time: LeaseTime::DEFAULT,
//!     renewal_time: None,
//!     rebinding_time: None,
//!     broadcast_reply: false,
//! };
//! let (network, issues) = config.compile();
//! assert!(issues.is_empty());
//! let noise = [0; 60];
//! assert!(matches!(network.answer_frame(&noise), Err(NotAnswerable::Frame(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod frame;
pub mod v4;

#[cfg(test)]
mod tests;
