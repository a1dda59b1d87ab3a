//! Bodies: what agents are told of networks and ports.

use nucleon_model::view::{NetworkBody, PortBody, SegmentBody, SubnetBody};
use nucleon_model::{Network, Port, Segment, Subnet};

/// The body of a network with all that is embedded in it.
pub(crate) fn network(
    network: &Network,
    segments: &[Segment],
    subnets: &[Subnet],
    dhcp_hosts: Vec<String>,
) -> NetworkBody {
    NetworkBody {
        id: network.id,
        revision: network.revision_number,
        name: network.name.clone(),
        mtu: u32::try_from(network.mtu).unwrap_or(u32::MAX),
        admin_state_up: network.admin_state_up,
        segments: segments
            .iter()
            .map(|segment| SegmentBody {
                id: segment.id,
                network_type: segment.network_type.clone(),
                physical_network: segment.physical_network.clone(),
                segmentation_id: segment.segmentation_id,
            })
            .collect(),
        subnets: subnets.iter().filter_map(subnet).collect(),
        dhcp_hosts,
    }
}

fn subnet(subnet: &Subnet) -> Option<SubnetBody> {
    Some(SubnetBody {
        id: subnet.id,
        cidr: subnet.cidr?,
        gateway_ip: subnet.gateway_ip,
        enable_dhcp: subnet.enable_dhcp,
        dns_nameservers: subnet.dns_nameservers.clone(),
        host_routes: subnet.host_routes.clone(),
        ipv6_ra_mode: subnet.ipv6_ra_mode,
        ipv6_address_mode: subnet.ipv6_address_mode,
        segment_id: subnet.segment_id,
    })
}

/// The body of a port. A port that is not bound has no segment, and its host has nothing to do for it.
pub(crate) fn port(port: &Port) -> PortBody {
    PortBody {
        id: port.id,
        network_id: port.network_id,
        revision: port.view_revision,
        mac_address: port.mac_address,
        admin_state_up: port.admin_state_up,
        fixed_ips: port.fixed_ips.clone(),
        host: port.host.clone(),
        segment_id: port.segment_id,
        device_owner: port.device_owner.clone(),
        device_id: port.device_id.clone(),
        extra_dhcp_opts: port.extra_dhcp_opts.clone(),
    }
}

/// Whether agents would see a difference between two states of a port.
pub(crate) fn seen_by_agents(before: &Port, after: &Port) -> bool {
    let (mut a, mut b) = (port(before), port(after));
    a.revision = 0;
    b.revision = 0;
    // A port bound anew is to be wired anew, also where it was.
    a != b || (after.awaits_l2 && !before.awaits_l2)
}
