//! Ports: the attachment points of machines to networks.

mod dns;
mod hints;
mod request;

use std::net::IpAddr;

use nucleon_net::{IpNet, MacAddr};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::dns::DnsAssignment;
pub use self::hints::PortHints;
pub use self::request::{RequestGroup, ResourceRequest};

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{NetworkId, PortId, QosPolicyId, SecurityGroupId, SegmentId, SubnetId, TrunkId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::stored::stored_as_json;
use crate::time::Timestamp;
use crate::trunk::TrunkDetails;
use crate::value::{AttrValue, Invalid, PyText, from_text, known_keys, list};

/// An address that a port has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FixedIp {
    pub subnet_id: SubnetId,
    pub ip_address: IpAddr,
}

stored_as_json! { Vec<FixedIp> }

shaped! {
    FixedIp => Shape::Object(&[("subnet_id", Shape::Uuid), ("ip_address", Shape::Address)]);
}

/// An address that a request asks for: a given one, any on a subnet, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedIpRequest {
    pub subnet_id: Option<SubnetId>,
    pub ip_address: Option<IpAddr>,
}

impl AttrValue for Vec<FixedIpRequest> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let bad = |item: &Value| {
            Invalid::rule(format!("Invalid data format for fixed IP: '{}'", PyText(item)))
        };
        let Value::Array(items) = value else {
            return Err(bad(value));
        };
        let mut requests = Self::with_capacity(items.len());
        for item in items {
            let entry = item.as_object().ok_or_else(|| bad(item))?;
            let text = |key| match entry.get(key) {
                None | Some(Value::Null) => None,
                Some(value) => Some(value),
            };
            let request = FixedIpRequest {
                subnet_id: text("subnet_id").map(|id| from_text(id, "UUID")).transpose()?,
                ip_address: text("ip_address")
                    .map(|address| from_text::<IpAddr>(address, "IP address"))
                    .transpose()?,
            };
            // Other keys mean nothing, as in Neutron.
            if request.subnet_id.is_none() && request.ip_address.is_none() {
                return Err(Invalid::typed(
                    "InvalidInput",
                    "Invalid input for operation: IP allocation requires subnet_id or ip_address.",
                ));
            }
            if let Some(address) = request.ip_address
                && requests.iter().any(|other: &FixedIpRequest| other.ip_address == Some(address))
            {
                return Err(Invalid::rule(format!("Duplicate IP address '{address}'")));
            }
            requests.push(request);
        }
        Ok(requests)
    }
}

/// A further address, and perhaps MAC, that a port may send from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPair {
    pub ip_address: AddressOrPrefix,
    /// The port's own where a request leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_address: Option<MacAddr>,
}

/// An address, or a prefix in CIDR form, shown as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AddressOrPrefix {
    Address(IpAddr),
    Prefix(IpNet),
}

impl AddressOrPrefix {
    fn is_multicast(self) -> bool {
        match self {
            Self::Address(address) => address.is_multicast(),
            Self::Prefix(prefix) => prefix.network().is_multicast(),
        }
    }
}

impl AttrValue for Vec<AddressPair> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let mut pairs = Self::new();
        for item in list(value)? {
            let entry = known_keys(item, &["ip_address", "mac_address"])?;
            let text = entry.get("ip_address").ok_or_else(|| {
                Invalid::typed(
                    "AllowedAddressPairsMissingIP",
                    "AllowedAddressPair must contain ip_address.",
                )
            })?;
            let ip_address = from_text(text, "IP address")
                .map(AddressOrPrefix::Address)
                .or_else(|_| from_text(text, "IP subnet").map(AddressOrPrefix::Prefix))?;
            let mac_address = match entry.get("mac_address") {
                None | Some(Value::Null) => None,
                Some(mac) => Some(MacAddr::from_json(mac, &Rule::Plain)?),
            };
            if ip_address.is_multicast() {
                return Err(Invalid::typed(
                    "HTTPBadRequest",
                    format!("IP {} is a multicast address, which is not supported.", PyText(text)),
                ));
            }
            let pair = AddressPair { ip_address, mac_address };
            if pairs.contains(&pair) {
                let mac = PyText(entry.get("mac_address").unwrap_or(&Value::Null));
                return Err(Invalid::typed(
                    "DuplicateAddressPairInRequest",
                    format!(
                        "Request contains duplicate address pair: mac_address {mac} ip_address {}.",
                        PyText(text)
                    ),
                ));
            }
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

stored_as_json! { Vec<AddressPair> }

shaped! {
    AddressPair => Shape::Object(&[
        ("ip_address", Shape::AddressOrPrefix),
        ("mac_address", Shape::Mac),
    ]);
}

/// A DHCP option for one port (alias `extra_dhcp_opt`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraDhcpOpt {
    /// Name or number.
    pub opt_name: String,
    /// `None` in an update takes the option away.
    pub opt_value: Option<String>,
    #[serde(default = "default_ip_version")]
    pub ip_version: i64,
}

