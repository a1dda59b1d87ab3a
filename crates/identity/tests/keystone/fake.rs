//! A Keystone that does as it is told: answers, stalls, lies, dies.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nucleon_tls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) const PASSWORD: &str = "the-service-password";

/// What happens to the next requests about tokens.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    Fair,
    /// Each request waits for a permit of the gate.
    Stalling,
    /// A status without a word.
    Status(u16),
    /// 200 with this body.
    Saying(Vec<u8>),
}

/// All that the fake knows and has seen.
#[derive(Debug)]
pub(crate) struct State {
    /// Descriptions by token.
    pub(crate) tokens: HashMap<String, Value>,
    /// Those that have expired; told of to services alone.
    pub(crate) expired: HashMap<String, Value>,
    /// Tokens of the service user that count.
    pub(crate) own: Vec<String>,
    pub(crate) own_expires_at: String,
    pub(crate) mood: Mood,
    pub(crate) refuse_login: bool,
    /// Where the catalog says that Keystone is, as a path; nowhere for none.
    pub(crate) catalogued: Option<String>,
    pub(crate) logins: usize,
    /// Paths and queries of what was asked about tokens.
    pub(crate) asked: Vec<String>,
    pub(crate) login_bodies: Vec<Value>,
}

/// A fake on a port of loopback.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
    tls: Option<Arc<ServerConfig>>,
    tasks: Option<JoinSet<()>>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            tokens: HashMap::new(),
            expired: HashMap::new(),
            own: Vec::new(),
            own_expires_at: "2026-01-02T00:00:00.000000Z".to_owned(),
            mood: Mood::Fair,
            refuse_login: false,
            catalogued: Some("/v3".to_owned()),
            logins: 0,
            asked: Vec::new(),
            login_bodies: Vec::new(),
        };
        let mut fake = Self {
            address: listener.local_addr().unwrap(),
            gate: Arc::new(Semaphore::new(0)),
            state: Arc::new(Mutex::new(state)),
            tls,
            tasks: None,
        };
        fake.serve(listener);
        fake
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How often it was asked about tokens.
    pub(crate) fn asked(&self) -> usize {
        self.state().asked.len()
    }

    pub(crate) fn grant(&self, token: &str, description: Value) {
        self.state().tokens.insert(token.to_owned(), description);
    }

    /// Ends with all its connections.
    pub(crate) async fn die(&mut self) {
        if let Some(mut tasks) = self.tasks.take() {
            tasks.shutdown().await;
        }
    }

    /// Comes back where it was.
    pub(crate) async fn rise(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let (state, gate, address) = (self.state.clone(), self.gate.clone(), self.address);
        let acceptor = self.tls.clone().map(TlsAcceptor::from);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let talk = Talk { state: state.clone(), gate: gate.clone(), address };
                let acceptor = acceptor.clone();
                connections.spawn(async move {
                    match acceptor {
                        None => talk.over(stream).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                talk.over(stream).await;
                            }
                        }
                    }
                });
            }
        });
        self.tasks = Some(tasks);
    }
}

/// What a connection needs.
#[derive(Clone)]
struct Talk {
    state: Arc<Mutex<State>>,
    gate: Arc<Semaphore>,
    address: SocketAddr,
}

impl Talk {
    async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let answer = service_fn(move |request| {
            let talk = self.clone();
            async move { Ok::<_, Infallible>(talk.answer(request).await) }
        });
        // Whoever is cut off knows it.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().trim_end_matches('/').to_owned();
        let header = |name: &str| {
            request.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        let (own, subject) = (header("x-auth-token"), header("x-subject-token"));
        match (request.method().clone(), path.as_str()) {
            (Method::GET, "") => Self::versions(),
            (Method::POST, "/v3/auth/tokens") => {
                let body = axum::body::to_bytes(Body::new(request.into_body()), 100_000).await;
                self.login(&body.unwrap())
            }
            (Method::GET, path) if path.ends_with("/v3/auth/tokens") => {
                assert_eq!(header("openstack-identity-access-rules").as_deref(), Some("1"));
                let question = request.uri().path_and_query().unwrap().to_string();
                self.validate(&question, &own.unwrap(), &subject.unwrap()).await
            }
            (method, path) => panic!("{method} {path}"),
        }
    }

    /// With links to a host that cannot be reached, as they often are.
    fn versions() -> Response<Body> {
        let link = json!({"rel": "self", "href": "http://inside.invalid:5000/v3/"});
        let values = [json!({"id": "v3.14", "status": "stable", "links": [link]})];
        json_answer(300, &json!({"versions": {"values": values}}))
    }

    fn login(&self, body: &Bytes) -> Response<Body> {
        let mut state = self.state.lock().unwrap();
        state.logins += 1;
        let body: Value = serde_json::from_slice(body).unwrap();
        let password = body.pointer("/auth/identity/password/user/password").cloned();
        state.login_bodies.push(body);
        if state.refuse_login || password.is_some_and(|password| password != PASSWORD) {
            return json_answer(401, &json!({"error": {"code": 401}}));
        }
        let token = format!("own-{}", state.logins);
        state.own.push(token.clone());
        let endpoints = state.catalogued.as_ref().map(|path| {
            let url = format!("http://localhost:{}{path}", self.address.port());
            json!({"interface": "internal", "region": "One", "region_id": "One", "url": url})
        });
        let catalog = json!([{"type": "identity", "endpoints": Vec::from_iter(endpoints)}]);
        let mut description = description(&state.own_expires_at, "service", &["service"]);
        description["token"]["catalog"] = catalog;
        let mut response = json_answer(201, &description);
        response.headers_mut().insert("x-subject-token", token.parse().unwrap());
        response
    }

    async fn validate(&self, question: &str, own: &str, subject: &str) -> Response<Body> {
        let mood = {
            let mut state = self.state.lock().unwrap();
            state.asked.push(question.to_owned());
            state.mood.clone()
        };
        match mood {
            Mood::Fair => {}
            Mood::Stalling => self.gate.acquire().await.unwrap().forget(),
            Mood::Status(status) => return json_answer(status, &Value::Null),
            Mood::Saying(text) => return Response::new(Body::from(text)),
        }
        let state = self.state.lock().unwrap();
        if !state.own.iter().any(|known| known == own) {
            return json_answer(401, &json!({"error": {"code": 401}}));
        }
        let known = state.tokens.get(subject).or_else(|| {
            state.expired.get(subject).filter(|_| question.contains("allow_expired=1"))
        });
        match known {
            Some(description) => json_answer(200, description),
            None => json_answer(404, &json!({"error": {"code": 404}})),
        }
    }
}

fn json_answer(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Of a token for a project, with roles.
pub(crate) fn description(expires_at: &str, project: &str, roles: &[&str]) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let roles: Vec<Value> = roles.iter().map(|role| json!({"id": role, "name": role})).collect();
    json!({"token": {
        "methods": ["password"],
        "user": {"id": "u1", "name": "ann", "domain": domain},
        "project": {"id": project, "name": project, "domain": domain},
        "roles": roles,
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": expires_at,
    }})
}
