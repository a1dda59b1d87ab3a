//! An authenticator before a fake Keystone, with a clock of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use nucleon_api::{AuthError, Authenticator as _, Challenge};
use nucleon_core::Caller;
use nucleon_identity::{
    DomainName, Keystone, KeystoneOptions, Login, ProjectName, Secret, UserName,
};
use nucleon_obs::{Clock, Metrics};
use serde_json::Value;

use crate::fake::{Fake, PASSWORD, description};

/// An hour after the fake clock's start.
pub(crate) const LATER: &str = "2026-01-01T01:00:00.000000Z";

pub(crate) struct Door {
    pub(crate) fake: Fake,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) keystone: Arc<Keystone>,
}

pub(crate) fn options(url: &str) -> KeystoneOptions {
    let domain = || DomainName::Id("default".to_owned());
    let login = Login::Password {
        user: UserName::Name { name: "neutron".to_owned(), domain: domain() },
        password: Secret::new(PASSWORD),
        scope: ProjectName::Name { name: "service".to_owned(), domain: domain() },
    };
    KeystoneOptions { retries: 0, ..KeystoneOptions::new(url, login).unwrap() }
}

impl Door {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut KeystoneOptions)) -> Self {
        let fake = Fake::start().await;
        let mut options = options(&fake.url());
        set(&mut options);
        Self::before(fake, options)
    }

    pub(crate) fn before(fake: Fake, options: KeystoneOptions) -> Self {
        let (clock, metrics) = (Clock::fake(), Metrics::new());
        let keystone = Arc::new(Keystone::new(options, clock.clone(), &metrics).unwrap());
        Self { fake, clock, metrics, keystone }
    }

    /// Gives out a token for an hour.
    pub(crate) fn token(&self, token: &str, roles: &[&str]) {
        self.fake.grant(token, description(LATER, "garden", roles));
    }

    pub(crate) async fn knock(&self, headers: &[(&str, &str)]) -> Knock {
        self.ask("GET", "/v2.0/networks", headers).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Knock {
        ask(&self.keystone, method, path, headers).await
    }

    /// With a token and nothing else.
    pub(crate) async fn with_token(&self, token: &str) -> Knock {
        self.knock(&[("x-auth-token", token)]).await
    }

    /// A counter's value, summed over its labels.
    pub(crate) fn count(&self, name: &str) -> usize {
        let page = self.metrics.encode();
        let lines = page.lines().filter(|line| line.starts_with(&format!("nucleon_{name}")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }
}

pub(crate) async fn ask(
    keystone: &Keystone,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Knock {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    Knock(keystone.identify(&parts, "req-1").await)
}

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Knock(pub(crate) Result<Caller, AuthError>);

impl Knock {
    pub(crate) fn caller(self) -> Caller {
        self.0.unwrap()
    }

    pub(crate) fn roles(self) -> Vec<String> {
        self.caller().credentials().roles.clone()
    }

    pub(crate) fn status(&self) -> u16 {
        match &self.0 {
            Ok(_) => 200,
            Err(AuthError::Unauthorized(_)) => 401,
            Err(AuthError::Unavailable { .. }) => 503,
        }
    }

    pub(crate) fn challenge(self) -> (String, Option<Value>) {
        let Err(AuthError::Unauthorized(Challenge { scheme, body })) = self.0 else {
            panic!("{self:?}")
        };
        let body = body.map(|body| serde_json::from_slice(&body).unwrap());
        (scheme.unwrap().to_str().unwrap().to_owned(), body)
    }

    /// Why nobody could say, with all that is behind it.
    pub(crate) fn reason(self) -> String {
        let Err(AuthError::Unavailable { source, .. }) = self.0 else { panic!("{self:?}") };
        let mut texts = vec![source.to_string()];
        let mut next = source.source();
        while let Some(source) = next {
            texts.push(source.to_string());
            next = source.source();
        }
        texts.join(": ")
    }
}

/// Runs work while a fake clock moves on, a second for each moment that passes.
pub(crate) async fn hurry<T>(clock: &Clock, work: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            clock.advance(Duration::from_secs(1));
        }
    };
    tokio::select! {
        done = work => done,
        () = time => unreachable!(),
    }
}
