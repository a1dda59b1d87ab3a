//! Which options a client gets, and with what value.

use std::net::Ipv4Addr;

use dhcproto::v4::DhcpOption;

use super::support::*;
use crate::v4::{HostRoute, InvalidOption, Issue, LeaseTime, NetworkConfig, ValueKind};

fn offered(config: &NetworkConfig, code: u8) -> Option<DhcpOption> {
    option(&reply(&network(config), &discover()).1, code)
}

fn route(destination: &str, next_hop: &str) -> HostRoute {
    HostRoute { destination: destination.parse().unwrap(), next_hop: next_hop.parse().unwrap() }
}

fn routes_option(routes: &[(&str, &str)]) -> DhcpOption {
    let parsed = routes.iter().map(|(prefix, hop)| (prefix.parse().unwrap(), hop.parse().unwrap()));
    DhcpOption::ClasslessStaticRoute(parsed.collect())
}

#[test]
fn a_client_that_asks_for_nothing_in_particular_gets_everything() {
    let (_, offer) = reply(&network(&config()), &discover());
    assert_eq!(codes(&offer), [1, 3, 6, 12, 15, 26, 28, 51, 53, 54, 58, 59]);
}

#[test]
fn a_client_with_a_list_gets_what_it_lists_and_what_every_client_needs() {
    let (_, offer) = reply(&network(&config()), &asking(discover(), &[6, 42]));
    assert_eq!(codes(&offer), [1, 6, 26, 28, 51, 53, 54, 58, 59]);
}

#[test]
fn the_netmask_and_the_broadcast_address_follow_from_the_prefix() {
    let config = config_with(|config| config.subnets[0].cidr = "10.0.0.0/21".parse().unwrap());
    let mask = Ipv4Addr::new(255, 255, 248, 0);
    assert_eq!(offered(&config, 1), Some(DhcpOption::SubnetMask(mask)));
    let broadcast = Ipv4Addr::new(10, 0, 7, 255);
    assert_eq!(offered(&config, 28), Some(DhcpOption::BroadcastAddr(broadcast)));
}

#[test]
fn a_subnet_of_two_addresses_has_no_broadcast_address() {
    let config = config_with(|config| config.subnets[0].cidr = "10.0.0.4/31".parse().unwrap());
    let config = NetworkConfig {
        subnets: vec![crate::v4::Subnet {
            server: Some(Ipv4Addr::new(10, 0, 0, 4)),
            ..config.subnets[0].clone()
        }],
        ..config
    };
    assert_eq!(offered(&config, 28), None);
}

#[test]
fn the_router_is_the_gateway_and_absent_without_one() {
    assert_eq!(offered(&config(), 3), Some(DhcpOption::Router(vec![GATEWAY])));
    assert_eq!(offered(&config_with(|config| config.subnets[0].gateway = None), 3), None);
}

#[test]
fn dns_servers_are_told_in_order_and_zero_means_none() {
    let servers = vec![Ipv4Addr::new(8, 8, 8, 8), Ipv4Addr::new(8, 8, 4, 4)];
    assert_eq!(offered(&config(), 6), Some(DhcpOption::DomainNameServer(servers)));
    let none = config_with(|config| config.subnets[0].dns_servers = vec![Ipv4Addr::UNSPECIFIED]);
    assert_eq!(offered(&none, 6), None);
}

#[test]
fn the_domain_is_told_without_its_final_dot() {
    let domain = DhcpOption::DomainName("openstacklocal".to_owned());
    assert_eq!(offered(&config(), 15), Some(domain));
    assert_eq!(offered(&config_with(|config| config.domain = None), 15), None);
}

#[test]
fn the_mtu_is_told_even_to_a_client_that_does_not_ask() {
    let (_, offer) = reply(&network(&config()), &asking(discover(), &[1]));
    assert_eq!(option(&offer, 26), Some(DhcpOption::InterfaceMtu(1450)));
    assert_eq!(offered(&config_with(|config| config.mtu = None), 26), None);
}

#[test]
fn the_hostname_is_the_ports_or_made_from_the_address() {
    let default = DhcpOption::Hostname("host-10-0-0-5".to_owned());
    assert_eq!(offered(&config(), 12), Some(default));
    let named = config_with(|config| {
        config.reservations[0].hostname = Some("vm1.openstacklocal".to_owned());
    });
    assert_eq!(offered(&named, 12), Some(DhcpOption::Hostname("vm1".to_owned())));
}

