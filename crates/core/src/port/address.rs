//! The addresses of a port: which it gets, by what it asks for and where it is.

mod free;

use std::net::IpAddr;

use nucleon_db::{Tx, allocation};
use nucleon_model::router::{OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA};
use nucleon_model::{
    Field, FixedIp, FixedIpRequest, NetworkId, Port, Segment, SegmentId, Subnet, Timestamp, port,
};
use nucleon_net::IpNet;

pub(crate) use free::Found;

use crate::port::Ground;
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Result};

/// Values of `ip_allocation`.
pub(super) const IMMEDIATE: &str = "immediate";
pub(super) const DEFERRED: &str = "deferred";
const NONE: &str = "none";

/// Subnets that a port may get addresses from, by what is known of its host.
enum Offer<'g> {
    Subnets(Vec<&'g Subnet>),
    /// All subnets are confined to segments, and the host that decides is not known yet.
    Deferred,
}

impl Core {
    /// Allocates what a request asks for, or what a port gets by default.
    pub(super) async fn allocate(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        requested: &Field<Vec<FixedIpRequest>>,
        ground: &Ground,
        found: &mut Found,
    ) -> Result<()> {
        match requested {
            Field::Value(requests) if requests.is_empty() => {
                NONE.clone_into(&mut port.ip_allocation);
                return Ok(());
            }
            Field::Value(requests) => {
                self.allocate_requested(tx, port, requests, ground, found).await?;
            }
            Field::Absent | Field::Null => match offer(self, port, ground)? {
                Offer::Deferred => {
                    DEFERRED.clone_into(&mut port.ip_allocation);
                    return Ok(());
                }
                Offer::Subnets(subnets) => {
                    self.allocate_default(tx, port, &subnets, ground, found).await?;
                }
            },
        }
        add_auto_addresses(port, &ground.subnets);
        IMMEDIATE.clone_into(&mut port.ip_allocation);
        found.give(&port.fixed_ips);
        Ok(())
    }

    /// One address of each family that has subnets where addresses are managed.
    async fn allocate_default(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        subnets: &[&Subnet],
        ground: &Ground,
        found: &mut Found,
    ) -> Result<()> {
        let families = [4, 6].map(|version| {
            let of_family =
                |subnet: &&&Subnet| subnet.ip_version == version && !subnet.is_auto_address();
            subnets.iter().filter(of_family).copied().collect::<Vec<&Subnet>>()
        });
        let first: Vec<&Subnet> =
            families.iter().filter_map(|family| family.first().copied()).collect();
        self.look_for_free(tx, &first, port, found).await?;
        for family in families.iter().filter(|family| !family.is_empty()) {
            let mut address = None;
            for subnet in family {
                address = self.free_address(tx, subnet, port, found).await?;
                if address.is_some() {
                    break;
                }
            }
            port.fixed_ips.push(address.ok_or_else(|| exhausted(ground.network.id))?);
        }
        Ok(())
    }

    async fn allocate_requested(
        &self,
        tx: &mut Tx,
        port: &mut Port,
        requests: &[FixedIpRequest],
        ground: &Ground,
        found: &mut Found,
    ) -> Result<()> {
        let mut specific = Vec::new();
        let mut any = Vec::new();
        for request in requests {
            let subnet = requested_subnet(request, port, ground)?;
            match request.ip_address {
                Some(address) => specific.push(specific_address(subnet, address, port)?),
                // Addresses that follow from the prefix come by themselves.
                None if subnet.is_auto_address() && !is_router(port) => {}
                None => any.push(subnet),
            }
        }
        check_one_segment(&specific, &any, ground)?;
        if let Some(&used) = specific.iter().find(|fixed_ip| found.is_given(fixed_ip)) {
            return Err(already_allocated(used));
        }
        let wanted: Vec<_> = specific
            .iter()
            .map(|fixed_ip| (fixed_ip.subnet_id, vec![fixed_ip.ip_address]))
            .collect();
        if let Some(&used) = allocation::allocation_taken(tx, &wanted).await?.first() {
            return Err(already_allocated(used));
        }
        found.give(&specific);
        port.fixed_ips.extend(specific);
        self.look_for_free(tx, &any, port, found).await?;
        for subnet in any {
            let address = self.free_address(tx, subnet, port, found).await?;
            port.fixed_ips.push(address.ok_or_else(|| exhausted(ground.network.id))?);
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
            let mut found = Found::default();
            found.give(&before.fixed_ips);
            self.allocate_requested(tx, after, &new, ground, &mut found).await?;
        }
        // Without any, the port is one without addresses, as on create.
        if !after.fixed_ips.is_empty() {
            add_auto_addresses(after, &ground.subnets);
        }
        let allocation = if after.fixed_ips.is_empty() { NONE } else { IMMEDIATE };
        allocation.clone_into(&mut after.ip_allocation);
        Ok(())
    }

