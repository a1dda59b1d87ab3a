//! What every agent shares: following a view, keeping it on disk, reporting.
mod changed;
mod follower;
mod holding;
#[cfg(test)]
mod samples;

pub use crate::changed::Changed;
pub use crate::follower::{Action, Event, Follower, Limits, Remembered, Withheld};
