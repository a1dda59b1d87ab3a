//! Mechanism drivers: what carries segments to hosts.

use std::fmt::Debug;

use nucleon_model::{Agent, Network, Port, Segment, SegmentId, Subnet};
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
}
