//! Rules of security groups: what may pass.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use nucleon_net::IpNet;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::attribute::{Default as Unless, flags};
use crate::declare::{Resource, resource};
use crate::id::{AddressGroupId, SecurityGroupId, SecurityGroupRuleId};
use crate::protocol::Protocol;
use crate::rule::Rule;
use crate::shape::{Shape, Shaped, shaped};
use crate::standard::standard;
use crate::stored::stored_as_text;
use crate::time::Timestamp;
use crate::value::{AttrValue, Invalid, PyText, not_in_valid_values};

/// A text that is none of a few words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is none of the words that may stand here")]
pub struct InvalidWord(pub String);

/// Which way traffic goes, as the port sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Flow {
    #[default]
    Ingress,
    Egress,
}

/// The family of the addresses that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum EtherType {
    #[default]
    Ipv4,
    Ipv6,
}

/// A closed set of words.
macro_rules! words {
    ($type:ident: $($variant:ident = $word:literal),+) => {
        impl $type {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = InvalidWord;

            fn from_str(text: &str) -> Result<Self, InvalidWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(InvalidWord(text.to_owned())),
                }
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        stored_as_text! { $type }

        shaped! { $type => Shape::Word(&[$($word),+]); }
    };
}

words! { Flow: Ingress = "ingress", Egress = "egress" }
words! { EtherType: Ipv4 = "IPv4", Ipv6 = "IPv6" }

impl AttrValue for Flow {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let read = value.as_str().and_then(|text| text.parse().ok());
        read.ok_or_else(|| not_in_valid_values(value))
    }
}

impl EtherType {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }
}

impl AttrValue for EtherType {
    /// In whatever case.
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let wanted = value.as_str().unwrap_or_default();
        [Self::Ipv4, Self::Ipv6]
            .into_iter()
            .find(|family| family.as_str().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| {
                Invalid::typed(
                    "SecurityGroupRuleInvalidEtherType",
                    format!(
                        "Security group rule for ethertype '{}' not supported. Allowed values are ['IPv4', 'IPv6'].",
                        PyText(value)
                    ),
                )
            })
    }
}

/// An end of a range of ports, or a type or code of ICMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortBound(pub u16);

impl AttrValue for PortBound {
    fn from_json(value: &Value, rule: &Rule) -> Result<Self, Invalid> {
        let number = i64::from_json(value, rule).ok().filter(|_| !value.is_boolean());
        number.and_then(|number| u16::try_from(number).ok()).map(Self).ok_or_else(|| {
            let text = format!("Invalid value for port {}", PyText(value));
            Invalid::typed("SecurityGroupInvalidPortValue", text)
        })
    }
}

/// A prefix with whatever host bits it was given with; an address alone is a prefix of its whole length. The empty
/// text is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RulePrefix(pub Option<IpNet>);

impl AttrValue for RulePrefix {
    fn from_json(value: &Value, _: &Rule) -> Result<Self, Invalid> {
        let text = value.as_str().unwrap_or("none");
        if text.is_empty() {
            return Ok(Self(None));
        }
        let prefix = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        prefix.map(|prefix| Self(Some(prefix))).ok_or_else(|| {
            let text = format!("Invalid CIDR {} given as IP prefix.", PyText(value));
            Invalid::typed("InvalidCIDR", text)
        })
    }
}

