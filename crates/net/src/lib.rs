//! Addresses of the wire: MAC addresses, VLAN ids, prefixes, ranges of addresses.
//!
//! Each type is parsed once at the edge and cannot be wrong inside. Nothing here does I/O, and nothing knows of resources.

mod mac;
mod range;
mod vlan;

pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use crate::mac::{InvalidMac, MacAddr};
pub use crate::range::{InvalidRange, IpRange, RangeSet};
pub use crate::vlan::{InvalidVlan, VlanId};
