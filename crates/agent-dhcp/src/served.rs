//! What this host's agent has to do for a network, taken from the view.

use std::collections::BTreeSet;
use std::net::IpAddr;

use nucleon_model::view::{NetworkBody, PortBody};
use nucleon_model::{NetworkId, PortId};
use nucleon_net::{IpNet, MacAddr};

/// The device owner of ports by which agents serve networks.
pub const OWNER: &str = "network:dhcp";

/// A network that this host serves, as far as devices are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedNetwork {
    pub id: NetworkId,
    pub port: PortId,
    pub mac: MacAddr,
    pub mtu: u32,
    /// The DHCP port's addresses, with the lengths of their subnets' prefixes.
    pub addresses: BTreeSet<IpNet>,
}

impl ServedNetwork {
    /// `None` when there is nothing to do: the network is switched off, or it has no DHCP port on
    /// this host (the server makes one when the network gets its first subnet with DHCP).
    pub fn new(network: &NetworkBody, port: Option<&PortBody>) -> Option<Self> {
        let port = port.filter(|_| network.admin_state_up)?;
        Some(Self {
            id: network.id,
            port: port.id,
            mac: port.mac_address,
            mtu: network.mtu,
            addresses: addresses(network, port),
        })
    }
}

/// The port by which `host` serves a network. Of several (one is on its way out) the one that the
/// others choose too: the smallest id.
pub fn dhcp_port<'a>(
    host: &str,
    ports: impl IntoIterator<Item = &'a PortBody>,
) -> Option<&'a PortBody> {
    let is_ours = |port: &&PortBody| port.device_owner == OWNER && port.host == host;
    ports.into_iter().filter(is_ours).min_by_key(|port| port.id)
}

fn addresses(network: &NetworkBody, port: &PortBody) -> BTreeSet<IpNet> {
    let with_prefix = |address: IpAddr, cidr: IpNet| IpNet::new(address, cidr.prefix_len()).ok();
    port.fixed_ips
        .iter()
        .filter_map(|fixed| {
            let subnet = network.subnets.iter().find(|subnet| subnet.id == fixed.subnet_id)?;
            let same_family = subnet.cidr.addr().is_ipv4() == fixed.ip_address.is_ipv4();
            with_prefix(fixed.ip_address, subnet.cidr).filter(|_| same_family)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{HOST, NETWORK, dhcp_port as port, network, v4, v6};

    #[test]
    fn a_served_network_has_its_ports_addresses_with_prefix_lengths() {
        let served = ServedNetwork::new(&network(), Some(&port())).unwrap();
        let addresses: Vec<String> = served.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.0.0.2/24", "fd00:1::2/64"]);
        assert_eq!((served.id, served.port, served.mtu), (NETWORK, port().id, 1450));
    }

    #[test]
    fn nothing_is_done_for_a_network_that_is_switched_off_or_has_no_port_here() {
        let mut off = network();
        off.admin_state_up = false;
        assert_eq!(ServedNetwork::new(&off, Some(&port())), None);
        assert_eq!(ServedNetwork::new(&network(), None), None);
    }

    #[test]
    fn an_address_in_a_subnet_not_known_is_left_out() {
        let mut network = network();
        network.subnets.retain(|subnet| subnet.id == v4().id);
        let served = ServedNetwork::new(&network, Some(&port())).unwrap();
        assert_eq!(served.addresses.len(), 1);
        network.subnets = vec![v6()];
        let served = ServedNetwork::new(&network, Some(&port())).unwrap();
        assert!(served.addresses.iter().all(|net| net.addr().is_ipv6()));
    }

    #[test]
    fn the_dhcp_port_is_the_one_of_this_host() {
        let (mut elsewhere, mut machine, mut second) = (port(), port(), port());
        elsewhere.host = "other".to_owned();
        machine.device_owner = "compute:nova".to_owned();
        second.id = PortId::new(uuid::Uuid::max());
        assert_eq!(dhcp_port(HOST, [&elsewhere, &machine]), None);
        let ours = port();
        assert_eq!(dhcp_port(HOST, [&second, &ours, &elsewhere]), Some(&ours));
    }
}
