//! Certificates: read from PEM, and whom they name.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use nucleon_tls::{Certificate, Clients, ServerOptions, Trust};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use nucleon_tls::TlsError;

/// Where a side's certificates are: its own chain and key, and the authorities that it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

/// The address of a server has no name that its certificate could bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither a host name nor an address")]
pub(crate) struct BadServerName(String);

/// The server's side: who connects must show a certificate of the authority's.
#[derive(Clone)]
pub struct ServerTls(pub(crate) TlsAcceptor);

/// The agent's side.
#[derive(Clone)]
pub struct ClientTls(pub(crate) TlsConnector);

impl ServerTls {
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let options = ServerOptions::new(files.own(), Clients::Of(files.authority.clone()));
        let config = nucleon_tls::server(&options)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl ClientTls {
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let trust = Trust::Authority(files.authority.clone());
        let config = nucleon_tls::client(&trust, Some(&files.own()))?;
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
    fn own(&self) -> Certificate {
        Certificate { chain: self.certificate.clone(), key: self.key.clone() }
    }
}

/// The name that a server's certificate must bear: the host of `address`, as in `host:port` or `[::1]:port`.
pub(crate) fn server_name(address: &str) -> Result<ServerName<'static>, BadServerName> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned()).map_err(|_| BadServerName(host.to_owned()))
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
        for error in [ServerTls::load(&files).unwrap_err(), ClientTls::load(&files).unwrap_err()] {
            assert!(error.to_string().contains("/nonexistent/"), "{error}");
        }
    }
}
