//! The agent's reports: heartbeats by the clock, marks until they are acknowledged. A round under way holds up neither.

use std::collections::BTreeMap;
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

    /// Other configurations go out at once: ports may be waiting for a bridge mapping. Other counts go with the next heartbeat.
    pub(crate) fn set_configurations(&self, configurations: Map<String, Value>) {
        let news = self.beat.send_if_modified(|beat| {
            let news = without_counts(&beat.configurations) != without_counts(&configurations);
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

/// Configurations but for the live counts (`devices`, `networks`, `ports`, `subnets`, all of them numbers), which Neutron's
/// agents put there as well: a heartbeat for every port that is wired would be one too many.
fn without_counts(configurations: &Map<String, Value>) -> BTreeMap<&str, &Value> {
    let settings = configurations.iter().filter(|(_, value)| !value.is_number());
    settings.map(|(key, value)| (key.as_str(), value)).collect()
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("not an object: {value}") };
        map
    }

    /// Whether a heartbeat is due at once; asking takes the word back.
    fn is_due(shared: &Shared) -> bool {
        pin!(shared.beat_now.notified()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn shared(configurations: Value) -> Shared {
        Shared::new(Beat { configurations: map(configurations), ..Beat::default() })
    }

    #[test]
    fn counts_are_left_out_and_settings_are_not() {
        let all = map(json!({
            "devices": 3, "load": 0.5, "bridge_mappings": {"physnet1": "br-ex"}, "extensions": [],
            "l2_population": false, "bandwidths": {"br-ex": {"egress": 1}}, "tunneling_ip": "",
        }));
        let left: Vec<&str> = without_counts(&all).into_keys().collect();
        let settings =
            ["bandwidths", "bridge_mappings", "extensions", "l2_population", "tunneling_ip"];
        assert_eq!(left, settings);
        let other = map(json!({"bandwidths": {"br-ex": {"egress": 2}}}));
        assert_eq!(without_counts(&other)["bandwidths"], &other["bandwidths"], "as they are");
    }

    #[test]
    fn other_counts_wait_for_the_next_heartbeat_and_go_with_it() {
        let shared = shared(json!({"bridge_mappings": {}, "devices": 3}));
        let more = map(json!({"bridge_mappings": {}, "devices": 4, "ports": 1}));
        shared.set_configurations(more.clone());
        assert!(!is_due(&shared));
        assert_eq!(shared.beat.borrow().configurations, more);
    }

    #[test]
    fn another_setting_is_told_at_once() {
        let shared = shared(json!({"devices": 3}));
        for settings in [
            json!({"devices": 3, "bridge_mappings": {}}),
            json!({"devices": 3, "bridge_mappings": {"physnet1": "br-ex"}}),
            json!({"devices": 4, "bridge_mappings": {"physnet1": "br-other"}}),
            json!({"devices": 4}),
            json!({"devices": "4"}),
        ] {
            shared.set_configurations(map(settings.clone()));
            assert!(is_due(&shared), "{settings}");
            shared.set_configurations(map(settings.clone()));
            assert!(!is_due(&shared), "twice: {settings}");
        }
    }
}
