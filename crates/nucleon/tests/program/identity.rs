//! The server as a cloud has it: with Keystone, with a file of users, behind TLS.

use std::path::{Path, PathBuf};

use nucleon_testkit::{Keystone, KeystoneSettings, Login, Scope};
use serde_json::{Value, json};

use crate::support::{Server, command, file, nucleon};

const SERVICE_PASSWORD: &str = "of-the-service";

/// A cloud: a Keystone, and a server that knows it.
struct Cloud {
    server: Server,
    keystone: Keystone,
    _state: tempfile::TempDir,
}

impl Cloud {
    fn start(keystone: Keystone, more: &str) -> Self {
        keystone.member("neutron", SERVICE_PASSWORD, "service", "service").unwrap();
        let state = tempfile::tempdir().unwrap();
        let url = keystone.url();
        // As in the installation guide.
        let group = format!(
            "[keystone_authtoken]\nwww_authenticate_uri = {url}\nauth_url = {url}\nauth_type = password\n\
             project_domain_name = Default\nuser_domain_name = Default\nproject_name = service\n\
             username = neutron\npassword = {SERVICE_PASSWORD}\nservice_type = network\n{more}"
        );
        let database = format!("sqlite:///{}/n.sqlite", state.path().display());
        let options = "auth_strategy = keystone\n";
        let (server, _) = Server::start_with(state.path(), &database, options, &group);
        Self { server, keystone, _state: state }
    }

    fn token(&self, user: &str, project: &str) -> String {
        let scope = Scope::Project(project);
        self.keystone.token(&Login { user, password: "pw", scope }).unwrap()
    }

    fn ask(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let headers = [("X-Auth-Token", token)];
        let (status, _, answer) = self.server.ask_with(method, path, &headers, body).unwrap();
        (status, answer)
    }
}

#[test]
fn callers_are_who_keystone_says_they_are() {
    let Some(keystone) = Keystone::shared() else { return };
    for (user, project, role) in [
        ("prog-ann", "prog-garden", "member"),
        ("prog-bob", "prog-pond", "member"),
        ("prog-rea", "prog-garden", "reader"),
    ] {
        keystone.member(user, "pw", project, role).unwrap();
    }
    let cloud = Cloud::start(keystone, "");
    let (status, head, body) =
        cloud.server.ask_with("GET", "/v2.0/networks", &[("X-Roles", "admin")], None).unwrap();
    assert_eq!((status, &body["error"]["title"]), (401, &json!("Unauthorized")));
    let uri = cloud.keystone.url();
    let head = head.to_lowercase();
    assert!(head.contains(&format!("www-authenticate: keystone uri=\"{uri}\"")), "{head}");
    assert_eq!(cloud.server.ask("GET", "/v2.0/nonsense", None).unwrap().0, 401);
    assert_eq!(cloud.server.ask("GET", "/", None).unwrap().0, 200);
    assert_eq!(cloud.server.ask("GET", "/healthcheck", None).unwrap().0, 200);

    let ann = cloud.token("prog-ann", "prog-garden");
    let bob = cloud.token("prog-bob", "prog-pond");
    let rea = cloud.token("prog-rea", "prog-garden");
    let admin = cloud.keystone.admin_token().unwrap();
    let network = json!({"network": {"name": "beds"}});
    let (status, made) = cloud.ask(&ann, "POST", "/v2.0/networks", Some(&network));
    assert_eq!(status, 201, "{made}");
    let garden = cloud.keystone.project("prog-garden").unwrap();
    assert_eq!(made["network"]["project_id"], json!(garden));
    let path = format!("/v2.0/networks/{}", made["network"]["id"].as_str().unwrap());

    assert_eq!(cloud.ask(&rea, "GET", &path, None).0, 200, "a reader of the project sees it");
    assert_eq!(cloud.ask(&bob, "GET", &path, None).0, 404, "another project does not");
    let rename = json!({"network": {"name": "weeds"}});
    assert_eq!(cloud.ask(&rea, "PUT", &path, Some(&rename)).0, 403);
    assert_eq!(cloud.ask(&bob, "DELETE", &path, None).0, 404);
    let foreign = json!({"network": {"name": "x", "project_id": garden}});
    let (status, refused) = cloud.ask(&bob, "POST", "/v2.0/networks", Some(&foreign));
    assert_eq!(status, 400, "only an administrator creates for others: {refused}");
    assert_eq!(cloud.ask(&admin, "GET", &path, None).0, 200);
    assert_eq!(cloud.ask(&admin, "DELETE", &path, None).0, 204);
}

