//! What comes of a request.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use nucleon_net::MacAddr;

use super::request::Arrival;
use crate::frame::{CLIENT_PORT, Datagram, SERVER_PORT};

/// The outcome of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Send this.
    Reply(Reply),
    /// Nothing to send, but the client said something worth keeping.
    Noted(Event),
    /// Nothing to send; the reason is for counters.
    Silent(Silence),
}

/// A message to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub kind: ReplyKind,
    pub destination: Destination,
    /// The server's address the reply is sent from.
    pub server: Ipv4Addr,
    pub client: MacAddr,
    /// The address offered or confirmed; for a NAK the one refused.
    pub address: Ipv4Addr,
    /// The DHCP message, as it goes into a UDP datagram.
    pub payload: Vec<u8>,
    /// Options for which the client's message size left no room.
    pub left_out: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyKind {
    Offer,
    Ack,
    /// The ACK to an INFORM: options without an address.
    Information,
    Nak,
}

/// Where a reply goes; always to the client's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Destination {
    Broadcast,
    /// To an address the client may not have yet, hence with the MAC that ARP could not tell.
    Client {
        mac: MacAddr,
        address: Ipv4Addr,
    },
}

/// What a client told without expecting a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The client gave its address back.
    Released { mac: MacAddr, address: Ipv4Addr },
    /// The client found its address in use by somebody else.
    Declined { mac: MacAddr, address: Ipv4Addr },
}

/// Why a well-formed request gets no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Silence {
    /// Not a client of ours: perhaps a physical machine with a DHCP server of its own.
    UnknownClient(MacAddr),
    /// Sent to an address or MAC that is not ours.
    NotForUs,
    /// Forwarded by a relay; relays are not served.
    Relayed(Ipv4Addr),
    /// Directed to the server with this identifier.
    OtherServer(Ipv4Addr),
    /// Ours, but none of its addresses lies in a subnet that we serve.
    NotServed(MacAddr),
    /// RELEASE or DECLINE of an address that is not the client's.
    NotItsAddress(Ipv4Addr),
    /// RELEASE or DECLINE in the name of one client from the MAC of another.
    Impersonated { by: MacAddr },
    /// A REQUEST or INFORM that names no address.
    NoAddress,
    /// A message that only servers send, or one of a protocol beside (lease query, forced renewal).
    Unexpected(u8),
}

impl Silence {
    /// Every reason's name, for a counter to start at zero.
    pub const LABELS: [&str; 9] = [
        "unknown_client",
        "not_for_us",
        "relayed",
        "other_server",
        "not_served",
        "not_its_address",
        "impersonated",
        "no_address",
        "unexpected",
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownClient(_) => "unknown_client",
            Self::NotForUs => "not_for_us",
            Self::Relayed(_) => "relayed",
            Self::OtherServer(_) => "other_server",
            Self::NotServed(_) => "not_served",
            Self::NotItsAddress(_) => "not_its_address",
            Self::Impersonated { .. } => "impersonated",
            Self::NoAddress => "no_address",
            Self::Unexpected(_) => "unexpected",
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClient(mac) => write!(f, "{mac} is no client of this network"),
            Self::NotForUs => f.write_str("sent to somebody else"),
            Self::Relayed(relay) => write!(f, "forwarded by the relay {relay}"),
            Self::OtherServer(server) => write!(f, "directed to the server {server}"),
            Self::NotServed(mac) => write!(f, "{mac} has no address in a subnet with DHCP"),
            Self::NotItsAddress(address) => write!(f, "{address} is not the client's"),
            Self::Impersonated { by } => write!(f, "sent by {by} in another's name"),
            Self::NoAddress => f.write_str("names no address"),
            Self::Unexpected(kind) => write!(f, "message type {kind} is not for a server"),
        }
    }
}

impl Reply {
    pub fn socket_address(&self) -> SocketAddrV4 {
        let address = match self.destination {
            Destination::Broadcast => Ipv4Addr::BROADCAST,
            Destination::Client { address, .. } => address,
        };
        SocketAddrV4::new(address, CLIENT_PORT)
    }

    /// The reply with the addresses it travels under; `vlan` is the tag of the request's frame.
    pub fn datagram(&self, server_mac: MacAddr, vlan: Option<u16>) -> Datagram<'_> {
        Datagram {
            source_mac: server_mac,
            destination_mac: match self.destination {
                Destination::Broadcast => MacAddr::BROADCAST,
                Destination::Client { mac, .. } => mac,
            },
            vlan,
            source: SocketAddrV4::new(self.server, SERVER_PORT),
            destination: self.socket_address(),
            payload: &self.payload,
        }
    }
}

impl From<&Datagram<'_>> for Arrival {
    fn from(datagram: &Datagram<'_>) -> Self {
        Self {
            source_mac: Some(datagram.source_mac),
            destination_mac: Some(datagram.destination_mac),
            destination: Some(*datagram.destination.ip()),
        }
    }
}
