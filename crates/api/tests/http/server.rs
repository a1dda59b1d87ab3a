//! The socket: connections, their end, and what floods do.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nucleon_api::{ApiOptions, ApiParts, Server};
use nucleon_core::Settings;
use nucleon_obs::{CancellationToken, OwnedTask, Tasks};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{core, parts};

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    ended: tokio::sync::oneshot::Receiver<()>,
    _task: OwnedTask,
}

pub(crate) async fn start(options: ApiOptions) -> Running {
    start_with(parts(core(Settings::default()).await), options).await
}

pub(crate) async fn start_with(parts: ApiParts, options: ApiOptions) -> Running {
    let options = ApiOptions { bind: (Ipv4Addr::LOCALHOST, 0).into(), ..options };
    let server = Server::bind(parts, options).await.unwrap();
    let address = server.local_addr();
    let (stop, (end, ended)) = (CancellationToken::new(), tokio::sync::oneshot::channel());
    let shutdown = stop.clone();
    let group = Tasks::new().group("api", Duration::from_secs(5));
    let task = group.spawn_owned("server", |_| async move {
        server.serve(shutdown).await;
        let _ = end.send(());
    });
    Running { address, stop, ended, _task: task }
}

pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &str,
) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

/// Reads one answer with a length.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length.is_none_or(|length| body.len() >= length.parse().unwrap())
        });
        if read == 0 || whole {
            return text;
        }
    }
}

pub(crate) const HEALTH: &str = "GET /healthcheck HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_several_requests_and_links_name_its_port() {
    let server = start(ApiOptions::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for _ in 0..3 {
        assert!(exchange(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200 OK"));
    }
    let answer = exchange(&mut stream, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains(&format!("http://{}/v2.0/", server.address)), "{answer}");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_the_server() {
    let mut server = start(ApiOptions::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    exchange(&mut stream, HEALTH).await;
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), &mut server.ended).await.unwrap().unwrap();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_the_end() {
    let mut server = start(ApiOptions::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = r#"{"network": {"name": "last"}}"#;
    let head = format!(
        "POST /v2.0/networks HTTP/1.1\r\nhost: x\r\nx-project-id: p1\r\nx-roles: member\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    // `Expect` makes the server say that it has begun with the request.
    let head = head.replace("host: x", "host: x\r\nexpect: 100-continue");
    let begun = exchange(&mut stream, &head).await;
    assert!(begun.starts_with("HTTP/1.1 100"), "{begun}");
    server.stop.cancel();
    let answer = exchange(&mut stream, body).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    tokio::time::timeout(Duration::from_secs(5), &mut server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_stalls_does_not_keep_the_server_from_ending() {
    let options = ApiOptions { drain_timeout: Duration::from_millis(50), ..ApiOptions::default() };
    let mut server = start(options).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /v2.0/networks HTTP/1.1\r\nhost: x\r\nx-project-id: p1\r\nexpect: 100-continue\r\n\
                content-length: 100\r\n\r\n";
    exchange(&mut stream, head).await;
    server.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), &mut server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let options = ApiOptions { head_timeout: Duration::from_millis(50), ..ApiOptions::default() };
    let server = start(options).await;
    for sent in ["", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let end = stream.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(5), end).await.expect("cut off").unwrap();
    }
}

#[tokio::test]
async fn garbage_and_endless_heads_are_refused() {
    let server = start(ApiOptions::default()).await;
    let endless = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(300_000));
    for sent in ["\u{1}\u{2}nonsense\r\n\r\n", "GET\r\n\r\n", &endless] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // The server may close before all is sent.
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        let text = String::from_utf8_lossy(&rest);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    assert!(exchange(&mut stream, HEALTH).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let server = start(ApiOptions { connections: 1, ..ApiOptions::default() }).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    exchange(&mut first, HEALTH).await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(HEALTH.as_bytes()).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(100), answer(&mut second)).await;
    assert!(waited.is_err(), "answered although there was no room");
    drop(first);
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let server = start(ApiOptions::default()).await;
    let options = ApiOptions { bind: server.address, ..ApiOptions::default() };
    let error = Server::bind(parts(core(Settings::default()).await), options).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address));
}
