//! The rules that new security groups begin with.

use nucleon_net::IpNet;

use crate::attribute::{Default as Unless, flags};
use crate::declare::resource;
use crate::id::{AddressGroupId, DefaultSecurityGroupRuleId};
use crate::protocol::Protocol;
use crate::rule::Rule;
use crate::security_group_rule::{EtherType, Flow, PortBound, RulePrefix};
use crate::standard::standard;

/// As `remote_group_id`: the group itself that the rule is made for.
pub const PARENT_GROUP: &str = "PARENT";

resource! {
    /// A rule that new security groups begin with.
    DefaultSecurityGroupRule, DefaultSecurityGroupRuleDraft:
    "default_security_group_rule" / "default_security_group_rules", titled "DefaultSecurityGroupRule",
    in "default_security_group_rules", at "default-security-group-rules",
    missing "DefaultSecurityGroupRuleNotFound" "Default Security Group rule {} does not exist";
    settable {
        /// Text for people.
        "description": description: String as String ["description"]
            { "security-groups-default-rules", flags!(POST FILTER), Rule::Text(255), Unless::Text("") }
        /// The group at the other end; `PARENT` is the group that the rule is made for.
        "remote_group_id": remote_group_id: Option<String> as String ["remote_group_id"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Text(36), Unless::Null }
        /// The address group with the addresses at the other end.
        "remote_address_group_id": remote_address_group_id: Option<AddressGroupId> as String ["remote_address_group_id"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// Which way the traffic goes: to the port or from it.
        "direction": direction: Flow as Flow ["direction"]
            { "security-groups-default-rules", flags!(POST FILTER SORT), Rule::Plain, Unless::Required }
        /// The protocol above IP, by name or number; none means all.
        "protocol": protocol: Option<Protocol> as Option<Protocol> ["protocol"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The first port, or the type of ICMP.
        "port_range_min": port_range_min: Option<i64> as PortBound ["port_range_min"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The last port, or the code of ICMP.
        "port_range_max": port_range_max: Option<i64> as PortBound ["port_range_max"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// The family of addresses.
        "ethertype": ethertype: EtherType as EtherType ["ethertype"]
            { "security-groups-default-rules", flags!(POST FILTER SORT), Rule::Plain, Unless::Text("IPv4") }
        /// The addresses at the other end, as a prefix.
        "remote_ip_prefix": remote_ip_prefix: Option<IpNet> as RulePrefix ["remote_ip_prefix"]
            { "security-groups-default-rules", flags!(POST FILTER SORT NULLABLE), Rule::Plain, Unless::Null }
        /// Whether the default groups of projects begin with it.
        "used_in_default_sg": used_in_default_sg: bool as bool ["used_in_default_sg"]
            { "security-groups-default-rules", flags!(POST FILTER), Rule::Plain, Unless::Required }
        /// Whether all other groups begin with it.
        "used_in_non_default_sg": used_in_non_default_sg: bool as bool ["used_in_non_default_sg"]
            { "security-groups-default-rules", flags!(POST FILTER), Rule::Plain, Unless::Required }
    }
    computed {
        /// Its identifier.
        "id": id: DefaultSecurityGroupRuleId ["id"] { "security-groups-default-rules", flags!(FILTER SORT) }
    }
    mirrors {}
    internal {
        /// How often it was changed.
        revision_number: i64 ["revision_number"]
    }
}

standard! { DefaultSecurityGroupRule: DefaultSecurityGroupRuleId }
