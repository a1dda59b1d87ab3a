//! Routers: what leads from network to network, and outside.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::conntrack_helper::HelperOfRouter;
use crate::declare::resource;
use crate::field::Field;
use crate::id::{AgentId, NetworkId, PortId, QosPolicyId, RouterId, SubnetId};
use crate::port::{FixedIp, FixedIpRequest};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::subnet::HostRoute;
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid, PyText, from_text, known_keys};

/// `device_owner` of ports through which routers reach networks, by the kind of router.
pub const OWNER_INTERFACE: &str = "network:router_interface";
pub const OWNER_INTERFACE_DISTRIBUTED: &str = "network:router_interface_distributed";
pub const OWNER_INTERFACE_HA: &str = "network:ha_router_replicated_interface";
/// `device_owner` of ports through which highly available routers hear of each other.
pub const OWNER_HA: &str = "network:router_ha_interface";
/// `device_owner` of ports through which routers reach outside.
pub const OWNER_GATEWAY: &str = "network:router_gateway";

/// How a router reaches outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gateway {
    pub network_id: NetworkId,
    pub external_fixed_ips: Vec<FixedIp>,
    pub enable_snat: bool,
    /// Its QoS policy: shown where it has one, or the network outside does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qos_policy_id: Option<Option<QosPolicyId>>,
}

/// What a request says of a router's gateway: the one wanted, or none, for an empty object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayRequest {
    pub wanted: Option<WantedGateway>,
}

/// A gateway as a request asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedGateway {
    pub network_id: NetworkId,
    pub external_fixed_ips: Vec<FixedIpRequest>,
    pub enable_snat: Option<bool>,
    pub qos_policy_id: Field<QosPolicyId>,
}

const NETWORK: &str = "network_id";
const ADDRESSES: &str = "external_fixed_ips";
const SNAT: &str = "enable_snat";
const QOS: &str = "qos_policy_id";

shaped! {
    Gateway => Shape::Object(&[
        (NETWORK, Shape::Uuid),
        (ADDRESSES, Shape::List(&FixedIp::SHAPE)),
        (SNAT, Shape::Bool),
        (QOS, Shape::Nullable(&Shape::Uuid)),
    ]);
}

impl AttrValue for GatewayRequest {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(Self::default());
        }
        let keys = [NETWORK, ADDRESSES, SNAT, QOS];
        let network = match value.as_object() {
            Some(entries) => entries.get(NETWORK).ok_or_else(|| lacks_network(entries))?,
            None => {
                return Err(Invalid::rule(format!("'{}' is not a dictionary", PyText(value))));
            }
        };
        let entries = known_keys(value, &keys).map_err(|_| unexpected(value, &keys))?;
        Ok(Self {
            wanted: Some(WantedGateway {
                network_id: from_text(network, "UUID")?,
                external_fixed_ips: match entries.get(ADDRESSES) {
                    Some(addresses) => Vec::from_json(addresses, &Rule::Plain)?,
                    None => Vec::new(),
                },
                enable_snat: match entries.get(SNAT) {
                    Some(snat) => Some(bool::from_json(snat, &Rule::Plain)?),
                    None => None,
                },
                qos_policy_id: match entries.get(QOS) {
                    None => Field::Absent,
                    Some(Value::Null) => Field::Null,
                    Some(id) => Field::Value(from_text(id, "UUID")?),
                },
            }),
        })
    }
}

fn lacks_network(entries: &serde_json::Map<String, Value>) -> Invalid {
    let provided: Vec<String> = entries.keys().map(|key| format!("'{key}'")).collect();
    Invalid::rule(format!(
        "Validation of dictionary's keys failed. Expected keys: {{'{NETWORK}'}} Provided keys: {{{}}}",
        provided.join(", ")
    ))
}

fn unexpected(value: &Value, keys: &[&str]) -> Invalid {
    let provided = value.as_object().into_iter().flat_map(serde_json::Map::keys);
    let unknown: Vec<&str> =
        provided.map(String::as_str).filter(|key| !keys.contains(key)).collect();
    Invalid::rule(format!("Unexpected keys supplied: {}", unknown.join(", ")))
}

/// What a request for an interface of a router names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterfaceRequest {
    Port(PortId),
    Subnet(SubnetId),
    Both(PortId, SubnetId),
}

impl InterfaceRequest {
    /// # Errors
    /// Why the body is none; Neutron puts its own words around it.
    pub fn from_json(body: &Value) -> Result<Self, Invalid> {
        let port = body.get("port_id").map(|id| from_text(id, "UUID")).transpose()?;
        let subnet = body.get("subnet_id").map(|id| from_text(id, "UUID")).transpose()?;
        match (port, subnet) {
            (Some(port), Some(subnet)) => Ok(Self::Both(port, subnet)),
            (Some(port), None) => Ok(Self::Port(port)),
            (None, Some(subnet)) => Ok(Self::Subnet(subnet)),
            (None, None) => Err(Invalid::rule("Either subnet_id or port_id must be specified")),
        }
    }
}

/// An interface of a router, as the operations on it answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterInterface {
    pub id: RouterId,
    pub project_id: String,
    pub port_id: PortId,
    pub network_id: NetworkId,
    pub subnet_id: SubnetId,
    pub subnet_ids: Vec<SubnetId>,
}

