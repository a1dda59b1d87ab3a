//! Hints: telling agents at once what a batch of the journal brought.

use std::collections::BTreeSet;
use std::sync::Arc;

use nucleon_bus::{Hint, Hub};
use nucleon_db::{Batch, Entry, port as ports};
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
                Ok(batch) => match self.hints(&batch).await {
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

    /// One hint per scope of a batch that agents follow.
    pub async fn hints(&self, batch: &Arc<Batch>) -> Result<Vec<Hint>> {
        let batch = batch.clone();
        if batch.scopes.is_empty() {
            return Ok(Vec::new());
        }
        self.store()
            .snapshot(|tx| {
                let batch = batch.clone();
                Box::pin(async move {
                    let epoch = tx.journal_head().await?.epoch;
                    let touched = Touched::of(&batch.entries);
                    let ids: Vec<PortId> = touched.ports.iter().copied().collect();
                    let found = ports::port_get_all(tx, &ids).await?;
                    let mut wanted = touched.networks.clone();
                    wanted.extend(found.iter().map(|port| port.network_id));
                    let networks = network_changes(tx, &wanted).await?;
                    let bodies = Bodies { found, networks };
                    let mut hints = Vec::with_capacity(batch.scopes.len());
                    for mark in &batch.scopes {
                        let (Ok(scope), Some(&seq)) =
                            (mark.scope.parse::<Scope>(), mark.seqs.last())
                        else {
                            continue;
                        };
                        let entries: Vec<&Entry> = batch
                            .entries
                            .iter()
                            .filter(|entry| mark.seqs.binary_search(&entry.seq).is_ok())
                            .collect();
                        let changes = bodies.of(&scope, &entries);
                        hints.push(Hint { epoch, scope, previous: mark.previous, seq, changes });
                    }
                    Ok::<_, Error>(hints)
                })
            })
            .await
    }
}

/// The current state of all that a batch touched.
struct Bodies {
    found: Vec<Port>,
    networks: Vec<Change>,
}

impl Bodies {
    /// What those who follow a scope are told, or `None` if they had better ask.
    fn of(&self, scope: &Scope, entries: &[&Entry]) -> Option<Vec<Change>> {
        // What an assignment brings to a DHCP agent, all ports of the network, is not small.
        if matches!(scope, Scope::Dhcp(_)) || entries.len() > MOST_BODIES {
            return None;
        }
        let touched = Touched::of(entries.iter().copied());
        let mut wanted = touched.networks.clone();
        if matches!(scope, Scope::Host(_)) {
            let mine = self.found.iter().filter(|port| touched.ports.contains(&port.id));
            wanted.extend(mine.map(|port| port.network_id));
        }
        let mut changes = self.networks_among(&wanted);
        let found: Vec<Port> =
            self.found.iter().filter(|port| touched.ports.contains(&port.id)).cloned().collect();
        changes.extend(port_changes(&touched.ports, &found));
        Some(changes)
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
