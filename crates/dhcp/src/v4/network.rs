//! A network's configuration, indexed for answering.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use nucleon_net::{Ipv4Net, MacAddr};

use super::config::{HostRoute, LeaseTime, NetworkConfig, Reservation, Subnet, default_hostname};
use super::extra::{Extra, is_label, push_route};
use super::issue::Issue;
use super::option::{WireOption, code};

/// What [`NetworkConfig::compile`] makes: a client is found by its MAC at once, and its options
/// are ready to be sent.
#[derive(Debug, Clone)]
pub struct Network {
    pub(super) server_mac: MacAddr,
    /// Every address of the server on this network.
    pub(super) servers: Vec<Ipv4Addr>,
    pub(super) subnets: Vec<ServedSubnet>,
    pub(super) clients: HashMap<MacAddr, Client>,
    pub(super) domain: Option<String>,
    pub(super) timers: Timers,
    pub(super) broadcast_reply: bool,
}

/// A subnet, and the options all its clients get.
#[derive(Debug, Clone)]
pub(super) struct ServedSubnet {
    cidr: Ipv4Net,
    /// The server's address; none: the subnet is not served.
    pub(super) server: Option<Ipv4Addr>,
    pub(super) options: Vec<WireOption<'static>>,
}

/// Times of a lease as configured; what is not configured follows from the lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    pub(super) lease: LeaseTime,
    pub(super) renewal: Option<u32>,
    pub(super) rebinding: Option<u32>,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Served addresses in the order of preference.
    pub(super) leases: Vec<Lease>,
    pub(super) extras: Vec<Extra>,
}

/// An address of a client in a subnet that is served.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) address: Ipv4Addr,
    pub(super) server: Ipv4Addr,
    /// Index into the subnets of the network.
    pub(super) subnet: usize,
    /// Option 12: without domain.
    pub(super) hostname: String,
}

impl NetworkConfig {
    /// The configuration in its working form. What cannot be served is left out and reported.
    pub fn compile(&self) -> (Network, Vec<Issue>) {
        let mut issues = Vec::new();
        let domain = self.domain.as_deref().and_then(|domain| {
            let name = domain.trim_end_matches('.');
            if name.is_empty() {
                return None;
            }
            if name.len() <= 253 && name.split('.').all(is_label) {
                return Some(name.to_owned());
            }
            issues.push(Issue::Domain { domain: domain.to_owned() });
            None
        });
        let subnets: Vec<_> =
            self.subnets.iter().map(|subnet| self.compile_subnet(subnet, &mut issues)).collect();
        let mut network = Network {
            server_mac: self.server_mac,
            servers: self.subnets.iter().filter_map(|subnet| subnet.server).collect(),
            subnets,
            clients: HashMap::with_capacity(self.reservations.len()),
            domain,
            timers: self.compile_timers(&mut issues),
            broadcast_reply: self.broadcast_reply,
        };
        for reservation in &self.reservations {
            if network.clients.contains_key(&reservation.mac) {
                issues.push(Issue::DuplicateMac { mac: reservation.mac });
            }
            issues.append(&mut network.insert(reservation));
        }
        (network, issues)
    }

    fn compile_subnet(&self, subnet: &Subnet, issues: &mut Vec<Issue>) -> ServedSubnet {
        let cidr = subnet.cidr.trunc();
        let server = subnet.server.filter(|_| subnet.enable_dhcp);
        if let Some(address) = server.filter(|address| !cidr.contains(address)) {
            issues.push(Issue::ServerOutside { cidr, address });
        } else if subnet.enable_dhcp && server.is_none() {
            issues.push(Issue::NoServerAddress { cidr });
        }
        let options = subnet_options(subnet, self.mtu);
        ServedSubnet { cidr, server: server.filter(|address| cidr.contains(address)), options }
    }

    fn compile_timers(&self, issues: &mut Vec<Issue>) -> Timers {
        // Neutron's zero means "not set".
        let timers = Timers {
            lease: self.lease_time,
            renewal: self.renewal_time.filter(|seconds| *seconds != 0),
            rebinding: self.rebinding_time.filter(|seconds| *seconds != 0),
        };
        if let (LeaseTime::Seconds(lease), Some((renewal, rebinding))) =
            (timers.lease, timers.configured())
            && !(renewal < rebinding && rebinding < lease)
        {
            issues.push(Issue::Timers { renewal, rebinding, lease });
        }
        timers
    }
}

impl Network {
    pub fn server_mac(&self) -> MacAddr {
        self.server_mac
    }

