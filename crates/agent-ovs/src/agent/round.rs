//! One round: news in, plan, flows and rows out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nucleon_agent::{Changed, Failure, Outcome};
use nucleon_model::PortId;
use nucleon_model::view::{ObjectId, View};
use nucleon_ovsdb::ovs::{self, RowChange, Tag, ViewChange};
use nucleon_wire::PortMark;

use super::{OvsApplier, failure};
use crate::bridges;
use crate::device::{self, NoNumber};
use crate::devices::Devices;
use crate::plan::{Actual, Plan};
use crate::switch::{Flushed, SwitchError};
use crate::vlans::Exhausted;
use crate::wiring::Unwired;

/// How long an agent that has just started waits for the switch's database before it says that it is not there.
const FIRST_CONNECT: Duration = Duration::from_secs(2);
/// How long the database's own account of a transaction may take after its answer.
const EVENT_LIMIT: Duration = Duration::from_secs(5);

impl OvsApplier {
    /// One round. What it is about stays in `todo` until it is carried out.
    pub(super) async fn round(
        &mut self,
        view: &View,
        changed: &Changed,
    ) -> Result<Outcome, SwitchError> {
        self.note(changed);
        self.take_news()?;
        if self.is_new {
            self.await_database().await?;
        }
        if self.switch.view().is_err() {
            self.switch.read_again().await?;
            self.read_devices()?;
        }
        self.ensure_bridges().await?;
        if self.is_new {
            self.planner.restore(&self.devices);
        }
        self.patches = bridges::patches(self.planner.bridges(), self.switch.view()?);
        let actual = Actual { devices: &self.devices, patches: &self.patches };
        let mut plan = self.planner.plan(view, actual, &self.todo);
        self.switch.set_flows(std::mem::take(&mut plan.flows));
        let integration = self.planner.bridges().integration.clone();
        let mut flushed = self.switch.flush(&integration).await;
        self.counters.flow_mods += flushed.flow_mods;
        self.counters.repairs += flushed.repairs;
        if let Some(error) = flushed.failed.remove(&integration) {
            return Err(error);
        }
        // After the flows, which do not need them: ovs-vswitchd looks at all its ports when a row changes, and serves no
        // bridge meanwhile (50 ms with 500 ports).
        self.switch.write(&plan.rows).await?;
        plan.rows.iter().for_each(|row| tracing::debug!(%row, "written"));
        self.counters.row_edits += plan.rows.len();
        tracing::debug!(
            ports = plan.ports.len(),
            rows = plan.rows.len(),
            flow_mods = flushed.flow_mods,
            "round done"
        );
        self.is_new = false;
        Ok(self.outcome(view, &plan, &flushed))
    }

    /// Notes what the view changed.
    fn note(&mut self, changed: &Changed) {
        if changed.everything {
            self.todo.tell_everything();
        }
        self.todo.tell(changed.ports.iter().copied());
        for &network in &changed.networks {
            self.todo.tell(self.planner.ports_of(network));
        }
    }

    /// Takes in what happened on the host.
    fn take_news(&mut self) -> Result<(), SwitchError> {
        let news = self.inbox.take();
        for bridge in &news.closed {
            tracing::warn!(bridge, "the switch has closed its management connection");
            self.switch.closed(bridge);
        }
        if news.verify {
            self.switch.verify();
        }
        let mut unreadable = None;
        for event in news.ovsdb {
            match self.switch.learn(event) {
                Ok(Some(changes)) => self.note_changes(&changes),
                // Without a view there is nothing to read; everything is, once there is one.
                Ok(None) => self.read_devices().unwrap_or_default(),
                Err(error) => unreadable = Some(error),
            }
        }
        unreadable.map_or(Ok(()), Err)
    }

    fn note_changes(&mut self, changes: &[ViewChange]) {
        let Ok(view) = self.switch.view() else { return };
        let integration = &self.planner.bridges().integration;
        for change in changes {
            if let ViewChange::Port(RowChange::Changed { old, new }) = change {
                self.tell_drift(old, new);
            }
        }
        self.todo.ports.extend(self.devices.learn(view, integration, changes));
    }