    /// Gives every port of a network its address on a new subnet whose addresses follow from the prefix.
    pub(crate) async fn ports_join_auto_subnet(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        subnet: &Subnet,
        now: Timestamp,
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

/// Whether a port leads a router to the hosts of a subnet, whose addresses a router chooses. Towards the outside it is a
/// host like others.
fn is_router(port: &Port) -> bool {
    [
        OWNER_INTERFACE,
        OWNER_INTERFACE_DISTRIBUTED,
        OWNER_INTERFACE_HA,
        "network:router_centralized_snat",
    ]
    .contains(&port.device_owner.as_str())
}

/// The segment that a port's addresses confine it to, if any.
fn segment_of(port: &Port, subnets: &[Subnet]) -> Option<SegmentId> {
    let subnet = |id| subnets.iter().find(|subnet| subnet.id == id);
    port.fixed_ips.iter().find_map(|held| subnet(held.subnet_id)?.segment_id)
}

/// Adds the address that follows from the MAC address on each subnet where hosts make their own; with routed networks,
/// on those of the port's segment.
pub(crate) fn add_auto_addresses(port: &mut Port, subnets: &[Subnet]) {
    if is_router(port) {
        return;
    }
    let segment = port.segment_id.or_else(|| segment_of(port, subnets));
    let reached = |subnet: &&Subnet| subnet.segment_id.is_none() || subnet.segment_id == segment;
    let own = |subnet: &&Subnet| subnet.is_auto_address() && serves(subnet, &port.device_owner);
    let reached: Vec<&Subnet> = subnets.iter().filter(own).filter(reached).collect();
    for subnet in reached {
        if port.fixed_ips.iter().any(|held| held.subnet_id == subnet.id) {
            continue;
        }
        port.fixed_ips.extend(auto_address(port, subnet));
    }
}

fn auto_address(port: &Port, subnet: &Subnet) -> Option<FixedIp> {
    let Some(IpNet::V6(prefix)) = subnet.cidr else { return None };
    let address = port.mac_address.eui64_in(prefix)?;
    Some(FixedIp { subnet_id: subnet.id, ip_address: IpAddr::V6(address) })
}

/// Gives a port whose MAC address changed the addresses that follow from the new one.
pub(super) fn follow_mac(after: &mut Port, before: &Port, subnets: &[Subnet]) {
    for subnet in subnets.iter().filter(|subnet| subnet.is_auto_address()) {
        let (old, new) = (auto_address(before, subnet), auto_address(after, subnet));
        for held in &mut after.fixed_ips {
            if let (true, Some(new)) = (Some(*held) == old, new) {
                *held = new;
            }
        }
    }
}

/// Refuses a host where the port's addresses would not work.
pub(super) fn check_host(core: &Core, port: &Port, ground: &Ground) -> Result<()> {
    let Some(segment) = segment_of(port, &ground.subnets) else { return Ok(()) };
    if port.host.is_empty() || reached_segments(core, port, ground).contains(&segment) {
        return Ok(());
    }
    Err(Error::conflict(
        "HostNotCompatibleWithFixedIps",
        format!(
            "Host {} is not connected to a segment where the existing fixed_ips on port {} will \
             function given the routed network topology.",
            port.host, port.id
        ),
    ))
}

/// The segments of a network that a port could be bound to on its host.
pub(crate) fn reached_segments(core: &Core, port: &Port, ground: &Ground) -> Vec<SegmentId> {
    let reached = |segment: &&Segment| {
        let mut probe = Port { fixed_ips: Vec::new(), ..port.clone() };
        let only = Ground {
            network: ground.network.clone(),
            subnets: Vec::new(),
            segments: vec![(*segment).clone()],
            agents: ground.agents.clone(),
            dhcp_agents: Vec::new(),
        };
        core.bind(&mut probe, &only);
        probe.segment_id == Some(segment.id)
    };
    ground.segments.iter().filter(reached).map(|segment| segment.id).collect()
}

/// Whether a subnet is for ports of this owner. DHCP agents' ports are on every subnet that they serve.
fn serves(subnet: &Subnet, device_owner: &str) -> bool {
    subnet.service_types.is_any()
        || subnet.service_types.contains(device_owner)
        || (subnet.enable_dhcp && device_owner == port::OWNER_DHCP)
}

/// The subnets that are for a port, those made for its kind first.
fn served<'g>(port: &Port, ground: &'g Ground) -> Vec<&'g Subnet> {
    let fit = |subnet: &&Subnet| serves(subnet, &port.device_owner);
    let mut subnets: Vec<&Subnet> = ground.subnets.iter().filter(fit).collect();
    subnets.sort_by_key(|subnet| subnet.service_types.is_any());
    subnets
}

