//! Type drivers: one per kind of segment.

use std::fmt::Debug;

use nucleon_model::NetworkType;

use crate::{Error, Result, Settings};

/// A segment as a request describes it; what it leaves out, the driver chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SegmentSpec {
    pub network_type: NetworkType,
    pub physical_network: Option<String>,
    pub segmentation_id: Option<i64>,
}

/// What a driver makes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// This segment, no other.
    Exact(Choice),
    /// The first of these ranges of ids that has a free one: physical network, first and last id.
    AnyOf(Vec<(String, i64, i64)>),
}

/// A segment all of whose parts are decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub physical_network: Option<String>,
    pub segmentation_id: Option<i64>,
    /// What no two segments may share; `None` where sharing does no harm.
    pub reservation: Option<String>,
}

/// A kind of segment.
pub trait TypeDriver: Debug + Send + Sync {
    /// As in `provider:network_type`.
    fn network_type(&self) -> &'static str;

    /// Checks a segment that an administrator describes, and says what is to be reserved.
    ///
    /// # Errors
    /// What is wrong with the description, in Neutron's words.
    fn plan(&self, spec: &SegmentSpec) -> Result<Plan>;

    /// What a network without provider attributes may get.
    fn plan_project(&self) -> Plan;

    /// The reservation of an id chosen from [`Plan::AnyOf`].
    fn choose(&self, physical_network: &str, id: i64) -> Choice;

    /// The refusal when the reservation is taken.
    fn in_use(&self, choice: &Choice) -> Error;

    /// The largest packet, in bytes.
    fn mtu(&self, physical_network: Option<&str>, settings: &Settings) -> u32;
}
