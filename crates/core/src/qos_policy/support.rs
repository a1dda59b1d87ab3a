//! Which rules mechanism drivers carry out, for which ports.

use nucleon_db::Tx;
use nucleon_db::qos_policy::{PortsAlike, qos_policy_ports, qos_ports_of_network};
use nucleon_model::{NetworkId, Port, PortId, QosPolicy, QosPolicyId, QosRule, QosRuleKind, port};

use crate::driver::QosSupport;
use crate::{Core, Error, Result};

/// What of a port decides whether a driver carries out a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plugged<'a> {
    id: PortId,
    vif_type: &'a str,
    vnic_type: &'a str,
}

impl<'a> From<&'a Port> for Plugged<'a> {
    fn from(port: &'a Port) -> Self {
        Self { id: port.id, vif_type: &port.vif_type, vnic_type: &port.vnic_type }
    }
}

impl<'a> From<&'a PortsAlike> for Plugged<'a> {
    fn from(ports: &'a PortsAlike) -> Self {
        Self { id: ports.id, vif_type: &ports.vif_type, vnic_type: &ports.vnic_type }
    }
}

/// What the drivers of this cloud carry out.
fn supported(core: &Core) -> impl Iterator<Item = &'static QosSupport> {
    core.drivers().mechanisms.iter().filter_map(|driver| driver.qos())
}

/// Refuses a port under a policy with a rule that no driver carries out for such a port.
pub(crate) fn check_port(core: &Core, rules: &[QosRule], port: Plugged<'_>) -> Result<()> {
    let bound = ![port::vif_type::UNBOUND, port::vif_type::BINDING_FAILED].contains(&port.vif_type);
    let serves = |driver: &&QosSupport| {
        if bound {
            driver.vif_types.contains(&port.vif_type)
        } else {
            driver.vnic_types.contains(&port.vnic_type)
        }
    };
    let carried =
        |rule: &&QosRule| supported(core).filter(serves).any(|driver| driver.carries_out(rule));
    match rules.iter().find(|rule| !carried(rule)) {
        None => Ok(()),
        Some(rule) => Err(Error::conflict(
            "QosRuleNotSupported",
            format!("Rule {} is not supported by port {}", rule.kind, port.id),
        )),
    }
}

/// Refuses a network under a policy with a rule that no driver carries out, for any port at all.
pub(crate) fn check_network(core: &Core, policy: &QosPolicy, network: NetworkId) -> Result<()> {
    let carried = |rule: &&QosRule| supported(core).any(|driver| driver.carries_out(rule));
    match policy.rules.iter().find(|rule| !carried(rule)) {
        None => Ok(()),
        Some(rule) => Err(Error::conflict(
            "QosRuleNotSupportedByNetwork",
            format!("Rule {} is not supported by network {network}", rule.kind),
        )),
    }
}

/// Refuses a policy for a network with a rule that no driver carries out for the ports that come under it with the network.
pub(crate) async fn check_ports_on(
    core: &Core,
    tx: &mut Tx,
    policy: &QosPolicy,
    network: NetworkId,
) -> Result<()> {
    if policy.rules.is_empty() {
        return Ok(());
    }
    for ports in qos_ports_of_network(tx, network).await? {
        check_port(core, &policy.rules, (&ports).into())?;
    }
    Ok(())
}

/// Refuses a rule that cannot be carried out for a port under its policy, or that the compute service would have to know of
/// because it has set aside what machines are promised.
pub(crate) async fn check_rule(
    core: &Core,
    tx: &mut Tx,
    policy: QosPolicyId,
    rule: &QosRule,
) -> Result<()> {
    for ports in qos_policy_ports(tx, policy).await? {
        check_port(core, std::slice::from_ref(rule), (&ports).into())?;
        if ports.compute && is_promise(rule.kind) {
            return Err(promised());
        }
    }
    Ok(())
}

/// Whether a kind of rules promises something, rather than to limit or to mark it.
pub(super) const fn is_promise(kind: QosRuleKind) -> bool {
    matches!(kind, QosRuleKind::MinimumBandwidth | QosRuleKind::MinimumPacketRate)
}

/// Neutron says so with status 501, which clients take for a fault of the server.
fn promised() -> Error {
    Error::conflict(
        "QosRuleTrackedInPlacement",
        "Cannot update QoS policies/rules backed by resources tracked in Placement",
    )
}
