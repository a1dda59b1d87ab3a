//! The addresses of a subnet: prefix, gateway, pools, routes, modes. Pure.

use std::net::{IpAddr, Ipv4Addr};

use nucleon_model::{Field, HostRoute, Subnet, SubnetDraft};
use nucleon_net::{IpNet, IpRange, RangeSet};

use crate::segment::invalid_input;
use crate::subnetpool::Cut;
use crate::{Error, Result, Settings};

/// A subnet as a request describes it, with everything that the request leaves to us.
pub(super) fn from_draft(
    settings: &Settings,
    draft: SubnetDraft,
    project_id: String,
    cut: &Cut,
) -> Result<Subnet> {
    let cidr = cut.prefix;
    let ip_version = draft.ip_version.get().copied().unwrap_or(4);
    let mut subnet = Subnet {
        name: draft.name.value().unwrap_or_default(),
        project_id,
        network_id: draft.network_id.value().unwrap_or_default(),
        ip_version,
        cidr: Some(cidr),
        subnetpool_id: cut.pool.as_ref().map(|pool| pool.id),
        enable_dhcp: draft.enable_dhcp.value().unwrap_or(true),
        ipv6_ra_mode: draft.ipv6_ra_mode.value(),
        ipv6_address_mode: draft.ipv6_address_mode.value(),
        segment_id: draft.segment_id.value(),
        service_types: draft.service_types.value().unwrap_or_default(),
        dns_publish_fixed_ip: draft.dns_publish_fixed_ip.value().unwrap_or_default(),
        description: draft.description.value().unwrap_or_default(),
        ..Subnet::default()
    };
    check_version(&subnet, cidr)?;
    check_modes(&subnet, cidr)?;
    if subnet.enable_dhcp {
        check_servable(cidr)?;
    }
    subnet.gateway_ip = match draft.gateway_ip {
        Field::Value(gateway) => Some(gateway),
        Field::Null => None,
        Field::Absent => first_host(cidr, cut.chosen),
    };
    check_gateway(&subnet, cidr)?;
    subnet.allocation_pools = match draft.allocation_pools {
        Field::Value(pools) => pools,
        Field::Absent | Field::Null => default_pools(cidr, subnet.gateway_ip),
    };
    subnet.dns_nameservers = draft.dns_nameservers.value().unwrap_or_default();
    subnet.host_routes = draft.host_routes.value().unwrap_or_default();
    check(settings, &subnet, cidr)?;
    Ok(subnet)
}

/// Applies an update, and checks what results.
pub(super) fn update(settings: &Settings, subnet: &mut Subnet, draft: SubnetDraft) -> Result<()> {
    draft.name.apply(&mut subnet.name);
    draft.description.apply(&mut subnet.description);
    draft.gateway_ip.apply_nullable(&mut subnet.gateway_ip);
    draft.enable_dhcp.apply(&mut subnet.enable_dhcp);
    draft.dns_nameservers.apply(&mut subnet.dns_nameservers);
    draft.host_routes.apply(&mut subnet.host_routes);
    draft.allocation_pools.apply(&mut subnet.allocation_pools);
    draft.segment_id.apply_nullable(&mut subnet.segment_id);
    draft.service_types.apply(&mut subnet.service_types);
    draft.dns_publish_fixed_ip.apply(&mut subnet.dns_publish_fixed_ip);
    let Some(cidr) = subnet.cidr else {
        return Ok(());
    };
    check_modes(subnet, cidr)?;
    if subnet.enable_dhcp {
        check_servable(cidr)?;
    }
    check_gateway(subnet, cidr)?;
    check(settings, subnet, cidr)
}

/// Refuses a subnet whose prefix meets another's on the same network.
pub(super) fn check_apart(subnet: &Subnet, others: &[Subnet]) -> Result<()> {
    let Some(cidr) = subnet.cidr else {
        return Ok(());
    };
    let meets = |other: &IpNet| other.contains(&cidr) || cidr.contains(other);
    if others.iter().filter_map(|other| other.cidr.as_ref()).any(meets) {
        return Err(invalid_input(format!(
            "Requested subnet with cidr: {cidr} for network: {} overlaps with another subnet",
            subnet.network_id
        )));
    }
    Ok(())
}

fn check_version(subnet: &Subnet, cidr: IpNet) -> Result<()> {
    let version = if cidr.addr().is_ipv4() { 4 } else { 6 };
    if version != subnet.ip_version {
        return Err(invalid_input(format!(
            "cidr '{cidr}' does not match the ip_version '{}'",
            subnet.ip_version
        )));
    }
    if cidr.network().is_multicast() {
        return Err(invalid_input("Multicast IP subnet is not supported"));
    }
    if cidr.network().is_loopback() {
        return Err(invalid_input("Loopback IP subnet is not supported"));
    }
    Ok(())
}

fn check_modes(subnet: &Subnet, cidr: IpNet) -> Result<()> {
    let modes =
        [("ipv6_ra_mode", subnet.ipv6_ra_mode), ("ipv6_address_mode", subnet.ipv6_address_mode)];
    let Some((name, _)) = modes.into_iter().find(|(_, mode)| mode.is_some()) else {
        return Ok(());
    };
    if subnet.ip_version == 4 {
        return Err(invalid_input(format!("{name} is not valid when ip_version is 4")));
    }
    if !subnet.enable_dhcp {
        return Err(invalid_input(
            "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False",
        ));
    }
    if let (Some(ra), Some(address)) = (subnet.ipv6_ra_mode, subnet.ipv6_address_mode)
        && ra != address
    {
        return Err(invalid_input(format!(
            "ipv6_ra_mode set to '{ra}' with ipv6_address_mode set to '{address}' is not valid. If \
             both attributes are set, they must be the same value"
        )));
    }
    let auto = modes.iter().filter_map(|(_, mode)| *mode).find(|mode| mode.is_auto());
    if let Some(mode) = auto
        && cidr.prefix_len() != 64
    {
        return Err(invalid_input(format!(
            "Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, \
             which requires the prefix to be /64 ({mode})"
        )));
    }
    Ok(())
}

