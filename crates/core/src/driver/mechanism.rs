//! Mechanism drivers: what carries segments to hosts.

use std::fmt::Debug;

use nucleon_model::{
    Agent, Network, Port, QosRule, QosRuleKind, Segment, SegmentId, Subnet, SupportedRule,
};
use serde_json::{Map, Value};

/// A change that is about to be committed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Change<'a> {
    NetworkCreate(&'a Network),
    NetworkUpdate { before: &'a Network, after: &'a Network },
    SubnetCreate(&'a Subnet),
    PortCreate(&'a Port),
    PortUpdate { before: &'a Port, after: &'a Port },
}

/// Why a driver cannot have a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{driver}: {reason}")]
pub struct Refusal {
    pub driver: &'static str,
    pub reason: String,
}

/// What a driver sees of a port to be bound.
#[derive(Debug, Clone, Copy)]
pub struct BindContext<'a> {
    pub port: &'a Port,
    /// Segments to choose from.
    pub segments: &'a [Segment],
    /// Agents on the port's host that are alive.
    pub agents: &'a [Agent],
}

/// A driver's answer to a port.
#[derive(Debug, Clone, PartialEq)]
pub enum Binding {
    /// This is how it is bound.
    Bound { segment: SegmentId, vif_type: String, vif_details: Map<String, Value> },
    /// These segments, one level down, are to be bound instead.
    Next(Vec<Segment>),
    /// Not mine.
    Pass,
}

/// What a driver does for quality of service.
#[derive(Debug, Clone, Copy)]
pub struct QosSupport {
    /// Of ports that are bound.
    pub vif_types: &'static [&'static str],
    /// Of ports that are not.
    pub vnic_types: &'static [&'static str],
    pub rules: &'static [SupportedRule],
}

impl QosSupport {
    /// What it does of a kind of rules.
    pub fn rule(&self, kind: QosRuleKind) -> Option<&'static SupportedRule> {
        self.rules.iter().find(|rule| rule.kind == kind)
    }

    pub fn carries_out(&self, rule: &QosRule) -> bool {
        let directed = |supported: &SupportedRule| {
            rule.direction.is_none_or(|direction| supported.directions.contains(&direction))
        };
        self.rule(rule.kind).is_some_and(directed)
    }
}

/// Something that carries segments to hosts.
pub trait MechanismDriver: Debug + Send + Sync {
    /// As in `[ml2] mechanism_drivers`.
    fn name(&self) -> &'static str;

    /// Whether the change may be committed.
    ///
    /// # Errors
    /// Why not.
    fn check(&self, change: &Change<'_>) -> Result<(), Refusal> {
        let _ = change;
        Ok(())
    }

    fn bind(&self, context: &BindContext<'_>) -> Binding;

    /// What it does for quality of service, if anything.
    fn qos(&self) -> Option<&'static QosSupport> {
        None
    }
}
