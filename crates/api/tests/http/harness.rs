//! A cloud without hosts, and a client.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request};
use futures::future::{BoxFuture, FutureExt as _};
use http_body_util::BodyExt as _;
use nucleon_api::{Api, ApiOptions, ApiParts, AuthError, Authenticator, Challenge, NoAuth};
use nucleon_core::{Caller, Core, Drivers, Settings};
use nucleon_db::{Store, StoreOptions, migrate};
use nucleon_drivers::{Flat, Local, OpenVSwitch, Vlan, VlanRange};
use nucleon_obs::{Clock, Metrics, Random};
use nucleon_policy::{Options, Policy};
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) const MEMBER: &str = "member,reader";
pub(crate) const ADMIN: &str = "admin,manager,member,reader";

/// A control plane on a database of its own.
pub(crate) async fn core(settings: Settings) -> Core {
    let url = "sqlite://".parse().unwrap();
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    migrate::upgrade(&store).await.unwrap();
    store.start_journal();
    let range = |name: &str| VlanRange { physical_network: name.to_owned(), ids: None };
    let drivers = Drivers {
        types: vec![
            Arc::new(Flat::new(&["*".to_owned()])),
            Arc::new(Vlan::new(vec![range("physnet1"), range("physnet2")])),
            Arc::new(Local),
        ],
        mechanisms: vec![Arc::new(OpenVSwitch)],
    };
    let (clock, random) = (Clock::system(), Random::system());
    Core::new(store, settings, drivers, Policy::defaults(Options::default()), clock, random)
}

pub(crate) fn parts(core: Core) -> ApiParts {
    ApiParts {
        core,
        authenticator: Arc::new(Strict),
        clock: Clock::system(),
        random: Random::system(),
        metrics: Metrics::new(),
    }
}

/// As `noauth`, but a request without a project is nobody's.
#[derive(Debug)]
struct Strict;

impl Authenticator for Strict {
    fn identify<'a>(
        &'a self,
        parts: &'a Parts,
        request_id: &'a str,
    ) -> BoxFuture<'a, Result<Caller, AuthError>> {
        if parts.headers.contains_key("x-project-id") {
            return NoAuth.identify(parts, request_id);
        }
        std::future::ready(Err(AuthError::Unauthorized(Challenge::default()))).boxed()
    }
}

/// The API, to be asked without sockets.
pub(crate) struct Cloud {
    router: Router,
}

impl Cloud {
    pub(crate) async fn new() -> Self {
        Self::with(ApiOptions::default(), Settings::default()).await
    }

    pub(crate) async fn with(options: ApiOptions, settings: Settings) -> Self {
        Self { router: Api::router(parts(core(settings).await), options) }
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let response = self.router.clone().oneshot(ask.request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// What a member of project `p1` gets.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Ask::new("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Ask::new("POST", path).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Ask::new("PUT", path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Ask::new("DELETE", path)).await
    }

    /// Creates one object and gives it back.
    pub(crate) async fn make(&self, collection: &str, name: &str, object: &Value) -> Value {
        let body = serde_json::json!({name: object});
        let answer = self.post(&format!("/v2.0/{collection}"), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()[name].clone()
    }
}

/// A request, at first by a member of project `p1`.
#[derive(Debug)]
pub(crate) struct Ask {
    request: Request<Body>,
}

impl Ask {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .header("host", "cloud.example:9696")
            .body(Body::empty())
            .unwrap();
        Self { request }.by("p1", MEMBER)
    }

    pub(crate) fn by(self, project: &str, roles: &str) -> Self {
        self.header("x-project-id", project).header("x-roles", roles)
    }

    pub(crate) fn by_nobody(mut self) -> Self {
        self.request.headers_mut().remove("x-project-id");
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// Status, type and message of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["NeutronError"];
        assert_eq!(error["detail"], "", "{}", self.text);
        let text = |key| error[key].as_str().unwrap_or_default().to_owned();
        (self.status, text("type"), text("message"))
    }

    pub(crate) fn is(&self, status: u16, name: &str, message: &str) {
        assert_eq!(self.error(), (status, name.to_owned(), message.to_owned()));
    }
}