/// What a DHCP server needs of a prefix.
fn check_servable(cidr: IpNet) -> Result<()> {
    if cidr.network() == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
        return Err(invalid_input(
            "First IP '0.0.0.0' of network is not supported if enable_dhcp is True.",
        ));
    }
    if cidr.max_prefix_len() - cidr.prefix_len() < 2 {
        return Err(invalid_input(
            "Subnet has a prefix length that is incompatible with DHCP service enabled",
        ));
    }
    Ok(())
}

/// The address that a gateway gets by default: the first host; of IPv6 the prefix itself where the request named it, as
/// Neutron does.
fn first_host(cidr: IpNet, chosen_by_pool: bool) -> Option<IpAddr> {
    let range = IpRange::from(cidr);
    let offset = match cidr.max_prefix_len() - cidr.prefix_len() {
        0 => 0,
        1 if cidr.addr().is_ipv4() => 0,
        _ if cidr.addr().is_ipv6() && !chosen_by_pool => 0,
        _ => 1,
    };
    range.nth(offset)
}

fn check_gateway(subnet: &Subnet, cidr: IpNet) -> Result<()> {
    let Some(gateway) = subnet.gateway_ip else {
        return Ok(());
    };
    if gateway.is_ipv4() != cidr.addr().is_ipv4() {
        return Err(invalid_input(format!(
            "gateway_ip '{gateway}' does not match the ip_version '{}'",
            subnet.ip_version
        )));
    }
    let wide = cidr.max_prefix_len() - cidr.prefix_len() >= 2;
    let is_network_or_broadcast = gateway == cidr.network() || gateway == cidr.broadcast();
    if gateway.is_ipv4() && wide && is_network_or_broadcast {
        return Err(invalid_input("Gateway is not valid on subnet"));
    }
    Ok(())
}

/// Everything that a host may have: without network and broadcast address of IPv4, without the gateway.
fn default_pools(cidr: IpNet, gateway: Option<IpAddr>) -> Vec<IpRange> {
    let whole = IpRange::from(cidr);
    let host_bits = cidr.max_prefix_len() - cidr.prefix_len();
    let mut free = RangeSet::of_family(cidr.addr());
    free.insert(whole);
    let mut take = |address: Option<IpAddr>| {
        if let Some(address) = address
            && let Ok(single) = IpRange::new(address, address)
        {
            free.remove(single);
        }
    };
    if host_bits >= 2 {
        take(Some(cidr.network()));
        if cidr.addr().is_ipv4() {
            take(Some(cidr.broadcast()));
        }
    }
    take(gateway);
    free.ranges().collect()
}

fn check(settings: &Settings, subnet: &Subnet, cidr: IpNet) -> Result<()> {
    check_pools(&subnet.allocation_pools, cidr)?;
    if let Some(gateway) = subnet.gateway_ip
        && let Some(pool) = subnet.allocation_pools.iter().find(|pool| pool.contains(gateway))
    {
        return Err(Error::conflict(
            "GatewayConflictWithAllocationPools",
            format!("Gateway ip {gateway} conflicts with allocation pool {pool}."),
        ));
    }
    if subnet.dns_nameservers.len() > settings.max_dns_nameservers {
        return Err(Error::invalid(
            "DNSNameServersExhausted",
            format!(
                "Unable to complete operation for {}. The number of DNS nameservers exceeds the \
                 limit {}.",
                subnet.id, settings.max_dns_nameservers
            ),
        ));
    }
    if subnet.host_routes.len() > settings.max_subnet_host_routes {
        return Err(Error::invalid(
            "HostRoutesExhausted",
            format!(
                "Unable to complete operation for {}. The number of host routes exceeds the limit {}.",
                subnet.id, settings.max_subnet_host_routes
            ),
        ));
    }
    subnet.host_routes.iter().try_for_each(|route| check_route(route, subnet.ip_version))
}

fn check_route(route: &HostRoute, ip_version: i64) -> Result<()> {
    let is_v4 = ip_version == 4;
    if route.destination.addr().is_ipv4() != is_v4 || route.nexthop.is_ipv4() != is_v4 {
        return Err(invalid_input(format!(
            "host route {} via {} does not match the ip_version '{ip_version}'",
            route.destination, route.nexthop
        )));
    }
    Ok(())
}

fn check_pools(pools: &[IpRange], cidr: IpNet) -> Result<()> {
    for pool in pools {
        if pool.start().is_ipv4() != cidr.addr().is_ipv4() {
            return Err(Error::invalid(
                "InvalidAllocationPool",
                format!("The allocation pool {pool} is not valid."),
            ));
        }
        let inside = IpRange::from(cidr);
        let wide_v4 = cidr.addr().is_ipv4() && cidr.prefix_len() <= 30;
        let edge = wide_v4 && (pool.start() == inside.start() || pool.end() == inside.end());
        if !pool.is_within(&cidr) || edge {
            return Err(Error::invalid(
                "OutOfBoundsAllocationPool",
                format!("The allocation pool {pool} spans beyond the subnet cidr {cidr}."),
            ));
        }
    }
    let mut ordered = pools.to_vec();
    ordered.sort_unstable();
    for pair in ordered.windows(2) {
        if let [first, second] = pair
            && first.overlaps(second)
        {
            return Err(Error::conflict(
                "OverlappingAllocationPools",
                format!("Found overlapping allocation pools: {first} {second} for subnet {cidr}."),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
