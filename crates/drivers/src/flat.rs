//! Flat networks: a physical network as it is, without a tag.

use nucleon_core::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use nucleon_core::{Error, Result, Settings};

use crate::{invalid, physical_mtu};

/// `[ml2_type_flat]`.
#[derive(Debug, Clone)]
pub struct Flat {
    /// Physical networks that may be used; `None` is all (`flat_networks = *`).
    networks: Option<Vec<String>>,
}

impl Flat {
    /// `flat_networks` as configured; `*` among them stands for all.
    pub fn new(flat_networks: &[String]) -> Self {
        let all = flat_networks.iter().any(|name| name == "*");
        Self { networks: (!all).then(|| flat_networks.to_vec()) }
    }
}

impl TypeDriver for Flat {
    fn network_type(&self) -> &'static str {
        "flat"
    }

    fn plan(&self, spec: &SegmentSpec) -> Result<Plan> {
        let Some(physical_network) = &spec.physical_network else {
            return Err(invalid("physical_network required for flat provider network"));
        };
        if spec.segmentation_id.is_some() {
            return Err(invalid("segmentation_id prohibited for flat provider network"));
        }
        match &self.networks {
            Some(known) if known.is_empty() => Err(invalid("Flat provider networks are disabled")),
            Some(known) if !known.contains(physical_network) => Err(invalid(format!(
                "Physical network '{physical_network}' unknown for flat provider network"
            ))),
            _ => Ok(Plan::Exact(Choice {
                physical_network: Some(physical_network.clone()),
                segmentation_id: None,
                reservation: Some(format!("flat:{physical_network}")),
            })),
        }
    }

    /// Projects do not choose hardware.
    fn plan_project(&self) -> Plan {
        Plan::AnyOf(Vec::new())
    }

    fn choose(&self, physical_network: &str, _: i64) -> Choice {
        Choice {
            physical_network: Some(physical_network.to_owned()),
            segmentation_id: None,
            reservation: Some(format!("flat:{physical_network}")),
        }
    }

    fn in_use(&self, choice: &Choice) -> Error {
        let physical_network = choice.physical_network.as_deref().unwrap_or_default();
        Error::conflict(
            "FlatNetworkInUse",
            format!(
                "Unable to create the flat network. Physical network {physical_network} is in use."
            ),
        )
    }

    fn mtu(&self, physical_network: Option<&str>, settings: &Settings) -> u32 {
        physical_mtu(physical_network, settings)
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::NetworkType;

    use super::*;

    fn spec(physical_network: Option<&str>, id: Option<i64>) -> SegmentSpec {
        SegmentSpec {
            network_type: NetworkType::new("flat"),
            physical_network: physical_network.map(str::to_owned),
            segmentation_id: id,
        }
    }

    #[test]
    fn one_network_per_physical_network_without_an_id() {
        let driver = Flat::new(&["*".to_owned()]);
        let Ok(Plan::Exact(choice)) = driver.plan(&spec(Some("pub"), None)) else { panic!() };
        assert_eq!(choice.reservation.as_deref(), Some("flat:pub"));
        assert!(driver.plan(&spec(Some("pub"), Some(1))).is_err());
        assert!(driver.plan(&spec(None, None)).is_err());
    }

    #[test]
    fn only_listed_physical_networks_may_be_used() {
        let driver = Flat::new(&["pub".to_owned()]);
        assert!(driver.plan(&spec(Some("pub"), None)).is_ok());
        let error = driver.plan(&spec(Some("other"), None)).unwrap_err();
        assert!(error.message().contains("Physical network 'other' unknown"), "{error}");
    }
}
