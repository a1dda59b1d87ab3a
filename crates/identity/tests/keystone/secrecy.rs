//! Tokens and passwords show nowhere: not in the log, at any level, nor in errors, Debug output or metrics.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::fake::{Mood, PASSWORD};
use crate::harness::Door;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let mut door = Door::new().await;
    door.token("SECRET-good", &["member"]);
    door.token("SECRET-nova", &["service"]);
    let mut shown = Vec::new();
    for mood in [
        Mood::Fair,
        Mood::Status(500),
        Mood::Saying(b"{\"token\": {\"user\": \"SECRET-echo\"}}".to_vec()),
        Mood::Status(401),
    ] {
        door.fake.state().mood = mood;
        for token in ["SECRET-good", "SECRET-bad", "SECRET-a b", "SECRET-x"] {
            let headers = [("x-auth-token", token), ("x-service-token", "SECRET-nova")];
            shown.push(format!("{:?}", door.with_token(token).await));
            shown.push(format!("{:?}", door.knock(&headers).await));
        }
    }
    door.fake.die().await;
    shown.push(format!("{:?}", door.with_token("SECRET-gone").await));
    shown.push(format!("{:?} {}", door.keystone, door.metrics.encode()));
    shown.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    let shown = shown.concat();

    assert!(shown.contains("logged in with Keystone"), "the log was listened to");
    for secret in ["SECRET", PASSWORD, "own-1"] {
        let at = shown.find(secret);
        let around = at.map(|at| &shown[at.saturating_sub(200)..(at + 50).min(shown.len())]);
        assert!(at.is_none(), "{around:?}");
    }
}
