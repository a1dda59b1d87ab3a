//! This host: looked at, brought in order, and listened on, some networks at a time.

mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use nucleon_linux::LinkName;
use nucleon_model::NetworkId;
use nucleon_obs::Group;

use crate::error::Error;
use crate::host_state::{FoundNetwork, HostState};
use crate::interface::InterfaceDriver;
use crate::listener::{Common, Listener};
use crate::metrics::Counts;
use crate::names;
use crate::namespaces::Namespaces;
use crate::notes::Notes;
use crate::plan::{Op, Plugging, plan};
use crate::responder::Responder;
use crate::served::ServedNetwork;

/// Namespaces that are worked in at the same time; each costs a thread meanwhile.
const AT_ONCE: usize = 16;

/// What went wrong, network by network.
pub type Troubles = BTreeMap<NetworkId, Error>;

/// A network that is to be served, and what answers for it.
#[derive(Debug, Clone)]
pub struct Wish {
    pub network: ServedNetwork,
    pub responder: Arc<Responder>,
}

/// The parts that a host is made of.
#[derive(Debug)]
pub struct Host {
    driver: Arc<dyn InterfaceDriver>,
    plugging: Plugging,
    namespaces: Arc<Namespaces>,
    notes: Notes,
    listeners: BTreeMap<NetworkId, Listener>,
    common: Common,
    counts: Counts,
    group: Group,
}

impl Host {
    pub fn new(
        driver: Arc<dyn InterfaceDriver>,
        plugging: Plugging,
        namespaces: Arc<Namespaces>,
        notes: Notes,
        (common, counts): (Common, Counts),
        group: Group,
    ) -> Self {
        let listeners = BTreeMap::new();
        Self { driver, plugging, namespaces, notes, listeners, common, counts, group }
    }

    /// Whether the switch can be asked; else nothing but sockets is changed.
    pub fn is_switch_there(&self) -> bool {
        self.driver.networks().is_some()
    }

    pub fn is_listening(&self, network: NetworkId) -> bool {
        self.listeners.get(&network).is_some_and(|listener| !listener.is_finished())
    }

    /// The networks of which something of ours is here.
    pub fn networks(&self) -> BTreeSet<NetworkId> {
        let plugged = self.driver.networks().unwrap_or_default();
        self.notes.all().chain(self.listeners.keys().copied()).chain(plugged).collect()
    }

    /// Falls silent at once.
    pub fn close(&mut self, network: NetworkId) {
        if self.listeners.remove(&network).is_some() {
            self.counts.listening.dec();
        }
    }

    /// Brings `networks` in order: those with a wish are served, the others taken away if they are
    /// ours. One that fails does not hold up the others.
    pub async fn bring_in_order(
        &mut self,
        networks: &BTreeSet<NetworkId>,
        wishes: &BTreeMap<NetworkId, Wish>,
    ) -> Troubles {
        let mut troubles = Troubles::new();
        let state = self.inspect(networks, wishes, &mut troubles).await;
        if let Some(state) = state {
            let desired: Vec<ServedNetwork> = wishes
                .values()
                .filter(|wish| !troubles.contains_key(&wish.network.id))
                .map(|wish| wish.network.clone())
                .collect();
            let ops = plan(&desired, &state, self.plugging);
            self.carry_out(&ops, wishes, &mut troubles).await;
        }
        self.namespaces.leave();
        troubles
    }

    /// `None` when the switch gave an answer that is none: then nothing is known of any of them.
    async fn inspect(
        &self,
        networks: &BTreeSet<NetworkId>,
        wishes: &BTreeMap<NetworkId, Wish>,
        troubles: &mut Troubles,
    ) -> Option<HostState> {
        let names: BTreeSet<LinkName> =
            wishes.values().map(|wish| names::switch_end(wish.network.port)).collect();
        let ports = match self.driver.list(networks, &names).await {
            Ok(ports) => ports,
            Err(error) => {
                let error = Arc::new(error);
                troubles
                    .extend(networks.iter().map(|id| (*id, Error::Together(Arc::clone(&error)))));
                return None;
            }
        };
        let mut state = HostState { networks: BTreeMap::new(), ports };
        let mut looks: Vec<BoxFuture<'_, _>> = Vec::with_capacity(networks.len());
        for &id in networks {
            looks.push(Box::pin(async move { (id, self.namespaces.devices(id).await) }));
        }
        for (id, devices) in some_at_once(looks).await {
            match devices {
                Ok(devices) => {
                    let noted = self.notes.has(id);
                    let listener = self.listeners.get(&id);
                    let listener = listener.filter(|listener| !listener.is_finished());
                    let socket = listener.map(Listener::index);
                    state.networks.insert(id, FoundNetwork { noted, devices, socket });
                }
                Err(error) => drop(troubles.insert(id, error)),
            }
        }
        Some(state)
    }

    /// The steps come in the order of their turns; a network that fails takes no further ones.
    async fn carry_out(
        &mut self,
        ops: &[Op],
        wishes: &BTreeMap<NetworkId, Wish>,
        troubles: &mut Troubles,
    ) {
        for turn in ops.chunk_by(|a, b| a.phase() == b.phase()) {
            let turn: Vec<&Op> =
                turn.iter().filter(|op| !troubles.contains_key(&op.network())).collect();
            for (op, result) in turn.iter().zip(self.take_turn(&turn, wishes).await) {
                match result {
                    Ok(()) => self.told(op),
                    Err(error) => drop(troubles.insert(op.network(), error)),
                }
            }
        }
    }

    fn told(&self, op: &Op) {
        self.counts.step(op.name());
        let network = op.network();
        tracing::info!(network.id = %network, step = op.name(), "{op}");
    }
}

/// The outputs, in order.
async fn some_at_once<T>(work: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(work).buffered(AT_ONCE).collect().await
}
