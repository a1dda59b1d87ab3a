//! The task that owns the connection, from the first attempt to the last handle.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::Config;
use super::backoff::Backoff;
use super::connection::{Connection, End};
use super::counters::{SharedCounters, count};
use super::endpoint::{Endpoint, Reader, Writer};
use super::outbox::{Event, Outbox, Pushed};
use crate::error::{Disconnect, Error};
use crate::monitor::MonitorSpec;
use crate::snapshot::Snapshot;
use crate::transaction::{OpResult, OperationKind};

/// What a handle asks of the task.
#[derive(Debug)]
pub(super) enum Command {
    Transact(Question),
    Snapshot(oneshot::Sender<Option<Snapshot>>),
}

/// A transaction, encoded, and who waits for it.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) params: Value,
    pub(super) kinds: Vec<OperationKind>,
    pub(super) reply: oneshot::Sender<Result<Vec<OpResult>, Error>>,
}

pub(super) struct Task {
    pub(super) endpoint: Endpoint,
    pub(super) spec: MonitorSpec,
    pub(super) config: Config,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    /// Raised with every change of the replica, for who waits for one.
    pub(super) revision: watch::Sender<u64>,
    pub(super) counters: Arc<SharedCounters>,
}

/// The ways out of a task: events, the revision, the counters.
pub(super) struct Report {
    events: mpsc::Sender<Event>,
    outbox: Outbox,
    revision: watch::Sender<u64>,
    pub(super) counters: Arc<SharedCounters>,
}

/// No handle is left.
struct Stopped;

impl Task {
    pub(super) async fn run(self) {
        let Self { endpoint, spec, config, mut commands, events, revision, counters } = self;
        let mut report = Report { events, outbox: Outbox::default(), revision, counters };
        let mut backoff = Backoff::new(config.backoff);
        // Told once for each time without a connection, so that a server long gone does not flood
        // the reader.
        let mut is_told = false;
        loop {
            let opening = open(&endpoint, config.connect_timeout);
            let reason = match idle(opening, &mut commands, &mut report).await {
                Err(Stopped) => return,
                Ok(Err(reason)) => {
                    count(&report.counters.connect_failed);
                    Arc::new(reason)
                }
                Ok(Ok((reader, writer))) => {
                    let started = Instant::now();
                    let mut connection = Connection::new(reader, writer, spec.clone(), config);
                    let end = connection.serve(&mut commands, &mut report).await;
                    backoff.connected_for(started.elapsed());
                    is_told &= !connection.was_live();
                    let End::Lost(reason) = end else { return };
                    count(&report.counters.lost);
                    reason
                }
            };
            if std::mem::replace(&mut is_told, true) {
                tracing::debug!(%endpoint, reason = chain(&*reason), "database still away");
            } else {
                tracing::warn!(%endpoint, reason = chain(&*reason), "no connection to the database");
                report.push(Event::Disconnected(reason));
            }
            let wait = backoff.next(random());
            if idle(sleep(wait), &mut commands, &mut report).await.is_err() {
                return;
            }
        }
    }
}

impl Report {
    pub(super) fn push(&mut self, event: Event) {
        if self.events.is_closed() {
            self.outbox.clear();
        } else if self.outbox.push(event) == Pushed::Merged {
            count(&self.counters.batches_merged);
        }
        self.revision.send_modify(|revision| *revision += 1);
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Hands over one event when the reader has room. Cancelling it loses nothing.
    pub(super) async fn deliver(&mut self) {
        match self.events.reserve().await {
            Ok(permit) => {
                if let Some(event) = self.outbox.pop() {
                    permit.send(event);
                }
            }
            Err(_) => self.outbox.clear(),
        }
    }
}

async fn open(endpoint: &Endpoint, limit: Duration) -> Result<(Reader, Writer), Disconnect> {
    let opened = timeout(limit, endpoint.open()).await;
    let opened = opened.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    opened.map_err(|source| Disconnect::Connect { endpoint: endpoint.to_string(), source })
}

/// Does `work` while there is no connection: events are still delivered, and commands answered.
async fn idle<T>(
    work: impl Future<Output = T>,
    commands: &mut mpsc::Receiver<Command>,
    report: &mut Report,
) -> Result<T, Stopped> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = report.deliver(), if report.has_waiting() => {}
            command = commands.recv() => command.ok_or(Stopped)?.refuse(),
        }
    }
}

impl Command {
    /// Answers that there is no connection. Who asked may be gone; that is no concern of the task.
    pub(super) fn refuse(self) {
        match self {
            Self::Transact(question) => drop(question.reply.send(Err(Error::NotConnected))),
            Self::Snapshot(reply) => drop(reply.send(None)),
        }
    }
}

/// The last four bytes of a random UUID are random in all their bits.
fn random() -> u32 {
    let [.., a, b, c, d] = Uuid::new_v4().into_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// An error with its sources, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
