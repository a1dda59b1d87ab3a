//! The rules that hold where no file says otherwise: Neutron's, and those of its dynamic routing.

mod address_group;
mod address_scope;
mod agent;
mod auto_allocated_topology;
mod availability_zone;
mod base;
mod bgp;
mod conntrack_helper;
mod default_security_group_rule;
mod evpn;
mod flavor;
mod floatingip;
mod local_ip;
mod log;
mod metering;
mod ndp_proxy;
mod network;
mod network_ip_availability;
mod network_segment_range;
mod port;
mod port_binding;
mod port_forwarding;
mod pvlan;
mod qos;
mod quota;
mod rbac;
mod router;
mod security_group;
mod security_group_statefulness;
mod segment;
mod service_provider;
mod subnet;
mod subnetpool;
mod trunk;
mod words;

use crate::declared::Declared;

/// The declarations by noun, in the order in which rules are listed. The place of a rule in them is its identity
/// ([`crate::RuleId`]), whatever files say.
const TABLES: &[&[Declared]] = &[
    base::RULES,
    address_group::RULES,
    address_scope::RULES,
    agent::RULES,
    auto_allocated_topology::RULES,
    availability_zone::RULES,
    default_security_group_rule::RULES,
    evpn::RULES,
    flavor::RULES,
    floatingip::RULES,
    port_forwarding::RULES,
    conntrack_helper::RULES,
    local_ip::RULES,
    log::RULES,
    metering::RULES,
    ndp_proxy::RULES,
    network::RULES,
    network_ip_availability::RULES,
    network_segment_range::RULES,
    port_binding::RULES,
    port::RULES,
    pvlan::RULES,
    qos::RULES,
    quota::RULES,
    rbac::RULES,
    router::RULES,
    security_group::RULES,
    security_group_statefulness::RULES,
    segment::RULES,
    service_provider::RULES,
    subnet::RULES,
    subnetpool::RULES,
    trunk::RULES,
    bgp::RULES,
];

/// All declared rules.
pub fn declared() -> impl Iterator<Item = &'static Declared> {
    TABLES.iter().copied().flatten()
}
