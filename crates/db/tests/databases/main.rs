//! The store's promises, held against each database that can be had here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod hammer;
mod journal;
mod late;
mod migrate;
mod scene;
mod store;
mod tls;
