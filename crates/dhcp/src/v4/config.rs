//! What a network's DHCP service is told, as plain data.

use std::net::Ipv4Addr;

use nucleon_net::{Ipv4Net, MacAddr};
use serde::{Deserialize, Serialize};

/// Everything needed to answer the clients of one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkConfig {
    /// The MAC address of the server's port; frames to other unicast addresses are not for us.
    pub server_mac: MacAddr,
    pub subnets: Vec<Subnet>,
    pub reservations: Vec<Reservation>,
    /// Sent whether asked for or not, as Neutron does.
    pub mtu: Option<u16>,
    /// Option 15, and the domain behind host names; a final dot is dropped.
    pub domain: Option<String>,
    pub lease_time: LeaseTime,
    /// T1 in seconds; without it half the lease time (RFC 2131, section 4.4.5).
    pub renewal_time: Option<u32>,
    /// T2 in seconds; without it 7/8 of the lease time (RFC 2131, section 4.4.5).
    pub rebinding_time: Option<u32>,
    /// Broadcast every reply to a client without address, asked for or not
    /// (Neutron: `dhcp_broadcast_reply`).
    pub broadcast_reply: bool,
}

/// One IPv4 subnet of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub cidr: Ipv4Net,
    /// The server's own address in this subnet; none where the server has no address yet.
    pub server: Option<Ipv4Addr>,
    pub enable_dhcp: bool,
    pub gateway: Option<Ipv4Addr>,
    /// Empty, or with 0.0.0.0 in it: no DNS servers are told to clients (Neutron's convention).
    pub dns_servers: Vec<Ipv4Addr>,
    pub host_routes: Vec<HostRoute>,
    /// Other subnets on the same segment, which clients reach without a router.
    pub on_link: Vec<Ipv4Net>,
}

/// A route for clients: `destination` by way of `next_hop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRoute {
    pub destination: Ipv4Net,
    pub next_hop: Ipv4Addr,
}

/// A client: the addresses that belong to a MAC, and what it is to be told besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub mac: MacAddr,
    /// In the order of preference. The subnet is the one that contains the address.
    pub addresses: Vec<Ipv4Addr>,
    /// Without it, [`default_hostname`] of the address.
    pub hostname: Option<String>,
    /// Neutron's `extra_dhcp_opts` for IPv4.
    pub options: Vec<ExtraOption>,
}

/// One of Neutron's `extra_dhcp_opts`: an option by name or number, and its value as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraOption {
    /// `bootfile-name`, `67`, `tag:ipxe,67` or `tag:!ipxe,bootfile-name`.
    pub name: String,
    pub value: String,
}

/// How long an address may be used without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaseTime {
    Seconds(u32),
    Infinite,
}

impl LeaseTime {
    /// Neutron's `dhcp_lease_duration`.
    pub const DEFAULT: Self = Self::Seconds(86400);

    /// Neutron's way of writing it: -1 is for ever.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        match (seconds, u32::try_from(seconds)) {
            (-1, _) | (_, Ok(u32::MAX)) => Some(Self::Infinite),
            (0, _) | (_, Err(_)) => None,
            (_, Ok(seconds)) => Some(Self::Seconds(seconds)),
        }
    }

    /// As sent in option 51, where all ones is for ever (RFC 2131, section 3.3).
    pub(super) fn wire(self) -> u32 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Infinite => u32::MAX,
        }
    }
}

impl Default for LeaseTime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The name Neutron gives to an address without one: `host-10-0-0-5`.
pub fn default_hostname(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("host-{a}-{b}-{c}-{d}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_one_and_all_ones_are_for_ever_and_nonsense_is_refused() {
        assert_eq!(LeaseTime::from_seconds(-1), Some(LeaseTime::Infinite));
        assert_eq!(LeaseTime::from_seconds(i64::from(u32::MAX)), Some(LeaseTime::Infinite));
        assert_eq!(LeaseTime::from_seconds(600), Some(LeaseTime::Seconds(600)));
        for nonsense in [0, -2, i64::MIN, i64::from(u32::MAX) + 1] {
            assert_eq!(LeaseTime::from_seconds(nonsense), None);
        }
    }

    #[test]
    fn the_default_name_spells_the_address_with_dashes() {
        assert_eq!(default_hostname(Ipv4Addr::new(10, 0, 0, 5)), "host-10-0-0-5");
    }
}
