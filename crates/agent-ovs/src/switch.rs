//! The switch of this host: its database as known, its bridges' flow tables, and the dull application of changes.

mod bridge;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use nucleon_obs::Group;
use nucleon_ovsdb::ovs;
use nucleon_ovsdb::{Client, Event, Transaction};

use self::bridge::Bridge;
use crate::inbox::Inbox;
use crate::plan::FlowGroup;
use crate::rows::RowEdit;

/// How long ovs-vswitchd may take to act on a transaction.
const APPLY_LIMIT: Duration = Duration::from_secs(15);

/// Why the switch could not be changed or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SwitchError {
    #[error("the switch's database is not connected")]
    NotConnected,
    #[error("the switch's database")]
    Ovsdb(#[from] nucleon_ovsdb::Error),
    #[error("the switch's database holds what cannot be read")]
    Row(#[from] nucleon_ovsdb::RowError),
    #[error("bridge {bridge}")]
    OpenFlow { bridge: String, source: nucleon_openflow::Error },
    #[error("bridge {0} did not answer in time")]
    TimedOut(String),
}

/// What went out to the bridges.
#[derive(Debug, Default)]
pub(crate) struct Flushed {
    pub(crate) flow_mods: usize,
    /// Those of them that nobody had asked for: somebody else's hand, or a restart of the switch.
    pub(crate) repairs: usize,
    /// The bridges that could not be brought up to date. They are read back the next time.
    pub(crate) failed: BTreeMap<String, SwitchError>,
}

#[derive(Debug)]
pub(crate) struct Switch {
    client: Client,
    view: Option<ovs::View>,
    /// Directory of the bridges' management sockets.
    rundir: PathBuf,
    bridges: BTreeMap<String, Bridge>,
    inbox: Inbox,
    group: Group,
}

impl Switch {
    pub(crate) fn new(client: Client, rundir: PathBuf, inbox: Inbox, group: Group) -> Self {
        Self { client, view: None, rundir, bridges: BTreeMap::new(), inbox, group }
    }

    /// What is known of the database, while it is connected.
    pub(crate) fn view(&self) -> Result<&ovs::View, SwitchError> {
        self.view.as_ref().ok_or(SwitchError::NotConnected)
    }

    /// Reads the database anew after a change of it could not be read.
    pub(crate) async fn read_again(&mut self) -> Result<(), SwitchError> {
        let snapshot = match self.client.snapshot().await {
            Err(nucleon_ovsdb::Error::NotConnected) => return Err(SwitchError::NotConnected),
            other => other?,
        };
        self.view = Some(ovs::View::from_snapshot(&snapshot)?);
        Ok(())
    }

    /// Takes in an event of the database; gives what changed, or `None` when everything may have.
    pub(crate) fn learn(
        &mut self,
        event: Event,
    ) -> Result<Option<Vec<ovs::ViewChange>>, SwitchError> {
        match event {
            Event::Connected(snapshot) => {
                self.view = None;
                self.view = Some(ovs::View::from_snapshot(&snapshot)?);
                Ok(None)
            }
            Event::Changed(changes) => match &mut self.view {
                Some(view) => match view.apply(&changes) {
                    Ok(changes) => Ok(Some(changes)),
                    Err(error) => {
                        self.view = None;
                        Err(error.into())
                    }
                },
                None => Ok(None),
            },
            Event::Disconnected(why) => {
                tracing::warn!(%why, "the switch's database is away; nothing is changed until it is back");
                self.view = None;
                Ok(Some(Vec::new()))
            }
        }
    }

    /// Runs a transaction, and waits until ovs-vswitchd has acted on it.
    pub(crate) async fn transact_applied(
        &self,
        transaction: Transaction,
    ) -> Result<(), SwitchError> {
        ovs::transact_applied(&self.client, transaction, APPLY_LIMIT).await.map(drop)?;
        Ok(())
    }

    /// Writes to rows, not too many at a time.
    pub(crate) async fn write(&self, edits: &[RowEdit]) -> Result<(), SwitchError> {
        let transactions =
            ovs::batches(edits, ovs::BATCH, |transaction, edit| edit.write(transaction));
        self.client.transact_all(transactions).await.map(drop)?;
        Ok(())
    }

    /// Notes that a bridge's connection has ended.
    pub(crate) fn closed(&mut self, bridge: &str) {
        if let Some(bridge) = self.bridges.get_mut(bridge) {
            bridge.lost();
        }
    }

    /// Has every bridge read back at the next [`Switch::flush`].
    pub(crate) fn verify(&mut self) {
        self.bridges.values_mut().for_each(Bridge::doubt);
    }

    /// Takes over what flows there should be; it goes out with [`Switch::flush`].
    pub(crate) fn set_flows(&mut self, groups: Vec<FlowGroup>) {
        for FlowGroup { bridge, owner, flows } in groups {
            let bridge =
                self.bridges.entry(bridge).or_insert_with_key(|name| Bridge::new(name.clone()));
            bridge.tables.set(&owner, flows);
        }
    }

    /// How many flows there should be.
    pub(crate) fn flows(&self) -> usize {
        self.bridges.values().map(|bridge| bridge.tables.len()).sum()
    }

    /// Brings the bridges up to date, a bundle for each; `last` comes last, so that nothing enters the host before it
    /// can leave it. All are tried. A bridge that does not exist waits until it does.
    pub(crate) async fn flush(&mut self, last: &str) -> Flushed {
        let mut flushed = Flushed::default();
        let Some(view) = &self.view else { return flushed };
        let mut bridges: Vec<&mut Bridge> = self.bridges.values_mut().collect();
        bridges.sort_by_key(|bridge| bridge.name() == last);
        for bridge in bridges {
            if view.bridge_named(bridge.name()).is_none() {
                bridge.gone();
                continue;
            }
            match bridge.flush(&self.rundir, &self.inbox, &self.group).await {
                Ok((flow_mods, repairs)) => {
                    flushed.flow_mods += flow_mods;
                    flushed.repairs += repairs;
                }
                Err(error) => {
                    bridge.lost();
                    if matches!(
                        error,
                        SwitchError::OpenFlow { source: nucleon_openflow::Error::Open { .. }, .. }
                    ) {
                        bridge.await_return(&self.rundir, &self.inbox, &self.group);
                    }
                    flushed.failed.insert(bridge.name().to_owned(), error);
                }
            }
        }
        flushed
    }
}
