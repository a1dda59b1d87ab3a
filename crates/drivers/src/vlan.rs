//! VLAN networks: a tag on a physical network.

use nucleon_core::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use nucleon_core::{Error, Result, Settings};
use nucleon_net::VlanId;

use crate::{invalid, physical_mtu};

/// One entry of `[ml2_type_vlan] network_vlan_ranges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanRange {
    pub physical_network: String,
    /// The VLANs that projects' networks get; `None` where administrators alone choose.
    pub ids: Option<(VlanId, VlanId)>,
}

/// `[ml2_type_vlan]`.
#[derive(Debug, Clone)]
pub struct Vlan {
    ranges: Vec<VlanRange>,
}

impl Vlan {
    pub fn new(ranges: Vec<VlanRange>) -> Self {
        Self { ranges }
    }

    fn ranges_on(&self, physical_network: Option<&str>) -> Plan {
        let ranges = self
            .ranges
            .iter()
            .filter(|range| physical_network.is_none_or(|wanted| wanted == range.physical_network));
        Plan::AnyOf(
            ranges
                .filter_map(|range| {
                    let (first, last) = range.ids?;
                    let (first, last) = (i64::from(first.get()), i64::from(last.get()));
                    Some((range.physical_network.clone(), first, last))
                })
                .collect(),
        )
    }
}

impl TypeDriver for Vlan {
    fn network_type(&self) -> &'static str {
        "vlan"
    }

    fn plan(&self, spec: &SegmentSpec) -> Result<Plan> {
        let Some(physical_network) = &spec.physical_network else {
            return match spec.segmentation_id {
                Some(_) => Err(invalid(
                    "segmentation_id requires physical_network for VLAN provider network",
                )),
                None => Ok(self.ranges_on(None)),
            };
        };
        if !self.ranges.iter().any(|range| range.physical_network == *physical_network) {
            return Err(invalid(format!(
                "physical_network '{physical_network}' unknown for VLAN provider network"
            )));
        }
        let Some(id) = spec.segmentation_id else {
            return Ok(self.ranges_on(Some(physical_network)));
        };
        if u16::try_from(id).ok().and_then(|id| VlanId::new(id).ok()).is_none() {
            return Err(invalid(format!(
                "segmentation_id out of range ({} through {})",
                VlanId::MIN,
                VlanId::MAX
            )));
        }
        Ok(Plan::Exact(self.choose(physical_network, id)))
    }

    fn plan_project(&self) -> Plan {
        self.ranges_on(None)
    }

    fn choose(&self, physical_network: &str, id: i64) -> Choice {
        Choice {
            physical_network: Some(physical_network.to_owned()),
            segmentation_id: Some(id),
            reservation: Some(format!("vlan:{physical_network}:{id}")),
        }
    }

    fn in_use(&self, choice: &Choice) -> Error {
        Error::conflict(
            "VlanIdInUse",
            format!(
                "Unable to create the network. The VLAN {} on physical network {} is in use.",
                choice.segmentation_id.unwrap_or_default(),
                choice.physical_network.as_deref().unwrap_or_default()
            ),
        )
    }

    fn mtu(&self, physical_network: Option<&str>, settings: &Settings) -> u32 {
        physical_mtu(physical_network, settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver() -> Vlan {
        let id = |id| VlanId::new(id).unwrap();
        Vlan::new(vec![
            VlanRange { physical_network: "physnet1".into(), ids: Some((id(100), id(110))) },
            VlanRange { physical_network: "physnet2".into(), ids: None },
        ])
    }

    fn plan(physical_network: Option<&str>, id: Option<i64>) -> Result<Plan> {
        driver().plan(&SegmentSpec {
            physical_network: physical_network.map(str::to_owned),
            segmentation_id: id,
            ..SegmentSpec::default()
        })
    }

    #[test]
    fn an_administrator_may_take_any_vlan_of_a_known_physical_network() {
        let Ok(Plan::Exact(choice)) = plan(Some("physnet2"), Some(4000)) else { panic!() };
        assert_eq!(choice.reservation.as_deref(), Some("vlan:physnet2:4000"));
        for id in [0, 4095, -1, 70000] {
            let error = plan(Some("physnet1"), Some(id)).unwrap_err();
            assert!(error.message().contains("out of range (1 through 4094)"), "{error}");
        }
        assert!(plan(Some("other"), Some(5)).is_err());
        assert!(plan(None, Some(5)).is_err());
    }

    #[test]
    fn projects_get_vlans_from_the_ranges_alone() {
        assert_eq!(driver().plan_project(), Plan::AnyOf(vec![("physnet1".to_owned(), 100, 110)]));
        assert_eq!(plan(Some("physnet2"), None).unwrap(), Plan::AnyOf(Vec::new()));
    }
}
