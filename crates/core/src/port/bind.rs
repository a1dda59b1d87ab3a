//! Binding: which segment a port gets on its host, and what it then waits for.

use nucleon_model::agent::AgentTime;
use nucleon_model::{Agent, Port, Timestamp, port};
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
        let limit = i64::try_from(self.settings().agent_down_time.as_micros()).unwrap_or(i64::MAX);
        now.as_micros().saturating_sub(heard.as_micros()) <= limit
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
        let mut segments = ground.segments.clone();
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
    pub(super) fn set_awaited(&self, port: &mut Port, ground: &Ground) {
        port.awaits_l2 = true;
        port.awaits_dhcp = needs_dhcp(port, ground);
        port.wired_at = None;
        port.dhcp_ready_at = None;
        port.status = port::status::DOWN.to_owned();
    }

    /// Sets what a changed port waits for: its wire again when it moved, its lease again when its addresses changed.
    pub(super) fn await_again(
        &self,
        before: &Port,
        port: &mut Port,
        ground: &Ground,
        rebound: bool,
    ) {
        if rebound {
            port.awaits_l2 = true;
            port.wired_at = None;
        }
        if port.fixed_ips != before.fixed_ips || port.mac_address != before.mac_address {
            port.awaits_dhcp = needs_dhcp(port, ground);
            port.dhcp_ready_at = None;
        }
        let ready = port.admin_state_up && !port.awaits_l2 && !port.awaits_dhcp;
        port.status = match (ready, rebound) {
            (true, _) => port::status::ACTIVE,
            // A port whose lease alone is renewed goes on as it was.
            (false, false) if port.admin_state_up => &before.status,
            _ => port::status::DOWN,
        }
        .to_owned();
    }
}

/// Whether some DHCP agent is to serve one of the port's addresses.
fn needs_dhcp(port: &Port, ground: &Ground) -> bool {
    port.device_owner != port::OWNER_DHCP
        && !ground.dhcp_agents.is_empty()
        && port.fixed_ips.iter().any(|fixed_ip| {
            ground
                .subnets
                .iter()
                .any(|subnet| subnet.id == fixed_ip.subnet_id && subnet.enable_dhcp)
        })
}
