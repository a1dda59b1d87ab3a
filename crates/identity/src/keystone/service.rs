//! Asking Keystone about tokens, as the service user.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use nucleon_obs::{Clock, Mono, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::answer::{LoggedIn, Service as CatalogService, Unreadable, Validated};
use super::client::{Ask, Http, HttpError, Reply};
use super::discovery::{assumed_v3, is_v3, v3_of, without_v2};
use super::options::{
    DomainName, KeystoneOptions, Login, ProjectName, UserName, parse_url, with_path,
};
use crate::metrics::{IdentityMetrics, Outcome};
use crate::secret::Token;

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT_TOKEN: HeaderName = HeaderName::from_static("x-subject-token");

/// Keystone tells of tokens with access rules only to those who say that they obey them.
const ACCESS_RULES: HeaderName = HeaderName::from_static("openstack-identity-access-rules");

/// The own token is renewed this long before it expires.
const RENEW_BEFORE: Duration = Duration::from_secs(30);

/// After a login that failed, those who come within this time fail likewise.
const PAUSE: Duration = Duration::from_secs(1);

/// After one that was refused: Keystone may count failures and lock the service user out.
const PAUSE_WHEN_REFUSED: Duration = Duration::from_secs(10);

/// Keystone, with the service user logged in when need be.
#[derive(Debug)]
pub(super) struct Service {
    http: Http,
    options: Arc<KeystoneOptions>,
    clock: Clock,
    metrics: IdentityMetrics,
    /// One login at a time; who waits for it takes what came of it.
    session: Mutex<Session>,
}

#[derive(Debug, Default)]
struct Session {
    own: Option<Own>,
    /// Why the last login failed, and when the next may be tried.
    failed: Option<(Mono, Arc<ServiceError>)>,
}

/// A token of the service user's, and where tokens are asked about.
#[derive(Debug, Clone)]
struct Own {
    token: Token,
    expires_at: Timestamp,
    tokens: Uri,
}

/// Which tokens count: with a service's, also those that have expired on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Expired {
    Refused,
    Accepted,
}

/// Why nobody can say whether a token is good. Shared by all who wait for it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    #[error("Keystone does not answer")]
    Http(#[from] HttpError),
    #[error("Keystone at {0} does not say where version 3 of its API is")]
    NoVersion3(Uri),
    #[error("Keystone at {url} refuses the service user's login: {status}")]
    LoginRefused { url: Uri, status: StatusCode },
    #[error("Keystone at {url} gives the service user no token that can be used")]
    NoOwnToken { url: Uri },
    #[error("Keystone at {url} does not accept the service user's token, not even a new one")]
    NotAccepted { url: Uri },
    #[error(
        "Keystone at {url} does not let the service user ask about tokens: it needs the role admin or service"
    )]
    NotAllowed { url: Uri },
    #[error("Keystone at {url} answers {status}")]
    Status { url: Uri, status: StatusCode },
    #[error("the answer of Keystone at {url} cannot be read")]
    Unreadable { url: Uri, source: Unreadable },
}

/// What Keystone says of a token; `None` for one that is worth nothing.
pub(super) type Verdict = Result<Option<Validated>, Arc<ServiceError>>;

impl Service {
    pub(super) fn new(
        http: Http,
        options: Arc<KeystoneOptions>,
        clock: Clock,
        metrics: IdentityMetrics,
    ) -> Self {
        Self { http, options, clock, metrics, session: Mutex::default() }
    }

