//! The switch of this host: its database as known, its bridges' flow tables, and the dull application of changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nucleon_obs::{Group, OwnedTask};
use nucleon_openflow::{Connection, CookieFilter, FlowFilter, FlowMod};
use nucleon_ovsdb::ovs;
use nucleon_ovsdb::{Client, Event, Transaction};

use crate::flows::COOKIE;
use crate::inbox::Inbox;
use crate::tables::Tables;

/// How long ovs-vswitchd may take to act on a transaction.
const APPLY_LIMIT: Duration = Duration::from_secs(15);
/// How long one exchange with a bridge may take.
const FLOW_LIMIT: Duration = Duration::from_secs(60);

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

/// One bridge's flows: what they should be, and the connection over which they get there.
#[derive(Debug, Default)]
struct BridgeFlows {
    tables: Tables,
    link: Option<Link>,
    /// Changes that are to go out with the next bundle.
    pending: Vec<FlowMod>,
    /// What the switch holds is not known, and has to be read before anything is changed.
    is_unknown: bool,
}

#[derive(Debug)]
struct Link {
    connection: Arc<Connection>,
    /// Follows the connection's events; ends with it.
    _watch: OwnedTask,
}

/// What a round changed on the bridges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    pub(crate) flow_mods: usize,
    /// Flow changes that were needed although nobody had asked for them: somebody else's hand, or a restart.
    pub(crate) repaired: usize,
}

#[derive(Debug)]
pub(crate) struct Switch {
    client: Client,
    view: Option<ovs::View>,
    /// Directory of the bridges' management sockets.
    rundir: PathBuf,
    bridges: BTreeMap<String, BridgeFlows>,
    inbox: Inbox,
    group: Group,
}

impl Switch {
    pub(crate) fn new(client: Client, rundir: PathBuf, inbox: Inbox, group: Group) -> Self {
        Self { client, view: None, rundir, bridges: BTreeMap::new(), inbox, group }
    }

    /// What is known of the database, while it is connected.
    pub(crate) fn view(&self) -> Option<&ovs::View> {
        self.view.as_ref()
    }

    /// Takes in an event of the database; gives what changed, or `None` when everything may have.
    pub(crate) fn learn(
        &mut self,
        event: Event,
    ) -> Result<Option<Vec<ovs::ViewChange>>, SwitchError> {
        match event {
            Event::Connected(snapshot) => {
                self.view = Some(ovs::View::from_snapshot(&snapshot)?);
                Ok(None)
            }
            Event::Changed(changes) => match &mut self.view {
                Some(view) => Ok(Some(view.apply(&changes)?)),
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

    /// Runs transactions one after the other.
    pub(crate) async fn transact_all(
        &self,
        transactions: Vec<Transaction>,
    ) -> Result<(), SwitchError> {
        self.client.transact_all(transactions).await.map(drop)?;
        Ok(())
    }

    /// Notes that a bridge's connection has ended.
    pub(crate) fn closed(&mut self, bridge: &str) {
        if let Some(flows) = self.bridges.get_mut(bridge) {
            flows.link = None;
            flows.is_unknown = true;
        }
    }

    /// Has every bridge read back at the next [`Switch::flush`].
    pub(crate) fn verify(&mut self) {
        self.bridges.values_mut().for_each(|flows| flows.is_unknown = true);
    }

    /// The flow tables of a bridge; changes to them go out with [`Switch::flush`].
    pub(crate) fn edit(&mut self, bridge: &str, edit: impl FnOnce(&mut Tables) -> Vec<FlowMod>) {
        let flows = self
            .bridges
            .entry(bridge.to_owned())
            .or_insert_with(|| BridgeFlows { is_unknown: true, ..BridgeFlows::default() });
        let changes = edit(&mut flows.tables);
        flows.pending.extend(changes);
    }

    pub(crate) fn tables(&self, bridge: &str) -> Option<&Tables> {
        self.bridges.get(bridge).map(|flows| &flows.tables)
    }

    /// Sends what is pending, a bundle for each bridge; `last` comes last, so that nothing enters the host before it
    /// can leave it.
    ///
    /// # Errors
    /// All bridges are tried; the first error is returned. What a failed bridge holds is read back the next time.
    pub(crate) async fn flush(&mut self, last: &str) -> (Applied, Result<(), SwitchError>) {
        let mut names: Vec<String> =
            self.bridges.keys().filter(|name| *name != last).cloned().collect();
        names.push(last.to_owned());
        let mut applied = Applied::default();
        let mut outcome = Ok(());
        for name in names {
            match self.flush_bridge(&name).await {
                Ok(done) => {
                    applied.flow_mods += done.flow_mods;
                    applied.repaired += done.repaired;
                }
                Err(error) => {
                    self.closed(&name);
                    outcome = outcome.and(Err(error));
                }
            }
        }
        (applied, outcome)
    }

    async fn flush_bridge(&mut self, name: &str) -> Result<Applied, SwitchError> {
        let Some(flows) = self.bridges.get(name) else { return Ok(Applied::default()) };
        if flows.pending.is_empty() && !flows.is_unknown && flows.link.is_some() {
            return Ok(Applied::default());
        }
        let connection = self.connection(name).await?;
        let Some(flows) = self.bridges.get_mut(name) else { return Ok(Applied::default()) };
        let asked = std::mem::take(&mut flows.pending);
        let (changes, repaired) = if flows.is_unknown {
            let ours = FlowFilter::cookie(CookieFilter::exactly(COOKIE));
            let actual = within(name, connection.dump_flows(&ours)).await?;
            let changes = flows.tables.repair(&actual);
            let repaired = changes.iter().filter(|change| !asked.contains(change)).count();
            (changes, repaired)
        } else {
            (asked, 0)
        };
        let flow_mods = changes.len();
        if !changes.is_empty() {
            within(name, connection.apply_bundle(&changes)).await?;
        }
        flows.is_unknown = false;
        Ok(Applied { flow_mods, repaired })
    }

    /// The connection to a bridge, made where there is none.
    async fn connection(&mut self, name: &str) -> Result<Arc<Connection>, SwitchError> {
        let flows = self.bridges.entry(name.to_owned()).or_default();
        if let Some(link) = &flows.link {
            return Ok(link.connection.clone());
        }
        let path = self.rundir.join(format!("{name}.mgmt"));
        let (connection, mut events) = within(name, Connection::open(path)).await?;
        let connection = Arc::new(connection);
        let (inbox, bridge) = (self.inbox.clone(), name.to_owned());
        let watch = self.group.spawn_owned(format!("bridge {name}"), |stop| async move {
            tokio::select! {
                () = stop.cancelled() => return,
                () = async { while let Some(event) = events.next().await {
                    if matches!(event, nucleon_openflow::Event::Closed { .. }) { break }
                } } => {}
            }
            inbox.leave(|news| news.closed.push(bridge));
        });
        flows.link = Some(Link { connection: connection.clone(), _watch: watch });
        flows.is_unknown = true;
        Ok(connection)
    }
}

async fn within<T>(
    bridge: &str,
    exchange: impl Future<Output = Result<T, nucleon_openflow::Error>>,
) -> Result<T, SwitchError> {
    tokio::time::timeout(FLOW_LIMIT, exchange)
        .await
        .map_err(|_| SwitchError::TimedOut(bridge.to_owned()))?
        .map_err(|source| SwitchError::OpenFlow { bridge: bridge.to_owned(), source })
}
