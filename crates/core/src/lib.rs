//! What the API's operations mean: validation, allocation, binding, scheduling, and the seams for drivers.
//!
//! One file per noun, the same noun as in `model`, `db` and `api`. Nothing here knows of HTTP; nothing here does I/O but
//! through the store. An operation is one transaction: authorise, validate, allocate, bind, write, and say in the
//! outbox what changed for whom.

mod caller;
mod error;
mod noun;
mod policy;

pub use crate::caller::Caller;
pub use crate::error::{Error, Kind};
pub use crate::noun::{Noun, Operations, Precondition};
pub use crate::policy::{Action, DefaultPolicy, Policy, Target};

pub type Result<T> = std::result::Result<T, Error>;
