//! The flows that wire ports. Pure; table numbers follow Neutron's layout, except that nothing on the integration
//! bridge says NORMAL: what is not known is not delivered.

use nucleon_net::{MacAddr, VlanId};
use nucleon_openflow::field::{ETH_DST, IN_PORT, VLAN_VID, VlanVid};
use nucleon_openflow::{Action, Flow, Match, Port};

use crate::wiring::Wire;

/// Marks the flows that are this agent's: "nucleon" and the number of its role.
pub(crate) const COOKIE: u64 = u64::from_be_bytes(*b"nucleon\x01");

/// Classifies what comes in, and drops what is not known (Neutron's `LOCAL_SWITCHING`).
const LOCAL_SWITCHING: u8 = 0;
/// Delivers within a local VLAN (Neutron's `TRANSIENT`).
const TRANSIENT: u8 = 60;

/// The Ethernet type of a VLAN tag (IEEE 802.1Q).
const VLAN_TAG: u16 = 0x8100;

/// The group bit, which broadcast has too.
const GROUP: MacAddr = MacAddr::new([1, 0, 0, 0, 0, 0]);

/// The patch between the integration bridge and a physical one, as each of them numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patch {
    /// Number of `int-…` on the integration bridge.
    pub(crate) inner: u32,
    /// Number of `phy-…` on the physical bridge.
    pub(crate) outer: u32,
}

/// A device among those of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) ofport: u32,
}

fn flow(table: u8, priority: u16, matches: Match) -> Flow {
    Flow::new(table, priority).matching(matches).cookie(COOKIE)
}

fn from(port: u32) -> Match {
    Match::new().with(IN_PORT, Port(port))
}

fn set_vlan(id: VlanId) -> Action {
    Action::set(VLAN_VID, VlanVid::from(id))
}

fn output(port: u32) -> Action {
    Action::Output(Port(port))
}

/// What the integration bridge has without any port.
pub(crate) fn integration_base() -> Vec<Flow> {
    vec![flow(LOCAL_SWITCHING, 0, Match::new()), flow(TRANSIENT, 0, Match::new())]
}

/// What the integration bridge has for each patch: nothing comes in that no network claims.
pub(crate) fn integration_patch(patch: Patch) -> Vec<Flow> {
    vec![flow(LOCAL_SWITCHING, 2, from(patch.inner))]
}

/// What a physical bridge has without any network: its own traffic goes on as without us, and nothing leaves the
/// integration bridge with a tag that means something only there.
pub(crate) fn physical_base(patch: Patch) -> Vec<Flow> {
    vec![
        flow(0, 2, from(patch.outer)),
        flow(0, 0, Match::new()).actions([Action::Output(Port::NORMAL)]),
    ]
}

/// The way of a network from its wire into the host.
fn inbound(wire: &Wire, local: VlanId, patch: Patch) -> Option<Flow> {
    let flow = match wire {
        Wire::Local => return None,
        Wire::Vlan { id, .. } => flow(LOCAL_SWITCHING, 3, from(patch.inner).vlan(*id))
            .actions([set_vlan(local), Action::resubmit(TRANSIENT)]),
        Wire::Flat { .. } => flow(LOCAL_SWITCHING, 3, from(patch.inner).untagged()).actions([
            Action::PushVlan(VLAN_TAG),
            set_vlan(local),
            Action::resubmit(TRANSIENT),
        ]),
    };
    Some(flow)
}

/// The way of a network out of the host, on the physical bridge.
pub(crate) fn outbound(wire: &Wire, local: VlanId, patch: Patch) -> Vec<Flow> {
    let rewrite = match wire {
        Wire::Local => return Vec::new(),
        Wire::Vlan { id, .. } => set_vlan(*id),
        Wire::Flat { .. } => Action::PopVlan,
    };
    vec![flow(0, 4, from(patch.outer).vlan(local)).actions([rewrite, Action::Output(Port::NORMAL)])]
}

/// The integration bridge's flows of a network: from its wire, to its wire, and to all at once.
///
/// A list of outputs leaves out the port that a packet came from, so one list serves all senders.
pub(crate) fn lan(
    wire: &Wire,
    local: VlanId,
    patch: Option<Patch>,
    members: &[Member],
) -> Vec<Flow> {
    let to_wire: Vec<Action> = patch
        .filter(|_| wire.physical_network().is_some())
        .map(|patch| output(patch.inner))
        .into_iter()
        .collect();
    let mut flood = to_wire.clone();
    if !members.is_empty() {
        flood.push(Action::PopVlan);
        flood.extend(members.iter().map(|member| output(member.ofport)));
    }
    let group = Match::new().vlan(local).with_masked(ETH_DST, GROUP, GROUP);
    let mut flows = vec![
        flow(TRANSIENT, 15, group).actions(flood),
        flow(TRANSIENT, 10, Match::new().vlan(local)).actions(to_wire),
    ];
    flows.extend(patch.and_then(|patch| inbound(wire, local, patch)));
    flows
}

