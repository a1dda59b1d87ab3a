//! How a port is to be wired: what the view and the device of a port come to. Pure.

use std::fmt;

use nucleon_model::view::{NetworkBody, PortBody, SegmentBody, View};
use nucleon_model::{NetworkId, NetworkType, PortId};
use nucleon_net::{MacAddr, VlanId};

use crate::device::{Device, NoNumber};

/// How a segment leaves the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wire {
    /// With this tag on a physical network.
    Vlan { physical_network: String, id: VlanId },
    /// Without a tag on a physical network.
    Flat { physical_network: String },
    /// Not at all.
    Local,
}

impl Wire {
    pub(crate) fn physical_network(&self) -> Option<&str> {
        match self {
            Self::Vlan { physical_network, .. } | Self::Flat { physical_network } => {
                Some(physical_network)
            }
            Self::Local => None,
        }
    }

    pub(crate) const fn network_type(&self) -> &'static str {
        match self {
            Self::Vlan { .. } => NetworkType::VLAN,
            Self::Flat { .. } => NetworkType::FLAT,
            Self::Local => NetworkType::LOCAL,
        }
    }

    pub(crate) const fn segmentation_id(&self) -> Option<u16> {
        match self {
            Self::Vlan { id, .. } => Some(id.get()),
            Self::Flat { .. } | Self::Local => None,
        }
    }
}

/// A network on one of its wires: what has a local VLAN on this host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lan {
    pub(crate) network: NetworkId,
    pub(crate) wire: Wire,
}

/// All that the flows of one port depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wiring {
    pub(crate) port: PortId,
    pub(crate) lan: Lan,
    pub(crate) mac: MacAddr,
    pub(crate) ofport: u32,
    pub(crate) mtu: u32,
}

/// Why a port is not wired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unwired {
    /// Nobody has told of it, or it is on another host.
    NotOurs,
    /// It, or its network, is administratively down.
    Down,
    /// It is bound to no segment, or to one that this agent cannot carry.
    Unbound(String),
    /// No device is plugged for it.
    NoDevice,
    /// The switch has not taken the device, or refuses it.
    NoNumber(NoNumber),
    /// No bridge is mapped to its physical network, or that bridge is not there.
    NoPatch(String),
}

impl fmt::Display for Unwired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("it is not of this host"),
            Self::Down => f.write_str("it is administratively down"),
            Self::Unbound(why) => write!(f, "its segment cannot be carried: {why}"),
            Self::NoDevice => f.write_str("no device is plugged for it"),
            Self::NoNumber(why) => write!(f, "the switch has no port for its device: {why}"),
            Self::NoPatch(name) => write!(f, "physical network {name} is not connected here"),
        }
    }
}

/// How a port is to be wired, or why not.
pub(crate) fn wiring(
    view: &View,
    host: &str,
    id: PortId,
    device: Option<&Device>,
) -> Result<Wiring, Unwired> {
    let port = view.ports.get(&id).filter(|port| port.host == host).ok_or(Unwired::NotOurs)?;
    let network = view.networks.get(&port.network_id).ok_or(Unwired::NotOurs)?;
    if !port.admin_state_up || !network.admin_state_up {
        return Err(Unwired::Down);
    }
    let wire = wire(segment(port, network)?)?;
    let device = device.ok_or(Unwired::NoDevice)?;
    let ofport = device.ofport.clone().map_err(Unwired::NoNumber)?;
    Ok(Wiring {
        port: id,
        lan: Lan { network: network.id, wire },
        mac: port.mac_address,
        ofport,
        mtu: network.mtu,
    })
}

fn segment<'n>(port: &PortBody, network: &'n NetworkBody) -> Result<&'n SegmentBody, Unwired> {
    let id = port.segment_id.ok_or_else(|| Unwired::Unbound("it is bound to none".to_owned()))?;
    network
        .segments
        .iter()
        .find(|segment| segment.id == id)
        .ok_or_else(|| Unwired::Unbound(format!("{id} is not of its network")))
}

fn wire(segment: &SegmentBody) -> Result<Wire, Unwired> {
    let physical_network = || {
        segment
            .physical_network
            .clone()
            .ok_or_else(|| Unwired::Unbound("it names no physical network".to_owned()))
    };
    match segment.network_type.as_str() {
        NetworkType::LOCAL => Ok(Wire::Local),
        NetworkType::FLAT => Ok(Wire::Flat { physical_network: physical_network()? }),
        NetworkType::VLAN => {
            let id = segment.segmentation_id.and_then(|id| u16::try_from(id).ok());
            let id = id.and_then(|id| VlanId::new(id).ok()).ok_or_else(|| {
                Unwired::Unbound(format!("{:?} is no VLAN", segment.segmentation_id))
            })?;
            Ok(Wire::Vlan { physical_network: physical_network()?, id })
        }
        other => Err(Unwired::Unbound(format!("network type '{other}' is not known here"))),
    }
}

#[cfg(test)]
pub(crate) mod tests;