#[test]
fn a_full_name_is_answered_in_the_form_it_was_asked_in() {
    let network = network(&config());
    // dhcproto writes names in DNS form whatever the flags say, so the option is made by hand.
    let ask = |flags: u8| {
        let data = vec![flags, 0, 0, b'x'];
        let unknown = dhcproto::v4::UnknownOption::new(81.into(), data);
        let message = with(discover(), DhcpOption::Unknown(unknown));
        let payload = reply_payload(&network, &message);
        raw_option(&payload, 81).unwrap()
    };
    let text = b"host-10-0-0-5.openstacklocal".as_slice();
    assert_eq!(ask(0x01), [&[0x01, 255, 255], text].concat());
    assert_eq!(ask(0x00), [&[0x03, 255, 255], text].concat());
    let wire = b"\x0dhost-10-0-0-5\x0eopenstacklocal\x00".as_slice();
    assert_eq!(ask(0x0d), [&[0x05, 255, 255], wire].concat());
}

fn reply_payload(network: &crate::v4::Network, message: &dhcproto::v4::Message) -> Vec<u8> {
    match ask(network, message) {
        crate::v4::Answer::Reply(reply) => reply.payload,
        other => panic!("{other:?}"),
    }
}

#[test]
fn host_routes_are_told_twice_and_bring_the_default_route_with_them() {
    let config = config_with(|config| {
        config.subnets[0].host_routes = vec![route("10.2.0.0/15", "10.0.0.9")];
    });
    let expected = routes_option(&[("10.2.0.0/15", "10.0.0.9"), ("0.0.0.0/0", "10.0.0.1")]);
    assert_eq!(offered(&config, 121), Some(expected));
    let payload = reply(&network(&config), &discover()).0.payload;
    let octets = [15, 10, 2, 10, 0, 0, 9, 0, 10, 0, 0, 1];
    assert_eq!(raw_option(&payload, 121).unwrap(), octets);
    assert_eq!(raw_option(&payload, 249).unwrap(), octets);
    assert_eq!(offered(&config, 3), Some(DhcpOption::Router(vec![GATEWAY])));
}

#[test]
fn without_host_routes_there_is_no_route_option() {
    assert_eq!(offered(&config(), 121), None);
    assert_eq!(offered(&config(), 249), None);
}

#[test]
fn host_routes_without_a_gateway_come_without_a_default_route() {
    let config = config_with(|config| {
        config.subnets[0].gateway = None;
        config.subnets[0].host_routes = vec![route("10.2.0.0/16", "10.0.0.9")];
    });
    let expected = routes_option(&[("10.2.0.0/16", "10.0.0.9")]);
    assert_eq!(offered(&config, 121), Some(expected));
    assert_eq!(offered(&config, 3), None);
}

#[test]
fn a_host_route_for_everything_is_a_gateway() {
    let config = config_with(|config| {
        config.subnets[0].gateway = None;
        config.subnets[0].host_routes = vec![route("0.0.0.0/0", "10.0.0.9")];
    });
    let hop = Ipv4Addr::new(10, 0, 0, 9);
    assert_eq!(offered(&config, 3), Some(DhcpOption::Router(vec![hop])));
    assert_eq!(offered(&config, 121), None);
}

#[test]
fn sibling_subnets_are_routed_on_the_link() {
    let config = config_with(|config| {
        config.subnets[0].on_link = vec!["10.7.0.0/24".parse().unwrap()];
    });
    let expected = routes_option(&[("10.7.0.0/24", "0.0.0.0"), ("0.0.0.0/0", "10.0.0.1")]);
    assert_eq!(offered(&config, 121), Some(expected));
}

#[test]
fn a_lease_has_the_times_of_the_rfc_unless_others_are_set() {
    assert_eq!(offered(&config(), 51), Some(DhcpOption::AddressLeaseTime(86400)));
    assert_eq!(offered(&config(), 58), Some(DhcpOption::Renewal(43200)));
    assert_eq!(offered(&config(), 59), Some(DhcpOption::Rebinding(75600)));
    let set = config_with(|config| {
        config.lease_time = LeaseTime::Seconds(1000);
        config.renewal_time = Some(100);
        config.rebinding_time = Some(0);
    });
    assert_eq!(offered(&set, 51), Some(DhcpOption::AddressLeaseTime(1000)));
    assert_eq!(offered(&set, 58), Some(DhcpOption::Renewal(100)));
    assert_eq!(offered(&set, 59), Some(DhcpOption::Rebinding(875)));
}

#[test]
fn a_lease_for_ever_has_no_renewal() {
    let config = config_with(|config| {
        config.lease_time = LeaseTime::Infinite;
        config.renewal_time = Some(100);
    });
    assert_eq!(offered(&config, 51), Some(DhcpOption::AddressLeaseTime(u32::MAX)));
    assert_eq!(offered(&config, 58), None);
    assert_eq!(offered(&config, 59), None);
}

