//! How many addresses networks have, and how many of these are in use.

use nucleon_net::IpNet;
use serde::{Serialize, Serializer};

use crate::attribute::flags;
use crate::declare::resource;
use crate::id::{NetworkId, SubnetId};
use crate::shape::{Shape, shaped};
use crate::standard::standard;

/// A number of addresses: of IPv6 it may be more than 64 bits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AddressCount(pub u128);

impl AddressCount {
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Serialize for AddressCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(self.0)
    }
}

/// Addresses in and outside of allocation pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AvailabilityDetails {
    pub total_ips_in_subnet: AddressCount,
    pub total_ips_in_allocation_pool: AddressCount,
    pub used_ips_in_subnet: AddressCount,
    pub used_ips_in_allocation_pool: AddressCount,
}

impl AvailabilityDetails {
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            total_ips_in_subnet: self.total_ips_in_subnet.plus(other.total_ips_in_subnet),
            total_ips_in_allocation_pool: self
                .total_ips_in_allocation_pool
                .plus(other.total_ips_in_allocation_pool),
            used_ips_in_subnet: self.used_ips_in_subnet.plus(other.used_ips_in_subnet),
            used_ips_in_allocation_pool: self
                .used_ips_in_allocation_pool
                .plus(other.used_ips_in_allocation_pool),
        }
    }
}

/// The same of one subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubnetIpAvailability {
    pub subnet_id: SubnetId,
    pub subnet_name: String,
    pub ip_version: i64,
    pub cidr: IpNet,
    pub total_ips: AddressCount,
    pub used_ips: AddressCount,
    pub ip_availability_details: AvailabilityDetails,
}

const DETAILS: Shape = Shape::Object(&[
    ("total_ips_in_subnet", Shape::Int),
    ("total_ips_in_allocation_pool", Shape::Int),
    ("used_ips_in_subnet", Shape::Int),
    ("used_ips_in_allocation_pool", Shape::Int),
]);

shaped! {
    AddressCount => Shape::Int;
    AvailabilityDetails => DETAILS;
    SubnetIpAvailability => Shape::Object(&[
        ("subnet_id", Shape::Uuid),
        ("subnet_name", Shape::Text),
        ("ip_version", Shape::Int),
        ("cidr", Shape::Prefix),
        ("total_ips", Shape::Int),
        ("used_ips", Shape::Int),
        ("ip_availability_details", DETAILS),
    ]);
}

resource! {
    /// How many addresses a network has, and how many of these are in use.
    NetworkIpAvailability, NetworkIpAvailabilityDraft: "network_ip_availability" / "network_ip_availabilities",
    titled "NetworkIpAvailability", in "networks", at "network-ip-availabilities",
    missing "NetworkNotFound" "Network {} could not be found.";
    settable {}
    computed {
        /// The network.
        "network_id": id: NetworkId ["id"] { "network-ip-availability", flags!(FILTER SORT) }
        /// The network's name.
        "network_name": network_name: String ["name"] { "network-ip-availability", flags!(FILTER) }
        /// Whose the network is.
        "project_id": project_id: String ["project_id"] { "project-id", flags!(FILTER) }
        /// How many addresses its subnets have to give.
        "total_ips": total_ips: AddressCount { "network-ip-availability", flags!() }
        /// How many of them are in use.
        "used_ips": used_ips: AddressCount { "network-ip-availability", flags!() }
        /// The same for each subnet.
        "subnet_ip_availability": subnet_ip_availability: Vec<SubnetIpAvailability>
            { "network-ip-availability", flags!() }
        /// Addresses in and outside of allocation pools.
        "ip_availability_details": ip_availability_details: AvailabilityDetails
            { "network-ip-availability-details", flags!() }
        /// The IP version of the subnets to be counted.
        "ip_version": ip_version: Option<i64> { "network-ip-availability", flags!(FILTER HIDDEN) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "network-ip-availability", flags!(FILTER) }
    }
    internal {
        /// The network's revision.
        revision_number: i64 ["revision_number"]
    }
}

standard! { NetworkIpAvailability: NetworkId, project_id }

impl NetworkIpAvailability {
    /// Takes a subnet into account.
    pub fn add(&mut self, subnet: SubnetIpAvailability) {
        self.total_ips = self.total_ips.plus(subnet.total_ips);
        self.used_ips = self.used_ips.plus(subnet.used_ips);
        self.ip_availability_details =
            self.ip_availability_details.plus(subnet.ip_availability_details);
        self.subnet_ip_availability.push(subnet);
    }
}
