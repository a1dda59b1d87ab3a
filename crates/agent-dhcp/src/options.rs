//! What the operator chose, as far as it concerns DHCP.

use std::net::{IpAddr, Ipv4Addr};

use nucleon_conf::{Settings, value};
use nucleon_dhcp::v4::LeaseTime;

use crate::plan::Plugging;

/// Options of the answers themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerOptions {
    pub lease_time: LeaseTime,
    /// T1 and T2 in seconds; zero leaves them to the lease time.
    pub renewal_time: u32,
    pub rebinding_time: u32,
    pub domain: Option<String>,
    pub broadcast_reply: bool,
    /// For subnets that name none.
    pub dns_servers: Vec<Ipv4Addr>,
}

/// How ports are plugged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlugOptions {
    pub integration_bridge: String,
    pub plugging: Plugging,
}

impl AnswerOptions {
    pub fn new(settings: &Settings) -> Self {
        let domain = &settings.addressing.dns_domain;
        let v4 = |address: &IpAddr| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        };
        Self {
            lease_time: match settings.addressing.dhcp_lease_duration {
                value::LeaseTime::Infinite => LeaseTime::Infinite,
                value::LeaseTime::Seconds(seconds) => LeaseTime::Seconds(seconds.get()),
            },
            renewal_time: settings.dhcp.dhcp_renewal_time,
            rebinding_time: settings.dhcp.dhcp_rebinding_time,
            domain: (!domain.is_empty()).then(|| domain.clone()),
            broadcast_reply: settings.dhcp.dhcp_broadcast_reply,
            dns_servers: settings.dhcp.dnsmasq_dns_servers.iter().filter_map(v4).collect(),
        }
    }
}

impl Default for AnswerOptions {
    /// Neutron's defaults.
    fn default() -> Self {
        Self {
            lease_time: LeaseTime::DEFAULT,
            renewal_time: 0,
            rebinding_time: 0,
            domain: Some("openstacklocal".to_owned()),
            broadcast_reply: false,
            dns_servers: Vec::new(),
        }
    }
}

impl PlugOptions {
    pub fn new(settings: &Settings) -> Self {
        let plugging = if settings.dhcp.ovs_use_veth { Plugging::Veth } else { Plugging::Internal };
        Self { integration_bridge: settings.ovs.integration_bridge.clone(), plugging }
    }
}
