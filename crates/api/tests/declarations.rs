//! Holds every flag of the declarations against what Neutron's own definitions say.
//!
//! The reference is looked for in `NUCLEON_REFERENCE` or `../shared` beside the checkout.

use std::path::PathBuf;

use nucleon_model::{
    AddressGroup, AddressScope, Agent, AttrDefault, Attribute, AvailabilityZone, Flags, Flavor,
    FloatingIp, FloatingIpPool, LocalIp, Log, MeteringLabel, MeteringLabelRule, NdpProxy, Network,
    NetworkIpAvailability, NetworkSegmentRange, Port, QosPolicy, QosRuleType, RbacPolicy, Resource,
    ResourceDecl, Router, SecurityGroup, SecurityGroupRule, Segment, Statefulness, Subnet,
    SubnetPool, Trunk,
};
use serde_json::{Value, json};

fn reference(name: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let directory =
        std::env::var_os("NUCLEON_REFERENCE").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = directory.join("neutron").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no reference at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// All declarations but those of which the reference has a part or nothing: `default_security_group_rules`, and what lies
/// under other resources.
const ALL: &[&ResourceDecl] = &[
    Network::DECL,
    Subnet::DECL,
    Port::DECL,
    Segment::DECL,
    Agent::DECL,
    AvailabilityZone::DECL,
    AddressScope::DECL,
    Router::DECL,
    FloatingIp::DECL,
    FloatingIpPool::DECL,
    NdpProxy::DECL,
    SecurityGroup::DECL,
    SecurityGroupRule::DECL,
    Statefulness::DECL,
    AddressGroup::DECL,
    RbacPolicy::DECL,
    SubnetPool::DECL,
    NetworkSegmentRange::DECL,
    NetworkIpAvailability::DECL,
    Trunk::DECL,
    Flavor::DECL,
    LocalIp::DECL,
    Log::DECL,
    MeteringLabel::DECL,
    MeteringLabelRule::DECL,
    QosPolicy::DECL,
    QosRuleType::DECL,
];

/// Where the declarations differ on purpose: resource, attribute, flag, and why.
const EXCEPTIONS: &[(&str, &str, &str, &str)] = &[
    ("network", "tenant_id", "required_by_policy", MIRROR),
    ("address_scope", "tenant_id", "required_by_policy", MIRROR),
    ("rbac_policy", "tenant_id", "required_by_policy", MIRROR),
    ("subnet", "tenant_id", "required_by_policy", MIRROR),
    ("subnetpool", "tenant_id", "required_by_policy", MIRROR),
    ("port", "tenant_id", "required_by_policy", MIRROR),
    ("router", "tenant_id", "required_by_policy", MIRROR),
    ("floatingip", "tenant_id", "required_by_policy", MIRROR),
    ("security_group", "tenant_id", "required_by_policy", MIRROR),
    ("security_group_rule", "tenant_id", "required_by_policy", MIRROR),
    ("trunk", "tenant_id", "required_by_policy", MIRROR),
    ("policy", "tenant_id", "required_by_policy", MIRROR),
    ("metering_label", "tenant_id", "required_by_policy", MIRROR),
    ("metering_label_rule", "tenant_id", "required_by_policy", MIRROR),
    ("metering_label_rule", "project_id", "is_visible", UNSHOWN),
    ("metering_label_rule", "tenant_id", "is_visible", UNSHOWN),
    ("metering_label_rule", "source_ip_prefix", "allow_put", UNCHANGED),
    ("metering_label_rule", "destination_ip_prefix", "allow_put", UNCHANGED),
    ("address_group", "tenant_id", "exists", SHOWN),
    ("floatingip_pool", "tenant_id", "exists", SHOWN),
    ("local_ip", "tenant_id", "exists", SHOWN),
    ("log", "tenant_id", "exists", SHOWN),
    ("network", "pvlan", "exists", SHOWN),
    ("port", "pvlan_type", "exists", SHOWN),
    ("port", "pvlan_community", "exists", SHOWN),
    ("floatingip", "router_id", "allow_post", LATER),
    ("floatingip", "router_id", "allow_put", LATER),
    ("floatingip", "router_id", "alias", LATER),
    ("security_group", "stateful", "default", PROJECTS),
    ("subnet", "segment_id", "enforce_policy", RULES),
    ("port", "resource_request", "enforce_policy", ANSWERS),
    ("rule_type", "all_supported", "allow_post", ASKED),
    ("rule_type", "all_supported", "allow_put", ASKED),
    ("rule_type", "all_rules", "allow_post", ASKED),
    ("rule_type", "all_rules", "allow_put", ASKED),
];

const SHOWN: &str = "Neutron's answers have it, though it is not in the map";

const UNSHOWN: &str = "Neutron's answers have it not, though it is in the map";

const UNCHANGED: &str = "nothing in Neutron carries out such an update";

const PROJECTS: &str = "what the project has as its default could otherwise never hold";

const RULES: &str =
    "policy has rules for it, which an extension switches on that is not in the map";

const ANSWERS: &str = "policy has a rule for who is shown it, which nobody needs to ask it by";

const ASKED: &str = "nobody makes or changes kinds of rules";

const LATER: &str =
    "an extension of the same server lets it be written, though it is not in the map";

const MIRROR: &str = "policy reads project_id, which tenant_id shows a second time";

/// A difference: resource, attribute, flag, and what stands here and there.
type Difference = (&'static str, &'static str, &'static str, String);

/// What a create without the attribute means, in the reference's terms.
fn default_of(attribute: &Attribute) -> Option<Value> {
    match attribute.default {
        AttrDefault::Required => None,
        AttrDefault::Unset => Some(json!("<not-specified>")),
        AttrDefault::Null => Some(Value::Null),
        AttrDefault::Bool(value) => Some(json!(value)),
        AttrDefault::Int(value) => Some(json!(value)),
        AttrDefault::Text(value) => Some(json!(value)),
        AttrDefault::EmptyList => Some(json!([])),
    }
}

/// Neutron declares `tenant_id` and derives `project_id` from it; here it is the other way round.
fn reference_name(name: &str) -> &str {
    if name == "project_id" { "tenant_id" } else { name }
}

fn compare(reference: &Value, decl: &'static ResourceDecl) -> Vec<Difference> {
    let theirs = reference["effective_attributes_ml2_ovs"][decl.collection]
        .as_object()
        .unwrap_or_else(|| panic!("no {} in the reference", decl.collection));
    let mut differences = Vec::new();
    for attribute in decl.attributes {
        let name = attribute.name;
        let Some(their) = theirs.get(reference_name(name)).or_else(|| theirs.get(name)) else {
            differences.push((decl.name, name, "exists", "not in the reference".to_owned()));
            continue;
        };
        let flag = |key: &str| their.get(key).and_then(Value::as_bool).unwrap_or(false);
        for (what, ours) in [
            ("allow_post", attribute.is(Flags::POST)),
            ("allow_put", attribute.is(Flags::PUT)),
            ("is_filter", attribute.is(Flags::FILTER)),
            ("is_sort_key", attribute.is(Flags::SORT)),
            ("is_visible", !attribute.is(Flags::HIDDEN)),
            ("enforce_policy", attribute.is(Flags::GUARDED)),
            ("required_by_policy", attribute.is(Flags::FOR_POLICY)),
        ] {
            let theirs = flag(what);
            if ours != theirs {
                differences.push((decl.name, name, what, format!("{ours} here, {theirs} there")));
            }
        }
        let mut aliases = their["from"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if name != "project_id" && !aliases.any(|alias| alias == attribute.alias) {
            let text = format!("{} here, {} there", attribute.alias, their["from"]);
            differences.push((decl.name, name, "alias", text));
        }
        if attribute.is(Flags::POST) && reference_name(name) == name && attribute.mirrors.is_none()
        {
            let (ours, theirs) = (default_of(attribute), their.get("default").cloned());
            if ours != theirs {
                differences.push((
                    decl.name,
                    name,
                    "default",
                    format!("{ours:?} here, {theirs:?} there"),
                ));
            }
        }
    }
    differences
}

#[test]
fn the_flags_are_neutrons() {
    let Some(reference) = reference("api-definitions.json") else { return };
    let differences: Vec<Difference> =
        ALL.iter().flat_map(|decl| compare(&reference, decl)).collect();
    let excepted = |difference: &&Difference| {
        EXCEPTIONS.iter().any(|exception| {
            (exception.0, exception.1, exception.2) == (difference.0, difference.1, difference.2)
        })
    };
    let unexpected: Vec<String> = differences
        .iter()
        .filter(|difference| !excepted(difference))
        .map(|(resource, attribute, flag, text)| format!("{resource} {attribute} {flag}: {text}"))
        .collect();
    assert!(unexpected.is_empty(), "{} differences:\n{}", unexpected.len(), unexpected.join("\n"));
    let found = differences.iter().filter(excepted).count();
    assert_eq!(found, EXCEPTIONS.len(), "an exception is one no more: {differences:?}");
}

/// Attributes with rules that say no more than those of their objects.
const AS_THE_OBJECT: &[&str] = &["tags"];

/// Attributes with rules that Neutron has and does not ask.
const UNASKED: &[&str] = &["service_types"];

#[test]
fn what_policy_has_rules_for_is_guarded() {
    let Some(defaults) = reference("policy-defaults.json") else { return };
    let rules: Vec<&str> = defaults["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .filter_map(|rule| rule["name"].as_str())
        .collect();
    let mut ruled = 0;
    for decl in ALL {
        for attribute in decl.attributes {
            let has_rule = ["create", "update", "get"].iter().any(|verb| {
                rules.contains(&format!("{verb}_{}:{}", decl.name, attribute.name).as_str())
            });
            let apart = [AS_THE_OBJECT, UNASKED].concat().contains(&attribute.name);
            if has_rule && !apart {
                ruled += 1;
                assert!(attribute.is(Flags::GUARDED), "{} {}", decl.name, attribute.name);
            }
        }
    }
    assert!(ruled > 10, "only {ruled} attributes have rules");
}
