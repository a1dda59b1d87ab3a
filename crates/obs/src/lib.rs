//! What every process here needs around its work: time, randomness, tasks with an owner, signals,
//! logs, metrics and the service manager's notifications.
//!
//! Nothing here knows of networks, resources or configuration files. A process puts the parts
//! together so:
//!
//! ```text
//!   Signals -- drain, interrupt, reload --> main <-- first failure -- Tasks
//!                                            |                        |  last made, first stopped
//!                                       shutdown() ------------------>|- Group "agents"
//!                                            |                        |- Group "api"
//!                           Notify: ready, stopping, watchdog         '- Group "store"
//!
//!   Logging: stderr, journal, file       Metrics: one registry, families made once in each crate
//!   Clock, Random: handed down, so that tests own time and chance
//! ```

mod clock;
mod limited;
mod log;
mod metrics;
mod notify;
mod process;
mod random;
mod signals;
mod tasks;
mod timestamp;

pub use prometheus_client;
pub use tokio_util::sync::CancellationToken;

pub use crate::clock::{Clock, Mono};
pub use crate::limited::Limited;
pub use crate::log::{LogError, LogFormat, LogOptions, Logging};
pub use crate::metrics::{EXPOSITION_TYPE, Metrics, latency_histogram};
pub use crate::notify::Notify;
pub use crate::random::Random;
pub use crate::signals::{Signal, Signals};
pub use crate::tasks::{
    Backoff, Cause, Ending, Failure, Group, OwnedTask, ShutdownReport, Straggler, Tasks,
};
pub use crate::timestamp::{ApiTime, InvalidTimestamp, Timestamp};
