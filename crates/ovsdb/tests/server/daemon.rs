//! A database server of one's own, in a directory that goes with it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nucleon_ovsdb::ovs::View;
use nucleon_ovsdb::{Client, Config, Endpoint, Event, Events, Snapshot, ovs};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const PATIENCE: Duration = Duration::from_secs(30);

/// `ovsdb-server` on a private socket, and `ovs-vswitchd` when a test wants it.
pub(crate) struct Daemon {
    directory: TempDir,
    server: Child,
    switch: Option<Child>,
}

impl Daemon {
    /// A fresh database with its root row, or `None`, loudly, where Open vSwitch is not installed.
    pub(crate) async fn start() -> Result<Option<Self>> {
        for program in ["ovsdb-server", "ovsdb-tool", "ovs-vsctl"] {
            if !is_installed(program) {
                eprintln!("SKIPPED: {program} is not installed");
                return Ok(None);
            }
        }
        if fs::metadata(SCHEMA).is_err() {
            eprintln!("SKIPPED: {SCHEMA} is not there");
            return Ok(None);
        }
        let directory = tempfile::Builder::new().prefix("nucleon-ovsdb-").tempdir()?;
        let database = directory.path().join("conf.db");
        let created = command("ovsdb-tool").arg("create").arg(&database).arg(SCHEMA).output()?;
        ensure!(created.status.success(), "ovsdb-tool create failed");
        let server = spawn_server(&directory)?;
        let daemon = Self { directory, server, switch: None };
        daemon.await_socket().await?;
        daemon.vsctl(["init"])?;
        Ok(Some(daemon))
    }

    /// Ends the server as a crash would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.server = spawn_server(&self.directory)?;
        self.await_socket().await
    }

    /// Starts `ovs-vswitchd` on dummy devices, which touch nothing outside its process.
    pub(crate) fn start_switch(&mut self) -> Result<bool> {
        if !is_installed("ovs-vswitchd") {
            eprintln!("SKIPPED: ovs-vswitchd is not installed");
            return Ok(false);
        }
        let directory = self.directory.path();
        let switch = command("ovs-vswitchd")
            .env("OVS_RUNDIR", directory)
            .arg(self.endpoint().to_string())
            .arg("--enable-dummy=override")
            .arg("--disable-system")
            .arg(format!("--unixctl={}", directory.join("vswitchd.ctl").display()))
            .arg(format!("--log-file={}", directory.join("vswitchd.log").display()))
            .args(["--no-chdir", "-vconsole:off"])
            .stderr(Stdio::null())
            .spawn();
        self.switch = Some(switch?);
        Ok(true)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::Unix(self.socket())
    }

    /// What `ovs-vsctl` prints, without the newline at its end.
    pub(crate) fn vsctl<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let output: Output = command("ovs-vsctl")
            .arg(format!("--db={}", self.endpoint()))
            .args(["--no-wait", "--timeout=20"])
            .args(words)
            .output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ovs-vsctl: {complaint}");
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// A client that monitors the typed rows, and its first snapshot.
    pub(crate) async fn client(&self) -> Result<(Client, Events, Snapshot)> {
        let (client, mut events) = Client::connect(self.endpoint(), ovs::monitor(), quick());
        let snapshot = connected(&mut events).await?;
        Ok((client, events, snapshot))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("server.log")).unwrap_or_default()
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("db.sock")
    }

    async fn await_socket(&self) -> Result<()> {
        for _ in 0..1000 {
            if std::os::unix::net::UnixStream::connect(self.socket()).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("ovsdb-server does not listen: {}", self.log())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        for child in self.switch.iter_mut().chain([&mut self.server]) {
            // One that a test killed is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Reconnects at once, so that tests need not wait.
pub(crate) fn quick() -> Config {
    let mut config = Config::default();
    config.backoff.first = Duration::from_millis(10);
    config.backoff.longest = Duration::from_millis(50);
    config
}

pub(crate) async fn next(events: &mut Events) -> Result<Event> {
    timeout(PATIENCE, events.recv()).await.context("no event came")?.context("the client stopped")
}

/// The next snapshot, past whatever comes before it.
pub(crate) async fn connected(events: &mut Events) -> Result<Snapshot> {
    loop {
        if let Event::Connected(snapshot) = next(events).await? {
            return Ok(snapshot);
        }
    }
}

/// Follows events until the view is as wanted.
pub(crate) async fn follow(
    events: &mut Events,
    view: &mut View,
    mut is_wanted: impl FnMut(&View) -> bool,
) -> Result<()> {
    while !is_wanted(view) {
        match next(events).await? {
            Event::Connected(snapshot) => *view = View::from_snapshot(&snapshot)?,
            Event::Changed(changes) => drop(view.apply(&changes)?),
            Event::Disconnected(reason) => eprintln!("disconnected: {reason}"),
        }
    }
    Ok(())
}

fn spawn_server(directory: &TempDir) -> Result<Child> {
    let file = |name: &str| directory.path().join(name).display().to_string();
    Ok(command("ovsdb-server")
        .arg(file("conf.db"))
        .arg(format!("--remote=punix:{}", file("db.sock")))
        .arg(format!("--unixctl={}", file("server.ctl")))
        .arg(format!("--log-file={}", file("server.log")))
        .args(["--no-chdir", "-vconsole:off"])
        .stderr(Stdio::null())
        .spawn()?)
}

fn is_installed(program: &str) -> bool {
    command(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

#[expect(clippy::disallowed_methods, reason = "a test starts the server that it tests against")]
fn command(program: &str) -> Command {
    Command::new(program)
}
