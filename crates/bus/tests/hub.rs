//! The hub and its client over pipes within the process; time moves when everybody waits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use nucleon_bus::fake::sample::{network, port};
use nucleon_bus::fake::{Down, FakeServer};
use nucleon_bus::{
    Answer, CallError, ClientEvent, ClientEvents, ClientOptions, Connect, Hub, HubClient,
    HubOptions, Report, ServerAt, Verify,
};
use nucleon_model::view::{Position, Role};
use nucleon_obs::{Group, Metrics, Random, Tasks};
use nucleon_wire::{
    AgentMessage, FRAME_LIMIT, FrameCodec, Hello, PortMark, RefusalReason, ServerMessage, Version,
    VersionRange, Watch, encode_frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::codec::Framed;

/// A server with its hub.
struct Server {
    source: FakeServer,
    hub: Hub,
    group: Group,
}

impl Server {
    fn new(source: FakeServer) -> Self {
        Self::with(source, HubOptions::default())
    }

    fn with(source: FakeServer, options: HubOptions) -> Self {
        let group = Tasks::new().group("hub", Duration::from_secs(1));
        let hub = Hub::new(Arc::new(source.clone()), options, &Metrics::new(), group.clone());
        Self { source, hub, group }
    }

    fn at(&self) -> ServerAt {
        ServerAt::InProcess(Arc::new(self.hub.clone()))
    }
}

/// A client and the group that it lives in.
struct Agent {
    client: HubClient,
    events: ClientEvents,
    _group: Group,
}

fn agent(host: &str, servers: Vec<ServerAt>) -> Agent {
    agent_with(ClientOptions::new(Role::OvsAgent, host, servers))
}

fn agent_with(options: ClientOptions) -> Agent {
    let group = Tasks::new().group("agent", Duration::from_secs(1));
    let (client, events) = HubClient::start(options, Random::seeded(1), &group);
    Agent { client, events, _group: group }
}

impl Agent {
    async fn connected(&mut self) -> String {
        match self.events.next().await {
            ClientEvent::Connected(welcome) => welcome.server,
            other => panic!("{other:?} instead of a connection"),
        }
    }

    /// Takes a snapshot, and so subscribes.
    async fn watch(&self) -> (Position, usize) {
        match self.client.watch(None, Verify::Nothing).await.unwrap() {
            Answer::Snapshot { position, changes, digest: None } => (position, changes.len()),
            other => panic!("{other:?} instead of a snapshot"),
        }
    }
}

fn cloud() -> FakeServer {
    let source = FakeServer::new();
    source.put_network(network(1, &[]));
    source.put_port(port(1, 1, "h1"));
    source.put_port(port(2, 1, "h2"));
    source
}

/// A connection by hand, after hello.
async fn raw(hub: &Hub, host: &str) -> Framed<DuplexStream, FrameCodec<ServerMessage>> {
    let mut stream = Framed::new(hub.pipe(), FrameCodec::new());
    stream.codec_mut().set_limit(FRAME_LIMIT);
    let hello = Hello {
        versions: VersionRange::OURS,
        role: Role::OvsAgent,
        host: host.into(),
        program: "test".into(),
    };
    stream.send(encode_frame(&AgentMessage::Hello(hello)).unwrap()).await.unwrap();
    assert!(matches!(next(&mut stream).await, Some(ServerMessage::Welcome(_))));
    stream
}

async fn next(
    stream: &mut Framed<DuplexStream, FrameCodec<ServerMessage>>,
) -> Option<ServerMessage> {
    stream.next().await.map(Result::unwrap)
}

#[tokio::test(start_paused = true)]
async fn an_agent_watches_reports_and_hears_hints_of_its_own_scopes() {
    let server = Server::new(cloud());
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    assert_eq!(agent.watch().await.1, 2);

    server.hub.publish(server.source.put_port(port(3, 1, "h2")));
    let own = server.source.put_port(port(4, 1, "h1"));
    server.hub.publish(own.clone());
    let ClientEvent::Hint(hint) = agent.events.next().await else { panic!("no hint") };
    assert!(own.contains(&hint) && hint.changes.is_some(), "{hint:?}");

    let report = Report::Wired { ports: Vec::<PortMark>::new() };
    let ack = agent.client.report(report.clone()).await.unwrap();
    assert!(!ack.resync);
    assert_eq!(server.source.reports(), [("h1".to_owned(), report)]);
    assert_eq!(server.hub.peers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_large_view_arrives_whole_and_hints_pass_it() {
    let source = cloud();
    for number in 10..3010 {
        source.put_port(port(number, 1, "h1"));
    }
    let server = Server::new(source);
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    let answer = agent.client.watch(None, Verify::Digest).await.unwrap();
    let Answer::Snapshot { changes, digest, .. } = answer else { panic!("no snapshot") };
    assert_eq!(changes.len(), 3002);
    assert_eq!(digest, Some(server.source.view(Role::OvsAgent, "h1").digest()));
}

#[tokio::test(start_paused = true)]
async fn the_subscription_is_the_last_answers() {
    let server = Server::new(cloud());
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    server.hub.publish(server.source.put_port(port(5, 1, "h1")));
    let (position, _) = agent.watch().await;
    // The only ports leave, and with them the network's scope.
    for number in [1, 5] {
        server.source.put_port(port(number, 1, "h2"));
    }
    agent.client.watch(Some(position), Verify::Nothing).await.unwrap();
    server.hub.publish(server.source.put_network(network(1, &[])));
    let hints = server.source.put_port(port(6, 1, "h1"));
    server.hub.publish(hints.clone());
    let ClientEvent::Hint(hint) = agent.events.next().await else { panic!("no hint") };
    assert!(hints.contains(&hint), "what was published before or is of another scope is not heard");
}

#[tokio::test(start_paused = true)]
async fn a_slow_agent_loses_hints_and_nobody_else_does() {
    let server = Server::new(cloud());
    let mut slow = raw(&server.hub, "h1").await;
    let watch = AgentMessage::Watch(Watch { id: 1, position: None, verify: false });
    slow.send(encode_frame(&watch).unwrap()).await.unwrap();
    assert!(matches!(next(&mut slow).await, Some(ServerMessage::Answer(_))));
    let mut quick = agent("h1", vec![server.at()]);
    quick.connected().await;
    quick.watch().await;

    // Publishing never waits, whoever reads.
    for _ in 0..20 {
        for _ in 0..100 {
            server.hub.publish(server.source.put_port(port(1, 1, "h1")));
        }
        for _ in 0..100 {
            assert!(matches!(quick.events.next().await, ClientEvent::Hint(_)));
        }
    }
    let dropped = server.hub.metrics().hints_dropped.get();
    assert!(dropped > 1000 && dropped <= 2000, "{dropped}");

    // It is dropped when it takes nothing at all for too long.
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(server.hub.peers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_the_version_before_is_served_without_what_it_does_not_know() {
    let server = Server::new(cloud());
    let mut options = ClientOptions::new(Role::OvsAgent, "h1", vec![server.at()]);
    options.versions = VersionRange { oldest: Version(0), newest: Version::PREVIOUS };
    let mut agent = agent_with(options);
    agent.connected().await;
    let answer = agent.client.watch(None, Verify::Digest).await.unwrap();
    assert!(matches!(answer, Answer::Snapshot { digest: None, .. }));
    server.hub.publish(server.source.put_port(port(1, 1, "h1")));
    let ClientEvent::Hint(hint) = agent.events.next().await else { panic!("no hint") };
    assert_eq!(hint.changes, None);
    assert_eq!(server.hub.peers()[0].version, Version::PREVIOUS);
}

#[tokio::test(start_paused = true)]
async fn a_version_too_old_is_refused_and_tried_again_later() {
    let server = Server::new(cloud());
    let mut options = ClientOptions::new(Role::OvsAgent, "h1", vec![server.at()]);
    options.versions = VersionRange { oldest: Version(0), newest: Version(0) };
    let agent = agent_with(options);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let state = agent.client.state();
    assert!(format!("{state:?}").contains("protocol versions 1 to 2"), "{state:?}");
    assert_eq!(agent.client.watch(None, Verify::Nothing).await, Err(CallError::NotConnected));
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_small_are_left_out() {
    let server = Server::new(cloud());
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    agent.watch().await;
    let mut large = port(1, 1, "h1");
    large.device_id = "x".repeat(20_000);
    server.hub.publish(server.source.put_port(large));
    let ClientEvent::Hint(hint) = agent.events.next().await else { panic!("no hint") };
    assert_eq!(hint.changes, None);
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_its_own_connection_only() {
    let server = Server::new(cloud());
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    let ping = encode_frame(&AgentMessage::Ping { nonce: 1 }).unwrap();
    let hello = encode_frame(&AgentMessage::Hello(Hello {
        versions: VersionRange::OURS,
        role: Role::OvsAgent,
        host: "h3".into(),
        program: String::new(),
    }))
    .unwrap();
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &[0, 0, 0, 2, b'{', b'}'],
        b"\0\0\0\x0f{\"teleport\":{}}",
        &ping,
        &[&hello[..], &hello[..]].concat(),
        &[&hello[..], &[0, 0, 0, 1, b'x']].concat(),
    ] {
        let mut stream = server.hub.pipe();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        // The hub closes it; what it says before is for people.
        stream.read_to_end(&mut rest).await.unwrap();
    }
    assert!(server.hub.metrics().bad_frames.get() >= 5);
    agent.watch().await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_hello_is_shown_the_door() {
    let server = Server::new(cloud());
    let mut stream = server.hub.pipe();
    let mut rest = Vec::new();
    let begun = tokio::time::Instant::now();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), HubOptions::default().handshake_timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_is_dropped_and_one_that_answers_pings_is_not() {
    let server = Server::new(cloud());
    let mut living = agent("h1", vec![server.at()]);
    living.connected().await;
    let mut silent = raw(&server.hub, "h2").await;
    let mut pings = 0;
    while let Some(message) = next(&mut silent).await {
        pings += u32::from(matches!(message, ServerMessage::Ping { .. }));
    }
    assert!(pings >= 2, "{pings}");
    tokio::time::sleep(Duration::from_mins(10)).await;
    let hosts: Vec<_> = server.hub.peers().into_iter().map(|peer| peer.host).collect();
    assert_eq!(hosts, ["h1"]);
}

#[tokio::test(start_paused = true)]
async fn more_connections_than_allowed_find_the_door_closed() {
    let server = Server::with(cloud(), HubOptions { most_connections: 1, ..HubOptions::default() });
    let _first = raw(&server.hub, "h1").await;
    let mut second = server.hub.pipe();
    let mut rest = Vec::new();
    second.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

/// A server that accepts connections and never says a word.
#[derive(Debug, Default)]
struct Mute(Mutex<Vec<DuplexStream>>);

impl Connect for Mute {
    fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(1024);
        self.0.lock().unwrap().push(ours);
        Ok(theirs)
    }
}

/// A server that is not there.
#[derive(Debug)]
struct Absent;

impl Connect for Absent {
    fn connect(&self) -> io::Result<DuplexStream> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

#[tokio::test(start_paused = true)]
async fn any_one_of_the_servers_will_do() {
    let server = Server::new(cloud());
    let mute = ServerAt::InProcess(Arc::new(Mute::default()));
    let mut agent = agent("h1", vec![ServerAt::InProcess(Arc::new(Absent)), mute, server.at()]);
    assert_eq!(agent.connected().await, "nucleon");
    agent.watch().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_sends_its_agents_to_another() {
    let named = |name: &str| HubOptions { server: name.into(), ..HubOptions::default() };
    let source = cloud();
    let (a, b) = (Server::with(source.clone(), named("a")), Server::with(source, named("b")));
    let mut agent = agent("h1", vec![a.at(), b.at()]);
    let first = agent.connected().await;
    let (gone, left) = if first == "a" { (&a, "b") } else { (&b, "a") };
    assert!(gone.group.stop().await.is_empty());
    assert!(matches!(agent.events.next().await, ClientEvent::Disconnected { .. }));
    assert_eq!(agent.connected().await, left);
    agent.watch().await;
    assert!(gone.hub.peers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_breaks_says_so() {
    let server = Server::new(cloud());
    server.source.set_delay(Duration::from_secs(5));
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    let client = agent.client.clone();
    let (answer, _) = tokio::join!(client.watch(None, Verify::Nothing), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.group.stop().await
    });
    assert!(matches!(answer, Err(CallError::Broken)), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn one_watch_at_a_time() {
    let server = Server::new(cloud());
    server.source.set_delay(Duration::from_secs(5));
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    let (first, second) = tokio::join!(
        agent.client.watch(None, Verify::Nothing),
        agent.client.watch(None, Verify::Nothing)
    );
    assert!(first.is_ok());
    assert_eq!(second, Err(CallError::Refused(RefusalReason::Busy)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_database_does_not_cost_the_connection() {
    let server = Server::new(cloud());
    server.source.set_delay(Duration::from_mins(5));
    let mut agent = agent("h1", vec![server.at()]);
    agent.connected().await;
    let answer = agent.client.watch(None, Verify::Nothing).await;
    let Err(CallError::Refused(RefusalReason::Unavailable { why })) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(why, "no answer within 60 s");
    server.source.set_delay(Duration::ZERO);
    agent.watch().await;
    server.source.set_down(Down::Yes);
    let answer = agent.client.watch(None, Verify::Nothing).await;
    assert!(matches!(answer, Err(CallError::Refused(RefusalReason::Unavailable { .. }))));
    assert_eq!(server.hub.peers().len(), 1);
}
