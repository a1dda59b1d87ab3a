//! What every agent shares: following a view, keeping it on disk, reporting.
//!
//! A role brings an [`Applier`], which makes a view true on its host; what ports and networks are made of there is no concern of
//! this crate. Nor is the wire: that is in `bus`.
//!
//! ```text
//!            hints, connected, lagged                        Wake <-- the role's own events
//!   HubClient ------------------------> Follower               |      (a device was plugged)
//!      ^  ^---- watch(position) ------- (pure)                 v
//!      |        answer ------------------> | changed ids --> round: Applier::apply(view, changed)
//!      |                                   |                   |  one at a time; what failed is
//!      |                                   v                   |  tried again by timer
//!      |                               ViewStore (disk)        v
//!      '------------- reports ---------------------------- Reporter: heartbeats, and wired, unwired,
//!                                                          ready until acknowledged
//!   control socket: status, accept
//! ```

mod applier;
mod changed;
pub mod control;
mod follower;
mod holding;
mod reporter;
mod reports;
mod runner;
#[cfg(test)]
mod samples;
mod status;
mod store;

pub use nucleon_wire::PortMark;

pub use crate::applier::{Applier, Failure, Outcome, Wake};
pub use crate::changed::Changed;
pub use crate::follower::{Action, Event, Follower, Limits, Remembered, Withheld};
pub use crate::runner::{Runner, RunnerOptions};
pub use crate::status::{ServerStatus, Status, ViewStatus};
pub use crate::store::{LoadError, SaveError, ViewStore};
