//! Networks.

use serde::Serialize;
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::field::Field;
use crate::id::{AddressScopeId, NetworkId, QosPolicyId, SubnetId};
use crate::rule::Rule;
use crate::segment::NetworkType;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid, PyText, known_keys, list};

/// One entry of a network's `segments` attribute (alias `multi-provider`).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ProviderSegment {
    #[serde(rename = "provider:network_type")]
    pub network_type: Field<NetworkType>,
    #[serde(rename = "provider:physical_network")]
    pub physical_network: Field<String>,
    #[serde(rename = "provider:segmentation_id")]
    pub segmentation_id: Field<i64>,
}

const TYPE: &str = "provider:network_type";
const PHYSICAL: &str = "provider:physical_network";
const ID: &str = "provider:segmentation_id";

shaped! {
    ProviderSegment => Shape::Object(&[
        (TYPE, Shape::Nullable(&Shape::Text)),
        (PHYSICAL, Shape::Nullable(&Shape::Text)),
        (ID, Shape::Nullable(&Shape::Int)),
    ]);
}

impl AttrValue for Vec<ProviderSegment> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let items = list(value)?;
        if items.is_empty() {
            return Err(Invalid::rule(format!("'{}' should not be empty", PyText(value))));
        }
        items
            .iter()
            .map(|item| {
                let entry = known_keys(item, &[TYPE, PHYSICAL, ID])?;
                Ok(ProviderSegment {
                    network_type: part(entry.get(TYPE), &Rule::Text(32))?,
                    physical_network: part(entry.get(PHYSICAL), &Rule::Text(64))?,
                    segmentation_id: part(entry.get(ID), &Rule::Plain)?,
                })
            })
            .collect()
    }
}

fn part<T: AttrValue>(value: Option<&Value>, rule: &Rule) -> Result<Field<T>, Invalid> {
    match value {
        None => Ok(Field::Absent),
        Some(Value::Null) => Ok(Field::Null),
        Some(value) => T::from_json(value, rule).map(Field::Value),
    }
}

resource! {
    /// A layer-2 network over one or more segments.
    Network, NetworkDraft: "network" / "networks", titled "Network", in "networks";
    settable {
        /// A name for people; need not be unique.
        "name": name: String as String ["name"]
            { "network", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether it forwards packets.
        "admin_state_up": admin_state_up: bool as bool ["admin_state_up"]
            { "network", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// Whether every project may use it.
        "shared": shared: bool as bool ["shared"]
            { "network", flags!(POST PUT FILTER FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
        /// The largest packet that it carries, in bytes; 0 on create means the largest possible.
        "mtu": mtu: i64 as i64 ["mtu"]
            { "net-mtu", flags!(POST PUT FILTER SORT GUARDED), Rule::Range(0, i64::MAX), Unless::Int(0) }
        /// Whether it leads outside.
        "router:external": external: bool as bool ["external"]
            { "external-net", flags!(POST PUT FILTER FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
        /// Whether topologies that are made on demand lead to it, as an external network.
        "is_default": is_default: bool as bool ["is_default"]
            { "auto-allocated-topology", flags!(POST PUT FILTER FOR_POLICY GUARDED), Rule::Plain, Unless::Bool(false) }
        /// Whether its ports are filtered unless they say otherwise.
        "port_security_enabled": port_security_enabled: bool as bool ["port_security_enabled"]
            { "port-security", flags!(POST PUT GUARDED), Rule::Plain, Unless::Bool(true) }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
        /// The domain of its ports' names in DNS.
        "dns_domain": dns_domain: String as String ["dns_domain"]
            { "dns-integration", flags!(POST PUT), Rule::DnsDomain, Unless::Text("") }
        /// Whether its ports are kept apart as on a private VLAN.
        "pvlan": pvlan: bool as bool ["pvlan"]
            { "pvlan", flags!(POST PUT GUARDED), Rule::Plain, Unless::Bool(false) }
        /// The QoS policy of its ports that have none of their own.
        "qos_policy_id": qos_policy_id: Option<QosPolicyId> as QosPolicyId ["qos_policy_id"]
            { "qos", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// Whether it is that by which the highly available routers of the project that asks hear of each other.
        "ha": ha: bool as bool
            { "network_ha", flags!(POST HIDDEN), Rule::Plain, Unless::Bool(false) }
        /// How its only segment is realised.
        "provider:network_type": network_type: Option<NetworkType> as NetworkType
            { "provider", flags!(POST PUT FILTER GUARDED), Rule::Text(32), Unless::Unset }
        /// The physical network of its only segment.
        "provider:physical_network": physical_network: Option<String> as String
            { "provider", flags!(POST PUT FILTER GUARDED NULLABLE), Rule::Text(64), Unless::Unset }
        /// The id of its only segment on the physical network.
        "provider:segmentation_id": segmentation_id: Option<i64> as i64
            { "provider", flags!(POST PUT FILTER GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// Its segments, where there are several.
        "segments": segments: Vec<ProviderSegment> as Vec<ProviderSegment>
            { "multi-provider", flags!(POST PUT GUARDED), Rule::Plain, Unless::Unset }
        /// Where its services should be placed.
        "availability_zone_hints": availability_zone_hints: Vec<String> as Vec<String> ["availability_zone_hints"]
            { "network_availability_zone", flags!(POST SORT), Rule::UniqueTexts(255), Unless::EmptyList }
    }
    computed {
        /// Its identifier.
        "id": id: NetworkId ["id"] { "network", flags!(FILTER SORT) }
        /// Whether it is usable.
        "status": status: String ["status"] { "network", flags!(FILTER SORT) }
        /// Its subnets.
        "subnets": subnets: Vec<SubnetId> { "network", flags!() }
        /// The scope of its IPv4 addresses.
        "ipv4_address_scope": ipv4_address_scope: Option<AddressScopeId> { "address-scope", flags!() }
        /// The scope of its IPv6 addresses.
        "ipv6_address_scope": ipv6_address_scope: Option<AddressScopeId> { "address-scope", flags!() }
        /// Whether all its ports are on one layer-2 domain.
        "l2_adjacency": l2_adjacency: bool { "l2_adjacency", flags!() }
        /// Where its services are.
        "availability_zones": availability_zones: Vec<String> { "network_availability_zone", flags!() }
        /// Text labels.
        "tags": tags: Vec<String> ["tags"] { "standard-attr-tag", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "network", flags!(POST FILTER SORT) }
    }
    internal {
        /// 1 if it is the default external network, of which a unique key lets there be one.
        default_place: Option<i64> ["default_place"]
        /// The project whose highly available routers hear of each other by it; a unique key lets there be one of each.
        ha_project: Option<String> ["ha_project"]
        /// Whether it was made by the request that is being answered.
        is_new: bool
    }
}

standard! { Network: NetworkId, project_id created_at updated_at tags }
