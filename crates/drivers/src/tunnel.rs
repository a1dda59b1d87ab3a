//! Networks in tunnels between hosts: VXLAN (RFC 7348), GRE (RFC 2890), Geneve (RFC 8926).

use nucleon_core::driver::{Choice, Plan, SegmentSpec, TypeDriver};
use nucleon_core::{Error, Result, Settings};

use crate::invalid;

/// One way to put frames of a network into packets between hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encapsulation {
    Vxlan,
    Gre,
    /// With so many bytes of headers around a frame, without the IP header.
    Geneve(u32),
}

/// The addresses that tunnels are between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Underlay {
    V4,
    V6,
}

/// `[ml2_type_vxlan]`, `[ml2_type_gre]`, `[ml2_type_geneve]`.
#[derive(Debug, Clone)]
pub struct Tunnel {
    encapsulation: Encapsulation,
    underlay: Underlay,
    /// What projects' networks get: first and last id.
    ranges: Vec<(i64, i64)>,
}

impl Tunnel {
    pub fn new(encapsulation: Encapsulation, underlay: Underlay, ranges: Vec<(i64, i64)>) -> Self {
        Self { encapsulation, underlay, ranges }
    }

    /// The largest id: 24 bits, but for the 32 of GRE's key.
    fn last_id(&self) -> i64 {
        if self.encapsulation == Encapsulation::Gre { (1 << 32) - 1 } else { (1 << 24) - 1 }
    }

    /// Bytes around a frame.
    fn overhead(&self) -> u32 {
        let ip = if self.underlay == Underlay::V4 { 20 } else { 40 };
        ip + match self.encapsulation {
            // Ethernet within, VXLAN, UDP.
            Encapsulation::Vxlan => 14 + 8 + 8,
            // Ethernet within, GRE with a key.
            Encapsulation::Gre => 14 + 8,
            Encapsulation::Geneve(headers) => headers,
        }
    }
}

impl TypeDriver for Tunnel {
    fn network_type(&self) -> &'static str {
        match self.encapsulation {
            Encapsulation::Vxlan => "vxlan",
            Encapsulation::Gre => "gre",
            Encapsulation::Geneve(_) => "geneve",
        }
    }

    fn plan(&self, spec: &SegmentSpec) -> Result<Plan> {
        let kind = self.network_type();
        if spec.physical_network.is_some() {
            let text = format!("provider:physical_network specified for {kind} network");
            return Err(invalid(text));
        }
        let Some(id) = spec.segmentation_id else { return Ok(self.plan_project()) };
        if !(1..=self.last_id()).contains(&id) {
            let last = self.last_id();
            return Err(invalid(format!("segmentation_id out of range (1 through {last})")));
        }
        Ok(Plan::Exact(self.choose("", id)))
    }

    /// Tunnels are on no physical network: its name is empty.
    fn plan_project(&self) -> Plan {
        let range = |&(first, last): &(i64, i64)| (String::new(), first, last);
        Plan::AnyOf(self.ranges.iter().map(range).collect())
    }

    fn choose(&self, _: &str, id: i64) -> Choice {
        Choice {
            physical_network: None,
            segmentation_id: Some(id),
            reservation: Some(format!("{}:{id}", self.network_type())),
        }
    }

    fn in_use(&self, choice: &Choice) -> Error {
        let id = choice.segmentation_id.unwrap_or_default();
        Error::conflict(
            "TunnelIdInUse",
            format!("Unable to create the network. The tunnel ID {id} is in use."),
        )
    }

    fn mtu(&self, _: Option<&str>, settings: &Settings) -> u32 {
        let path = [settings.global_physnet_mtu, settings.path_mtu].into_iter();
        let path = path.filter(|&mtu| mtu > 0).min().unwrap_or_default();
        path.saturating_sub(self.overhead())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vxlan() -> Tunnel {
        Tunnel::new(Encapsulation::Vxlan, Underlay::V4, vec![(1, 100), (200, 300)])
    }

    fn asked(physical_network: Option<&str>, id: Option<i64>) -> Result<Plan> {
        vxlan().plan(&SegmentSpec {
            physical_network: physical_network.map(str::to_owned),
            segmentation_id: id,
            ..SegmentSpec::default()
        })
    }

    #[test]
    fn projects_get_ids_from_the_ranges_and_administrators_any() {
        let none = String::new;
        let ranges = Plan::AnyOf(vec![(none(), 1, 100), (none(), 200, 300)]);
        assert_eq!((vxlan().plan_project(), asked(None, None).unwrap()), (ranges.clone(), ranges));
        let Ok(Plan::Exact(choice)) = asked(None, Some(16_777_215)) else { panic!() };
        assert_eq!(choice.reservation.as_deref(), Some("vxlan:16777215"));
        for id in [0, -1, 1 << 24] {
            let error = asked(None, Some(id)).unwrap_err();
            assert!(error.message().contains("(1 through 16777215)"), "{error}");
        }
        let error = asked(Some("physnet1"), Some(5)).unwrap_err();
        assert!(error.message().contains("physical_network specified for vxlan"), "{error}");
    }

    #[test]
    fn a_frame_fits_with_all_that_is_around_it() {
        let mtu = |encapsulation, underlay, path_mtu| {
            let settings = Settings { path_mtu, ..Settings::default() };
            Tunnel::new(encapsulation, underlay, Vec::new()).mtu(None, &settings)
        };
        assert_eq!(mtu(Encapsulation::Vxlan, Underlay::V4, 0), 1450);
        assert_eq!(mtu(Encapsulation::Vxlan, Underlay::V6, 0), 1430);
        assert_eq!(mtu(Encapsulation::Gre, Underlay::V4, 0), 1458);
        assert_eq!(mtu(Encapsulation::Geneve(38), Underlay::V4, 0), 1442);
        assert_eq!(mtu(Encapsulation::Geneve(30), Underlay::V4, 1400), 1350);
    }
}
