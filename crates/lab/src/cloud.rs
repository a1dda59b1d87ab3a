//! Nucleon on the hosts of a data centre: the server, the agents, their configuration.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nucleon_obs::Clock;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::api::Api;
use crate::certificates::{Authority, CertificateFiles};
use crate::data_centre::{BRIDGE_MAPPINGS, DataCentre, management_address};
use crate::host::Host;
use crate::process::Process;

/// A program of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Server,
    OvsAgent,
    DhcpAgent,
}

/// A cloud in a data centre.
#[derive(Debug)]
pub struct Cloud {
    binary: PathBuf,
    options: Options,
    authority: Authority,
    controller: Arc<Host>,
    api: Api,
    running: Mutex<BTreeMap<(String, Role), Process>>,
}

/// What differs between one cloud and another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `[database] connection`; an SQLite file in the controller's state without it.
    pub database: Option<String>,
    /// Seconds between two reports of an agent, and until one is taken for dead.
    pub report_interval: u32,
    pub agent_down_time: u32,
    /// Lines for the end of the server's configuration.
    pub server: String,
    /// Lines for the end of each agent's configuration.
    pub agents: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database: None,
            report_interval: 1,
            agent_down_time: 5,
            server: String::new(),
            agents: String::new(),
        }
    }
}

const API_PORT: u16 = 9696;
const HUB_PORT: u16 = 9698;
const PATIENCE: Duration = Duration::from_secs(30);

