//! Binding: which segment a port gets on its host, and what it then waits for.

use nucleon_model::agent::AgentTime;
use nucleon_model::{Agent, Port, Segment, Timestamp, port};
use serde_json::Map;

use crate::Core;
use crate::driver::{BindContext, Binding};
use crate::port::Ground;

/// Levels of a hierarchical binding, as in Neutron.
const MAX_LEVELS: usize = 10;

impl Core {
    /// Whether an agent was heard of within `agent_down_time`.
    pub(crate) fn is_alive(&self, agent: &Agent, now: Timestamp) -> bool {
        let AgentTime(heard) = agent.heartbeat_timestamp;
        heard >= self.alive_since(now)
    }

    /// Who was heard of since then is alive.
    pub(crate) fn alive_since(&self, now: Timestamp) -> Timestamp {
        let limit = i64::try_from(self.settings().agent_down_time.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.as_micros().saturating_sub(limit))
    }

    /// Binds a port on its host, or says that nobody can.
    pub(crate) fn bind(&self, port: &mut Port, ground: &Ground) {
        port.segment_id = None;
        port.vif_details = Map::new();
        if port.host.is_empty() {
            port::vif_type::UNBOUND.clone_into(&mut port.vif_type);
            return;
        }
        port::vif_type::BINDING_FAILED.clone_into(&mut port.vif_type);
        let now = self.now();
        let agents: Vec<Agent> =
            ground.agents.iter().filter(|agent| self.is_alive(agent, now)).cloned().collect();
        let mut segments = segments_for(port, ground);
        for _ in 0..MAX_LEVELS {
            let context = BindContext { port, segments: &segments, agents: &agents };
            let answer = self
                .drivers()
                .mechanisms
                .iter()
                .map(|driver| driver.bind(&context))
                .find(|binding| *binding != Binding::Pass);
            match answer {
                Some(Binding::Bound { segment, vif_type, vif_details }) => {
                    port.segment_id = Some(segment);
                    port.vif_type = vif_type;
                    port.vif_details = vif_details;
                    return;
                }
                Some(Binding::Next(next)) => segments = next,
                Some(Binding::Pass) | None => return,
            }
        }
    }

    /// Sets what a new port waits for, and the status that follows.
    pub(super) fn set_awaited(port: &mut Port, ground: &Ground) {
        port.awaits_l2 = true;
        port.awaits_dhcp = needs_dhcp(port, ground);
        port.wired_at = None;
        port.dhcp_ready_at = None;
        port::status::DOWN.clone_into(&mut port.status);
    }

    /// Sets what a changed port waits for: its wire again when `wire` says so, its lease again when its addresses changed.
    pub(super) fn await_again(before: &Port, port: &mut Port, ground: &Ground, wire: bool) {
        if wire {
            port.awaits_l2 = true;
            port.wired_at = None;
        }
        if port.fixed_ips != before.fixed_ips || port.mac_address != before.mac_address {
            port.awaits_dhcp = needs_dhcp(port, ground);
            port.dhcp_ready_at = None;
        }
        let ready = port.admin_state_up && !port.awaits_l2 && !port.awaits_dhcp;
        let status = match (ready, wire) {
            (true, _) => port::status::ACTIVE,
            // A port whose lease alone is renewed goes on as it was.
            (false, false) if port.admin_state_up => &before.status,
            _ => port::status::DOWN,
        };
        status.clone_into(&mut port.status);
    }
}

/// The segments that a port may be bound to: with addresses of a routed network, that of their subnet.
fn segments_for(port: &Port, ground: &Ground) -> Vec<Segment> {
    let of = |id| ground.subnets.iter().find(|subnet| subnet.id == id)?.segment_id;
    let confined: Vec<_> =
        port.fixed_ips.iter().filter_map(|fixed_ip| of(fixed_ip.subnet_id)).collect();
    let usable = |segment: &&Segment| confined.is_empty() || confined.contains(&segment.id);
    ground.segments.iter().filter(usable).cloned().collect()
}

/// Whether some DHCP agent is to serve one of the port's addresses. They answer DHCPv4; what IPv6 needs is not theirs.
fn needs_dhcp(port: &Port, ground: &Ground) -> bool {
    port.device_owner != port::OWNER_DHCP
        && ground.network.admin_state_up
        && !ground.dhcp_agents.is_empty()
        && port.fixed_ips.iter().filter(|fixed_ip| fixed_ip.ip_address.is_ipv4()).any(|fixed_ip| {
            ground
                .subnets
                .iter()
                .any(|subnet| subnet.id == fixed_ip.subnet_id && subnet.enable_dhcp)
        })
}
