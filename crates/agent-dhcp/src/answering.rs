//! From what the server says about a network and its ports to what clients are told.

use std::net::{IpAddr, Ipv4Addr};

use nucleon_dhcp::v4::{ExtraOption, HostRoute, NetworkConfig, Reservation, Subnet};
use nucleon_model::view::{NetworkBody, PortBody, SubnetBody};
use nucleon_net::{IpNet, Ipv4Net};

use crate::options::AnswerOptions;

/// The network's configuration without its clients, who come and go one by one.
pub fn configuration(
    network: &NetworkBody,
    dhcp_port: &PortBody,
    options: &AnswerOptions,
) -> NetworkConfig {
    let subnets = network.subnets.iter().filter_map(|body| {
        let cidr = v4_net(body.cidr)?;
        Some(subnet(body, cidr, network, dhcp_port, options))
    });
    NetworkConfig {
        server_mac: dhcp_port.mac_address,
        subnets: subnets.collect(),
        reservations: Vec::new(),
        // IPv4 knows no larger packets than 65535.
        mtu: u16::try_from(network.mtu).ok().filter(|mtu| *mtu != 0),
        domain: options.domain.clone(),
        lease_time: options.lease_time,
        renewal_time: Some(options.renewal_time).filter(|seconds| *seconds != 0),
        rebinding_time: Some(options.rebinding_time).filter(|seconds| *seconds != 0),
        broadcast_reply: options.broadcast_reply,
    }
}

/// What belongs to a port's MAC; `None` when it has no IPv4 address.
pub fn reservation(port: &PortBody) -> Option<Reservation> {
    let addresses: Vec<Ipv4Addr> =
        port.fixed_ips.iter().filter_map(|fixed| v4(fixed.ip_address)).collect();
    let extras = port.extra_dhcp_opts.iter().filter(|option| option.ip_version == 4);
    let options = extras.filter_map(|option| {
        // Without a value there is nothing to send; an empty one takes a default away.
        let value = option.opt_value.clone()?;
        Some(ExtraOption { name: option.opt_name.clone(), value })
    });
    (!addresses.is_empty()).then(|| Reservation {
        mac: port.mac_address,
        addresses,
        hostname: None,
        options: options.collect(),
    })
}

/// Whether the server waits for word of the port: it has an address in a subnet with DHCP.
///
/// IPv6 subnets count, as in Neutron: their machines are told nothing here yet, and nothing that is
/// done here holds them up.
pub fn is_awaited(network: &NetworkBody, port: &PortBody) -> bool {
    port.fixed_ips.iter().any(|fixed| {
        let of = |subnet: &&SubnetBody| subnet.id == fixed.subnet_id;
        network.subnets.iter().find(of).is_some_and(|subnet| subnet.enable_dhcp)
    })
}

