//! Network segment ranges: which segmentation ids the networks of whom may get.

use serde_json::{Map, Value};

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::NetworkSegmentRangeId;
use crate::rule::Rule;
use crate::segment::NetworkType;
use crate::standard::standard;
use crate::time::Timestamp;

resource! {
    /// Segmentation ids that networks get when their creator names none: those of one project, or of all.
    NetworkSegmentRange, NetworkSegmentRangeDraft: "network_segment_range" / "network_segment_ranges",
    titled "NetworkSegmentRange", in "network_segment_ranges", at "network-segment-ranges",
    missing "NetworkSegmentRangeNotFound" "Network Segment Range {} could not be found.";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "network-segment-range", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whether all projects may use it.
        "shared": shared: bool as bool ["shared"]
            { "network-segment-range", flags!(POST), Rule::Plain, Unless::Bool(true) }
        /// Whose networks it is for; `null` where it is shared.
        "project_id": project_id: Option<String> as String ["project_id"]
            { "network-segment-range", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The kind of segment.
        "network_type": network_type: NetworkType as NetworkType ["network_type"]
            { "network-segment-range", flags!(POST FILTER), Rule::OneOf(&["vlan", "vxlan", "gre", "geneve"]), Unless::Unset }
        /// The physical network, for VLANs.
        "physical_network": physical_network: Option<String> as String ["physical_network"]
            { "network-segment-range", flags!(POST FILTER), Rule::Text(64), Unless::Unset }
        /// The first id.
        "minimum": minimum: i64 as i64 ["minimum"]
            { "network-segment-range", flags!(POST PUT), Rule::Range(1, 4_294_967_295), Unless::Required }
        /// The last id.
        "maximum": maximum: i64 as i64 ["maximum"]
            { "network-segment-range", flags!(POST PUT), Rule::Range(1, 4_294_967_295), Unless::Required }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: NetworkSegmentRangeId ["id"] { "network-segment-range", flags!(FILTER SORT) }
        /// Whether it is one of the configured ranges.
        "default": is_default: bool ["is_default"] { "network-segment-range", flags!() }
        /// The ids of it that no network has.
        "available": available: Vec<i64> { "network-segment-range", flags!() }
        /// The ids of it that networks have, and whose these are.
        "used": used: Map<String, Value> { "network-segment-range", flags!() }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {}
    internal {
        /// What no other default range may be, for servers that start at the same time.
        default_key: Option<String> ["default_key"]
    }
}

standard! { NetworkSegmentRange: NetworkSegmentRangeId, created_at updated_at tags }
