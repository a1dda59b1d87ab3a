//! The plugin agent of a compute node: desired ports to Open vSwitch.
//!
//! It owns the flows with its cookie, the ports that it makes (patches between bridges), and the tags of the ports that
//! it wires. Foreign bridges, ports and flows are left alone. A port that it has not wired neither sends nor receives.
//!
//! ```text
//!   view (from the server) ──┐                            ┌─► a bundle per physical bridge, then br-int
//!                            ├─► plan: pure ─► a round ───┼─► OVSDB transactions: tags, notes
//!   devices (from OVSDB) ────┘   wiring, flows, rows      └─► report: wired, unwired
//!   patches (made first) ────┘
//!
//!   br-int   0  in_port=int-br-x,dl_vlan=provider ─► local tag ─► 60      br-x  0  in_port=phy-br-x,dl_vlan=local
//!            0  in_port=device,untagged ─► push local tag ─► 60                    ─► provider tag, NORMAL
//!            0  everything else: dropped                                       0  in_port=phy-br-x: dropped
//!           60  tag, MAC of a port ─► its device                               0  everything else: NORMAL
//!           60  tag, group address ─► wire and all devices of the network
//!           60  tag ─► wire
//! ```

mod agent;
mod bridges;
mod device;
mod devices;
mod flows;
mod inbox;
mod plan;
mod rows;
mod run;
mod switch;
mod tables;
mod todo;
mod vlans;
mod wiring;

pub use crate::bridges::BridgeConfig;
pub use crate::run::{ConfigError, OvsAgent, run};
