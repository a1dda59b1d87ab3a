//! What the view says about the networks served here, followed change by change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use nucleon_agent::Changed;
use nucleon_dhcp::v4::Issue;
use nucleon_model::view::{NetworkBody, PortBody, View};
use nucleon_model::{NetworkId, PortId};
use nucleon_obs::{Clock, Limited};

use crate::answering;
use crate::error::chain;
use crate::host::Wish;
use crate::options::AnswerOptions;
use crate::responder::Responder;
use crate::served::{OWNER, ServedNetwork, dhcp_port};

/// A fault in what the server says is worth a line in the log in this time.
const QUIET: Duration = Duration::from_hours(1);

/// The networks to be served, with answers that hold from the moment a change is taken in.
#[derive(Debug)]
pub struct Cloud {
    host: String,
    options: AnswerOptions,
    wishes: BTreeMap<NetworkId, Wish>,
    /// Also of networks that are not served: those may be, one day.
    ports_of: BTreeMap<NetworkId, BTreeSet<PortId>>,
    network_of: HashMap<PortId, NetworkId>,
    subnets_of: BTreeMap<NetworkId, usize>,
    subnets: usize,
    /// Ports whose answers hold, at which revision.
    held: HashMap<PortId, i64>,
    /// Of these, those that nobody was told of.
    untold: BTreeMap<NetworkId, BTreeSet<PortId>>,
    faults: Limited<String>,
}

/// What a change asks of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Networks whose devices may have to change.
    pub look_at: BTreeSet<NetworkId>,
    /// Networks that are served no more: silence, at once.
    pub silence: BTreeSet<NetworkId>,
}

/// How much there is, for heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub networks: usize,
    pub subnets: usize,
    pub ports: usize,
}

impl Cloud {
    pub fn new(host: impl Into<String>, options: AnswerOptions, clock: Clock) -> Self {
        Self {
            host: host.into(),
            options,
            wishes: BTreeMap::new(),
            ports_of: BTreeMap::new(),
            network_of: HashMap::new(),
            subnets_of: BTreeMap::new(),
            subnets: 0,
            held: HashMap::new(),
            untold: BTreeMap::new(),
            faults: Limited::new(clock, QUIET),
        }
    }

    pub fn wish(&self, network: NetworkId) -> Option<&Wish> {
        self.wishes.get(&network)
    }

    pub fn wished(&self) -> impl Iterator<Item = NetworkId> {
        self.wishes.keys().copied()
    }

    pub fn size(&self) -> Size {
        let (networks, ports) = (self.subnets_of.len(), self.network_of.len());
        Size { networks, subnets: self.subnets, ports }
    }

    /// Takes in what has changed. What it costs depends on that alone, not on all that is held,
    /// unless everything is named.
    pub fn take_in(&mut self, view: &View, changed: &Changed) -> Asked {
        let mut networks = changed.networks.clone();
        let mut ports = changed.ports.clone();
        if changed.everything {
            networks.extend(view.networks.keys().chain(self.subnets_of.keys()));
            ports.extend(view.ports.keys().chain(self.network_of.keys()));
        }
        for id in &networks {
            self.count_subnets(*id, view.networks.get(id));
        }
        // Before the ports: those that went leave their MACs to those that come.
        let mut anew = networks;
        let mut came = Vec::new();
        for id in ports {
            let body = view.ports.get(&id);
            let former = self.relocate(id, body);
            let is_dhcp =
                body.is_some_and(|body| body.device_owner == OWNER && body.host == self.host);
            for network in former.into_iter().chain(body.map(|body| body.network_id)) {
                let was_dhcp =
                    self.wishes.get(&network).is_some_and(|wish| wish.network.port == id);
                if is_dhcp || was_dhcp {
                    anew.insert(network);
                }
            }
            self.held.remove(&id);
            match body {
                Some(body) => came.push(body),
                None => former.into_iter().for_each(|network| self.forget(network, id)),
            }
            if let Some(former) =
                former.filter(|former| Some(*former) != body.map(|b| b.network_id))
            {
                self.forget(former, id);
            }
        }
        let mut asked = Asked::default();
        for body in came.iter().filter(|body| !anew.contains(&body.network_id)) {
            self.insert(view, body);
        }
        for id in anew {
            self.renew(id, view, &mut asked);
        }
        asked
    }

