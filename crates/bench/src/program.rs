//! The program under test: found, configured, started, asked, weighed.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use nucleon_lab::process::{Place, Process, Program, resident};
use nucleon_obs::Clock;

use crate::http::{Call, Client};

/// How long a server may take to its first answer, and a program to its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// The `nucleon` program.
#[derive(Debug, Clone)]
pub struct Binary(PathBuf);

/// A running server.
#[derive(Debug)]
pub struct Server {
    pub process: Process,
    pub address: SocketAddr,
    /// From its start to its first answer with 200.
    pub started_in: Duration,
}

/// What a server's configuration file says.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub state: PathBuf,
    pub address: SocketAddr,
    /// `[database] connection`; none for SQLite in the state's directory.
    pub connection: Option<String>,
    /// `[keystone_authtoken]`; without it everybody is believed.
    pub keystone: Option<String>,
}

impl Binary {
    /// `NUCLEON_BIN`, else the program beside this one.
    pub fn find() -> Result<Self> {
        let path = match std::env::var_os("NUCLEON_BIN") {
            Some(path) => PathBuf::from(path),
            None => std::env::current_exe()?.with_file_name("nucleon"),
        };
        if !path.is_file() {
            bail!("there is no program {}; build it, or name it by NUCLEON_BIN", path.display());
        }
        // It is started from other directories.
        Ok(Self(path.canonicalize()?))
    }

    /// Starts a role of it in a place.
    pub fn start(
        &self,
        place: impl FnOnce(PathBuf) -> Program,
        role: &str,
        config: &Path,
        log: &Path,
    ) -> Result<Process> {
        place(self.0.clone()).arg(role).arg("--config-file").arg(config).start(log)
    }
}

/// An address of loopback where nobody listens.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl ServerConfig {
    fn write(&self) -> Result<PathBuf> {
        let Self { state, address, connection, keystone } = self;
        let strategy = if keystone.is_some() { "keystone" } else { "noauth" };
        let mut text = format!(
            "[DEFAULT]\nstate_path = {state}\nauth_strategy = {strategy}\napi_preview = true\n\
             bind_host = {ip}\n\
             bind_port = {port}\ntransport_url = nucleon+unix://{state}/hub.sock\n\
             [ml2]\nmechanism_drivers = openvswitch\ntype_drivers = flat,vlan,local\n\
             [ml2_type_vlan]\nnetwork_vlan_ranges = physnet1:100:200\n\
             [quotas]\nquota_network = -1\nquota_subnet = -1\nquota_port = -1\nquota_router = -1\n\
             quota_security_group = -1\nquota_security_group_rule = -1\n\
             quota_floatingip = -1\n",
            state = state.display(),
            ip = address.ip(),
            port = address.port(),
        );
        if let Some(connection) = connection {
            let _ = writeln!(text, "[database]\nconnection = {connection}");
        }
        if let Some(keystone) = keystone {
            let _ = writeln!(text, "[keystone_authtoken]\n{keystone}");
        }
        let path = state.join("server.conf");
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

impl Server {
    /// Starts it and waits for its first answer.
    pub async fn start(binary: &Binary, config: &ServerConfig) -> Result<Self> {
        let file = config.write()?;
        let clock = Clock::system();
        let start = clock.mono();
        let log = config.state.join("server.log");
        let process = binary.start(|path| Place::Machine.program(path), "server", &file, &log)?;
        let mut server = Self { process, address: config.address, started_in: Duration::ZERO };
        // Whoever the caller is.
        let call = Call::get(if config.keystone.is_some() { "/" } else { "/v2.0/ports?limit=1" });
        while clock.mono() - start < PATIENCE {
            if let Ok(mut client) = Client::connect(server.address).await
                && client.ask(&call).await.is_ok_and(|answer| answer.status == StatusCode::OK)
            {
                server.started_in = clock.mono() - start;
                return Ok(server);
            }
            if !server.process.is_running() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("no answer from the server; its log ends:\n{}", server.process.log_tail(20))
    }

    pub async fn client(&self) -> Result<Client> {
        Client::connect(self.address).await
    }

    /// Ends it in an orderly way.
    pub async fn stop(mut self) -> Result<()> {
        self.process.terminate(PATIENCE).await.map(drop)
    }
}

/// Resident memory of a process, in MB of 10^6 octets.
pub fn megabytes(process: &Process) -> Result<f64> {
    let kibibytes = u32::try_from(resident(process.pid())?)?;
    Ok(f64::from(kibibytes) * 1024.0 / 1e6)
}
