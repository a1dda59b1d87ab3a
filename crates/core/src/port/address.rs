//! The addresses of a port.

use std::net::IpAddr;

use nucleon_db::{Tx, allocation};
use nucleon_model::{Field, FixedIp, FixedIpRequest, Port, PortId, Segment, Subnet, port};
use nucleon_net::{IpNet, IpRange};

use crate::port::Ground;
use crate::segment::invalid_input;
use crate::{Core, Error, Result};

/// Subnets that a port may get addresses from, by what is known of its host.
enum Offer<'g> {
    Subnets(Vec<&'g Subnet>),
    /// All subnets are confined to segments, and the host that decides is not known yet.
    Deferred,
}

impl Core {
    /// Allocates what a request asks for, or what a port gets by default. `taken` holds what other ports of the same
    /// transaction have been given, and is added to.
    pub(super) async fn allocate(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        requested: &Field<Vec<FixedIpRequest>>,
        ground: &Ground,
        taken: &mut Vec<FixedIp>,
    ) -> Result<()> {
        if let Field::Value(requests) = requested {
            if requests.is_empty() {
                port.ip_allocation = "none".to_owned();
                return Ok(());
            }
            self.allocate_requested(tx, port, requests, ground, taken).await?;
        } else {
            match offer(self, port, ground)? {
                Offer::Deferred => {
                    port.ip_allocation = "deferred".to_owned();
                    return Ok(());
                }
                Offer::Subnets(subnets) => {
                    self.allocate_default(tx, port, &subnets, ground, taken).await?;
                }
            }
        }
        add_auto_addresses(port, &ground.subnets);
        let settled = !port.fixed_ips.is_empty()
            || ground.subnets.iter().any(|subnet| subnet.segment_id.is_none());
        port.ip_allocation =
            if settled || !ground.subnets.is_empty() { "immediate" } else { "none" }.to_owned();
        if ground.subnets.is_empty() {
            port.ip_allocation = "immediate".to_owned();
        }
        taken.extend(port.fixed_ips.iter().copied());
        Ok(())
    }

    /// One address of each family that has subnets where addresses are managed.
    async fn allocate_default(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        subnets: &[&Subnet],
        ground: &Ground,
        taken: &[FixedIp],
    ) -> Result<()> {
        for version in [4, 6] {
            let family: Vec<&Subnet> = subnets
                .iter()
                .filter(|subnet| subnet.ip_version == version && !subnet.is_auto_address())
                .copied()
                .collect();
            if family.is_empty() {
                continue;
            }
            let mut found = None;
            for subnet in family {
                found = self.free_address(tx, subnet, port, taken).await?;
                if found.is_some() {
                    break;
                }
            }
            port.fixed_ips.push(found.ok_or_else(|| exhausted(&ground.network.id))?);
        }
        Ok(())
    }

    async fn allocate_requested(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        requests: &[FixedIpRequest],
        ground: &Ground,
        taken: &[FixedIp],
    ) -> Result<()> {
        let mut specific = Vec::new();
        let mut any = Vec::new();
        for request in requests {
            let subnet = requested_subnet(request, ground)?;
            match request.ip_address {
                Some(address) => specific.push(specific_address(subnet, address, port)?),
                // Addresses that follow from the prefix come by themselves.
                None if subnet.is_auto_address() && !is_router(port) => {}
                None => any.push(subnet),
            }
        }
        check_one_segment(&specific, &any, ground)?;
        if let Some(&used) = specific.iter().find(|fixed_ip| taken.contains(fixed_ip)) {
            return Err(already_allocated(used));
        }
        self.check_free(tx, &specific).await?;
        port.fixed_ips.extend(specific);
        for subnet in any {
            let mine: Vec<FixedIp> = port.fixed_ips.iter().chain(taken).copied().collect();
            let found = self.free_address(tx, subnet, port, &mine).await?;
            port.fixed_ips.push(found.ok_or_else(|| exhausted(&ground.network.id))?);
        }
        Ok(())
    }

    async fn check_free(&self, tx: &mut Tx, wanted: &[FixedIp]) -> Result<()> {
        for fixed_ip in wanted {
            let used = allocation::allocation_taken(tx, fixed_ip.subnet_id, &[fixed_ip.ip_address])
                .await?;
            if !used.is_empty() {
                return Err(already_allocated(*fixed_ip));
            }
        }
        Ok(())
    }

