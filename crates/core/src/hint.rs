//! Hints: telling agents at once what a batch of the journal brought.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nucleon_bus::{Hint, Hub};
use nucleon_db::{Batch, Entry, ScopeMark, Tx, port as ports};
use nucleon_model::view::{Change, Scope};
use nucleon_model::{NetworkId, Port, PortId};
use tokio::sync::broadcast::error::RecvError;

use crate::watch::{Touched, network_changes, port_changes};
use crate::{Core, Error, Result};

/// Entries of one scope in one batch up to which their bodies are told; beyond, agents ask.
const MOST_BODIES: usize = 64;

impl Core {
    /// Sends the hints for every batch that this server puts into the journal. Runs until the store closes.
    pub async fn send_hints(self, hub: Hub) {
        let mut batches = self.store().batches();
        loop {
            match batches.recv().await {
                Ok(batch) => match self.hints(&batch, |scope| hub.is_followed(scope)).await {
                    Ok(hints) => hub.publish(hints),
                    // Agents find the gap by the next hint or by their poll.
                    Err(error) => {
                        tracing::warn!(error = %error, journal.seq = batch.last(), "no hints for a batch");
                    }
                },
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "fell behind the journal; agents will ask");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// One hint per scope of a batch that `followed` holds for. Where that is none, the store is not asked: a cloud's
    /// changes cost nothing for agents that are not there.
    pub async fn hints(
        &self,
        batch: &Arc<Batch>,
        followed: impl Fn(&Scope) -> bool,
    ) -> Result<Vec<Hint>> {
        let scopes: BTreeSet<Scope> =
            batch.scopes.iter().filter_map(scope).filter(|scope| followed(scope)).collect();
        if scopes.is_empty() {
            return Ok(Vec::new());
        }
        self.store()
            .snapshot(|tx| {
                let (batch, scopes) = (batch.clone(), scopes.clone());
                Box::pin(async move {
                    let epoch = tx.journal_head().await?.epoch;
                    let told = told(&batch, &scopes);
                    let small = told.iter().filter(|told| told.has_bodies());
                    let touched = Touched::of(small.flat_map(|told| told.entries.iter().copied()));
                    let bodies = Bodies::of(tx, touched).await?;
                    let hint = |told: Told<'_>| Hint {
                        epoch,
                        previous: told.previous,
                        seq: told.seq,
                        changes: told.has_bodies().then(|| bodies.changes(&told)),
                        scope: told.scope,
                    };
                    let hints = told.into_iter().map(hint).collect::<Vec<_>>();
                    Ok::<_, Error>(hints)
                })
            })
            .await
    }
}

/// What a batch brought for one scope.
struct Told<'b> {
    scope: Scope,
    previous: i64,
    seq: i64,
    entries: Vec<&'b Entry>,
}

impl Told<'_> {
    /// What an assignment brings to a DHCP agent, all ports of the network, is not small.
    fn has_bodies(&self) -> bool {
        !matches!(self.scope, Scope::Dhcp(_)) && self.entries.len() <= MOST_BODIES
    }
}

/// A scope that agents can follow; other marks are for other readers of the journal.
fn scope(mark: &ScopeMark) -> Option<Scope> {
    mark.scope.parse().ok()
}

/// A batch by the scopes that agents follow.
fn told<'b>(batch: &'b Batch, scopes: &BTreeSet<Scope>) -> Vec<Told<'b>> {
    let by_seq: BTreeMap<i64, &Entry> =
        batch.entries.iter().map(|entry| (entry.seq, entry)).collect();
    let told = |mark: &ScopeMark| {
        let scope = scope(mark).filter(|scope| scopes.contains(scope))?;
        let entries = mark.seqs.iter().filter_map(|seq| by_seq.get(seq).copied()).collect();
        let seq = *mark.seqs.last()?;
        Some(Told { scope, previous: mark.previous, seq, entries })
    };
    batch.scopes.iter().filter_map(told).collect()
}

/// The current state of what was touched.
struct Bodies {
    found: BTreeMap<PortId, Port>,
    networks: Vec<Change>,
}

impl Bodies {
    async fn of(tx: &mut Tx, touched: Touched) -> Result<Self> {
        let ids: Vec<PortId> = touched.ports.iter().copied().collect();
        let found = ports::port_get_all(tx, &ids).await?;
        let mut wanted = touched.networks;
        wanted.extend(found.iter().map(|port| port.network_id));
        let networks = network_changes(tx, &wanted).await?;
        Ok(Self { found: found.into_iter().map(|port| (port.id, port)).collect(), networks })
    }

    /// What those who follow a scope are told.
    fn changes(&self, told: &Told<'_>) -> Vec<Change> {
        let touched = Touched::of(told.entries.iter().copied());
        let found = || touched.ports.iter().filter_map(|id| self.found.get(id));
        let mut wanted = touched.networks.clone();
        // A port may be the first of its network on the host.
        if matches!(told.scope, Scope::Host(_)) {
            wanted.extend(found().map(|port| port.network_id));
        }
        let mut changes = self.networks_among(&wanted);
        let found: Vec<Port> = found().cloned().collect();
        changes.extend(port_changes(&touched.ports, &found));
        changes
    }

    fn networks_among(&self, wanted: &BTreeSet<NetworkId>) -> Vec<Change> {
        self.networks
            .iter()
            .filter(|change| match change {
                Change::Network(body) => wanted.contains(&body.id),
                Change::Gone(nucleon_model::view::ObjectId::Network(id)) => wanted.contains(id),
                Change::Port(_) | Change::Gone(_) => false,
            })
            .cloned()
            .collect()
    }
}
