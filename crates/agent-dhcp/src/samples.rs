//! A network with an IPv4 and an IPv6 subnet, its DHCP port, and ports of machines.

use nucleon_model::port::{ExtraDhcpOpt, FixedIp};
use nucleon_model::view::{NetworkBody, PortBody, SubnetBody};
use nucleon_model::{NetworkId, PortId, SubnetId};
use nucleon_net::MacAddr;
use uuid::Uuid;

use crate::served::OWNER;

pub(crate) const HOST: &str = "net1";
pub(crate) const NETWORK: NetworkId = NetworkId::new(Uuid::from_u128(0x11));
pub(crate) const DHCP_PORT: PortId = PortId::new(Uuid::from_u128(0xd << 96));

pub(crate) fn v4() -> SubnetBody {
    SubnetBody {
        id: SubnetId::new(Uuid::from_u128(0x41)),
        cidr: "10.0.0.0/24".parse().unwrap(),
        gateway_ip: Some("10.0.0.1".parse().unwrap()),
        enable_dhcp: true,
        dns_nameservers: vec!["9.9.9.9".parse().unwrap()],
        host_routes: Vec::new(),
        ipv6_ra_mode: None,
        ipv6_address_mode: None,
        segment_id: None,
    }
}

pub(crate) fn v6() -> SubnetBody {
    SubnetBody {
        id: SubnetId::new(Uuid::from_u128(0x61)),
        cidr: "fd00:1::/64".parse().unwrap(),
        gateway_ip: Some("fd00:1::1".parse().unwrap()),
        dns_nameservers: vec!["fd00:1::53".parse().unwrap()],
        ..v4()
    }
}

pub(crate) fn network() -> NetworkBody {
    NetworkBody {
        id: NETWORK,
        revision: 1,
        name: "net".to_owned(),
        mtu: 1450,
        admin_state_up: true,
        segments: Vec::new(),
        subnets: vec![v4(), v6()],
        dhcp_hosts: vec![HOST.to_owned()],
    }
}

pub(crate) fn dhcp_port() -> PortBody {
    PortBody {
        id: DHCP_PORT,
        device_owner: OWNER.to_owned(),
        host: HOST.to_owned(),
        fixed_ips: vec![
            FixedIp { subnet_id: v4().id, ip_address: "10.0.0.2".parse().unwrap() },
            FixedIp { subnet_id: v6().id, ip_address: "fd00:1::2".parse().unwrap() },
        ],
        ..machine(2)
    }
}

/// A machine's port with the address 10.0.0.`number`.
pub(crate) fn machine(number: u8) -> PortBody {
    PortBody {
        id: PortId::new(Uuid::from_u128(u128::from(number))),
        network_id: NETWORK,
        revision: 1,
        mac_address: mac(number),
        admin_state_up: true,
        fixed_ips: vec![FixedIp {
            subnet_id: v4().id,
            ip_address: std::net::Ipv4Addr::new(10, 0, 0, number).into(),
        }],
        host: "compute1".to_owned(),
        segment_id: None,
        device_owner: "compute:nova".to_owned(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}

pub(crate) fn mac(number: u8) -> MacAddr {
    MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number])
}

pub(crate) fn extra(name: &str, value: Option<&str>, ip_version: i64) -> ExtraDhcpOpt {
    let opt_value = value.map(str::to_owned);
    ExtraDhcpOpt { opt_name: name.to_owned(), opt_value, ip_version }
}
