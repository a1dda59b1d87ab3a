//! The agent's control socket: `status` and `accept`, a line of JSON each way.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nucleon_model::view::Role;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::follower::Withheld;
use crate::status::Status;

/// For root and the agent's own user.
const SOCKET_MODE: u32 = 0o600;
const REQUEST_LIMIT: u64 = 4 * 1024;
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// A peer that takes longer loses its turn: there is one turn at a time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Consent waits for the round that is under way.
const ACCEPT_PATIENCE: Duration = Duration::from_mins(1);

/// Where the agent of a role listens.
pub fn control_path(state_path: &Path, role: Role) -> PathBuf {
    state_path.join(format!("{role}.control"))
}

/// Asks the agent that listens at `path` how it is.
pub async fn status(path: &Path) -> Result<Status, ControlError> {
    match ask(path, Request::Status, PATIENCE).await? {
        Reply::Status(status) => Ok(*status),
        _ => Err(ControlError::Unexpected(path.to_owned())),
    }
}

/// Gives consent to what the agent at `path` withholds; tells what that was, or `None` when there is nothing.
pub async fn accept(path: &Path) -> Result<Option<Withheld>, ControlError> {
    match ask(path, Request::Accept, ACCEPT_PATIENCE).await? {
        Reply::Accepted(accepted) => Ok(accepted),
        _ => Err(ControlError::Unexpected(path.to_owned())),
    }
}

/// An agent that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("no agent answers at {}", .0.display())]
    Away(PathBuf, #[source] io::Error),
    #[error("the agent at {} did not answer in time", .0.display())]
    Silent(PathBuf),
    #[error("the agent at {} answered with something else", .0.display())]
    Unexpected(PathBuf),
    #[error("another agent listens at {}", .0.display())]
    Taken(PathBuf),
    #[error("the agent cannot listen at {}", .0.display())]
    Bind(PathBuf, #[source] io::Error),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
enum Request {
    Status,
    Accept,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Status(Box<Status>),
    Accepted(Option<Withheld>),
    Error(String),
}

/// The operator's consent, and where to say what it was given to.
pub(crate) type Consent = oneshot::Sender<Option<Withheld>>;

/// The listening side. Its file goes with it.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Opens the socket; fails when another agent has it, so that no two agents of a role share a state directory.
    pub(crate) async fn bind(path: PathBuf) -> Result<Self, ControlError> {
        let failed = |error| ControlError::Bind(path.clone(), error);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let is_socket =
            std::fs::symlink_metadata(&path).is_ok_and(|file| file.file_type().is_socket());
        if is_socket {
            if UnixStream::connect(&path).await.is_ok() {
                return Err(ControlError::Taken(path));
            }
            // Left by a process that was killed. Should it not go, binding says why.
            let _ = std::fs::remove_file(&path);
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(SOCKET_MODE))
            .map_err(failed)?;
        Ok(Self { listener, path })
    }

    /// Answers, one request at a time, for ever.
    pub(crate) async fn serve(&self, status: impl Fn() -> Status, consents: mpsc::Sender<Consent>) {
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "control socket could not accept a connection");
                    tokio::time::sleep(PATIENCE).await;
                    continue;
                }
            };
            // Whoever asks and goes away is not missed.
            let _ = serve_one(stream, &status, &consents).await;
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn serve_one(
    stream: UnixStream,
    status: &impl Fn() -> Status,
    consents: &mpsc::Sender<Consent>,
) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(read.take(REQUEST_LIMIT));
    timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await??;
    let reply = match serde_json::from_slice(&line) {
        Ok(Request::Status) => Reply::Status(Box::new(status())),
        Ok(Request::Accept) => {
            let (consent, taken) = oneshot::channel();
            let sent = consents.send(consent).await.is_ok();
            match timeout(ACCEPT_PATIENCE, taken).await {
                Ok(Ok(accepted)) if sent => Reply::Accepted(accepted),
                _ => Reply::Error("the agent is busy with a round".into()),
            }
        }
        Err(error) => Reply::Error(format!("not a request: {error}")),
    };
    let mut answer = serde_json::to_vec(&reply)?;
    answer.push(b'\n');
    timeout(PATIENCE, write.write_all(&answer)).await?
}

async fn ask<T: DeserializeOwned>(
    path: &Path,
    request: Request,
    patience: Duration,
) -> Result<T, ControlError> {
    let away = |error| ControlError::Away(path.to_owned(), error);
    let answered = timeout(patience + PATIENCE, async {
        let (read, mut write) = UnixStream::connect(path).await?.into_split();
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        write.write_all(&line).await?;
        let mut answer = Vec::new();
        BufReader::new(read.take(ANSWER_LIMIT)).read_until(b'\n', &mut answer).await?;
        Ok(answer)
    });
    let answer = match answered.await {
        Ok(answer) => answer.map_err(away)?,
        Err(_) => return Err(ControlError::Silent(path.to_owned())),
    };
    serde_json::from_slice(&answer).map_err(|_| ControlError::Unexpected(path.to_owned()))
}
