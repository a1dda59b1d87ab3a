//! A view that is kept pruned and fingerprinted change by change, and can take a step back.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::view::{Change, NetworkBody, ObjectId, PortBody, Role, View, fingerprint};
use nucleon_model::{NetworkId, PortId};

use crate::changed::Changed;

/// The view of one role on one host. A change costs by its own size, not by the size of the view.
///
/// It holds what [`View::apply`] and [`View::prune`] would leave; the tests compare the two.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    role: Role,
    host: String,
    view: View,
    ports_of: BTreeMap<NetworkId, BTreeSet<PortId>>,
    digest: u64,
}

/// What a batch of changes did: the bodies before it, of whatever it touched.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    networks: BTreeMap<NetworkId, Option<NetworkBody>>,
    ports: BTreeMap<PortId, Option<PortBody>>,
}

impl Holding {
    pub(crate) fn new(role: Role, host: &str, mut view: View) -> Self {
        view.prune(role, host);
        let mut ports_of: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for port in view.ports.values() {
            ports_of.entry(port.network_id).or_default().insert(port.id);
        }
        let digest = view.digest();
        Self { role, host: host.to_owned(), view, ports_of, digest }
    }

    /// The view that the changes of a snapshot make.
    pub(crate) fn from_changes(role: Role, host: &str, changes: Vec<Change>) -> Self {
        let mut view = View::default();
        for change in changes {
            view.apply(change);
        }
        Self::new(role, host, view)
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// Takes in a batch of changes and prunes what they leave without reason.
    pub(crate) fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Effect {
        let mut effect = Effect::default();
        for change in changes {
            match change {
                Change::Network(body) => {
                    let held = self.view.networks.get(&body.id);
                    if held.is_none_or(|held| held.revision <= body.revision) {
                        self.set_network(body.id, Some(body), &mut effect);
                    }
                }
                Change::Port(body) => {
                    let held = self.view.ports.get(&body.id);
                    if held.is_none_or(|held| held.revision <= body.revision) {
                        self.set_port(body.id, Some(body), &mut effect);
                    }
                }
                Change::Gone(ObjectId::Network(id)) => self.set_network(id, None, &mut effect),
                Change::Gone(ObjectId::Port(id)) => self.set_port(id, None, &mut effect),
            }
        }
        self.prune_touched(&mut effect);
        effect
    }

    /// Undoes a batch; only the last one can be undone.
    pub(crate) fn revert(&mut self, effect: Effect) {
        let mut ignored = Effect::default();
        for (id, before) in effect.networks {
            self.set_network(id, before, &mut ignored);
        }
        for (id, before) in effect.ports {
            self.set_port(id, before, &mut ignored);
        }
    }

    /// What differs from before the batch.
    pub(crate) fn changed(&self, effect: &Effect) -> Changed {
        let networks = effect.networks.iter();
        let ports = effect.ports.iter();
        Changed {
            everything: false,
            networks: networks
                .filter(|(id, before)| self.view.networks.get(id) != before.as_ref())
                .map(|(&id, _)| id)
                .collect(),
            ports: ports
                .filter(|(id, before)| self.view.ports.get(id) != before.as_ref())
                .map(|(&id, _)| id)
                .collect(),
        }
    }

    /// The networks that the batch brought.
    pub(crate) fn networks_won(&self, effect: &Effect) -> Vec<NetworkId> {
        let won = |(id, before): &(&NetworkId, &Option<NetworkBody>)| {
            before.is_none() && self.view.networks.contains_key(id)
        };
        effect.networks.iter().filter(won).map(|(&id, _)| id).collect()
    }

    /// Whether the batch left a port whose network is not known.
    pub(crate) fn leaves_orphans(&self, effect: &Effect) -> bool {
        let networks = &self.view.networks;
        let orphan = |port: &PortBody| !networks.contains_key(&port.network_id);
        effect.ports.keys().filter_map(|id| self.view.ports.get(id)).any(orphan)
            || effect
                .networks
                .keys()
                .any(|id| !networks.contains_key(id) && self.ports_of.contains_key(id))
    }

    fn prune_touched(&mut self, effect: &mut Effect) {
        let mut networks: BTreeSet<NetworkId> = effect.networks.keys().copied().collect();
        for (id, before) in &effect.ports {
            let after = self.view.ports.get(id);
            networks.extend(before.iter().chain(after).map(|port| port.network_id));
        }
        match self.role {
            Role::OvsAgent | Role::L3Agent => {
                let ports: Vec<PortId> = effect.ports.keys().copied().collect();
                for id in ports {
                    let foreign = |port: &PortBody| !self.role.holds(&self.host, port);
                    if self.view.ports.get(&id).is_some_and(foreign) {
                        self.set_port(id, None, effect);
                    }
                }
                for id in networks {
                    if !self.ports_of.contains_key(&id) && self.view.networks.contains_key(&id) {
                        self.set_network(id, None, effect);
                    }
                }
            }
            Role::DhcpAgent => {
                for id in networks {
                    let served = |network: &NetworkBody| network.dhcp_hosts.contains(&self.host);
                    if self.view.networks.get(&id).is_some_and(served) {
                        continue;
                    }
                    if self.view.networks.contains_key(&id) {
                        self.set_network(id, None, effect);
                    }
                    for port in self.ports_of.get(&id).cloned().unwrap_or_default() {
                        self.set_port(port, None, effect);
                    }
                }
            }
        }
    }

    fn set_network(&mut self, id: NetworkId, body: Option<NetworkBody>, effect: &mut Effect) {
        self.digest = self
            .digest
            .wrapping_add(body.as_ref().map_or(0, |body| fingerprint(id.uuid(), body.revision)));
        let before = match body {
            Some(body) => self.view.networks.insert(id, body),
            None => self.view.networks.remove(&id),
        };
        self.digest = self
            .digest
            .wrapping_sub(before.as_ref().map_or(0, |body| fingerprint(id.uuid(), body.revision)));
        effect.networks.entry(id).or_insert(before);
    }

    fn set_port(&mut self, id: PortId, body: Option<PortBody>, effect: &mut Effect) {
        if let Some(body) = &body {
            self.digest = self.digest.wrapping_add(fingerprint(id.uuid(), body.revision));
        }
        let network = body.as_ref().map(|body| body.network_id);
        let before = match body {
            Some(body) => self.view.ports.insert(id, body),
            None => self.view.ports.remove(&id),
        };
        if let Some(before) = &before {
            self.digest = self.digest.wrapping_sub(fingerprint(id.uuid(), before.revision));
            if network != Some(before.network_id)
                && let Some(ports) = self.ports_of.get_mut(&before.network_id)
            {
                ports.remove(&id);
                if ports.is_empty() {
                    self.ports_of.remove(&before.network_id);
                }
            }
        }
        if let Some(network) = network {
            self.ports_of.entry(network).or_default().insert(id);
        }
        effect.ports.entry(id).or_insert(before);
    }
}

#[cfg(test)]
mod tests;
