//! The agent on a real Open vSwitch: a host in namespaces with a hardware switch before it, machines with frames to
//! send, and a server in memory. Needs root and Open vSwitch.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod agent;
mod delivery;
mod drift;
mod figures;
mod frames;
mod lifecycle;
mod restart;
mod rig;
mod strangers;
