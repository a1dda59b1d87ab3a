//! An OVSDB client: JSON-RPC, monitors and transactions over the switch's own socket.
//!
//! It owns the conversation with `ovsdb-server` (RFC 7047, and `monitor_cond` of ovsdb-server(7)):
//! framing, requests and answers, probes, reconnecting, a replica of the columns that were asked
//! for, and transactions with typed errors. The module [`ovs`] knows the `Open_vSwitch` schema:
//! typed rows, and the edits that an agent makes.
//!
//! It does not decide what should be in the database, and does not speak OpenFlow.
//!
//! ```text
//!  Client (clones)                 one task                               ovsdb-server
//!  transact, snapshot --commands--> Task: connect, back off
//!                     <-oneshot---    Connection: bytes <-> messages <--unix or tcp-->
//!                                       FrameDecoder -> Message -> Session (pure)
//!                                                                   Replica (pure)
//!  Events             <--channel---   Outbox: merges while the reader is slow
//! ```
//!
//! After a lost connection comes [`Event::Connected`] with a complete new snapshot: a standalone
//! database keeps no history from which it could send only what was missed.
//! [`Snapshot::changes_to`] tells the difference.

mod client;
mod error;
mod frame;
mod monitor;
pub mod ovs;
mod replica;
mod row;
mod rpc;
mod schema;
mod session;
mod snapshot;
mod transaction;
mod value;

pub use uuid::Uuid;

pub use crate::client::{
    BackoffLimits, Client, Config, Counters, Endpoint, Event, Events, InvalidEndpoint,
};
pub use crate::error::{Disconnect, Error};
pub use crate::frame::{FrameDecoder, FrameError, FrameLimits};
pub use crate::monitor::MonitorSpec;
pub use crate::replica::{Replica, UpdateError};
pub use crate::row::{Row, RowError};
pub use crate::rpc::{Message, MessageError};
pub use crate::schema::{Schema, SchemaError, TableSchema};
pub use crate::session::{Fault, Output, Session};
pub use crate::snapshot::{Change, ChangeKind, Snapshot};
pub use crate::transaction::{
    Condition, EncodeError, ErrorCode, Function, Mutation, Mutator, OpResult, Operation,
    OperationError, ReplyError, Rows, Transaction, Until,
};
pub use crate::value::{Atom, AtomType, ColumnType, Datum, NamedUuid, Real, ValueError};