/// The integration bridge's flows of one port: out of its device, and into it. A device that sends tags of its own is
/// not heard.
pub(crate) fn port(ofport: u32, mac: MacAddr, local: VlanId) -> Vec<Flow> {
    vec![
        flow(LOCAL_SWITCHING, 10, from(ofport).untagged()).actions([
            Action::PushVlan(VLAN_TAG),
            set_vlan(local),
            Action::resubmit(TRANSIENT),
        ]),
        flow(TRANSIENT, 20, Match::new().vlan(local).with(ETH_DST, mac))
            .actions([Action::PopVlan, output(ofport)]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: Patch = Patch { inner: 1, outer: 2 };

    fn tag(id: u16) -> VlanId {
        VlanId::new(id).unwrap()
    }

    fn texts(flows: &[Flow]) -> Vec<String> {
        let cookie = format!("cookie={COOKIE:#x},");
        flows.iter().map(|flow| flow.to_string().replace(&cookie, "")).collect()
    }

    fn vlan() -> Wire {
        Wire::Vlan { physical_network: "physnet1".into(), id: tag(101) }
    }

    #[test]
    fn a_vlan_network_is_translated_both_ways() {
        let members = [Member { ofport: 5 }, Member { ofport: 6 }];
        assert_eq!(
            texts(&lan(&vlan(), tag(1), Some(PATCH), &members)),
            [
                "table=60,priority=15,dl_vlan=1,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 \
                 actions=output:1,pop_vlan,output:5,output:6",
                "table=60,priority=10,dl_vlan=1 actions=output:1",
                "table=0,priority=3,in_port=1,dl_vlan=101 \
                 actions=set_field:4097->vlan_vid,resubmit(,60)",
            ]
        );
        assert_eq!(
            texts(&outbound(&vlan(), tag(1), PATCH)),
            ["table=0,priority=4,in_port=2,dl_vlan=1 actions=set_field:4197->vlan_vid,NORMAL"]
        );
    }

    #[test]
    fn a_flat_network_is_tagged_inside_only() {
        let flat = Wire::Flat { physical_network: "pub".into() };
        assert_eq!(
            texts(&lan(&flat, tag(2), Some(PATCH), &[])).last().unwrap(),
            "table=0,priority=3,in_port=1,vlan_tci=0x0000/0x1fff \
             actions=push_vlan:0x8100,set_field:4098->vlan_vid,resubmit(,60)"
        );
        assert_eq!(
            texts(&outbound(&flat, tag(2), PATCH)),
            ["table=0,priority=4,in_port=2,dl_vlan=2 actions=pop_vlan,NORMAL"]
        );
    }

    #[test]
    fn a_local_network_has_no_wire() {
        let flows = texts(&lan(&Wire::Local, tag(3), None, &[Member { ofport: 5 }]));
        assert_eq!(
            flows,
            [
                "table=60,priority=15,dl_vlan=3,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 \
                 actions=pop_vlan,output:5",
                "table=60,priority=10,dl_vlan=3 actions=drop",
            ]
        );
        assert!(outbound(&Wire::Local, tag(3), PATCH).is_empty());
    }

    #[test]
    fn a_port_sends_untagged_frames_and_gets_its_own() {
        let mac = "fa:16:3e:00:00:0b".parse().unwrap();
        assert_eq!(
            texts(&port(5, mac, tag(1))),
            [
                "table=0,priority=10,in_port=5,vlan_tci=0x0000/0x1fff \
                 actions=push_vlan:0x8100,set_field:4097->vlan_vid,resubmit(,60)",
                "table=60,priority=20,dl_vlan=1,dl_dst=fa:16:3e:00:00:0b actions=pop_vlan,output:5",
            ]
        );
    }

    #[test]
    fn the_integration_bridge_never_says_normal() {
        let mut flows = integration_base();
        flows.extend(integration_patch(PATCH));
        flows.extend(lan(&vlan(), tag(1), Some(PATCH), &[Member { ofport: 5 }]));
        flows.extend(port(5, MacAddr::ZERO, tag(1)));
        assert!(flows.iter().all(|flow| !flow.to_string().contains("NORMAL")));
    }
}
