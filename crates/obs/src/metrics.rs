//! The registry of metrics and its text form.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::process::ProcessCollector;

/// The content type of [`Metrics::encode`].
pub const EXPOSITION_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A handle to the process's one registry.
///
/// Each crate makes its families in one struct with one constructor that takes this handle, keeps
/// the struct, and registers clones: two places that count the same thing then share one family.
/// Names are given without the prefix `nucleon_`.
///
/// ```
/// use nucleon_obs::Metrics;
/// use nucleon_obs::prometheus_client::metrics::counter::Counter;
///
/// let metrics = Metrics::new();
/// let frames: Counter = metrics.register("hub_frames", "Frames received", Counter::default());
/// frames.inc();
/// assert!(metrics.encode().contains("nucleon_hub_frames_total 1"));
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Registers a clone of `metric` (clones share their values) as `nucleon_<name>` and gives it
    /// back.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.lock().register(format!("nucleon_{name}"), help, metric.clone());
        metric
    }

    /// Everything in OpenMetrics' text form, to be served as [`EXPOSITION_TYPE`].
    pub fn encode(&self) -> String {
        let mut page = String::new();
        if let Err(error) = text::encode(&mut page, &self.lock()) {
            tracing::error!(%error, "metrics could not be written");
        }
        page
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        // Registration does not leave a registry half-made when it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// A histogram of seconds, from a tenth of a millisecond to ten seconds.
pub fn latency_histogram() -> Histogram {
    Histogram::new([
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
        5.0, 10.0,
    ])
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;

    use super::*;

    type Labels = [(&'static str, String); 2];

    #[test]
    fn a_family_shows_each_of_its_label_sets() {
        let metrics = Metrics::new();
        let requests =
            metrics.register("requests", "Requests", Family::<Labels, Counter>::default());
        requests.get_or_create(&[("method", "GET".into()), ("code", "200".into())]).inc();
        requests.get_or_create(&[("method", "PUT".into()), ("code", "412".into())]).inc_by(3);
        let page = metrics.encode();
        assert!(page.contains("nucleon_requests_total{method=\"GET\",code=\"200\"} 1"), "{page}");
        assert!(page.contains("nucleon_requests_total{method=\"PUT\",code=\"412\"} 3"), "{page}");
        assert!(page.ends_with("# EOF\n"));
    }

    #[test]
    fn label_values_from_outside_cannot_break_a_line() {
        let metrics = Metrics::new();
        let family = metrics.register("x", "X", Family::<[(&str, String); 1], Counter>::default());
        family.get_or_create(&[("who", "a\"} 9\nevil 1".into())]).inc();
        assert!(!metrics.encode().lines().any(|line| line.starts_with("evil")));
    }

    #[test]
    fn the_process_reports_its_memory_and_files() {
        let page = Metrics::new().encode();
        for name in ["process_resident_memory_bytes ", "process_threads ", "process_open_fds "] {
            let line = page.lines().find(|line| line.starts_with(name));
            let value: i64 = line.unwrap().split(' ').next_back().unwrap().parse().unwrap();
            assert!(value > 0, "{name}");
        }
    }

    #[test]
    fn latencies_fall_into_their_buckets() {
        let metrics = Metrics::new();
        let latency = metrics.register("latency_seconds", "Latency", latency_histogram());
        latency.observe(0.003);
        let page = metrics.encode();
        assert!(page.contains("nucleon_latency_seconds_bucket{le=\"0.0025\"} 0"), "{page}");
        assert!(page.contains("nucleon_latency_seconds_bucket{le=\"0.005\"} 1"), "{page}");
    }
}