    /// Asks about a token; logs in again where the own one is not accepted any more.
    pub(super) async fn validate(&self, token: &Token, expired: Expired) -> Verdict {
        let began = self.clock.mono();
        let mut verdict = self.validate_once(token, expired).await;
        if let Err(Failed::NotAccepted(own)) = &verdict {
            self.forget(own).await;
            verdict = self.validate_once(token, expired).await;
        }
        let verdict = verdict.map_err(|failed| match failed {
            Failed::NotAccepted(own) => Arc::new(ServiceError::NotAccepted { url: own.tokens }),
            Failed::Otherwise(error) => error,
        });
        let outcome = match &verdict {
            Ok(Some(_)) => Outcome::Valid,
            Ok(None) => Outcome::Invalid,
            Err(_) => Outcome::Unavailable,
        };
        self.metrics.checked(outcome, self.clock.mono() - began);
        verdict
    }

    async fn validate_once(
        &self,
        token: &Token,
        expired: Expired,
    ) -> Result<Option<Validated>, Failed> {
        let own = self.own().await.map_err(Failed::Otherwise)?;
        let url = own.tokens.clone();
        let ask = Ask::new(Method::GET, with_path(&url, &self.question(&url, expired)))
            .header(AUTH_TOKEN, own.token.header())
            .header(SUBJECT_TOKEN, token.header())
            .header(ACCESS_RULES, HeaderValue::from_static("1"));
        let reply = self.http.ask(ask).await?;
        match reply.status {
            StatusCode::OK => Validated::read(&reply.body, self.options.service_type.as_deref())
                .map(Some)
                .map_err(|source| ServiceError::Unreadable { url, source }.into()),
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(Failed::NotAccepted(own)),
            StatusCode::FORBIDDEN => Err(ServiceError::NotAllowed { url }.into()),
            status => Err(ServiceError::Status { url, status }.into()),
        }
    }

    fn question(&self, url: &Uri, expired: Expired) -> String {
        // Only access rules need the catalog, which is most of the answer.
        let catalog = self.options.include_catalog && self.options.service_type.is_some();
        let mut query = Vec::new();
        if !catalog {
            query.push("nocatalog");
        }
        if expired == Expired::Accepted {
            query.push("allow_expired=1");
        }
        let (path, query) = (url.path(), query.join("&"));
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The own token; a new one where it is about to expire.
    async fn own(&self) -> Result<Own, Arc<ServiceError>> {
        let mut session = self.session.lock().await;
        let renew_at = self.clock.now() + RENEW_BEFORE;
        if let Some(own) = session.own.as_ref().filter(|own| renew_at < own.expires_at) {
            return Ok(own.clone());
        }
        if let Some((again_at, error)) = &session.failed
            && self.clock.mono() < *again_at
        {
            return Err(error.clone());
        }
        match self.log_in().await {
            Ok(own) => {
                self.metrics.logged_in(Outcome::Valid);
                *session = Session { own: Some(own.clone()), failed: None };
                Ok(own)
            }
            Err(error) => {
                let (outcome, pause) = match error {
                    ServiceError::LoginRefused { .. } => (Outcome::Invalid, PAUSE_WHEN_REFUSED),
                    _ => (Outcome::Unavailable, PAUSE),
                };
                self.metrics.logged_in(outcome);
                let error = Arc::new(error);
                let failed = Some((self.clock.mono() + pause, error.clone()));
                *session = Session { own: None, failed };
                Err(error)
            }
        }
    }

    /// Forgets a token that is not accepted, unless another has taken its place meanwhile.
    async fn forget(&self, refused: &Own) {
        let mut session = self.session.lock().await;
        if session.own.as_ref().is_some_and(|own| own.token == refused.token) {
            session.own = None;
        }
    }

    async fn log_in(&self) -> Result<Own, ServiceError> {
        let base = self.version_3(&self.options.auth_url).await?;
        let url = tokens_below(&base);
        let ask = Ask::new(Method::POST, url.clone()).json(&self.options.login.request());
        let Reply { status, headers, body } = self.http.ask(ask).await?;
        if status != StatusCode::CREATED {
            return Err(match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    ServiceError::LoginRefused { url, status }
                }
                _ => ServiceError::Status { url, status },
            });
        }
        let token = headers.get(SUBJECT_TOKEN).and_then(Token::parse);
        let token = token.ok_or_else(|| ServiceError::NoOwnToken { url: url.clone() })?;
        let login =
            LoggedIn::read(&body).map_err(|source| ServiceError::Unreadable { url, source })?;
        let place = self.catalogued(&login.catalog);
        let base = match &place {
            Some(place) => self.version_3(place).await?,
            None => base,
        };
        let tokens = tokens_below(&base);
        tracing::info!(keystone = %tokens, expires_at = %login.expires_at, "logged in with Keystone");
        Ok(Own { token, expires_at: login.expires_at, tokens })
    }

    /// Where the catalog says that Keystone is.
    fn catalogued(&self, catalog: &[CatalogService]) -> Option<Uri> {
        let interface = self.options.interface.as_str();
        let identity = catalog.iter().filter(|service| service.kind == "identity");
        let mut endpoints = identity.flat_map(|service| &service.endpoints);
        let found = endpoints.find(|endpoint| {
            let mut regions = endpoint.region.iter().chain(&endpoint.region_id);
            let here = self.options.region.as_ref();
            endpoint.interface == interface
                && here.is_none_or(|here| regions.any(|region| region == here))
        });
        let place = found.and_then(|endpoint| parse_url(&endpoint.url));
        if place.is_none() {
            let region = self.options.region.as_deref().unwrap_or("any");
            tracing::warn!(
                interface,
                region,
                "the catalog does not say where Keystone is; it is asked where it was logged in"
            );
        }
        place
    }

    /// Version 3 below an address, by what is found there unless the address says it.
    async fn version_3(&self, url: &Uri) -> Result<Uri, ServiceError> {
        if is_v3(url) {
            return Ok(url.clone());
        }
        let url = without_v2(url);
        let reply = self.http.ask(Ask::new(Method::GET, url.clone())).await?;
        match v3_of(&url, &reply.body) {
            Some(v3) => Ok(v3),
            // Some proxies do not let the root through.
            None if reply.status.is_client_error() => Ok(assumed_v3(&url)),
            None => Err(ServiceError::NoVersion3(url)),
        }
    }
}

