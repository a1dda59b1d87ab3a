//! Sockets that agents connect to.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nucleon_obs::CancellationToken;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::server::TlsStream;

use super::{Hub, connection};
use crate::source::Identity;
use crate::stream::Stream;
use crate::tls::{self, ServerTls};

/// Who may open the Unix socket may speak for any host: its owner and group.
const SOCKET_MODE: u32 = 0o660;
/// After an accept that failed, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Where to take in agents.
#[derive(Debug, Clone)]
pub enum ListenAt {
    /// Trusts who may open the file.
    Unix(PathBuf),
    Tcp {
        address: SocketAddr,
        security: TcpSecurity,
    },
}

/// What keeps strangers out of a TCP port.
#[derive(Debug, Clone)]
pub enum TcpSecurity {
    Tls(ServerTls),
    /// Nothing; on loopback only.
    Loopback,
    /// Nothing, anywhere: the operator has said so.
    Insecure,
}

/// A socket that could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("hub cannot listen at {at}")]
    Bind {
        at: String,
        #[source]
        source: io::Error,
    },
    #[error("hub cannot listen at {}: another process does", .0.display())]
    Taken(PathBuf),
    #[error("hub does not listen at {0} without TLS: it is not a loopback address")]
    NotLoopback(SocketAddr),
}

/// An open socket. It stays open when this is dropped, until the hub's group is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listening {
    Unix(PathBuf),
    /// With the port that was given when zero was asked for.
    Tcp(SocketAddr),
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { address, security: TcpSecurity::Tls(_) } => write!(f, "tls:{address}"),
            Self::Tcp { address, .. } => write!(f, "tcp:{address}"),
        }
    }
}

pub(super) async fn listen(hub: &Hub, at: &ListenAt) -> Result<Listening, ListenError> {
    let failed = |source| ListenError::Bind { at: at.to_string(), source };
    let listening = match at {
        ListenAt::Unix(path) => {
            clear(path).await?;
            let listener = UnixListener::bind(path).map_err(failed)?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))
                .map_err(failed)?;
            let (hub, file) = (hub.clone(), SocketFile(path.clone()));
            hub.0.group.clone().spawn_vital("hub unix listener", move |cancel| async move {
                let _file = file;
                accept_unix(&hub, &listener, &cancel).await;
            });
            Listening::Unix(path.clone())
        }
        ListenAt::Tcp { address, security } => {
            if matches!(security, TcpSecurity::Loopback) && !address.ip().is_loopback() {
                return Err(ListenError::NotLoopback(*address));
            }
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound = listener.local_addr().map_err(failed)?;
            let (hub, security) = (hub.clone(), security.clone());
            hub.0.group.clone().spawn_vital("hub tcp listener", move |cancel| async move {
                accept_tcp(&hub, &listener, &security, &cancel).await;
            });
            Listening::Tcp(bound)
        }
    };
    tracing::info!("hub listens at {at}");
    Ok(listening)
}

/// Takes away the file of a process that is gone; leaves that of one that answers.
async fn clear(path: &Path) -> Result<(), ListenError> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    if UnixStream::connect(path).await.is_ok() {
        return Err(ListenError::Taken(path.to_owned()));
    }
    // Should it not go, binding says why.
    let _ = std::fs::remove_file(path);
    Ok(())
}

/// The socket's file, taken away with the listener.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn accept_unix(hub: &Hub, listener: &UnixListener, cancel: &CancellationToken) {
    while let Some(accepted) = next(cancel, listener.accept()).await {
        let Some((stream, _)) = usable(accepted).await else { continue };
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        let from = pid.map_or_else(|| "unix socket".into(), |pid| format!("process {pid}"));
        connection::start(hub, from, async move { Ok((Box::new(stream) as _, Identity::Local)) });
    }
}

async fn accept_tcp(
    hub: &Hub,
    listener: &TcpListener,
    security: &TcpSecurity,
    cancel: &CancellationToken,
) {
    while let Some(accepted) = next(cancel, listener.accept()).await {
        let Some((stream, from)) = usable(accepted).await else { continue };
        // Hints are small and must not wait for company; a socket that refuses the option still works.
        let _ = stream.set_nodelay(true);
        // Without the port, so that complaints about one machine are said once.
        let from = from.ip().to_string();
        match security {
            TcpSecurity::Tls(tls) => connection::start(hub, from, open_tls(tls.clone(), stream)),
            TcpSecurity::Loopback | TcpSecurity::Insecure => {
                connection::start(hub, from, async move {
                    Ok((Box::new(stream) as _, Identity::Insecure))
                });
            }
        }
    }
}

async fn next<T>(cancel: &CancellationToken, accept: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = cancel.cancelled() => None,
        accepted = accept => Some(accepted),
    }
}

async fn usable<T>(accepted: io::Result<T>) -> Option<T> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::warn!(%error, "hub could not accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn open_tls(tls: ServerTls, stream: TcpStream) -> io::Result<(Stream, Identity)> {
    let stream: TlsStream<TcpStream> = tls.0.accept(stream).await?;
    let (_, session) = stream.get_ref();
    let names = session
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(tls::names)
        .unwrap_or_default();
    Ok((Box::new(stream), Identity::Certificate { names }))
}