const fn default_ip_version() -> i64 {
    4
}

impl AttrValue for Vec<ExtraDhcpOpt> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        list(value)?
            .iter()
            .map(|item| {
                let entry = known_keys(item, &["opt_name", "opt_value", "ip_version"])?;
                let name = entry.get("opt_name").ok_or_else(|| missing("opt_name", item))?;
                let value = entry.get("opt_value").ok_or_else(|| missing("opt_value", item))?;
                Ok(ExtraDhcpOpt {
                    opt_name: one_line(name, 64)?,
                    opt_value: if value.is_null() { None } else { Some(one_line(value, 255)?) },
                    ip_version: match entry.get("ip_version") {
                        None | Some(Value::Null) => default_ip_version(),
                        Some(version) => i64::from_json(version, &Rule::OneOfInt(&[4, 6]))?,
                    },
                })
            })
            .collect()
    }
}

fn missing(key: &str, item: &Value) -> Invalid {
    Invalid::rule(format!("'{key}' is missing in '{}'", PyText(item)))
}

/// A text that is one line and not blank (CVE-2021-40085 came through a second line).
fn one_line(value: &Value, max: usize) -> Result<String, Invalid> {
    let text = String::from_json(value, &Rule::Text(max))?;
    if text.trim().is_empty() {
        return Err(Invalid::rule(format!("'{text}' Blank strings are not permitted")));
    }
    if text.contains(['\n', '\r']) {
        return Err(Invalid::rule(format!("Multi-line string is not allowed: '{text}'")));
    }
    Ok(text)
}

stored_as_json! { Vec<ExtraDhcpOpt> }

shaped! {
    ExtraDhcpOpt => Shape::Object(&[
        ("opt_name", Shape::Text),
        ("opt_value", Shape::Nullable(&Shape::Text)),
        ("ip_version", Shape::Int),
    ]);
}

/// `binding:vnic_type` values (alias `binding`).
pub const VNIC_TYPES: &[&str] = &[
    "normal",
    "direct",
    "macvtap",
    "baremetal",
    "direct-physical",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
];

/// `data_plane_status` values beside `null`.
const DATA_PLANE_STATUS: &[&str] = &["ACTIVE", "DOWN"];

/// `hardware_offload_type` values (alias `port-hardware-offload-type`).
const OFFLOAD_TYPES: &[&str] = &["switchdev"];

/// `numa_affinity_policy` values (aliases `port-numa-affinity-policy` and `port-numa-affinity-policy-socket`).
const NUMA_POLICIES: &[&str] = &["required", "preferred", "legacy", "socket"];

/// `pvlan_type` values (alias `pvlan`).
pub mod pvlan {
    pub const ISOLATED: &str = "isolated";
    pub const PROMISCUOUS: &str = "promiscuous";
    pub const COMMUNITY: &str = "community";
}

const PVLAN_TYPES: &[&str] = &[pvlan::ISOLATED, pvlan::PROMISCUOUS, pvlan::COMMUNITY];

/// `ports.status` values.
pub mod status {
    pub const ACTIVE: &str = "ACTIVE";
    pub const BUILD: &str = "BUILD";
    pub const DOWN: &str = "DOWN";
    /// Of a port that nothing is plugged into.
    pub const NOT_APPLICABLE: &str = "N/A";
}

/// `binding:vif_type` values that do not come from a driver.
pub mod vif_type {
    pub const UNBOUND: &str = "unbound";
    pub const BINDING_FAILED: &str = "binding_failed";
    pub const OVS: &str = "ovs";
}

/// `device_owner` of DHCP agents' ports.
pub const OWNER_DHCP: &str = "network:dhcp";