#[test]
fn times_that_do_not_fit_the_lease_are_reported_and_not_sent() {
    let config = config_with(|config| {
        config.lease_time = LeaseTime::Seconds(1000);
        config.renewal_time = Some(900);
        config.rebinding_time = Some(800);
    });
    let (network, issues) = config.compile();
    assert_eq!(issues, [Issue::Timers { renewal: 900, rebinding: 800, lease: 1000 }]);
    let (_, offer) = reply(&network, &discover());
    assert_eq!(option(&offer, 58), Some(DhcpOption::Renewal(500)));
    assert_eq!(option(&offer, 59), Some(DhcpOption::Rebinding(875)));
}

#[test]
fn the_client_identifier_is_echoed() {
    let id = DhcpOption::ClientIdentifier(vec![1, 2, 3]);
    let (_, offer) = reply(&network(&config()), &with(discover(), id.clone()));
    assert_eq!(option(&offer, 61), Some(id));
}

#[test]
fn relay_information_that_a_switch_added_is_echoed_at_the_end() {
    let network = network(&config());
    let mut payload = dhcproto::Encodable::to_vec(&discover()).unwrap();
    let end = payload.iter().rposition(|octet| *octet == 255).unwrap();
    payload.splice(end..=end, [82, 4, 1, 2, 7, 7, 255]);
    let arrival = crate::v4::Arrival::default();
    let answer = network.respond(&crate::v4::Request::parse(&payload, arrival).unwrap());
    let crate::v4::Answer::Reply(reply) = answer else { panic!("{answer:?}") };
    let last = reply.payload.iter().rposition(|octet| *octet == 255).unwrap();
    assert_eq!(reply.payload[last - 6..last], [82, 4, 1, 2, 7, 7]);
}

#[test]
fn an_extra_option_is_sent_when_asked_for_and_not_otherwise() {
    let network = network(&config_with_options(&[("ntp-server", "10.0.0.7, 10.0.0.8")]));
    let servers = vec![Ipv4Addr::new(10, 0, 0, 7), Ipv4Addr::new(10, 0, 0, 8)];
    let (_, offer) = reply(&network, &asking(discover(), &[1, 42]));
    assert_eq!(option(&offer, 42), Some(DhcpOption::NtpServers(servers)));
    let (_, offer) = reply(&network, &asking(discover(), &[1]));
    assert_eq!(option(&offer, 42), None);
}

#[test]
fn an_extra_option_comes_before_the_subnets() {
    let config = config_with_options(&[
        ("router", "10.0.0.99"),
        ("6", "1.1.1.1"),
        ("mtu", "1300"),
        ("domain-name", "example.org"),
        ("hostname", "other"),
    ]);
    let (_, offer) = reply(&network(&config), &discover());
    assert_eq!(option(&offer, 3), Some(DhcpOption::Router(vec![Ipv4Addr::new(10, 0, 0, 99)])));
    let dns = DhcpOption::DomainNameServer(vec![Ipv4Addr::new(1, 1, 1, 1)]);
    assert_eq!(option(&offer, 6), Some(dns));
    assert_eq!(option(&offer, 26), Some(DhcpOption::InterfaceMtu(1300)));
    assert_eq!(option(&offer, 15), Some(DhcpOption::DomainName("example.org".to_owned())));
    assert_eq!(option(&offer, 12), Some(DhcpOption::Hostname("other".to_owned())));
}

#[test]
fn an_empty_extra_option_takes_the_subnets_away() {
    let config = config_with_options(&[("router", ""), ("dns-server", ""), ("28", "")]);
    let (_, offer) = reply(&network(&config), &discover());
    for code in [3, 6, 28] {
        assert_eq!(option(&offer, code), None);
    }
}

#[test]
fn the_boot_file_goes_into_the_header_and_into_option_67() {
    let config = config_with_options(&[
        ("bootfile-name", "pxelinux.0"),
        ("tftp-server", "10.0.0.20"),
        ("server-ip-address", "10.0.0.21"),
        ("150", "10.0.0.22"),
    ]);
    let network = network(&config);
    let (_, offer) = reply(&network, &asking(discover(), &[66, 67, 150]));
    assert_eq!(offer.siaddr(), Ipv4Addr::new(10, 0, 0, 21));
    assert_eq!(offer.fname(), Some(b"pxelinux.0\0".as_slice()));
    assert_eq!(offer.sname(), Some(b"10.0.0.20\0".as_slice()));
    assert_eq!(option(&offer, 67), Some(DhcpOption::BootfileName(b"pxelinux.0\0".to_vec())));
    assert_eq!(option(&offer, 66), Some(DhcpOption::TFTPServerName(b"10.0.0.20\0".to_vec())));
    let address = Ipv4Addr::new(10, 0, 0, 22);
    assert_eq!(option(&offer, 150), Some(DhcpOption::TFTPServerAddress(address)));

    let (_, offer) = reply(&network, &asking(discover(), &[1]));
    assert_eq!(offer.fname(), Some(b"pxelinux.0\0".as_slice()), "the field needs no asking");
    assert_eq!(option(&offer, 67), None);
}

