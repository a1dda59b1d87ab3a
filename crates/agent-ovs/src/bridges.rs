//! Bridges: the integration bridge, and the patches to the physical ones.
//!
//! The integration bridge is made; physical ones are the operator's and must be there. What is right is left alone.

use std::collections::BTreeMap;

use nucleon_ovsdb::Transaction;
use nucleon_ovsdb::ovs::{self, BridgeDraft, FailMode, InterfaceType, OfPort, PortDraft, Protocol};

use crate::flows::Patch;

/// The longest name of a network device (`IFNAMSIZ` less the final zero).
const LONGEST_NAME: usize = 15;
/// Digits of the digest that stands for the rest of a long name, as in Neutron.
const DIGEST: usize = 6;

/// What the configuration says of bridges.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    pub integration: String,
    pub datapath_type: String,
    /// Physical network to bridge.
    pub mappings: BTreeMap<String, String>,
}

/// The patches that stand, by physical network.
pub(crate) type Patches = BTreeMap<String, Patch>;

/// What has to be done, and what stands in the way.
#[derive(Debug, Default)]
pub(crate) struct BridgePlan {
    pub(crate) transaction: Transaction,
    pub(crate) is_needed: bool,
    /// One line each: physical networks that cannot be carried.
    pub(crate) problems: Vec<String>,
}

/// A name of at most 15 characters: the prefix, and the bridge's name cut short where it must be.
pub(crate) fn patch_name(prefix: &str, bridge: &str) -> String {
    let whole = format!("{prefix}{bridge}");
    if whole.len() <= LONGEST_NAME {
        return whole;
    }
    let digest = sha1_smol::Sha1::from(bridge).digest().to_string();
    let kept: String =
        bridge.chars().take(LONGEST_NAME.saturating_sub(DIGEST + prefix.len())).collect();
    let digest: String = digest.chars().take(DIGEST).collect();
    format!("{prefix}{kept}{digest}")
}

/// Name of the integration bridge's end of the patch to a physical bridge.
pub(crate) fn inner_name(bridge: &str) -> String {
    patch_name("int-", bridge)
}

/// Name of a physical bridge's end.
pub(crate) fn outer_name(bridge: &str) -> String {
    patch_name("phy-", bridge)
}

/// What makes the switch have the bridges and patches that it should. Pure.
pub(crate) fn plan(config: &BridgeConfig, view: &ovs::View) -> BridgePlan {
    let mut plan = BridgePlan::default();
    let Some(switch) = view.switch() else {
        plan.problems.push("the switch's database has not been initialised".to_owned());
        return plan;
    };
    let integration = if let Some(bridge) = view.bridge_named(&config.integration) {
        adjust(&mut plan, bridge);
        if bridge.fail_mode != Some(FailMode::Secure) {
            ovs::set_bridge_fail_mode(&mut plan.transaction, bridge.id, FailMode::Secure);
            plan.is_needed = true;
        }
        ovs::RowRef::from(bridge.id)
    } else {
        let mut draft = BridgeDraft::new(&config.integration);
        draft.datapath_type.clone_from(&config.datapath_type);
        draft.fail_mode = Some(FailMode::Secure);
        draft.protocols = Protocol::ALL.into_iter().collect();
        plan.is_needed = true;
        ovs::RowRef::from(ovs::add_bridge(&mut plan.transaction, switch.id, &draft))
    };
    for (physical_network, name) in &config.mappings {
        let Some(bridge) = view.bridge_named(name) else {
            plan.problems.push(format!(
                "bridge {name} of physical network {physical_network} does not exist"
            ));
            continue;
        };
        adjust(&mut plan, bridge);
        let (inner, outer) = (inner_name(name), outer_name(name));
        patch(&mut plan, view, &config.integration, integration, &inner, &outer);
        patch(&mut plan, view, name, bridge.id.into(), &outer, &inner);
    }
    plan
}

/// Lets a bridge speak the version that this agent speaks; forbids none.
fn adjust(plan: &mut BridgePlan, bridge: &ovs::Bridge) {
    if !bridge.protocols.is_empty() && !bridge.protocols.contains(Protocol::OpenFlow15.as_str()) {
        ovs::extend_protocols(&mut plan.transaction, bridge, [Protocol::OpenFlow15]);
        plan.is_needed = true;
    }
}

/// One end of a patch: made where it is missing, set right where somebody has changed it.
fn patch(
    plan: &mut BridgePlan,
    view: &ovs::View,
    bridge: &str,
    row: ovs::RowRef,
    name: &str,
    peer: &str,
) {
    let Some(interface) = view.interface_named(name) else {
        ovs::add_port(&mut plan.transaction, row, &PortDraft::patch(name, peer));
        plan.is_needed = true;
        return;
    };
    let on = view.port_of(interface.id).and_then(|port| view.bridge_of(port.id));
    if on.is_some_and(|on| on.name != bridge) {
        plan.problems.push(format!("port {name} is on another bridge than {bridge}"));
        return;
    }
    if interface.kind != InterfaceType::Patch {
        ovs::set_interface_type(&mut plan.transaction, interface.id, &InterfaceType::Patch);
        plan.is_needed = true;
    }
    if interface.options.get("peer").map(String::as_str) != Some(peer) {
        let options = BTreeMap::from([("peer".to_owned(), peer.to_owned())]);
        ovs::set_interface_options(&mut plan.transaction, interface.id, &options);
        plan.is_needed = true;
    }
}

/// The patches that stand and have their numbers.
pub(crate) fn patches(config: &BridgeConfig, view: &ovs::View) -> Patches {
    let number = |name: &str| match view.interface_named(name)?.ofport {
        OfPort::Number(number) => Some(number),
        OfPort::Unassigned | OfPort::Failed => None,
    };
    config
        .mappings
        .iter()
        .filter_map(|(physical_network, bridge)| {
            let inner = number(&inner_name(bridge))?;
            let outer = number(&outer_name(bridge))?;
            Some((physical_network.clone(), Patch { inner, outer }))
        })
        .collect()
}

/// Whether all is as it should be: nothing is to be done, and the switch has given the patches their numbers.
pub(crate) fn is_settled(config: &BridgeConfig, view: &ovs::View) -> bool {
    let standing = patches(config, view);
    let possible = config.mappings.iter().filter(|(_, bridge)| view.bridge_named(bridge).is_some());
    !plan(config, view).is_needed
        && possible.map(|(name, _)| name).all(|name| standing.contains_key(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_told_apart_by_a_digest() {
        assert_eq!(inner_name("br-ex"), "int-br-ex");
        let long = inner_name("br-provider-1");
        assert_eq!(long.len(), 15);
        assert!(long.starts_with("int-br-pr"));
        assert_ne!(long, inner_name("br-provider-2"));
    }

    #[test]
    fn a_switch_without_a_root_row_is_a_problem_not_a_plan() {
        let config = BridgeConfig {
            integration: "br-int".into(),
            datapath_type: String::new(),
            mappings: BTreeMap::new(),
        };
        let plan = plan(&config, &ovs::View::default());
        assert!(!plan.is_needed);
        assert_eq!(plan.problems.len(), 1);
    }
}
