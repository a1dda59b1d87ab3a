//! The options that operations depend on, by Neutron's names.

use std::collections::BTreeMap;
use std::time::Duration;

use nucleon_net::MacAddr;

use crate::quota::QuotaLimits;

/// Values of configuration options.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Settings {
    /// `[DEFAULT] base_mac`: the first three octets of MAC addresses made up here; four if the fourth is not zero.
    pub base_mac: MacAddr,
    pub max_dns_nameservers: usize,
    pub max_subnet_host_routes: usize,
    pub max_allowed_address_pair: usize,
    /// Age of the last heartbeat from which an agent counts as dead.
    pub agent_down_time: Duration,
    /// `[DEFAULT] dns_domain`: the domain of ports' names.
    pub dns_domain: String,
    pub dhcp_agents_per_network: usize,
    /// Whether a DHCP agent that comes up takes networks that nobody serves.
    pub network_auto_schedule: bool,
    /// Whether networks of a dead DHCP agent move to another.
    pub allow_automatic_dhcp_failover: bool,
    /// How many L3 agents carry a highly available router.
    pub max_l3_agents_per_router: usize,
    /// Whether an L3 agent that comes up takes routers that nobody carries.
    pub router_auto_schedule: bool,
    /// Whether routers of a dead L3 agent move to another.
    pub allow_automatic_l3agent_failover: bool,
    pub global_physnet_mtu: u32,
    /// `[ml2] path_mtu`; 0 is unlimited.
    pub path_mtu: u32,
    /// `[ml2] physical_network_mtus`.
    pub physical_network_mtus: BTreeMap<String, u32>,
    /// `[ml2] project_network_types`: types of networks without provider attributes, in order of preference.
    pub project_network_types: Vec<String>,
    /// Whether routers hide what is behind them from outside, where a request does not say.
    pub enable_snat_by_default: bool,
    /// Whether routers work on every host, where a request does not say.
    pub router_distributed: bool,
    /// Whether routers stand on several hosts, where a request does not say.
    pub l3_ha: bool,
    /// Conntrack helpers that routers may have, each with its protocol.
    pub allowed_conntrack_helpers: Vec<(String, String)>,
    /// `[quotas]`: how much projects may have that have no limits of their own.
    pub quotas: QuotaLimits,
    /// Extensions that only the API knows are listed and served too.
    pub api_preview: bool,
}

/// `[DEFAULT] allowed_conntrack_helpers`.
const CONNTRACK_HELPERS: &[(&str, &str)] = &[
    ("amanda", "tcp"),
    ("ftp", "tcp"),
    ("h323", "udp"),
    ("h323", "tcp"),
    ("irc", "tcp"),
    ("netbios-ns", "udp"),
    ("pptp", "tcp"),
    ("sane", "tcp"),
    ("sip", "udp"),
    ("sip", "tcp"),
    ("snmp", "udp"),
    ("tftp", "udp"),
];

impl Default for Settings {
    /// Neutron's defaults.
    fn default() -> Self {
        Self {
            base_mac: MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 0]),
            max_dns_nameservers: 5,
            max_subnet_host_routes: 20,
            max_allowed_address_pair: 10,
            agent_down_time: Duration::from_secs(75),
            dns_domain: "openstacklocal".to_owned(),
            dhcp_agents_per_network: 1,
            network_auto_schedule: true,
            allow_automatic_dhcp_failover: true,
            max_l3_agents_per_router: 3,
            router_auto_schedule: true,
            allow_automatic_l3agent_failover: false,
            global_physnet_mtu: 1500,
            path_mtu: 0,
            physical_network_mtus: BTreeMap::new(),
            project_network_types: vec!["local".to_owned()],
            enable_snat_by_default: true,
            router_distributed: false,
            l3_ha: false,
            allowed_conntrack_helpers: CONNTRACK_HELPERS
                .iter()
                .map(|(helper, protocol)| ((*helper).to_owned(), (*protocol).to_owned()))
                .collect(),
            quotas: QuotaLimits::default(),
            api_preview: false,
        }
    }
}

impl Settings {
    /// A MAC address within `base_mac`, its rest from `random`.
    pub fn mac_from(&self, random: [u8; 6]) -> MacAddr {
        let base = self.base_mac.octets();
        let fixed = if base[3] == 0 { 3 } else { 4 };
        let mut octets = random;
        octets[..fixed].copy_from_slice(&base[..fixed]);
        MacAddr::new(octets)
    }
}
