//! The client against a server that misbehaves.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::BytesMut;
use nucleon_ovsdb::{
    Client, Config, Disconnect, Endpoint, Error, Event, Events, FrameDecoder, FrameError,
    FrameLimits, MonitorSpec, Transaction,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);
const ROW: &str = "00000000-0000-0000-0000-00000000000a";

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// The server's end of one connection.
struct Peer {
    stream: Box<dyn Stream>,
    decoder: FrameDecoder,
    buffer: BytesMut,
}

impl Peer {
    fn new(stream: impl Stream + 'static) -> Self {
        let decoder = FrameDecoder::new(FrameLimits::default());
        Self { stream: Box::new(stream), decoder, buffer: BytesMut::new() }
    }

    /// The client's next message, or `None` when it has hung up.
    async fn read(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.buffer)? {
                return Ok(Some(serde_json::from_slice(&frame)?));
            }
            let read = self.stream.read_buf(&mut self.buffer);
            if timeout(PATIENCE, read).await.context("the client is silent")?? == 0 {
                return Ok(None);
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<()> {
        self.send_bytes(message.to_string().as_bytes()).await
    }

    async fn send_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Gives the client its schema and its first snapshot.
    async fn welcome(&mut self) -> Result<()> {
        let schema =
            json!({"name": "D", "tables": {"T": {"columns": {"name": {"type": "string"}}}}});
        let snapshot = json!({"T": {ROW: {"initial": {"name": "n"}}}});
        for (method, result) in [("get_schema", schema), ("monitor_cond", snapshot)] {
            let request = self.read().await?.context("the client hung up")?;
            assert_eq!(request["method"], method);
            self.send(&json!({"id": request["id"], "result": result, "error": null})).await?;
        }
        Ok(())
    }
}

struct Bench {
    _directory: TempDir,
    listener: UnixListener,
    client: Client,
    events: Events,
}

impl Bench {
    fn new(adjust: impl FnOnce(&mut Config)) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("db.sock");
        let listener = UnixListener::bind(&path)?;
        let mut config = Config::default();
        config.backoff.first = Duration::from_millis(5);
        config.backoff.longest = Duration::from_millis(20);
        adjust(&mut config);
        let (client, events) = Client::connect(Endpoint::Unix(path), spec(), config);
        Ok(Self { _directory: directory, listener, client, events })
    }

    async fn accept(&self) -> Result<Peer> {
        let accepted = timeout(PATIENCE, self.listener.accept()).await;
        Ok(Peer::new(accepted.context("the client does not connect")??.0))
    }

    /// A connection that got as far as its snapshot.
    async fn live(&mut self) -> Result<Peer> {
        let mut peer = self.accept().await?;
        peer.welcome().await?;
        loop {
            match next(&mut self.events).await? {
                Event::Connected(snapshot) => {
                    assert_eq!(snapshot.len(), 1);
                    return Ok(peer);
                }
                Event::Disconnected(_) => {}
                event @ Event::Changed(_) => panic!("{event:?}"),
            }
        }
    }

    async fn lost(&mut self) -> Result<std::sync::Arc<Disconnect>> {
        match next(&mut self.events).await? {
            Event::Disconnected(reason) => Ok(reason),
            event => panic!("{event:?}"),
        }
    }
}

fn spec() -> MonitorSpec {
    MonitorSpec::new("D").table("T", ["name"])
}

async fn next(events: &mut Events) -> Result<Event> {
    timeout(PATIENCE, events.recv()).await.context("no event")?.context("the client stopped")
}

fn comment() -> Transaction {
    let mut transaction = Transaction::new();
    transaction.comment("x");
    transaction
}