    /// The ports that are answered and were not told of yet, of the networks that are listened for.
    pub fn tell(&mut self, is_listening: impl Fn(NetworkId) -> bool) -> Vec<(PortId, i64)> {
        let heard: Vec<NetworkId> =
            self.untold.keys().copied().filter(|network| is_listening(*network)).collect();
        let ports = heard.iter().filter_map(|network| self.untold.remove(network)).flatten();
        ports.filter_map(|port| Some((port, *self.held.get(&port)?))).collect()
    }

    fn count_subnets(&mut self, id: NetworkId, body: Option<&NetworkBody>) {
        let before = match body {
            Some(body) => self.subnets_of.insert(id, body.subnets.len()),
            None => self.subnets_of.remove(&id),
        };
        let now = body.map_or(0, |body| body.subnets.len());
        self.subnets = (self.subnets + now).saturating_sub(before.unwrap_or_default());
    }

    /// Notes where a port is; gives back where it was.
    fn relocate(&mut self, id: PortId, body: Option<&PortBody>) -> Option<NetworkId> {
        let former = match body {
            Some(body) => {
                self.ports_of.entry(body.network_id).or_default().insert(id);
                self.network_of.insert(id, body.network_id)
            }
            None => self.network_of.remove(&id),
        };
        if let Some(former) = former
            && body.is_none_or(|body| body.network_id != former)
            && let Some(ports) = self.ports_of.get_mut(&former)
        {
            ports.remove(&id);
            if ports.is_empty() {
                self.ports_of.remove(&former);
            }
        }
        former
    }

    fn forget(&mut self, network: NetworkId, port: PortId) {
        if let Some(wish) = self.wishes.get(&network) {
            wish.responder.remove(port);
        }
        if let Some(ports) = self.untold.get_mut(&network) {
            ports.remove(&port);
        }
    }

    fn insert(&mut self, view: &View, body: &PortBody) {
        let Some(network) = view.networks.get(&body.network_id) else { return };
        let Some(wish) = self.wishes.get(&network.id) else { return };
        let issues = wish.responder.insert(body);
        self.complain(network.id, &issues);
        self.hold(network, body);
    }

    /// The port's answers hold; the server is to hear of it, if it waits for that.
    fn hold(&mut self, network: &NetworkBody, body: &PortBody) {
        if !answering::is_awaited(network, body) {
            self.held.remove(&body.id);
        } else if self.held.insert(body.id, body.revision) != Some(body.revision) {
            self.untold.entry(network.id).or_default().insert(body.id);
        }
    }

    /// Makes a network's answers anew.
    fn renew(&mut self, id: NetworkId, view: &View, asked: &mut Asked) {
        asked.look_at.insert(id);
        let of_it = self.ports_of.get(&id).into_iter().flatten();
        let ports: Vec<&PortBody> = of_it.filter_map(|port| view.ports.get(port)).collect();
        let own = dhcp_port(&self.host, ports.iter().copied());
        let wanted = view.networks.get(&id).and_then(|body| Some((body, own?)));
        let wanted =
            wanted.and_then(|(body, own)| Some((body, own, ServedNetwork::new(body, Some(own))?)));
        let Some((body, own, network)) = wanted else {
            self.untold.remove(&id);
            for port in ports {
                self.held.remove(&port.id);
            }
            if self.wishes.remove(&id).is_some() {
                asked.silence.insert(id);
            }
            return;
        };
        let clients = ports.iter().copied();
        let issues = if let Some(wish) = self.wishes.get_mut(&id) {
            wish.network = network;
            wish.responder.replace(body, own, clients, &self.options)
        } else {
            let (responder, issues) = Responder::new(body, own, clients, &self.options);
            self.wishes.insert(id, Wish { network, responder: Arc::new(responder) });
            issues
        };
        self.complain(id, &issues);
        for port in ports {
            self.hold(body, port);
        }
    }

    fn complain(&self, network: NetworkId, issues: &[Issue]) {
        for issue in issues {
            let issue = chain(issue);
            if self.faults.pass(&format!("{network} {issue}")).is_some() {
                tracing::warn!(network.id = %network, "in DHCP of {network}: {issue}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
