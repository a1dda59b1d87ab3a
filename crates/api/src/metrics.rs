//! What is counted of requests. Every label comes from a closed set, so that paths that do not exist cost nothing
//! (CVE-2021-40797 was the growth of memory by such requests).

use std::time::Duration;

use axum::http::Method;
use nucleon_obs::prometheus_client::encoding::EncodeLabelSet;
use nucleon_obs::prometheus_client::metrics::counter::Counter;
use nucleon_obs::prometheus_client::metrics::family::Family;
use nucleon_obs::prometheus_client::metrics::gauge::Gauge;
use nucleon_obs::prometheus_client::metrics::histogram::Histogram;
use nucleon_obs::{Metrics, latency_histogram};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    resource: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    resource: &'static str,
}

/// The families of the API.
#[derive(Debug, Clone)]
pub(crate) struct ApiMetrics {
    requests: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
    pub(crate) connections: Gauge,
}

impl ApiMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let seconds: Family<Asked, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(latency_histogram);
        Self {
            requests: metrics.register("api_requests", "Requests answered", Family::default()),
            seconds: metrics.register("api_request_seconds", "Time to the answer", seconds),
            connections: metrics.register("api_connections", "Open connections", Gauge::default()),
        }
    }

    pub(crate) fn answered(
        &self,
        method: &Method,
        resource: &'static str,
        status: u16,
        duration: Duration,
    ) {
        let method = method_label(method);
        self.requests.get_or_create(&Answered { method, resource, status }).inc();
        self.seconds.get_or_create(&Asked { method, resource }).observe(duration.as_secs_f64());
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// What a path is about, as a label.
pub(crate) fn resource_label(path: &str, collections: &[&'static str]) -> &'static str {
    const OTHERS: &[&str] = &["healthcheck", "metrics", "openapi.json"];
    let Some(rest) = path.strip_prefix("/v2.0/") else {
        let name = path.trim_matches('/');
        return match OTHERS.iter().find(|other| **other == name) {
            Some(other) => other,
            None if name.is_empty() => "versions",
            None => "none",
        };
    };
    let name = rest.split('/').next().unwrap_or_default();
    match collections.iter().find(|collection| **collection == name) {
        Some(collection) => collection,
        None if name.is_empty() => "resources",
        None if name == "extensions" => "extensions",
        None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTIONS: &[&str] = &["networks", "ports"];

    #[test]
    fn a_path_is_labelled_by_its_collection() {
        for (path, label) in [
            ("/v2.0/networks", "networks"),
            ("/v2.0/ports/x/tags/y", "ports"),
            ("/v2.0/", "resources"),
            ("/", "versions"),
            ("/v2.0/extensions/agent", "extensions"),
            ("/healthcheck", "healthcheck"),
            ("/v2.0/nope/x", "none"),
            ("/v2.0", "none"),
            ("/../../etc/passwd", "none"),
        ] {
            assert_eq!(resource_label(path, COLLECTIONS), label, "{path}");
        }
    }

    #[test]
    fn invented_paths_and_methods_do_not_grow_the_page() {
        let registry = Metrics::new();
        let metrics = ApiMetrics::new(&registry);
        let ask = |path: &str, method: &[u8]| {
            let method = Method::from_bytes(method).unwrap();
            let label = resource_label(path, COLLECTIONS);
            metrics.answered(&method, label, 404, Duration::from_millis(1));
        };
        ask("/v2.0/nope", b"BREW");
        let lines = registry.encode().lines().count();
        for n in 0..1000 {
            ask(&format!("/v2.0/nope-{n}"), format!("BREW{n}").as_bytes());
        }
        assert_eq!(registry.encode().lines().count(), lines);
        assert!(registry.encode().contains(
            "nucleon_api_requests_total{method=\"other\",resource=\"none\",status=\"404\"} 1001"
        ));
    }
}
