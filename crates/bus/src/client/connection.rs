//! Connecting, and one connection's life.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use nucleon_model::view::Position;
use nucleon_obs::{Backoff, CancellationToken, Random};
use nucleon_wire::{
    AgentMessage, Answer, AnswerChunk, AnswerError, Assembly, FRAME_LIMIT, FrameCodec, FrameError,
    Hello, Refusal, RefusalReason, Report, ReportAck, RequestId, ServerMessage, Watch, Welcome,
    encode_frame,
};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_util::codec::{FramedRead, FramedWrite};

use super::events::{ClientEvent, Queue};
use super::{CallError, ClientOptions, ConnectionState, ServerAt};
use crate::stream::Stream;
use crate::tls;

/// Answers to the server's pings that wait for the socket; one that finds no room is not sent.
const PONG_QUEUE: usize = 4;

type Reader = FramedRead<ReadHalf<Stream>, FrameCodec<ServerMessage>>;
type Writer = FramedWrite<WriteHalf<Stream>, FrameCodec<ServerMessage>>;

/// A request of the owner's, and where its answer goes.
#[derive(Debug)]
pub(super) enum Call {
    Watch {
        position: Option<Position>,
        verify: bool,
        answer: oneshot::Sender<Result<Answer, CallError>>,
    },
    Report {
        report: Report,
        answer: oneshot::Sender<Result<ReportAck, CallError>>,
    },
}

/// A request that was sent.
#[derive(Debug)]
enum Pending {
    Watch(Assembly, oneshot::Sender<Result<Answer, CallError>>),
    Report(oneshot::Sender<Result<ReportAck, CallError>>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no connection within {} s", .0.as_secs())]
    ConnectTimeout(Duration),
    #[error(transparent)]
    Tls(#[from] tls::BadServerName),
    #[error("the server refuses: {0}")]
    Refused(RefusalReason),
    #[error("the server closed it")]
    Closed,
    #[error("nothing was heard for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("a frame was not taken within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error("unexpected message: {0}")]
    Unexpected(&'static str),
    #[error("its owner has gone")]
    Abandoned,
}

pub(super) async fn run(
    options: ClientOptions,
    random: Random,
    mut calls: mpsc::Receiver<Call>,
    state: watch::Sender<ConnectionState>,
    events: &Queue,
    cancel: &CancellationToken,
) {
    let mut backoff = Backoff::new(options.first_pause, options.longest_pause, random.clone());
    // Agents start anywhere in the list, so that they spread over the servers.
    let skip = random.below(options.servers.len().try_into().unwrap_or(u64::MAX));
    let skip = usize::try_from(skip).unwrap_or(0);
    for server in options.servers.iter().cycle().skip(skip) {
        let attempt = async {
            let begun = Instant::now();
            let end = match meet(&options, server, &mut calls).await {
                Ok((reader, writer, welcome)) => {
                    tracing::info!("connected to {} ({server})", welcome.server);
                    state.send_replace(ConnectionState::Connected {
                        address: server.to_string(),
                        server: welcome.server.clone(),
                    });
                    events.push(ClientEvent::Connected(welcome));
                    let end = hold(&options, reader, writer, &mut calls, events).await;
                    events.push(ClientEvent::Disconnected { why: end.to_string() });
                    end
                }
                Err(end) => end,
            };
            tracing::warn!("no connection to the server at {server}: {end}");
            state.send_replace(ConnectionState::Failed {
                address: server.to_string(),
                why: end.to_string(),
            });
            if begun.elapsed() > options.longest_pause {
                backoff.reset();
            }
            refusing(&mut calls, sleep(backoff.pause())).await.is_ok()
        };
        let go_on = tokio::select! {
            () = cancel.cancelled() => false,
            go_on = attempt => go_on,
        };
        if !go_on {
            return;
        }
    }
}

/// Runs `work` and meanwhile turns down all calls; an error when there will be no more of them.
async fn refusing<T>(
    calls: &mut mpsc::Receiver<Call>,
    work: impl Future<Output = T>,
) -> Result<T, End> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            call = calls.recv() => match call {
                Some(call) => call.fail(CallError::NotConnected),
                None => return Err(End::Abandoned),
            },
        }
    }
}