/// Why a token was not validated at one try.
#[derive(Debug)]
enum Failed {
    NotAccepted(Own),
    Otherwise(Arc<ServiceError>),
}

impl From<ServiceError> for Failed {
    fn from(error: ServiceError) -> Self {
        Self::Otherwise(Arc::new(error))
    }
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        ServiceError::Http(error).into()
    }
}

fn tokens_below(base: &Uri) -> Uri {
    with_path(base, &format!("{}/auth/tokens", base.path().trim_end_matches('/')))
}

impl Login {
    /// The body of `POST /v3/auth/tokens`.
    fn request(&self) -> Value {
        match self {
            Self::Password { user, password, scope } => {
                let mut user = match user {
                    UserName::Id(id) => json!({"id": id}),
                    UserName::Name { name, domain } => {
                        json!({"name": name, "domain": domain.json()})
                    }
                };
                if let Some(user) = user.as_object_mut() {
                    user.insert("password".to_owned(), password.expose().into());
                }
                let scope = match scope {
                    ProjectName::Id(id) => json!({"project": {"id": id}}),
                    ProjectName::Name { name, domain } => {
                        json!({"project": {"name": name, "domain": domain.json()}})
                    }
                    ProjectName::System => json!({"system": {"all": true}}),
                };
                let identity = json!({"methods": ["password"], "password": {"user": user}});
                json!({"auth": {"identity": identity, "scope": scope}})
            }
            Self::ApplicationCredential { id, secret } => json!({"auth": {"identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": id, "secret": secret.expose()},
            }}}),
        }
    }
}

impl DomainName {
    fn json(&self) -> Value {
        match self {
            Self::Id(id) => json!({"id": id}),
            Self::Name(name) => json!({"name": name}),
        }
    }
}
