//! The listening socket and its connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nucleon_obs::{CancellationToken, Clock};
use nucleon_tls::TlsError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::{Api, ApiParts};
use crate::client::Connection;
use crate::edge;
use crate::options::ApiOptions;
use crate::tls::Tls;

/// The longest head of a request; addresses with hundreds of filters are usual.
const HEAD_BYTES: usize = 128 * 1024;

/// How long to wait when no connection can be taken, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The API on a socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
    api: Api,
    tls: Option<Arc<Tls>>,
}

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on {address}")]
    Address { address: SocketAddr, source: io::Error },
    #[error("[ssl]")]
    Tls(#[from] TlsError),
}

impl Server {
    /// Opens the socket. From here on clients can connect; they are answered once [`Server::serve`] runs.
    pub async fn bind(parts: ApiParts, mut options: ApiOptions) -> Result<Self, BindError> {
        let tls = options.tls.take().map(|tls| Tls::load(tls, parts.clock.clone())).transpose()?;
        let address = options.bind;
        let failed = |source| BindError::Address { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        // Links name the port that was taken when any would do.
        options.bind = listener.local_addr().map_err(failed)?;
        let address = options.bind;
        let (api, routes) = Api::new(parts, options);
        let (router, tls) = (edge::wrap(api.clone(), routes), tls.map(Arc::new));
        Ok(Self { listener, address, router, api, tls })
    }

    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then takes no more connections, lets requests under way finish within the drain
    /// timeout, and returns.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, address, router, api, tls } = self;
        let options = api.options();
        let room = Arc::new(Semaphore::new(options.connections));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(options.head_timeout)
            .max_buf_size(HEAD_BYTES);
        let mut connections = JoinSet::new();
        tracing::info!(%address, tls = tls.is_some(), "serving the API");
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (stream, peer, permit) = accept(&listener, &room, api.clock()) => {
                    let gauge = api.metrics().connections.clone();
                    let talk = Talk {
                        http: http.clone(),
                        router: router.clone(),
                        connection: Connection { peer, tls: tls.is_some() },
                        shutdown: shutdown.clone(),
                    };
                    let serve = serve(stream, tls.clone(), talk, api.clone());
                    connections.spawn(async move {
                        gauge.inc();
                        serve.await;
                        gauge.dec();
                        drop(permit);
                    });
                }
            }
        }
        drop(listener);
        tracing::info!(connections = connections.len(), "no more connections; finishing requests");
        let drained = async { while connections.join_next().await.is_some() {} };
        if api.clock().timeout(options.drain_timeout, drained).await.is_none() {
            tracing::warn!(connections = connections.len(), "connections cut off");
            connections.shutdown().await;
        }
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    clock: &Clock,
) -> (TcpStream, IpAddr, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else {
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip().to_canonical(), permit),
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What a connection is served with.
struct Talk {
    http: http1::Builder,
    router: Router,
    connection: Connection,
    shutdown: CancellationToken,
}

async fn serve(stream: TcpStream, tls: Option<Arc<Tls>>, talk: Talk, api: Api) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small answers back");
    }
    let Some(tls) = tls else { return talk.over(stream).await };
    // Who connects and says nothing takes a place, so it is not waited for longer than for a request's head.
    let limit = api.options().head_timeout;
    match api.clock().timeout(limit, tls.acceptor().accept(stream)).await {
        Some(Ok(stream)) => talk.over(stream).await,
        Some(Err(error)) => tracing::debug!(%error, "no TLS on a connection"),
        None => tracing::debug!(?limit, "no TLS on a connection in time"),
    }
}

impl Talk {
    async fn over(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { http, router, connection, shutdown } = self;
        let router = router.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection);
            request
        });
        let service = TowerToHyperService::new(router);
        let mut served = pin!(http.serve_connection(TokioIo::new(stream), service));
        let result = tokio::select! {
            result = &mut served => result,
            () = shutdown.cancelled() => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        // Clients that go away or speak something else are theirs to explain.
        if let Err(error) = result {
            tracing::debug!(%error, "connection ended");
        }
    }
}
