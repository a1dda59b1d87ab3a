//! The seams for drivers. Traits here, implementations above, wired in the binary.
//!
//! What runs inside a transaction is synchronous and pure: it sees what it is given and says what should be.

mod mechanism;
mod types;

use std::sync::Arc;

pub use crate::driver::mechanism::{
    BindContext, Binding, Change, MechanismDriver, QosSupport, Refusal,
};
pub use crate::driver::types::{Choice, Plan, SegmentSpec, TypeDriver};

/// The drivers of a cloud, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct Drivers {
    pub types: Vec<Arc<dyn TypeDriver>>,
    pub mechanisms: Vec<Arc<dyn MechanismDriver>>,
}

impl Drivers {
    pub fn type_driver(&self, network_type: &str) -> Option<&dyn TypeDriver> {
        self.types
            .iter()
            .find(|driver| driver.network_type() == network_type)
            .map(|driver| &**driver)
    }
}
