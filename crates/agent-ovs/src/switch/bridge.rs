//! One bridge: the flows that it should have, and the connection over which they get there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nucleon_obs::{Group, OwnedTask};
use nucleon_openflow::{Connection, CookieFilter, Event, FlowFilter};

use super::SwitchError;
use crate::flows::COOKIE;
use crate::inbox::Inbox;
use crate::tables::Tables;

/// How long one exchange with a bridge may take.
const EXCHANGE_LIMIT: Duration = Duration::from_mins(1);
/// Between attempts to reach a bridge whose switch is gone. Nothing else tells that it is back: ovs-vswitchd writes to the
/// database only what is not there already.
const RETURN_PAUSE: Duration = Duration::from_millis(25);
/// The same for one that stays away, as one that the switch cannot make.
const LONG_PAUSE: Duration = Duration::from_millis(500);
/// So many rounds in vain make a bridge one that stays away.
const SHORT_ABSENCE: u32 = 5;

#[derive(Debug)]
pub(super) struct Bridge {
    name: String,
    pub(super) tables: Tables,
    link: Option<Link>,
    held: Held,
    /// Waits for the switch to come back.
    returning: Option<OwnedTask>,
    /// How many rounds have not reached it.
    missed: u32,
}

#[derive(Debug)]
struct Link {
    connection: Arc<Connection>,
    /// Follows the connection's events; ends with it.
    _watch: OwnedTask,
}

/// What is known of the flows that the bridge has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// They have never been read.
    Unread,
    /// They are as the tables say, less what has not gone out.
    Known,
    /// They should be, but somebody may have changed them.
    Doubtful,
    /// The connection has ended, and probably the flows with it.
    Lost,
}

impl Bridge {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            tables: Tables::default(),
            link: None,
            held: Held::Unread,
            returning: None,
            missed: 0,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn lost(&mut self) {
        self.link = None;
        if self.held != Held::Unread {
            self.held = Held::Lost;
        }
    }

    /// The bridge has been deleted.
    pub(super) fn gone(&mut self) {
        self.lost();
        self.returning = None;
    }

    pub(super) fn doubt(&mut self) {
        if self.held == Held::Known {
            self.held = Held::Doubtful;
        }
    }

    /// Brings the bridge up to date; tells how many changes that took, and how many of them nobody had asked for.
    pub(super) async fn flush(
        &mut self,
        rundir: &Path,
        inbox: &Inbox,
        group: &Group,
    ) -> Result<(usize, usize), SwitchError> {
        if self.held == Held::Known && !self.tables.is_edited() {
            return Ok((0, 0));
        }
        let connection = self.connection(rundir, inbox, group).await?;
        let (changes, unasked) = if self.held == Held::Known {
            (self.tables.take_changes(), 0)
        } else {
            let ours = FlowFilter::cookie(CookieFilter::exactly(COOKIE));
            let actual = within(&self.name, connection.dump_flows(&ours)).await?;
            self.tables.repair(&actual)
        };
        if !changes.is_empty() {
            within(&self.name, connection.apply_bundle(&changes)).await?;
        }
        let repairs = self.tell(changes.len(), unasked);
        self.held = Held::Known;
        Ok((changes.len(), repairs))
    }

    /// Tells what was not as it should be; gives how many repairs there were.
    fn tell(&self, changes: usize, unasked: usize) -> usize {
        let bridge = &self.name;
        match self.held {
            Held::Known => 0,
            Held::Unread => {
                tracing::info!(bridge, changes, "the bridge's flows are as they should be");
                0
            }
            Held::Doubtful | Held::Lost if unasked == 0 => 0,
            Held::Doubtful => {
                tracing::warn!(bridge, flows = unasked, "repaired flows that somebody had changed");
                unasked
            }
            Held::Lost => {
                tracing::warn!(
                    bridge,
                    flows = unasked,
                    "the bridge had lost its flows; they are back"
                );
                unasked
            }
        }
    }

    /// The connection, made where there is none.
    async fn connection(
        &mut self,
        rundir: &Path,
        inbox: &Inbox,
        group: &Group,
    ) -> Result<Arc<Connection>, SwitchError> {
        if let Some(link) = &self.link {
            return Ok(link.connection.clone());
        }
        let open = Connection::open(socket(rundir, &self.name));
        let (connection, mut events) = within(&self.name, open).await?;
        let connection = Arc::new(connection);
        let (inbox, bridge) = (inbox.clone(), self.name.clone());
        let watch = group.spawn_owned(format!("bridge {bridge}"), |stop| async move {
            let closed = async {
                while let Some(event) = events.next().await {
                    if matches!(event, Event::Closed { .. }) {
                        break;
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = closed => {}
            }
            inbox.leave(|news| news.closed.push(bridge));
        });
        self.link = Some(Link { connection: connection.clone(), _watch: watch });
        self.returning = None;
        self.missed = 0;
        Ok(connection)
    }

    /// Wakes the agent as soon as the bridge can be reached again.
    pub(super) fn await_return(&mut self, rundir: &Path, inbox: &Inbox, group: &Group) {
        let (inbox, path) = (inbox.clone(), socket(rundir, &self.name));
        self.missed = self.missed.saturating_add(1);
        let pause = if self.missed > SHORT_ABSENCE { LONG_PAUSE } else { RETURN_PAUSE };
        let name = format!("return of bridge {}", self.name);
        self.returning = Some(group.spawn_owned(name, |stop| async move {
            let reached = async {
                while tokio::net::UnixStream::connect(&path).await.is_err() {
                    tokio::time::sleep(pause).await;
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = reached => inbox.leave(|_| {}),
            }
        }));
    }
}

fn socket(rundir: &Path, bridge: &str) -> PathBuf {
    rundir.join(format!("{bridge}.mgmt"))
}

async fn within<T>(
    bridge: &str,
    exchange: impl Future<Output = Result<T, nucleon_openflow::Error>>,
) -> Result<T, SwitchError> {
    tokio::time::timeout(EXCHANGE_LIMIT, exchange)
        .await
        .map_err(|_| SwitchError::TimedOut(bridge.to_owned()))?
        .map_err(|source| SwitchError::OpenFlow { bridge: bridge.to_owned(), source })
}
