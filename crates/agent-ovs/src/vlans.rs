//! Local VLANs: which tag each network has on this host.

use std::collections::BTreeMap;

use nucleon_net::VlanId;

use crate::wiring::Lan;

/// Tags are given lowest first, kept as long as a port of the network is wired, and found again after a restart by the
/// notes on the ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LocalVlans {
    tags: BTreeMap<Lan, VlanId>,
    owners: BTreeMap<VlanId, Lan>,
}

/// All 4094 tags are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {} local VLANs of this host are in use", VlanId::MAX)]
pub(crate) struct Exhausted;

impl LocalVlans {
    /// Takes a tag over that was given before; `false` if another network has it, or the network another tag.
    pub(crate) fn restore(&mut self, lan: Lan, tag: VlanId) -> bool {
        if let Some(held) = self.tags.get(&lan) {
            return *held == tag;
        }
        if self.owners.contains_key(&tag) {
            return false;
        }
        self.owners.insert(tag, lan.clone());
        self.tags.insert(lan, tag);
        true
    }

    pub(crate) fn get(&self, lan: &Lan) -> Option<VlanId> {
        self.tags.get(lan).copied()
    }

    /// The tag of a network; a new one if it has none.
    pub(crate) fn assign(&mut self, lan: &Lan) -> Result<VlanId, Exhausted> {
        if let Some(tag) = self.get(lan) {
            return Ok(tag);
        }
        let free = (VlanId::MIN..=VlanId::MAX)
            .filter_map(|id| VlanId::new(id).ok())
            .find(|tag| !self.owners.contains_key(tag))
            .ok_or(Exhausted)?;
        self.tags.insert(lan.clone(), free);
        self.owners.insert(free, lan.clone());
        Ok(free)
    }

    pub(crate) fn release(&mut self, lan: &Lan) {
        if let Some(tag) = self.tags.remove(lan) {
            self.owners.remove(&tag);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    pub(crate) fn lans(&self) -> impl Iterator<Item = &Lan> {
        self.tags.keys()
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::NetworkId;
    use uuid::Uuid;

    use super::*;
    use crate::wiring::Wire;

    fn lan(number: u128) -> Lan {
        Lan { network: NetworkId::new(Uuid::from_u128(number)), wire: Wire::Local }
    }

    fn tag(id: u16) -> VlanId {
        VlanId::new(id).unwrap()
    }

    #[test]
    fn a_network_keeps_its_tag_and_others_get_others() {
        let mut vlans = LocalVlans::default();
        assert_eq!(vlans.assign(&lan(1)), Ok(tag(1)));
        assert_eq!(vlans.assign(&lan(2)), Ok(tag(2)));
        assert_eq!(vlans.assign(&lan(1)), Ok(tag(1)));
        vlans.release(&lan(1));
        assert_eq!(vlans.assign(&lan(3)), Ok(tag(1)));
    }

    #[test]
    fn a_restored_tag_is_nobody_elses() {
        let mut vlans = LocalVlans::default();
        assert!(vlans.restore(lan(1), tag(1)));
        assert!(!vlans.restore(lan(2), tag(1)));
        assert!(!vlans.restore(lan(1), tag(5)));
        assert_eq!(vlans.assign(&lan(2)), Ok(tag(2)));
    }

    #[test]
    fn the_last_tag_is_4094() {
        let mut vlans = LocalVlans::default();
        for number in 1..=4094 {
            vlans.assign(&lan(number)).unwrap();
        }
        assert_eq!(vlans.assign(&lan(5000)), Err(Exhausted));
    }
}
