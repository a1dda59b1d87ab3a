//! The side that is connected to.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use crate::pem::{Certificate, TlsError, bad_authority, roots};
use crate::provider;

/// How a server speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    pub own: Certificate,
    pub clients: Clients,
    pub versions: Versions,
    /// The ciphers of TLS 1.2, by OpenSSL's names, separated by colons; all where there are none. Those of TLS 1.3 are
    /// always all offered, as with OpenSSL.
    pub ciphers: Option<String>,
}

/// Who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clients {
    Anybody,
    /// Those with a certificate of the authorities in a file.
    Of(PathBuf),
}

/// Older versions are not spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    Tls12And13,
    Tls12,
    Tls13,
}

impl ServerOptions {
    pub fn new(own: Certificate, clients: Clients) -> Self {
        Self { own, clients, versions: Versions::Tls12And13, ciphers: None }
    }
}

impl Versions {
    fn list(self) -> Vec<&'static SupportedProtocolVersion> {
        match self {
            Self::Tls12And13 => vec![&TLS13, &TLS12],
            Self::Tls12 => vec![&TLS12],
            Self::Tls13 => vec![&TLS13],
        }
    }
}

/// A server that shows its certificate, and takes in clients as told.
pub fn server(options: &ServerOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(with_ciphers(options.ciphers.as_deref()));
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&options.versions.list())
        .map_err(|error| TlsError::Unsuitable { why: error.to_string() })?;
    let builder = match &options.clients {
        Clients::Anybody => builder.with_no_client_auth(),
        Clients::Of(path) => {
            let roots = Arc::new(roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(|error| bad_authority(path, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (chain, key) = options.own.read()?;
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| options.own.unusable(&error))?;
    if options.clients != Clients::Anybody {
        // A resumed session would keep a client's access past the life of its certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

fn with_ciphers(list: Option<&str>) -> CryptoProvider {
    let mut provider = Arc::unwrap_or_clone(provider());
    if let Some(list) = list {
        let named: Vec<&str> = list.split([':', ',', ' ']).collect();
        provider
            .cipher_suites
            .retain(|suite| openssl_name(*suite).is_none_or(|name| named.contains(&name.as_str())));
    }
    provider
}

/// Those of a list of ciphers that are not spoken here.
pub fn unknown_ciphers(list: &str) -> Vec<&str> {
    let known: Vec<String> =
        provider().cipher_suites.iter().copied().filter_map(openssl_name).collect();
    list.split([':', ',', ' '])
        .filter(|name| !name.is_empty() && !known.iter().any(|known| known == name))
        .collect()
}

/// `ECDHE-RSA-AES128-GCM-SHA256` for TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256; none for those of TLS 1.3.
fn openssl_name(suite: SupportedCipherSuite) -> Option<String> {
    let name = format!("{:?}", suite.suite());
    let (exchange, cipher) = name.strip_prefix("TLS_")?.split_once("_WITH_")?;
    let cipher =
        cipher.replace("AES_", "AES").replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305");
    Some(format!("{exchange}_{cipher}").replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_go_by_openssl_s_names() {
        let names: Vec<String> =
            provider().cipher_suites.iter().copied().filter_map(openssl_name).collect();
        for name in [
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} in {names:?}");
        }
        assert_eq!(names.len(), 6, "{names:?}");
        let list = "ECDHE-RSA-AES128-GCM-SHA256:HIGH:!aNULL";
        assert_eq!(unknown_ciphers(list), ["HIGH", "!aNULL"]);
    }

    #[test]
    fn a_list_of_ciphers_leaves_those_of_the_newest_version() {
        let provider = with_ciphers(Some("ECDHE-RSA-AES128-GCM-SHA256"));
        let suites = provider.cipher_suites.iter().copied();
        let (old, new): (Vec<_>, Vec<_>) = suites.partition(|suite| openssl_name(*suite).is_some());
        assert_eq!((old.len(), new.len()), (1, 3));
    }

    fn issue(directory: &std::path::Path) -> Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        let own = Certificate { chain: directory.join("cert.pem"), key: directory.join("key.pem") };
        std::fs::write(&own.chain, certificate.pem()).unwrap();
        std::fs::write(&own.key, key.serialize_pem()).unwrap();
        own
    }

    #[test]
    fn files_that_make_no_server_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let own = issue(directory.path());
        let options = ServerOptions::new(own.clone(), Clients::Anybody);
        server(&options).unwrap();

        let empty = directory.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let no_chain = Certificate { chain: empty.clone(), ..own.clone() };
        let error = server(&ServerOptions::new(no_chain, Clients::Anybody)).unwrap_err();
        assert_eq!(error, TlsError::Empty { path: empty });

        let no_key = Certificate { key: own.chain.clone(), ..own.clone() };
        let error = server(&ServerOptions::new(no_key, Clients::Anybody)).unwrap_err();
        assert!(error.to_string().contains("cert.pem cannot be read as PEM"), "{error}");

        let mut ciphers = options.clone();
        (ciphers.versions, ciphers.ciphers) = (Versions::Tls12, Some("RC4-MD5".to_owned()));
        let error = server(&ciphers).unwrap_err();
        assert!(matches!(error, TlsError::Unsuitable { .. }), "{error}");
    }

    #[test]
    fn sessions_of_clients_with_certificates_are_not_resumed() {
        let directory = tempfile::tempdir().unwrap();
        let own = issue(directory.path());
        let clients = Clients::Of(own.chain.clone());
        let config = server(&ServerOptions::new(own, clients)).unwrap();
        assert_eq!(config.send_tls13_tickets, 0);
        assert!(!config.session_storage.can_cache());
    }
}
