//! The listening socket and its connections.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use nucleon_obs::{CancellationToken, Clock};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::app::{Api, ApiParts};
use crate::edge;
use crate::options::ApiOptions;

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
}

/// The address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    pub address: SocketAddr,
    #[source]
    pub source: io::Error,
}

impl Server {
    /// Opens the socket. From here on clients can connect; they are answered once [`Server::serve`] runs.
    pub async fn bind(parts: ApiParts, mut options: ApiOptions) -> Result<Self, BindError> {
        let address = options.bind;
        let failed = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        // Links name the port that was taken when any would do.
        options.bind = listener.local_addr().map_err(failed)?;
        let address = options.bind;
        let (api, routes) = Api::new(parts, options);
        Ok(Self { listener, address, router: edge::wrap(api.clone(), routes), api })
    }

    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`; then takes no more connections, lets requests under way finish within the drain
    /// timeout, and returns.
    pub async fn serve(self, shutdown: CancellationToken) {
        let Self { listener, address, router, api } = self;
        let options = api.options();
        let room = Arc::new(Semaphore::new(options.connections));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(options.head_timeout)
            .max_buf_size(HEAD_BYTES);
        let mut connections = JoinSet::new();
        tracing::info!(%address, "serving the API");
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (stream, permit) = accept(&listener, &room, api.clock()) => {
                    let gauge = api.metrics().connections.clone();
                    let serve = connection(http.clone(), stream, router.clone(), shutdown.clone());
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
) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(permit) = room.clone().acquire_owned().await else {
            std::future::pending::<()>().await;
            continue;
        };
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    http: http1::Builder,
    stream: TcpStream,
    router: Router,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps small answers back");
    }
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