    /// Replaces the addresses of a port by what an update asks for, keeping those that stay.
    pub(super) async fn reallocate(
        &self,
        tx: &mut Tx,
        after: &mut Port,
        before: &Port,
        requested: &Field<Vec<FixedIpRequest>>,
        ground: &Ground,
    ) -> Result<()> {
        let requests = requested.get().cloned().unwrap_or_default();
        let mut kept: Vec<FixedIp> = Vec::new();
        let mut new = Vec::new();
        for request in requests {
            let held = before.fixed_ips.iter().find(|held| {
                !kept.contains(held)
                    && request.subnet_id.is_none_or(|subnet| subnet == held.subnet_id)
                    && request.ip_address.is_none_or(|address| address == held.ip_address)
            });
            match held {
                Some(held) => kept.push(*held),
                None => new.push(request),
            }
        }
        after.fixed_ips.clone_from(&kept);
        if !new.is_empty() {
            let mut scratch = kept.clone();
            scratch.extend(before.fixed_ips.iter().copied());
            self.allocate_requested(tx, after, &new, ground, &scratch).await?;
        }
        add_auto_addresses(after, &ground.subnets);
        let allocation = if after.fixed_ips.is_empty() { "none" } else { "immediate" };
        allocation.clone_into(&mut after.ip_allocation);
        Ok(())
    }

    /// A free address of a subnet: for machines any, for the network's own services the lowest, as Neutron does.
    pub(crate) async fn free_address(
        &self,
        tx: &mut Tx,
        subnet: &Subnet,
        port: &Port,
        taken: &[FixedIp],
    ) -> Result<Option<FixedIp>> {
        let mine = |address: &IpAddr| {
            taken.iter().any(|held| held.subnet_id == subnet.id && held.ip_address == *address)
        };
        let found = |ip_address| FixedIp { subnet_id: subnet.id, ip_address };
        if port.device_owner != port::OWNER_DHCP && !is_router(port) {
            let pools = &subnet.allocation_pools;
            let drawn = self.random().with(|rng| {
                let mut rng = rng;
                nucleon_ipam::draw(pools, nucleon_ipam::DRAW, &mut rng)
            });
            let used = allocation::allocation_taken(tx, subnet.id, &drawn).await?;
            let free = drawn.into_iter().find(|address| !used.contains(address) && !mine(address));
            if let Some(address) = free {
                return Ok(Some(found(address)));
            }
        }
        for pool in &subnet.allocation_pools {
            let mut rest = Some(*pool);
            while let Some(range) = rest {
                rest = None;
                let mut window =
                    allocation::allocation_window(tx, subnet.id, range, nucleon_ipam::WINDOW)
                        .await?;
                let end = window.last().copied();
                let full = window.len() as u64 == nucleon_ipam::WINDOW;
                window.extend(taken_in(taken, subnet, &range));
                window.sort_unstable();
                window.dedup();
                // Beyond the last address of a full window nothing is known yet.
                let known = match end {
                    Some(end) if full => IpRange::new(range.start(), end).unwrap_or(range),
                    _ => range,
                };
                if let Some(address) = nucleon_ipam::first_free(&known, &window) {
                    return Ok(Some(found(address)));
                }
                if let Some(end) = end
                    && full
                {
                    rest = nucleon_ipam::rest_after(&range, end);
                }
            }
        }
        Ok(None)
    }

    /// Gives every port of a network its address on a new subnet whose addresses follow from the prefix.
    pub(crate) async fn ports_join_auto_subnet(
        &self,
        tx: &mut Tx,
        caller: &crate::Caller,
        subnet: &Subnet,
        now: nucleon_model::Timestamp,
    ) -> Result<()> {
        for port in nucleon_db::port::port_list_of(tx, &[subnet.network_id]).await? {
            if is_router(&port) {
                continue;
            }
            let mut after = port.clone();
            add_auto_addresses(&mut after, std::slice::from_ref(subnet));
            if after.fixed_ips != port.fixed_ips {
                self.port_readdress(tx, caller, &port, after.fixed_ips, now).await?;
            }
        }
        Ok(())
    }
}

fn taken_in<'a>(
    taken: &'a [FixedIp],
    subnet: &'a Subnet,
    range: &'a IpRange,
) -> impl Iterator<Item = IpAddr> + 'a {
    taken
        .iter()
        .filter(|held| held.subnet_id == subnet.id && range.contains(held.ip_address))
        .map(|held| held.ip_address)
}

fn is_router(port: &Port) -> bool {
    port.device_owner.starts_with("network:router")
        || port.device_owner == "network:ha_router_replicated_interface"
}

/// Adds the address that follows from the MAC address on each subnet where hosts make their own.
pub(crate) fn add_auto_addresses(port: &mut Port, subnets: &[Subnet]) {
    if is_router(port) {
        return;
    }
    for subnet in subnets.iter().filter(|subnet| subnet.is_auto_address()) {
        let Some(IpNet::V6(prefix)) = subnet.cidr else { continue };
        if port.fixed_ips.iter().any(|held| held.subnet_id == subnet.id) {
            continue;
        }
        if let Some(address) = port.mac_address.eui64_in(prefix) {
            port.fixed_ips.push(FixedIp { subnet_id: subnet.id, ip_address: IpAddr::V6(address) });
        }
    }
}

