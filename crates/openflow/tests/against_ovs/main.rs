//! The codec against itself, against `ovs-ofctl`, and against a running Open vSwitch.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bundles;
mod events;
mod flows;
mod generate;
mod printed;
mod round_trip;
mod switch;
