//! Open vSwitch: segments reach a host by the bridge mappings that its agent reports.

use nucleon_core::driver::{BindContext, Binding, MechanismDriver, QosSupport};
use nucleon_model::{
    Agent, AgentType, NetworkType, QosDirection, QosRuleKind, Segment, SupportedRule, port,
};
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, Default)]
pub struct OpenVSwitch;

/// Kinds of virtual card that a switch in software can serve.
const VNIC_TYPES: &[&str] = &["normal", "smart-nic"];

const BOTH_WAYS: &[QosDirection] = &[QosDirection::Ingress, QosDirection::Egress];

/// As Neutron's driver has it.
const QOS: QosSupport = QosSupport {
    vif_types: &["ovs", "vhostuser"],
    vnic_types: &["normal", "direct"],
    rules: &[
        SupportedRule { kind: QosRuleKind::BandwidthLimit, directions: BOTH_WAYS },
        SupportedRule { kind: QosRuleKind::PacketRateLimit, directions: BOTH_WAYS },
        SupportedRule { kind: QosRuleKind::DscpMarking, directions: &[] },
        SupportedRule { kind: QosRuleKind::MinimumBandwidth, directions: BOTH_WAYS },
        SupportedRule {
            kind: QosRuleKind::MinimumPacketRate,
            directions: &[QosDirection::Ingress, QosDirection::Egress, QosDirection::Any],
        },
    ],
};

impl MechanismDriver for OpenVSwitch {
    fn name(&self) -> &'static str {
        "openvswitch"
    }

    fn qos(&self) -> Option<&'static QosSupport> {
        Some(&QOS)
    }

    fn bind(&self, context: &BindContext<'_>) -> Binding {
        if !VNIC_TYPES.contains(&context.port.vnic_type.as_str()) {
            return Binding::Pass;
        }
        let kind = AgentType::OpenVSwitch.as_str();
        for agent in context.agents.iter().filter(|agent| agent.agent_type == kind) {
            if let Some(segment) = context.segments.iter().find(|segment| reaches(agent, segment)) {
                return Binding::Bound {
                    segment: segment.id,
                    vif_type: port::vif_type::OVS.to_owned(),
                    vif_details: vif_details(agent),
                };
            }
        }
        Binding::Pass
    }
}

/// Whether an agent's host carries a segment.
fn reaches(agent: &Agent, segment: &Segment) -> bool {
    match segment.network_type.as_str() {
        NetworkType::LOCAL => true,
        NetworkType::FLAT | NetworkType::VLAN => {
            segment.physical_network.as_deref().is_some_and(|physical_network| {
                agent
                    .configurations
                    .get("bridge_mappings")
                    .and_then(Value::as_object)
                    .is_some_and(|mappings| mappings.contains_key(physical_network))
            })
        }
        tunnel => {
            let types = agent.configurations.get("tunnel_types").and_then(Value::as_array);
            types.is_some_and(|types| types.iter().any(|kind| kind == tunnel))
        }
    }
}

/// What the compute service's os-vif needs to plug a card.
fn vif_details(agent: &Agent) -> Map<String, Value> {
    let text = |key: &str, default: &str| {
        agent.configurations.get(key).and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let details = json!({
        "connectivity": "l2",
        // The compute service need not filter: a port that is not wired is cut off by the switch itself.
        "port_filter": false,
        "ovs_hybrid_plug": false,
        "datapath_type": text("datapath_type", "system"),
        "bridge_name": text("integration_bridge", "br-int"),
        "bound_drivers": {"0": "openvswitch"},
    });
    match details {
        Value::Object(details) => details,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::{Port, SegmentId};

    use super::*;

    fn agent(configurations: Value) -> Agent {
        let Value::Object(configurations) = configurations else { panic!() };
        Agent {
            agent_type: AgentType::OpenVSwitch.as_str().into(),
            configurations,
            ..Agent::default()
        }
    }

    fn segment(number: u128, network_type: &str, physical_network: Option<&str>) -> Segment {
        Segment {
            id: SegmentId::new(uuid(number)),
            network_type: NetworkType::new(network_type),
            physical_network: physical_network.map(str::to_owned),
            ..Segment::default()
        }
    }

    fn uuid(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    fn bind(vnic_type: &str, segments: &[Segment], agents: &[Agent]) -> Binding {
        let port = Port { vnic_type: vnic_type.into(), ..Port::default() };
        OpenVSwitch.bind(&BindContext { port: &port, segments, agents })
    }

    #[test]
    fn a_port_is_bound_to_the_segment_that_its_host_reaches() {
        let agents =
            [agent(json!({"bridge_mappings": {"physnet2": "br-b"}, "datapath_type": "netdev"}))];
        let segments = [segment(1, "vlan", Some("physnet1")), segment(2, "vlan", Some("physnet2"))];
        let Binding::Bound { segment, vif_type, vif_details } = bind("normal", &segments, &agents)
        else {
            panic!()
        };
        assert_eq!(segment, SegmentId::new(uuid(2)));
        assert_eq!(vif_type, "ovs");
        assert_eq!(vif_details["datapath_type"], "netdev");
        assert_eq!(vif_details["bridge_name"], "br-int");
    }

    #[test]
    fn a_tunnel_reaches_the_hosts_whose_agents_speak_it() {
        let agents = [agent(json!({"bridge_mappings": {}, "tunnel_types": ["vxlan"]}))];
        let bound = |kind| bind("normal", &[segment(1, kind, None)], &agents) != Binding::Pass;
        assert_eq!((bound("vxlan"), bound("geneve")), (true, false));
    }

    #[test]
    fn what_the_switch_cannot_serve_is_left_to_others() {
        let agents = [agent(json!({"bridge_mappings": {}}))];
        let vlan = [segment(1, "vlan", Some("physnet1"))];
        assert_eq!(bind("normal", &vlan, &agents), Binding::Pass);
        assert_eq!(bind("direct", &[segment(1, "local", None)], &agents), Binding::Pass);
        assert_eq!(bind("normal", &[segment(1, "local", None)], &[]), Binding::Pass);
    }
}
