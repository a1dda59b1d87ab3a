//! A host with an agent, and the server that the agent follows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_agent::RunnerOptions;
use nucleon_agent::control::{self, control_path};
use nucleon_agent_dhcp::options::{AnswerOptions, Options, PlugOptions};
use nucleon_agent_dhcp::plan::Plugging;
use nucleon_agent_dhcp::{Place, Surroundings, names, run_at};
use nucleon_bus::fake::FakeServer;
use nucleon_bus::{Hub, HubOptions, Report, ServerAt};
use nucleon_linux::{NetnsDir, NetnsName, Scope};
use nucleon_model::port::FixedIp;
use nucleon_model::subnet::HostRoute;
use nucleon_model::view::{NetworkBody, PortBody, Role, SubnetBody};
use nucleon_model::{NetworkId, PortId, SubnetId};
use nucleon_net::MacAddr;
use nucleon_obs::{Clock, Group, Metrics, Random, Tasks};
use nucleon_ovsdb::Endpoint;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::machine::Machine;
use crate::switch::BRIDGE;

const HOST: &str = "net1";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Scene {
    pub(crate) machine: Machine,
    pub(crate) server: FakeServer,
    pub(crate) network: NetworkBody,
    pub(crate) dhcp_port: PortBody,
    pub(crate) namespace: NetnsName,
    pub(crate) options: Options,
    hub: Hub,
    _tasks: Tasks,
    agent: Option<Agent>,
    _state: TempDir,
}

/// An agent that runs.
struct Agent {
    metrics: Metrics,
    tasks: Tasks,
}

impl Scene {
    /// A network with its DHCP port at 10.0.0.2, and an agent that serves it.
    pub(crate) async fn served(plugging: Plugging) -> Option<Self> {
        let mut scene = Self::new(plugging).await?;
        scene.start_agent();
        scene.await_ready(scene.dhcp_port.id).await.unwrap();
        Some(scene)
    }

    /// The same, and no agent yet.
    pub(crate) async fn new(plugging: Plugging) -> Option<Self> {
        let mut machine = Machine::new().await?;
        let state = tempfile::tempdir().unwrap();
        let server = FakeServer::new();
        let tasks = Tasks::new();
        let group = tasks.group("hub", Duration::from_secs(1));
        let hub = Hub::new(Arc::new(server.clone()), HubOptions::default(), &Metrics::new(), group);
        let network = network();
        let dhcp_port = dhcp_port(&network);
        let namespace = machine.expect_network(network.id);
        let options = Options {
            host: HOST.to_owned(),
            state_path: state.path().to_owned(),
            database: Endpoint::Unix(machine.switch.socket()),
            patience: Duration::from_secs(10),
            answers: AnswerOptions::default(),
            plug: PlugOptions { integration_bridge: BRIDGE.to_owned(), plugging },
            dhcp_driver: "native".to_owned(),
        };
        server.put_network(network.clone());
        server.put_port(dhcp_port.clone());
        let agent = None;
        Some(Self {
            machine,
            server,
            network,
            dhcp_port,
            namespace,
            options,
            hub,
            _tasks: tasks,
            agent,
            _state: state,
        })
    }

    pub(crate) fn start_agent(&mut self) {
        let tasks = Tasks::new();
        let metrics = Metrics::new();
        let group: Group = tasks.group("dhcp agent", Duration::from_secs(5));
        let surroundings = Surroundings {
            servers: vec![ServerAt::InProcess(Arc::new(self.hub.clone()))],
            metrics: metrics.clone(),
            clock: Clock::system(),
            random: Random::system(),
            group: group.clone(),
        };
        let mut running = RunnerOptions::new(Role::DhcpAgent, HOST, &self.options.state_path);
        running.first_retry = Duration::from_millis(50);
        running.longest_retry = Duration::from_millis(500);
        running.save_interval = Duration::from_millis(10);
        let place = Place { netns: self.machine.netns.clone(), namespaces: NetnsDir::default() };
        let options = self.options.clone();
        group.spawn_vital("agent", move |cancel| async move {
            run_at(options, running, place, surroundings, cancel).await
        });
        self.agent = Some(Agent { metrics, tasks });
    }

