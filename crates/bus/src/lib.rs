//! The hub: hints, watches and reports between the server and its agents.
mod source;

pub use crate::source::{Identity, Peer, SourceError, ViewSource, WatchRequest, Watched};
pub use nucleon_wire::{Answer, Hint};