resource! {
    /// An attachment point of a machine to a network.
    Port, PortDraft: "port" / "ports", titled "Port", in "ports";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "port", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The network that it is on.
        "network_id": network_id: NetworkId as NetworkId ["network_id"]
            { "port", flags!(POST FILTER SORT FOR_POLICY), Rule::Plain, Unless::Required }
        /// Whether it forwards packets.
        "admin_state_up": admin_state_up: bool as bool ["admin_state_up"]
            { "port", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// Its MAC address; made up where a request leaves it out.
        "mac_address": mac_address: MacAddr as MacAddr ["mac_address"]
            { "port", flags!(POST PUT FILTER SORT GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// Its addresses.
        "fixed_ips": fixed_ips: Vec<FixedIp> as Vec<FixedIpRequest> ["fixed_ips"]
            { "port", flags!(POST PUT FILTER GUARDED), Rule::Plain, Unless::Unset }
        /// What uses it, for example a server's id.
        "device_id": device_id: String as String ["device_id"]
            { "port", flags!(POST PUT FILTER SORT GUARDED), Rule::Text(255), Unless::Text("") }
        /// What kind of thing uses it, for example `compute:nova`.
        "device_owner": device_owner: String as String ["device_owner"]
            { "port", flags!(POST PUT FILTER SORT GUARDED), Rule::Text(255), Unless::Text("") }
        /// The host that it is bound to.
        "binding:host_id": host: String as String ["host"]
            { "binding", flags!(POST PUT FILTER GUARDED NULLABLE), Rule::Text(255), Unless::Unset }
        /// The kind of virtual card wanted.
        "binding:vnic_type": vnic_type: String as String ["vnic_type"]
            { "binding", flags!(POST PUT GUARDED), Rule::OneOf(VNIC_TYPES), Unless::Text("normal") }
        /// Notes from the compute service to the drivers.
        "binding:profile": profile: Map<String, Value> as Map<String, Value> ["profile"]
            { "binding", flags!(POST PUT GUARDED NULLABLE), Rule::Dict, Unless::Unset }
        /// Further addresses that it may send from.
        "allowed_address_pairs": allowed_address_pairs: Vec<AddressPair> as Vec<AddressPair> ["allowed_address_pairs"]
            { "allowed-address-pairs", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Unset }
        /// The security groups that it is in. By default, its project's own.
        "security_groups": security_groups: Vec<SecurityGroupId> as Vec<SecurityGroupId> ["security_groups"]
            { "security-group", flags!(POST PUT FILTER NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether what it sends and receives is filtered. By default as the network has it.
        "port_security_enabled": port_security_enabled: bool as bool ["port_security_enabled"]
            { "port-security", flags!(POST PUT GUARDED), Rule::Plain, Unless::Unset }
        /// DHCP options for it alone.
        "extra_dhcp_opts": extra_dhcp_opts: Vec<ExtraDhcpOpt> as Vec<ExtraDhcpOpt> ["extra_dhcp_opts"]
            { "extra_dhcp_opt", flags!(POST PUT NULLABLE), Rule::Plain, Unless::Null }
        /// Its name in DNS.
        "dns_name": dns_name: String as String ["dns_name"]
            { "dns-integration", flags!(POST PUT), Rule::DnsHost, Unless::Text("") }
        /// The domain of its name in DNS.
        "dns_domain": dns_domain: String as String ["dns_domain"]
            { "dns-domain-ports", flags!(POST PUT), Rule::DnsDomain, Unless::Text("") }
        /// What others found out about the data plane behind it.
        "data_plane_status": data_plane_status: Option<String> as String ["data_plane_status"]
            { "data-plane-status", flags!(PUT GUARDED NULLABLE), Rule::OneOf(DATA_PLANE_STATUS), Unless::Unset }
        /// The compute service's profile of the device that it is to be.
        "device_profile": device_profile: Option<String> as String ["device_profile"]
            { "port-device-profile", flags!(POST NULLABLE), Rule::Text(255), Unless::Null }
        /// What its driver may make of it.
        "hints": hints: Option<PortHints> as PortHints ["hints"]
            { "port-hints", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// How its card takes work off the host.
        "hardware_offload_type": hardware_offload_type: Option<String> as String ["hardware_offload_type"]
            { "port-hardware-offload-type", flags!(POST GUARDED), Rule::OneOf(OFFLOAD_TYPES), Unless::Unset }
        /// How near to its card its machine is to be.
        "numa_affinity_policy": numa_affinity_policy: Option<String> as String ["numa_affinity_policy"]
            { "port-numa-affinity-policy", flags!(POST PUT NULLABLE), Rule::OneOf(NUMA_POLICIES), Unless::Null }
        /// Whether its machine sees the link go where the host's does.
        "propagate_uplink_status": propagate_uplink_status: bool as bool ["propagate_uplink_status"]
            { "uplink-status-propagation", flags!(POST PUT), Rule::Plain, Unless::Bool(true) }
        /// What it may reach on a network whose ports are kept apart.
        "pvlan_type": pvlan_type: Option<String> as String ["pvlan_type"]
            { "pvlan", flags!(POST PUT FILTER GUARDED NULLABLE), Rule::OneOf(PVLAN_TYPES), Unless::Null }
        /// Who it reaches, among ports of the type `community`.
        "pvlan_community": pvlan_community: Option<String> as String ["pvlan_community"]
            { "pvlan", flags!(POST PUT GUARDED NULLABLE), Rule::Word(232), Unless::Null }
        /// Its QoS policy. Where it has none, its network's counts.
        "qos_policy_id": qos_policy_id: Option<QosPolicyId> as QosPolicyId ["qos_policy_id"]
            { "qos", flags!(POST PUT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// Whether its machine may change what its card does.
        "trusted": trusted: Option<bool> as bool ["trusted"]
            { "port-trusted-vif", flags!(POST PUT GUARDED), Rule::Plain, Unless::Unset }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
        /// Text labels.
        "tags": tags: Vec<String> as Vec<String> ["tags"]
            { "standard-attr-tag", flags!(POST FILTER), Rule::UniqueTexts(255), Unless::EmptyList }
    }
    computed {
        /// Its identifier.
        "id": id: PortId ["id"] { "port", flags!(FILTER SORT) }
        /// ACTIVE once every part that it needs is in place; DOWN or BUILD before.
        "status": status: String ["status"] { "port", flags!(FILTER SORT) }
        /// How the compute host plugs it.
        "binding:vif_type": vif_type: String ["vif_type"] { "binding", flags!(GUARDED) }
        /// What the compute host needs to know for that.
        "binding:vif_details": vif_details: Map<String, Value> ["vif_details"] { "binding", flags!(GUARDED) }
        /// Whether its addresses were allocated at once (`immediate`), wait for a host (`deferred`) or are not wanted (`none`).
        "ip_allocation": ip_allocation: String ["ip_allocation"] { "ip_allocation", flags!(FILTER SORT) }
        /// The QoS policy of its network.
        "qos_network_policy_id": qos_network_policy_id: Option<QosPolicyId> { "qos-port-network-policy", flags!() }
        /// What its host must have for what its QoS policy promises.
        "resource_request": resource_request: Option<ResourceRequest> { "port-resource-request", flags!(GUARDED) }
        /// The trunk by which it carries further ports, where it does.
        "trunk_details": trunk_details: Option<TrunkDetails> { "trunk-details", flags!(GUARDED FOR_POLICY) }
        /// The names of its addresses in DNS.
        "dns_assignment": dns_assignment: Vec<DnsAssignment> { "dns-integration", flags!() }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "port", flags!(POST FILTER SORT) }
    }
    internal {
        /// Whose its network is, where it was looked up.
        parent_project: Option<String>
        /// Whether its network is shared with the viewer, where it was looked up.
        parent_shared: Option<bool>
        /// The trunk by which it carries further ports.
        trunk_id: Option<TrunkId> ["trunk_id"]
        /// The trunk by which another port carries it.
        subport_of: Option<TrunkId> ["subport_of"]
        /// The segment that it is bound to on its host.
        segment_id: Option<SegmentId> ["segment_id"]
        /// Whether it is not ACTIVE for want of the agent on its host.
        awaits_l2: bool ["awaits_l2"]
        /// Whether it is not ACTIVE for want of a DHCP agent.
        awaits_dhcp: bool ["awaits_dhcp"]
        /// Grows with what agents are told of it, unlike `revision_number` not with its status.
        view_revision: i64 ["view_revision"]
        /// When the agent on its host had wired it.
        wired_at: Option<Timestamp> ["wired_at"]
        /// When a DHCP agent was ready to serve it.
        dhcp_ready_at: Option<Timestamp> ["dhcp_ready_at"]
        /// When it last became ACTIVE.
        active_at: Option<Timestamp> ["active_at"]
    }
}

impl Port {
    /// The QoS policy that it is under: its own, or its network's.
    pub fn under_qos_policy(&self) -> Option<QosPolicyId> {
        self.qos_policy_id.or(self.qos_network_policy_id)
    }

    /// Whether it is bound to a segment on its host.
    pub fn is_bound(&self) -> bool {
        !self.host.is_empty()
            && self.vif_type != vif_type::UNBOUND
            && self.vif_type != vif_type::BINDING_FAILED
    }
}

standard! { Port: PortId, project_id parent_project parent_shared created_at updated_at tags }

#[cfg(test)]
mod tests;