resource! {
    /// What may pass to or from the ports of a security group.
    SecurityGroupRule, SecurityGroupRuleDraft: "security_group_rule" / "security_group_rules", titled "SecurityGroupRule",
    in "security_group_rules", at "security-group-rules",
    missing "SecurityGroupRuleNotFound" "Security group rule {} does not exist";
    settable {
        /// Whose it is: of whoever made it, which need not be the group's project.
        "project_id": project_id: String as String ["project_id"]
            { "project-id", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(255), Unless::Unset }
        /// The group that it belongs to.
        "security_group_id": security_group_id: SecurityGroupId as String ["security_group_id"]
            { "security-group", flags!(POST FILTER SORT FOR_POLICY), Rule::Text(36), Unless::Required }
        /// Which way the traffic goes: to the port or from it.
        "direction": direction: Flow as Flow ["direction"]
            { "security-group", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// The family of addresses.
        "ethertype": ethertype: EtherType as EtherType ["ethertype"]
            { "security-group", flags!(POST FILTER SORT), Rule::Plain, Unless::Text("IPv4") }
        /// The protocol above IP, by name or number; none means all.
        "protocol": protocol: Option<Protocol> as Option<Protocol> ["protocol"]
            { "security-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The first port, or the type of ICMP.
        "port_range_min": port_range_min: Option<i64> as PortBound ["port_range_min"]
            { "security-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The last port, or the code of ICMP.
        "port_range_max": port_range_max: Option<i64> as PortBound ["port_range_max"]
            { "security-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The addresses at the other end, as a prefix.
        "remote_ip_prefix": remote_ip_prefix: Option<IpNet> as RulePrefix ["remote_ip_prefix"]
            { "security-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The group whose ports are at the other end.
        "remote_group_id": remote_group_id: Option<SecurityGroupId> as String ["remote_group_id"]
            { "security-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The address group with the addresses at the other end.
        "remote_address_group_id": remote_address_group_id: Option<AddressGroupId> as String ["remote_address_group_id"]
            { "security-groups-remote-address-group", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// Text for people.
        "description": description: Option<String> as String ["description"]
            { "standard-attr-description", flags!(POST PUT FILTER), Rule::Text(255), Unless::Text("") }
    }
    computed {
        /// Its identifier.
        "id": id: SecurityGroupRuleId ["id"] { "security-group", flags!(FILTER SORT) }
        /// The prefix without host bits.
        "normalized_cidr": normalized_cidr: Option<IpNet> ["normalized_cidr"]
            { "security-groups-normalized-cidr", flags!(FILTER SORT) }
        /// Whether its group is the default one of a project.
        "belongs_to_default_sg": belongs_to_default_sg: bool ["belongs_to_default_sg"]
            { "security-groups-rules-belongs-to-default-sg", flags!(FILTER) }
        /// When it was made.
        "created_at": created_at: Timestamp ["created_at"] { "standard-attr-timestamp", flags!() }
        /// When it was last changed.
        "updated_at": updated_at: Timestamp ["updated_at"] { "standard-attr-timestamp", flags!() }
        /// How often it was changed.
        "revision_number": revision_number: i64 ["revision_number"] { "standard-attr-revisions", flags!(FILTER) }
    }
    mirrors {
        "tenant_id" of "project_id": project_id: String { "security-group", flags!(POST FILTER SORT) }
    }
    internal {
        /// What tells it from the others of its group, by a unique key; none where it came with its group.
        fingerprint: Option<String> ["fingerprint"]
        /// Whose its group is, where it was looked up.
        parent_project: Option<String>
    }
}

standard! { SecurityGroupRule: SecurityGroupRuleId, project_id parent_project created_at updated_at }

/// As part of its group: with all that it shows by itself.
impl Serialize for SecurityGroupRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.render(Self::DECL.visible(), &mut map)?;
        map.end()
    }
}

impl Shaped for SecurityGroupRule {
    const SHAPE: Shape = Shape::Object(&[
        ("id", Shape::Uuid),
        ("project_id", Shape::Text),
        ("tenant_id", Shape::Text),
        ("security_group_id", Shape::Uuid),
        ("direction", Flow::SHAPE),
        ("ethertype", EtherType::SHAPE),
        ("protocol", Shape::Nullable(&Shape::Text)),
        ("port_range_min", Shape::Nullable(&Shape::Int)),
        ("port_range_max", Shape::Nullable(&Shape::Int)),
        ("remote_ip_prefix", Shape::Nullable(&Shape::Prefix)),
        ("normalized_cidr", Shape::Nullable(&Shape::Prefix)),
        ("remote_group_id", Shape::Nullable(&Shape::Uuid)),
        ("remote_address_group_id", Shape::Nullable(&Shape::Uuid)),
        ("belongs_to_default_sg", Shape::Bool),
        ("description", Shape::Nullable(&Shape::Text)),
        ("created_at", Shape::Time),
        ("updated_at", Shape::Time),
        ("revision_number", Shape::Int),
    ]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prefix_keeps_its_host_bits_and_an_address_is_one() {
        let read = |text: &str| RulePrefix::from_json(&json!(text), &Rule::Plain).unwrap().0;
        assert_eq!(read("10.0.0.5/24").unwrap().to_string(), "10.0.0.5/24");
        assert_eq!(read("10.0.0.5").unwrap().to_string(), "10.0.0.5/32");
        assert_eq!(read("fd00::1").unwrap().to_string(), "fd00::1/128");
        assert_eq!(read(""), None);
        for bad in
            [json!("192.168.1./24"), json!("192.168.1.1/33"), json!("256"), json!(5), json!([])]
        {
            let Err(Invalid::Typed { name, .. }) = RulePrefix::from_json(&bad, &Rule::Plain) else {
                panic!("{bad}")
            };
            assert_eq!(name, "InvalidCIDR");
        }
    }

    #[test]
    fn families_are_read_in_any_case_and_ports_as_texts_too() {
        assert_eq!(EtherType::from_json(&json!("ipv6"), &Rule::Plain), Ok(EtherType::Ipv6));
        assert!(EtherType::from_json(&Value::Null, &Rule::Plain).is_err());
        assert_eq!(PortBound::from_json(&json!("80"), &Rule::Plain), Ok(PortBound(80)));
        for bad in [json!(-16), json!(65536), json!(true), json!("x"), json!(1.5)] {
            let text = format!("Invalid value for port {}", PyText(&bad));
            let refused = PortBound::from_json(&bad, &Rule::Plain).unwrap_err();
            assert_eq!(refused, Invalid::typed("SecurityGroupInvalidPortValue", text));
        }
    }

    #[test]
    fn a_rule_is_embedded_with_all_that_it_shows() {
        let json = serde_json::to_value(SecurityGroupRule::default()).unwrap();
        let Shape::Object(members) = SecurityGroupRule::SHAPE else { panic!() };
        let mut told: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        let mut shown: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        told.sort_unstable();
        shown.sort_unstable();
        assert_eq!(told, shown);
    }
}
