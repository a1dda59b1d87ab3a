//! What can go wrong, for who asked and for the connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::frame::FrameError;
use crate::rpc::MessageError;
use crate::session::Fault;
use crate::transaction::{EncodeError, OperationError, ReplyError};
use crate::value::excerpt;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing was sent.
    #[error("not connected to the database")]
    NotConnected,
    /// It was sent, and may or may not have been done.
    #[error("the connection was lost before the answer came")]
    Lost(#[source] Arc<Disconnect>),
    /// It may or may not have been done.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the client is stopped")]
    Stopped,
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// The server refused the request as a whole.
    #[error("the request was refused: {0}")]
    Refused(String),
    #[error("the answer cannot be read")]
    Reply(#[from] ReplyError),
    /// The transaction is in the database, but ovs-vswitchd has not said that it acted on it.
    #[error("the switch did not apply configuration {next_cfg} within {timeout:?}")]
    NotApplied { next_cfg: i64, timeout: Duration },
}

impl Error {
    pub(crate) fn refused(error: &Value) -> Self {
        Self::Refused(error.as_str().map_or_else(|| excerpt(error), str::to_owned))
    }

    /// Whether the transaction may have happened although there is no result.
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Timeout(_) | Self::Reply(_))
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Disconnect {
    #[error("cannot connect to {endpoint}")]
    Connect { endpoint: String, source: io::Error },
    #[error("the connection failed")]
    Io(#[source] io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("the server sent what is no message")]
    Frame(#[from] FrameError),
    #[error("the server sent what is no message")]
    Message(#[from] MessageError),
    #[error("the server's messages do not fit together")]
    Session(#[from] Fault),
    #[error("the server was silent for {0:?} and did not answer a probe")]
    Inactive(Duration),
    #[error("the server gave no snapshot within {0:?}")]
    NoSnapshot(Duration),
    #[error("the server does not read: {0} bytes wait for it")]
    NotReading(usize),
}
