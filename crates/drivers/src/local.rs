//! Local networks: within one host, on no wire.

use nucleon_core::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use nucleon_core::{Error, Result, Settings};

use crate::invalid;

#[derive(Debug, Clone, Copy, Default)]
pub struct Local;

const NOWHERE: Choice = Choice { physical_network: None, segmentation_id: None, reservation: None };

impl TypeDriver for Local {
    fn network_type(&self) -> &'static str {
        "local"
    }

    fn plan(&self, spec: &SegmentSpec) -> Result<Plan> {
        if let Some(physical_network) = &spec.physical_network {
            return Err(invalid(format!(
                "physical_network '{physical_network}' prohibited for local provider network"
            )));
        }
        if spec.segmentation_id.is_some() {
            return Err(invalid("segmentation_id prohibited for local provider network"));
        }
        Ok(Plan::Exact(NOWHERE))
    }

    fn plan_project(&self) -> Plan {
        Plan::Exact(NOWHERE)
    }

    fn choose(&self, _: &str, _: i64) -> Choice {
        NOWHERE
    }

    /// Cannot happen: nothing is reserved.
    fn in_use(&self, _: &Choice) -> Error {
        Error::conflict("NetworkInUse", "The local network is in use.")
    }

    fn mtu(&self, _: Option<&str>, settings: &Settings) -> u32 {
        settings.global_physnet_mtu
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_network_touches_no_hardware() {
        let mut spec = SegmentSpec::default();
        assert!(Local.plan(&spec).is_ok());
        spec.physical_network = Some("physnet1".to_owned());
        assert!(Local.plan(&spec).is_err());
    }
}