/// The subnets that a port without requests may use: with routed networks, those of its host's segments.
fn offer<'g>(core: &Core, port: &Port, ground: &'g Ground) -> Result<Offer<'g>> {
    let (routed, plain): (Vec<&Subnet>, Vec<&Subnet>) =
        ground.subnets.iter().partition(|subnet| subnet.segment_id.is_some());
    if routed.is_empty() || !plain.is_empty() {
        return Ok(Offer::Subnets(plain));
    }
    if port.host.is_empty() {
        return Ok(Offer::Deferred);
    }
    let reached = |segment: &Segment| {
        let mut probe = port.clone();
        let only = Ground {
            network: ground.network.clone(),
            subnets: Vec::new(),
            segments: vec![segment.clone()],
            agents: ground.agents.clone(),
            dhcp_agents: Vec::new(),
        };
        core.bind(&mut probe, &only);
        probe.segment_id == Some(segment.id)
    };
    let segments: Vec<_> = ground
        .segments
        .iter()
        .filter(|segment| reached(segment))
        .map(|segment| segment.id)
        .collect();
    if segments.is_empty() {
        return Err(Error::conflict(
            "HostNotConnectedToAnySegment",
            format!(
                "Host {} is not connected to any segments on routed provider network '{}'.  It \
                 should be connected to one.",
                port.host, ground.network.id
            ),
        ));
    }
    let usable = routed
        .into_iter()
        .filter(|subnet| subnet.segment_id.is_some_and(|segment| segments.contains(&segment)));
    Ok(Offer::Subnets(usable.collect()))
}

fn requested_subnet<'g>(request: &FixedIpRequest, ground: &'g Ground) -> Result<&'g Subnet> {
    if let Some(id) = request.subnet_id {
        return ground
            .subnets
            .iter()
            .find(|subnet| subnet.id == id)
            .ok_or_else(|| crate::subnet::missing(id));
    }
    let Some(address) = request.ip_address else {
        return Err(invalid_input("IP allocation requires subnet_id or ip_address"));
    };
    let holds = |subnet: &&Subnet| subnet.cidr.is_some_and(|cidr| cidr.contains(&address));
    ground.subnets.iter().find(holds).ok_or_else(|| {
        Error::invalid(
            "InvalidIpForNetwork",
            format!(
                "IP address {address} is not a valid IP for any of the subnets on the specified network."
            ),
        )
    })
}

fn specific_address(subnet: &Subnet, address: IpAddr, port: &Port) -> Result<FixedIp> {
    let invalid = || {
        Error::invalid(
            "InvalidIpForSubnet",
            format!("IP address {address} is not a valid IP for the specified subnet."),
        )
    };
    let cidr = subnet.cidr.ok_or_else(invalid)?;
    let host_bits = cidr.max_prefix_len() - cidr.prefix_len();
    let edge = host_bits >= 2
        && address.is_ipv4()
        && (address == cidr.network() || address == cidr.broadcast());
    if !cidr.contains(&address) || edge {
        return Err(invalid());
    }
    if subnet.is_auto_address() && !is_router(port) {
        let own = match cidr {
            IpNet::V6(prefix) => port.mac_address.eui64_in(prefix).map(IpAddr::V6),
            IpNet::V4(_) => None,
        };
        if own != Some(address) {
            return Err(Error::invalid(
                "AllocationOnAutoAddressSubnet",
                format!(
                    "IPv6 address {address} cannot be directly assigned to a port on subnet {} as \
                     the subnet is configured for automatic addresses",
                    subnet.id
                ),
            ));
        }
    }
    Ok(FixedIp { subnet_id: subnet.id, ip_address: address })
}

fn check_one_segment(specific: &[FixedIp], any: &[&Subnet], ground: &Ground) -> Result<()> {
    let of_specific = specific.iter().filter_map(|fixed_ip| {
        ground.subnets.iter().find(|subnet| subnet.id == fixed_ip.subnet_id)
    });
    let mut segments: Vec<_> =
        of_specific.chain(any.iter().copied()).map(|subnet| subnet.segment_id).collect();
    segments.sort_unstable();
    segments.dedup();
    if segments.len() > 1 {
        return Err(Error::invalid(
            "FixedIpsSubnetsNotOnSameSegment",
            "Cannot allocate addresses from different segments.",
        ));
    }
    Ok(())
}

fn exhausted(network: &nucleon_model::NetworkId) -> Error {
    Error::conflict(
        "IpAddressGenerationFailure",
        format!("No more IP addresses available on network {network}."),
    )
}

fn already_allocated(fixed_ip: FixedIp) -> Error {
    Error::conflict(
        "IpAddressAlreadyAllocated",
        format!(
            "IP address {} already allocated in subnet {}",
            fixed_ip.ip_address, fixed_ip.subnet_id
        ),
    )
}

/// The refusal when one of these addresses turned out to be in use.
pub(super) fn in_use(wanted: &[(PortId, FixedIp)]) -> Error {
    match wanted {
        [(_, fixed_ip)] => already_allocated(*fixed_ip),
        _ => Error::conflict(
            "IpAddressAlreadyAllocated",
            "One of the IP addresses is already allocated",
        ),
    }
}
