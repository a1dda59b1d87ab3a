//! An Open vSwitch in a namespace, with one bridge, in a directory that goes with it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::process::{Running, command, inside, output, start};

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
pub(crate) const BRIDGE: &str = "br-int";

pub(crate) struct Switch {
    directory: TempDir,
    netns: String,
    database: Option<Running>,
    daemon: Option<Running>,
}

impl Switch {
    pub(crate) async fn start(netns: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("nucleon-dhcp-").tempdir()?;
        let mut switch = Self { directory, netns: netns.to_owned(), database: None, daemon: None };
        let mut create = command("ovsdb-tool");
        create.arg("create").arg(switch.path("conf.db")).arg(SCHEMA);
        output(create)?;
        switch.start_database().await?;
        switch.vsctl(&["--no-wait", "init"])?;
        switch.start_daemon()?;
        switch.vsctl(&[
            "add-br",
            BRIDGE,
            "--",
            "set",
            "bridge",
            BRIDGE,
            "datapath_type=netdev",
            "fail_mode=standalone",
        ])?;
        Ok(switch)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("db.sock")
    }

    /// Ends the database as a crash would.
    pub(crate) fn kill_database(&mut self) {
        self.database = None;
    }

    pub(crate) async fn start_database(&mut self) -> Result<()> {
        let _ = std::fs::remove_file(self.socket());
        let mut server = inside(&self.netns, "ovsdb-server");
        server
            .arg(self.path("conf.db"))
            .arg(format!("--remote=punix:{}", self.socket().display()))
            .arg(format!("--unixctl={}", self.path("server.ctl").display()))
            .arg(format!("--log-file={}", self.path("server.log").display()))
            .args(["--no-chdir", "-vconsole:off"]);
        self.database = Some(start(server)?);
        for _ in 0..1000 {
            if std::os::unix::net::UnixStream::connect(self.socket()).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("ovsdb-server does not listen")
    }

    pub(crate) fn kill_daemon(&mut self) {
        self.daemon = None;
    }

    pub(crate) fn start_daemon(&mut self) -> Result<()> {
        let mut daemon = inside(&self.netns, "ovs-vswitchd");
        daemon
            .env("OVS_RUNDIR", self.directory.path())
            .arg(format!("unix:{}", self.socket().display()))
            .arg(format!("--unixctl={}", self.path("vswitchd.ctl").display()))
            .arg(format!("--log-file={}", self.path("vswitchd.log").display()))
            .args(["--no-chdir", "-vconsole:off"]);
        self.daemon = Some(start(daemon)?);
        Ok(())
    }

    pub(crate) fn vsctl(&self, words: &[&str]) -> Result<String> {
        let mut vsctl = command("ovs-vsctl");
        vsctl.arg(format!("--db=unix:{}", self.socket().display())).arg("--timeout=30").args(words);
        output(vsctl).context("ovs-vsctl")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
