//! Keystone's tokens, before a Keystone that does as it is told.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fake;
mod harness;
mod outage;
mod real;
mod secrecy;
mod service;
mod tls;
mod tokens;
