//! Objects for tests.

pub(crate) use nucleon_bus::fake::sample::{network, network_id, port, port_id};