#[tokio::test]
async fn malformed_messages_are_counted_and_followed_by_a_new_session() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let update = |body: Value| json!({"id": null, "method": "update2", "params": [null, body]});
    let broken: [Vec<u8>; 7] = [
        b"garbage".to_vec(),
        b"{\"id\":nul}".to_vec(),
        b"{}".to_vec(),
        "[".repeat(50).into_bytes(),
        format!("{{\"a\":{}", "[".repeat(50)).into_bytes(),
        update(json!({"T": {ROW: {"modify": {"name": 5}}}})).to_string().into_bytes(),
        update(json!({"U": {}})).to_string().into_bytes(),
    ];
    for (number, bytes) in (1..).zip(broken) {
        let mut peer = bench.live().await?;
        peer.send_bytes(&bytes).await?;
        let reason = bench.lost().await?;
        let is_malformed = matches!(
            *reason,
            Disconnect::Frame(_) | Disconnect::Message(_) | Disconnect::Session(_)
        );
        assert!(is_malformed, "{reason:?}");
        assert_eq!(bench.client.counters().malformed, number);
    }
    bench.live().await?;
    assert_eq!(bench.client.counters().connected, 8);
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() -> Result<()> {
    let mut bench = Bench::new(|config| config.limits.bytes = 1000)?;
    let mut peer = bench.live().await?;
    peer.send_bytes(format!("{{\"{}", "x".repeat(2000)).as_bytes()).await?;
    let reason = bench.lost().await?;
    assert!(
        matches!(*reason, Disconnect::Frame(FrameError::TooLong { limit: 1000 })),
        "{reason:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_silent_server_is_probed_and_then_given_up() -> Result<()> {
    let mut bench = Bench::new(|config| config.probe_interval = Duration::from_millis(300))?;
    let mut peer = bench.live().await?;
    for _ in 0..3 {
        let probe = peer.read().await?.context("the client hung up")?;
        assert_eq!(probe, json!({"method": "echo", "params": [], "id": "probe"}));
        peer.send(&json!({"id": "probe", "result": [], "error": null})).await?;
    }
    assert_eq!(bench.client.counters().lost, 0);
    let reason = bench.lost().await?;
    assert!(matches!(*reason, Disconnect::Inactive(_)), "{reason:?}");
    assert_eq!(bench.client.counters().unexpected, 0);
    Ok(())
}

#[tokio::test]
async fn an_echo_is_answered() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let mut peer = bench.live().await?;
    peer.send(&json!({"method": "echo", "params": ["a", 1], "id": "e"})).await?;
    let answer = peer.read().await?;
    assert_eq!(answer, Some(json!({"id": "e", "result": ["a", 1], "error": null})));
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_snapshot_is_given_up() -> Result<()> {
    let mut bench = Bench::new(|config| config.snapshot_timeout = Duration::from_millis(50))?;
    let _peer = bench.accept().await?;
    let reason = bench.lost().await?;
    assert!(matches!(*reason, Disconnect::NoSnapshot(_)), "{reason:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_is_told_once() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    for _ in 0..5 {
        drop(bench.accept().await?);
    }
    bench.lost().await?;
    let mut peer = bench.accept().await?;
    peer.welcome().await?;
    assert!(matches!(next(&mut bench.events).await?, Event::Connected(_)));
    assert!(bench.client.counters().lost >= 5);
    Ok(())
}

#[tokio::test]
async fn the_last_handle_takes_the_connection_along() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let mut peer = bench.live().await?;
    let other = bench.client.clone();
    drop(bench.client);
    peer.send(&json!({"method": "echo", "params": [], "id": 5})).await?;
    assert!(peer.read().await?.is_some());
    drop(other);
    assert_eq!(peer.read().await?, None);
    assert!(timeout(PATIENCE, bench.events.recv()).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_client_without_a_reader_of_events_goes_on() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let mut peer = bench.live().await?;
    drop(bench.events);
    let change = json!({"T": {ROW: {"modify": {"name": "m"}}}});
    peer.send(&json!({"id": null, "method": "update2", "params": [null, change]})).await?;
    let found = bench.client.wait_for(PATIENCE, |snapshot| {
        let (_, row) = snapshot.rows("T").next()?;
        (row.string("name") == Ok("m")).then_some(())
    });
    found.await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_fails_its_transaction_only() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let mut peer = bench.live().await?;
    for (answer, is_expected) in [
        (json!({"result": 5, "error": null}), true),
        (json!({"result": null, "error": "not this time"}), false),
    ] {
        let server = async {
            let request = peer.read().await?.context("the client hung up")?;
            let mut answer = answer;
            answer["id"] = request["id"].clone();
            peer.send(&answer).await
        };
        let (asked, served) = tokio::join!(bench.client.transact(comment()), server);
        served?;
        match asked.unwrap_err() {
            Error::Reply(_) => assert!(is_expected),
            Error::Refused(reason) => {
                assert_eq!((reason.as_str(), is_expected), ("not this time", false));
            }
            other => panic!("{other:?}"),
        }
    }
    let counters = bench.client.counters();
    assert_eq!((counters.malformed, counters.lost, counters.transactions_failed), (1, 0, 2));
    Ok(())
}

#[tokio::test]
async fn a_late_answer_harms_nobody() -> Result<()> {
    let mut bench = Bench::new(|_| {})?;
    let mut peer = bench.live().await?;
    let limit = Duration::from_millis(20);
    let late = bench.client.transact_within(comment(), limit).await;
    assert!(matches!(late, Err(Error::Timeout(_))));
    let first = peer.read().await?.context("the client hung up")?;
    // The client takes back what nobody waits for.
    let cancel = peer.read().await?.context("the client hung up")?;
    assert_eq!(cancel, json!({"method": "cancel", "params": [first["id"]], "id": null}));
    peer.send(&json!({"id": first["id"], "result": [{}], "error": null})).await?;
    let server = async {
        let second = peer.read().await?.context("the client hung up")?;
        peer.send(&json!({"id": second["id"], "result": [{}], "error": null})).await
    };
    let (asked, served) = tokio::join!(bench.client.transact(comment()), server);
    served?;
    assert_eq!(asked?.len(), 1);
    assert_eq!(bench.client.counters().unexpected, 1);
    Ok(())
}

#[tokio::test]
async fn tcp_does_as_well() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("tcp:{}", listener.local_addr()?).parse()?;
    let (_client, mut events) = Client::connect(endpoint, spec(), Config::default());
    let mut peer = Peer::new(listener.accept().await?.0);
    peer.welcome().await?;
    assert!(matches!(next(&mut events).await?, Event::Connected(_)));
    Ok(())
}
