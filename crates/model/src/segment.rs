//! Segments: the layer-2 domains that make up a network.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{NetworkId, SegmentId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::stored::stored_as_text;
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid};

/// How a segment is realised: the name of a type driver.
///
/// An open set, since drivers may bring types of their own; the well-known ones have constants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkType(String);

impl NetworkType {
    pub const FLAT: &str = "flat";
    pub const LOCAL: &str = "local";
    pub const VLAN: &str = "vlan";

    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NetworkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NetworkType {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl AttrValue for NetworkType {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        String::from_json(value, rule).map(Self)
    }
}

stored_as_text! { NetworkType }

shaped! {
    NetworkType => Shape::Text;
}

resource! {
    /// One layer-2 domain of a network: a VLAN on a physical network, a flat one, or a host-local one.
    Segment, SegmentDraft: "segment" / "segments", titled "Segment", in "segments";
    settable {
        /// A name for people.
        "name": name: Option<String> as String ["name"]
            { "segment", flags!(POST PUT FILTER SORT NULLABLE), Rule::Text(255), Unless::Unset }
        /// The network that it is part of.
        "network_id": network_id: NetworkId as NetworkId ["network_id"]
            { "segment", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// How it is realised.
        "network_type": network_type: NetworkType as NetworkType ["network_type"]
            { "segment", flags!(POST FILTER SORT), Rule::Text(32), Unless::Required }
        /// The physical network that carries it.
        "physical_network": physical_network: Option<String> as String ["physical_network"]
            { "segment", flags!(POST FILTER SORT), Rule::Text(64), Unless::Unset }
        /// Its id there, for example the VLAN.
        "segmentation_id": segmentation_id: Option<i64> as i64 ["segmentation_id"]
            { "segment", flags!(POST SORT), Rule::Plain, Unless::Unset }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: SegmentId ["id"] { "segment", flags!(FILTER SORT) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {}
    internal {
        /// Its place among the network's segments; the first is the one that `provider:*` shows.
        segment_index: i64 ["segment_index"]
        /// What no other segment may have, for example `vlan:physnet1:101`; kept by a unique key.
        reservation: Option<String> ["reservation"]
    }
}

standard! { Segment: SegmentId, created_at updated_at }
