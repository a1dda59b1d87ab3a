//! The task that owns the socket: it writes requests and hands out answers, both at once.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::event::{Event, EventSender};
use super::{Error, OFFERED, Offered, SILENCE};
use crate::message::{Message, Part, frame_length};
use crate::wire::DecodeError;

pub(super) type Reply = Result<Message, DecodeError>;

/// Requests as bytes, and where the answers go. Answers belong to it whose transaction ids lie
/// from `first` to `last`; the one to `last` ends it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) bytes: Bytes,
    pub(super) replies: mpsc::UnboundedSender<(u32, Reply)>,
}

impl Exchange {
    const fn covers(&self, xid: u32) -> bool {
        xid.wrapping_sub(self.first) <= self.last.wrapping_sub(self.first)
    }
}

/// Why the connection ended, once it has.
#[derive(Debug, Clone, Default)]
pub(super) struct Closed(Arc<OnceLock<String>>);

impl Closed {
    pub(super) fn reason(&self) -> String {
        self.0.get().map_or_else(|| "end of connection".to_owned(), Clone::clone)
    }

    fn set(&self, reason: String) {
        // The first reason is the cause, later ones are its consequences.
        let _ = self.0.set(reason);
    }
}

/// A socket on which both sides have said hello.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    received: BytesMut,
    closed: Closed,
}

impl Link {
    pub(super) async fn greet(stream: UnixStream, path: &Path) -> Result<Self, Error> {
        let mut link = Self { stream, received: BytesMut::new(), closed: Closed::default() };
        match tokio::time::timeout(SILENCE, link.hello(path)).await {
            Ok(done) => done.map(|()| link),
            Err(_) => Err(Error::Silent { path: path.to_owned(), what: "hello".to_owned() }),
        }
    }

    async fn hello(&mut self, path: &Path) -> Result<(), Error> {
        let closed = |reason: String| Error::Closed { path: path.to_owned(), reason };
        let undecodable =
            |source| Error::Decode { path: path.to_owned(), what: "hello".to_owned(), source };
        let mut hello = BytesMut::new();
        Message::Hello(vec![OFFERED])
            .encode(0, &mut hello)
            .map_err(|source| Error::Encode { what: "hello".to_owned(), source })?;
        self.stream.write_all(&hello).await.map_err(|error| closed(error.to_string()))?;
        loop {
            if let Some(frame) = next_frame(&mut self.received).map_err(undecodable)? {
                return match Message::decode(&frame).map_err(undecodable)?.1 {
                    Message::Hello(offered) if offered.contains(&OFFERED) => Ok(()),
                    Message::Hello(offered) => {
                        Err(Error::Version { path: path.to_owned(), offered: Offered(offered) })
                    }
                    Message::Error(source) => Err(Error::Refused {
                        path: path.to_owned(),
                        what: "hello".to_owned(),
                        source,
                    }),
                    _ => Err(closed("the first message was no hello".to_owned())),
                };
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => return Err(closed("end of file".to_owned())),
                Ok(_) => {}
                Err(error) => return Err(closed(error.to_string())),
            }
        }
    }

    pub(super) fn closed(&self) -> Closed {
        self.closed.clone()
    }

    /// Serves until the switch or the owner of the connection closes it.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Exchange>,
        mut events: EventSender,
    ) {
        let mut pending = Pending::default();
        let (mut reader, mut writer) = self.stream.split();
        let reason = loop {
            match pending.take_frames(&mut self.received, &mut events) {
                Ok(()) => {}
                Err(error) => break error.to_string(),
            }
            // Reading never waits for writing: a switch whose answers are not taken stops reading.
            tokio::select! {
                read = reader.read_buf(&mut self.received) => match read {
                    Ok(0) => break "end of file".to_owned(),
                    Ok(_) => {}
                    Err(error) => break error.to_string(),
                },
                written = writer.write_buf(&mut pending.unsent), if pending.unsent.has_remaining() => {
                    if let Err(error) = written {
                        break error.to_string();
                    }
                }
                exchange = queue.recv(), if !pending.unsent.has_remaining() => match exchange {
                    Some(exchange) => pending.begin(exchange),
                    None => break "closed here".to_owned(),
                },
            }
        };
        self.closed.set(reason);
    }
}

/// One whole frame from the front of `received`, if it is there.
fn next_frame(received: &mut BytesMut) -> Result<Option<BytesMut>, DecodeError> {
    match frame_length(received).transpose()? {
        Some(length) if received.len() >= length => Ok(Some(received.split_to(length))),
        _ => Ok(None),
    }
}

/// Exchanges under way, and bytes that wait for the socket.
#[derive(Debug, Default)]
struct Pending {
    unsent: BytesMut,
    exchanges: Vec<Exchange>,
}

impl Pending {
    fn begin(&mut self, exchange: Exchange) {
        self.unsent.extend_from_slice(&exchange.bytes);
        self.exchanges.push(Exchange { bytes: Bytes::new(), ..exchange });
    }

    fn take_frames(
        &mut self,
        received: &mut BytesMut,
        events: &mut EventSender,
    ) -> Result<(), DecodeError> {
        while let Some(frame) = next_frame(received)? {
            self.take_frame(&frame, events);
        }
        Ok(())
    }

    fn take_frame(&mut self, frame: &[u8], events: &mut EventSender) {
        let xid = frame.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let xid = xid.unwrap_or_default();
        match Message::decode(frame).map(|(_, message)| message) {
            Ok(Message::EchoRequest(data)) => {
                if let Err(error) = Message::EchoReply(data).encode(xid, &mut self.unsent) {
                    tracing::warn!(%error, "cannot answer an echo request");
                }
            }
            Ok(Message::PortStatus(status)) => events.send(Event::PortStatus(status)),
            Ok(Message::PacketIn(packet)) => events.send(Event::PacketIn(packet)),
            reply => self.answer(xid, reply),
        }
    }

    fn answer(&mut self, xid: u32, reply: Reply) {
        let Some(at) = self.exchanges.iter().position(|exchange| exchange.covers(xid)) else {
            match reply {
                Ok(Message::Error(error)) => tracing::warn!(%error, xid, "error without a request"),
                Ok(_) => tracing::debug!(xid, "message without a request"),
                Err(error) => tracing::warn!(%error, xid, "unreadable message without a request"),
            }
            return;
        };
        let Some(exchange) = self.exchanges.get(at) else { return };
        let last = reply.as_ref().map_or(Part::Last, Message::part) == Part::Last;
        let ended = xid == exchange.last && last;
        // Who asked may have given up; the answers are then of no use to anyone.
        let _ = exchange.replies.send((xid, reply));
        if ended {
            self.exchanges.swap_remove(at);
        }
    }
}
