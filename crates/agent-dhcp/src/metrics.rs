//! What is counted.

use nucleon_dhcp::v4::{Event, ReplyKind, Silence};
use nucleon_obs::Metrics;
use nucleon_obs::prometheus_client::metrics::counter::Counter;
use nucleon_obs::prometheus_client::metrics::family::Family;
use nucleon_obs::prometheus_client::metrics::gauge::Gauge;

type Labels = [(&'static str, &'static str); 1];

/// Everything the agent counts; clones share the counts.
#[derive(Debug, Clone)]
pub struct Counts {
    answers: Family<Labels, Counter>,
    silences: Family<Labels, Counter>,
    events: Family<Labels, Counter>,
    steps: Family<Labels, Counter>,
    pub(crate) malformed: Counter,
    pub(crate) unsent: Counter,
    pub(crate) networks: Gauge,
    pub(crate) listening: Gauge,
}

impl Counts {
    pub fn new(metrics: &Metrics) -> Self {
        let family = |name, help| metrics.register(name, help, Family::default());
        let counts = Self {
            answers: family("dhcp_answers", "Answers to DHCP clients, by kind"),
            silences: family("dhcp_silences", "DHCP requests not answered, by reason"),
            events: family("dhcp_events", "What DHCP clients told without expecting an answer"),
            steps: family("dhcp_steps", "Steps carried out on this host for networks, by kind"),
            malformed: metrics.register(
                "dhcp_malformed",
                "Frames to the DHCP server's port that are no requests",
                Counter::default(),
            ),
            unsent: metrics.register(
                "dhcp_unsent",
                "Answers that the kernel did not take",
                Counter::default(),
            ),
            networks: metrics.register(
                "dhcp_networks",
                "Networks to be served here",
                Gauge::default(),
            ),
            listening: metrics.register(
                "dhcp_listening",
                "Networks whose socket is open",
                Gauge::default(),
            ),
        };
        for reason in Silence::LABELS {
            drop(counts.silences.get_or_create(&[("reason", reason)]));
        }
        for kind in [ReplyKind::Offer, ReplyKind::Ack, ReplyKind::Information, ReplyKind::Nak] {
            drop(counts.answers.get_or_create(&[("kind", label(kind))]));
        }
        counts
    }

    pub(crate) fn answered(&self, kind: ReplyKind) {
        self.answers.get_or_create(&[("kind", label(kind))]).inc();
    }

    pub(crate) fn silent(&self, silence: Silence) {
        self.silences.get_or_create(&[("reason", silence.label())]).inc();
    }

    pub(crate) fn noted(&self, event: Event) {
        let event = match event {
            Event::Released { .. } => "released",
            Event::Declined { .. } => "declined",
        };
        self.events.get_or_create(&[("event", event)]).inc();
    }

    pub(crate) fn step(&self, step: &'static str) {
        self.steps.get_or_create(&[("step", step)]).inc();
    }
}

const fn label(kind: ReplyKind) -> &'static str {
    match kind {
        ReplyKind::Offer => "offer",
        ReplyKind::Ack => "ack",
        ReplyKind::Information => "information",
        ReplyKind::Nak => "nak",
    }
}

#[cfg(test)]
mod tests {
    use nucleon_net::MacAddr;

    use super::*;

    #[test]
    fn every_answer_and_silence_shows_from_the_start() {
        let metrics = Metrics::new();
        let counts = Counts::new(&metrics);
        let page = metrics.encode();
        for name in ["answers_total{kind=\"nak\"} 0", "silences_total{reason=\"relayed\"} 0"] {
            assert!(page.contains(name), "{name} in {page}");
        }
        counts.answered(ReplyKind::Offer);
        counts.silent(Silence::UnknownClient(MacAddr::ZERO));
        let page = metrics.encode();
        assert!(page.contains("nucleon_dhcp_answers_total{kind=\"offer\"} 1"), "{page}");
        assert!(
            page.contains("nucleon_dhcp_silences_total{reason=\"unknown_client\"} 1"),
            "{page}"
        );
    }
}
