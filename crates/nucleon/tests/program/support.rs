//! A program under test, and a client of a few lines.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a server may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "programs are what is tested, and tested with")]
pub(crate) fn command(program: &str) -> Command {
    Command::new(program)
}

pub(crate) fn nucleon() -> Command {
    let mut command = command(env!("CARGO_BIN_EXE_nucleon"));
    command.env_remove("NUCLEON_LOG");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    nucleon().args(arguments).output().unwrap()
}

pub(crate) fn file(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Waits until a condition holds.
pub(crate) fn patiently(holds: impl Fn() -> bool) {
    let begun = now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it did not come to hold in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What the server of a state directory has said.
pub(crate) fn log(state: &Path) -> String {
    std::fs::read_to_string(state.join("server.log")).unwrap_or_default()
}

/// A running server; killed with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server on a state directory and waits for its first answer; tells how long that took.
    pub(crate) fn start(state: &Path, database: &str) -> (Self, Duration) {
        Self::start_with(state, database, "auth_strategy = noauth\n", "")
    }

    /// With these options in `[DEFAULT]`, and with further groups.
    pub(crate) fn start_with(
        state: &Path,
        database: &str,
        options: &str,
        groups: &str,
    ) -> (Self, Duration) {
        let begun = now();
        let mut server = Self::spawn(state, database, options, groups);
        while server.ask("GET", "/", None).is_none_or(|(status, _)| status != 200) {
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", log(state));
            assert!(begun.elapsed() < PATIENCE, "no answer in {PATIENCE:?}\n{}", log(state));
            std::thread::sleep(Duration::from_millis(2));
        }
        let took = begun.elapsed();
        (server, took)
    }

    /// The same, without waiting.
    pub(crate) fn spawn(state: &Path, database: &str, options: &str, groups: &str) -> Self {
        let port = free_port();
        let config = file(
            state,
            "nucleon.conf",
            &format!(
                "[DEFAULT]\nstate_path = {}\nbind_host = 127.0.0.1\nbind_port = {port}\n{options}\
                 [database]\nconnection = {database}\n[ml2]\n\
                 type_drivers = flat,vlan,local\nmechanism_drivers = openvswitch\n{groups}",
                state.display()
            ),
        );
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(state.join("server.log"))
            .unwrap();
        let child = nucleon()
            .args(["server", "--config-file", &config])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// One request; `None` when there was no whole answer.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let (status, _, body) = self.ask_with(method, path, &[], body)?;
        Some((status, body))
    }

    /// As [`Server::ask`], with headers; answers with the answer's too, as they were sent.
    pub(crate) fn ask_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Option<(u16, String, Value)> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let body = body.map(ToString::to_string).unwrap_or_default();
        let length = body.len();
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: nucleon\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    pub(crate) fn create(&self, collection: &str, body: &Value) -> Value {
        let (status, answer) =
            self.ask("POST", &format!("/v2.0/{collection}"), Some(body)).expect("an answer");
        assert_eq!(status, 201, "{answer}");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the program under test runs by the machine's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
