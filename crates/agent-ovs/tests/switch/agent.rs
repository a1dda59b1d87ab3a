//! A whole agent in this process, and the server in memory that it follows.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use nucleon_agent::{Status, control};
use nucleon_agent_ovs::{BridgeConfig, OvsAgent};
use nucleon_bus::fake::FakeServer;
use nucleon_bus::{ClientOptions, Connect, Hint, Hub, HubClient, HubOptions, Report, ServerAt};
use nucleon_lab::Host;
use nucleon_model::PortId;
use nucleon_model::view::Role;
use nucleon_obs::{Clock, Group, Metrics, Random, Tasks};
use nucleon_ovsdb::Endpoint;
use nucleon_wire::PortMark;
use tempfile::TempDir;
use tokio::io::DuplexStream;

/// The server, which may be stopped and started.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) cloud: FakeServer,
    running: Arc<Mutex<Option<(Hub, Group)>>>,
}

impl Connect for Site {
    fn connect(&self) -> io::Result<DuplexStream> {
        match &*self.running.lock().unwrap() {
            Some((hub, _)) => hub.connect(),
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// What the server has heard of a port last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Wired(PortMark),
    Unwired(PortMark),
}

impl Site {
    pub(crate) fn start() -> Self {
        let site = Self { cloud: FakeServer::new(), running: Arc::default() };
        site.start_again();
        site
    }

    pub(crate) fn start_again(&self) {
        let group = Tasks::new().group("hub", Duration::from_secs(1));
        let source = Arc::new(self.cloud.clone());
        let hub = Hub::new(source, HubOptions::default(), &Metrics::new(), group.clone());
        *self.running.lock().unwrap() = Some((hub, group));
    }

    pub(crate) async fn stop(&self) {
        let running = self.running.lock().unwrap().take();
        if let Some((_, group)) = running {
            assert!(group.stop().await.is_empty());
        }
    }

    pub(crate) fn publish(&self, hints: Vec<Hint>) {
        if let Some((hub, _)) = &*self.running.lock().unwrap() {
            hub.publish(hints);
        }
    }

    /// The marks of all ports that were heard, in order.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let reports = self.cloud.reports().into_iter();
        reports
            .flat_map(|(_, report)| match report {
                Report::Wired { ports } => ports.into_iter().map(Heard::Wired).collect(),
                Report::Unwired { ports } => ports.into_iter().map(Heard::Unwired).collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    pub(crate) fn last_heard(&self, port: PortId) -> Option<Heard> {
        let of_port = |heard: &Heard| match heard {
            Heard::Wired(mark) | Heard::Unwired(mark) => mark.port_id == port,
        };
        self.heard().into_iter().rfind(of_port)
    }

    pub(crate) fn heartbeats(&self) -> usize {
        let reports = self.cloud.reports();
        reports.iter().filter(|(_, report)| matches!(report, Report::Heartbeat(_))).count()
    }
}

/// A running agent.
#[derive(Debug)]
pub(crate) struct Agent {
    group: Group,
    state: TempDir,
}

impl Agent {
    pub(crate) fn start(host: &Host, site: &Site, verify_interval: Duration) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), host, site, verify_interval)
    }

    pub(crate) fn start_in(
        state: TempDir,
        host: &Host,
        site: &Site,
        verify_interval: Duration,
    ) -> Self {
        log();
        let group = Tasks::new().group("agent", Duration::from_secs(30));
        let server = ServerAt::InProcess(Arc::new(site.clone()));
        let options = ClientOptions::new(Role::OvsAgent, host.name(), vec![server]);
        let hub = HubClient::start(options, Random::seeded(2), &group);
        let agent = OvsAgent {
            host: host.name().to_owned(),
            state_path: state.path().to_owned(),
            availability_zone: "nova".to_owned(),
            report_interval: Duration::from_secs(30),
            bridges: BridgeConfig {
                integration: "br-int".to_owned(),
                datapath_type: "netdev".to_owned(),
                mappings: [("physnet1", "br-ex"), ("physnet2", "br-flat")]
                    .map(|(name, bridge)| (name.to_owned(), bridge.to_owned()))
                    .into(),
            },
            ovsdb: Endpoint::Unix(host.switch().database_socket()),
            rundir: host.switch().dir().to_owned(),
            ovsdb_timeout: Duration::from_secs(10),
            verify_interval,
        };
        nucleon_agent_ovs::run(agent, hub, Clock::system(), Random::seeded(3), &group);
        Self { group, state }
    }

    /// Ends the agent as SIGTERM does; its state stays.
    pub(crate) async fn stop(self) -> TempDir {
        let stragglers = self.group.stop().await;
        assert!(stragglers.is_empty(), "{stragglers:?}");
        self.state
    }

    pub(crate) async fn status(&self) -> Option<Status> {
        control::status(&control::control_path(self.state.path(), Role::OvsAgent)).await.ok()
    }

    /// A count from the agent's own details.
    pub(crate) async fn count(&self, name: &str) -> u64 {
        let status = self.status().await.expect("the agent answers");
        status.details[name].as_u64().unwrap_or_else(|| panic!("{name} in {}", status.details))
    }
}

/// What agents of this process have logged.
static LOG: OnceLock<Arc<Mutex<Vec<u8>>>> = OnceLock::new();

#[derive(Clone)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log() -> Arc<Mutex<Vec<u8>>> {
    let log = LOG.get_or_init(|| {
        let log: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sink = Sink(log.clone());
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter("nucleon_agent_ovs=debug,nucleon_agent=info")
            .with_writer(move || sink.clone())
            .init();
        log
    });
    log.clone()
}

/// The log's lines that contain all of `words`.
pub(crate) fn logged(words: &[&str]) -> Vec<String> {
    let bytes = log().lock().unwrap().clone();
    let text = String::from_utf8_lossy(&bytes);
    let wanted = |line: &&str| words.iter().all(|word| line.contains(word));
    text.lines().filter(wanted).map(str::to_owned).collect()
}
