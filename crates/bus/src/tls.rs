//! Certificates: read from PEM, and whom they name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Where a side's certificates are: its own chain and key, and the authorities that it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

/// Files that make no TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{} cannot be read as PEM: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{} holds no certificate", path.display())]
    Empty { path: PathBuf },
    #[error("certificate {} and key {} cannot be used: {why}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, why: String },
    #[error("authority {} cannot be used: {why}", path.display())]
    BadAuthority { path: PathBuf, why: String },
    #[error("'{0}' is neither a host name nor an address")]
    BadServerName(String),
}

/// The server's side: who connects must show a certificate of the authority's.
#[derive(Clone)]
pub struct ServerTls(pub(crate) TlsAcceptor);

/// The agent's side.
#[derive(Clone)]
pub struct ClientTls(pub(crate) TlsConnector);

impl ServerTls {
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = Arc::new(files.roots()?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
            .build()
            .map_err(|error| files.bad_authority(&error))?;
        let (chain, key) = files.identity()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| files.unusable(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| files.unusable(&error))?;
        // A resumed session would keep a host's access past the life of its certificate.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl ClientTls {
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (chain, key) = files.identity()?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| files.unusable(&error))?
            .with_root_certificates(files.roots()?)
            .with_client_auth_cert(chain, key)
            .map_err(|error| files.unusable(&error))?;
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTls")
    }
}

impl TlsFiles {
    fn identity(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| {
            TlsError::Unreadable { path: self.key.clone(), why: error.to_string() }
        })?;
        Ok((chain, key))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.authority)? {
            roots.add(certificate).map_err(|error| self.bad_authority(&error))?;
        }
        Ok(roots)
    }

    fn bad_authority(&self, error: &dyn fmt::Display) -> TlsError {
        TlsError::BadAuthority { path: self.authority.clone(), why: error.to_string() }
    }

    fn unusable(&self, error: &dyn fmt::Display) -> TlsError {
        TlsError::Unusable {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            why: error.to_string(),
        }
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error: rustls::pki_types::pem::Error| TlsError::Unreadable {
        path: path.clone(),
        why: error.to_string(),
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() { Err(TlsError::Empty { path: path.clone() }) } else { Ok(chain) }
}

/// The name that a server's certificate must bear: the host of `address`, as in `host:port` or `[::1]:port`.
pub(crate) fn server_name(address: &str) -> Result<ServerName<'static>, TlsError> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::BadServerName(host.to_owned()))
}

/// The DNS names of a certificate's subject alternative name; the common name names nobody (RFC 9525, 2).
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    webpki::EndEntityCert::try_from(certificate)
        .map(|certificate| certificate.valid_dns_names().map(str::to_owned).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_server_is_the_host_of_its_address() {
        for (address, name) in [
            ("controller:9697", "controller"),
            ("10.0.0.1:9697", "10.0.0.1"),
            ("[fd00::1]:9697", "fd00::1"),
        ] {
            assert_eq!(server_name(address).unwrap(), ServerName::try_from(name).unwrap());
        }
        assert!(server_name("a b:1").is_err());
    }

    #[test]
    fn names_are_those_of_the_alternative_name_alone() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut request =
            rcgen::CertificateParams::new(["h1".to_owned(), "compute_1.dc".to_owned()]).unwrap();
        request.distinguished_name.push(rcgen::DnType::CommonName, "h9");
        let certificate = request.self_signed(&key).unwrap();
        assert_eq!(names(certificate.der()), ["h1", "compute_1.dc"]);
        assert_eq!(names(&CertificateDer::from(vec![1, 2, 3])), Vec::<String>::new());
    }

    #[test]
    fn a_missing_file_is_named() {
        let files = TlsFiles {
            certificate: "/nonexistent/a.pem".into(),
            key: "/nonexistent/a.key".into(),
            authority: "/nonexistent/ca.pem".into(),
        };
        let error = ServerTls::load(&files).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/ca.pem"), "{error}");
        let error = ClientTls::load(&files).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/a.pem"), "{error}");
    }
}
