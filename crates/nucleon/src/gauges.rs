//! What `/metrics` shows of the control plane: the database, the journal, the agents.

use std::time::Duration;

use nucleon_core::{Caller, Core, Noun};
use nucleon_model::{Agent, ListQuery, Resource};
use nucleon_obs::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;

/// How old a figure may be.
const PERIOD: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AgentLabels {
    agent_type: String,
    alive: String,
}

/// Figures that are asked for rather than counted.
#[derive(Debug, Clone)]
pub(crate) struct Gauges {
    database_up: Gauge,
    journal_seq: Gauge,
    writes: Gauge,
    commits: Gauge,
    statements: Gauge,
    given_up: Gauge,
    agents: Family<AgentLabels, Gauge>,
}

impl Gauges {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let gauge = |name, help| metrics.register(name, help, Gauge::default());
        Self {
            database_up: gauge("database_up", "Whether the database answered last"),
            journal_seq: gauge("journal_position", "Place of the last change in the journal"),
            writes: gauge("database_writes", "Writes committed since the start"),
            commits: gauge("database_groups", "Commits of SQLite's writer since the start"),
            statements: gauge("database_statements", "Statements of writes since the start"),
            given_up: gauge("database_writes_given_up", "Writes that failed after all attempts"),
            agents: metrics.register("agents", "Agents by type and liveness", Family::default()),
        }
    }

    /// Keeps the figures up to date until cancelled.
    pub(crate) async fn follow(self, core: Core, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.refresh(&core).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = core.clock().sleep(PERIOD) => {}
            }
        }
    }

    async fn refresh(&self, core: &Core) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let stats = core.store().stats();
        self.writes.set(number(stats.commits()));
        self.commits.set(number(stats.groups()));
        self.statements.set(number(stats.statements()));
        self.given_up.set(number(stats.given_up()));
        self.journal_seq.set(*core.store().head().borrow());
        let query = ListQuery { fields: Agent::DECL.visible(), ..ListQuery::default() };
        match Agent::list(core, &Caller::server("metrics"), query).await {
            Ok(agents) => {
                self.database_up.set(1);
                self.count(&agents);
            }
            Err(error) => {
                self.database_up.set(0);
                tracing::warn!(%error, "agents cannot be counted");
            }
        }
    }

    fn count(&self, agents: &[Agent]) {
        self.agents.clear();
        for agent in agents {
            let labels = AgentLabels {
                agent_type: agent.agent_type.clone(),
                alive: agent.alive.to_string(),
            };
            self.agents.get_or_create(&labels).inc();
        }
    }
}
