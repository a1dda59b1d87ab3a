//! The protocol between server and agents: frames, messages, versions.
//!
//! Bytes become messages here, and an answer in chunks becomes whole or is refused. There is no socket, task or clock: those
//! are in `bus`; what an agent makes of a message is in `agent`.
//!
//! ```text
//!   frame:  | length: u32, big endian | JSON body, one key that names the message |
//!
//!   agent                                  server
//!     Hello ------------------------------>           versions, role, host
//!           <------------------------ Welcome         or Refused, and the end
//!     Watch ------------------------------>           from which position
//!           <------------------- Answer, Answer, ...  chunks, the last one marked
//!           <--------------------------- Hint         one scope, one place in the journal
//!     Report ----------------------------->
//!           <---------------------- ReportAck
//!     Ping, Pong <-----------------------> Ping, Pong
//! ```

mod answer;
mod codec;
mod hint;
mod message;
mod report;
mod version;

pub use crate::answer::{Answer, AnswerChunk, AnswerError, AnswerKind, Assembly, CHUNK_CHANGES};
pub use crate::codec::{FRAME_LIMIT, FrameCodec, FrameError, HELLO_LIMIT, encode_frame};
pub use crate::hint::{HINT_BODY_LIMIT, Hint};
pub use crate::message::{
    AgentMessage, Hello, Refusal, RefusalReason, RequestId, ServerMessage, Watch, Welcome,
};
pub use crate::report::{AliveState, Heartbeat, PortMark, Report, ReportAck};
pub use crate::version::{Version, VersionRange};
