//! Devices: what compute service and agents have plugged into the integration bridge.

use std::collections::BTreeMap;
use std::fmt;

use nucleon_model::{NetworkId, PortId};
use nucleon_net::VlanId;
use nucleon_ovsdb::ovs::{self, Interface, InterfaceId, OfPort, Tag};

use crate::wiring::{Lan, Wire};

/// A port of the integration bridge that stands for a port of the cloud: its interface carries
/// `external_ids:iface-id`, as os-vif writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) port_row: ovs::PortId,
    pub(crate) interface_row: InterfaceId,
    /// The OpenFlow port number, or why there is none.
    pub(crate) ofport: Result<u32, NoNumber>,
    pub(crate) tag: Option<u16>,
    pub(crate) other_config: BTreeMap<String, String>,
    pub(crate) mtu_request: Option<u32>,
}

/// Why the switch has no number for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoNumber {
    /// It has not come to it yet, and will.
    NotYet,
    Refused(String),
}

impl fmt::Display for NoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => f.write_str("not assigned yet"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
impl Default for Device {
    fn default() -> Self {
        Self {
            name: "tap".to_owned(),
            port_row: ovs::PortId(nucleon_ovsdb::Uuid::nil()),
            interface_row: InterfaceId(nucleon_ovsdb::Uuid::nil()),
            ofport: Err(NoNumber::NotYet),
            tag: None,
            other_config: BTreeMap::new(),
            mtu_request: None,
        }
    }
}

/// Keys of a port's `other_config`, as Neutron's agent writes them.
pub(crate) const NETWORK: &str = "net_uuid";
pub(crate) const NETWORK_TYPE: &str = "network_type";
pub(crate) const PHYSICAL_NETWORK: &str = "physical_network";
pub(crate) const SEGMENTATION_ID: &str = "segmentation_id";
pub(crate) const TAG: &str = "tag";
pub(crate) const KEYS: [&str; 5] = [NETWORK, NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID, TAG];

/// The port of the cloud that an interface stands for.
pub(crate) fn port_of(interface: &Interface) -> Option<PortId> {
    interface.external_ids.get("iface-id")?.parse().ok()
}

/// The device of an interface, if it is on the bridge.
pub(crate) fn read(view: &ovs::View, bridge: &str, interface: &Interface) -> Option<Device> {
    let port = view.port_of(interface.id)?;
    let on = view.bridge_of(port.id)?;
    if on.name != bridge {
        return None;
    }
    Some(Device {
        name: port.name.clone(),
        port_row: port.id,
        interface_row: interface.id,
        ofport: match interface.ofport {
            OfPort::Number(number) => Ok(number),
            OfPort::Unassigned => Err(NoNumber::NotYet),
            OfPort::Failed => Err(NoNumber::Refused(
                interface.error.clone().unwrap_or_else(|| "refused".to_owned()),
            )),
        },
        tag: port.tag.map(Tag::get),
        other_config: port.other_config.clone(),
        mtu_request: interface.mtu_request,
    })
}

/// What is written to a device's row so that the next start finds its local VLAN again.
pub(crate) fn notes(lan: &Lan, tag: VlanId) -> BTreeMap<String, String> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "None".to_owned());
    BTreeMap::from([
        (NETWORK.to_owned(), lan.network.to_string()),
        (NETWORK_TYPE.to_owned(), lan.wire.network_type().to_owned()),
        (PHYSICAL_NETWORK.to_owned(), text(lan.wire.physical_network().map(str::to_owned))),
        (SEGMENTATION_ID.to_owned(), text(lan.wire.segmentation_id().map(|id| id.to_string()))),
        (TAG.to_owned(), tag.to_string()),
    ])
}

/// Reads [`notes`] back; `None` where nobody has written any.
pub(crate) fn noted(other_config: &BTreeMap<String, String>) -> Option<(Lan, VlanId)> {
    let network: NetworkId = other_config.get(NETWORK)?.parse().ok()?;
    let tag: VlanId = other_config.get(TAG)?.parse().ok()?;
    let physical_network =
        || other_config.get(PHYSICAL_NETWORK).filter(|name| *name != "None").cloned();
    let wire = match other_config.get(NETWORK_TYPE)?.as_str() {
        "vlan" => Wire::Vlan {
            physical_network: physical_network()?,
            id: other_config.get(SEGMENTATION_ID)?.parse().ok()?,
        },
        "flat" => Wire::Flat { physical_network: physical_network()? },
        "local" => Wire::Local,
        _ => return None,
    };
    Some((Lan { network, wire }, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_back_as_they_were_written() {
        let tag = VlanId::new(7).unwrap();
        let network = NetworkId::default();
        let wires = [
            Wire::Vlan { physical_network: "physnet1".into(), id: VlanId::new(101).unwrap() },
            Wire::Flat { physical_network: "pub".into() },
            Wire::Local,
        ];
        for wire in wires {
            let lan = Lan { network, wire };
            assert_eq!(noted(&notes(&lan, tag)), Some((lan, tag)));
        }
        assert_eq!(noted(&BTreeMap::new()), None);
    }
}
