//! Measurements: what the program does in what time and memory, beside what the machine allows.
//!
//! It owns the load (a small HTTP client, a DHCP client, frames), the limits of the machine measured
//! in the same minute (a flush to disk, a bare commit, a hand-over between threads, a bundle, a
//! transaction of the switch), and the table at the end. It tests nothing: a figure that misses its
//! target is a row that says so.
//!
//! ```text
//!   suite/api      one server on SQLite, MariaDB, PostgreSQL    start, memory, creates, lists
//!   suite/wiring   server, agent and switch in a lab            API to flows, API to ping, restart
//!   suite/dhcp     server and DHCP agent in a lab               exchanges per second, memory
//!        |                                 |
//!        v load.rs, http.rs                v limit/*: the same minute, the same disk, the same switch
//!      figures ----------> Row { value, min, max, limits, target } <---------- limits
//!                             |
//!                             v
//!                    report.rs: table, JSON
//! ```

pub mod api;
pub mod dhcp_load;
pub mod http;
pub mod limit;
pub mod load;
pub mod ping;
pub mod program;
pub mod report;
pub mod stats;
pub mod suite;
