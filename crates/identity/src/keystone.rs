//! `auth_strategy = keystone`: what keystonemiddleware's auth_token does in front of Neutron.

mod access_rules;
mod answer;
mod client;
mod discovery;
mod flights;
mod memory;
mod options;
mod service;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use nucleon_api::{AuthError, Authenticator, Challenge};
use nucleon_core::Caller;
use nucleon_obs::{Clock, Metrics};

use self::answer::Validated;
use self::client::Http;
use self::flights::Flights;
use self::memory::{Memory, Recalled};
use self::service::{Expired, Service, ServiceError, Verdict};
use crate::identity::Identity;
use crate::metrics::{IdentityMetrics, Outcome};
use crate::secret::{Digest, Token};

pub use self::options::{
    Decision, DomainName, Interface, KeystoneOptions, Login, OptionsError, ProjectName,
    ServiceRoles, UserName,
};

const AWAY: &str = "The Keystone service is temporarily unavailable.";

/// Keystone's tokens, validated by Keystone and remembered for a while.
#[derive(Debug)]
pub struct Keystone {
    options: Arc<KeystoneOptions>,
    service: Arc<Service>,
    flights: Flights<Verdict>,
    memory: Arc<Memory>,
    challenge: Challenge,
    clock: Clock,
    metrics: IdentityMetrics,
}

/// Why a request is nobody's.
#[derive(Debug)]
enum Refusal {
    Invalid,
    Unknown(Arc<ServiceError>),
}

impl Keystone {
    /// Does not ask Keystone for anything yet.
    pub fn new(
        options: KeystoneOptions,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<Self, OptionsError> {
        let metrics = IdentityMetrics::new(metrics);
        let challenge = challenge(&options)?;
        let http = Http::new(&options, clock.clone())?;
        let options = Arc::new(options);
        let service = Service::new(http, options.clone(), clock.clone(), metrics.clone());
        Ok(Self {
            service: Arc::new(service),
            flights: Flights::new(),
            memory: Arc::new(Memory::new(options.cache_time, clock.clone())),
            options,
            challenge,
            clock,
            metrics,
        })
    }

    /// Who sends a request, by its tokens.
    async fn sender(&self, parts: &Parts) -> Result<Identity, Refusal> {
        let service = match one(&parts.headers, &["x-service-token"]) {
            None => None,
            Some(token) => Some(self.calling_service(token).await?),
        };
        let token = one(&parts.headers, &["x-auth-token", "x-storage-token"]);
        let token = token.and_then(Token::parse).ok_or(Refusal::Invalid)?;
        let expired = match &service {
            Some((_, Expired::Accepted)) => Expired::Accepted,
            _ => Expired::Refused,
        };
        let user = self.validated(&token, expired).await?;
        if let Some(restriction) = &user.restriction {
            let kind = self.options.service_type.as_deref();
            if kind.is_none() {
                tracing::warn!(
                    "a token with access rules is refused: [keystone_authtoken] service_type does not say what to \
                     look for in them"
                );
            }
            let allowed =
                restriction.allows(kind, &parts.method, parts.uri.path(), service.is_some());
            if !allowed {
                return Err(Refusal::Invalid);
            }
        }
        let service = service.map(|(service, _)| service.subject);
        Ok(Identity { subject: user.subject, service })
    }

    /// The service that sends the request, and whether a user's token may have expired on the way.
    async fn calling_service(&self, token: &HeaderValue) -> Result<(Validated, Expired), Refusal> {
        let token = Token::parse(token).ok_or(Refusal::Invalid)?;
        let service = self.validated(&token, Expired::Refused).await?;
        let roles = &self.options.service_roles;
        if service.subject.has_any_role(&roles.names) {
            return Ok((service, Expired::Accepted));
        }
        if roles.required { Err(Refusal::Invalid) } else { Ok((service, Expired::Refused)) }
    }

    /// What a token says, from memory or by asking.
    async fn validated(&self, token: &Token, expired: Expired) -> Result<Validated, Refusal> {
        let key = key(token, expired);
        let validated = match self.memory.recall(&key) {
            Recalled::Good(validated) => {
                self.metrics.known(Outcome::Valid);
                Some(validated)
            }
            Recalled::Bad => {
                self.metrics.known(Outcome::Invalid);
                None
            }
            Recalled::Nothing => self.ask(token, key, expired).await.map_err(Refusal::Unknown)?,
        };
        let now = self.clock.now();
        validated
            .filter(|validated| expired == Expired::Accepted || now < validated.expires_at)
            .ok_or(Refusal::Invalid)
    }

    async fn ask(&self, token: &Token, key: Digest, expired: Expired) -> Verdict {
        let (token, service, memory) = (token.clone(), self.service.clone(), self.memory.clone());
        let ask = || async move {
            let verdict = service.validate(&token, expired).await;
            if let Ok(known) = &verdict {
                memory.keep(key, known.as_ref());
            }
            verdict
        };
        self.flights.join(key, ask).await
    }

    fn refusal(&self, refusal: Refusal) -> AuthError {
        let delayed = self.options.decision == Decision::Delayed;
        match refusal {
            Refusal::Unknown(error) if !delayed => {
                AuthError::Unavailable { message: AWAY, source: Box::new(error) }
            }
            Refusal::Unknown(error) => {
                tracing::warn!(%error, "a token is refused because nobody can say whether it is good");
                AuthError::Unauthorized(self.challenge.clone())
            }
            Refusal::Invalid => AuthError::Unauthorized(self.challenge.clone()),
        }
    }
}

impl Authenticator for Keystone {
    fn identify<'a>(
        &'a self,
        parts: &'a Parts,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        async move {
            match self.sender(parts).await {
                Ok(identity) => Ok(identity.caller(request_id)),
                Err(refusal) => Err(self.refusal(refusal)),
            }
        }
        .boxed()
    }
}

/// The header of the first name that is there. One that is there twice could be read in two ways, and is as none.
fn one<'h>(headers: &'h HeaderMap, names: &[&str]) -> Option<&'h HeaderValue> {
    let name = names.iter().find(|name| headers.contains_key(**name))?;
    let mut values = headers.get_all(*name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// What a question about a token is known by.
fn key(token: &Token, expired: Expired) -> Digest {
    let digest = token.digest();
    match expired {
        Expired::Refused => digest,
        Expired::Accepted => digest.of_kind(b"expired accepted"),
    }
}

/// As the middleware refuses; where the decision is left to Neutron, as Neutron does.
fn challenge(options: &KeystoneOptions) -> Result<Challenge, OptionsError> {
    let uri = match &options.www_authenticate_uri {
        Some(uri) => uri.clone(),
        None => options.auth_url.to_string().trim_end_matches('/').to_owned(),
    };
    let scheme = HeaderValue::from_str(&format!("Keystone uri=\"{uri}\""))
        .map_err(|_| OptionsError::Challenge(uri))?;
    let body = serde_json::json!({"error": {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }});
    let body = match options.decision {
        Decision::Here => Some(Bytes::from(body.to_string())),
        Decision::Delayed => None,
    };
    Ok(Challenge { scheme: Some(scheme), body })
}
