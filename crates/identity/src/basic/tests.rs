use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;

use super::*;

/// The cheapest that bcrypt allows.
const COST: u32 = 4;

struct Door {
    basic: HttpBasic,
    clock: Clock,
    metrics: Metrics,
    directory: tempfile::TempDir,
}

fn hash(password: &str) -> String {
    bcrypt::hash_with_salt(password, COST, [7; 16])
        .unwrap()
        .format_for_version(bcrypt::Version::TwoY)
}

fn write(path: &Path, users: &[(&str, &str)]) {
    let lines = users.iter().map(|(user, password)| format!("{user}:{}\n", hash(password)));
    std::fs::write(path, lines.collect::<String>()).unwrap();
}

impl Door {
    fn new(users: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let user_file = directory.path().join("htpasswd");
        write(&user_file, users);
        let roles = vec!["admin".to_owned(), "member".to_owned()];
        let options = BasicOptions { user_file, project_id: "house".to_owned(), roles };
        let (clock, metrics) = (Clock::fake(), Metrics::new());
        let basic = HttpBasic::new(options, clock.clone(), &Random::seeded(1), &metrics).unwrap();
        Self { basic, clock, metrics, directory }
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("htpasswd")
    }

    async fn knock(&self, header: Option<&str>) -> Result<Caller, AuthError> {
        let mut request = Request::builder().uri("/v2.0/networks");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        self.basic.identify(&parts, "req-1").await
    }

    async fn admits(&self, user: &str, password: &str) -> bool {
        let header = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        match self.knock(Some(&header)).await {
            Ok(_) => true,
            Err(AuthError::Unauthorized(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// How often a password was compared with a hash.
    fn compared(&self) -> usize {
        let page = self.metrics.encode();
        let lines = page.lines().filter(|line| line.starts_with("nucleon_identity_checks_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }
}

#[tokio::test]
async fn a_user_of_the_file_is_an_administrator_of_the_fixed_project() {
    let door = Door::new(&[("ann", "s3cret")]);
    let header = format!("Basic {}", STANDARD.encode("ann:s3cret"));
    let caller = door.knock(Some(&header)).await.unwrap();
    assert_eq!((caller.project_id(), caller.request_id()), ("house", "req-1"));
    assert_eq!(caller.credentials().roles, ["admin", "member"]);
    assert_eq!(caller.credentials().user_id, "ann");
}

#[tokio::test]
async fn who_is_refused_is_told_in_json_and_what_to_send() {
    let door = Door::new(&[("ann", "s3cret")]);
    let guess = format!("Basic {}", STANDARD.encode("ann:guess"));
    for (header, text) in [
        (None, "could not verify"),
        (Some(guess.as_str()), "could not verify"),
        (Some("Bearer x"), "Unsupported authorization type"),
        (Some("Basic !!"), "Could not decode authorization token"),
    ] {
        let Err(AuthError::Unauthorized(challenge)) = door.knock(header).await else { panic!() };
        let body: serde_json::Value = serde_json::from_slice(&challenge.body.unwrap()).unwrap();
        assert_eq!(body["error"]["code"], 401);
        assert!(body["error"]["message"].as_str().unwrap().contains(text), "{header:?} {body}");
        assert_eq!(challenge.scheme.unwrap(), "Basic realm=\"Networking\"");
    }
}

#[tokio::test]
async fn a_password_is_compared_once_while_its_verdict_holds() {
    let door = Door::new(&[("ann", "s3cret")]);
    for _ in 0..10 {
        assert!(door.admits("ann", "s3cret").await);
        assert!(!door.admits("ann", "guess").await);
    }
    assert_eq!(door.compared(), 2);
    door.clock.advance(WRONG_FOR);
    assert!(door.admits("ann", "s3cret").await && !door.admits("ann", "guess").await);
    assert_eq!(door.compared(), 3);
    door.clock.advance(RIGHT_FOR);
    assert!(door.admits("ann", "s3cret").await);
    assert_eq!(door.compared(), 4);
}

#[tokio::test]
async fn a_stranger_is_compared_with_as_a_user_is() {
    let door = Door::new(&[("ann", "s3cret")]);
    assert!(!door.admits("eve", "s3cret").await, "the decoy's own password opens nothing");
    assert_eq!(door.compared(), 1);
    assert!(!door.admits("", "").await);
}

#[tokio::test]
async fn a_changed_file_counts_at_once_and_ends_what_was_known() {
    let door = Door::new(&[("ann", "s3cret"), ("bob", "b")]);
    assert!(door.admits("ann", "s3cret").await && door.admits("bob", "b").await);
    write(&door.file(), &[("ann", "another"), ("cleo", "c")]);
    door.clock.advance(LOOK_EVERY);
    assert!(!door.admits("ann", "s3cret").await && !door.admits("bob", "b").await);
    assert!(door.admits("ann", "another").await && door.admits("cleo", "c").await);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_lets_nobody_in_and_blames_nobody() {
    let door = Door::new(&[("ann", "s3cret")]);
    assert!(door.admits("ann", "s3cret").await);
    let header = format!("Basic {}", STANDARD.encode("ann:s3cret"));
    for text in [None, Some("ann:plain\n")] {
        match text {
            None => std::fs::remove_file(door.file()).unwrap(),
            Some(text) => std::fs::write(door.file(), text).unwrap(),
        }
        door.clock.advance(LOOK_EVERY);
        let error = door.knock(Some(&header)).await.unwrap_err();
        assert!(matches!(error, AuthError::Unavailable { .. }), "{error}");
    }
    write(&door.file(), &[("ann", "s3cret")]);
    door.clock.advance(LOOK_EVERY);
    assert!(door.admits("ann", "s3cret").await);
}

#[tokio::test]
async fn a_password_that_bcrypt_would_cut_short_is_none() {
    let long = "x".repeat(72);
    let door = Door::new(&[("ann", &long[..71])]);
    assert!(door.admits("ann", &long[..71]).await);
    assert!(!door.admits("ann", &format!("{}y", &long[..71])).await);
    assert!(!door.admits("ann", &"x".repeat(200)).await);
}

#[test]
fn a_file_that_is_not_there_is_told_at_the_start() {
    let options = BasicOptions {
        user_file: "/nowhere/htpasswd".into(),
        project_id: String::new(),
        roles: Vec::new(),
    };
    let error =
        HttpBasic::new(options, Clock::fake(), &Random::seeded(1), &Metrics::new()).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/htpasswd cannot be read");
}
