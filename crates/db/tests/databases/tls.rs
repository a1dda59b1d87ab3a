//! Connections under TLS, to servers that can be believed and to others.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nucleon_db::{Store, StoreOptions};
use nucleon_testkit::{Kind, Server, Tls};

/// An authority, and what it issues for `localhost` and 127.0.0.1.
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
        params.distinguished_name.push(rcgen::DnType::CommonName, "authority of a test");
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(directory.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { directory, issuer: rcgen::Issuer::new(params, key) }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn issue(&self, name: &str) -> Tls {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let place = |kind: &str| self.directory.path().join(format!("{name}-{kind}.pem"));
        let tls = Tls { certificate: place("cert"), key: place("key"), authority: self.file() };
        std::fs::write(&tls.certificate, certificate.pem()).unwrap();
        std::fs::write(&tls.key, key.serialize_pem()).unwrap();
        tls
    }
}

/// Whether a store comes to be, and why not.
async fn opens(url: &str) -> Result<(), String> {
    let options =
        StoreOptions { acquire_timeout: Duration::from_secs(5), ..StoreOptions::default() };
    let store = Store::open(&url.parse().unwrap(), options).await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {source:?}")
    })?;
    store.close().await;
    Ok(())
}

/// The same URL with options.
fn with(url: &str, options: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{options}")
}

fn option(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

#[tokio::test]
async fn mariadb_is_believed_by_its_authority_and_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = ours.issue("localhost");
    let Some(server) = Server::start_with_tls(Kind::MariaDb, &tls) else { return };
    let database = server.database().unwrap();
    let by_address = &database.url;
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let (good, bad) = (option("ssl_ca", &ours.file()), option("ssl_ca", &theirs.file()));

    opens(by_address).await.unwrap();
    opens(&with(by_address, &good)).await.unwrap();
    opens(&with(&by_name, &format!("{good}&ssl_verify_identity=true"))).await.unwrap();
    opens(&with(by_address, &format!("{bad}&ssl_verify_cert=false"))).await.unwrap();
    opens(&with(by_address, &bad)).await.unwrap_err();
    let other_name = format!("{good}&ssl_verify_identity=true");
    opens(&with(by_address, &other_name)).await.unwrap_err();

    // An account that must come over TLS, with a certificate.
    database.sql("CREATE USER secured IDENTIFIED BY 'pw' REQUIRE X509").unwrap();
    database.sql("GRANT ALL ON *.* TO secured").unwrap();
    let secured = by_address.replace("root@", "secured:pw@");
    let own = ours.issue("client");
    let own = format!("{}&{}", option("ssl_cert", &own.certificate), option("ssl_key", &own.key));
    opens(&with(&secured, &format!("{good}&{own}"))).await.unwrap();
    opens(&with(&secured, &good)).await.unwrap_err();
    opens(&with(&secured, "ssl_disabled=true")).await.unwrap_err();
}

#[tokio::test]
async fn postgresql_is_believed_by_its_authority_and_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = ours.issue("localhost");
    let Some(server) = Server::start_with_tls(Kind::Postgres, &tls) else { return };
    let database = server.database().unwrap();
    let by_address = &database.url;
    let by_name = by_address.replace("127.0.0.1", "localhost");
    let (good, bad) = (option("sslrootcert", &ours.file()), option("sslrootcert", &theirs.file()));

    opens(by_address).await.unwrap();
    opens(&with(by_address, "sslmode=disable")).await.unwrap();
    opens(&with(by_address, "sslmode=require")).await.unwrap();
    opens(&with(by_address, &format!("{good}&sslmode=verify-ca"))).await.unwrap();
    opens(&with(&by_name, &format!("{good}&sslmode=verify-full"))).await.unwrap();
    opens(&with(by_address, &bad)).await.unwrap_err();
    opens(&with(by_address, &format!("{bad}&sslmode=require"))).await.unwrap_err();
    opens(&with(by_address, &format!("{good}&sslmode=verify-full"))).await.unwrap_err();
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_a_must() {
    let Some(server) = Server::start(Kind::Postgres) else { return };
    let database = server.database().unwrap();
    opens(&database.url).await.unwrap();
    opens(&with(&database.url, "sslmode=require")).await.unwrap_err();
    let Some(server) = Server::start(Kind::MariaDb) else { return };
    let database = server.database().unwrap();
    let authority = Authority::new();
    opens(&with(&database.url, &option("ssl_ca", &authority.file()))).await.unwrap_err();
}