    /// Stops the agent in an orderly way.
    pub(crate) async fn stop_agent(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.tasks.shutdown().await;
        }
    }

    pub(crate) fn put_network(&self, network: &NetworkBody) {
        self.hub.publish(self.server.put_network(network.clone()));
    }

    pub(crate) fn put_port(&self, port: &PortBody) {
        self.hub.publish(self.server.put_port(port.clone()));
    }

    pub(crate) fn delete_port(&self, port: PortId) {
        self.hub.publish(self.server.delete_port(port));
    }

    /// A port of the network with the address 10.0.0.`number`, and the agent's word that DHCP is
    /// ready for it.
    pub(crate) async fn ready_port(&self, number: u8) -> Result<PortBody> {
        let port = port(&self.network, number);
        self.put_port(&port);
        self.await_ready(port.id).await?;
        Ok(port)
    }

    pub(crate) async fn await_ready(&self, port: PortId) -> Result<()> {
        self.until("a port is not ready", || Ok(self.ready_count(port) > 0)).await
    }

    /// How often the agent has said that DHCP is ready for a port.
    pub(crate) fn ready_count(&self, port: PortId) -> usize {
        let reports = self.server.reports();
        let marks = reports.iter().filter_map(|(_, report)| match report {
            Report::DhcpReady { ports } => Some(ports),
            _ => None,
        });
        marks.flatten().filter(|mark| mark.port_id == port).count()
    }

    /// The last heartbeat's dictionary.
    pub(crate) fn configurations(&self) -> Option<serde_json::Map<String, serde_json::Value>> {
        let reports = self.server.reports();
        reports.iter().rev().find_map(|(_, report)| match report {
            Report::Heartbeat(heartbeat) => Some(heartbeat.configurations.clone()),
            _ => None,
        })
    }

    /// A counter of the agent that runs now; zero when it does not show.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let page = self.agent.as_ref().map(|agent| agent.metrics.encode()).unwrap_or_default();
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("nucleon_{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// How often the agent that runs now has taken a step.
    pub(crate) fn steps(&self, step: &str) -> u64 {
        self.counter(&format!("dhcp_steps_total{{step=\"{step}\"}}"))
    }

    /// Everything that it has changed on the host, but for opening sockets.
    pub(crate) fn changes(&self) -> u64 {
        ["unplug", "delete_device", "delete_namespace", "ensure_namespace", "plug", "configure"]
            .iter()
            .map(|step| self.steps(step))
            .sum()
    }

    pub(crate) async fn until(
        &self,
        complaint: &str,
        holds: impl Fn() -> Result<bool>,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !holds()? {
            let failure = self.agent.as_ref().and_then(|agent| agent.tasks.failure());
            anyhow::ensure!(failure.is_none(), "the agent ended: {failure:?}");
            anyhow::ensure!(Instant::now() < deadline, "{complaint}: {}", self.evidence());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until the agent has looked at everything with the switch at hand.
    pub(crate) async fn settled(&self) -> Result<()> {
        let path = control_path(&self.options.state_path, Role::DhcpAgent);
        for _ in 0..500 {
            let status = control::status(&path).await?;
            let details = &status.details;
            if details["switch"] == "connected" && details["waiting"] == 0 && status.rounds > 1 {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("the agent does not settle: {}", self.evidence())
    }

    /// The addresses of the device in the namespace, IPv6 link-local ones excepted.
    pub(crate) async fn addresses(&self) -> Result<Vec<String>> {
        let device = self.options.plug.plugging.device(self.dhcp_port.id);
        let netns = NetnsDir::default().open(&self.namespace).await?;
        let addresses = netns.links().addresses(&device).await?;
        let global = addresses.iter().filter(|address| address.scope == Scope::Global);
        Ok(global.map(|address| address.net.to_string()).collect())
    }

    /// The kernel's number of the device in the namespace.
    pub(crate) async fn device_index(&self) -> Result<u32> {
        let device = self.options.plug.plugging.device(self.dhcp_port.id);
        let netns = NetnsDir::default().open(&self.namespace).await?;
        Ok(netns.links().index(&device).await?)
    }

    pub(crate) fn switch_port(&self) -> String {
        names::switch_end(self.dhcp_port.id).to_string()
    }

    fn evidence(&self) -> String {
        let ports = self.machine.switch.vsctl(&["show"]).unwrap_or_default();
        let page = self.agent.as_ref().map(|agent| agent.metrics.encode()).unwrap_or_default();
        let counts: Vec<&str> =
            page.lines().filter(|line| line.starts_with("nucleon_dhcp_")).collect();
        format!("{ports}\n{}", counts.join("\n"))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // Before the namespaces go: the agent would make them again.
        if let Some(agent) = self.agent.take() {
            block_in_place(|| Handle::current().block_on(agent.tasks.shutdown()));
        }
    }
}

/// A network of its own: its id names a namespace that all tests of the machine share.
pub(crate) fn network() -> NetworkBody {
    let v4 = SubnetBody {
        id: SubnetId::new(Uuid::new_v4()),
        cidr: "10.0.0.0/24".parse().unwrap(),
        gateway_ip: Some("10.0.0.1".parse().unwrap()),
        enable_dhcp: true,
        dns_nameservers: vec!["9.9.9.9".parse().unwrap(), "1.1.1.1".parse().unwrap()],
        host_routes: vec![HostRoute {
            destination: "192.0.2.0/24".parse().unwrap(),
            nexthop: "10.0.0.7".parse().unwrap(),
        }],
        ipv6_ra_mode: None,
        ipv6_address_mode: None,
        segment_id: None,
    };
    let v6 = SubnetBody {
        id: SubnetId::new(Uuid::new_v4()),
        cidr: "fd00:1::/64".parse().unwrap(),
        gateway_ip: None,
        dns_nameservers: Vec::new(),
        host_routes: Vec::new(),
        ..v4.clone()
    };
    NetworkBody {
        id: NetworkId::new(Uuid::new_v4()),
        revision: 0,
        name: "net".to_owned(),
        mtu: 1450,
        admin_state_up: true,
        segments: Vec::new(),
        subnets: vec![v4, v6],
        dhcp_hosts: vec![HOST.to_owned()],
    }
}

/// The port by which the host serves a network.
pub(crate) fn dhcp_port(network: &NetworkBody) -> PortBody {
    let mut port = port(network, 2);
    port.device_owner = "network:dhcp".to_owned();
    port.host = HOST.to_owned();
    port.fixed_ips.push(FixedIp {
        subnet_id: network.subnets[1].id,
        ip_address: "fd00:1::2".parse().unwrap(),
    });
    port
}

/// A machine's port with the address 10.0.0.`number`.
pub(crate) fn port(network: &NetworkBody, number: u8) -> PortBody {
    PortBody {
        id: PortId::new(Uuid::new_v4()),
        network_id: network.id,
        revision: 0,
        mac_address: MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number]),
        admin_state_up: true,
        fixed_ips: vec![FixedIp {
            subnet_id: network.subnets[0].id,
            ip_address: std::net::Ipv4Addr::new(10, 0, 0, number).into(),
        }],
        host: "compute1".to_owned(),
        segment_id: None,
        device_owner: "compute:nova".to_owned(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}

/// An answer that has to be there.
pub(crate) fn present<T>(found: Option<T>, what: &str) -> Result<T> {
    found.with_context(|| format!("{what} is missing"))
}
