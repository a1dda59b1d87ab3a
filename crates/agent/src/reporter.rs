//! The agent's reports: heartbeats by the clock, marks until they are acknowledged. A round under way holds up neither.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nucleon_bus::{CallError, HubClient, Report};
use nucleon_model::Timestamp;
use nucleon_model::view::Position;
use nucleon_obs::{Backoff, Random};
use nucleon_wire::{AliveState, Heartbeat, RefusalReason};
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::applier::Outcome;
use crate::reports::ReportQueue;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What the rounds leave for the reporter, and the reporter for the rounds.
#[derive(Debug)]
pub(crate) struct Shared {
    queue: Mutex<ReportQueue>,
    queued: Notify,
    beat: watch::Sender<Beat>,
    beat_now: Notify,
    /// The server says that the views differ.
    pub(crate) resync: Notify,
    /// The server had given this agent up, or forgotten it.
    pub(crate) revived: Notify,
}

/// The part of a heartbeat that rounds change.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Beat {
    pub(crate) configurations: Map<String, Value>,
    pub(crate) position: Option<Position>,
    pub(crate) digest: u64,
}

/// The part that stays.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    pub(crate) client: &'a HubClient,
    pub(crate) shared: &'a Shared,
    pub(crate) started_at: Timestamp,
    pub(crate) availability_zone: Option<String>,
    pub(crate) interval: Duration,
    pub(crate) random: Random,
}

impl Shared {
    pub(crate) fn new(beat: Beat) -> Self {
        Self {
            queue: Mutex::default(),
            queued: Notify::new(),
            beat: watch::Sender::new(beat),
            beat_now: Notify::new(),
            resync: Notify::new(),
            revived: Notify::new(),
        }
    }

    pub(crate) fn report(&self, outcome: Outcome) {
        let Outcome { wired, unwired, dhcp_ready, failures: _ } = outcome;
        let mut queue = self.queue();
        queue.unwired(unwired);
        queue.wired(wired);
        queue.dhcp_ready(dhcp_ready);
        drop(queue);
        self.queued.notify_one();
    }

    /// Other configurations go out at once: ports may be waiting for a bridge mapping.
    pub(crate) fn set_configurations(&self, configurations: Map<String, Value>) {
        let news = self.beat.send_if_modified(|beat| {
            let news = beat.configurations != configurations;
            beat.configurations = configurations;
            news
        });
        if news {
            self.beat_now.notify_one();
        }
    }

    pub(crate) fn set_place(&self, position: Option<Position>, digest: u64) {
        self.beat.send_modify(|beat| (beat.position, beat.digest) = (position, digest));
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue().len()
    }

    fn queue(&self) -> MutexGuard<'_, ReportQueue> {
        // Every operation on the queue leaves it in order.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reporter<'_> {
    /// Reports for ever.
    pub(crate) async fn run(&self) {
        tokio::join!(self.beats(), self.marks());
    }

    async fn beats(&self) {
        let mut start_flag = true;
        loop {
            self.client.connected().await;
            let Beat { configurations, position, digest } = self.shared.beat.borrow().clone();
            let heartbeat = Report::Heartbeat(Heartbeat {
                configurations,
                started_at: self.started_at,
                start_flag,
                availability_zone: self.availability_zone.clone(),
                position,
                digest,
            });
            match self.client.report(heartbeat).await {
                Ok(ack) => {
                    // A view that has changed since is not the one that the server means.
                    if ack.resync && self.shared.beat.borrow().digest == digest {
                        self.shared.resync.notify_one();
                    }
                    // New at the start is how it should be; later it means that the record was lost.
                    let forgotten = ack.alive == Some(AliveState::New) && !start_flag;
                    if forgotten || ack.alive == Some(AliveState::Revived) {
                        self.shared.revived.notify_one();
                    }
                    start_flag = false;
                }
                Err(error) => tracing::warn!(%error, "a heartbeat failed: {error}"),
            }
            tokio::select! {
                () = sleep(self.interval) => {}
                () = self.shared.beat_now.notified() => {}
                // Whoever is next hears of this agent at once.
                () = self.client.disconnected() => {}
            }
        }
    }

    async fn marks(&self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, self.random.clone());
        loop {
            let Some(report) = self.shared.queue().next() else {
                self.shared.queued.notified().await;
                continue;
            };
            self.client.connected().await;
            match self.client.report(report.clone()).await {
                Ok(_) => {
                    self.shared.queue().acknowledged(&report);
                    backoff.reset();
                }
                Err(CallError::Refused(RefusalReason::Invalid { why })) => {
                    tracing::error!("the server refuses a report for good: {why}");
                    self.shared.queue().acknowledged(&report);
                }
                Err(error) => {
                    tracing::warn!("a report failed and is sent again: {error}");
                    sleep(backoff.pause()).await;
                }
            }
        }
    }
}
