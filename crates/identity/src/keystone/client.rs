//! Requests to Keystone: bounded in time, in number and in the size of their answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use nucleon_obs::Clock;
use nucleon_tls::{ClientConfig, TlsError};
use tokio::sync::Semaphore;

use super::options::KeystoneOptions;

/// Requests under way at once: a flood of tokens must not become a flood of requests to Keystone.
const AT_ONCE: usize = 64;

/// The longest answer that is read. Catalogs of large clouds have some hundred thousand bytes.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Before the first repetition; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Idle connections are closed before Keystone's servers usually do it.
const IDLE: Duration = Duration::from_secs(20);

/// A client of one Keystone.
#[derive(Debug)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    clock: Clock,
    timeout: Duration,
    retries: u32,
    room: Semaphore,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Uri,
    /// Those that hold tokens are marked as sensitive.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("no answer from {url}")]
    Unreachable { url: Uri, source: ClientError },
    #[error("no answer from {url} within {limit:?}")]
    Slow { url: Uri, limit: Duration },
    #[error("the answer of {url} broke off")]
    BrokenOff { url: Uri, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the answer of {url} is longer than {ANSWER_BYTES} bytes")]
    TooLong { url: Uri },
}

impl Http {
    pub(super) fn new(options: &KeystoneOptions, clock: Clock) -> Result<Self, TlsError> {
        let tls: ClientConfig = nucleon_tls::client(&options.trust, options.own.as_ref())?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let (timeout, retries) = (options.timeout, options.retries);
        Ok(Self { client, clock, timeout, retries, room: Semaphore::new(AT_ONCE) })
    }

    /// Asks, and asks again where nobody was reached.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Reply, HttpError> {
        let mut pause = FIRST_PAUSE;
        let mut retries = self.retries;
        loop {
            match self.once(ask.clone()).await {
                Err(HttpError::Unreachable { source, .. }) if retries > 0 => {
                    tracing::debug!(url = %ask.url, %source, "Keystone is asked again");
                    retries -= 1;
                    self.clock.sleep(pause).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
    }

    async fn once(&self, ask: Ask) -> Result<Reply, HttpError> {
        let url = ask.url.clone();
        let work = async {
            // The semaphore is never closed.
            let _place = self.room.acquire().await;
            self.send(ask).await
        };
        let limit = self.timeout;
        self.clock.timeout(limit, work).await.unwrap_or(Err(HttpError::Slow { url, limit }))
    }

    async fn send(&self, ask: Ask) -> Result<Reply, HttpError> {
        let Ask { method, url, headers, body } = ask;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.clone();
        *request.headers_mut() = headers;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|source| HttpError::Unreachable { url: url.clone(), source })?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, ANSWER_BYTES).collect().await {
            Ok(body) => {
                Ok(Reply { status: parts.status, headers: parts.headers, body: body.to_bytes() })
            }
            Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLong { url }),
            Err(source) => Err(HttpError::BrokenOff { url, source }),
        }
    }
}

impl Ask {
    pub(super) fn new(method: Method, url: Uri) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let agent = concat!("nucleon/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        Self { method, url, headers, body: Bytes::new() }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into();
        self.header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }
}
