//! What ports ask of their hosts for what their policies promise.

use nucleon_db::{Tx, qos_rule as rules, segment as segments};
use nucleon_model::{NetworkId, Port, QosPolicyId, ResourceRequest};

use super::by_policy;
use super::support::is_promise;
use crate::Result;

/// Fills in what ports ask for. Two questions for all, none where no port is under a policy.
pub(crate) async fn show_requests(tx: &mut Tx, ports: &mut [Port]) -> Result<()> {
    let mut ids: Vec<QosPolicyId> = ports.iter().filter_map(Port::under_qos_policy).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let mut promises = rules::qos_rule_list_of(tx, &ids).await?;
    promises.retain(|rule| is_promise(rule.kind));
    let promises = by_policy(promises);
    let promised = |port: &Port| port.under_qos_policy().and_then(|id| promises.get(&id));
    let mut networks: Vec<NetworkId> =
        ports.iter().filter(|port| promised(port).is_some()).map(|port| port.network_id).collect();
    networks.sort_unstable();
    networks.dedup();
    if networks.is_empty() {
        return Ok(());
    }
    let segments = segments::segment_list_of(tx, &networks).await?;
    for port in ports {
        let Some(rules) = promised(port) else { continue };
        let own = segments.iter().filter(|segment| segment.network_id == port.network_id);
        let first = own.min_by_key(|segment| segment.segment_index);
        port.resource_request = ResourceRequest::of(port.id, &port.vnic_type, first, rules);
    }
    Ok(())
}
