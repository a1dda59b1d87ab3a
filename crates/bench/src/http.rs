//! A small HTTP/1.1 client: one connection, kept alive as long as the server does, one request after the other.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use nucleon_obs::Clock;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No answer for so long is a failure, not a slow one.
const PATIENCE: Duration = Duration::from_mins(2);

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// Below the address, with its query.
    pub path: String,
    pub body: Bytes,
}

/// An answer, and the time from the request's first byte to the answer's last.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    pub took: Duration,
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    caller: Caller,
    clock: Clock,
    /// Drives the connection; ends with it.
    connection: JoinSet<()>,
}

/// Whom a client passes for.
#[derive(Debug, Clone)]
enum Caller {
    /// An administrator, to a server that believes its callers.
    Admin,
    /// A member of a project, to such a server.
    Member(&'static str),
    /// Whoever a token says.
    Token(String),
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Bytes::new() }
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, path: path.into(), body: Bytes::new() }
    }

    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: body.to_string().into() }
    }

    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self { method: Method::PUT, path: path.into(), body: body.to_string().into() }
    }
}

impl Answer {
    /// The body, when the request was done.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let (sender, connection) = open(address).await?;
        Ok(Self { address, sender, caller: Caller::Admin, clock: Clock::system(), connection })
    }

    /// A member of a project.
    #[must_use]
    pub fn of_project(mut self, project: &'static str) -> Self {
        self.caller = Caller::Member(project);
        self
    }

    /// Whoever a token says.
    #[must_use]
    pub fn with_token(mut self, token: String) -> Self {
        self.caller = Caller::Token(token);
        self
    }

    /// Several connections to one server.
    pub async fn several(address: SocketAddr, count: usize) -> Result<Vec<Self>> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Self::connect(address).await?);
        }
        Ok(clients)
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn ask(&mut self, call: &Call) -> Result<Answer> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json");
        request = match &self.caller {
            Caller::Admin => request,
            Caller::Member(project) => {
                request.header("X-Project-Id", *project).header("X-Roles", "member,reader")
            }
            Caller::Token(token) => request.header("X-Auth-Token", token),
        };
        let request = request.body(Full::new(call.body.clone()))?;
        let start = self.clock.mono();
        let asking = async {
            // Some servers close it after each answer.
            if self.sender.ready().await.is_err() {
                (self.sender, self.connection) = open(self.address).await?;
                self.sender.ready().await?;
            }
            let response = self.sender.send_request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, body))
        };
        let what = || format!("{} {}", call.method, call.path);
        let (status, body) =
            tokio::time::timeout(PATIENCE, asking).await.with_context(what)?.with_context(what)?;
        Ok(Answer { status, body, took: self.clock.mono() - start })
    }

    /// As [`Client::ask`]; an answer that is no success is an error.
    pub async fn call(&mut self, call: &Call) -> Result<Answer> {
        let answer = self.ask(call).await?;
        if !answer.status.is_success() {
            let said = String::from_utf8_lossy(&answer.body);
            let said: String = said.chars().take(500).collect();
            bail!("{} {}: {}: {said}", call.method, call.path, answer.status);
        }
        Ok(answer)
    }
}

async fn open(address: SocketAddr) -> Result<(SendRequest<Full<Bytes>>, JoinSet<()>)> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("connect to the server at {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    let mut task = JoinSet::new();
    task.spawn(async move {
        // Whoever sends next is told.
        let _ = connection.await;
    });
    Ok((sender, task))
}
