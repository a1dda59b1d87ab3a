//! Which networks have to be looked at, as noted by whoever notices.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use nucleon_agent::Wake;
use nucleon_model::NetworkId;

/// Networks that something has happened to on this host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    /// All that are served, and all that are here.
    pub everything: bool,
    pub networks: BTreeSet<NetworkId>,
}

/// Where such networks are noted; clones share the note and wake the same agent.
#[derive(Debug, Clone, Default)]
pub struct Dirty {
    touched: Arc<Mutex<Touched>>,
    wake: Wake,
}

impl Touched {
    pub fn is_empty(&self) -> bool {
        !self.everything && self.networks.is_empty()
    }
}

impl Dirty {
    pub fn new(wake: Wake) -> Self {
        Self { touched: Arc::default(), wake }
    }

    pub fn mark(&self, network: NetworkId) {
        self.merge(Touched { everything: false, networks: [network].into() });
    }

    pub fn mark_everything(&self) {
        self.merge(Touched { everything: true, networks: BTreeSet::new() });
    }

    pub fn merge(&self, more: Touched) {
        if more.is_empty() {
            return;
        }
        self.with(|touched| {
            touched.everything |= more.everything;
            touched.networks.extend(more.networks);
        });
        self.wake.wake();
    }

    /// Asks for a round that goes on with what the last one left.
    pub fn wake(&self) {
        self.wake.wake();
    }

    /// What was noted since the last call.
    pub fn take(&self) -> Touched {
        self.with(std::mem::take)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Touched) -> T) -> T {
        work(&mut self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NETWORK;

    #[test]
    fn what_is_noted_is_taken_once() {
        let dirty = Dirty::default();
        dirty.clone().mark(NETWORK);
        dirty.mark(NETWORK);
        assert_eq!(dirty.take().networks, [NETWORK].into());
        assert!(dirty.take().is_empty());
        dirty.mark_everything();
        assert!(dirty.take().everything);
    }
}
