//! The real Keystone, with fernet tokens.

use std::sync::Arc;
use std::time::Duration;

use nucleon_core::Caller;
use nucleon_identity::Keystone as Door;
use nucleon_obs::{Clock, Metrics};
use nucleon_testkit::{Keystone, KeystoneSettings, Login, Scope};
use serde_json::json;

use crate::fake::PASSWORD;
use crate::harness::{Knock, ask, options};

/// An authenticator before a real Keystone.
struct House {
    door: Arc<Door>,
    clock: Clock,
    keystone: Keystone,
}

impl House {
    fn new(keystone: Keystone, url: &str) -> Self {
        // As deployment tools make it.
        keystone.member("neutron", PASSWORD, "service", "service").unwrap();
        let clock = Clock::fake_at(Clock::system().now());
        let mut options = options(url);
        options.service_type = Some("network".to_owned());
        let door = Door::new(options, clock.clone(), &Metrics::new()).unwrap();
        Self { door: Arc::new(door), clock, keystone }
    }

    async fn with_token(&self, token: &str) -> Knock {
        ask(&self.door, "GET", "/v2.0/networks", &[("x-auth-token", token)]).await
    }

    fn token(&self, user: &str, scope: Scope<'_>) -> String {
        self.keystone.token(&Login { user, password: "pw", scope }).unwrap()
    }
}

fn shared() -> Option<House> {
    let keystone = Keystone::shared()?;
    let url = keystone.url();
    Some(House::new(keystone, &url))
}

#[tokio::test]
async fn tokens_of_the_real_keystone_say_who_asks() {
    let Some(house) = shared() else { return };
    let keystone = &house.keystone;
    let (_, project) = keystone.member("id-member", "pw", "id-garden", "member").unwrap();
    keystone.member("id-reader", "pw", "id-garden", "reader").unwrap();
    let member = house.token("id-member", Scope::Project("id-garden"));
    let caller = house.with_token(&member).await.caller();
    assert_eq!(caller.project_id(), project);
    let has = |caller: &Caller, role: &str| caller.credentials().roles.iter().any(|r| r == role);
    assert!(has(&caller, "member") && has(&caller, "reader"), "member implies reader");
    assert!(!has(&caller, "admin"));
    assert_eq!(caller.credentials().user_name, "id-member");
    assert_eq!(caller.credentials().project_domain_id, "default");

    let reader = house.token("id-reader", Scope::Project("id-garden"));
    let caller = house.with_token(&reader).await.caller();
    assert_eq!(caller.credentials().roles, ["reader"]);

    let admin = keystone.admin_token().unwrap();
    assert!(has(&house.with_token(&admin).await.caller(), "admin"));

    let unscoped = house.token("id-member", Scope::Unscoped);
    let caller = house.with_token(&unscoped).await.caller();
    assert!(caller.project_id().is_empty() && caller.credentials().roles.is_empty());

    let login = Login { user: "admin", password: Keystone::ADMIN_PASSWORD, scope: Scope::System };
    let system = keystone.token(&login).unwrap();
    let caller = house.with_token(&system).await.caller();
    assert_eq!(caller.credentials().system_scope, "all");
    assert!(caller.project_id().is_empty() && has(&caller, "admin"));

    for bad in ["gAAAAABnonsense", &format!("{member}x"), "x"] {
        assert_eq!(house.with_token(bad).await.status(), 401, "{bad}");
    }
}

#[tokio::test]
async fn a_token_revoked_in_the_real_keystone_ends_with_its_cache_time() {
    let Some(house) = shared() else { return };
    house.keystone.member("id-leaver", "pw", "id-pond", "member").unwrap();
    let token = house.token("id-leaver", Scope::Project("id-pond"));
    assert_eq!(house.with_token(&token).await.status(), 200);
    house.keystone.revoke(&token).unwrap();
    assert_eq!(house.with_token(&token).await.status(), 200, "known for five minutes");
    house.clock.advance(Duration::from_mins(5));
    assert_eq!(house.with_token(&token).await.status(), 401);
}

