//! Tokens: asked about, remembered, forgotten.

use std::time::Duration;

use nucleon_identity::{Decision, Login, ProjectName, Secret, UserName};
use nucleon_obs::Clock;
use serde_json::json;

use crate::fake::{Mood, PASSWORD, description};
use crate::harness::{Door, LATER};

#[tokio::test]
async fn a_token_says_project_and_roles() {
    let door = Door::new().await;
    door.token("t-ann", &["member", "reader"]);
    let caller = door.with_token("t-ann").await.caller();
    assert_eq!((caller.project_id(), caller.request_id()), ("garden", "req-1"));
    assert_eq!(caller.credentials().roles, ["member", "reader"]);
    assert_eq!(caller.credentials().user_id, "u1");
    door.token("t-admin", &["admin"]);
    assert_eq!(door.with_token("t-admin").await.roles(), ["admin"]);
}

#[tokio::test]
async fn headers_that_claim_an_identity_are_not_believed() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    let claims = [("x-roles", "admin"), ("x-project-id", "other"), ("x-tenant-id", "other")];
    let headers: Vec<_> = claims.into_iter().chain([("x-auth-token", "t")]).collect();
    let caller = door.knock(&headers).await.caller();
    assert_eq!(caller.credentials().roles, ["member"]);
    assert_eq!(caller.project_id(), "garden");
    assert_eq!(door.knock(&claims).await.status(), 401);
}

#[tokio::test]
async fn a_request_without_a_token_is_refused_as_the_middleware_does() {
    let door = Door::with(|options| {
        options.www_authenticate_uri = Some("http://cloud.example/identity".to_owned());
    })
    .await;
    let nothing: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-auth-token", "")],
        &[("x-auth-token", "two words")],
        &[("x-auth-token", "a"), ("x-auth-token", "b")],
    ];
    for headers in nothing {
        let (scheme, body) = door.knock(headers).await.challenge();
        assert_eq!(scheme, "Keystone uri=\"http://cloud.example/identity\"");
        let message = "The request you have made requires authentication.";
        let error = json!({"message": message, "code": 401, "title": "Unauthorized"});
        assert_eq!(body, Some(json!({"error": error})));
    }
    assert_eq!((door.fake.asked(), door.fake.state().logins), (0, 0), "nobody was asked");
}

#[tokio::test]
async fn clients_are_sent_to_the_auth_url_where_nothing_better_is_known() {
    let door = Door::new().await;
    let (scheme, _) = door.knock(&[]).await.challenge();
    assert_eq!(scheme, format!("Keystone uri=\"{}\"", door.fake.url()));
}

#[tokio::test]
async fn a_token_is_asked_about_once_in_its_cache_time() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    for _ in 0..10 {
        assert_eq!(door.with_token("t").await.status(), 200);
    }
    assert_eq!((door.fake.asked(), door.count("identity_cache_hits_total")), (1, 9));
    door.clock.advance(Duration::from_secs(299));
    assert_eq!(door.with_token("t").await.status(), 200);
    assert_eq!(door.fake.asked(), 1);
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(door.with_token("t").await.status(), 200);
    assert_eq!((door.fake.asked(), door.count("identity_checks_total")), (2, 2));
}

#[tokio::test]
async fn a_revoked_token_ends_with_its_cache_time() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    assert_eq!(door.with_token("t").await.status(), 200);
    door.fake.state().tokens.clear();
    assert_eq!(door.with_token("t").await.status(), 200);
    door.clock.advance(Duration::from_mins(5));
    assert_eq!(door.with_token("t").await.status(), 401);
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_not_wanted() {
    let door = Door::with(|options| options.cache_time = None).await;
    door.token("t", &["member"]);
    for _ in 0..3 {
        assert_eq!(door.with_token("t").await.status(), 200);
        assert_eq!(door.with_token("bad").await.status(), 401);
    }
    assert_eq!(door.fake.asked(), 6);
}