impl Role {
    /// Its name as a subcommand.
    pub fn command(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::OvsAgent => "ovs-agent",
            Self::DhcpAgent => "dhcp-agent",
        }
    }

    /// `agent_type` as the API shows it, none for the server.
    pub fn agent_type(self) -> Option<&'static str> {
        match self {
            Self::Server => None,
            Self::OvsAgent => Some("Open vSwitch agent"),
            Self::DhcpAgent => Some("DHCP agent"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

/// The program under test: `NUCLEON_BIN`, or `nucleon` beside this program, or beside the directory
/// that Cargo puts tests into.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("NUCLEON_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe().context("find this program")?;
    let beside = own.ancestors().skip(1).take(2).map(|dir| dir.join("nucleon"));
    let found = beside.into_iter().find(|path| path.is_file());
    found.with_context(|| {
        format!("no nucleon beside {}: build it, or set NUCLEON_BIN", own.display())
    })
}

impl Cloud {
    /// A cloud of which nothing runs yet.
    pub fn new(centre: &DataCentre, options: Options) -> Result<Self> {
        let controller = Arc::clone(&centre.controller);
        let address = SocketAddr::new(management_address(&controller)?, API_PORT);
        let api = Api::new(Some(controller.netns().clone()), address);
        Ok(Self {
            binary: binary()?,
            options,
            authority: Authority::new()?,
            controller,
            api,
            running: Mutex::default(),
        })
    }

    /// Starts the server and all agents, and waits until the API shows them alive.
    pub async fn start(centre: &DataCentre, options: Options) -> Result<Self> {
        let cloud = Self::new(centre, options)?;
        cloud.start_role(&centre.controller, Role::Server).await?;
        for host in centre.agent_hosts() {
            cloud.start_role(host, Role::OvsAgent).await?;
        }
        cloud.start_role(&centre.network, Role::DhcpAgent).await?;
        for host in centre.agent_hosts() {
            cloud.wait_alive(host, Role::OvsAgent).await?;
        }
        cloud.wait_alive(&centre.network, Role::DhcpAgent).await?;
        Ok(cloud)
    }

    /// The API on the controller's management address, reached from within the controller.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Where the API listens, in the management network.
    pub fn api_address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Starts a program with its configuration, or again after it has ended. The server is waited
    /// for until it answers.
    pub async fn start_role(&self, host: &Host, role: Role) -> Result<()> {
        let key = (host.name().to_owned(), role);
        {
            let mut running = self.running.lock().await;
            if running.get_mut(&key).is_some_and(Process::is_running) {
                bail!("{role} runs on {} already", host.name());
            }
            let process = self.spawn(host, role)?;
            running.insert(key, process);
        }
        if role == Role::Server { self.wait_server().await } else { Ok(()) }
    }

    fn spawn(&self, host: &Host, role: Role) -> Result<Process> {
        let dir = host.dir();
        let state = dir.join(format!("{role}-state"));
        std::fs::create_dir_all(&state)?;
        let files = CertificateFiles::within(&state);
        if !files.key.exists() {
            self.authority.issue(host.name(), management_address(host)?, &files)?;
        }
        let file = dir.join(format!("{role}.conf"));
        std::fs::write(&file, self.configuration(host, role, &state, &files)?)
            .with_context(|| format!("write {}", file.display()))?;
        host.program(&self.binary)
            .arg(role.command())
            .arg("--config-file")
            .arg(file)
            .start(dir.join(format!("{role}.log")))
            .with_context(|| format!("start {role} on {}", host.name()))
    }

    fn configuration(
        &self,
        host: &Host,
        role: Role,
        state: &std::path::Path,
        files: &CertificateFiles,
    ) -> Result<String> {
        let Options { report_interval, agent_down_time, .. } = &self.options;
        let server = management_address(&self.controller)?;
        let mut text = format!(
            "[DEFAULT]\nhost = {}\nstate_path = {}\n\
             transport_url = nucleon://{server}:{HUB_PORT}\n",
            host.name(),
            state.display()
        );
        if role == Role::DhcpAgent {
            text.push_str("ovs_use_veth = true\nresync_interval = 1\n");
        }
        if role == Role::Server {
            let database = match &self.options.database {
                Some(url) => url.clone(),
                None => format!("sqlite:///{}", state.join("nucleon.sqlite").display()),
            };
            write!(
                text,
                "bind_host = {server}\nbind_port = {API_PORT}\nauth_strategy = noauth\n\
                 noauth_allow_remote = true\ncore_plugin = ml2\n\
                 agent_down_time = {agent_down_time}\n\n\
                 [database]\nconnection = {database}\n\n\
                 [ml2]\ntype_drivers = flat,vlan,local\nproject_network_types = vlan\n\
                 mechanism_drivers = openvswitch\n\n\
                 [ml2_type_flat]\nflat_networks = physnet2\n\n\
                 [ml2_type_vlan]\nnetwork_vlan_ranges = physnet1:101:199\n\n\
                 [quotas]\nquota_network = -1\nquota_subnet = -1\nquota_port = -1\nquota_router = -1\n\
                 quota_security_group = -1\nquota_security_group_rule = -1\n"
            )?;
        }
        write!(
            text,
            "\n[hub]\ntls = true\nca_file = {}\ncert_file = {}\nkey_file = {}\n\n\
             [agent]\nreport_interval = {report_interval}\n\n\
             [ovs]\novsdb_connection = unix:{}\ndatapath_type = netdev\n\
             bridge_mappings = {BRIDGE_MAPPINGS}\n",
            files.authority.display(),
            files.certificate.display(),
            files.key.display(),
            host.switch().database_socket().display(),
        )?;
        let more = if role == Role::Server { &self.options.server } else { &self.options.agents };
        text.push_str(more);
        Ok(text)
    }

    async fn wait_server(&self) -> Result<()> {
        let clock = Clock::system();
        let deadline = clock.mono() + PATIENCE;
        while !self.api.is_up().await {
            let mut running = self.running.lock().await;
            let key = (self.controller.name().to_owned(), Role::Server);
            let Some(process) = running.get_mut(&key) else { bail!("the server is gone") };
            let log = process.log_tail(20);
            if !process.is_running() {
                bail!("the server ended; its log ends:\n{log}");
            }
            if clock.mono() > deadline {
                bail!("the server does not answer after {PATIENCE:?}; its log ends:\n{log}");
            }
            drop(running);
            clock.sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Waits until the API shows an agent alive, and one that wires ports with its physical networks: before those are
    /// known, a port cannot be bound to its host.
    pub async fn wait_alive(&self, host: &Host, role: Role) -> Result<()> {
        let kind = role.agent_type().context("the server is no agent")?;
        let query = [("host", host.name()), ("agent_type", kind)];
        let seen = wait_until(PATIENCE, async || {
            let agents = self.api.list("agents", &query).await?;
            Ok(agents
                .iter()
                .any(|agent| agent["alive"] == Value::Bool(true) && is_usable(role, agent)))
        })
        .await;
        let tail = || crate::process::tail(&host.dir().join(format!("{role}.log")), 20);
        seen.with_context(|| {
            format!("{role} of {} is not alive; its log ends:\n{}", host.name(), tail())
        })
    }

    /// Sends a signal to a program.
    pub async fn signal(&self, host: &Host, role: Role, signal: Signal) -> Result<()> {
        self.with(host, role, async |process| process.signal(signal)).await
    }

    /// `kill -9`.
    pub async fn kill(&self, host: &Host, role: Role) -> Result<()> {
        self.with(host, role, async |process| process.kill().await).await
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&self, host: &Host, role: Role) -> Result<()> {
        self.with(host, role, async |process| {
            let status = process.terminate(PATIENCE).await?;
            if !status.success() {
                bail!("{role} ended with {status}; its log ends:\n{}", process.log_tail(20));
            }
            Ok(())
        })
        .await
    }

    /// Resident memory of a program in KiB.
    pub async fn resident(&self, host: &Host, role: Role) -> Result<u64> {
        self.with(host, role, async |process| crate::process::resident(process.pid())).await
    }

    /// Whether a program runs; one that was never started does not.
    pub async fn is_running(&self, host: &Host, role: Role) -> bool {
        let mut running = self.running.lock().await;
        running.get_mut(&(host.name().to_owned(), role)).is_some_and(Process::is_running)
    }

    async fn with<T>(
        &self,
        host: &Host,
        role: Role,
        job: impl AsyncFnOnce(&mut Process) -> Result<T>,
    ) -> Result<T> {
        let mut running = self.running.lock().await;
        let process = running.get_mut(&(host.name().to_owned(), role));
        let doing = || format!("{role} on {}", host.name());
        job(process.with_context(|| format!("{} was never started", doing()))?)
            .await
            .with_context(doing)
    }
}

/// Asks until the answer is yes, often at first; the last failure is why it never was.
pub async fn wait_until(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    const SHORTEST: Duration = Duration::from_millis(2);
    const LONGEST: Duration = Duration::from_millis(200);
    let clock = Clock::system();
    let start = clock.mono();
    loop {
        let answer = ask().await;
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if clock.mono() - start > patience {
            return match answer {
                Err(error) => Err(error.context(format!("not so after {patience:?}"))),
                Ok(_) => bail!("not so after {patience:?}"),
            };
        }
        let elapsed = clock.mono() - start;
        clock.sleep((elapsed / 20).clamp(SHORTEST, LONGEST)).await;
    }
}

/// Whether an agent that is alive can be given work.
fn is_usable(role: Role, agent: &Value) -> bool {
    let mappings = agent["configurations"]["bridge_mappings"].as_object();
    role != Role::OvsAgent || mappings.is_some_and(|mappings| !mappings.is_empty())
}
