//! Certificates and keys in files.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Files that make no TLS configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read as PEM: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{} holds no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("certificate {} and key {} cannot be used: {why}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, why: String },
    #[error("authority {} cannot be used: {why}", path.display())]
    BadAuthority { path: PathBuf, why: String },
    #[error("this machine's certificate authorities cannot be read: {why}")]
    NoSystemAuthorities { why: String },
    #[error("the protocol versions and ciphers cannot be used together: {why}")]
    Unsuitable { why: String },
}

/// Where one's own certificate is, its chain behind it, and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    pub(crate) fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = certificates(&self.chain)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| {
            TlsError::Unreadable { path: self.key.clone(), why: error.to_string() }
        })?;
        Ok((chain, key))
    }

    pub(crate) fn unusable(&self, error: &dyn fmt::Display) -> TlsError {
        TlsError::Unusable {
            certificate: self.chain.clone(),
            key: self.key.clone(),
            why: error.to_string(),
        }
    }
}

/// The certificates of a file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error: rustls::pki_types::pem::Error| TlsError::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(chain) }
}

/// The authorities of a file.
pub fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| bad_authority(path, &error))?;
    }
    Ok(roots)
}

pub(crate) fn bad_authority(path: &Path, error: &dyn fmt::Display) -> TlsError {
    TlsError::BadAuthority { path: path.to_owned(), why: error.to_string() }
}
