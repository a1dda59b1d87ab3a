//! Configuration files in oslo.config's form, with Neutron's option names, read whole into typed
//! [`Settings`].
//!
//! It reads files and directories and the environment map that it is given. It does not check what
//! the values point at (bridges, databases, certificates): that is for those who use them.
//!
//! ```text
//!   files, directories -- ini --.
//!   environment OS_GROUP__OPTION +-- Values -- options! -- a struct per group -- check -- Settings
//!   defaults, also the machine's'       |  $substitution        |
//!                                 unknown names             bad values
//!                                 are warnings              are errors, all at once
//! ```
//!
//! An option is declared once, in [`settings`]: name, type, default, help. The declaration yields
//! the field, the sample file ([`sample`]), the reference table ([`docs_table`]) and the check for
//! unknown names.

mod check;
mod docs;
mod ini;
mod known;
mod nearest;
mod option;
mod place;
mod problem;
mod reader;
pub mod settings;
mod sources;
mod substitute;
pub mod value;
mod values;

pub use crate::docs::{docs_table, sample};
pub use crate::option::OptionSpec;
pub use crate::place::Place;
pub use crate::problem::{ConfigErrors, Problem, Warning};
pub use crate::settings::{Loaded, Settings};
pub use crate::sources::{Machine, Sources};