#[tokio::test]
async fn a_token_never_outlives_its_expiry() {
    let door = Door::new().await;
    door.fake.grant("t", description("2026-01-01T00:01:00.500000Z", "garden", &["member"]));
    assert_eq!(door.with_token("t").await.status(), 200);
    door.clock.advance(Duration::from_millis(60_499));
    assert_eq!(door.with_token("t").await.status(), 200);
    door.clock.advance(Duration::from_millis(1));
    assert_eq!(door.with_token("t").await.status(), 401);
    assert_eq!(door.fake.asked(), 1);
}

#[tokio::test]
async fn a_token_that_keystone_gives_out_expired_is_refused() {
    let door = Door::new().await;
    door.fake.grant("t", description("2025-12-31T23:59:59.000000Z", "garden", &["admin"]));
    assert_eq!(door.with_token("t").await.status(), 401);
}

#[tokio::test]
async fn a_bad_token_is_refused_for_a_while_without_asking() {
    let door = Door::new().await;
    for _ in 0..10 {
        assert_eq!(door.with_token("bad").await.status(), 401);
    }
    assert_eq!(door.fake.asked(), 1);
    // Keystone's databases are in step again.
    door.token("bad", &["member"]);
    door.clock.advance(Duration::from_secs(5));
    assert_eq!(door.with_token("bad").await.status(), 200);
}

#[tokio::test]
async fn bad_tokens_do_not_push_out_good_ones() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    assert_eq!(door.with_token("t").await.status(), 200);
    let asked = door.fake.asked();
    for n in 0..500 {
        assert_eq!(door.with_token(&format!("bad-{n}")).await.status(), 401);
    }
    assert_eq!(door.fake.asked(), asked + 500);
    assert_eq!(door.with_token("t").await.status(), 200);
    assert_eq!(door.fake.asked(), asked + 500, "the good one was still known");
}

#[tokio::test]
async fn who_comes_with_the_same_token_at_once_waits_for_one_answer() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    door.token("u", &["member"]);
    door.fake.state().mood = Mood::Stalling;
    let knocks = (0..50).map(|n| door.with_token(if n % 2 == 0 { "t" } else { "u" }));
    let open = async {
        while door.fake.asked() < 2 {
            tokio::task::yield_now().await;
        }
        door.fake.gate.add_permits(2);
    };
    let (knocks, ()) = tokio::join!(futures::future::join_all(knocks), open);
    assert!(knocks.iter().all(|knock| knock.status() == 200));
    assert_eq!((door.fake.asked(), door.fake.state().logins), (2, 1));
}

#[tokio::test]
async fn whoever_asked_first_may_hang_up() {
    let door = Door::new().await;
    door.token("t", &["member"]);
    door.fake.state().mood = Mood::Stalling;
    let patient = door.with_token("t");
    let hasty = async {
        let knock = door.with_token("t");
        tokio::select! {
            knock = knock => panic!("{knock:?}"),
            () = async { while door.fake.asked() < 1 { tokio::task::yield_now().await; } } => {}
        }
        door.fake.gate.add_permits(1);
    };
    // The hasty one asks first.
    let ((), patient) = tokio::join!(hasty, patient);
    assert_eq!((patient.status(), door.fake.asked()), (200, 1));
}

#[tokio::test]
async fn a_token_that_is_known_costs_next_to_nothing() {
    let door = Door::new().await;
    door.token("t", &["admin", "manager", "member", "reader"]);
    assert_eq!(door.with_token("t").await.status(), 200);
    let clock = Clock::system();
    let mut best = Duration::MAX;
    for _ in 0..10 {
        let began = clock.mono();
        for _ in 0..500 {
            assert_eq!(door.with_token("t").await.status(), 200);
        }
        best = best.min((clock.mono() - began) / 500);
    }
    assert!(best < Duration::from_micros(100), "{best:?}");
    assert_eq!(door.fake.asked(), 1);
}

