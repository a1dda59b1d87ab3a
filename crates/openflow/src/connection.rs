//! The connection to the management socket of one bridge.

mod bundle;
mod event;
mod link;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use self::bundle::BundleReport;
pub use self::event::{Event, Events};
use self::link::{Exchange, Link, Reply};
use crate::flow::{Flow, FlowFilter, FlowMod};
use crate::message::{
    Config, Features, FlowEntry, GroupMod, Message, MeterMod, PacketInFormat, PacketOut, Part,
    PortDesc, SwitchError, VERSION,
};
use crate::port::Port;
use crate::wire::{DecodeError, EncodeError};

/// A switch that says nothing for so long in the midst of an exchange has hung. Committing
/// 100,000 flows takes some seconds.
const SILENCE: Duration = Duration::from_mins(1);

/// What can go wrong between here and the switch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("{}: cannot connect to the bridge", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}: the bridge does not speak OpenFlow 1.5 but {offered}; \
             add OpenFlow15 to its protocols", path.display())]
    Version { path: PathBuf, offered: Offered },
    #[error("{}: the switch closed the connection ({reason})", path.display())]
    Closed { path: PathBuf, reason: String },
    #[error("{}: no answer to {what} within {} s", path.display(), SILENCE.as_secs())]
    Silent { path: PathBuf, what: String },
    /// `what` is the text of the flow, or the name of the request.
    #[error("{}: the switch refused '{what}'", path.display())]
    Refused {
        path: PathBuf,
        what: String,
        #[source]
        source: SwitchError,
    },
    #[error("{}: cannot read the answer to {what}", path.display())]
    Decode {
        path: PathBuf,
        what: String,
        #[source]
        source: DecodeError,
    },
    #[error("cannot write '{what}'")]
    Encode {
        what: String,
        #[source]
        source: EncodeError,
    },
    #[error("{}: the answer to {what} is of another kind", path.display())]
    Unexpected { path: PathBuf, what: String },
}

/// The OpenFlow versions that a bridge offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered(pub Vec<u8>);

