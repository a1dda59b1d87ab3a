//! Physical networks and the VLANs that are Nucleon's to give out on them.

use std::fmt;

use nucleon_net::VlanId;

use super::list::pieces;
use super::{FromText, Invalid};

/// `[ml2_type_vlan] network_vlan_ranges`: the physical networks that carry VLANs, in the order of
/// their first mention.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VlanRanges(Vec<PhysicalVlans>);

/// One physical network and the VLANs on it that projects' networks are given; administrators may
/// name any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalVlans {
    pub physical_network: String,
    /// Apart from each other, in order.
    pub ranges: Vec<VlanRange>,
}

/// VLANs from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct VlanRange {
    first: VlanId,
    last: VlanId,
}

/// `[ml2_type_flat] flat_networks`: which physical networks may carry an untagged network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlatNetworks {
    /// `*`: any name will do.
    Any,
    Named(Vec<String>),
}

impl VlanRange {
    /// `None` when the first is behind the last.
    pub fn new(first: VlanId, last: VlanId) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    pub const fn first(self) -> VlanId {
        self.first
    }

    pub const fn last(self) -> VlanId {
        self.last
    }

    pub fn contains(self, vlan: VlanId) -> bool {
        self.first <= vlan && vlan <= self.last
    }
}

impl fmt::Display for VlanRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.first.get(), self.last.get())
    }
}

impl VlanRanges {
    pub fn networks(&self) -> &[PhysicalVlans] {
        &self.0
    }

    pub fn network(&self, physical_network: &str) -> Option<&PhysicalVlans> {
        self.0.iter().find(|network| network.physical_network == physical_network)
    }

    fn network_mut(&mut self, name: &str) -> &mut PhysicalVlans {
        let known = self.0.iter().position(|network| network.physical_network == name);
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(PhysicalVlans { physical_network: name.to_owned(), ranges: Vec::new() });
        }
        #[expect(clippy::indexing_slicing, reason = "found above, or pushed just now")]
        &mut self.0[at]
    }
}

impl FromText for VlanRanges {
    const KIND: &'static str = "list of physical_network[:first:last]";

    /// A network without a range may be given out whole, as in Neutron since 2023; named with
    /// ranges too, these hold.
    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut all = Self::default();
        for piece in pieces(text) {
            let (name, range) = physical_vlans(piece)?;
            let network = all.network_mut(name);
            let Some(range) = range else { continue };
            let overlaps =
                |known: &VlanRange| known.first <= range.last && range.first <= known.last;
            if network.ranges.iter().any(overlaps) {
                return Err(wrong(piece, "overlaps a range given before"));
            }
            network.ranges.push(range);
            network.ranges.sort_unstable();
        }
        if let (Ok(first), Ok(last)) = (VlanId::new(VlanId::MIN), VlanId::new(VlanId::MAX)) {
            for network in all.0.iter_mut().filter(|network| network.ranges.is_empty()) {
                network.ranges.push(VlanRange { first, last });
            }
        }
        Ok(all)
    }
}

/// `physnet1:100:200` or `physnet1`.
fn physical_vlans(piece: &str) -> Result<(&str, Option<VlanRange>), Invalid> {
    let parts: Vec<&str> = piece.split(':').map(str::trim).collect();
    let (name, range) = match parts.as_slice() {
        [name] => (*name, None),
        [name, first, last] => {
            let id = |text: &str| {
                text.parse::<VlanId>()
                    .map_err(|_| wrong(piece, "has a VLAN id that is not between 1 and 4094"))
            };
            let range = VlanRange::new(id(first)?, id(last)?)
                .ok_or_else(|| wrong(piece, "has its first VLAN id behind the last"))?;
            (*name, Some(range))
        }
        _ => return Err(wrong(piece, "is not of the form physical_network[:first:last]")),
    };
    if name.is_empty() { Err(wrong(piece, "names no physical network")) } else { Ok((name, range)) }
}

impl FlatNetworks {
    pub fn allows(&self, physical_network: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.iter().any(|name| name == physical_network),
        }
    }
}

impl FromText for FlatNetworks {
    const KIND: &'static str = "list of physical networks, or *";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let names: Vec<String> = pieces(text).map(str::to_owned).collect();
        let any = names.iter().any(|name| name == "*");
        Ok(if any { Self::Any } else { Self::Named(names) })
    }
}

fn wrong(piece: &str, reason: &'static str) -> Invalid {
    Invalid::Piece { piece: piece.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parsed;
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let ranges: VlanRanges = parsed(text).unwrap();
        let show = |network: &PhysicalVlans| {
            let ranges: Vec<_> = network.ranges.iter().map(ToString::to_string).collect();
            format!("{} {}", network.physical_network, ranges.join(" "))
        };
        ranges.networks().iter().map(show).collect()
    }

    #[test]
    fn several_ranges_of_several_networks_are_gathered() {
        assert_eq!(
            shown("physnet1:200:300,physnet2,physnet1:100:110"),
            ["physnet1 100:110 200:300", "physnet2 1:4094"]
        );
    }

    #[test]
    fn a_network_named_alone_and_with_a_range_has_the_range() {
        assert_eq!(shown("a,a:5:5"), ["a 5:5"]);
        assert_eq!(shown("a:5:5,a"), ["a 5:5"]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn a_bad_piece_is_named() {
        for (text, message) in [
            ("ok:1:2,a:1", "'a:1' is not of the form physical_network[:first:last]"),
            ("a:1:2:3", "'a:1:2:3' is not of the form physical_network[:first:last]"),
            ("a:0:5", "'a:0:5' has a VLAN id that is not between 1 and 4094"),
            ("a:1:4095", "'a:1:4095' has a VLAN id that is not between 1 and 4094"),
            ("a:x:5", "'a:x:5' has a VLAN id that is not between 1 and 4094"),
            ("a:200:100", "'a:200:100' has its first VLAN id behind the last"),
            (":1:2", "':1:2' names no physical network"),
            ("a:1:10,a:10:20", "'a:10:20' overlaps a range given before"),
        ] {
            assert_eq!(parsed::<VlanRanges>(text).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_star_allows_every_flat_network() {
        assert!(parsed::<FlatNetworks>("*").unwrap().allows("any"));
        let named: FlatNetworks = parsed("a,b").unwrap();
        assert!(named.allows("b") && !named.allows("c"));
        assert!(!parsed::<FlatNetworks>("").unwrap().allows("a"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c0-9:, \n-]{0,40}") {
            let _ = parsed::<VlanRanges>(&text);
        }

        #[test]
        fn a_range_holds_its_ends(a in 1u16..=4094, b in 1u16..=4094) {
            let ranges: VlanRanges = parsed(&format!("p:{}:{}", a.min(b), a.max(b))).unwrap();
            let range = ranges.network("p").unwrap().ranges[0];
            prop_assert!(range.contains(VlanId::new(a).unwrap()));
            prop_assert!(range.contains(VlanId::new(b).unwrap()));
        }
    }
}
