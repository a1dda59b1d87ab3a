//! One connection: bytes to messages to the session, and back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::Config;
use super::counters::count;
use super::endpoint::{Reader, Writer};
use super::liveness::{Check, Liveness};
use super::outbox::Event;
use super::task::{Command, Question, Report};
use crate::error::{Disconnect, Error};
use crate::frame::FrameDecoder;
use crate::monitor::MonitorSpec;
use crate::rpc::{Message, request};
use crate::session::{FIRST_FREE_ID, Output, Session, cancel, probe};
use crate::transaction::{OpResult, OperationKind, results};

/// Transactions sent and not answered. More wait in the channel of commands.
const IN_FLIGHT: usize = 256;
/// Bytes waiting for the server to read them, past which no command is taken.
const OUTPUT_FULL: usize = 1 << 20;
/// Bytes waiting for the server past which it does not read at all; only its own echo requests lead
/// here.
const OUTPUT_LIMIT: usize = 64 << 20;
const READ: usize = 64 << 10;
/// How often requests that nobody waits for any more are taken back.
const SWEEP: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    reader: Reader,
    writer: Writer,
    session: Session,
    decoder: FrameDecoder,
    input: BytesMut,
    output: BytesMut,
    pending: BTreeMap<u64, Pending>,
    next_id: u64,
    liveness: Liveness,
    snapshot_timeout: Duration,
    snapshot_deadline: Instant,
}

struct Pending {
    kinds: Vec<OperationKind>,
    reply: oneshot::Sender<Result<Vec<OpResult>, Error>>,
}

/// How a connection ended.
pub(super) enum End {
    Lost(Arc<Disconnect>),
    /// No handle is left.
    Stopped,
}

impl Connection {
    pub(super) fn new(reader: Reader, writer: Writer, spec: MonitorSpec, config: Config) -> Self {
        let now = Instant::now();
        let (session, first) = Session::start(spec);
        let mut connection = Self {
            reader,
            writer,
            session,
            decoder: FrameDecoder::new(config.limits),
            input: BytesMut::new(),
            output: BytesMut::new(),
            pending: BTreeMap::new(),
            next_id: FIRST_FREE_ID,
            liveness: Liveness::new(config.probe_interval, now),
            snapshot_timeout: config.snapshot_timeout,
            snapshot_deadline: now + config.snapshot_timeout,
        };
        connection.send(&first);
        connection
    }

    /// Whether there was a snapshot.
    pub(super) const fn was_live(&self) -> bool {
        self.session.replica().is_some()
    }

    /// Serves until the connection is lost or no handle is left.
    pub(super) async fn serve(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        report: &mut Report,
    ) -> End {
        let reason = loop {
            match self.turn(commands, report).await {
                Ok(true) => {}
                Ok(false) => return End::Stopped,
                Err(reason) => break Arc::new(reason),
            }
        };
        if matches!(*reason, Disconnect::Frame(_) | Disconnect::Message(_) | Disconnect::Session(_))
        {
            count(&report.counters.malformed);
        }
        for (_, pending) in std::mem::take(&mut self.pending) {
            drop(pending.reply.send(Err(Error::Lost(Arc::clone(&reason)))));
        }
        End::Lost(reason)
    }