/// The subnets that a port without requests may use: with routed networks, those of its host's segments.
fn offer<'g>(core: &Core, port: &Port, ground: &'g Ground) -> Result<Offer<'g>> {
    let served = served(port, ground);
    let is_routed = |subnet: &&Subnet| subnet.segment_id.is_some();
    let segments = if port.host.is_empty() || !served.iter().any(is_routed) {
        Vec::new()
    } else {
        reached_segments(core, port, ground)
    };
    let reached =
        |subnet: &&&Subnet| subnet.segment_id.is_none_or(|segment| segments.contains(&segment));
    let usable: Vec<&Subnet> = served.iter().filter(reached).copied().collect();
    if !usable.is_empty() || ground.subnets.is_empty() {
        return Ok(Offer::Subnets(usable));
    }
    if !port.host.is_empty() && ground.subnets.iter().any(|subnet| subnet.segment_id.is_some()) {
        return Err(Error::conflict(
            "HostNotConnectedToAnySegment",
            format!(
                "Host {} is not connected to any segments on routed provider network '{}'.  It \
                 should be connected to one.",
                port.host, ground.network.id
            ),
        ));
    }
    if served.is_empty() { Err(no_service_subnet(port)) } else { Ok(Offer::Deferred) }
}

fn no_service_subnet(port: &Port) -> Error {
    Error::conflict(
        "IpAddressGenerationFailureNoMatchingSubnet",
        format!(
            "No valid service subnet for the given device owner, network {}, service type {}.",
            port.network_id, port.device_owner
        ),
    )
}

fn requested_subnet<'g>(
    request: &FixedIpRequest,
    port: &Port,
    ground: &'g Ground,
) -> Result<&'g Subnet> {
    let served = served(port, ground);
    if let Some(id) = request.subnet_id {
        if let Some(subnet) = served.iter().find(|subnet| subnet.id == id) {
            return Ok(subnet);
        }
        if !ground.subnets.iter().any(|subnet| subnet.id == id) {
            return Err(crate::subnet::missing(id));
        }
        if served.is_empty() {
            return Err(no_service_subnet(port));
        }
        return Err(invalid_input(format!(
            "Failed to create port on network {}, because fixed_ips included invalid subnet {id}",
            port.network_id
        )));
    }
    let Some(address) = request.ip_address else {
        return Err(invalid_input("IP allocation requires subnet_id or ip_address"));
    };
    let holds = |subnet: &&Subnet| subnet.cidr.is_some_and(|cidr| cidr.contains(&address));
    served.into_iter().find(holds).ok_or_else(|| {
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
        let own = auto_address(port, subnet).map(|own| own.ip_address);
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

fn exhausted(network: NetworkId) -> Error {
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
