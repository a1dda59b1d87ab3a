//! Ethernet, IPv4 and UDP around a DHCP message, for sockets that carry whole frames.

mod build;
mod checksum;
mod parse;

use std::net::{Ipv4Addr, SocketAddrV4};

use nucleon_net::MacAddr;

/// The port a DHCPv4 server listens on (RFC 2131, section 4.1).
pub const SERVER_PORT: u16 = 67;
/// The port a DHCPv4 client listens on (RFC 2131, section 4.1).
pub const CLIENT_PORT: u16 = 68;

/// A UDP datagram with the addresses it travels under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    pub source_mac: MacAddr,
    pub destination_mac: MacAddr,
    /// The 802.1Q tag control information (priority and VLAN id), when the frame has a tag.
    pub vlan: Option<u16>,
    pub source: SocketAddrV4,
    pub destination: SocketAddrV4,
    pub payload: &'a [u8],
}

/// Why bytes are not a datagram to a DHCP server, or cannot become a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("{layer} needs {needed} octets, {available} are there")]
    Truncated { layer: Layer, needed: usize, available: usize },
    #[error("EtherType {0:#06x} is not IPv4")]
    NotIpv4(u16),
    #[error("IP version {0} in a frame marked IPv4")]
    Version(u8),
    #[error("IPv4 header of {0} octets is shorter than 20")]
    HeaderLength(usize),
    #[error("IPv4 header checksum is wrong")]
    IpChecksum,
    #[error("a fragment of a datagram from {0}")]
    Fragment(Ipv4Addr),
    #[error("IP protocol {0} is not UDP")]
    NotUdp(u8),
    #[error("UDP port {0} is not the DHCP server's")]
    Port(u16),
    #[error("UDP checksum {0:#06x} is wrong")]
    UdpChecksum(u16),
    #[error("a payload of {0} octets does not fit a datagram")]
    TooLong(usize),
}

/// The header at which reading a frame stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    Ethernet,
    Ipv4,
    Udp,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ethernet => "the Ethernet header",
            Self::Ipv4 => "the IPv4 packet",
            Self::Udp => "the UDP datagram",
        })
    }
}
