//! What the hub counts.

use nucleon_obs::prometheus_client::metrics::counter::Counter;
use nucleon_obs::prometheus_client::metrics::family::Family;
use nucleon_obs::prometheus_client::metrics::gauge::Gauge;
use nucleon_obs::prometheus_client::metrics::histogram::Histogram;
use nucleon_obs::{Metrics, latency_histogram};

type Label = [(&'static str, &'static str); 1];

/// The hub's metrics; clones share their values.
#[derive(Debug, Clone)]
pub struct HubMetrics {
    pub connections: Gauge,
    pub refused: Family<Label, Counter>,
    pub bad_frames: Counter,
    pub hints_sent: Counter,
    /// Hints that a full queue had no room for: the agent asks instead.
    pub hints_dropped: Counter,
    pub watches: Family<Label, Counter>,
    pub watch_seconds: Histogram,
    pub reports: Family<Label, Counter>,
}

impl HubMetrics {
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            connections: metrics.register("hub_connections", "Agents connected", Gauge::default()),
            refused: metrics.register(
                "hub_refused",
                "Connections refused, by reason",
                Family::default(),
            ),
            bad_frames: metrics.register(
                "hub_bad_frames",
                "Frames that were malformed, too large or out of place",
                Counter::default(),
            ),
            hints_sent: metrics.register("hub_hints_sent", "Hints queued", Counter::default()),
            hints_dropped: metrics.register(
                "hub_hints_dropped",
                "Hints dropped because an agent was slow",
                Counter::default(),
            ),
            watches: metrics.register(
                "hub_watches",
                "Watches answered, by kind of answer",
                Family::default(),
            ),
            watch_seconds: metrics.register(
                "hub_watch_seconds",
                "Time to compute the answer to a watch",
                latency_histogram(),
            ),
            reports: metrics.register(
                "hub_reports",
                "Reports taken in, by kind",
                Family::default(),
            ),
        }
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason)]).inc();
    }

    pub(crate) fn watched(&self, answer: &'static str) {
        self.watches.get_or_create(&[("answer", answer)]).inc();
    }

    pub(crate) fn reported(&self, kind: &'static str) {
        self.reports.get_or_create(&[("kind", kind)]).inc();
    }
}
