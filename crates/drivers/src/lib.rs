//! The drivers that come with Nucleon, one file each.
//!
//! They implement the traits of `core::driver`; the binary chooses among them by the names in `[ml2]`.

mod flat;
mod local;
mod openvswitch;
mod tunnel;
mod vlan;

pub use crate::flat::Flat;
pub use crate::local::Local;
pub use crate::openvswitch::OpenVSwitch;
pub use crate::tunnel::{Encapsulation, Tunnel, Underlay};
pub use crate::vlan::{Vlan, VlanRange};

/// Names of the type drivers here.
pub const TYPE_DRIVERS: &[&str] = &["flat", "geneve", "gre", "local", "vlan", "vxlan"];

/// Names of the mechanism drivers here.
pub const MECHANISM_DRIVERS: &[&str] = &["openvswitch"];

/// "Invalid input for operation: …."
fn invalid(text: impl std::fmt::Display) -> nucleon_core::Error {
    nucleon_core::Error::invalid("InvalidInput", format!("Invalid input for operation: {text}."))
}

/// The MTU of a physical network: its own, or the global one, never more than a path between hosts carries.
fn physical_mtu(physical_network: Option<&str>, settings: &nucleon_core::Settings) -> u32 {
    let own = physical_network.and_then(|name| settings.physical_network_mtus.get(name)).copied();
    let mtu = own.unwrap_or(settings.global_physnet_mtu);
    if settings.path_mtu == 0 { mtu } else { mtu.min(settings.path_mtu) }
}
