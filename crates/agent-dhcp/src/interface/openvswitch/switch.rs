//! The switch's database as it is now, and which of our networks its changes touch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nucleon_model::NetworkId;
use nucleon_obs::{Group, OwnedTask};
use nucleon_ovsdb::ovs::{self, Bridge, Interface, RowChange, View, ViewChange};
use nucleon_ovsdb::{Client, Config, Endpoint, Event, Events, Transaction};
use tokio::sync::watch;
use tokio::time::timeout;

use super::edit;
use crate::dirty::{Dirty, Touched};
use crate::error::{Error, chain};

/// How long our own changes may be on their way back to us.
const ECHO: Duration = Duration::from_secs(10);

/// A handle to the switch's database; the task that follows it ends with the last handle.
#[derive(Debug, Clone)]
pub struct Switch {
    client: Client,
    state: Arc<Mutex<State>>,
    revision: watch::Receiver<u64>,
    _task: Arc<OwnedTask>,
}

#[derive(Debug, Default)]
struct State {
    bridge: String,
    /// `None` while the database is away.
    view: Option<Arc<View>>,
    /// The ports of each network.
    names: BTreeMap<NetworkId, BTreeSet<String>>,
}

impl Switch {
    /// Follows the database, and asks for a round when something of ours has changed in it.
    pub fn follow(
        endpoint: Endpoint,
        config: Config,
        bridge: &str,
        dirty: Dirty,
        group: &Group,
    ) -> Self {
        let (client, events) = Client::connect(endpoint, ovs::monitor(), config);
        let state = Arc::new(Mutex::new(State::new(bridge)));
        let (sender, revision) = watch::channel(0);
        let shared = Arc::clone(&state);
        let task = group.spawn_owned("switch database", |cancel| async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = take_in(events, &shared, &sender, &dirty) => {}
            }
        });
        Self { client, state, revision, _task: Arc::new(task) }
    }

    /// The rows as they are now.
    pub fn view(&self) -> Option<Arc<View>> {
        self.lock().view.clone()
    }

    pub fn is_connected(&self) -> bool {
        self.lock().view.is_some()
    }

    pub(super) fn networks(&self) -> Option<BTreeSet<NetworkId>> {
        let state = self.lock();
        state.view.as_ref().map(|_| state.names.keys().copied().collect())
    }

    pub(super) fn names_of(&self, networks: &BTreeSet<NetworkId>) -> BTreeSet<String> {
        let state = self.lock();
        networks.iter().filter_map(|network| state.names.get(network)).flatten().cloned().collect()
    }

    /// Carries it out, and waits until `done` of the rows here: the events that tell of our own
    /// changes come after the answer, and who looked in between would do them again.
    pub(super) async fn transact(
        &self,
        transaction: Transaction,
        done: impl Fn(&View) -> bool,
    ) -> Result<(), Error> {
        self.client.transact(transaction).await?;
        self.until(done).await
    }

    /// Like [`Switch::transact`], and waits until ovs-vswitchd has acted on it.
    pub(super) async fn apply(
        &self,
        transaction: Transaction,
        patience: Duration,
        done: impl Fn(&View) -> bool,
    ) -> Result<(), Error> {
        ovs::transact_applied(&self.client, transaction, patience).await?;
        self.until(done).await
    }

    async fn until(&self, done: impl Fn(&View) -> bool) -> Result<(), Error> {
        let mut revision = self.revision.clone();
        let seen = async {
            loop {
                revision.borrow_and_update();
                if done(&*self.view().ok_or(Error::SwitchAway)?) {
                    return Ok(());
                }
                revision.changed().await.map_err(|_| Error::SwitchAway)?;
            }
        };
        timeout(ECHO, seen).await.unwrap_or(Err(Error::NoEcho { after: ECHO }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // What breaks off half-way leaves at worst a view that the next connection replaces.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn take_in(
    mut events: Events,
    state: &Mutex<State>,
    revision: &watch::Sender<u64>,
    dirty: &Dirty,
) {
    while let Some(event) = events.recv().await {
        let touched = lock(state).take_in(event);
        revision.send_modify(|revision| *revision += 1);
        dirty.merge(touched);
    }
}

impl State {
    fn new(bridge: &str) -> Self {
        Self { bridge: bridge.to_owned(), ..Self::default() }
    }

    /// Which networks of ours are touched.
    fn take_in(&mut self, event: Event) -> Touched {
        let mut touched = Touched::default();
        match event {
            Event::Connected(snapshot) => match View::from_snapshot(&snapshot) {
                Ok(view) => {
                    self.begin(view);
                    touched.everything = true;
                }
                Err(error) => self.give_up(&error),
            },
            Event::Changed(changes) => {
                let Some(view) = &mut self.view else { return touched };
                match Arc::make_mut(view).apply(&changes) {
                    Ok(changes) => {
                        for change in &changes {
                            self.note(change, &mut touched);
                        }
                    }
                    Err(error) => self.give_up(&error),
                }
            }
            Event::Disconnected(reason) => {
                tracing::warn!(
                    reason = chain(&*reason),
                    "the switch's database is away; what stands is served, nothing is changed"
                );
                self.view = None;
            }
        }
        touched
    }

    fn begin(&mut self, view: View) {
        self.names.clear();
        for interface in view.interfaces() {
            if let Some(network) = edit::owner(interface) {
                self.names.entry(network).or_default().insert(interface.name.clone());
            }
        }
        self.view = Some(Arc::new(view));
    }

    /// Rows that make no sense are no rows to act on.
    fn give_up(&mut self, error: &dyn std::error::Error) {
        tracing::error!(error = chain(error), "the switch's database cannot be understood");
        self.view = None;
    }

    fn note(&mut self, change: &ViewChange, touched: &mut Touched) {
        match change {
            ViewChange::Interface(change) => self.note_interface(change, touched),
            ViewChange::Bridge(change) => {
                let is_ours = |bridge: Option<&Arc<Bridge>>| {
                    bridge.is_some_and(|bridge| bridge.name == self.bridge)
                };
                let came_or_went = change.before().is_none() || change.after().is_none();
                if came_or_went && (is_ours(change.before()) || is_ours(change.after())) {
                    touched.everything = true;
                }
            }
            ViewChange::Switch(_) | ViewChange::Port(_) => {}
        }
    }

    fn note_interface(&mut self, change: &RowChange<Interface>, touched: &mut Touched) {
        let owned = |interface: Option<&Arc<Interface>>| {
            let interface = interface?;
            Some((edit::owner(interface)?, interface.name.clone()))
        };
        let (before, after) = (owned(change.before()), owned(change.after()));
        if before.is_none() && after.is_none() {
            return;
        }
        if before != after {
            if let Some((network, name)) = &before
                && let Some(names) = self.names.get_mut(network)
            {
                names.remove(name);
                if names.is_empty() {
                    self.names.remove(network);
                }
            }
            if let Some((network, name)) = &after {
                self.names.entry(*network).or_default().insert(name.clone());
            }
        }
        if is_of_consequence(change) {
            touched.networks.extend(before.into_iter().chain(after).map(|(network, _)| network));
        }
    }
}

/// ovs-vswitchd writes many columns that say nothing about whether a port is plugged. A device that
/// it made anew, after a restart for one, has another number.
fn is_of_consequence(change: &RowChange<Interface>) -> bool {
    match (change.before(), change.after()) {
        (Some(old), Some(new)) => {
            let new_device = new.ifindex.is_some() && old.ifindex != new.ifindex;
            let failed = new.error.is_some() && old.error != new.error;
            new_device || failed || old.kind != new.kind || old.external_ids != new.external_ids
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