#[test]
fn an_ipxe_client_gets_the_options_tagged_for_it() {
    let network = network(&config_with_options(&[
        ("tag:!ipxe,67", "undionly.kpxe"),
        ("tag:ipxe,67", "http://10.0.0.20/boot.ipxe"),
    ]));
    let plain = reply(&network, &discover()).1;
    assert_eq!(option(&plain, 67), Some(DhcpOption::BootfileName(b"undionly.kpxe\0".to_vec())));
    let marker = dhcproto::v4::UnknownOption::new(175.into(), vec![1]);
    let ipxe = reply(&network, &with(discover(), DhcpOption::Unknown(marker))).1;
    let script = b"http://10.0.0.20/boot.ipxe\0".to_vec();
    assert_eq!(option(&ipxe, 67), Some(DhcpOption::BootfileName(script)));
}

#[test]
fn a_port_can_have_a_lease_time_of_its_own() {
    let config = config_with_options(&[("51", "600"), ("T1", "60"), ("59", "120")]);
    assert_eq!(offered(&config, 51), Some(DhcpOption::AddressLeaseTime(600)));
    assert_eq!(offered(&config, 58), Some(DhcpOption::Renewal(60)));
    assert_eq!(offered(&config, 59), Some(DhcpOption::Rebinding(120)));
}

#[test]
fn a_client_id_among_the_extra_options_is_not_sent() {
    let config = config_with_options(&[("client-id", "01:02:03")]);
    assert_eq!(offered(&config, 61), None);
}

#[test]
fn one_bad_option_is_reported_and_stops_nothing_else() {
    let mut config = config_with_options(&[("mtu", "many"), ("ntp-server", "10.0.0.7")]);
    let mut other = reservation();
    other.mac = STRANGER_MAC;
    other.addresses = vec![Ipv4Addr::new(10, 0, 0, 6)];
    config.reservations.push(other);
    let (network, issues) = config.compile();
    let source = InvalidOption::Value { kind: ValueKind::U16, text: "many".to_owned() };
    assert_eq!(source.to_string(), "'many' is not a number up to 65535");
    let issue = Issue::Option { mac: CLIENT_MAC, name: "mtu".to_owned(), source };
    assert_eq!(issues, [issue]);

    let (_, offer) = reply(&network, &discover());
    assert_eq!(option(&offer, 26), Some(DhcpOption::InterfaceMtu(1450)));
    assert!(option(&offer, 42).is_some());
    let (other, _) = reply(&network, &from_mac(discover(), STRANGER_MAC));
    assert_eq!(other.address, Ipv4Addr::new(10, 0, 0, 6));
}

#[test]
fn faults_of_the_configuration_are_all_reported() {
    let config = config_with(|config| {
        config.domain = Some("no domain!".to_owned());
        config.subnets[0].server = Some(Ipv4Addr::new(10, 9, 0, 2));
        let mut second = subnet();
        second.cidr = "10.1.0.0/24".parse().unwrap();
        second.server = None;
        config.subnets.push(second);
        config.reservations[0].addresses = vec![Ipv4Addr::new(172, 16, 0, 1)];
        config.reservations[0].hostname = Some("a b".to_owned());
        config.reservations.push(reservation());
    });
    let (_, issues) = config.compile();
    let cidr = "10.0.0.0/24".parse().unwrap();
    assert_eq!(
        issues,
        [
            Issue::Domain { domain: "no domain!".to_owned() },
            Issue::ServerOutside { cidr, address: Ipv4Addr::new(10, 9, 0, 2) },
            Issue::NoServerAddress { cidr: "10.1.0.0/24".parse().unwrap() },
            Issue::Hostname { mac: CLIENT_MAC, hostname: "a b".to_owned() },
            Issue::AddressOutside { mac: CLIENT_MAC, address: Ipv4Addr::new(172, 16, 0, 1) },
            Issue::DuplicateMac { mac: CLIENT_MAC },
        ]
    );
}
