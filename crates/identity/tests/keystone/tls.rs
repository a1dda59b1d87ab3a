//! Keystone behind TLS: believed when its certificate is, and shown ours when it asks.

use std::path::Path;
use std::sync::Arc;

use nucleon_identity::{Keystone, KeystoneOptions};
use nucleon_obs::{Clock, Metrics};
use nucleon_tls::{Certificate, Clients, ServerOptions, Trust};

use crate::fake::Fake;
use crate::harness::{Door, options};

/// An authority, and what it has issued, in files.
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

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("ca.pem")
    }

    fn issue(&self, name: &str) -> Certificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let place = |kind: &str| self.directory.path().join(format!("{name}-{kind}.pem"));
        let own = Certificate { chain: place("cert"), key: place("key") };
        std::fs::write(&own.chain, certificate.pem()).unwrap();
        std::fs::write(&own.key, key.serialize_pem()).unwrap();
        own
    }

    async fn keystone(&self, clients: Clients) -> Fake {
        let options = ServerOptions::new(self.issue("localhost"), clients);
        Fake::with(Some(Arc::new(nucleon_tls::server(&options).unwrap()))).await
    }
}

async fn status(fake: Fake, set: impl FnOnce(&mut KeystoneOptions)) -> u16 {
    // The catalog of the fake knows no TLS.
    fake.state().catalogued = None;
    let mut options = options(&fake.url());
    set(&mut options);
    let door = Door::before(fake, options);
    door.token("t", &["member"]);
    door.with_token("t").await.status()
}

#[tokio::test]
async fn a_keystone_is_believed_by_its_authority_alone() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let trusting = |trust: Trust| async {
        status(ours.keystone(Clients::Anybody).await, |options| options.trust = trust).await
    };
    assert_eq!(trusting(Trust::Authority(ours.file())).await, 200);
    assert_eq!(trusting(Trust::Authority(theirs.file())).await, 503);
    assert_eq!(trusting(Trust::System).await, 503);
    assert_eq!(trusting(Trust::Anybody).await, 200, "as insecure = true asks for");
}

#[tokio::test]
async fn a_keystone_that_asks_for_a_certificate_gets_it() {
    let ours = Authority::new();
    let client = ours.issue("neutron");
    let fake = ours.keystone(Clients::Of(ours.file())).await;
    let with = |options: &mut KeystoneOptions| {
        options.trust = Trust::Authority(ours.file());
        options.own = Some(client);
    };
    assert_eq!(status(fake, with).await, 200);
    let fake = ours.keystone(Clients::Of(ours.file())).await;
    let without = |options: &mut KeystoneOptions| options.trust = Trust::Authority(ours.file());
    assert_eq!(status(fake, without).await, 503);
}

#[test]
fn files_that_are_not_there_are_told_at_the_start() {
    let mut options = options("https://localhost:5000");
    options.trust = Trust::Authority(Path::new("/nowhere/ca.pem").to_owned());
    let error = Keystone::new(options, Clock::fake(), &Metrics::new()).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/ca.pem cannot be read"), "{error}");
}
