//! The hub on real sockets: who may open them, and who may speak for which host.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nucleon_bus::fake::FakeServer;
use nucleon_bus::{
    ClientEvent, ClientEvents, ClientOptions, ClientTls, ConnectionState, Hub, HubClient,
    HubOptions, Identity, ListenAt, ListenError, Listening, ServerAt, ServerTls, TcpSecurity,
    TlsFiles, Verify,
};
use nucleon_model::view::Role;
use nucleon_obs::{Group, Metrics, Random, Tasks};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

fn hub() -> (Hub, Group) {
    let group = Tasks::new().group("hub", Duration::from_secs(5));
    let source = Arc::new(FakeServer::new());
    (Hub::new(source, HubOptions::default(), &Metrics::new(), group.clone()), group)
}

fn client(host: &str, at: ServerAt) -> (HubClient, ClientEvents, Group) {
    let group = Tasks::new().group("agent", Duration::from_secs(5));
    let options = ClientOptions::new(Role::OvsAgent, host, vec![at]);
    let (client, events) = HubClient::start(options, Random::system(), &group);
    (client, events, group)
}

/// Connects and watches.
async fn admitted(host: &str, at: ServerAt) {
    let (client, mut events, _group) = client(host, at);
    let event = events.next().await;
    assert!(matches!(event, ClientEvent::Connected(_)), "{event:?}");
    client.watch(None, Verify::Nothing).await.unwrap();
}

/// Connects in vain, and tells why.
async fn refused(host: &str, at: ServerAt) -> String {
    let (client, _events, _group) = client(host, at);
    loop {
        match client.state() {
            ConnectionState::Failed { why, .. } => return why,
            ConnectionState::Connected { .. } => panic!("{host} was admitted"),
            ConnectionState::Connecting => tokio::task::yield_now().await,
        }
    }
}

/// An authority that writes certificates into a directory.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
    name: &'static str,
}

impl Authority {
    fn new(directory: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), issuer.pem()).unwrap();
        Self { issuer, directory: directory.to_owned(), name }
    }

    fn issue(&self, file: &str, names: &[&str]) -> TlsFiles {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        let path = |suffix: &str| self.directory.join(format!("{}-{file}.{suffix}", self.name));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        TlsFiles {
            certificate: path("pem"),
            key: path("key"),
            authority: self.directory.join(format!("{}.pem", self.name)),
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_for_its_owner_and_group_and_trusts_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.sock");
    let (hub, group) = hub();
    let listening = hub.listen(&ListenAt::Unix(path.clone())).await.unwrap();
    assert_eq!(listening, Listening::Unix(path.clone()));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    admitted("any-host", ServerAt::Unix(path.clone())).await;
    assert!(group.stop().await.is_empty());
    assert!(!path.exists(), "the file goes with the listener");
}

#[tokio::test]
async fn the_socket_file_of_a_dead_process_is_replaced_and_that_of_a_living_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (first, _group) = hub();
    first.listen(&ListenAt::Unix(path.clone())).await.unwrap();
    let (second, _other) = hub();
    let error = second.listen(&ListenAt::Unix(path.clone())).await.unwrap_err();
    assert!(matches!(error, ListenError::Taken(_)), "{error}");
    let file = directory.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let error = second.listen(&ListenAt::Unix(file.clone())).await.unwrap_err();
    assert!(matches!(error, ListenError::Bind { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn without_tls_only_loopback_is_listened_at_unless_told_so() {
    let (hub, _group) = hub();
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let error = hub
        .listen(&ListenAt::Tcp { address: everywhere, security: TcpSecurity::Loopback })
        .await
        .unwrap_err();
    assert!(matches!(error, ListenError::NotLoopback(_)), "{error}");
    let insecure = ListenAt::Tcp { address: everywhere, security: TcpSecurity::Insecure };
    let Listening::Tcp(bound) = hub.listen(&insecure).await.unwrap() else { panic!("no port") };
    let at = ServerAt::Tcp { address: format!("127.0.0.1:{}", bound.port()), tls: None };
    admitted("h1", at).await;
}

#[tokio::test]
async fn a_certificate_admits_its_own_host_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new(directory.path(), "ours");
    let theirs = Authority::new(directory.path(), "theirs");
    let (hub, _group) = hub();
    let server = ServerTls::load(&ours.issue("server", &["localhost"])).unwrap();
    let listening = hub
        .listen(&ListenAt::Tcp {
            address: "127.0.0.1:0".parse().unwrap(),
            security: TcpSecurity::Tls(server),
        })
        .await
        .unwrap();
    let Listening::Tcp(bound) = listening else { panic!("no port") };
    let at = |name: &str, files: &TlsFiles| ServerAt::Tcp {
        address: format!("{name}:{}", bound.port()),
        tls: Some(ClientTls::load(files).unwrap()),
    };

    let h1 = ours.issue("h1", &["h1"]);
    admitted("h1", at("localhost", &h1)).await;

    let why = refused("h2", at("localhost", &h1)).await;
    assert!(why.contains("may not speak for host 'h2'") && why.contains("is for h1"), "{why}");
    let why = refused("h1", at("localhost", &ours.issue("wild", &["*.h1", "*"]))).await;
    assert!(why.contains("may not speak for host 'h1'"), "{why}");

    // A stranger's certificate, however it is named; and a server whose name is not what was asked for.
    let mut stranger = theirs.issue("h1", &["h1"]);
    stranger.authority = h1.authority.clone();
    refused("h1", at("localhost", &stranger)).await;
    let why = refused("h1", at("127.0.0.1", &h1)).await;
    assert!(why.contains("certificate"), "{why}");
    let plain = ServerAt::Tcp { address: format!("127.0.0.1:{}", bound.port()), tls: None };
    refused("h1", plain).await;
    assert!(hub.peers().iter().all(|peer| {
        peer.host == "h1" && matches!(&peer.identity, Identity::Certificate { .. })
    }));
}
