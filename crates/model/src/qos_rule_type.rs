//! Kinds of QoS rules, and what mechanism drivers make of them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::attribute::flags;
use crate::declare::resource;
use crate::id::QosRuleId;
use crate::qos_rule::{QosDirection, QosRuleKind};
use crate::shape::{Shape, shaped};
use crate::standard::standard;

/// A kind of rules that a driver carries out, and within what bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportedRule {
    pub kind: QosRuleKind,
    pub directions: &'static [QosDirection],
}

/// What a driver says of a kind of rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTypeDriver {
    pub name: &'static str,
    pub supported_parameters: Vec<Value>,
}

impl RuleTypeDriver {
    pub fn new(driver: &'static str, supported: &SupportedRule) -> Self {
        let range = |name| {
            json!({
                "parameter_name": name,
                "parameter_type": "range",
                "parameter_values": {"start": 0, "end": i32::MAX},
            })
        };
        let choices = |name, values: Value| json!({"parameter_name": name, "parameter_type": "choices", "parameter_values": values});
        let kind = supported.kind;
        let mut supported_parameters = vec![match kind {
            QosRuleKind::DscpMarking => choices(kind.number(), json!(crate::qos_rule::DSCP_MARKS)),
            _ => range(kind.number()),
        }];
        supported_parameters.extend(kind.burst().map(range));
        if kind.is_directed() {
            supported_parameters.push(choices("direction", json!(supported.directions)));
        }
        Self { name: driver, supported_parameters }
    }
}

shaped! {
    RuleTypeDriver => Shape::Object(&[
        ("name", Shape::Text),
        ("supported_parameters", Shape::List(&Shape::Dict)),
    ]);
}

resource! {
    /// A kind of QoS rules.
    QosRuleType, QosRuleTypeDraft: "rule_type" / "rule_types", titled "QosRuleType", in "", at "qos/rule-types",
    missing "QosRuleTypeNotFound" "QoS rule type {} could not be found.";
    settable {}
    computed {
        /// Its name.
        "type": name: String { "qos", flags!() }
        /// What drivers say of it. Shown to administrators, of one kind at a time.
        "drivers": drivers: Option<Vec<RuleTypeDriver>> { "qos-rule-type-details", flags!() }
        /// Asks for what any driver carries out, rather than what all do.
        "all_supported": all_supported: bool { "qos-rule-type-filter", flags!(FILTER HIDDEN) }
        /// Asks for all kinds there are.
        "all_rules": all_rules: bool { "qos-rule-type-filter", flags!(FILTER HIDDEN) }
    }
    mirrors {}
    internal {
        /// Nothing names a kind but its name.
        id: QosRuleId
        /// Who asks: everybody sees the kinds.
        project_id: String
        /// They never change.
        revision_number: i64
    }
}

standard! { QosRuleType: QosRuleId, project_id }
