//! The responder as a client sees it; replies are read by dhcproto's decoder.

mod frames;
mod states;
mod support;
