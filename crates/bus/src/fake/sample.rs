//! Small networks and ports.

use nucleon_model::view::{NetworkBody, PortBody};
use nucleon_model::{NetworkId, PortId};
use uuid::Uuid;

pub fn network_id(number: u128) -> NetworkId {
    NetworkId::new(Uuid::from_u128(0x1000 + number))
}

pub fn port_id(number: u128) -> PortId {
    PortId::new(Uuid::from_u128(0x2000 + number))
}

pub fn network(number: u128, dhcp_hosts: &[&str]) -> NetworkBody {
    NetworkBody {
        id: network_id(number),
        revision: 0,
        name: format!("net{number}"),
        mtu: 1500,
        admin_state_up: true,
        segments: Vec::new(),
        subnets: Vec::new(),
        dhcp_hosts: dhcp_hosts.iter().map(|&host| host.to_owned()).collect(),
    }
}

#[expect(clippy::default_trait_access, reason = "the type's crate is none that the hub needs")]
pub fn port(number: u128, network: u128, host: &str) -> PortBody {
    PortBody {
        id: port_id(number),
        network_id: network_id(network),
        revision: 0,
        mac_address: Default::default(),
        admin_state_up: true,
        fixed_ips: Vec::new(),
        host: host.to_owned(),
        segment_id: None,
        device_owner: String::new(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}
