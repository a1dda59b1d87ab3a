//! Which objects an applier has to look at.

use std::collections::BTreeSet;

use nucleon_model::view::{ObjectId, View};
use nucleon_model::{NetworkId, PortId};

/// The objects that came, changed or went since the last round. Those that the view does not hold have gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Everything must be looked at, also what is on the host and not in the view.
    pub everything: bool,
    pub networks: BTreeSet<NetworkId>,
    pub ports: BTreeSet<PortId>,
}

impl Changed {
    /// At a start, and after a new epoch.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// What differs between two views, by body.
    pub fn between(old: &View, new: &View) -> Self {
        let networks = old.networks.keys().chain(new.networks.keys());
        let ports = old.ports.keys().chain(new.ports.keys());
        Self {
            everything: false,
            networks: networks
                .filter(|id| old.networks.get(id) != new.networks.get(id))
                .copied()
                .collect(),
            ports: ports.filter(|id| old.ports.get(id) != new.ports.get(id)).copied().collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.everything && self.networks.is_empty() && self.ports.is_empty()
    }

    pub fn insert(&mut self, object: ObjectId) {
        match object {
            ObjectId::Network(id) => self.networks.insert(id),
            ObjectId::Port(id) => self.ports.insert(id),
        };
    }

    pub fn merge(&mut self, other: Self) {
        self.everything |= other.everything;
        self.networks.extend(other.networks);
        self.ports.extend(other.ports);
    }
}