impl std::fmt::Display for Offered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|version| match version {
            version @ 1..=6 => format!("1.{}", version - 1),
            other => format!("version {other:#04x}"),
        });
        let names: Vec<String> = names.collect();
        f.write_str(if names.is_empty() { "nothing" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

/// A connection to one bridge. Requests may be made at the same time; each waits for its own
/// answers. Dropping the connection closes it.
#[derive(Debug)]
pub struct Connection {
    path: PathBuf,
    exchanges: mpsc::Sender<Exchange>,
    next_xid: AtomicU32,
    closed: link::Closed,
    _task: JoinSet<()>,
}

impl Connection {
    /// Connects to a bridge's management socket, `<rundir>/<bridge>.mgmt`, and agrees on
    /// OpenFlow 1.5. Port changes are told from then on; packets only after
    /// [`Connection::receive_packets`].
    pub async fn open(path: impl AsRef<Path>) -> Result<(Self, Events), Error> {
        let path = path.as_ref().to_path_buf();
        let stream = UnixStream::connect(&path)
            .await
            .map_err(|source| Error::Open { path: path.clone(), source })?;
        let link = Link::greet(stream, &path).await?;
        let closed = link.closed();
        let (exchanges, queue) = mpsc::channel(16);
        let (events_in, events) = event::channel(path.clone(), closed.clone());
        let mut task = JoinSet::new();
        task.spawn(link.run(queue, events_in));
        let next_xid = AtomicU32::new(1);
        let connection = Self { path, exchanges, next_xid, closed, _task: task };
        connection.listen(PacketReasons::NONE).await?;
        Ok((connection, events))
    }

    /// Asks for packets of `controller(…)` actions, as [`Event::PacketIn`].
    pub async fn receive_packets(&self) -> Result<(), Error> {
        self.send("packet-in format", &[Message::SetPacketInFormat(PacketInFormat::Nicira2)])
            .await?;
        self.listen(PacketReasons::ALL).await
    }

    /// A management connection is told nothing until it sets a length for packets, which must
    /// not touch the bridge's treatment of fragments in the same message.
    async fn listen(&self, packets: PacketReasons) -> Result<(), Error> {
        let what = "configuration";
        let flags = match self.ask(what, &Message::GetConfigRequest).await? {
            Message::GetConfigReply(config) => config.flags,
            _ => return Err(self.unexpected(what)),
        };
        let all_port_changes = 0b111;
        self.send(
            what,
            &[
                Message::SetAsync { packets: packets.0, ports: all_port_changes },
                Message::SetConfig(Config { flags, miss_send_len: u16::MAX }),
            ],
        )
        .await
    }

    pub async fn features(&self) -> Result<Features, Error> {
        match self.ask("features", &Message::FeaturesRequest).await? {
            Message::FeaturesReply(features) => Ok(features),
            _ => Err(self.unexpected("features")),
        }
    }

    /// Waits until the switch has done all that was sent before.
    pub async fn barrier(&self) -> Result<(), Error> {
        match self.ask("barrier", &Message::BarrierRequest).await? {
            Message::BarrierReply => Ok(()),
            _ => Err(self.unexpected("barrier")),
        }
    }

    /// Asks the switch for a sign of life.
    pub async fn echo(&self) -> Result<(), Error> {
        match self.ask("echo", &Message::EchoRequest(Bytes::new())).await? {
            Message::EchoReply(_) => Ok(()),
            _ => Err(self.unexpected("echo")),
        }
    }

    pub async fn ports(&self) -> Result<Vec<PortDesc>, Error> {
        let mut found = Vec::new();
        for reply in self.ask_all("ports", &Message::PortRequest(Port::ANY)).await? {
            match reply {
                Message::PortReply { ports, .. } => found.extend(ports),
                _ => return Err(self.unexpected("ports")),
            }
        }
        Ok(found)
    }

    /// The flows that `filter` contains, in canonical form.
    pub async fn dump_flows(&self, filter: &FlowFilter) -> Result<Vec<Flow>, Error> {
        let entries = self.dump_entries(filter).await?;
        Ok(entries.into_iter().map(|entry| entry.flow.canonical()).collect())
    }

    /// The flows that `filter` contains, with their counters.
    pub async fn dump_entries(&self, filter: &FlowFilter) -> Result<Vec<FlowEntry>, Error> {
        let mut found = Vec::new();
        for reply in self.ask_all("flows", &Message::FlowRequest(filter.clone())).await? {
            match reply {
                Message::FlowReply { flows, .. } => found.extend(flows),
                _ => return Err(self.unexpected("flows")),
            }
        }
        Ok(found)
    }

    /// Sends changes one by one, without a bundle, and waits until they are done. The first that
    /// is refused is the error; the others are done all the same.
    pub async fn flow_mods(&self, changes: &[FlowMod]) -> Result<(), Error> {
        let name = |index: usize| changes.get(index).map(ToString::to_string).unwrap_or_default();
        let mut batch = self.batch(changes.len() + 1);
        for change in changes {
            batch
                .put_with(|xid, out| Message::encode_flow_mod(change, xid, out))
                .map_err(|source| Error::Encode { what: change.to_string(), source })?;
        }
        self.finish(batch, name).await
    }

    /// Changes a meter. Bundles do not take meters: add them before a bundle that uses them,
    /// delete them after one that no longer does.
    pub async fn meter_mod(&self, meter: MeterMod) -> Result<(), Error> {
        let what = format!("meter {}", meter.meter);
        self.send(&what, &[Message::MeterMod(meter)]).await
    }

    pub async fn group_mod(&self, group: GroupMod) -> Result<(), Error> {
        let what = format!("group {}", group.group);
        self.send(&what, &[Message::GroupMod(group)]).await
    }

    pub async fn packet_out(&self, packet: PacketOut) -> Result<(), Error> {
        self.send("packet-out", &[Message::PacketOut(packet)]).await
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn send(&self, what: &str, messages: &[Message]) -> Result<(), Error> {
        let mut batch = self.batch(messages.len() + 1);
        for message in messages {
            batch.put(message).map_err(|source| Error::Encode { what: what.to_owned(), source })?;
        }
        self.finish(batch, |_| what.to_owned()).await
    }

    /// Ends messages that have no answer but an error with a barrier, to know that there was none.
    async fn finish(&self, mut batch: Batch, name: impl Fn(usize) -> String) -> Result<(), Error> {
        batch
            .put(&Message::BarrierRequest)
            .map_err(|source| Error::Encode { what: "barrier".to_owned(), source })?;
        let mut refused = None;
        self.exchange(batch, "barrier", |index, reply| {
            match reply.map_err(|source| self.undecodable(&name(index), source))? {
                Message::Error(source) => {
                    refused.get_or_insert_with(|| self.refused(name(index), source));
                }
                Message::BarrierReply => {}
                _ => return Err(self.unexpected(&name(index))),
            }
            Ok(())
        })
        .await?;
        refused.map_or(Ok(()), Err)
    }

    /// Sends one request and returns its only answer.
    async fn ask(&self, what: &str, request: &Message) -> Result<Message, Error> {
        let mut replies = self.ask_all(what, request).await?;
        replies.pop().ok_or_else(|| self.unexpected(what))
    }

    async fn ask_all(&self, what: &str, request: &Message) -> Result<Vec<Message>, Error> {
        let mut batch = self.batch(1);
        batch.put(request).map_err(|source| Error::Encode { what: what.to_owned(), source })?;
        let mut replies = Vec::new();
        self.exchange(batch, what, |_, reply| {
            match reply.map_err(|source| self.undecodable(what, source))? {
                Message::Error(source) => Err(self.refused(what.to_owned(), source)),
                reply => {
                    replies.push(reply);
                    Ok(())
                }
            }
        })
        .await?;
        Ok(replies)
    }

    fn batch(&self, messages: usize) -> Batch {
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        let first = self.next_xid.fetch_add(count, Ordering::Relaxed);
        Batch { first, next: first, bytes: BytesMut::new() }
    }

    /// Puts `batch` into the queue and gives every answer to `each`, with the index of the message
    /// that it answers, until the last message has its answer.
    async fn exchange(
        &self,
        batch: Batch,
        what: &str,
        mut each: impl FnMut(usize, Reply) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Batch { first, next, bytes } = batch;
        let last = next.wrapping_sub(1);
        // Not bounded: what fills it is what the request asked for and the caller keeps anyway.
        let (replies, mut answers) = mpsc::unbounded_channel();
        let exchange = Exchange { first, last, bytes: bytes.freeze(), replies };
        self.exchanges.send(exchange).await.map_err(|_| self.gone())?;
        loop {
            let answer = timeout(SILENCE, answers.recv()).await;
            let answer = answer
                .map_err(|_| Error::Silent { path: self.path.clone(), what: what.to_owned() })?;
            let (xid, reply) = answer.ok_or_else(|| self.gone())?;
            let part = reply.as_ref().map_or(Part::Last, Message::part);
            let index = usize::try_from(xid.wrapping_sub(first)).unwrap_or(usize::MAX);
            each(index, reply)?;
            if xid == last && part == Part::Last {
                return Ok(());
            }
        }
    }

    fn gone(&self) -> Error {
        Error::Closed { path: self.path.clone(), reason: self.closed.reason() }
    }

    fn unexpected(&self, what: &str) -> Error {
        Error::Unexpected { path: self.path.clone(), what: what.to_owned() }
    }

    fn undecodable(&self, what: &str, source: DecodeError) -> Error {
        Error::Decode { path: self.path.clone(), what: what.to_owned(), source }
    }

    fn refused(&self, what: String, source: SwitchError) -> Error {
        Error::Refused { path: self.path.clone(), what, source }
    }
}

/// Which of OFPR_* bring packets, as bits.
struct PacketReasons(u32);

impl PacketReasons {
    const NONE: Self = Self(0);
    const ALL: Self = Self(0b11_1111);
}

/// Messages with consecutive transaction ids, as bytes.
struct Batch {
    first: u32,
    next: u32,
    bytes: BytesMut,
}

impl Batch {
    fn put(&mut self, message: &Message) -> Result<(), EncodeError> {
        self.put_with(|xid, out| message.encode(xid, out))
    }

    fn put_with(
        &mut self,
        encode: impl FnOnce(u32, &mut BytesMut) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        encode(self.next, &mut self.bytes)?;
        self.next = self.next.wrapping_add(1);
        Ok(())
    }
}

/// The only version this crate offers.
const OFFERED: u8 = VERSION;
