//! An agent for whom everything is done as soon as it is asked for.

use async_trait::async_trait;
use nucleon_agent::{Applier, Changed, Outcome, PortMark};
use nucleon_conf::Settings;
use nucleon_model::view::{PortBody, Role, View};
use nucleon_model::{PortId, Timestamp};
use nucleon_obs::Clock;
use serde_json::{Map, Value, json};

/// What a role would report of a host where all goes well.
#[derive(Debug)]
pub(crate) struct SimulatedAgent {
    role: Role,
    configurations: Map<String, Value>,
    clock: Clock,
}

impl SimulatedAgent {
    pub(crate) fn new(role: Role, settings: &Settings, clock: Clock) -> Self {
        let configurations = match role {
            Role::OvsAgent => switch_configurations(settings),
            Role::DhcpAgent => dhcp_configurations(settings),
            Role::L3Agent => l3_configurations(),
        };
        Self { role, configurations, clock }
    }

    fn outcome<'a>(&self, changed: impl Iterator<Item = &'a PortBody>) -> Outcome {
        let at = Timestamp::from_micros(self.clock.now().as_micros());
        let mark = |port: &PortBody| PortMark { port_id: port.id, revision: port.revision, at };
        match self.role {
            Role::OvsAgent => {
                let (up, down): (Vec<_>, Vec<_>) = changed.partition(|port| port.admin_state_up);
                Outcome {
                    wired: up.into_iter().map(mark).collect(),
                    unwired: down.into_iter().map(mark).collect(),
                    ..Outcome::default()
                }
            }
            // The switch says of a router's ports that they are wired.
            Role::L3Agent => Outcome::default(),
            Role::DhcpAgent => {
                Outcome { dhcp_ready: changed.map(mark).collect(), ..Outcome::default() }
            }
        }
    }
}

#[async_trait]
impl Applier for SimulatedAgent {
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome {
        let is_changed = |id: &PortId, port: &PortBody| {
            changed.everything
                || changed.ports.contains(id)
                || changed.networks.contains(&port.network_id)
        };
        let ports = view.ports.iter().filter(|(id, port)| is_changed(id, port));
        self.outcome(ports.map(|(_, port)| port))
    }

    fn configurations(&self) -> Map<String, Value> {
        self.configurations.clone()
    }
}

fn switch_configurations(settings: &Settings) -> Map<String, Value> {
    let mappings: Map<String, Value> = settings
        .ovs
        .bridge_mappings
        .iter()
        .map(|(network, bridge)| (network.to_owned(), bridge.into()))
        .collect();
    map(json!({
        "bridge_mappings": mappings,
        "integration_bridge": settings.ovs.integration_bridge,
        "datapath_type": settings.ovs.datapath_type.to_string(),
        "tunnel_types": ["vxlan", "gre", "geneve"],
        "tunneling_ip": "192.0.2.1",
        "l2_population": true,
        "arp_responder_enabled": true,
        "enable_distributed_routing": true,
        "in_distributed_mode": true,
        "extensions": ["qos", "log", "local_ip"],
        "ovs_hybrid_plug": false,
        "log_agent_heartbeats": false,
    }))
}

fn dhcp_configurations(settings: &Settings) -> Map<String, Value> {
    map(json!({
        "dhcp_driver": settings.dhcp.dhcp_driver.to_string(),
        "dhcp_lease_duration": 86400,
        "networks": 0,
        "subnets": 0,
        "ports": 0,
        "log_agent_heartbeats": false,
    }))
}

fn l3_configurations() -> Map<String, Value> {
    map(json!({
        "agent_mode": "dvr_snat",
        "handle_internal_only_routers": true,
        "interface_driver": "openvswitch",
        "extensions": [],
        "routers": 0,
        "ex_gw_ports": 0,
        "interfaces": 0,
        "floating_ips": 0,
        "log_agent_heartbeats": false,
    }))
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use nucleon_bus::fake::sample::{network, network_id, port, port_id};
    use nucleon_conf::{Machine, Sources};

    use super::*;

    fn agent(role: Role) -> SimulatedAgent {
        let settings = Settings::load(&Sources::new(Machine::detect(&[].into()))).unwrap().settings;
        SimulatedAgent::new(role, &settings, Clock::fake())
    }

    fn view() -> View {
        let mut view = View::default();
        for id in [1, 2] {
            view.networks.insert(network_id(id), network(id, &[]));
        }
        for (id, on) in [(1, 1), (2, 1), (3, 2)] {
            let body = PortBody { revision: 5, ..port(id, on, "h1") };
            view.ports.insert(port_id(id), body);
        }
        view
    }

    fn ids(marks: &[PortMark]) -> Vec<PortId> {
        marks.iter().map(|mark| mark.port_id).collect()
    }

    #[tokio::test]
    async fn a_port_is_done_at_the_revision_that_was_asked_for() {
        let changed = Changed { ports: [port_id(2)].into(), ..Changed::default() };
        let outcome = agent(Role::OvsAgent).apply(&view(), &changed).await;
        assert_eq!(ids(&outcome.wired), [port_id(2)]);
        assert_eq!(outcome.wired[0].revision, 5);
        assert!(outcome.dhcp_ready.is_empty());
        let outcome = agent(Role::DhcpAgent).apply(&view(), &changed).await;
        assert_eq!(ids(&outcome.dhcp_ready), [port_id(2)]);
        assert!(outcome.wired.is_empty());
    }

    #[tokio::test]
    async fn a_network_that_changed_is_done_with_its_ports_and_everything_is_all() {
        let changed = Changed { networks: [network_id(1)].into(), ..Changed::default() };
        let outcome = agent(Role::OvsAgent).apply(&view(), &changed).await;
        assert_eq!(ids(&outcome.wired), [port_id(1), port_id(2)]);
        let outcome = agent(Role::OvsAgent).apply(&view(), &Changed::everything()).await;
        assert_eq!(outcome.wired.len(), 3);
    }

    #[tokio::test]
    async fn a_port_that_is_to_be_down_forwards_nothing() {
        let mut view = view();
        view.ports.get_mut(&port_id(1)).unwrap().admin_state_up = false;
        let outcome = agent(Role::OvsAgent).apply(&view, &Changed::everything()).await;
        assert_eq!(ids(&outcome.unwired), [port_id(1)]);
        assert_eq!(ids(&outcome.wired), [port_id(2), port_id(3)]);
    }
}
