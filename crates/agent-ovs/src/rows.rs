//! What is written to the rows of devices: the tag, the notes for the next start, the MTU. Pure.

use std::collections::BTreeMap;
use std::fmt;

use nucleon_net::VlanId;
use nucleon_ovsdb::Transaction;
use nucleon_ovsdb::ovs::{self, Tag};

use crate::device::{self, Device};
use crate::wiring::Wiring;

/// What `mtu_request` may be: IPv4's smallest (RFC 791) up to what a length field holds.
const MTU: std::ops::RangeInclusive<u32> = 68..=65_535;

/// The difference between a device's rows and what they should say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowEdit {
    pub(crate) device: String,
    port: ovs::PortId,
    interface: ovs::InterfaceId,
    pub(crate) tag: Option<Tag>,
    notes: Notes,
    mtu: Option<u32>,
}

/// What is to become of the notes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Notes {
    Stay,
    Write(BTreeMap<String, String>),
    /// They would give the tag to a second network after a restart.
    Remove,
}

impl RowEdit {
    /// What a wired device's rows have to say, and do not.
    pub(crate) fn wired(device: &Device, wiring: &Wiring, tag: VlanId) -> Option<Self> {
        let notes = device::notes(&wiring.lan, tag);
        let noted = notes.iter().all(|(key, value)| device.other_config.get(key) == Some(value));
        let mtu = (device.mtu_request != Some(wiring.mtu) && MTU.contains(&wiring.mtu))
            .then_some(wiring.mtu);
        let edit = Self {
            tag: (device.tag != Some(tag.get())).then(|| Tag::try_from(tag.get()).ok()).flatten(),
            notes: if noted { Notes::Stay } else { Notes::Write(notes) },
            mtu,
            ..Self::nothing(device)
        };
        edit.or_nothing()
    }

    /// What the rows of a device that is not wired must no longer say. One that never was is not ours to write to.
    pub(crate) fn unwired(device: &Device) -> Option<Self> {
        if !device.other_config.contains_key(device::TAG) {
            return None;
        }
        let is_dead = device.tag == Some(Tag::DEAD.get());
        let edit = Self {
            tag: (!is_dead).then_some(Tag::DEAD),
            notes: Notes::Remove,
            ..Self::nothing(device)
        };
        edit.or_nothing()
    }

    fn nothing(device: &Device) -> Self {
        Self {
            device: device.name.clone(),
            port: device.port_row,
            interface: device.interface_row,
            tag: None,
            notes: Notes::Stay,
            mtu: None,
        }
    }

    fn or_nothing(self) -> Option<Self> {
        let nothing = self.tag.is_none() && self.notes == Notes::Stay && self.mtu.is_none();
        (!nothing).then_some(self)
    }

    pub(crate) fn write(&self, transaction: &mut Transaction) {
        if let Some(tag) = self.tag {
            ovs::set_port_tag(transaction, self.port, Some(tag));
        }
        match &self.notes {
            Notes::Stay => {}
            Notes::Write(notes) => {
                ovs::set_port_other_config(transaction, self.port, notes);
            }
            Notes::Remove => {
                ovs::remove_port_other_config(transaction, self.port, device::KEYS);
            }
        }
        if let Some(mtu) = self.mtu {
            ovs::set_interface_mtu_request(transaction, self.interface, Some(mtu));
        }
    }

    /// What the device is like once this is written.
    #[cfg(test)]
    pub(crate) fn carried_out(&self, device: &mut Device) {
        if let Some(tag) = self.tag {
            device.tag = Some(tag.get());
        }
        match &self.notes {
            Notes::Stay => {}
            Notes::Write(notes) => device.other_config.extend(notes.clone()),
            Notes::Remove => device.other_config.retain(|key, _| !device::KEYS.contains(&&**key)),
        }
        device.mtu_request = self.mtu.or(device.mtu_request);
    }
}

impl fmt::Display for RowEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        if let Some(tag) = self.tag {
            write!(f, " tag={tag}")?;
        }
        match &self.notes {
            Notes::Stay => {}
            Notes::Write(notes) => {
                for (key, value) in notes {
                    write!(f, " {key}={value}")?;
                }
            }
            Notes::Remove => f.write_str(" without notes")?,
        }
        match self.mtu {
            Some(mtu) => write!(f, " mtu_request={mtu}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::tests::{device, port_id, view};
    use crate::wiring::wiring;

    fn wired() -> (Device, Wiring, VlanId) {
        let device = device(Ok(5));
        let wiring = wiring(&view(), "h1", port_id(11), Some(&device)).unwrap();
        (device, wiring, VlanId::new(3).unwrap())
    }

    #[test]
    fn a_row_that_says_so_already_is_not_written() {
        let (mut device, wiring, tag) = wired();
        RowEdit::wired(&device, &wiring, tag).unwrap().carried_out(&mut device);
        assert_eq!((device.tag, device.mtu_request), (Some(3), Some(1500)));
        assert_eq!(RowEdit::wired(&device, &wiring, tag), None);
    }

    #[test]
    fn only_what_differs_is_written() {
        let (mut device, wiring, tag) = wired();
        RowEdit::wired(&device, &wiring, tag).unwrap().carried_out(&mut device);
        device.tag = Some(9);
        assert_eq!(RowEdit::wired(&device, &wiring, tag).unwrap().to_string(), "tap tag=3");
    }

    #[test]
    fn a_device_that_was_wired_is_dead_afterwards_and_a_strange_one_is_left_alone() {
        let (mut device, wiring, tag) = wired();
        device.other_config.insert("mine".to_owned(), "kept".to_owned());
        assert_eq!(RowEdit::unwired(&device), None);
        RowEdit::wired(&device, &wiring, tag).unwrap().carried_out(&mut device);
        let edit = RowEdit::unwired(&device).unwrap();
        assert_eq!(edit.to_string(), "tap tag=4095 without notes");
        edit.carried_out(&mut device);
        assert_eq!(device.other_config.keys().collect::<Vec<_>>(), ["mine"]);
        assert_eq!(RowEdit::unwired(&device), None);
    }

    #[test]
    fn an_mtu_that_the_switch_would_refuse_is_not_written() {
        let (device, mut wiring, tag) = wired();
        wiring.mtu = 0;
        assert!(!RowEdit::wired(&device, &wiring, tag).unwrap().to_string().contains("mtu"));
    }
}
