//! TLS of database servers.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::process::Account;

/// A certificate, its key, and the authority that vouches for both sides, in files.
#[derive(Debug, Clone)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

impl Tls {
    /// Where a node has its own.
    pub(crate) fn place(node: &Path) -> Self {
        Self {
            certificate: node.join("tls-cert.pem"),
            key: node.join("tls-key.pem"),
            authority: node.join("tls-ca.pem"),
        }
    }

    /// Gives a node copies that it may read.
    pub(crate) fn give(&self, account: Account, node: &Path) -> Result<()> {
        let place = Self::place(node);
        account.copy(&self.certificate, &place.certificate)?;
        account.copy(&self.key, &place.key)?;
        account.copy(&self.authority, &place.authority)
    }
}