resource! {
    /// What leads from network to network, and outside.
    Router, RouterDraft: "router" / "routers", titled "Router", in "routers",
    missing "RouterNotFound" "Router {} could not be found";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "router", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// Whether it forwards packets.
        "admin_state_up": admin_state_up: bool as bool ["admin_state_up"]
            { "router", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// How it reaches outside; `null` where it does not.
        "external_gateway_info": external_gateway_info: Option<Gateway> as GatewayRequest
            { "router", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
        /// Static routes.
        "routes": routes: Vec<HostRoute> as Vec<HostRoute> ["routes"]
            { "extraroute", flags!(PUT NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether it works on every host that has a port behind it.
        "distributed": distributed: bool as bool ["distributed"]
            { "dvr", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether it stands on several hosts, one of which forwards.
        "ha": ha: bool as bool ["ha"]
            { "l3-ha", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// The flavor that says who carries it.
        "flavor_id": flavor_id: Option<String> as String ["flavor_id"]
            { "l3-flavors", flags!(POST SORT GUARDED NULLABLE), Rule::Text(36), Unless::Unset }
        /// Where it should be placed.
        "availability_zone_hints": availability_zone_hints: Vec<String> as Vec<String> ["availability_zone_hints"]
            { "router_availability_zone", flags!(POST), Rule::UniqueTexts(255), Unless::EmptyList }
        /// Whether IPv6 addresses behind it may be published by NDP proxying.
        "enable_ndp_proxy": enable_ndp_proxy: bool as bool ["enable_ndp_proxy"]
            { "l3-ext-ndp-proxy", flags!(POST PUT FILTER NULLABLE), Rule::Plain, Unless::Unset }
    }
    computed {
        /// Its identifier.
        "id": id: RouterId ["id"] { "router", flags!(FILTER SORT) }
        /// Whether it is usable.
        "status": status: String ["status"] { "router", flags!(SORT) }
        /// Where it is.
        "availability_zones": availability_zones: Vec<String> { "router_availability_zone", flags!() }
        /// Its conntrack helpers.
        "conntrack_helpers": conntrack_helpers: Vec<HelperOfRouter> { "expose-l3-conntrack-helper", flags!() }
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
        "tenant_id" of "project_id": project_id: String { "router", flags!(POST FILTER SORT) }
    }
    internal {
        /// The port through which it reaches outside.
        gw_port_id: Option<PortId> ["gw_port_id"]
        /// Whether it hides what is behind it from outside.
        enable_snat: bool ["enable_snat"]
        /// The QoS policy of its way outside.
        qos_policy_id: Option<QosPolicyId> ["qos_policy_id"]
        /// The agents that carry it.
        carriers: Vec<RouterCarrier>
        /// Who provides it, where a flavor said so when it was made.
        provider: Option<String> ["provider"]
    }
}

/// An L3 agent that carries a router.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouterCarrier {
    pub agent_id: AgentId,
    pub host: String,
    pub availability_zone: Option<String>,
}

impl Router {
    /// The host that its ports are bound to; empty where nobody carries it, or all do.
    pub fn host(&self) -> &str {
        let first = self.carriers.first().filter(|_| !self.distributed);
        first.map_or("", |carrier| &carrier.host)
    }

    /// The zones of the agents that carry it.
    pub fn zones(&self) -> Vec<String> {
        let zones: BTreeSet<&String> =
            self.carriers.iter().filter_map(|carrier| carrier.availability_zone.as_ref()).collect();
        zones.into_iter().cloned().collect()
    }

    /// `device_owner` of the ports through which it reaches networks.
    pub const fn interface_owner(&self) -> &'static str {
        if self.distributed {
            OWNER_INTERFACE_DISTRIBUTED
        } else if self.ha {
            OWNER_INTERFACE_HA
        } else {
            OWNER_INTERFACE
        }
    }
}

standard! { Router: RouterId, project_id created_at updated_at tags }

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Result<GatewayRequest, Invalid> {
        GatewayRequest::from_json(value, &Rule::Plain)
    }

    #[test]
    fn an_empty_gateway_is_none() {
        assert_eq!(read(&json!({})), Ok(GatewayRequest { wanted: None }));
    }

    #[test]
    fn a_gateway_needs_a_network_and_knows_four_keys() {
        let id = "9c2e1e4c-92b8-4c7a-a5e7-3ee7a1b2e001";
        let wanted =
            read(&json!({"network_id": id, "enable_snat": "false"})).unwrap().wanted.unwrap();
        assert_eq!((wanted.network_id.to_string().as_str(), wanted.enable_snat), (id, Some(false)));
        let refusal = |value| read(&value).unwrap_err().to_string();
        assert_eq!(
            refusal(json!({"enable_snat": true})),
            "Validation of dictionary's keys failed. Expected keys: {'network_id'} Provided keys: {'enable_snat'}"
        );
        assert_eq!(
            refusal(json!({"network_id": id, "colour": 1})),
            "Unexpected keys supplied: colour"
        );
        assert_eq!(refusal(json!([])), "'[]' is not a dictionary");
    }
}