/// Connects and says hello.
async fn meet(
    options: &ClientOptions,
    server: &ServerAt,
    calls: &mut mpsc::Receiver<Call>,
) -> Result<(Reader, Writer, Welcome), End> {
    let limit = options.connect_timeout;
    let met = timeout(limit, async {
        let (read, write) = tokio::io::split(open(server).await?);
        let mut reader = FramedRead::new(read, FrameCodec::new());
        let mut writer = FramedWrite::new(write, FrameCodec::new());
        let hello = AgentMessage::Hello(Hello {
            versions: options.versions,
            role: options.role,
            host: options.host.clone(),
            program: options.program.clone(),
        });
        writer.send(encode_frame(&hello)?).await?;
        match reader.next().await {
            None => Err(End::Closed),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(ServerMessage::Welcome(welcome))) => {
                reader.decoder_mut().set_limit(FRAME_LIMIT);
                Ok((reader, writer, welcome))
            }
            Some(Ok(ServerMessage::Refused(Refusal { reason, .. }))) => Err(End::Refused(reason)),
            Some(Ok(_)) => Err(End::Unexpected("something before the welcome")),
        }
    });
    refusing(calls, met).await?.unwrap_or(Err(End::ConnectTimeout(limit)))
}

async fn open(server: &ServerAt) -> Result<Stream, End> {
    match server {
        ServerAt::InProcess(hub) => Ok(Box::new(hub.connect().map_err(End::Connect)?)),
        ServerAt::Unix(path) => {
            Ok(Box::new(UnixStream::connect(path).await.map_err(End::Connect)?))
        }
        ServerAt::Tcp { address, tls } => {
            let stream = TcpStream::connect(address).await.map_err(End::Connect)?;
            // Reports are small and must not wait for company; a socket that refuses the option still works.
            let _ = stream.set_nodelay(true);
            match tls {
                None => Ok(Box::new(stream)),
                Some(tls) => {
                    let name = tls::server_name(address)?;
                    Ok(Box::new(tls.0.connect(name, stream).await.map_err(End::Connect)?))
                }
            }
        }
    }
}

/// Keeps a connection until its end.
async fn hold(
    options: &ClientOptions,
    mut reader: Reader,
    mut writer: Writer,
    calls: &mut mpsc::Receiver<Call>,
    events: &Queue,
) -> End {
    let pending = PendingCalls::default();
    let (pongs, mut pong_queue) = mpsc::channel(PONG_QUEUE);
    let end = tokio::select! {
        end = read(options, &mut reader, &pending, &pongs, events) => end,
        end = write(options, &mut writer, calls, &pending, &mut pong_queue) => end,
    };
    pending.fail_all();
    end
}

async fn read(
    options: &ClientOptions,
    reader: &mut Reader,
    pending: &PendingCalls,
    pongs: &mpsc::Sender<AgentMessage>,
    events: &Queue,
) -> End {
    let patience = options.keepalive * 3;
    loop {
        let message = match timeout_at(Instant::now() + patience, reader.next()).await {
            Err(_) => return End::Silent(patience),
            Ok(None) => return End::Closed,
            Ok(Some(Err(error))) => return error.into(),
            Ok(Some(Ok(message))) => message,
        };
        match message {
            ServerMessage::Hint(hint) => events.push(ClientEvent::Hint(hint)),
            ServerMessage::Answer(chunk) => {
                if let Err(error) = pending.chunk(chunk) {
                    return error.into();
                }
            }
            ServerMessage::ReportAck { id, ack } => pending.ack(id, ack),
            ServerMessage::Refused(Refusal { id: Some(id), reason }) => pending.refuse(id, reason),
            ServerMessage::Refused(Refusal { id: None, reason }) => return End::Refused(reason),
            // No room: earlier pongs wait, and any of them will do.
            ServerMessage::Ping { nonce } => drop(pongs.try_send(AgentMessage::Pong { nonce })),
            ServerMessage::Pong { .. } => {}
            ServerMessage::Welcome(_) => return End::Unexpected("a second welcome"),
        }
    }
}

