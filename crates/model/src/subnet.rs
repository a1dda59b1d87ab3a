//! Subnets: address blocks of a network.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use nucleon_net::{IpNet, IpRange};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{NetworkId, SegmentId, SubnetId, SubnetPoolId};
use crate::rule::Rule;
use crate::shape::{Shape, shaped};
use crate::standard::standard;
use crate::stored::{stored_as_json, stored_as_text};
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid, PyText, from_text, known_keys, not_in_valid_values};

/// A route that hosts on the subnet are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostRoute {
    pub destination: IpNet,
    pub nexthop: IpAddr,
}

impl AttrValue for Vec<HostRoute> {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let bad = |item: &Value| {
            Invalid::rule(format!("Invalid data format for hostroute: '{}'", PyText(item)))
        };
        let Value::Array(items) = value else {
            return Err(bad(value));
        };
        let mut routes = Self::with_capacity(items.len());
        for item in items {
            let entry = known_keys(item, &["destination", "nexthop"]).map_err(|_| bad(item))?;
            let (Some(destination), Some(nexthop)) =
                (entry.get("destination"), entry.get("nexthop"))
            else {
                return Err(bad(item));
            };
            let route = HostRoute {
                destination: IpNet::from_json(destination, &Rule::Plain)?,
                nexthop: from_text(nexthop, "IP address")?,
            };
            if routes.contains(&route) {
                return Err(Invalid::rule(format!("Duplicate hostroute '{}'", PyText(item))));
            }
            routes.push(route);
        }
        Ok(routes)
    }
}

stored_as_json! { Vec<HostRoute> }

shaped! {
    HostRoute => Shape::Object(&[("destination", Shape::Prefix), ("nexthop", Shape::Address)]);
    Ipv6Mode => Shape::Word(Ipv6Mode::NAMES);
    ServiceTypes => Shape::List(&Shape::Text);
}

/// How IPv6 addresses are assigned, for both `ipv6_ra_mode` and `ipv6_address_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ipv6Mode {
    Dhcpv6Stateful,
    Dhcpv6Stateless,
    Slaac,
}

/// A text that names no mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an IPv6 mode")]
pub struct InvalidMode(String);

impl Ipv6Mode {
    const NAMES: &[&str] =
        &[Self::Dhcpv6Stateful.as_str(), Self::Dhcpv6Stateless.as_str(), Self::Slaac.as_str()];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Dhcpv6Stateful => "dhcpv6-stateful",
            Self::Dhcpv6Stateless => "dhcpv6-stateless",
            Self::Slaac => "slaac",
        }
    }

    /// Whether hosts make their own address from the prefix (EUI-64 in Neutron's books).
    pub const fn is_auto(self) -> bool {
        matches!(self, Self::Dhcpv6Stateless | Self::Slaac)
    }
}

impl fmt::Display for Ipv6Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ipv6Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        match text {
            "dhcpv6-stateful" => Ok(Self::Dhcpv6Stateful),
            "dhcpv6-stateless" => Ok(Self::Dhcpv6Stateless),
            "slaac" => Ok(Self::Slaac),
            _ => Err(InvalidMode(text.to_owned())),
        }
    }
}

impl AttrValue for Ipv6Mode {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| not_in_valid_values(value))
    }
}

stored_as_text! { Ipv6Mode }

/// The kinds of port that a subnet is for, by their `device_owner`; none of them stands for all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceTypes(pub Vec<String>);

impl ServiceTypes {
    /// A subnet of these is no part of the network's segments, though the others may be.
    pub const ROUTED: &str = "network:routed";

    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, device_owner: &str) -> bool {
        self.0.iter().any(|service_type| service_type == device_owner)
    }
}

/// What service types begin with. Neutron takes the letters of `compute:` for one beginning each, and there are clients
/// that live by it (`test:type_1`).
const BEGINNINGS: &[&str] = &["network:", "neutron:", "c", "o", "m", "p", "u", "t", "e", ":"];

impl AttrValue for ServiceTypes {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let Value::Array(items) = value else {
            return Err(Invalid::typed("HTTPBadRequest", "Subnet service types must be a list."));
        };
        let mut types = Vec::with_capacity(items.len());
        for item in items {
            let Value::String(text) = item else {
                return Err(refused_type(item, "is not a string"));
            };
            let known = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
            if !known || text.len() > 255 || text.contains('\0') {
                return Err(refused_type(item, "does not correspond to a valid device owner"));
            }
            if !types.contains(text) {
                types.push(text.clone());
            }
        }
        Ok(Self(types))
    }
}

fn refused_type(value: &Value, why: &str) -> Invalid {
    let name = if value.is_string() {
        "InvalidSubnetServiceType"
    } else {
        "InvalidInputSubnetServiceType"
    };
    Invalid::typed(name, format!("Subnet service type {} {why}.", PyText(value)))
}

stored_as_json! { ServiceTypes }

