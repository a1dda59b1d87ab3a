//! A small client of the REST API, which may live in a namespace.

use std::fmt::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use nucleon_linux::Netns;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tokio::net::TcpSocket;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// The API of a server. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    netns: Option<Netns>,
    address: SocketAddr,
    patience: Duration,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    idle: Vec<SendRequest<Full<Bytes>>>,
    tasks: JoinSet<()>,
}

/// A request that was not answered as it should be.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing was sent: the server is not there.
    #[error("cannot connect to {address}")]
    Unreachable { address: SocketAddr, source: std::io::Error },
    /// Sent, and no answer: it may have been done or not.
    #[error("{method} {path} was not answered: {why}")]
    Unanswered { method: Method, path: String, why: String },
    #[error("{method} {path} was answered {status}: {body}")]
    Refused { method: Method, path: String, status: u16, body: Value },
    #[error("{method} {path} was answered by something else than expected: {body}")]
    Unexpected { method: Method, path: String, body: String },
}

/// How long to wait for an answer before it is none.
const PATIENCE: Duration = Duration::from_secs(30);

impl Api {
    /// The API at `address`, as seen from `netns` or from this machine.
    pub fn new(netns: Option<Netns>, address: SocketAddr) -> Self {
        let connections = Mutex::default();
        Self { shared: Arc::new(Shared { netns, address, patience: PATIENCE, connections }) }
    }

    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Creates one object of a collection (`networks`, `ports`, …) and returns it.
    pub async fn create(&self, collection: &str, body: Value) -> Result<Value, ApiError> {
        let path = format!("/v2.0/{collection}");
        let body = json!({ singular(collection): body });
        let answer = self.request(Method::POST, &path, Some(&body)).await?;
        inside(Method::POST, path, answer, singular(collection))
    }

    /// Creates several objects in one request, all or none.
    pub async fn create_all(
        &self,
        collection: &str,
        bodies: Vec<Value>,
    ) -> Result<Vec<Value>, ApiError> {
        let path = format!("/v2.0/{collection}");
        let body = json!({ collection: bodies });
        let answer = self.request(Method::POST, &path, Some(&body)).await?;
        list(Method::POST, path, &answer, collection)
    }

    /// The objects of a collection that match `query`.
    pub async fn list(
        &self,
        collection: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<Value>, ApiError> {
        let pairs: Vec<_> =
            query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        let path = format!("/v2.0/{collection}{mark}{}", pairs.join("&"));
        let answer = self.request(Method::GET, &path, None).await?;
        list(Method::GET, path, &answer, collection)
    }

    pub async fn show(&self, collection: &str, id: &str) -> Result<Value, ApiError> {
        let path = format!("/v2.0/{collection}/{id}");
        let answer = self.request(Method::GET, &path, None).await?;
        inside(Method::GET, path, answer, singular(collection))
    }

    pub async fn update(&self, collection: &str, id: &str, body: Value) -> Result<Value, ApiError> {
        let path = format!("/v2.0/{collection}/{id}");
        let body = json!({ singular(collection): body });
        let answer = self.request(Method::PUT, &path, Some(&body)).await?;
        inside(Method::PUT, path, answer, singular(collection))
    }

    pub async fn delete(&self, collection: &str, id: &str) -> Result<(), ApiError> {
        let path = format!("/v2.0/{collection}/{id}");
        self.request(Method::DELETE, &path, None).await.map(drop)
    }

    /// Whether the server answers at all.
    pub async fn is_up(&self) -> bool {
        self.request(Method::GET, "/", None).await.is_ok()
    }

    /// Any request; the body of its answer, `Null` where there is none.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let exchange = self.exchange(&method, path, body);
        match tokio::time::timeout(self.shared.patience, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(ApiError::Unanswered {
                method: method.clone(),
                path: path.to_owned(),
                why: format!("nothing for {:?}", self.shared.patience),
            }),
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let unanswered = |error: &dyn std::error::Error| ApiError::Unanswered {
            method: method.clone(),
            path: path.to_owned(),
            why: chain(error),
        };
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let (mut connection, response) = loop {
            let (mut connection, age) = self.connection().await?;
            let mut request = Request::builder().method(method).uri(path);
            request = request.header(HOST, self.shared.address.to_string());
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            let request =
                request.body(Full::new(bytes.clone())).map_err(|error| unanswered(&error))?;
            match connection.send_request(request).await {
                Ok(response) => break (connection, response),
                // The server had closed the idle connection: nothing was sent.
                Err(error) if error.is_canceled() && age == Age::Used => {}
                Err(error) => return Err(unanswered(&error)),
            }
        };
        let status = response.status();
        let answer = response.into_body().collect().await.map_err(|error| unanswered(&error))?;
        let answer = answer.to_bytes();
        if connection.ready().await.is_ok() {
            self.shared.connections.lock().await.idle.push(connection);
        }
        let text = || String::from_utf8_lossy(&answer).into_owned();
        let value = if answer.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer).unwrap_or_else(|_| Value::String(text()))
        };
        if status.is_success() || status.as_u16() == 300 {
            return Ok(value);
        }
        Err(ApiError::Refused {
            method: method.clone(),
            path: path.to_owned(),
            status: status.as_u16(),
            body: value,
        })
    }

    async fn connection(&self) -> Result<(SendRequest<Full<Bytes>>, Age), ApiError> {
        {
            let mut connections = self.shared.connections.lock().await;
            while let Some(connection) = connections.idle.pop() {
                if connection.is_ready() {
                    return Ok((connection, Age::Used));
                }
            }
        }
        let address = self.shared.address;
        let unreachable = |source| ApiError::Unreachable { address, source };
        let socket = open(self.shared.netns.as_ref(), address).await.map_err(unreachable)?;
        let stream = socket.connect(address).await.map_err(unreachable)?;
        let _ = stream.set_nodelay(true);
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(std::io::Error::other(error)))?;
        let mut connections = self.shared.connections.lock().await;
        while connections.tasks.try_join_next().is_some() {}
        connections.tasks.spawn(async move {
            // Its failure is that of the requests on it.
            let _ = connection.await;
        });
        Ok((sender, Age::New))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    Used,
}