#[tokio::test]
async fn the_decision_may_be_left_to_the_service_which_refuses_too() {
    let door = Door::with(|options| options.decision = Decision::Delayed).await;
    let (scheme, body) = door.with_token("bad").await.challenge();
    assert!(scheme.starts_with("Keystone uri="));
    assert_eq!(body, None, "a page, in Neutron's words");
    door.fake.state().mood = Mood::Status(500);
    assert_eq!(door.with_token("other").await.status(), 401);
}

#[tokio::test]
async fn access_rules_say_what_a_token_may_ask() {
    let rule =
        json!({"id": "1", "service": "network", "method": "GET", "path": "/v2.0/networks/{id}"});
    let mut token = description(LATER, "garden", &["member"]);
    token["token"]["application_credential"] =
        json!({"id": "c", "name": "c", "restricted": true, "access_rules": [rule]});
    token["token"]["catalog"] = json!([{"type": "network", "name": "neutron"}]);

    let door = Door::with(|options| options.service_type = Some("network".to_owned())).await;
    door.fake.grant("t", token.clone());
    door.token("nova", &["service"]);
    let headers = [("x-auth-token", "t")];
    assert_eq!(door.ask("GET", "/v2.0/networks/x", &headers).await.status(), 200);
    assert_eq!(door.ask("DELETE", "/v2.0/networks/x", &headers).await.status(), 401);
    assert_eq!(door.ask("GET", "/v2.0/networks", &headers).await.status(), 401);
    let by_nova = [("x-auth-token", "t"), ("x-service-token", "nova")];
    assert_eq!(door.ask("DELETE", "/v2.0/networks/x", &by_nova).await.status(), 200);
    let asked = door.fake.state().asked.clone();
    assert!(asked.iter().all(|asked| !asked.contains("nocatalog")), "{asked:?}");

    let ignorant = Door::new().await;
    ignorant.fake.grant("t", token);
    assert_eq!(ignorant.ask("GET", "/v2.0/networks/x", &headers).await.status(), 401);
    assert_eq!(ignorant.fake.state().asked, ["/v3/auth/tokens?nocatalog"]);
}

#[tokio::test]
async fn keystone_is_asked_where_the_catalog_says_and_otherwise_where_it_was_found() {
    let door = Door::with(|options| options.region = Some("One".to_owned())).await;
    door.fake.state().catalogued = Some("/identity/v3".to_owned());
    door.token("t", &["member"]);
    assert_eq!(door.with_token("t").await.status(), 200);
    assert_eq!(door.fake.state().asked, ["/identity/v3/auth/tokens?nocatalog"]);

    let elsewhere = Door::with(|options| options.region = Some("Two".to_owned())).await;
    elsewhere.fake.state().catalogued = Some("/identity/v3".to_owned());
    elsewhere.token("t", &["member"]);
    assert_eq!(elsewhere.with_token("t").await.status(), 200);
    assert_eq!(elsewhere.fake.state().asked, ["/v3/auth/tokens?nocatalog"]);
}

#[tokio::test]
async fn the_service_user_says_who_it_is_and_for_what() {
    let door = Door::new().await;
    door.with_token("t").await;
    let domain = json!({"id": "default"});
    let user = json!({"name": "neutron", "domain": domain, "password": PASSWORD});
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"name": "service", "domain": domain}},
    }});
    assert_eq!(door.fake.state().login_bodies, [expected]);

    let by_id = Door::with(|options| {
        options.login = Login::Password {
            user: UserName::Id("u".to_owned()),
            password: Secret::new(PASSWORD),
            scope: ProjectName::System,
        };
    })
    .await;
    by_id.with_token("t").await;
    let body = by_id.fake.state().login_bodies[0].clone();
    assert_eq!(body["auth"]["scope"], json!({"system": {"all": true}}));
    assert_eq!(body["auth"]["identity"]["password"]["user"]["id"], "u");

    let credential = Door::with(|options| {
        options.login =
            Login::ApplicationCredential { id: "c".to_owned(), secret: Secret::new("s") };
    })
    .await;
    credential.with_token("t").await;
    let body = credential.fake.state().login_bodies[0].clone();
    let expected = json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": "c", "secret": "s"},
    }}});
    assert_eq!(body, expected);
}
