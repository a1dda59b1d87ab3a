//! The small cloud that the measurements in a lab share: a server on this machine, and a host with
//! an Open vSwitch, where agents run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nucleon_agent::Status;
use nucleon_agent::control::{control_path, status};
use nucleon_lab::process::Process;
use nucleon_lab::{Host, Lab};
use nucleon_model::view::Role;
use nucleon_obs::Clock;
use serde_json::Value;

use crate::http::{Call, Client};
use crate::program::{Binary, Server, ServerConfig, free_address};

const PATIENCE: Duration = Duration::from_mins(1);

/// The host's name, as agents report it.
pub const HOST: &str = "compute1";

/// The integration bridge, and the one that leads to `physnet1`.
pub const BR_INT: &str = "br-int";
const BR_EX: &str = "br-ex";

/// Fields end in the order in which they are named: agents, host, server, then the lab.
#[derive(Debug)]
pub struct Cloud {
    pub client: Client,
    pub server: Server,
    pub host: Arc<Host>,
    binary: Binary,
    state: PathBuf,
    pub lab: Lab,
}

impl Cloud {
    pub async fn start(binary: &Binary) -> Result<Self> {
        let lab = Lab::new()?;
        let config = ServerConfig {
            state: lab.dir_of("server")?,
            address: free_address()?,
            connection: None,
            keystone: None,
        };
        let server = Server::start(binary, &config).await?;
        let client = server.client().await?;
        let host = Arc::new(Host::start(&lab, HOST).await?);
        host.switch().add_bridge(BR_EX).await?;
        Ok(Self { client, server, host, binary: binary.clone(), state: config.state, lab })
    }

    /// Starts an agent on the host.
    pub fn agent(&self, role: Role) -> Result<Process> {
        let (hub, switch) = (self.state.join("hub.sock"), self.host.switch().database_socket());
        let text = format!(
            "[DEFAULT]\nhost = {HOST}\nstate_path = {state}\nauth_strategy = noauth\n\
             bind_host = 127.0.0.1\ntransport_url = nucleon+unix://{hub}\n\
             interface_driver = openvswitch\novs_use_veth = true\n\
             [agent]\nreport_interval = 5\n[ovs]\novsdb_connection = unix:{switch}\ndatapath_type = netdev\n\
             bridge_mappings = physnet1:{BR_EX}\n",
            state = self.host.dir().display(),
            hub = hub.display(),
            switch = switch.display(),
        );
        let config = self.host.dir().join(format!("{role}.conf"));
        std::fs::write(&config, text)?;
        let log = self.host.dir().join(format!("{role}.log"));
        self.binary.start(|path| self.host.program(path), &role.to_string(), &config, &log)
    }

    /// What an agent says of itself.
    pub async fn status(&self, role: Role) -> Result<Status> {
        Ok(status(&control_path(self.host.dir(), role)).await?)
    }

    /// Waits until an agent's own word satisfies; the pause between questions is the error of the
    /// time that it takes.
    pub async fn wait_status(
        &self,
        what: &str,
        role: Role,
        mut enough: impl FnMut(&Status) -> bool,
    ) -> Result<Status> {
        let clock = Clock::system();
        let deadline = clock.mono() + PATIENCE;
        let mut last = None;
        while clock.mono() < deadline {
            if let Ok(status) = self.status(role).await {
                if enough(&status) {
                    return Ok(status);
                }
                last = Some(status);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let logs: Vec<String> = self
            .host
            .logs(15)
            .into_iter()
            .map(|(path, text)| format!("{}:\n{text}", path.display()))
            .collect();
        bail!("{what}: not within {PATIENCE:?}; {last:?}\n{}", logs.join("\n"))
    }

    /// Waits until the server has heard of an agent.
    pub async fn wait_alive(&mut self, agent: &str) -> Result<()> {
        let call = Call::get(format!("/v2.0/agents?binary={agent}"));
        let clock = Clock::system();
        let deadline = clock.mono() + PATIENCE;
        while clock.mono() < deadline {
            let agents = self.client.call(&call).await?.json()?;
            let alive = agents.pointer("/agents/0/alive").and_then(Value::as_bool);
            if alive == Some(true) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{agent} is not alive for the server")
    }

    /// Waits until a port of the network of this agent is there: `pick` finds it among all.
    pub async fn wait_port(
        &mut self,
        what: &str,
        query: &str,
        pick: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let call = Call::get(format!("/v2.0/ports?{query}"));
        let clock = Clock::system();
        let deadline = clock.mono() + PATIENCE;
        let mut last = Value::Null;
        while clock.mono() < deadline {
            last = self.client.call(&call).await?.json()?;
            let ports = last.get("ports").and_then(Value::as_array).context("ports")?;
            if let Some(port) = ports.iter().find(|port| pick(port)) {
                return Ok(port.clone());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("{what}: no such port within {PATIENCE:?}: {last}")
    }
}
