//! The program as its users meet it: exit codes, what it prints, what survives.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod all_in_one;
mod configuration;
mod identity;
mod policy;
mod server;
mod support;