#[test]
fn the_unmodified_client_finds_its_way_through_the_catalog() {
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/openstack");
    if !client.exists() {
        eprintln!("SKIPPED: the tour with the openstack client; scripts/venv installs it");
        return;
    }
    let Some(keystone) = Keystone::start(&KeystoneSettings::default()) else { return };
    let cloud = Cloud::start(keystone, "");
    let url = format!("http://{}", cloud.server.address);
    cloud.keystone.endpoint("network", "neutron", &url).unwrap();
    cloud.keystone.member("ann", "pw", "garden", "member").unwrap();
    let ask = |words: &str| {
        let mut client = command(client.to_str().unwrap());
        let output = client
            .args(words.split(' '))
            .env("OS_AUTH_URL", cloud.keystone.url())
            .envs([("OS_USERNAME", "ann"), ("OS_PASSWORD", "pw"), ("OS_PROJECT_NAME", "garden")])
            .envs([("OS_USER_DOMAIN_ID", "default"), ("OS_PROJECT_DOMAIN_ID", "default")])
            .env("OS_IDENTITY_API_VERSION", "3")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    ask("network create green");
    ask("subnet create --network green --subnet-range 10.2.0.0/24 leaf");
    assert!(ask("network list -f value -c Name").contains("green"));
    ask("network delete green");
}

#[test]
fn a_file_of_users_lets_its_users_in() {
    let state = tempfile::tempdir().unwrap();
    // "s3cret", as htpasswd -B -C 4 writes it.
    let users = file(
        state.path(),
        "htpasswd",
        "ann:$2y$04$WZUtvr7PPD78E67bC8ipE.pltKky19QvNGWRfEVJxH1SaPL5Kh9fa\n",
    );
    let database = format!("sqlite:///{}/n.sqlite", state.path().display());
    let groups = format!(
        "[oslo_middleware]\nhttp_basic_auth_user_file = {users}\n[http_basic]\nproject_id = house\n"
    );
    let options = "auth_strategy = http_basic\n";
    let (server, _) = Server::start_with(state.path(), &database, options, &groups);
    let ask = |credentials: &str, body: Option<&Value>| {
        let header = [("Authorization", credentials)];
        let method = if body.is_some() { "POST" } else { "GET" };
        server.ask_with(method, "/v2.0/networks", &header, body).unwrap()
    };
    let (status, head, body) = ask("Basic YW5uOmd1ZXNz", None);
    assert_eq!((status, &body["error"]["code"]), (401, &json!(401)));
    assert!(head.to_lowercase().contains("www-authenticate: basic realm="), "{head}");
    let network = json!({"network": {"name": "n", "shared": true}});
    let (status, _, made) = ask("Basic YW5uOnMzY3JldA==", Some(&network));
    assert_eq!((status, &made["network"]["project_id"]), (201, &json!("house")), "{made}");
}

/// A certificate for 127.0.0.1, its own authority.
fn certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let (chain_file, key_file) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&chain_file, certificate.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    (chain_file, key_file)
}

#[test]
fn a_server_with_a_certificate_that_is_not_there_says_so_and_ends() {
    let state = tempfile::tempdir().unwrap();
    let (chain, key) = certificate(state.path());
    let text = format!(
        "[DEFAULT]\nstate_path = {}\nauth_strategy = noauth\nbind_host = 127.0.0.1\nuse_ssl = true\n\
         [ssl]\ncert_file = {}\nkey_file = {}\n",
        state.path().display(),
        chain.display(),
        key.display()
    );
    let config = file(state.path(), "tls.conf", &text);
    let output = nucleon().args(["config", "check", "--config-file", &config]).output().unwrap();
    assert!(output.status.success());
    std::fs::remove_file(&key).unwrap();
    let output = nucleon().args(["server", "--config-file", &config]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("key.pem cannot be read"), "{said}");
}
