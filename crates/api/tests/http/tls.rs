//! The API behind TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nucleon_api::{ApiOptions, ApiParts, Server};
use nucleon_core::Settings;
use nucleon_obs::Clock;
use nucleon_tls::{Certificate, Clients, ServerOptions, Trust};
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{core, parts};
use crate::server::{HEALTH, exchange, start, start_with};

/// An authority, and the files of what it issues.
struct Authority {
    directory: tempfile::TempDir,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { directory, issuer: rcgen::Issuer::new(params, key) }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a certificate and its key; over what is there.
    fn issue(&self, name: &str) -> Certificate {
        let own = Certificate { chain: self.file("cert.pem"), key: self.file("key.pem") };
        self.issue_to(name, &own);
        own
    }

    fn issue_to(&self, name: &str, own: &Certificate) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(&own.chain, certificate.pem()).unwrap();
        std::fs::write(&own.key, key.serialize_pem()).unwrap();
    }

    fn options(&self, clients: Clients) -> ApiOptions {
        let tls = Some(ServerOptions::new(self.issue("localhost"), clients));
        ApiOptions { tls, ..ApiOptions::default() }
    }

    async fn connect(
        &self,
        server: std::net::SocketAddr,
        name: &'static str,
        own: Option<&Certificate>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let trust = Trust::Authority(self.file("ca.pem"));
        let config = nucleon_tls::client(&trust, own).unwrap();
        let stream = TcpStream::connect(server).await?;
        let name = ServerName::try_from(name).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

#[tokio::test]
async fn the_api_is_spoken_over_tls_and_its_links_say_so() {
    let authority = Authority::new();
    let server = start(authority.options(Clients::Anybody)).await;
    let mut stream = authority.connect(server.address, "localhost", None).await.unwrap();
    assert!(exchange(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200 OK"));
    let answer = exchange(&mut stream, "GET / HTTP/1.1\r\nhost: cloud:9696\r\n\r\n").await;
    assert!(answer.contains("https://cloud:9696/v2.0/"), "{answer}");
    let wrong = authority.connect(server.address, "otherhost", None).await;
    assert!(wrong.is_err(), "the name of the certificate counts");
}

#[tokio::test]
async fn plain_http_is_not_spoken_beside_tls_and_holds_up_nobody() {
    let authority = Authority::new();
    let options = ApiOptions {
        head_timeout: Duration::from_millis(50),
        ..authority.options(Clients::Anybody)
    };
    let server = start(options).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    assert!(!exchange(&mut plain, HEALTH).await.contains("HTTP/1.1 200"));
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0, "cut off after the time for a head");
}

#[tokio::test]
async fn where_clients_must_have_certificates_others_get_no_answer() {
    let authority = Authority::new();
    let server = start(authority.options(Clients::Of(authority.file("ca.pem")))).await;
    let client = Certificate { chain: authority.file("c.pem"), key: authority.file("c-key.pem") };
    authority.issue_to("client", &client);
    let mut stream = authority.connect(server.address, "localhost", Some(&client)).await.unwrap();
    assert!(exchange(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200 OK"));
    // With TLS 1.3 the client learns of it when it reads.
    if let Ok(mut stream) = authority.connect(server.address, "localhost", None).await {
        assert!(stream.read(&mut [0; 1]).await.is_err());
    }
}

async fn with_clock(clock: &Clock) -> ApiParts {
    ApiParts { clock: clock.clone(), ..parts(core(Settings::default()).await) }
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let (authority, clock) = (Authority::new(), Clock::fake());
    let options = authority.options(Clients::Anybody);
    let own = options.tls.as_ref().unwrap().own.clone();
    let server = start_with(with_clock(&clock).await, options).await;
    assert!(authority.connect(server.address, "localhost", None).await.is_ok());

    authority.issue_to("renewed.example", &own);
    // A length that no certificate has by chance, whatever the clock of the file system.
    let text = std::fs::read_to_string(&own.chain).unwrap();
    std::fs::write(&own.chain, format!("renewed\n{text}")).unwrap();
    assert!(
        authority.connect(server.address, "localhost", None).await.is_ok(),
        "not yet looked at"
    );
    clock.advance(Duration::from_secs(10));
    assert!(authority.connect(server.address, "renewed.example", None).await.is_ok());

    std::fs::write(&own.key, "broken").unwrap();
    clock.advance(Duration::from_secs(10));
    assert!(authority.connect(server.address, "renewed.example", None).await.is_ok());
}

#[tokio::test]
async fn a_certificate_that_is_not_there_is_told_at_the_start() {
    let own = Certificate { chain: "/nowhere/c.pem".into(), key: "/nowhere/k.pem".into() };
    let tls = Some(ServerOptions::new(own, Clients::Anybody));
    let options = ApiOptions { tls, ..ApiOptions::default() };
    let parts = parts(core(Settings::default()).await);
    let error = Server::bind(parts, options).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.starts_with(&format!("{} cannot", Path::new("/nowhere/c.pem").display())),
        "{source}"
    );
}
