//! One agent's connection: a reader that has requests answered, and a writer that takes turns between answers and hints.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::FuturesUnordered;
use futures::{SinkExt, StreamExt};
use nucleon_model::view::Scope;
use nucleon_obs::CancellationToken;
use nucleon_wire::{
    AgentMessage, Answer, CHUNK_CHANGES, FRAME_LIMIT, FrameCodec, FrameError, Refusal,
    RefusalReason, Report, RequestId, ServerMessage, Watch, Welcome, encode_frame,
};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};
use tokio_util::codec::{FramedRead, FramedWrite};

use super::Hub;
use super::hello::{self, HelloError};
use super::routes::ConnectionId;
use crate::source::{Identity, Peer, SourceError, WatchRequest, Watched};
use crate::stream::Stream;

/// Answers that wait for the socket; when it is full, that connection's requests wait, and nobody else's.
const ANSWER_QUEUE: usize = 64;
/// The requests of one connection that are worked on at once; further ones stay in the socket.
const MOST_REQUESTS: usize = 16;
/// How long a last word to a peer may take.
const FAREWELL: Duration = Duration::from_secs(1);

type Reader = FramedRead<ReadHalf<Stream>, FrameCodec<AgentMessage>>;
type Writer = FramedWrite<WriteHalf<Stream>, FrameCodec<AgentMessage>>;

/// How a connection came to its end.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the agent closed it")]
    Closed,
    #[error("the server is stopping")]
    Stopping,
    #[error("nothing was heard for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("a frame was not taken within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("unexpected message: {0}")]
    Unexpected(&'static str),
}

/// Runs a connection, from `open` (which may include a TLS handshake) to its end, as a task of the hub's group.
pub(super) fn start<F>(hub: &Hub, from: String, open: F)
where
    F: Future<Output = io::Result<(Stream, Identity)>> + Send + 'static,
{
    let Ok(room) = hub.0.room.clone().try_acquire_owned() else {
        refuse(hub, &from, "full", &"there are too many connections");
        return;
    };
    let hub = hub.clone();
    hub.0.group.clone().spawn("hub connection", move |cancel| async move {
        let _room = room;
        run(&hub, &from, open, cancel).await;
    });
}

async fn run<F>(hub: &Hub, from: &str, open: F, cancel: CancellationToken)
where
    F: Future<Output = io::Result<(Stream, Identity)>>,
{
    let deadline = Instant::now() + hub.0.options.handshake_timeout;
    let opened = tokio::select! {
        () = cancel.cancelled() => return,
        opened = timeout_at(deadline, open) => opened,
    };
    let (stream, identity) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return refuse(hub, from, "handshake", &error),
        Err(_) => return refuse(hub, from, "silent", &HelloError::Silent),
    };
    let (read, write) = tokio::io::split(stream);
    let mut reader = FramedRead::new(read, FrameCodec::new());
    let mut writer = FramedWrite::new(write, FrameCodec::new());

    let hello = tokio::select! {
        () = cancel.cancelled() => return,
        hello = timeout_at(deadline, hello::receive(&mut reader)) => hello,
    };
    let admitted = hello
        .unwrap_or(Err(HelloError::Silent))
        .and_then(|hello| hello::admit(hello, identity).map_err(HelloError::Refused));
    let peer = match admitted {
        Ok(peer) => peer,
        Err(error) => {
            if matches!(error, HelloError::Frame(_)) {
                hub.0.metrics.bad_frames.inc();
            }
            refuse(hub, from, error.label(), &error);
            if let HelloError::Refused(reason) = error {
                farewell(&mut writer, reason).await;
            }
            return;
        }
    };
    reader.decoder_mut().set_limit(FRAME_LIMIT);
    serve(hub, from, peer, reader, writer, cancel).await;
}

