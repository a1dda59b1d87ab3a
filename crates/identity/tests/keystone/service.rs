//! Services that send requests for users, and the service user's own token.

use std::time::Duration;

use nucleon_identity::ServiceRoles;

use crate::fake::{Mood, description};
use crate::harness::{Door, LATER};

const BOTH: [(&str, &str); 2] = [("x-auth-token", "t-ann"), ("x-service-token", "t-nova")];

#[tokio::test]
async fn a_service_with_the_role_sends_for_a_user() {
    let door = Door::new().await;
    door.token("t-ann", &["member"]);
    door.fake.grant("t-nova", description(LATER, "service", &["service", "admin"]));
    let caller = door.knock(&BOTH).await.caller();
    assert_eq!(caller.project_id(), "garden");
    assert_eq!(caller.credentials().roles, ["member"], "the service's roles are not the user's");
    assert_eq!(caller.credentials().service_roles, ["service", "admin"]);
}

#[tokio::test]
async fn a_service_token_without_the_role_or_without_worth_spoils_the_request() {
    let door = Door::new().await;
    door.token("t-ann", &["member"]);
    assert_eq!(door.knock(&BOTH).await.status(), 401);
    door.clock.advance(Duration::from_secs(5));
    door.token("t-nova", &["member"]);
    assert_eq!(door.knock(&BOTH).await.status(), 401);
    assert_eq!(door.with_token("t-ann").await.status(), 200, "by itself the user is welcome");
}

#[tokio::test]
async fn a_service_token_alone_is_nobody() {
    let door = Door::new().await;
    door.token("t-nova", &["service"]);
    assert_eq!(door.knock(&[("x-service-token", "t-nova")]).await.status(), 401);
}

#[tokio::test]
async fn a_token_that_expired_on_the_way_counts_with_a_service_s() {
    let door = Door::new().await;
    let expired = description("2025-12-31T12:00:00.000000Z", "garden", &["member"]);
    door.fake.state().expired.insert("t-ann".to_owned(), expired);
    door.token("t-nova", &["service"]);
    assert_eq!(door.with_token("t-ann").await.status(), 401);
    for _ in 0..3 {
        assert_eq!(door.knock(&BOTH).await.caller().project_id(), "garden");
    }
    // What counted with the service does not count without it.
    assert_eq!(door.with_token("t-ann").await.status(), 401);
    let asked = door.fake.state().asked.clone();
    let expired: Vec<_> = asked.iter().filter(|asked| asked.contains("allow_expired=1")).collect();
    assert_eq!(expired.len(), 1, "{asked:?}");
}

#[tokio::test]
async fn without_the_role_being_required_any_token_passes_but_helps_nobody() {
    let roles = ServiceRoles { names: vec!["service".to_owned()], required: false };
    let door = Door::with(|options| options.service_roles = roles).await;
    door.token("t-ann", &["member"]);
    door.token("t-nova", &["member"]);
    assert_eq!(door.knock(&BOTH).await.status(), 200);

    let expired = description("2025-12-31T12:00:00.000000Z", "garden", &["member"]);
    door.fake.state().expired.insert("t-late".to_owned(), expired);
    let late = [("x-auth-token", "t-late"), ("x-service-token", "t-nova")];
    assert_eq!(door.knock(&late).await.status(), 401);
}

#[tokio::test]
async fn the_own_token_is_renewed_before_it_expires() {
    let door = Door::new().await;
    door.fake.state().own_expires_at = "2026-01-01T00:10:00.000000Z".to_owned();
    door.with_token("a").await;
    door.clock.advance(Duration::from_secs(569));
    door.with_token("b").await;
    assert_eq!(door.fake.state().logins, 1);
    door.fake.state().own_expires_at = LATER.to_owned();
    door.clock.advance(Duration::from_secs(1));
    door.with_token("c").await;
    assert_eq!(door.fake.state().logins, 2);
}

#[tokio::test]
async fn an_own_token_that_was_revoked_is_replaced_on_the_way() {
    let door = Door::new().await;
    door.token("a", &["member"]);
    door.token("b", &["member"]);
    assert_eq!(door.with_token("a").await.status(), 200);
    door.fake.state().own.clear();
    let (b, c) = tokio::join!(door.with_token("b"), door.with_token("c"));
    assert_eq!((b.status(), c.status()), (200, 401));
    assert_eq!(door.fake.state().logins, 2, "one login for both");
}

#[tokio::test]
async fn a_keystone_that_accepts_no_own_token_at_all_is_not_asked_for_ever() {
    let door = Door::new().await;
    door.fake.state().mood = Mood::Status(401);
    let knock = door.with_token("t").await;
    assert_eq!(knock.status(), 503);
    assert!(knock.reason().contains("not even a new one"));
    assert_eq!((door.fake.asked(), door.fake.state().logins), (2, 2));
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again_at_once() {
    let door = Door::new().await;
    door.fake.state().refuse_login = true;
    for token in ["a", "b", "c"] {
        let knock = door.with_token(token).await;
        assert_eq!(knock.status(), 503);
        assert!(knock.reason().contains("refuses the service user's login: 401"));
    }
    assert_eq!(door.fake.state().logins, 1, "or Keystone would lock the service user out");
    door.fake.state().refuse_login = false;
    door.token("a", &["member"]);
    door.clock.advance(Duration::from_secs(10));
    assert_eq!(door.with_token("a").await.status(), 200);
}

#[tokio::test]
async fn a_service_user_without_rights_is_named_as_the_cause() {
    let door = Door::new().await;
    door.fake.state().mood = Mood::Status(403);
    let reason = door.with_token("t").await.reason();
    assert!(reason.contains("it needs the role admin or service"), "{reason}");
}