#[tokio::test]
async fn version_3_is_found_below_the_root_of_the_real_keystone() {
    let Some(keystone) = Keystone::shared() else { return };
    let token = keystone.admin_token().unwrap();
    let url = format!("{}/v3/", keystone.url());
    let by_version = House::new(keystone, &url);
    assert_eq!(by_version.with_token(&token).await.status(), 200);
    let by_root = shared().unwrap();
    assert_eq!(by_root.with_token(&token).await.status(), 200);
}

#[tokio::test]
async fn access_rules_of_the_real_keystone_bind() {
    let Some(house) = shared() else { return };
    let keystone = &house.keystone;
    keystone.endpoint("network", "neutron", "http://127.0.0.1:9696").unwrap();
    let (user, _) = keystone.member("id-robot", "pw", "id-works", "member").unwrap();
    let own = house.token("id-robot", Scope::Project("id-works"));
    let rule = json!({"service": "network", "method": "GET", "path": "/v2.0/networks"});
    let credential = json!({"application_credential": {
        "name": format!("c-{}", std::process::id()), "secret": "s", "access_rules": [rule],
    }});
    let path = format!("/v3/users/{user}/application_credentials");
    let made = keystone.call(Some(&own), "POST", &path, Some(&credential)).unwrap().body;
    let login = json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": made["application_credential"]["id"], "secret": "s"},
    }}});
    let answer = keystone.call(None, "POST", "/v3/auth/tokens", Some(&login)).unwrap();
    let token = answer.header("x-subject-token").unwrap();
    let headers = [("x-auth-token", token)];
    let status = async |method, path| ask(&house.door, method, path, &headers).await.status();
    assert_eq!(status("GET", "/v2.0/networks").await, 200);
    assert_eq!(status("POST", "/v2.0/networks").await, 401);
    assert_eq!(status("GET", "/v2.0/ports").await, 401);
}

#[tokio::test]
async fn a_token_of_the_real_keystone_expires_and_counts_once_more_with_a_service_s() {
    let lifetime = Duration::from_secs(6);
    let settings = KeystoneSettings { token_lifetime: lifetime };
    let Some(keystone) = Keystone::start(&settings) else { return };
    let url = keystone.url();
    let mut house = House::new(keystone, &url);
    house.keystone.member("ann", "pw", "garden", "member").unwrap();
    house.keystone.member("nova", "pw", "service", "service").unwrap();
    let token = house.token("ann", Scope::Project("garden"));
    assert_eq!(house.with_token(&token).await.status(), 200);
    // Here the cache holds the token longer than its life, which began some time after this clock did.
    house.clock.advance(lifetime + Duration::from_mins(1));
    assert_eq!(house.with_token(&token).await.status(), 401);

    // Keystone itself sees it expire by the machine's clock.
    let expired = || async {
        let fresh = House::new_door(&house);
        ask(&fresh, "GET", "/", &[("x-auth-token", &token)]).await.status() == 401
    };
    let began = Clock::system().mono();
    while !expired().await {
        assert!(Clock::system().mono() - began < Duration::from_mins(1), "it does not expire");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let nova = house.token("nova", Scope::Project("service"));
    let both = [("x-auth-token", token.as_str()), ("x-service-token", nova.as_str())];
    let fresh = House::new_door(&house);
    let knock = ask(&fresh, "GET", "/v2.0/networks", &both).await;
    assert_eq!(knock.status(), 200);

    house.keystone.kill().unwrap();
    let fresh = House::new_door(&house);
    assert_eq!(ask(&fresh, "GET", "/", &both).await.status(), 503);
}

impl House {
    /// Another authenticator, which remembers nothing.
    fn new_door(&self) -> Door {
        Door::new(options(&self.keystone.url()), Clock::system(), &Metrics::new()).unwrap()
    }
}
