//! What the host of a port must have for what QoS policies promise (aliases `port-resource-request` and
//! `port-resource-request-groups`): the compute service sets it aside when it places the machine.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::id::PortId;
use crate::qos_rule::{QosDirection, QosRule, QosRuleKind};
use crate::segment::Segment;
use crate::shape::{Shape, shaped};

/// Resources and traits that one provider must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestGroup {
    pub id: Uuid,
    pub required: Vec<String>,
    pub resources: BTreeMap<&'static str, i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceRequest {
    pub request_groups: Vec<RequestGroup>,
    /// The groups that are to come from one host.
    pub same_subtree: Vec<Uuid>,
}

shaped! {
    ResourceRequest => Shape::Object(&[
        ("request_groups", Shape::List(&Shape::Object(&[
            ("id", Shape::Uuid),
            ("required", Shape::List(&Shape::Text)),
            ("resources", Shape::Dict),
        ]))),
        ("same_subtree", Shape::List(&Shape::Uuid)),
    ]);
}

impl ResourceRequest {
    /// What a port asks for under a policy with these rules, on a network with this first segment; `None` where nothing is
    /// promised.
    pub fn of(
        port: PortId,
        vnic_type: &str,
        first_segment: Option<&Segment>,
        rules: &[QosRule],
    ) -> Option<Self> {
        let card = custom("VNIC_TYPE_", vnic_type);
        let group = |kind, required: Vec<String>| {
            let rules: Vec<&QosRule> = rules.iter().filter(|rule| rule.kind == kind).collect();
            let resources: BTreeMap<_, _> =
                rules.iter().filter_map(|rule| Some((class(rule)?, rule.number))).collect();
            (!resources.is_empty()).then(|| RequestGroup {
                id: group_id(port, &rules),
                required,
                resources,
            })
        };
        let network = first_segment.map(|segment| match &segment.physical_network {
            Some(name) => custom("PHYSNET_", name),
            None => "CUSTOM_NETWORK_TUNNEL_PROVIDER".to_owned(),
        });
        let bandwidth = network
            .and_then(|network| group(QosRuleKind::MinimumBandwidth, vec![network, card.clone()]));
        let packets = group(QosRuleKind::MinimumPacketRate, vec![card]);
        let request_groups: Vec<RequestGroup> = bandwidth.into_iter().chain(packets).collect();
        let same_subtree: Vec<Uuid> = request_groups.iter().map(|group| group.id).collect();
        (!same_subtree.is_empty()).then_some(Self { request_groups, same_subtree })
    }
}

/// The placement service's name of what a rule promises (os-resource-classes).
fn class(rule: &QosRule) -> Option<&'static str> {
    use QosDirection::{Any, Egress, Ingress};
    use QosRuleKind::{MinimumBandwidth, MinimumPacketRate};
    match (rule.kind, rule.direction?) {
        (MinimumBandwidth, Egress) => Some("NET_BW_EGR_KILOBIT_PER_SEC"),
        (MinimumBandwidth, Ingress) => Some("NET_BW_IGR_KILOBIT_PER_SEC"),
        (MinimumPacketRate, Egress) => Some("NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC"),
        (MinimumPacketRate, Ingress) => Some("NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC"),
        (MinimumPacketRate, Any) => Some("NET_PACKET_RATE_KILOPACKET_PER_SEC"),
        _ => None,
    }
}

/// A trait of one's own, as os-traits spells it.
fn custom(prefix: &str, name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = name.chars().map(|letter| plain(letter.to_ascii_uppercase())).collect();
    format!("CUSTOM_{prefix}{name}")
}

/// The same for the same port and rules.
fn group_id(port: PortId, rules: &[&QosRule]) -> Uuid {
    let names: Vec<String> = rules.iter().map(|rule| rule.id.to_string()).collect();
    Uuid::new_v5(&port.uuid(), names.join(":").as_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{QosPolicyId, QosRuleId};

    fn rule(kind: QosRuleKind, number: i64, direction: QosDirection) -> QosRule {
        QosRule {
            id: QosRuleId::new(Uuid::from_u128(1)),
            qos_policy_id: QosPolicyId::default(),
            kind,
            number,
            burst: 0,
            direction: Some(direction),
        }
    }

    #[test]
    fn a_port_asks_for_what_it_is_promised() {
        let rules = [
            rule(QosRuleKind::MinimumBandwidth, 100, QosDirection::Egress),
            rule(QosRuleKind::BandwidthLimit, 200, QosDirection::Egress),
            rule(QosRuleKind::MinimumPacketRate, 7, QosDirection::Any),
        ];
        let segment =
            Segment { physical_network: Some("physnet-1".to_owned()), ..Segment::default() };
        let request = ResourceRequest::of(PortId::default(), "normal", Some(&segment), &rules);
        // The groups' identifiers are those of Python's uuid.uuid5.
        let id = "957c402d-46fd-50e5-b008-17a03dbe72ed";
        let shown = serde_json::to_value(request).unwrap();
        let groups = &shown["request_groups"];
        assert_eq!(
            groups[0]["required"],
            json!(["CUSTOM_PHYSNET_PHYSNET_1", "CUSTOM_VNIC_TYPE_NORMAL"])
        );
        assert_eq!(groups[0]["resources"], json!({"NET_BW_EGR_KILOBIT_PER_SEC": 100}));
        assert_eq!(groups[0]["id"], id);
        assert_eq!(groups[1]["required"], json!(["CUSTOM_VNIC_TYPE_NORMAL"]));
        assert_eq!(groups[1]["resources"], json!({"NET_PACKET_RATE_KILOPACKET_PER_SEC": 7}));
        assert_eq!(shown["same_subtree"], json!([id, id]));
    }

    #[test]
    fn a_limit_asks_for_nothing() {
        let rules = [rule(QosRuleKind::BandwidthLimit, 200, QosDirection::Egress)];
        assert_eq!(ResourceRequest::of(PortId::default(), "normal", None, &rules), None);
    }
}