    /// Waits for one thing to happen and deals with it; false when no handle is left.
    async fn turn(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        report: &mut Report,
    ) -> Result<bool, Disconnect> {
        let has_room = self.pending.len() < IN_FLIGHT && self.output.len() < OUTPUT_FULL;
        let wake = self.wake();
        self.input.reserve(READ);
        // Reading goes on while writing waits: a server that writes a large update before it reads
        // again must not be waited for in turn.
        tokio::select! {
            read = self.reader.read_buf(&mut self.input) => match read {
                Ok(0) => return Err(Disconnect::Closed),
                Ok(length) => self.received(length, report)?,
                Err(error) => return Err(Disconnect::Io(error)),
            },
            written = self.writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                written.map_err(Disconnect::Io)?;
            }
            command = commands.recv(), if has_room => match command {
                None => return Ok(false),
                Some(command) => self.command(command, report),
            },
            () = report.deliver(), if report.has_waiting() => {}
            () = sleep_until(wake) => self.woken(report)?,
        }
        Ok(true)
    }

    fn wake(&self) -> Instant {
        let mut wake = self.liveness.deadline();
        if !self.was_live() {
            wake = wake.min(self.snapshot_deadline);
        }
        if !self.pending.is_empty() {
            wake = wake.min(Instant::now() + SWEEP);
        }
        wake
    }

    fn woken(&mut self, report: &Report) -> Result<(), Disconnect> {
        let now = Instant::now();
        if !self.was_live() && now >= self.snapshot_deadline {
            return Err(Disconnect::NoSnapshot(self.snapshot_timeout));
        }
        self.sweep(report);
        match self.liveness.check(now) {
            Check::Alive => Ok(()),
            Check::Probe => {
                self.send(&probe());
                Ok(())
            }
            Check::Dead => Err(Disconnect::Inactive(self.liveness.interval())),
        }
    }

    fn received(&mut self, length: usize, report: &mut Report) -> Result<(), Disconnect> {
        use std::sync::atomic::Ordering;

        self.liveness.heard(Instant::now());
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        report.counters.bytes_received.fetch_add(length, Ordering::Relaxed);
        while let Some(frame) = self.decoder.decode(&mut self.input)? {
            count(&report.counters.messages_received);
            let output = self.session.receive(Message::parse(&frame)?)?;
            self.act(output, report)?;
        }
        Ok(())
    }

    fn act(&mut self, output: Output, report: &mut Report) -> Result<(), Disconnect> {
        match output {
            Output::Nothing => {}
            Output::Send(message) => {
                self.send(&message);
                if self.output.len() > OUTPUT_LIMIT {
                    return Err(Disconnect::NotReading(self.output.len()));
                }
            }
            Output::Live => {
                if let Some(replica) = self.session.replica() {
                    let snapshot = replica.snapshot().clone();
                    count(&report.counters.connected);
                    tracing::info!(
                        database = replica.schema().name(),
                        schema = replica.schema().version(),
                        rows = snapshot.len(),
                        "connected to the database"
                    );
                    report.push(Event::Connected(snapshot));
                }
            }
            Output::Changed(changes) if changes.is_empty() => {}
            Output::Changed(changes) => report.push(Event::Changed(changes)),
            Output::Reply { id, outcome } => self.answered(id, outcome, report),
            Output::Unexpected => count(&report.counters.unexpected),
        }
        Ok(())
    }

    fn answered(&mut self, id: u64, outcome: Result<Value, Value>, report: &Report) {
        let (Some(pending), Some(replica)) = (self.pending.remove(&id), self.session.replica())
        else {
            count(&report.counters.unexpected);
            return;
        };
        let answer = match outcome {
            Err(error) => Err(Error::refused(&error)),
            Ok(json) => match results(&pending.kinds, json, replica.schema()) {
                Err(error) => {
                    count(&report.counters.malformed);
                    Err(Error::Reply(error))
                }
                Ok(Err(error)) => Err(Error::Operation(error)),
                Ok(Ok(results)) => Ok(results),
            },
        };
        if answer.is_err() {
            count(&report.counters.transactions_failed);
        }
        // Who asked may have stopped waiting.
        drop(pending.reply.send(answer));
    }

    fn command(&mut self, command: Command, report: &Report) {
        match (command, self.session.replica()) {
            (command, None) => command.refuse(),
            (Command::Snapshot(reply), Some(replica)) => {
                drop(reply.send(Some(replica.snapshot().clone())));
            }
            (Command::Transact(question), Some(_)) => self.ask(question, report),
        }
    }

    fn ask(&mut self, question: Question, report: &Report) {
        // The caller's time ran out while the command waited: nothing is sent that nobody would
        // hear of.
        if question.reply.is_closed() {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.send(&request("transact", question.params, id.into()));
        count(&report.counters.transactions);
        self.pending.insert(id, Pending { kinds: question.kinds, reply: question.reply });
    }

    fn sweep(&mut self, report: &Report) {
        let gone: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.reply.is_closed())
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.pending.remove(&id);
            self.send(&cancel(id));
            count(&report.counters.transactions_cancelled);
        }
    }

    fn send(&mut self, message: &Value) {
        self.output.extend_from_slice(message.to_string().as_bytes());
    }
}
