//! The API over a real control plane and database, spoken to as clients do.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod absurd;
mod documents;
mod flavors;
mod floating_ips;
mod harness;
mod lists;
mod objects;
mod pools;
mod port_bindings;
mod port_details;
mod qos;
mod quotas;
mod reference;
mod refusals;
mod replay;
mod security;
mod security_groups;
mod server;
mod storm;
mod tags;
mod tls;
mod trunks;
