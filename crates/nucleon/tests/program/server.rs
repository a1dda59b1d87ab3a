//! The server: start, end, and what it has acknowledged.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::{Server, log, patiently};

fn end(mut server: Server, signal: Signal) -> Option<i32> {
    let pid = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
    kill(pid, signal).unwrap();
    server.child.wait().unwrap().code()
}

fn port_count(server: &Server) -> usize {
    let (status, answer) = server.ask("GET", "/v2.0/ports?fields=id", None).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["ports"].as_array().map_or(0, Vec::len)
}

fn network_with_subnet(server: &Server) -> Value {
    let network = server.create("networks", &json!({"network": {"name": "n"}}));
    let id = network["network"]["id"].clone();
    let subnet = json!({"subnet": {"network_id": id, "ip_version": 4, "cidr": "10.0.0.0/24"}});
    server.create("subnets", &subnet);
    id
}

fn acknowledged_survives_a_kill(state: &Path, database: &str) {
    let (server, _) = Server::start(state, database);
    let network = network_with_subnet(&server);
    for _ in 0..5 {
        server.create("ports", &json!({"port": {"network_id": network}}));
    }
    assert_eq!(end(server, Signal::SIGKILL), None);
    let (server, took) = Server::start(state, database);
    assert_eq!(port_count(&server), 5);
    eprintln!("first answer {} ms after the start", took.as_millis());
    assert_eq!(end(server, Signal::SIGTERM), Some(0), "SIGTERM ends it in order");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let sqlite = tempfile::tempdir().unwrap();
    let path = sqlite.path().join("n.sqlite");
    acknowledged_survives_a_kill(sqlite.path(), &format!("sqlite:///{}", path.display()));
    for database in nucleon_testkit::databases() {
        if database.url.starts_with("sqlite") {
            continue;
        }
        let state = tempfile::tempdir().unwrap();
        acknowledged_survives_a_kill(state.path(), &database.url);
    }
}

#[test]
fn a_start_that_waits_for_its_database_says_so_and_can_be_ended() {
    let state = tempfile::tempdir().unwrap();
    // It takes connections, and then says nothing, as a database that hangs.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let database = format!("mysql+pymysql://neutron:hush-hush@{address}/neutron");
    let server = Server::spawn(state.path(), &database, "auth_strategy = noauth\n", "");
    patiently(|| log(state.path()).contains("waiting for the database"));
    let said = log(state.path());
    assert!(said.contains(&address.to_string()), "{said}");
    assert!(!said.contains("hush-hush"), "{said}");
    assert_eq!(end(server, Signal::SIGTERM), Some(0));
}

#[test]
fn nobody_else_can_listen_where_a_server_does() {
    let state = tempfile::tempdir().unwrap();
    let (server, _) = Server::start(state.path(), "sqlite:///n.sqlite");
    let config = state.path().join("nucleon.conf");
    let second = crate::support::run(&["server", "--config-file", config.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("hub") || said.contains("127.0.0.1"), "{said}");
    drop(server);
}

#[test]
fn the_figures_of_the_control_plane_are_shown() {
    let state = tempfile::tempdir().unwrap();
    let (server, _) = Server::start(state.path(), "sqlite:///n.sqlite");
    network_with_subnet(&server);
    let text = {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    for name in [
        "nucleon_database_up 1",
        "nucleon_journal_position",
        "nucleon_api_requests_total",
        "nucleon_hub_connections",
    ] {
        assert!(text.contains(name), "{name} is missing in:\n{text}");
    }
}