fn subnet(
    body: &SubnetBody,
    cidr: Ipv4Net,
    network: &NetworkBody,
    dhcp_port: &PortBody,
    options: &AnswerOptions,
) -> Subnet {
    let own = dhcp_port.fixed_ips.iter().find(|fixed| fixed.subnet_id == body.id);
    let mut dns_servers: Vec<_> = body.dns_nameservers.iter().copied().filter_map(v4).collect();
    // A subnet with IPv6 servers only has named its servers, too.
    if body.dns_nameservers.is_empty() {
        dns_servers.clone_from(&options.dns_servers);
    }
    let siblings = network
        .subnets
        .iter()
        .filter(|other| other.id != body.id && other.segment_id == body.segment_id);
    Subnet {
        cidr,
        server: own.and_then(|fixed| v4(fixed.ip_address)),
        enable_dhcp: body.enable_dhcp,
        gateway: body.gateway_ip.and_then(v4),
        dns_servers,
        host_routes: body
            .host_routes
            .iter()
            .filter_map(|route| {
                let (destination, next_hop) = (v4_net(route.destination)?, v4(route.nexthop)?);
                Some(HostRoute { destination, next_hop })
            })
            .collect(),
        on_link: siblings.filter_map(|other| v4_net(other.cidr)).collect(),
    }
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn v4_net(net: IpNet) -> Option<Ipv4Net> {
    match net {
        IpNet::V4(net) => Some(net),
        IpNet::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::port::FixedIp;
    use nucleon_model::{SegmentId, SubnetId, subnet};
    use uuid::Uuid;

    use super::*;
    use crate::samples::{dhcp_port, extra, mac, machine, network, v4 as v4_body, v6};

    fn configured(network: &NetworkBody) -> NetworkConfig {
        configuration(network, &dhcp_port(), &AnswerOptions::default())
    }

    fn second_v4() -> SubnetBody {
        let id = SubnetId::new(Uuid::from_u128(0x42));
        SubnetBody { id, cidr: "10.0.9.0/24".parse().unwrap(), ..v4_body() }
    }

    #[test]
    fn only_ipv4_subnets_are_configured_and_the_server_is_the_dhcp_ports_address() {
        let config = configured(&network());
        assert_eq!(config.server_mac, mac(2));
        assert_eq!(config.mtu, Some(1450));
        assert_eq!(config.domain.as_deref(), Some("openstacklocal"));
        let [subnet] = config.subnets.as_slice() else { panic!("{:?}", config.subnets) };
        assert_eq!(subnet.cidr, "10.0.0.0/24".parse().unwrap());
        assert_eq!(subnet.server, Some(Ipv4Addr::new(10, 0, 0, 2)));
        assert_eq!(subnet.gateway, Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert_eq!(subnet.dns_servers, [Ipv4Addr::new(9, 9, 9, 9)]);
    }

    #[test]
    fn a_subnet_without_a_server_address_is_told_so() {
        let mut network = network();
        network.subnets.push(second_v4());
        assert_eq!(configured(&network).subnets[1].server, None);
    }

    #[test]
    fn siblings_on_the_same_segment_are_on_link_and_others_are_not() {
        let mut network = network();
        network.subnets.push(second_v4());
        let config = configured(&network);
        assert_eq!(config.subnets[0].on_link, ["10.0.9.0/24".parse().unwrap()]);
        assert_eq!(config.subnets[1].on_link, ["10.0.0.0/24".parse().unwrap()]);
        network.subnets[2].segment_id = Some(SegmentId::new(Uuid::from_u128(5)));
        assert!(configured(&network).subnets.iter().all(|subnet| subnet.on_link.is_empty()));
    }

    #[test]
    fn a_subnet_without_dns_servers_gets_the_operators_and_never_our_own_address() {
        let mut network = network();
        network.subnets[0].dns_nameservers.clear();
        assert_eq!(configured(&network).subnets[0].dns_servers, Vec::<Ipv4Addr>::new());
        let dns_servers = vec![Ipv4Addr::new(1, 1, 1, 1)];
        let options = AnswerOptions { dns_servers, ..AnswerOptions::default() };
        let config = configuration(&network, &dhcp_port(), &options);
        assert_eq!(config.subnets[0].dns_servers, options.dns_servers);
        network.subnets[0].dns_nameservers = v6().dns_nameservers;
        let config = configuration(&network, &dhcp_port(), &options);
        assert_eq!(config.subnets[0].dns_servers, Vec::<Ipv4Addr>::new());
    }

    #[test]
    fn host_routes_of_ipv4_are_told_and_no_route_to_metadata_is_made_up() {
        let mut network = network();
        network.subnets[0].host_routes = vec![subnet::HostRoute {
            destination: "192.0.2.0/24".parse().unwrap(),
            nexthop: "10.0.0.7".parse().unwrap(),
        }];
        let routes = &configured(&network).subnets[0].host_routes;
        assert_eq!(routes.len(), 1);
        assert_eq!(routes[0].next_hop, Ipv4Addr::new(10, 0, 0, 7));
    }

    #[test]
    fn times_of_zero_are_left_to_the_lease() {
        let config = configured(&network());
        assert_eq!((config.renewal_time, config.rebinding_time), (None, None));
        let options = AnswerOptions { renewal_time: 7, ..AnswerOptions::default() };
        let config = configuration(&network(), &dhcp_port(), &options);
        assert_eq!((config.renewal_time, config.rebinding_time), (Some(7), None));
    }

    #[test]
    fn an_mtu_beyond_ipv4_is_not_told() {
        for mtu in [0, 65536] {
            let network = NetworkBody { mtu, ..network() };
            assert_eq!(configured(&network).mtu, None);
        }
    }

    #[test]
    fn a_port_gets_its_ipv4_addresses_and_options() {
        let mut port = machine(5);
        let v6 = FixedIp { subnet_id: v6().id, ip_address: "fd00:1::5".parse().unwrap() };
        port.fixed_ips.insert(0, v6);
        port.extra_dhcp_opts = vec![
            extra("bootfile-name", Some("pxe.0"), 4),
            extra("router", Some(""), 4),
            extra("tftp-server", None, 4),
            extra("dns-server", Some("fd00::1"), 6),
        ];
        let reservation = reservation(&port).unwrap();
        assert_eq!(reservation.mac, mac(5));
        assert_eq!(reservation.addresses, [Ipv4Addr::new(10, 0, 0, 5)]);
        let names: Vec<_> = reservation.options.iter().map(|option| &option.name).collect();
        assert_eq!(names, ["bootfile-name", "router"]);
    }

    #[test]
    fn a_port_without_ipv4_address_is_no_client() {
        let mut port = machine(5);
        port.fixed_ips.clear();
        assert_eq!(reservation(&port), None);
        assert!(!is_awaited(&network(), &port));
    }

    #[test]
    fn a_port_is_awaited_where_one_of_its_subnets_has_dhcp() {
        let mut network = network();
        assert!(is_awaited(&network, &machine(5)));
        network.subnets[0].enable_dhcp = false;
        assert!(!is_awaited(&network, &machine(5)));
        let mut v6_only = machine(5);
        v6_only.fixed_ips[0] =
            FixedIp { subnet_id: v6().id, ip_address: "fd00:1::5".parse().unwrap() };
        assert!(is_awaited(&network, &v6_only));
        network.subnets.clear();
        assert!(!is_awaited(&network, &machine(5)));
    }
}