async fn write(
    options: &ClientOptions,
    writer: &mut Writer,
    calls: &mut mpsc::Receiver<Call>,
    pending: &PendingCalls,
    pongs: &mut mpsc::Receiver<AgentMessage>,
) -> End {
    let mut pings = interval(options.keepalive);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    let mut counter = 0;
    loop {
        let message = tokio::select! {
            call = calls.recv() => match call {
                None => return End::Abandoned,
                Some(call) => {
                    counter += 1;
                    pending.begin(counter, call)
                }
            },
            Some(pong) = pongs.recv() => pong,
            _ = pings.tick() => {
                counter += 1;
                AgentMessage::Ping { nonce: counter }
            }
        };
        let frame: Bytes = match encode_frame(&message) {
            Ok(frame) => frame,
            Err(error) => return error.into(),
        };
        match timeout(options.write_timeout, writer.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return End::Slow(options.write_timeout),
        }
    }
}

impl Call {
    /// The caller may have stopped waiting, here and below: then the answer is nobody's.
    fn fail(self, error: CallError) {
        match self {
            Self::Watch { answer, .. } => drop(answer.send(Err(error))),
            Self::Report { answer, .. } => drop(answer.send(Err(error))),
        }
    }
}

impl Pending {
    fn fail(self, error: CallError) {
        match self {
            Self::Watch(_, answer) => drop(answer.send(Err(error))),
            Self::Report(answer) => drop(answer.send(Err(error))),
        }
    }

    fn is_given_up(&self) -> bool {
        match self {
            Self::Watch(_, answer) => answer.is_closed(),
            Self::Report(answer) => answer.is_closed(),
        }
    }
}

/// The requests that wait for an answer; shared by the reader and the writer of one connection.
#[derive(Debug, Default)]
struct PendingCalls(Mutex<HashMap<RequestId, Pending>>);

impl PendingCalls {
    /// The call's message; the answer is awaited from now on.
    fn begin(&self, id: RequestId, call: Call) -> AgentMessage {
        let mut calls = self.lock();
        calls.retain(|_, call| !call.is_given_up());
        match call {
            Call::Watch { position, verify, answer } => {
                calls.insert(id, Pending::Watch(Assembly::new(), answer));
                AgentMessage::Watch(Watch { id, position, verify })
            }
            Call::Report { report, answer } => {
                calls.insert(id, Pending::Report(answer));
                AgentMessage::Report { id, report }
            }
        }
    }

    fn chunk(&self, chunk: AnswerChunk) -> Result<(), AnswerError> {
        let (id, mut calls) = (chunk.id, self.lock());
        // An answer that its caller gave up waiting for is passed over.
        let Some(Pending::Watch(assembly, _)) = calls.get_mut(&id) else {
            return Ok(());
        };
        if let Some(whole) = assembly.push(chunk)?
            && let Some(Pending::Watch(_, answer)) = calls.remove(&id)
        {
            let _ = answer.send(Ok(whole));
        }
        Ok(())
    }

    fn ack(&self, id: RequestId, ack: ReportAck) {
        match self.lock().remove(&id) {
            Some(Pending::Report(answer)) => drop(answer.send(Ok(ack))),
            Some(other) => other.fail(CallError::Broken),
            None => {}
        }
    }

    fn refuse(&self, id: RequestId, reason: RefusalReason) {
        if let Some(call) = self.lock().remove(&id) {
            call.fail(CallError::Refused(reason));
        }
    }

    fn fail_all(&self) {
        for (_, call) in self.lock().drain() {
            call.fail(CallError::Broken);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Pending>> {
        // Every operation on the map leaves it in order.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
