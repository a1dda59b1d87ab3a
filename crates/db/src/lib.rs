//! The store: one code base over SQLite, MariaDB and PostgreSQL, and the journal of every committed change.
//!
//! It owns connections, transactions, retries, the schema and the order of changes. It knows no rules of networking:
//! what may be written is decided in `core`, in the closure that it hands to [`Store::write`].
//!
//! ```text
//!   core: store.write("port create", |tx| ...)              core: store.snapshot(|tx| ...)
//!            |                                                        |
//!            | SQLite: a queue              others                    | a repeatable-read transaction
//!            v                                v                       v on one connection
//!   +------------------+          +----------------------+      +-----------+
//!   | writer task      |          | a transaction each,  |      | readers   |
//!   | BEGIN IMMEDIATE  |          | READ COMMITTED       |      +-----------+
//!   |  savepoint each  |          |  rows + outbox       |
//!   |  journal rows    |          +----------+-----------+
//!   | COMMIT, then ack |                     | outbox
//!   +--------+---------+          +----------v-----------+
//!            |                    | sequencer, on every  |
//!            |                    | server: one row lock |
//!            |                    +----------+-----------+
//!            |        journal(seq), journal_scope(scope, seq)
//!            +--------------+----------------+
//!                           v
//!                 publisher: Batch { previous, entries } to this server's subscribers
//! ```
//!
//! Layout: what every resource asks is in `resource.rs` and `list.rs`, for any of them; a resource's own questions live in
//! a file of its name (`network.rs`, `port.rs`), noun first (`port_list`, `port_update_at`), with what its lists show to
//! whom ([`Listing`]); its tables are a migration in `migrate/`.

pub mod address_group;
pub mod address_scope;
pub mod agent;
pub mod allocation;
pub mod auto_allocated_topology;
pub mod availability_zone;
mod connection;
pub mod conntrack_helper;
mod cursor;
pub mod default_security_group_rule;
mod dialect;
mod error;
mod facts;
pub mod flavor;
pub mod floating_ip;
mod floating_ip_pool;
pub mod ground;
pub mod journal;
pub mod l3_agent;
mod late;
mod list;
pub mod local_ip;
pub mod log;
pub mod metering_label;
pub mod metering_label_rule;
pub mod migrate;
pub mod ndp_proxy;
pub mod network;
pub mod network_ip_availability;
pub mod network_segment_range;
mod parts;
mod pool;
pub mod port;
pub mod port_binding;
pub mod port_dependents;
pub mod port_forwarding;
pub mod qos_policy;
pub mod qos_rule;
pub mod quota;
pub mod rbac;
pub mod resource;
pub mod router;
mod row;
pub mod schema;
mod security;
pub mod security_group;
pub mod security_group_rule;
pub mod segment;
pub mod statefulness;
mod stats;
mod store;
pub mod subnet;
pub mod subnetpool;
pub mod tag;
mod touch;
pub mod trunk;
mod tx;
mod url;

pub use futures::FutureExt;
pub use futures::future::BoxFuture;

pub use crate::cursor::Cursor;
pub use crate::dialect::Dialect;
pub use crate::error::{Error, Result, RetryReason};
pub use crate::journal::{Batch, Change, Entry, Operation, Position, ScopeMark};
pub use crate::late::Write;
pub use crate::list::{Condition, Listed, Listing, Visible, Way, list, list_plan, list_where};
pub use crate::row::{Column, Row};
pub use crate::security::{Mode, Security};
pub use crate::stats::Stats;
pub use crate::store::{Receipt, RetryPolicy, Store, StoreOptions};
pub use crate::tx::{Attempt, Charges, Statement, Tx};
pub use crate::url::{DatabaseUrl, InvalidUrl};
