//! Changes of a bridge's flows, whoever makes them, as the switch itself tells them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::host::Host;
use crate::process::{Place, Process};
use crate::switch::environment;

/// A flow monitor on one bridge, until it is dropped.
#[derive(Debug)]
pub struct FlowWatch {
    bridge: String,
    log: PathBuf,
    process: Process,
}

impl FlowWatch {
    /// Begins to watch; changes from here on count.
    pub async fn start(host: &Host, bridge: &str) -> Result<Self> {
        let log = host.dir().join(format!("flows-{bridge}.log"));
        let _ = fs::remove_file(&log);
        let program = environment(Place::Machine.program("ovs-ofctl"), host.switch().dir());
        let mut process = program
            .args(["-O", "OpenFlow10", "-vconsole:off", "--no-names", "monitor", bridge])
            // Every change to any flow, not the flows there are.
            .arg("watch:!initial")
            .start(&log)?;
        let before = host.switch().dump_flows(bridge).await?;
        // It listens once a flow of its own makes is told.
        for _ in 0..200 {
            let flow = format!("table=253,cookie={PROBE},priority=1,in_port=65000");
            host.switch().ofctl(&["add-flow", bridge, &format!("{flow},actions=drop")]).await?;
            let gone = format!("cookie={PROBE}/-1");
            host.switch().ofctl(&["del-flows", bridge, &gone]).await?;
            if !process.is_running() {
                bail!("no flow monitor of {bridge}: {}", process.log_tail(5));
            }
            if fs::read_to_string(&log)?.contains(PROBE) {
                return Ok(Self { bridge: bridge.to_owned(), log, process });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("no flow monitor of {bridge} came up; it has flows:\n{before}")
    }

    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// The changes since it began, one line each.
    pub fn changes(&mut self) -> Result<Vec<String>> {
        if !self.process.is_running() {
            bail!("the flow monitor of {} ended: {}", self.bridge, self.process.log_tail(5));
        }
        let text = fs::read_to_string(&self.log)?;
        let changes = text.lines().filter(|line| line.contains("event="));
        let foreign = changes.filter(|line| !line.contains(PROBE));
        Ok(foreign.map(|line| line.trim().to_owned()).collect())
    }
}

/// The cookie of the flow by which the monitor is tried.
const PROBE: &str = "0x6c61622d70726f62";