async fn serve(
    hub: &Hub,
    from: &str,
    peer: Peer,
    mut reader: Reader,
    mut writer: Writer,
    cancel: CancellationToken,
) {
    let (answers, mut answer_queue) = mpsc::channel(ANSWER_QUEUE);
    let (hints, mut hint_queue) = mpsc::channel(hub.0.options.hint_queue.max(1));
    let seat = Seat::take(hub, peer.clone(), hints);
    tracing::info!(
        host = peer.host, role = %peer.role, version = %peer.version, program = peer.program, from,
        "agent connected: {peer}"
    );
    let connection =
        Connection { hub, peer: &peer, seat: &seat, answers, watching: AtomicBool::new(false) };
    let end = tokio::select! {
        () = cancel.cancelled() => End::Stopping,
        end = connection.read(&mut reader) => end,
        end = write(hub, &peer, &mut writer, &mut answer_queue, &mut hint_queue) => end,
    };
    drop(seat);
    match &end {
        End::Closed | End::Stopping => {
            tracing::info!(host = peer.host, role = %peer.role, "agent disconnected: {peer}: {end}");
        }
        _ => tracing::warn!(host = peer.host, role = %peer.role, "agent dropped: {peer}: {end}"),
    }
    match end {
        End::Stopping => farewell(&mut writer, RefusalReason::Stopping).await,
        End::Unexpected(what) => {
            hub.0.metrics.bad_frames.inc();
            farewell(&mut writer, RefusalReason::Unexpected { what: what.into() }).await;
        }
        End::Frame(FrameError::Io(_)) | End::Closed | End::Silent(_) | End::Slow(_) => {}
        End::Frame(error) => {
            hub.0.metrics.bad_frames.inc();
            let what = error.to_string();
            farewell(&mut writer, RefusalReason::Unexpected { what }).await;
        }
    }
}

/// A connection's place in the routes, given back when dropped.
struct Seat {
    hub: Hub,
    id: ConnectionId,
}

impl Seat {
    fn take(hub: &Hub, peer: Peer, hints: mpsc::Sender<Bytes>) -> Self {
        let id = hub.routes().add(peer, hints);
        hub.0.metrics.connections.inc();
        Self { hub: hub.clone(), id }
    }

    fn subscribe(&self, scopes: BTreeSet<Scope>) {
        self.hub.routes().subscribe(self.id, scopes);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.routes().remove(self.id);
        self.hub.0.metrics.connections.dec();
    }
}

struct Connection<'a> {
    hub: &'a Hub,
    peer: &'a Peer,
    seat: &'a Seat,
    answers: mpsc::Sender<Bytes>,
    /// One watch at a time, so that the last answer's scopes are the subscription.
    watching: AtomicBool,
}

