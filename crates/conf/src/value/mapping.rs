//! `key:value` lists.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::list::pieces;
use super::{FromText, Invalid};

/// Physical networks and the bridges that lead to them, one each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BridgeMappings(BTreeMap<String, String>);

/// Physical networks and the MTU of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkMtus(BTreeMap<String, u32>);

/// Helpers of connection tracking, each with the protocols that it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConntrackHelpers(BTreeSet<(String, String)>);

impl BridgeMappings {
    pub fn bridge(&self, physical_network: &str) -> Option<&str> {
        self.0.get(physical_network).map(String::as_str)
    }

    /// `(physical network, bridge)`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(network, bridge)| (&**network, &**bridge))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromText for BridgeMappings {
    const KIND: &'static str = "list of physical_network:bridge";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut mappings: BTreeMap<String, String> = BTreeMap::new();
        for piece in pieces(text) {
            let (network, bridge) = pair(piece)?;
            // IFNAMSIZ leaves 15 characters to the bridge's device.
            if bridge.len() > 15 || !bridge.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
                return Err(wrong(piece, "does not name a possible bridge"));
            }
            if mappings.values().any(|known| known == bridge) {
                return Err(wrong(piece, "names a bridge a second time"));
            }
            insert(&mut mappings, piece, network, bridge.to_owned())?;
        }
        Ok(Self(mappings))
    }
}

impl NetworkMtus {
    pub fn mtu(&self, physical_network: &str) -> Option<u32> {
        self.0.get(physical_network).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(network, mtu)| (&**network, *mtu))
    }
}

impl FromText for NetworkMtus {
    const KIND: &'static str = "list of physical_network:mtu";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut mtus = BTreeMap::new();
        for piece in pieces(text) {
            let (network, mtu) = pair(piece)?;
            // RFC 791's least MTU, and the largest length field.
            let mtu = mtu.parse().ok().filter(|mtu| (68..=65535).contains(mtu));
            let mtu = mtu.ok_or_else(|| wrong(piece, "has no MTU between 68 and 65535"))?;
            insert(&mut mtus, piece, network, mtu)?;
        }
        Ok(Self(mtus))
    }
}

impl ConntrackHelpers {
    /// `(helper, protocol)`, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(helper, protocol)| (&**helper, &**protocol))
    }
}

/// The protocols that the API knows for helpers.
const PROTOCOLS: &[&str] = &["dccp", "icmp", "ipv6-icmp", "sctp", "tcp", "udp"];

impl FromText for ConntrackHelpers {
    const KIND: &'static str = "list of helper:protocol";

    fn from_text(text: &str, _: &mut Vec<String>) -> Result<Self, Invalid> {
        let mut helpers = BTreeSet::new();
        for piece in pieces(text) {
            let (helper, protocol) = pair(piece)?;
            if !PROTOCOLS.contains(&protocol) {
                return Err(wrong(piece, "names no protocol that a helper can be for"));
            }
            helpers.insert((helper.to_owned(), protocol.to_owned()));
        }
        Ok(Self(helpers))
    }
}

fn pair(piece: &str) -> Result<(&str, &str), Invalid> {
    let (key, value) =
        piece.split_once(':').ok_or_else(|| wrong(piece, "is not of the form name:value"))?;
    match (key.trim(), value.trim()) {
        ("", _) => Err(wrong(piece, "has nothing before the colon")),
        (_, "") => Err(wrong(piece, "has nothing after the colon")),
        pair => Ok(pair),
    }
}

fn insert<V>(
    map: &mut BTreeMap<String, V>,
    piece: &str,
    key: &str,
    value: V,
) -> Result<(), Invalid> {
    match map.entry(key.to_owned()) {
        Entry::Vacant(vacant) => {
            vacant.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(wrong(piece, "names a physical network a second time")),
    }
}

fn wrong(piece: &str, reason: &'static str) -> Invalid {
    Invalid::Piece { piece: piece.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::super::parsed;
    use super::*;

    #[test]
    fn mappings_are_read_by_network() {
        let mappings: BridgeMappings = parsed("physnet1:br-ex, physnet2:br-b").unwrap();
        assert_eq!(mappings.bridge("physnet2"), Some("br-b"));
        assert_eq!(mappings.bridge("physnet3"), None);
        assert_eq!(mappings.iter().count(), 2);
        assert!(parsed::<BridgeMappings>("").unwrap().is_empty());
    }

    #[test]
    fn a_bad_mapping_is_named() {
        for (text, message) in [
            ("a:b,physnet1", "'physnet1' is not of the form name:value"),
            (":br", "':br' has nothing before the colon"),
            ("a:", "'a:' has nothing after the colon"),
            ("a:x,a:y", "'a:y' names a physical network a second time"),
            ("a:x,b:x", "'b:x' names a bridge a second time"),
            (
                "a:br-much-too-long-for-linux",
                "'a:br-much-too-long-for-linux' does not name a possible bridge",
            ),
            ("a:b/c", "'a:b/c' does not name a possible bridge"),
        ] {
            let error = parsed::<BridgeMappings>(text).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_helper_may_be_for_several_protocols() {
        let helpers: ConntrackHelpers = parsed("sip:udp, sip:tcp, ftp:tcp, sip:udp").unwrap();
        let expected = [("ftp", "tcp"), ("sip", "tcp"), ("sip", "udp")];
        assert_eq!(helpers.iter().collect::<Vec<_>>(), expected);
        assert_eq!(parsed::<ConntrackHelpers>("").unwrap().iter().count(), 0);
        for text in ["ftp", "ftp:", ":tcp", "ftp:ftp"] {
            assert!(parsed::<ConntrackHelpers>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mtus_are_numbers_that_a_link_can_have() {
        let mtus: NetworkMtus = parsed("a:1500,b:9000").unwrap();
        assert_eq!((mtus.mtu("b"), mtus.mtu("c")), (Some(9000), None));
        for text in ["a:67", "a:65536", "a:x", "a:-1", "a:1500,a:1500"] {
            assert!(parsed::<NetworkMtus>(text).is_err(), "{text}");
        }
    }
}
