//! The REST API: requests parsed by the declarations, answers rendered from records.
//!
//! It owns HTTP: addresses, bodies, parameters, statuses, error bodies, the documents that describe the API, and the
//! listening socket. It owns no meaning: what an operation does, and who may do it, is `core`'s, reached through
//! [`nucleon_core::Noun`]; who asks is said by an [`Authenticator`].
//!
//! ```text
//!   connection ──► edge ──► router ──► collection::<T>, member::<T> ──► core
//!   (server.rs)     │                     │ call.rs   who asks, the body
//!                   │ request id, sender  │ draft.rs  body ─► T::Draft
//!                   │ deadline, panics    │ query.rs  parameters ─► ListQuery
//!                   │ log, metrics        │ render.rs records ─► JSON
//!                   '─ fault.rs: errors ──' links.rs  pages ─► links
//! ```
//!
//! A resource is served by one line in `resources.rs`; nothing else here names one, but for the few documents and
//! sub-resources that are about one kind alone.

mod action;
mod address_groups;
mod app;
mod auto_allocated_topology;
mod call;
mod client;
mod cors;
mod discovery;
mod draft;
mod edge;
mod extensions;
mod fault;
mod filter;
mod flavors;
mod identity;
mod links;
mod local_ips;
mod loggable_resources;
mod metrics;
mod openapi;
mod options;
mod port_bindings;
mod query;
mod quota;
mod render;
mod request_id;
mod resource;
mod resources;
mod scheduler;
mod seam;
mod server;
mod service_providers;
mod subnetpools;
mod tags;
mod tls;
mod trunks;

pub use crate::app::{Api, ApiParts};
pub use crate::cors::CorsOptions;
pub use crate::extensions::{Extensions, Preview};
pub use crate::identity::{AuthError, Authenticator, Challenge, NoAuth};
pub use crate::options::{ApiOptions, UnknownFilters};
pub use crate::server::{BindError, Server};
