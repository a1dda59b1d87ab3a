//! What can be run by name: each scenario brings up its own lab and says what it checks.

mod dhcp;
mod faults;
mod lab_self;
mod plug_isolation;
mod provider_flat;
mod provider_vlan;
mod restart_hitless;
mod upkeep;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Result;

use crate::lab::Lab;

/// A scenario.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// What holds when it succeeds.
    pub checks: &'static str,
    run: fn(Arc<Lab>) -> Running,
}

/// A scenario that is under way.
pub type Running = Pin<Box<dyn Future<Output = Result<()>>>>;

/// All scenarios, by name.
pub const SCENARIOS: &[Scenario] = &[
    lab_self::SCENARIO,
    provider_vlan::SCENARIO,
    provider_flat::SCENARIO,
    dhcp::SCENARIO,
    plug_isolation::SCENARIO,
    restart_hitless::SCENARIO,
    faults::SCENARIO,
    faults::WITH_DATABASE,
    upkeep::SCENARIO,
];

impl Scenario {
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Runs it in `lab`, which must be empty and outlives what the scenario makes in it.
    pub async fn run(&self, lab: Arc<Lab>) -> Result<()> {
        (self.run)(lab).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_found_by_its_name_alone() {
        for scenario in SCENARIOS {
            let found = Scenario::named(scenario.name).unwrap();
            assert_eq!(found.checks, scenario.checks, "two are named {}", scenario.name);
        }
        assert!(Scenario::named("no-such-thing").is_none());
    }
}
