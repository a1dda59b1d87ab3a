//! TLS from PEM files: whom to trust, and who one is.
//!
//! It makes configurations for the clients and servers of the other crates; ring is the only provider of cryptography.
//! It opens no connection.

mod client;
mod pem;
mod server;

pub use rustls::{ClientConfig, ServerConfig};

pub use crate::client::{Trust, client};
pub use crate::pem::{Certificate, TlsError, certificates, roots};
pub use crate::server::{Clients, ServerOptions, Versions, server, unknown_ciphers};

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