    /// The number of known clients.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Adds or replaces one client, at a cost that does not grow with their number.
    pub fn insert(&mut self, reservation: &Reservation) -> Vec<Issue> {
        let mac = reservation.mac;
        let mut issues = Vec::new();
        let hostname = reservation.hostname.as_deref().filter(|name| !name.is_empty());
        let hostname = hostname.and_then(|name| {
            // A full name is told in two options, 12 and 15.
            let short = name.split('.').next().filter(|label| is_label(label));
            if short.is_none() {
                issues.push(Issue::Hostname { mac, hostname: name.to_owned() });
            }
            short
        });
        let mut leases = Vec::new();
        for &address in &reservation.addresses {
            let found = self.subnets.iter().enumerate().find(|(_, s)| s.cidr.contains(&address));
            let Some((subnet, served)) = found else {
                issues.push(Issue::AddressOutside { mac, address });
                continue;
            };
            if let Some(server) = served.server {
                let hostname = hostname.map_or_else(|| default_hostname(address), str::to_owned);
                leases.push(Lease { address, server, subnet, hostname });
            }
        }
        let mut extras = Vec::new();
        for option in &reservation.options {
            match Extra::compile(option) {
                Ok(extra) => extras.push(extra),
                Err(source) => {
                    issues.push(Issue::Option { mac, name: option.name.clone(), source });
                }
            }
        }
        self.clients.insert(mac, Client { leases, extras });
        issues
    }

    /// Forgets one client; false when it was not known.
    pub fn remove(&mut self, mac: MacAddr) -> bool {
        self.clients.remove(&mac).is_some()
    }
}

impl Timers {
    /// T1 and T2 as configured, one completed by the default of the other; none for ever.
    fn configured(&self) -> Option<(u32, u32)> {
        let LeaseTime::Seconds(lease) = self.lease else { return None };
        let (renewal, rebinding) = defaults(lease);
        Some((self.renewal.unwrap_or(renewal), self.rebinding.unwrap_or(rebinding)))
    }

    /// T1 and T2 as sent: increasing and shorter than the lease, else not at all.
    pub(super) fn renewal_and_rebinding(&self) -> Option<(u32, u32)> {
        let LeaseTime::Seconds(lease) = self.lease else { return None };
        [self.configured(), Some(defaults(lease))]
            .into_iter()
            .flatten()
            .find(|(renewal, rebinding)| renewal < rebinding && *rebinding < lease)
    }
}

/// RFC 2131, section 4.4.5.
fn defaults(lease: u32) -> (u32, u32) {
    (lease / 2, lease - lease.div_ceil(8))
}

/// The options of a subnet, as Neutron derives them.
fn subnet_options(subnet: &Subnet, mtu: Option<u16>) -> Vec<WireOption<'static>> {
    let cidr = subnet.cidr.trunc();
    // A host route for everything is a gateway; a gateway of the subnet's own comes before it.
    let default_route = subnet.host_routes.iter().find(|route| route.destination.prefix_len() == 0);
    let gateway = subnet.gateway.or(default_route.map(|route| route.next_hop));

    let mut options = vec![WireOption::new(code::NETMASK, cidr.netmask().octets().to_vec())];
    if cidr.prefix_len() < 31 {
        options.push(WireOption::new(code::BROADCAST, cidr.broadcast().octets().to_vec()));
    }
    if let Some(gateway) = gateway {
        options.push(WireOption::new(code::ROUTER, gateway.octets().to_vec()));
    }
    let dns = &subnet.dns_servers;
    if !dns.is_empty() && !dns.contains(&Ipv4Addr::UNSPECIFIED) {
        let data: Vec<u8> = dns.iter().flat_map(Ipv4Addr::octets).collect();
        options.push(WireOption::new(code::DNS_SERVER, data));
    }
    if let Some(mtu) = mtu {
        options.push(WireOption::new(code::MTU, mtu.to_be_bytes().to_vec()));
    }
    let routes = routes(subnet, gateway);
    if !routes.is_empty() {
        options.push(WireOption::new(code::ROUTES, routes.clone()));
        options.push(WireOption::new(code::ROUTES_MICROSOFT, routes));
    }
    options
}

/// Option 121: a client that gets it ignores the router option (RFC 3442), so the default route is
/// repeated in it. Without any other route there is no need of it.
fn routes(subnet: &Subnet, gateway: Option<Ipv4Addr>) -> Vec<u8> {
    let mut data = Vec::new();
    let specific = subnet.host_routes.iter().filter(|route| route.destination.prefix_len() != 0);
    for HostRoute { destination, next_hop } in specific {
        push_route(&mut data, *destination, *next_hop);
    }
    for sibling in &subnet.on_link {
        push_route(&mut data, *sibling, Ipv4Addr::UNSPECIFIED);
    }
    if let Some(gateway) = gateway.filter(|_| !data.is_empty()) {
        push_route(&mut data, Ipv4Net::default(), gateway);
    }
    data
}
