//! The five kinds of rules as resources.

use super::{QosDirection, QosRule, QosRuleKind};
use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{QosPolicyId, QosRuleId};
use crate::rule::Rule;
use crate::standard::{Standard, standard};

/// A rule of one kind, for code that treats the kinds alike.
pub trait RuleOfKind: Standard<Id = QosRuleId> {
    const KIND: QosRuleKind;

    /// The rule that a request asks for, with the declared defaults.
    fn asked(draft: &Self::Draft) -> Self;

    /// Takes over what a request says.
    fn take(&mut self, draft: Self::Draft);

    fn policy_id(&self) -> QosPolicyId;

    fn set_policy_id(&mut self, id: QosPolicyId);

    fn rule(&self) -> QosRule;
}

/// The largest number in a rule (that of the database's integers with 32 bits).
const MOST: i64 = 2_147_483_647;

/// All but those that RFC 2474 leaves for experiments.
pub(crate) const DSCP_MARKS: &[i64] =
    &[0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56];

const DIRECTIONS: &[&str] = &["ingress", "egress"];
const DIRECTIONS_AND_ANY: &[&str] = &["ingress", "egress", "any"];

/// Declares the resource of a kind: its names, its number, burst and direction, and its attributes as [`resource!`] takes
/// them.
macro_rules! kind {
    (
        $(#[doc = $doc:literal])+
        $record:ident, $draft:ident: $kind:ident, $name:literal / $collection:literal, titled $title:literal,
        in $table:literal, by $alias:literal, ruled $ruled:literal;
        $number:ident $(with $burst:ident)? $(for $direction:ident)? { $($settable:tt)* }
    ) => {
        resource! {
            $(#[doc = $doc])+
            $record, $draft: $name / $collection, titled $title, in $table,
            missing "QosRuleNotFound" "QoS rule {} for policy  could not be found.", ruled $ruled;
            settable { $($settable)* }
            computed {
                /// Its identifier.
                "id": id: QosRuleId ["id"] { $alias, flags!(FILTER SORT) }
            }
            mirrors {}
            internal {
                /// The policy that it is of.
                qos_policy_id: QosPolicyId ["qos_policy_id"]
                /// Whose that policy is, where it was looked up.
                parent_project: Option<String>
                /// How often it was changed.
                revision_number: i64 ["revision_number"]
            }
        }

        standard! { $record: QosRuleId, parent_project }

        impl RuleOfKind for $record {
            const KIND: QosRuleKind = QosRuleKind::$kind;

            fn asked(draft: &Self::Draft) -> Self {
                Self {
                    $number: draft.$number.get().copied().unwrap_or_default(),
                    $( $burst: draft.$burst.get().copied().unwrap_or_default(), )?
                    $( $direction: draft.$direction.get().copied().unwrap_or_default(), )?
                    ..Self::default()
                }
            }

            fn take(&mut self, draft: Self::Draft) {
                draft.$number.apply(&mut self.$number);
                $( draft.$burst.apply(&mut self.$burst); )?
                $( draft.$direction.apply(&mut self.$direction); )?
            }

            fn policy_id(&self) -> QosPolicyId {
                self.qos_policy_id
            }

            fn set_policy_id(&mut self, id: QosPolicyId) {
                self.qos_policy_id = id;
            }

            fn rule(&self) -> QosRule {
                let bursts: &[i64] = &[$( self.$burst )?];
                let directions: &[QosDirection] = &[$( self.$direction )?];
                QosRule {
                    id: self.id,
                    qos_policy_id: self.qos_policy_id,
                    kind: Self::KIND,
                    number: self.$number,
                    burst: bursts.first().copied().unwrap_or_default(),
                    direction: directions.first().copied(),
                }
            }
        }
    };
}

kind! {
    /// Limits how much traffic there is.
    BandwidthLimitRule, BandwidthLimitRuleDraft: BandwidthLimit,
    "bandwidth_limit_rule" / "bandwidth_limit_rules", titled "QosBandwidthLimitRule",
    in "qos_bandwidth_limit_rules", by "qos", ruled "policy_bandwidth_limit_rule";
    max_kbps with max_burst_kbps for direction {
        /// So many kilobits per second at most.
        "max_kbps": max_kbps: i64 as i64 ["max_kbps"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Required }
        /// So many kilobits at once at most; 0 leaves it to the data plane.
        "max_burst_kbps": max_burst_kbps: i64 as i64 ["max_burst_kbps"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Int(0) }
        /// The traffic that it is about: from the port, or to it.
        "direction": direction: QosDirection as QosDirection ["direction"]
            { "qos-bw-limit-direction", flags!(POST PUT FILTER SORT), Rule::OneOf(DIRECTIONS), Unless::Text("egress") }
    }
}

kind! {
    /// Marks packets for the network to know what service they are to get.
    DscpMarkingRule, DscpMarkingRuleDraft: DscpMarking,
    "dscp_marking_rule" / "dscp_marking_rules", titled "QosDscpMarkingRule",
    in "qos_dscp_marking_rules", by "qos", ruled "policy_dscp_marking_rule";
    dscp_mark {
        /// The mark.
        "dscp_mark": dscp_mark: i64 as i64 ["dscp_mark"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::OneOfInt(DSCP_MARKS), Unless::Required }
    }
}

kind! {
    /// Sets how much traffic there can always be.
    MinimumBandwidthRule, MinimumBandwidthRuleDraft: MinimumBandwidth,
    "minimum_bandwidth_rule" / "minimum_bandwidth_rules", titled "QosMinimumBandwidthRule",
    in "qos_minimum_bandwidth_rules", by "qos", ruled "policy_minimum_bandwidth_rule";
    min_kbps for direction {
        /// So many kilobits per second at least.
        "min_kbps": min_kbps: i64 as i64 ["min_kbps"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Required }
        /// The traffic that it is about: from the port, or to it.
        "direction": direction: QosDirection as QosDirection ["direction"]
            { "qos", flags!(POST PUT FILTER SORT), Rule::OneOf(DIRECTIONS), Unless::Text("egress") }
    }
}

kind! {
    /// Sets how many packets there can always be.
    MinimumPacketRateRule, MinimumPacketRateRuleDraft: MinimumPacketRate,
    "minimum_packet_rate_rule" / "minimum_packet_rate_rules", titled "QosMinimumPacketRateRule",
    in "qos_minimum_packet_rate_rules", by "qos-pps-minimum", ruled "policy_minimum_packet_rate_rule";
    min_kpps for direction {
        /// So many thousands of packets per second at least.
        "min_kpps": min_kpps: i64 as i64 ["min_kpps"]
            { "qos-pps-minimum", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Required }
        /// The packets that it is about: from the port, to it, or both together.
        "direction": direction: QosDirection as QosDirection ["direction"]
            { "qos-pps-minimum", flags!(POST PUT FILTER SORT), Rule::OneOf(DIRECTIONS_AND_ANY), Unless::Text("egress") }
    }
}

kind! {
    /// Limits how many packets there are.
    PacketRateLimitRule, PacketRateLimitRuleDraft: PacketRateLimit,
    "packet_rate_limit_rule" / "packet_rate_limit_rules", titled "QosPacketRateLimitRule",
    in "qos_packet_rate_limit_rules", by "qos-pps", ruled "policy_packet_rate_limit_rule";
    max_kpps with max_burst_kpps for direction {
        /// So many thousands of packets per second at most.
        "max_kpps": max_kpps: i64 as i64 ["max_kpps"]
            { "qos-pps", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Required }
        /// So many thousands of packets at once at most; 0 leaves it to the data plane.
        "max_burst_kpps": max_burst_kpps: i64 as i64 ["max_burst_kpps"]
            { "qos-pps", flags!(POST PUT FILTER SORT), Rule::Range(0, MOST), Unless::Int(0) }
        /// The packets that it is about: from the port, or to it.
        "direction": direction: QosDirection as QosDirection ["direction"]
            { "qos-pps", flags!(POST PUT FILTER SORT), Rule::OneOf(DIRECTIONS), Unless::Text("egress") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<T: RuleOfKind>() -> (QosRuleKind, String, Vec<&'static str>) {
        let decl = T::DECL;
        let attributes = decl.attributes.iter().map(|attribute| attribute.name).collect();
        (T::KIND, format!("{} in {}", decl.name, decl.table), attributes)
    }

    #[test]
    fn a_resource_is_what_its_kind_says() {
        for (kind, declared, attributes) in [
            names::<BandwidthLimitRule>(),
            names::<DscpMarkingRule>(),
            names::<MinimumBandwidthRule>(),
            names::<MinimumPacketRateRule>(),
            names::<PacketRateLimitRule>(),
        ] {
            assert_eq!(declared, format!("{kind}_rule in {}", kind.table()));
            let direction = kind.is_directed().then_some("direction");
            let expected = [Some(kind.number()), kind.burst(), direction, Some("id")];
            assert_eq!(attributes, expected.into_iter().flatten().collect::<Vec<_>>());
        }
    }
}
