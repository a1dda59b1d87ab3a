//! Starting the agent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use nucleon_agent::{Runner, RunnerOptions, Wake};
use nucleon_bus::{ClientEvents, HubClient};
use nucleon_conf::Settings;
use nucleon_conf::value::{HostAddress, OvsdbAddress};
use nucleon_model::view::Role;
use nucleon_obs::{Clock, Group, Random};
use nucleon_ovsdb::{Client, Config, Endpoint, ovs};

use crate::agent::OvsApplier;
use crate::bridges::BridgeConfig;
use crate::inbox::Inbox;
use crate::switch::Switch;

/// Nothing waits for a comparison: it finds what somebody has changed by hand.
const VERIFY: Duration = Duration::from_mins(1);

/// Where Open vSwitch keeps its sockets by default, for a database that is reached over TCP.
const DEFAULT_RUNDIR: &str = "/run/openvswitch";

/// What an agent is started from.
#[derive(Debug, Clone)]
pub struct OvsAgent {
    pub host: String,
    pub state_path: PathBuf,
    pub availability_zone: String,
    pub report_interval: Duration,
    pub bridges: BridgeConfig,
    pub ovsdb: Endpoint,
    /// Directory of the bridges' management sockets.
    pub rundir: PathBuf,
    pub ovsdb_timeout: Duration,
    /// How often the flows are read back and compared, give or take a half.
    pub verify_interval: Duration,
}

/// A configuration that the agent cannot start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("[ovs] ovsdb_connection: {0} is a name; the switch is reached by address")]
    Name(String),
}

impl OvsAgent {
    pub fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let (ovsdb, rundir) = match &settings.ovs.ovsdb_connection {
            OvsdbAddress::Unix(path) => {
                let rundir = path.parent().map_or_else(|| DEFAULT_RUNDIR.into(), PathBuf::from);
                (Endpoint::Unix(path.clone()), rundir)
            }
            OvsdbAddress::Tcp { host: HostAddress::Address(ip), port } => {
                (Endpoint::Tcp((*ip, port.get()).into()), DEFAULT_RUNDIR.into())
            }
            OvsdbAddress::Tcp { host: HostAddress::Name(name), .. } => {
                return Err(ConfigError::Name(name.clone()));
            }
        };
        let mappings: BTreeMap<String, String> = settings
            .ovs
            .bridge_mappings
            .iter()
            .map(|(physical_network, bridge)| (physical_network.to_owned(), bridge.to_owned()))
            .collect();
        Ok(Self {
            host: settings.process.host.as_str().to_owned(),
            state_path: settings.process.state_path.clone(),
            availability_zone: settings.agent.availability_zone.clone(),
            report_interval: settings.agent.report_interval,
            bridges: BridgeConfig {
                integration: settings.ovs.integration_bridge.clone(),
                datapath_type: settings.ovs.datapath_type.to_string(),
                mappings,
            },
            ovsdb,
            rundir,
            ovsdb_timeout: settings.ovs.ovsdb_timeout,
            verify_interval: VERIFY,
        })
    }
}

/// Starts the agent's tasks in `group`; they run until it is stopped.
pub fn run(
    agent: OvsAgent,
    hub: (HubClient, ClientEvents),
    clock: Clock,
    random: Random,
    group: &Group,
) {
    let wake = Wake::new();
    let inbox = Inbox::new(wake.clone());
    let config = Config { request_timeout: agent.ovsdb_timeout, ..Config::default() };
    let (client, mut events) = Client::connect(agent.ovsdb, ovs::monitor(), config);
    let switch = Switch::new(client, agent.rundir, inbox.clone(), group.clone());
    let applier =
        OvsApplier::new(agent.host.clone(), agent.bridges, switch, inbox.clone(), clock.clone());
    let options = RunnerOptions {
        availability_zone: Some(agent.availability_zone),
        report_interval: agent.report_interval,
        ..RunnerOptions::new(Role::OvsAgent, agent.host, agent.state_path)
    };
    group.spawn_vital("switch database", {
        let inbox = inbox.clone();
        |stop| async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    event = events.recv() => match event {
                        Some(event) => inbox.leave(|news| news.ovsdb.push(event)),
                        None => return,
                    }
                }
            }
        }
    });
    group.spawn_vital("comparison", {
        let (clock, random) = (clock.clone(), random.clone());
        |stop| async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock.sleep(random.jitter(agent.verify_interval)) => inbox.leave(|news| news.verify = true),
                }
            }
        }
    });
    let runner = Runner::new(options, applier, hub, wake, clock, random);
    group.spawn_vital("ovs-agent", |stop| runner.run(stop));
}

#[cfg(test)]
mod tests {
    use nucleon_conf::{Machine, Sources};

    use super::*;

    fn agent(text: &str) -> Result<OvsAgent, ConfigError> {
        let machine = Machine { hostname: "compute1".to_owned(), state_path: "/state".into() };
        let sources = Sources::new(machine).text("agent.conf", text);
        OvsAgent::from_settings(&Settings::load(&sources).unwrap().settings)
    }

    #[test]
    fn sockets_of_bridges_lie_beside_the_database_s() {
        let text = "[ovs]\novsdb_connection = unix:/run/other/db.sock\nintegration_bridge = br-x\n\
                    bridge_mappings = p1:br-ex,p2:br-flat\ndatapath_type = netdev\n";
        let agent = agent(text).unwrap();
        assert_eq!(agent.ovsdb, Endpoint::Unix("/run/other/db.sock".into()));
        assert_eq!(agent.rundir, PathBuf::from("/run/other"));
        assert_eq!(agent.host, "compute1");
        assert_eq!(agent.bridges.integration, "br-x");
        assert_eq!(agent.bridges.datapath_type, "netdev");
        assert_eq!(agent.bridges.mappings["p2"], "br-flat");
    }

    #[test]
    fn a_database_over_tcp_is_reached_by_address_only() {
        let reached = agent("[ovs]\novsdb_connection = tcp:127.0.0.1:6640\n").unwrap();
        assert_eq!(reached.ovsdb, Endpoint::Tcp("127.0.0.1:6640".parse().unwrap()));
        assert_eq!(reached.rundir, PathBuf::from(DEFAULT_RUNDIR));
        let named = agent("[ovs]\novsdb_connection = tcp:switch.example:6640\n");
        assert!(matches!(named, Err(ConfigError::Name(name)) if name == "switch.example"));
    }
}
