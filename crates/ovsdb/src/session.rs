//! The conversation with one server, from the first request on. No I/O: messages in, what to do
//! out.
//!
//! ```text
//! AwaitSchema --get_schema's result--> AwaitSnapshot --monitor_cond's result--> Live
//! ```
//!
//! Any state also ends by a [`Fault`]: what is known of the database can then be wrong, and only a
//! new session helps.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::monitor::MonitorSpec;
use crate::replica::{Replica, UpdateError};
use crate::rpc::{self, Message};
use crate::schema::{Schema, SchemaError};
use crate::snapshot::Change;
use crate::value::excerpt;

const SCHEMA_ID: u64 = 0;
const MONITOR_ID: u64 = 1;
/// The first number that requests of others may have.
pub(crate) const FIRST_FREE_ID: u64 = 2;

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    spec: MonitorSpec,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Exits: the schema.
    AwaitSchema,
    /// Exits: the first snapshot.
    AwaitSnapshot(Replica),
    /// Exits: none but a fault.
    Live(Replica),
}

/// What a message calls for.
#[derive(Debug, PartialEq)]
pub enum Output {
    Nothing,
    /// Send this message.
    Send(Value),
    /// The replica is complete.
    Live,
    Changed(Vec<Change>),
    /// The answer to a request of this number.
    Reply {
        id: u64,
        outcome: Result<Value, Value>,
    },
    /// A message that nobody asked for and that changes nothing.
    Unexpected,
}

/// A conversation gone wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("{method} was refused: {error}")]
    Refused { method: &'static str, error: String },
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Update(#[from] UpdateError),
    #[error("{0} came out of turn")]
    OutOfTurn(&'static str),
    #[error("the server cancelled the monitor")]
    MonitorCancelled,
}

impl Session {
    /// A new session, and the message that begins it.
    pub fn start(spec: MonitorSpec) -> (Self, Value) {
        let first = rpc::request("get_schema", json!([spec.database()]), SCHEMA_ID.into());
        (Self { spec, state: State::AwaitSchema }, first)
    }

    /// The replica, once it is complete.
    pub const fn replica(&self) -> Option<&Replica> {
        match &self.state {
            State::Live(replica) => Some(replica),
            State::AwaitSchema | State::AwaitSnapshot(_) => None,
        }
    }

    pub fn receive(&mut self, message: Message) -> Result<Output, Fault> {
        match message {
            Message::Request { method, params, id } if method == "echo" => {
                Ok(Output::Send(rpc::echo_reply(params, id)))
            }
            // The server asks for nothing else (RFC 7047 section 4.1).
            Message::Request { .. } => Ok(Output::Unexpected),
            Message::Notification { method, params } => self.notified(&method, params),
            Message::Reply { id, outcome } => match id.as_u64() {
                Some(SCHEMA_ID) => self.schema(outcome),
                Some(MONITOR_ID) => self.first_snapshot(outcome),
                Some(id) => Ok(Output::Reply { id, outcome }),
                // Probes of this client are numbered by a text.
                None if id == json!(PROBE) => Ok(Output::Nothing),
                None => Ok(Output::Unexpected),
            },
        }
    }

    fn schema(&mut self, outcome: Result<Value, Value>) -> Result<Output, Fault> {
        if !matches!(self.state, State::AwaitSchema) {
            return Err(Fault::OutOfTurn("a schema"));
        }
        let schema = outcome.map_err(|error| refused("get_schema", &error))?;
        let schema = Arc::new(Schema::from_json(&schema)?);
        self.state = State::AwaitSnapshot(Replica::new(schema, &self.spec)?);
        // `monitor_cond_since` would only save something on a clustered database: a standalone one
        // keeps no history and sends everything.
        let params = json!([self.spec.database(), Value::Null, self.spec.to_json()]);
        Ok(Output::Send(rpc::request("monitor_cond", params, MONITOR_ID.into())))
    }

    fn first_snapshot(&mut self, outcome: Result<Value, Value>) -> Result<Output, Fault> {
        match std::mem::replace(&mut self.state, State::AwaitSchema) {
            State::AwaitSnapshot(mut replica) => {
                replica.apply(outcome.map_err(|error| refused("monitor_cond", &error))?)?;
                self.state = State::Live(replica);
                Ok(Output::Live)
            }
            State::AwaitSchema | State::Live(_) => Err(Fault::OutOfTurn("a snapshot")),
        }
    }

    fn notified(&mut self, method: &str, params: Vec<Value>) -> Result<Output, Fault> {
        match (method, &mut self.state) {
            ("update2", State::Live(replica)) => {
                let updates = params.into_iter().nth(1).unwrap_or(Value::Null);
                Ok(Output::Changed(replica.apply(updates)?))
            }
            ("update2", _) => Err(Fault::OutOfTurn("an update")),
            // The schema was changed under us (ovsdb-server(7), 4.1.21).
            ("monitor_canceled", _) => Err(Fault::MonitorCancelled),
            _ => Ok(Output::Unexpected),
        }
    }
}

const PROBE: &str = "probe";

/// Asks the server whether it is there.
pub(crate) fn probe() -> Value {
    rpc::request("echo", json!([]), PROBE.into())
}

/// Takes back a request that nobody waits for any more (RFC 7047 section 4.1.4).
pub(crate) fn cancel(id: u64) -> Value {
    rpc::request("cancel", json!([id]), Value::Null)
}

fn refused(method: &'static str, error: &Value) -> Fault {
    Fault::Refused { method, error: excerpt(error) }
}

#[cfg(test)]
mod tests;