impl ApiError {
    /// The status that the server refused with.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the request may have been carried out all the same.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Unanswered { .. } | Self::Unexpected { .. })
            || self.status().is_some_and(|status| status >= 500)
    }
}

/// A TCP socket of a namespace; wherever it is used, it stays in there.
pub(crate) async fn open(netns: Option<&Netns>, address: SocketAddr) -> std::io::Result<TcpSocket> {
    let make = move || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(TcpSocket::from_std_stream(TcpStream::from(socket)))
    };
    match netns {
        None => make(),
        Some(netns) => netns.run(move |_| make()).await.map_err(std::io::Error::other)?,
    }
}

/// Neutron's collections all are their singular and an `s`, but for those on `y`.
fn singular(collection: &str) -> String {
    let last = collection.rsplit('/').next().unwrap_or(collection).replace('-', "_");
    match last.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => last.strip_suffix('s').unwrap_or(&last).to_owned(),
    }
}

fn inside(
    method: Method,
    path: String,
    mut answer: Value,
    name: String,
) -> Result<Value, ApiError> {
    match answer.get_mut(name) {
        Some(value) => Ok(value.take()),
        None => Err(ApiError::Unexpected { method, path, body: answer.to_string() }),
    }
}

fn list(method: Method, path: String, answer: &Value, name: &str) -> Result<Vec<Value>, ApiError> {
    match answer.get(name).and_then(Value::as_array) {
        Some(values) => Ok(values.clone()),
        None => Err(ApiError::Unexpected { method, path, body: answer.to_string() }),
    }
}

/// Percent-encoded but for what may stand in a query (RFC 3986, 3.4).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/=,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_have_singulars() {
        for (plural, one) in [
            ("networks", "network"),
            ("policies", "policy"),
            ("service-profiles", "service_profile"),
            ("agents/x/dhcp-networks", "dhcp_network"),
        ] {
            assert_eq!(singular(plural), one);
        }
    }

    #[test]
    fn values_of_a_query_are_escaped() {
        assert_eq!(escaped("ip_address=10.0.0.1 &ü"), "ip_address=10.0.0.1%20%26%C3%BC");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_from_one_that_does_not_answer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answering = std::thread::spawn(move || drop(listener.accept()));
        let error = Api::new(None, address).show("ports", "x").await.unwrap_err();
        assert!(matches!(error, ApiError::Unanswered { .. }) && error.is_open(), "{error}");
        answering.join().unwrap();
        let error = Api::new(None, address).show("ports", "x").await.unwrap_err();
        assert!(matches!(error, ApiError::Unreachable { .. }) && !error.is_open(), "{error}");
    }
}
