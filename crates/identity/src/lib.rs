//! Who asks: Keystone's tokens, or a file of passwords.
//!
//! It owns the API's two [`Authenticator`](nucleon_api::Authenticator)s that look at credentials. What a caller may do
//! is none of its business.
//!
//! ```text
//!   X-Auth-Token ──┐  digest                         one request for all who wait
//!   X-Service-Token┴────────► cache ── not there ──► flights ──► service ──► GET /v3/auth/tokens
//!                               │                                   │          with the service user's own token,
//!                  Identity ◄───┴──── what Keystone said ◄──────────┘          got by POST /v3/auth/tokens
//!                     │ access rules, expiry, service roles
//!                     ▼
//!                  Caller
//! ```
//!
//! Every token is asked about, whatever its form: fernet tokens can be read by Keystone alone, and of a JWS token no one
//! but Keystone knows whether it was revoked. A token is a secret: it is kept and looked up by its digest, and nothing
//! here shows it.

mod basic;
mod cache;
mod identity;
mod keystone;
mod metrics;
mod secret;

pub use crate::basic::{BasicOptions, FileError, HttpBasic};
pub use crate::identity::{Account, Identity, Named, Scope, Subject};
pub use crate::keystone::{
    Decision, DomainName, Interface, Keystone, KeystoneOptions, Login, OptionsError, ProjectName,
    ServiceRoles, UserName,
};
pub use crate::secret::Secret;
