//! The server's side.

mod connection;
mod hello;
mod listen;
mod metrics;
mod routes;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use nucleon_model::view::Scope;
use nucleon_obs::{Clock, Group, Limited, Metrics};
use nucleon_wire::{HINT_BODY_LIMIT, Hint, ServerMessage, encode_frame};
use tokio::io::DuplexStream;
use tokio::sync::Semaphore;

pub use self::listen::{ListenAt, ListenError, Listening, TcpSecurity};
pub use self::metrics::HubMetrics;
use self::routes::{Outlet, Routes};
use crate::source::{Identity, Peer, ViewSource};
use crate::stream::PIPE_BYTES;

/// The limits of a hub.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// The server's name for itself, for people.
    pub server: String,
    pub most_connections: usize,
    /// A connection on which nothing came for three of these is dead; a ping goes out in each.
    pub keepalive: Duration,
    /// TLS and `Hello` must be done by then.
    pub handshake_timeout: Duration,
    /// A peer that does not take a frame for so long is dropped.
    pub write_timeout: Duration,
    /// The server must have answered a request by then.
    pub request_timeout: Duration,
    /// The hints that wait for one slow agent before further ones are dropped.
    pub hint_queue: usize,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            server: "nucleon".into(),
            most_connections: 8192,
            keepalive: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_mins(1),
            hint_queue: 256,
        }
    }
}

/// A handle to the hub; clones are the same hub. Its tasks belong to the group that it was made with.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    source: Arc<dyn ViewSource>,
    options: HubOptions,
    metrics: HubMetrics,
    routes: Mutex<Routes>,
    room: Arc<Semaphore>,
    group: Group,
    /// Complaints about peers, at most one a minute for each.
    complaints: Limited<String>,
}

impl Hub {
    pub fn new(
        source: Arc<dyn ViewSource>,
        options: HubOptions,
        metrics: &Metrics,
        group: Group,
    ) -> Self {
        Self(Arc::new(Inner {
            source,
            metrics: HubMetrics::new(metrics),
            routes: Mutex::default(),
            room: Arc::new(Semaphore::new(options.most_connections)),
            group,
            complaints: Limited::new(Clock::system(), Duration::from_mins(1)),
            options,
        }))
    }

    /// Opens a socket and takes in agents there until the group is stopped.
    pub async fn listen(&self, at: &ListenAt) -> Result<Listening, ListenError> {
        listen::listen(self, at).await
    }

    /// A connection within the process, for the agents of an all-in-one.
    pub fn pipe(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        connection::start(self, "this process".into(), async move {
            Ok((Box::new(ours) as _, Identity::Local))
        });
        theirs
    }

    /// Sends each hint to the connections whose last answer covers its scope. Never waits.
    pub fn publish(&self, hints: Vec<Hint>) {
        for hint in hints {
            let outlets = self.routes().outlets(&hint.scope);
            if !outlets.is_empty() {
                self.send_hint(hint, &outlets);
            }
        }
    }

    /// Whether a hint of the scope would go to anybody now.
    pub fn is_followed(&self, scope: &Scope) -> bool {
        self.routes().is_followed(scope)
    }

    /// Who is connected.
    pub fn peers(&self) -> Vec<Peer> {
        self.routes().peers()
    }

    pub fn metrics(&self) -> &HubMetrics {
        &self.0.metrics
    }

    fn send_hint(&self, hint: Hint, outlets: &[Outlet]) {
        let bare = Hint { changes: None, ..hint.clone() };
        let full = if hint.changes.is_some() { hint_frame(hint) } else { None };
        let full = full.filter(|frame| frame.len() <= HINT_BODY_LIMIT);
        let Some(bare) = hint_frame(bare) else {
            return;
        };
        for outlet in outlets {
            let frame = match &full {
                Some(full) if outlet.version.hints_have_bodies() => full,
                _ => &bare,
            };
            // Full: dropped, as the agent asks again by itself. Closed: the connection is going away.
            match outlet.frames.try_send(frame.clone()) {
                Ok(()) => self.0.metrics.hints_sent.inc(),
                Err(_) => self.0.metrics.hints_dropped.inc(),
            };
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        // Each method of Routes leaves it in order.
        self.0.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("options", &self.0.options).finish_non_exhaustive()
    }
}

fn hint_frame(hint: Hint) -> Option<Bytes> {
    let scope = hint.scope.clone();
    encode_frame(&ServerMessage::Hint(hint))
        .inspect_err(|error| tracing::error!(%error, %scope, "a hint could not be written"))
        .ok()
}