resource! {
    /// A block of addresses of one family on a network.
    Subnet, SubnetDraft: "subnet" / "subnets", titled "Subnet", in "subnets";
    settable {
        /// A name for people.
        "name": name: String as String ["name"]
            { "subnet", flags!(POST PUT FILTER SORT), Rule::Text(255), Unless::Text("") }
        /// Whose it is.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The network that it is on.
        "network_id": network_id: NetworkId as NetworkId ["network_id"]
            { "subnet", flags!(POST FILTER SORT FOR_POLICY), Rule::Plain, Unless::Required }
        /// 4 or 6.
        "ip_version": ip_version: i64 as i64 ["ip_version"]
            { "subnet", flags!(POST FILTER SORT), Rule::OneOfInt(&[4, 6]), Unless::Required }
        /// Its prefix, host bits cleared.
        "cidr": cidr: Option<IpNet> as IpNet ["cidr"]
            { "subnet", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Unset }
        /// The length of a prefix to be taken from a subnet pool.
        "prefixlen": prefixlen: Option<i64> as i64
            { "subnet", flags!(POST HIDDEN), Rule::Range(0, i64::MAX), Unless::Unset }
        /// The pool that its prefix came from.
        "subnetpool_id": subnetpool_id: Option<SubnetPoolId> as SubnetPoolId ["subnetpool_id"]
            { "subnet", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether its prefix comes from the default subnet pool.
        "use_default_subnetpool": use_default_subnetpool: bool as bool
            { "default-subnetpools", flags!(POST HIDDEN), Rule::Plain, Unless::Bool(false) }
        /// The router's address; `null` for none.
        "gateway_ip": gateway_ip: Option<IpAddr> as IpAddr ["gateway_ip"]
            { "subnet", flags!(POST PUT FILTER SORT NULLABLE), Rule::Plain, Unless::Unset }
        /// The ranges that addresses are taken from.
        "allocation_pools": allocation_pools: Vec<IpRange> as Vec<IpRange> ["allocation_pools"]
            { "subnet", flags!(POST PUT), Rule::Plain, Unless::Unset }
        /// Whether DHCP serves it.
        "enable_dhcp": enable_dhcp: bool as bool ["enable_dhcp"]
            { "subnet", flags!(POST PUT FILTER SORT), Rule::Plain, Unless::Bool(true) }
        /// Name servers for its hosts.
        "dns_nameservers": dns_nameservers: Vec<IpAddr> as Vec<IpAddr> ["dns_nameservers"]
            { "subnet", flags!(POST PUT NULLABLE), Rule::Plain, Unless::Unset }
        /// Further routes for its hosts.
        "host_routes": host_routes: Vec<HostRoute> as Vec<HostRoute> ["host_routes"]
            { "subnet", flags!(POST PUT NULLABLE), Rule::Plain, Unless::Unset }
        /// What router advertisements say.
        "ipv6_ra_mode": ipv6_ra_mode: Option<Ipv6Mode> as Ipv6Mode ["ipv6_ra_mode"]
            { "subnet", flags!(POST FILTER SORT), Rule::Plain, Unless::Unset }
        /// How hosts get their addresses.
        "ipv6_address_mode": ipv6_address_mode: Option<Ipv6Mode> as Ipv6Mode ["ipv6_address_mode"]
            { "subnet", flags!(POST FILTER SORT), Rule::Plain, Unless::Unset }
        /// The segment that it is confined to.
        "segment_id": segment_id: Option<SegmentId> as SegmentId ["segment_id"]
            { "segment", flags!(POST PUT FILTER SORT GUARDED NULLABLE), Rule::Plain, Unless::Null }
        /// The kinds of port that it is for; all without any.
        "service_types": service_types: ServiceTypes as ServiceTypes ["service_types"]
            { "subnet-service-types", flags!(POST PUT NULLABLE), Rule::Plain, Unless::Unset }
        /// Whether the fixed addresses on it are published in DNS.
        "dns_publish_fixed_ip": dns_publish_fixed_ip: bool as bool ["dns_publish_fixed_ip"]
            { "subnet-dns-publish-fixed-ip", flags!(POST PUT), Rule::Plain, Unless::Bool(false) }
        /// Text for people.
        "description": description: String as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: SubnetId ["id"] { "subnet", flags!(FILTER SORT) }
        /// Whether its network leads outside.
        "router:external": external: bool { "subnet-external-network", flags!(FILTER FOR_POLICY GUARDED) }
        /// Whether its network is shared.
        "shared": shared: bool { "subnet", flags!(FILTER HIDDEN FOR_POLICY GUARDED) }
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
        "tenant_id" of "project_id": project_id: String { "subnet", flags!(POST FILTER SORT) }
    }
    internal {
        /// Whose its network is, where it was looked up.
        parent_project: Option<String>
    }
}

impl Subnet {
    /// Whether hosts make their own addresses from its prefix.
    pub fn is_auto_address(&self) -> bool {
        self.ipv6_address_mode.is_some_and(Ipv6Mode::is_auto)
    }
}

standard! { Subnet: SubnetId, project_id parent_project created_at updated_at tags }

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn service_types_are_beginnings_of_device_owners() {
        let read = |value: Value| ServiceTypes::from_json(&value, &Rule::Plain);
        let types = read(json!(["network:dhcp", "compute:nova", "test:a", "network:dhcp"]));
        assert_eq!(types.unwrap().0, ["network:dhcp", "compute:nova", "test:a"]);
        let refusal = |value| read(value).unwrap_err().to_string();
        assert_eq!(
            refusal(json!(["x"])),
            "Subnet service type x does not correspond to a valid device owner."
        );
        assert_eq!(refusal(json!([7])), "Subnet service type 7 is not a string.");
        assert_eq!(refusal(json!("x")), "Subnet service types must be a list.");
    }
}
