//! An Open vSwitch of its own for each test, in a network namespace of its own.

#![expect(clippy::disallowed_methods, reason = "starts and asks a switch of the test's own")]

use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_openflow::{Connection, Events, Flow};
use tempfile::TempDir;

static COUNTER: AtomicU32 = AtomicU32::new(0);
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

pub(crate) struct Switch {
    directory: TempDir,
    namespace: String,
}

impl Switch {
    /// A switch with the bridge `br0`, or nothing where one cannot be run.
    pub(crate) fn start() -> Result<Option<Self>> {
        let root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
        let installed = ["ovsdb-server", "ovs-vswitchd", "ovs-ofctl", "ip"]
            .iter()
            .all(|tool| Command::new(tool).arg("-V").output().is_ok());
        if !root || !installed || !Path::new(SCHEMA).exists() {
            eprintln!("SKIPPED: needs root, Open vSwitch and iproute2");
            return Ok(None);
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let switch = Self {
            directory: TempDir::with_prefix("nucleon-of-")?,
            namespace: format!("nof{}-{number}", id()),
        };
        run(Command::new("ip").args(["netns", "add", &switch.namespace]))?;
        run(Command::new("ip").args(["-n", &switch.namespace, "link", "set", "lo", "up"]))?;
        switch.run("ovsdb-tool", &["create", &switch.file("conf.db"), SCHEMA])?;
        switch.run(
            "ovsdb-server",
            &[
                &switch.file("conf.db"),
                &format!("--remote=punix:{}", switch.file("db.sock")),
                &format!("--pidfile={}", switch.file("ovsdb-server.pid")),
                &format!("--log-file={}", switch.file("ovsdb-server.log")),
                "--detach",
                "--no-chdir",
                "-vconsole:off",
            ],
        )?;
        switch.run("ovs-vsctl", &["--no-wait", "init"])?;
        switch.start_vswitchd()?;
        switch.add_bridge("br0", "OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15")?;
        Ok(Some(switch))
    }

    pub(crate) fn start_vswitchd(&self) -> Result<()> {
        self.run(
            "ovs-vswitchd",
            &[
                &format!("unix:{}", self.file("db.sock")),
                &format!("--pidfile={}", self.file("ovs-vswitchd.pid")),
                &format!("--log-file={}", self.file("ovs-vswitchd.log")),
                "--detach",
                "--no-chdir",
                "-vconsole:off",
            ],
        )?;
        Ok(())
    }

    pub(crate) fn add_bridge(&self, name: &str, protocols: &str) -> Result<()> {
        let protocols = format!("protocols={protocols}");
        let options = ["datapath_type=netdev", "fail_mode=secure", &protocols];
        let add = ["add-br", name, "--", "set", "bridge", name];
        self.run("ovs-vsctl", &[&add[..], &options[..]].concat())?;
        Ok(())
    }

    pub(crate) fn management(&self, bridge: &str) -> PathBuf {
        self.directory.path().join(format!("{bridge}.mgmt"))
    }

    pub(crate) async fn connect(&self, bridge: &str) -> Result<(Connection, Events)> {
        Ok(Connection::open(self.management(bridge)).await?)
    }

    /// Runs a tool against this switch and returns what it prints.
    pub(crate) fn run(&self, tool: &str, arguments: &[&str]) -> Result<String> {
        let directory = self.directory.path();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace, tool]).args(arguments);
        for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, directory);
        }
        run(&mut command)
    }

    /// `ovs-ofctl` with OpenFlow 1.5.
    pub(crate) fn ofctl(&self, arguments: &[&str]) -> Result<String> {
        self.run("ovs-ofctl", &[&["-O", "OpenFlow15"], arguments].concat())
    }

    /// The flows of a bridge as `ovs-ofctl` prints them, without the heads of the lines.
    pub(crate) fn printed_flows(&self, bridge: &str) -> Result<Vec<String>> {
        let printed = self.ofctl(&["dump-flows", "--no-names", bridge])?;
        let flows = printed.lines().skip(1);
        let mut bodies: Vec<String> = flows
            .map(|line| line.rsplit(", ").next().unwrap_or_default().trim().to_owned())
            .collect();
        bodies.sort();
        Ok(bodies)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn stop(&self, daemon: &str) {
        let Ok(pid) = std::fs::read_to_string(self.file(&format!("{daemon}.pid"))) else { return };
        let pid = pid.trim();
        let _ = Command::new("kill").args(["-9", pid]).status();
        for _ in 0..200 {
            if !Path::new("/proc").join(pid).exists() {
                break;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.file("ovs-vswitchd.log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!("last lines of ovs-vswitchd.log, newest first:\n{}", tail.join("\n"));
        }
        self.stop("ovs-vswitchd");
        self.stop("ovsdb-server");
        let _ = Command::new("ip").args(["netns", "delete", &self.namespace]).status();
    }
}

pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {errors}");
    Ok(String::from_utf8(output.stdout)?)
}

/// What `ovs-ofctl dump-flows` prints of a flow after cookie, table and counters.
pub(crate) fn body(flow: &Flow) -> String {
    let mut parts = Vec::new();
    if flow.priority != 0x8000 {
        parts.push(format!("priority={}", flow.priority));
    }
    if !flow.matches.is_empty() {
        parts.push(flow.matches.to_string());
    }
    let head = parts.join(",");
    let separator = if head.is_empty() { "" } else { " " };
    format!("{head}{separator}actions={}", flow.instructions)
}

pub(crate) fn bodies(flows: &[Flow]) -> Vec<String> {
    let mut bodies: Vec<String> = flows.iter().map(body).collect();
    bodies.sort();
    bodies
}
