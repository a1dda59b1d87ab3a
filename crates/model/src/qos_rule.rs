//! Rules of QoS policies: five kinds, each a resource of its own below its policy.
//!
//! Whatever its kind, a rule is a number, perhaps with a burst, perhaps for one direction: [`QosRule`] is that, for all
//! that looks at the rules of a policy as a whole.

mod alias;
mod kind;

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::alias::{Aliased, HasAlias};
pub(crate) use self::kind::DSCP_MARKS;
pub use self::kind::{
    BandwidthLimitRule, BandwidthLimitRuleDraft, DscpMarkingRule, DscpMarkingRuleDraft,
    MinimumBandwidthRule, MinimumBandwidthRuleDraft, MinimumPacketRateRule,
    MinimumPacketRateRuleDraft, PacketRateLimitRule, PacketRateLimitRuleDraft, RuleOfKind,
};

use crate::id::{QosPolicyId, QosRuleId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::stored::stored_as_text;
use crate::value::{AttrValue, Invalid};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QosRuleKind {
    BandwidthLimit,
    DscpMarking,
    MinimumBandwidth,
    MinimumPacketRate,
    PacketRateLimit,
}

impl QosRuleKind {
    /// In the order in which policies show their rules.
    pub const ALL: [Self; 5] = [
        Self::BandwidthLimit,
        Self::DscpMarking,
        Self::MinimumBandwidth,
        Self::MinimumPacketRate,
        Self::PacketRateLimit,
    ];

    /// As in the API: `bandwidth_limit`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BandwidthLimit => "bandwidth_limit",
            Self::DscpMarking => "dscp_marking",
            Self::MinimumBandwidth => "minimum_bandwidth",
            Self::MinimumPacketRate => "minimum_packet_rate",
            Self::PacketRateLimit => "packet_rate_limit",
        }
    }

    /// Where rules of this kind lie.
    pub const fn table(self) -> &'static str {
        match self {
            Self::BandwidthLimit => "qos_bandwidth_limit_rules",
            Self::DscpMarking => "qos_dscp_marking_rules",
            Self::MinimumBandwidth => "qos_minimum_bandwidth_rules",
            Self::MinimumPacketRate => "qos_minimum_packet_rate_rules",
            Self::PacketRateLimit => "qos_packet_rate_limit_rules",
        }
    }

    /// What the number of a rule is called.
    pub const fn number(self) -> &'static str {
        match self {
            Self::BandwidthLimit => "max_kbps",
            Self::DscpMarking => "dscp_mark",
            Self::MinimumBandwidth => "min_kbps",
            Self::MinimumPacketRate => "min_kpps",
            Self::PacketRateLimit => "max_kpps",
        }
    }

    /// What its burst is called, where there is one.
    pub const fn burst(self) -> Option<&'static str> {
        match self {
            Self::BandwidthLimit => Some("max_burst_kbps"),
            Self::PacketRateLimit => Some("max_burst_kpps"),
            Self::DscpMarking | Self::MinimumBandwidth | Self::MinimumPacketRate => None,
        }
    }

    /// Whether a rule is about one direction.
    pub const fn is_directed(self) -> bool {
        !matches!(self, Self::DscpMarking)
    }
}

impl fmt::Display for QosRuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which way the traffic goes, as its port sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QosDirection {
    #[default]
    Egress,
    Ingress,
    /// Both together (minimum packet rates only).
    Any,
}

/// A text that is no direction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no direction")]
pub struct InvalidDirection(String);

impl QosDirection {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for QosDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for QosDirection {
    type Err = InvalidDirection;

    fn from_str(text: &str) -> Result<Self, InvalidDirection> {
        let mut all = [Self::Egress, Self::Ingress, Self::Any].into_iter();
        all.find(|one| one.as_str() == text).ok_or_else(|| InvalidDirection(text.to_owned()))
    }
}

impl Serialize for QosDirection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl AttrValue for QosDirection {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let text = String::from_json(value, rule)?;
        text.parse().map_err(|error: InvalidDirection| Invalid::rule(error.to_string()))
    }
}

stored_as_text! { QosDirection }

/// A rule of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QosRule {
    pub id: QosRuleId,
    pub qos_policy_id: QosPolicyId,
    pub kind: QosRuleKind,
    /// Kilobits or thousands of packets per second, or a DSCP mark.
    pub number: i64,
    /// 0 where the kind knows none, and where the data plane is to choose.
    pub burst: i64,
    pub direction: Option<QosDirection>,
}

/// As its policy shows it.
impl Serialize for QosRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("qos_policy_id", &self.qos_policy_id)?;
        map.serialize_entry(self.kind.number(), &self.number)?;
        if let Some(burst) = self.kind.burst() {
            map.serialize_entry(burst, &self.burst)?;
        }
        if let Some(direction) = self.direction {
            map.serialize_entry("direction", &direction)?;
        }
        map.serialize_entry("type", self.kind.as_str())?;
        map.end()
    }
}

shaped! {
    QosDirection => Shape::Text;
    QosRule => Shape::Dict;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_is_shown_in_the_words_of_its_kind() {
        let rule = QosRule {
            id: QosRuleId::default(),
            qos_policy_id: QosPolicyId::default(),
            kind: QosRuleKind::PacketRateLimit,
            number: 10,
            burst: 2,
            direction: Some(QosDirection::Ingress),
        };
        let nil = "00000000-0000-0000-0000-000000000000";
        assert_eq!(
            serde_json::to_value(rule).unwrap(),
            json!({
                "id": nil, "qos_policy_id": nil, "max_kpps": 10, "max_burst_kpps": 2,
                "direction": "ingress", "type": "packet_rate_limit",
            })
        );
        let mark = QosRule { kind: QosRuleKind::DscpMarking, direction: None, ..rule };
        assert_eq!(
            serde_json::to_value(mark).unwrap(),
            json!({"id": nil, "qos_policy_id": nil, "dscp_mark": 10, "type": "dscp_marking"})
        );
    }
}