    /// Tells that somebody has changed the row of a device that was right.
    fn tell_drift(&self, old: &ovs::Port, new: &ovs::Port) {
        let Some((lan, tag)) = device::noted(&old.other_config) else { return };
        let was_right = old.tag.map(Tag::get) == Some(tag.get());
        let is_changed = old.tag != new.tag || device::noted(&new.other_config) != Some((lan, tag));
        let stands = new.interfaces.iter().filter_map(|id| self.devices.port_at(*id));
        for port in stands.filter(|port| self.live.contains(port)) {
            let ours = self.planner.wired(port).is_some_and(|(_, wanted)| wanted == tag);
            if was_right && is_changed && ours {
                tracing::warn!(
                    port.id = %port, device = new.name,
                    "somebody has changed the tag or the notes of a device; they are put right"
                );
            }
        }
    }

    fn read_devices(&mut self) -> Result<(), SwitchError> {
        let integration = &self.planner.bridges().integration;
        self.devices = Devices::read(self.switch.view()?, integration);
        self.todo.everything = true;
        Ok(())
    }

    async fn await_database(&mut self) -> Result<(), SwitchError> {
        let connected = async {
            while self.switch.view().is_err() {
                self.inbox.more().await;
                self.take_news()?;
            }
            Ok(())
        };
        tokio::time::timeout(FIRST_CONNECT, connected)
            .await
            .unwrap_or(Err(SwitchError::NotConnected))
    }

    /// Makes sure of bridges and patches.
    async fn ensure_bridges(&mut self) -> Result<(), SwitchError> {
        let plan = bridges::plan(self.planner.bridges(), self.switch.view()?);
        for problem in plan.problems.iter().filter(|problem| !self.problems.contains(problem)) {
            tracing::error!("{problem}");
        }
        self.problems = plan.problems;
        if !plan.is_needed {
            return Ok(());
        }
        if self.is_new {
            tracing::info!("bridges and patches are made");
        } else {
            tracing::warn!("somebody has changed bridges or patches; they are put right");
        }
        // Whether a bridge keeps its flows across a change of its own is the switch's business.
        self.switch.verify();
        self.switch.transact_applied(plan.transaction).await?;
        let told = async {
            while !bridges::is_settled(self.planner.bridges(), self.switch.view()?) {
                self.inbox.more().await;
                self.take_news()?;
            }
            Ok(())
        };
        // What the switch does not make of it is seen by whoever needs it.
        tokio::time::timeout(EVENT_LIMIT, told).await.unwrap_or(Ok(()))
    }

    /// What the round came to, for the server; what could not be carried out stays to be done.
    fn outcome(&mut self, view: &View, plan: &Plan, flushed: &Flushed) -> Outcome {
        let at = self.now();
        let mark = |id: PortId| {
            view.ports.get(&id).map(|port| PortMark { port_id: id, revision: port.revision, at })
        };
        let mut outcome = Outcome::default();
        let mut held_back = BTreeSet::new();
        for &id in &plan.ports {
            let told = self.todo.told.names(id);
            match self.planner.wired(id) {
                Some((wiring, _)) => {
                    let bridge = wiring.lan.wire.physical_network();
                    let bridge = bridge.and_then(|name| self.planner.bridges().mappings.get(name));
                    if bridge.is_some_and(|bridge| flushed.failed.contains_key(bridge)) {
                        held_back.insert(id);
                    } else if self.live.insert(id) || told || plan.rewired.contains(&id) {
                        outcome.wired.extend(mark(id));
                    }
                }
                None => {
                    if self.live.remove(&id) || told {
                        outcome.unwired.extend(mark(id));
                    }
                }
            }
        }
        tell_refused(plan);
        let exhausted = plan.exhausted.iter().map(|network| Failure {
            object: Some(ObjectId::Network(*network)),
            why: Exhausted.to_string(),
        });
        outcome.failures.extend(exhausted);
        outcome.failures.extend(flushed.failed.values().map(|error| failure(error)));
        self.todo.done_but(&held_back);
        outcome
    }
}

/// Tells of ports that somebody expects to work.
fn tell_refused(plan: &Plan) {
    let mut unconnected: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, why) in &plan.unwired {
        match why {
            Unwired::NotOurs
            | Unwired::Down
            | Unwired::NoDevice
            | Unwired::NoNumber(NoNumber::NotYet) => {}
            Unwired::NoPatch(name) => *unconnected.entry(name).or_default() += 1,
            // The switch, or the server, has to change something first; that will wake us.
            Unwired::Unbound(_) | Unwired::NoNumber(NoNumber::Refused(_)) => {
                tracing::warn!(port.id = %id, "port is not wired: {why}");
            }
        }
    }
    for (physical_network, ports) in unconnected {
        tracing::warn!(physical_network, ports, "ports are not wired: it is not connected here");
    }
}
