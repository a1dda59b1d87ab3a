//! The agent's side: a connection that is always being made, held, or made again.

mod connection;
mod events;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nucleon_model::view::{Position, Role};
use nucleon_obs::{Group, OwnedTask, Random};
use nucleon_wire::{Answer, RefusalReason, Report, ReportAck, VersionRange};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::connection::Call;
use self::events::Queue;
pub use self::events::{ClientEvent, ClientEvents};
use crate::hub::Hub;
use crate::tls::ClientTls;

/// Calls that wait for the connection's writer. A caller waits for room; its own time limit frees it.
const CALL_QUEUE: usize = 64;

/// Where a server is.
#[derive(Debug, Clone)]
pub enum ServerAt {
    Unix(PathBuf),
    /// `host:port`; without TLS only where the hub was told to allow it.
    Tcp {
        address: String,
        tls: Option<ClientTls>,
    },
    /// In this process.
    InProcess(Arc<dyn Connect>),
}

/// Makes connections within the process.
pub trait Connect: fmt::Debug + Send + Sync {
    fn connect(&self) -> io::Result<DuplexStream>;
}

impl Connect for Hub {
    fn connect(&self) -> io::Result<DuplexStream> {
        Ok(self.pipe())
    }
}

impl fmt::Display for ServerAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { address, tls: Some(_) } => write!(f, "tls:{address}"),
            Self::Tcp { address, tls: None } => write!(f, "tcp:{address}"),
            Self::InProcess(_) => f.write_str("this process"),
        }
    }
}

/// Who the agent is and where its servers are.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Any one of them will do; they are tried in turn.
    pub servers: Vec<ServerAt>,
    pub role: Role,
    pub host: String,
    /// The agent's program and its version, for people.
    pub program: String,
    pub versions: VersionRange,
    pub connect_timeout: Duration,
    /// A connection on which nothing came for three of these is dead; a ping goes out in each.
    pub keepalive: Duration,
    pub write_timeout: Duration,
    /// A whole answer must have arrived by then.
    pub watch_timeout: Duration,
    pub report_timeout: Duration,
    /// The pauses between attempts to connect grow from the first to the longest.
    pub first_pause: Duration,
    pub longest_pause: Duration,
}

impl ClientOptions {
    pub fn new(role: Role, host: impl Into<String>, servers: Vec<ServerAt>) -> Self {
        Self {
            servers,
            role,
            host: host.into(),
            program: concat!("nucleon ", env!("CARGO_PKG_VERSION")).into(),
            versions: VersionRange::OURS,
            connect_timeout: Duration::from_secs(10),
            keepalive: Duration::from_secs(15),
            write_timeout: Duration::from_secs(30),
            watch_timeout: Duration::from_mins(2),
            report_timeout: Duration::from_mins(1),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(15),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("no server is connected")]
    NotConnected,
    #[error("the connection broke before the answer was whole")]
    Broken,
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    #[error("{0}")]
    Refused(RefusalReason),
}

/// What the connection is doing, for `status`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConnectionState {
    #[default]
    Connecting,
    Connected {
        /// Where.
        address: String,
        /// The server's name for itself.
        server: String,
    },
    Failed {
        address: String,
        why: String,
    },
}

/// A handle for calls; clones share the connection, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct HubClient {
    calls: mpsc::Sender<Call>,
    state: watch::Receiver<ConnectionState>,
    watch_timeout: Duration,
    report_timeout: Duration,
    _task: Arc<OwnedTask>,
}

impl HubClient {
    /// Starts to connect, and goes on until the client is dropped or the group stopped.
    pub fn start(options: ClientOptions, random: Random, group: &Group) -> (Self, ClientEvents) {
        let (calls, call_queue) = mpsc::channel(CALL_QUEUE);
        let (state, state_seen) = watch::channel(ConnectionState::default());
        let queue = Arc::new(Queue::default());
        let (watch_timeout, report_timeout) = (options.watch_timeout, options.report_timeout);
        let events = ClientEvents::new(queue.clone());
        let task = group.spawn_owned("hub client", move |cancel| async move {
            connection::run(options, random, call_queue, state, &queue, &cancel).await;
        });
        let client =
            Self { calls, state: state_seen, watch_timeout, report_timeout, _task: Arc::new(task) };
        (client, events)
    }

    /// Asks what has changed since `position`, or for everything without one. One watch at a time.
    pub async fn watch(
        &self,
        position: Option<Position>,
        verify: Verify,
    ) -> Result<Answer, CallError> {
        let (answer, whole) = oneshot::channel();
        let verify = verify == Verify::Digest;
        self.call(Call::Watch { position, verify, answer }, whole, self.watch_timeout).await
    }

    /// Tells the server something, and waits until it has taken it in.
    pub async fn report(&self, report: Report) -> Result<ReportAck, CallError> {
        let (answer, ack) = oneshot::channel();
        self.call(Call::Report { report, answer }, ack, self.report_timeout).await
    }

    /// What the connection is doing.
    pub fn state(&self) -> ConnectionState {
        self.state.borrow().clone()
    }

    /// Waits until a server is connected; for ever when the client has been stopped.
    pub async fn connected(&self) {
        self.in_state(|state| matches!(state, ConnectionState::Connected { .. })).await;
    }

    /// Waits until no server is connected. A connection that is made again at once may go unnoticed.
    pub async fn disconnected(&self) {
        self.in_state(|state| !matches!(state, ConnectionState::Connected { .. })).await;
    }

    async fn in_state(&self, wanted: impl Fn(&ConnectionState) -> bool) {
        let mut state = self.state.clone();
        if state.wait_for(wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn call<T>(
        &self,
        call: Call,
        answer: oneshot::Receiver<Result<T, CallError>>,
        limit: Duration,
    ) -> Result<T, CallError> {
        let answered = async {
            self.calls.send(call).await.map_err(|_| CallError::NotConnected)?;
            answer.await.unwrap_or(Err(CallError::Broken))
        };
        timeout(limit, answered).await.unwrap_or(Err(CallError::TimedOut(limit)))
    }
}

/// Whether an answer should hold the digest of the whole view, to find drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    Digest,
    Nothing,
}
