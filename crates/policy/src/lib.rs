//! Who may do what: oslo.policy's language, and Neutron's default rules in it.
//!
//! It decides on what it is told. Who the caller is, what the target holds and what to do with a refusal is for those
//! who ask; nothing is read but policy files, and those only when asked to.
//!
//! ```text
//!   declared rules ─┐
//!   policy.yaml ────┼─► parse ─► link ─► Policy ◄── check(rule, who, target)
//!   policy.d/* ─────┘            cycles,    └─► Allowed | Denied | NeedsParent
//!                                undefined
//! ```
//!
//! A rule is resolved once, by name ([`Policy::rule`]), and keeps its identity when files change. What cannot be
//! followed denies: an unknown name, a bad text, a rule that refers to itself.
//!
//! ```
//! use nucleon_policy::{Credentials, Lookup, Options, Policy, Target, Verdict};
//!
//! struct Port;
//!
//! impl Target for Port {
//!     fn value(&self, name: &str) -> Lookup<'_> {
//!         match name {
//!             "project_id" => Lookup::text("P"),
//!             "network:project_id" | "network:shared" => Lookup::NotLoaded,
//!             _ => Lookup::Missing,
//!         }
//!     }
//! }
//!
//! let policy = Policy::defaults(Options::default());
//! let create = policy.rule("create_port").unwrap();
//! let who = |role: &str| Credentials {
//!     project_id: "P".to_owned(),
//!     roles: vec![role.to_owned()],
//!     ..Credentials::default()
//! };
//! assert_eq!(policy.check(create, &who("Admin"), &Port), Verdict::Allowed);
//! // Whether the network is theirs, or shared, has not been looked up yet.
//! assert_eq!(policy.check(create, &who("member"), &Port), Verdict::NeedsParent);
//! ```

mod compile;
mod credentials;
mod declared;
mod defaults;
mod demand;
mod evaluate;
mod explain;
mod file;
pub mod language;
mod node;
mod order;
mod policy;
mod problem;
mod target;
mod yaml;

pub use crate::compile::{Outcome, Override, OverrideCheck};
pub use crate::credentials::{Credentials, Scope};
pub use crate::declared::{Declared, Former, Operation};
pub use crate::defaults::declared;
pub use crate::demand::{Demand, Guarded};
pub use crate::explain::{Branch, Explanation};
pub use crate::file::{Paths, PolicyFile, Reload, Unusable};
pub use crate::node::RuleId;
pub use crate::policy::{Options, Origin, Policy, Verdict};
pub use crate::problem::{Place, Problem, Warning, Wrong};
pub use crate::target::{Lookup, NoTarget, Parent, Parents, Target};
pub use crate::yaml::read_rules;
