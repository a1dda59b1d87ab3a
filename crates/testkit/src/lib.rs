//! Private servers for tests: databases (MariaDB, two-node Galera, PostgreSQL, files for SQLite), and Keystone.
//!
//! A test asks for [`databases`] and gets a fresh, empty database of each kind. The servers behind them are shared by
//! all test programs of a checkout: the first one starts them, on free ports of loopback with their own directories,
//! and a watchdog ends them some seconds after the last user is gone, however it went. Tests that break servers start
//! a [`Server`] of their own. A [`Keystone`] is had in the same two ways.
//!
//! Where a program is missing the kind is skipped, loudly; with `NUCLEON_REQUIRE_DATABASES=1` that fails the test.
//! It knows nothing of what is stored.
//!
//! ```text
//!   test program --- shared flock ---> users.lock <--- exclusive, tried each second --- watchdog
//!        |                                                                                 | kill, rm
//!        +------ CREATE DATABASE ----> mariadbd | postgres (own port, own directory) <-----+
//! ```

mod again;
mod database;
mod galera;
mod http;
mod keystone;
mod mariadb;
mod postgres;
mod process;
mod report;
mod server;
mod shared;
mod tls;

pub use nix::sys::signal::Signal;

pub use crate::again::{Process, part, say, wait_for_the_end};
pub use crate::database::{Kind, TestDatabase, database, databases, databases_and_galera};
pub use crate::http::Answer;
pub use crate::keystone::{Keystone, KeystoneSettings, Login, Scope};
pub use crate::server::Server;
pub use crate::tls::Tls;
