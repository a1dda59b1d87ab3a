//! The responder as a client sees it; replies are read by dhcproto's decoder.

mod dnsmasq;
mod frames;
mod malformed;
mod options;
mod properties;
mod size;
mod states;
mod support;
mod throughput;
