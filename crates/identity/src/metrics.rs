//! What is counted of identities. No label tells of a user, let alone of a token.

use std::time::Duration;

use nucleon_obs::prometheus_client::encoding::EncodeLabelSet;
use nucleon_obs::prometheus_client::metrics::counter::Counter;
use nucleon_obs::prometheus_client::metrics::family::Family;
use nucleon_obs::prometheus_client::metrics::histogram::Histogram;
use nucleon_obs::{Metrics, latency_histogram};

/// How it ended to look at credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Valid,
    Invalid,
    /// Nobody could say.
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        let outcome = match outcome {
            Outcome::Valid => "valid",
            Outcome::Invalid => "invalid",
            Outcome::Unavailable => "unavailable",
        };
        Self { outcome }
    }
}

/// The families of one identity service.
#[derive(Debug, Clone)]
pub(crate) struct IdentityMetrics {
    checks: Family<Ended, Counter>,
    cached: Family<Ended, Counter>,
    logins: Family<Ended, Counter>,
    seconds: Histogram,
}

impl IdentityMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            checks: metrics.register(
                "identity_checks",
                "Credentials looked at anew: with Keystone, or against their hash",
                Family::default(),
            ),
            cached: metrics.register(
                "identity_cache_hits",
                "Credentials known from before",
                Family::default(),
            ),
            logins: metrics.register(
                "identity_logins",
                "Tokens asked for by the service user itself",
                Family::default(),
            ),
            seconds: metrics.register(
                "identity_check_seconds",
                "Time that looking at credentials anew took",
                latency_histogram(),
            ),
        }
    }

    pub(crate) fn checked(&self, outcome: Outcome, took: Duration) {
        self.checks.get_or_create(&outcome.into()).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn known(&self, outcome: Outcome) {
        self.cached.get_or_create(&outcome.into()).inc();
    }

    pub(crate) fn logged_in(&self, outcome: Outcome) {
        self.logins.get_or_create(&outcome.into()).inc();
    }
}
