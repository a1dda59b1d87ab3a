//! Ports under QoS policies: their own, or their networks'.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use nucleon_db::Tx;
use nucleon_db::qos_rule::qos_rule_list_of;
use nucleon_model::{Field, Network, Port, QosPolicyId, QosRule};

use crate::qos_policy::{self, check_port, show_requests};
use crate::{Caller, Core, Result};

/// The rules of policies that ports of one request come under.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Of policies that the caller sees.
    seen: BTreeMap<QosPolicyId, Vec<QosRule>>,
    /// Of policies that networks brought along, whoever sees them.
    brought: BTreeMap<QosPolicyId, Vec<QosRule>>,
}

impl Rules {
    async fn seen(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        id: QosPolicyId,
    ) -> Result<&[QosRule]> {
        let known = match self.seen.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(qos_policy::wanted(core, tx, caller, id).await?.rules)
            }
        };
        Ok(known)
    }

    async fn brought(&mut self, tx: &mut Tx, id: QosPolicyId) -> Result<&[QosRule]> {
        let known = match self.brought.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(qos_rule_list_of(tx, &[id]).await?),
        };
        Ok(known)
    }
}

/// Brings a new port under the policy that it asks for, and its network's.
pub(super) async fn settle(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    port: &mut Port,
    (wanted, network): (&Field<QosPolicyId>, &Network),
    rules: &mut Rules,
) -> Result<()> {
    port.qos_policy_id = wanted.get().copied();
    port.qos_network_policy_id = network.qos_policy_id;
    let rules = match (port.qos_policy_id, port.qos_network_policy_id) {
        (Some(own), _) => rules.seen(core, tx, caller, own).await?,
        (None, Some(brought)) => rules.brought(tx, brought).await?,
        (None, None) => return Ok(()),
    };
    check_port(core, rules, (&*port).into())
}

/// Brings a port under another policy, where a request says so.
pub(super) async fn change(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    port: &mut Port,
    (wanted, network): (&Field<QosPolicyId>, &Network),
) -> Result<()> {
    port.qos_network_policy_id = network.qos_policy_id;
    match qos_policy::change(core, tx, caller, &mut port.qos_policy_id, wanted).await? {
        Some(policy) => check_port(core, &policy.rules, (&*port).into()),
        None => Ok(()),
    }
}

/// Shows ports of a list with the policies of their networks, and what they ask for.
pub(super) async fn show_all(tx: &mut Tx, ports: &mut [Port]) -> Result<()> {
    let policies = qos_policy::of_networks(tx, ports.iter().map(|port| port.network_id)).await?;
    for port in ports.iter_mut() {
        port.qos_network_policy_id = policies.get(&port.network_id).copied();
    }
    show_requests(tx, ports).await
}
