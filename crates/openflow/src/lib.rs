//! OpenFlow 1.5 as Open vSwitch speaks it: typed flows, their bytes and their text, bundles.
//!
//! This crate owns the model of a flow ([`Flow`], [`Match`], [`Action`]), its two renderings
//! (OpenFlow 1.5 bytes with the Nicira extensions, and the text of `ovs-ofctl`), the difference
//! between a wanted and a found set of flows ([`diff()`]), and the [`Connection`] to the management
//! socket of one bridge. The codec is pure; only the connection does I/O.
//!
//! It does not know which flows a port needs, and it never touches the bridge's configuration:
//! setting a controller would flush the flows.
//!
//! ```text
//!   Flow  <-- text -->  "table=0,priority=3,in_port=2 actions=drop"
//!    |  ^
//!    v  |               one task per connection, the owner of the socket
//!   Message <-- bytes --> +----------------------------+
//!                         | queue of exchanges -> out  | --> <rundir>/<bridge>.mgmt
//!   dump_flows(), ------> |                            |
//!   apply_bundle(), ...   | in -> exchange by its xids | <-- replies, errors
//!   Event <-------------- | in -> events               | <-- port status, packets, closed
//!                         +----------------------------+
//! ```
//!
//! ```
//! use nucleon_openflow::{Action, Flow, Port, field};
//!
//! let flow: Flow = "table=60,priority=20,dl_vlan=1 actions=pop_vlan,output:5".parse()?;
//! assert_eq!(flow.instructions.apply, [Action::PopVlan, Action::Output(Port(5))]);
//! assert_eq!(flow.matches.get(field::VLAN_VID.field).map(|found| found.value), Some(0x1001));
//! # Ok::<(), nucleon_openflow::ParseError>(())
//! ```

mod action;
mod connection;
mod diff;
pub mod field;
mod flow;
mod instruction;
mod matches;
pub mod message;
mod port;
mod text;
mod wire;

pub use crate::action::conntrack::{Commit, Conntrack, Nat, NatFlags, NatRange, NatTarget, Zone};
pub use crate::action::controller::{Controller, PacketReason, Pause};
pub use crate::action::learn::{Learn, LearnFlags, LearnSource, LearnSpec, LearnTarget};
pub use crate::action::{Action, RawAction, ResubmitTuple, SetField, Subfield};
pub use crate::connection::{BundleReport, Connection, Error, Event, Events, Offered};
pub use crate::diff::diff;
pub use crate::field::Field;
pub use crate::flow::{CookieFilter, Flow, FlowFilter, FlowFlags, FlowKey, FlowMod};
pub use crate::instruction::{ActionSet, Instructions, RawInstruction, WriteMetadata};
pub use crate::matches::{Match, MatchField, RawField};
pub use crate::message::Message;
pub use crate::port::Port;
pub use crate::text::ParseError;
pub use crate::wire::{DecodeError, EncodeError};