impl Connection<'_> {
    async fn read(&self, reader: &mut Reader) -> End {
        let patience = self.hub.0.options.keepalive * 3;
        let mut heard = Instant::now();
        let mut requests = FuturesUnordered::new();
        loop {
            let message = tokio::select! {
                Some(()) = requests.next() => continue,
                message = timeout_at(heard + patience, reader.next()),
                    if requests.len() < MOST_REQUESTS => message,
            };
            heard = Instant::now();
            match message {
                Err(_) => return End::Silent(patience),
                Ok(None) => return End::Closed,
                Ok(Some(Err(error))) => return End::Frame(error),
                Ok(Some(Ok(AgentMessage::Hello(_)))) => return End::Unexpected("a second hello"),
                Ok(Some(Ok(AgentMessage::Pong { .. }))) => {}
                Ok(Some(Ok(request))) => requests.push(self.answer(request)),
            }
        }
    }

    async fn answer(&self, request: AgentMessage) {
        match request {
            AgentMessage::Watch(watch) => self.watch(watch).await,
            AgentMessage::Report { id, report } => self.report(id, report).await,
            AgentMessage::Ping { nonce } => self.send(&ServerMessage::Pong { nonce }).await,
            AgentMessage::Hello(_) | AgentMessage::Pong { .. } => {}
        }
    }

    async fn watch(&self, watch: Watch) {
        if self.watching.swap(true, Ordering::Relaxed) {
            return self.refuse(watch.id, RefusalReason::Busy).await;
        }
        self.watch_alone(watch).await;
        self.watching.store(false, Ordering::Relaxed);
    }

    async fn watch_alone(&self, watch: Watch) {
        let request = WatchRequest {
            role: self.peer.role,
            host: &self.peer.host,
            position: watch.position,
            verify: watch.verify && self.peer.version.answers_have_digests(),
        };
        let begun = Instant::now();
        let watched = self.in_time(self.hub.0.source.watch(request)).await;
        self.hub.0.metrics.watch_seconds.observe(begun.elapsed().as_secs_f64());
        let Watched { answer, scopes } = match watched {
            Ok(watched) => watched,
            Err(reason) => {
                self.hub.0.metrics.watched("refused");
                tracing::warn!(host = self.peer.host, "a watch of {} failed: {reason}", self.peer);
                return self.refuse(watch.id, reason).await;
            }
        };
        self.hub.0.metrics.watched(match &answer {
            Answer::Snapshot { .. } => "snapshot",
            Answer::Delta { .. } => "delta",
            Answer::Behind { .. } => "behind",
        });
        // Before the answer goes out: the agent keeps hints that overtake it.
        if !matches!(answer, Answer::Behind { .. }) {
            self.seat.subscribe(scopes);
        }
        for mut chunk in answer.into_chunks(watch.id, CHUNK_CHANGES) {
            chunk.digest = chunk.digest.filter(|_| request.verify);
            self.send(&ServerMessage::Answer(chunk)).await;
        }
    }

    async fn report(&self, id: RequestId, report: Report) {
        self.hub.0.metrics.reported(match &report {
            Report::Heartbeat(_) => "heartbeat",
            Report::Wired { .. } => "wired",
            Report::Unwired { .. } => "unwired",
            Report::DhcpReady { .. } => "dhcp ready",
        });
        match self.in_time(self.hub.0.source.report(self.peer, report)).await {
            Ok(ack) => self.send(&ServerMessage::ReportAck { id, ack }).await,
            Err(reason) => {
                tracing::warn!(host = self.peer.host, "a report of {} failed: {reason}", self.peer);
                self.refuse(id, reason).await;
            }
        }
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, RefusalReason> {
        let limit = self.hub.0.options.request_timeout;
        match timeout(limit, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(SourceError::Unavailable(why))) => Err(RefusalReason::Unavailable { why }),
            Ok(Err(SourceError::Invalid(why))) => Err(RefusalReason::Invalid { why }),
            Err(_) => Err(RefusalReason::Unavailable {
                why: format!("no answer within {} s", limit.as_secs()),
            }),
        }
    }

    async fn refuse(&self, id: RequestId, reason: RefusalReason) {
        self.send(&ServerMessage::Refused(Refusal { id: Some(id), reason })).await;
    }

    async fn send(&self, message: &ServerMessage) {
        match encode_frame(message) {
            // The queue's other end lives as long as the connection.
            Ok(frame) => drop(self.answers.send(frame).await),
            // The agent misses a chunk or an answer, gives up waiting and asks again.
            Err(error) => {
                tracing::error!(host = self.peer.host, %error, "an answer could not be written");
            }
        }
    }
}

async fn write(
    hub: &Hub,
    peer: &Peer,
    writer: &mut Writer,
    answers: &mut mpsc::Receiver<Bytes>,
    hints: &mut mpsc::Receiver<Bytes>,
) -> End {
    let mut pings = interval(hub.0.options.keepalive);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let mut nonce = 0;
    let welcome = ServerMessage::Welcome(Welcome {
        version: peer.version,
        server: hub.0.options.server.clone(),
    });
    let mut next = encode_frame(&welcome);
    loop {
        let frame = match next {
            Ok(frame) => frame,
            Err(error) => return End::Frame(error),
        };
        let limit = hub.0.options.write_timeout;
        match timeout(limit, writer.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return End::Frame(error),
            Err(_) => return End::Slow(limit),
        }
        next = tokio::select! {
            Some(frame) = answers.recv() => Ok(frame),
            Some(frame) = hints.recv() => Ok(frame),
            _ = pings.tick() => {
                nonce += 1;
                encode_frame(&ServerMessage::Ping { nonce })
            }
        };
    }
}

/// A last word; whether it arrives does not matter.
async fn farewell(writer: &mut Writer, reason: RefusalReason) {
    if let Ok(frame) = encode_frame(&ServerMessage::Refused(Refusal { id: None, reason })) {
        let _ = timeout(FAREWELL, async {
            writer.send(frame).await?;
            SinkExt::<Bytes>::close(writer).await
        })
        .await;
    }
}

/// Counts a connection that did not come to be, and says so once a minute for each address and reason.
fn refuse(hub: &Hub, from: &str, label: &'static str, why: &dyn fmt::Display) {
    hub.0.metrics.refused(label);
    if let Some(held_back) = hub.0.complaints.pass(&format!("{from} {label}")) {
        tracing::warn!(from, held_back, "connection from {from} refused: {why}");
    }
}
