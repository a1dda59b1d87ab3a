//! All devices on the integration bridge, kept up to date row by row.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::PortId;
use nucleon_ovsdb::ovs::{self, InterfaceId, RowChange, ViewChange};

use crate::device::{self, Device};

/// The devices of this host, by the port of the cloud that each stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Devices {
    /// While a machine is plugged anew there may be two devices for a port.
    by_port: BTreeMap<PortId, BTreeMap<InterfaceId, Device>>,
    ports: BTreeMap<InterfaceId, PortId>,
}

impl Devices {
    /// Reads all devices anew.
    pub(crate) fn read(view: &ovs::View, bridge: &str) -> Self {
        let mut devices = Self::default();
        for interface in view.interfaces() {
            let Some(port) = device::port_of(interface) else { continue };
            if let Some(device) = device::read(view, bridge, interface) {
                devices.insert(port, device);
            }
        }
        devices
    }

    /// The device of a port. Of several, one that the switch has given a number counts.
    pub(crate) fn get(&self, port: PortId) -> Option<&Device> {
        let of_port = self.by_port.get(&port)?;
        of_port.values().find(|device| device.ofport.is_ok()).or_else(|| of_port.values().next())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PortId, &Device)> {
        self.by_port.keys().filter_map(|&port| Some((port, self.get(port)?)))
    }

    pub(crate) fn ports(&self) -> impl Iterator<Item = PortId> + '_ {
        self.by_port.keys().copied()
    }

    /// The port that an interface stands for.
    pub(crate) fn port_at(&self, interface: InterfaceId) -> Option<PortId> {
        self.ports.get(&interface).copied()
    }

    pub(crate) fn insert(&mut self, port: PortId, device: Device) {
        self.remove(device.interface_row);
        self.ports.insert(device.interface_row, port);
        self.by_port.entry(port).or_default().insert(device.interface_row, device);
    }

    /// Takes a device out; gives the port that it stood for.
    pub(crate) fn remove(&mut self, interface: InterfaceId) -> Option<PortId> {
        let port = self.ports.remove(&interface)?;
        if let Some(devices) = self.by_port.get_mut(&port) {
            devices.remove(&interface);
            if devices.is_empty() {
                self.by_port.remove(&port);
            }
        }
        Some(port)
    }

    /// Takes in that some rows changed; gives the ports concerned.
    pub(crate) fn learn(
        &mut self,
        view: &ovs::View,
        bridge: &str,
        changes: &[ViewChange],
    ) -> BTreeSet<PortId> {
        let mut interfaces = BTreeSet::new();
        for change in changes {
            match change {
                ViewChange::Interface(row) => {
                    interfaces.insert(newest(row).id);
                }
                ViewChange::Port(row) => {
                    interfaces.extend(row.before().into_iter().flat_map(|row| &row.interfaces));
                    interfaces.extend(row.after().into_iter().flat_map(|row| &row.interfaces));
                }
                // A port's place on a bridge is written in the bridge's row.
                ViewChange::Bridge(row) => interfaces.extend(moved(view, row)),
                ViewChange::Switch(_) => {}
            }
        }
        interfaces.into_iter().flat_map(|id| self.read_again(view, bridge, id)).collect()
    }

    /// Reads one interface again; gives the ports that it stood and stands for.
    fn read_again(&mut self, view: &ovs::View, bridge: &str, id: InterfaceId) -> Vec<PortId> {
        let found = view.interface(id).and_then(|interface| {
            Some((device::port_of(interface)?, device::read(view, bridge, interface)?))
        });
        let former = self.remove(id);
        let present = found.map(|(port, device)| {
            self.insert(port, device);
            port
        });
        former.into_iter().chain(present).collect()
    }
}

/// The interfaces of the ports that came to a bridge or left it. Those whose rows went with it tell so themselves.
fn moved(view: &ovs::View, row: &RowChange<ovs::Bridge>) -> Vec<InterfaceId> {
    let none = BTreeSet::new();
    let before = row.before().map_or(&none, |bridge| &bridge.ports);
    let after = row.after().map_or(&none, |bridge| &bridge.ports);
    before
        .symmetric_difference(after)
        .filter_map(|id| view.port(*id))
        .flat_map(|port| port.interfaces.iter().copied())
        .collect()
}

fn newest<T>(change: &RowChange<T>) -> &T {
    match change {
        RowChange::Added(row) | RowChange::Removed(row) | RowChange::Changed { new: row, .. } => {
            row
        }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_ovsdb::Uuid;

    use super::*;
    use crate::device::NoNumber;
    use crate::wiring::tests::port_id;

    fn device(row: u128, ofport: Option<u32>) -> Device {
        Device {
            interface_row: InterfaceId(Uuid::from_u128(row)),
            ofport: ofport.ok_or(NoNumber::NotYet),
            ..Device::default()
        }
    }

    #[test]
    fn of_two_devices_of_a_port_the_one_with_a_number_counts_until_it_goes() {
        let mut devices = Devices::default();
        devices.insert(port_id(1), device(10, None));
        devices.insert(port_id(1), device(11, Some(5)));
        assert_eq!(devices.get(port_id(1)).unwrap().ofport, Ok(5));
        assert_eq!(devices.remove(InterfaceId(Uuid::from_u128(11))), Some(port_id(1)));
        assert!(devices.get(port_id(1)).unwrap().ofport.is_err());
        devices.remove(InterfaceId(Uuid::from_u128(10)));
        assert_eq!(devices.ports().count(), 0);
    }

    #[test]
    fn an_interface_that_gets_another_port_leaves_the_first() {
        let mut devices = Devices::default();
        devices.insert(port_id(1), device(10, Some(5)));
        devices.insert(port_id(2), device(10, Some(5)));
        assert!(devices.get(port_id(1)).is_none());
        assert!(devices.get(port_id(2)).is_some());
    }
}
