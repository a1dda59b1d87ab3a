//! Keystones that are away, slow, ill or mad: nobody is let in on their account, and nobody is called a stranger.

use std::time::Duration;

use crate::fake::Mood;
use crate::harness::{Door, hurry};

#[tokio::test]
async fn while_keystone_is_away_only_those_known_get_in() {
    let mut door = Door::new().await;
    door.token("known", &["member"]);
    door.token("new", &["member"]);
    assert_eq!(door.with_token("known").await.status(), 200);
    door.fake.die().await;
    assert_eq!(door.with_token("known").await.status(), 200);
    let knock = door.with_token("new").await;
    assert_eq!(knock.status(), 503);
    assert!(knock.reason().contains("no answer from http://localhost:"));
    door.clock.advance(Duration::from_mins(5));
    assert_eq!(door.with_token("known").await.status(), 503, "not let in for want of an answer");

    door.fake.rise().await;
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(door.with_token("new").await.status(), 200);
    assert_eq!(door.with_token("known").await.status(), 200);
}

#[tokio::test]
async fn a_keystone_that_dies_over_a_question_is_asked_again() {
    let mut door = Door::with(|options| options.retries = 3).await;
    door.token("t", &["member"]);
    door.fake.state().mood = Mood::Stalling;
    let keystone = door.keystone.clone();
    let clock = door.clock.clone();
    let knock = crate::harness::ask(&keystone, "GET", "/", &[("x-auth-token", "t")]);
    let fault = async {
        while door.fake.asked() < 1 {
            tokio::task::yield_now().await;
        }
        door.fake.die().await;
        door.fake.state().mood = Mood::Fair;
        door.fake.rise().await;
    };
    let (knock, ()) = hurry(&clock, async { tokio::join!(knock, fault) }).await;
    assert_eq!((knock.status(), door.fake.asked()), (200, 2));
}

#[tokio::test]
async fn nobody_is_asked_more_often_than_configured() {
    let mut door = Door::with(|options| options.retries = 2).await;
    door.token("t", &["member"]);
    door.fake.die().await;
    let before = door.clock.mono();
    assert_eq!(hurry(&door.clock, door.with_token("t")).await.status(), 503);
    let waited = door.clock.mono() - before;
    assert!(waited >= Duration::from_millis(1500), "two pauses: {waited:?}");
}

#[tokio::test]
async fn a_keystone_that_does_not_come_to_the_point_is_waited_for_only_so_long() {
    let door = Door::with(|options| options.timeout = Duration::from_secs(7)).await;
    door.token("t", &["member"]);
    door.with_token("first").await;
    door.fake.state().mood = Mood::Stalling;
    let later = async {
        while door.fake.asked() < 2 {
            tokio::task::yield_now().await;
        }
        door.clock.advance(Duration::from_secs(7));
    };
    let (knock, ()) = tokio::join!(door.with_token("t"), later);
    assert_eq!(knock.status(), 503);
    assert!(knock.reason().contains("within 7s"));
    door.fake.state().mood = Mood::Fair;
    assert_eq!(door.with_token("t").await.status(), 200, "a verdict that failed is not remembered");
}

#[tokio::test]
async fn an_answer_that_is_none_lets_nobody_in() {
    let whole = br#"{"token": {"user": {"id": "u", "name": "n", "domain": {}}, "expires_at": "2027-01-01T00:00:00Z"}}"#;
    for (mood, reason) in [
        (Mood::Status(500), "answers 500"),
        (Mood::Status(502), "answers 502"),
        (Mood::Status(503), "answers 503"),
        (Mood::Status(302), "answers 302"),
        (Mood::Status(204), "answers 204"),
        (Mood::Saying(b"".to_vec()), "cannot be read"),
        (Mood::Saying(b"<html>welcome</html>".to_vec()), "cannot be read"),
        (Mood::Saying(b"{\"token\": {}}".to_vec()), "cannot be read"),
        (Mood::Saying(b"{\"token\": null}".to_vec()), "cannot be read"),
        (Mood::Saying(vec![0xff; 100]), "cannot be read"),
        (Mood::Saying(whole[..whole.len() - 2].to_vec()), "cannot be read"),
        (Mood::Saying("[".repeat(100_000).into_bytes()), "cannot be read"),
        (Mood::Saying(vec![b' '; 5 * 1024 * 1024]), "is longer than"),
    ] {
        let door = Door::new().await;
        door.fake.state().mood = mood.clone();
        let knock = door.with_token("t").await;
        let shown = format!("{mood:?}").chars().take(60).collect::<String>();
        assert_eq!(knock.status(), 503, "{shown}");
        let text = knock.reason();
        assert!(text.contains(reason), "{shown}: {text}");
    }
}

#[tokio::test]
async fn a_login_that_fails_fails_for_all_who_wait_and_is_tried_again_soon() {
    let mut door = Door::new().await;
    door.token("t", &["member"]);
    door.fake.die().await;
    let knocks = (0..20).map(|n| {
        let token = format!("t-{n}");
        let keystone = door.keystone.clone();
        async move {
            crate::harness::ask(&keystone, "GET", "/", &[("x-auth-token", &token)]).await.status()
        }
    });
    assert_eq!(futures::future::join_all(knocks).await, vec![503; 20]);
    assert_eq!(door.count("identity_logins_total"), 1);
    door.fake.rise().await;
    assert_eq!(door.with_token("t").await.status(), 503);
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(door.with_token("t").await.status(), 200);
}
