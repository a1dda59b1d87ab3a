//! The plugin agent started again on a host where all is right: the time until it says so, what it
//! changed, and what a connection lost meanwhile.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_agent::ServerStatus;
use nucleon_lab::process::Process;
use nucleon_lab::{Vm, link_name};
use nucleon_linux::{Veth, VethEnd};
use nucleon_model::view::Role;
use nucleon_obs::Clock;

use super::Effort;
use super::cloud::{BR_INT, Cloud, HOST};
use super::wiring::wired;
use crate::api::{Network, Port};
use crate::limit::{cpu, switch};
use crate::report::{Limit, Report, Row, Target, Unit};
use crate::stats::{Figure, ms};

const PATIENCE: Duration = Duration::from_secs(30);
const PER_SECOND: u32 = 1000;

/// How a message that changes flows is called in the switch's log of what it received.
const CHANGES: [&str; 2] = ["received: OFPT_FLOW_MOD", "BUNDLE_ADD_MESSAGE"];

pub(super) async fn measure(
    suite: &str,
    cloud: &mut Cloud,
    agent: &mut Process,
    network: &Network,
    (one, others): (&Vm, &[Vm]),
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    let wanted = effort.pick(50, 500);
    let more = fill(cloud, network, wanted.saturating_sub(others.len() + 1)).await?;
    let wanted = u64::try_from(others.len() + 1 + more)?;
    cloud.wait_status("all wired", Role::OvsAgent, |status| wired(status) == wanted).await?;
    let two = others.first().context("a machine to ping")?;
    let target = two.addresses().await?.into_iter().find_map(|net| match net.addr() {
        std::net::IpAddr::V4(address) => Some(address),
        std::net::IpAddr::V6(_) => None,
    });
    let target = target.context("its address")?;
    one.ping(target, PATIENCE).await?;

    let mut limits = switch::dump(cloud.host.switch(), BR_INT).await?.to_vec();
    limits.extend(cpu::handover().await?);
    let (mut times, mut changes, mut lost, mut slowest) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut sent = 0;
    for _ in 0..effort.pick(1, 5) {
        let log = Received::start(cloud).await?;
        let ping = one.ping_steadily(target, PER_SECOND).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        agent.terminate(PATIENCE).await?;
        let clock = Clock::system();
        let start = clock.mono();
        agent.start_again()?;
        cloud
            .wait_status("converged after a restart", Role::OvsAgent, |status| {
                status.rounds > 0
                    && matches!(status.server, ServerStatus::Connected { .. })
                    && status.failures.is_empty()
                    && wired(status) == wanted
            })
            .await?;
        times.push(ms(clock.mono() - start));
        // What it would change a moment later counts as well.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let pings = ping.stop().await?;
        changes.push(log.changes().await?);
        sent += pings.sent;
        lost.push(f64::from(u32::try_from(pings.lost.len())?));
        slowest.push(ms(pings.slowest));
    }
    let what = format!("agent restart, {wanted} ports");
    let mut row = |name: &str, unit, values: Vec<f64>, target: Option<f64>, limits: Vec<Limit>| {
        let figure = Figure::of(values).context("restarts")?;
        let mut row = Row::new(suite, format!("{what}, {name}"), unit, figure).beside(limits);
        if let Some(most) = target {
            row = row.target(Target::AtMost(most));
            // One round that loses a packet is a miss, whatever the median says.
            row.verdict = Some(Target::AtMost(most).verdict(row.max));
        }
        report.add([row]);
        anyhow::Ok(())
    };
    let sent = Limit::new("sent", f64::from(u32::try_from(sent)?), Unit::Count);
    row("converged", Unit::Milliseconds, times, None, limits.clone())?;
    row("flow-mods", Unit::Count, changes, Some(0.0), limits.clone())?;
    row("packets lost at 1,000/s", Unit::Count, lost, Some(0.0), vec![sent])?;
    row("slowest packet", Unit::Milliseconds, slowest, None, limits)
}

/// Adds devices without machines behind them, on ports bound to the host.
async fn fill(cloud: &mut Cloud, network: &Network, count: usize) -> Result<usize> {
    let ports = network.fill(&mut cloud.client, count, Some(HOST)).await?;
    let mut pairs = Vec::new();
    for port in &ports {
        let name = |prefix: &str| -> Result<_> {
            let id: String = port.id.chars().take(11).collect();
            link_name(&format!("{prefix}{id}"))
        };
        let far = VethEnd::new(name("far")?).mac(port.mac).up();
        pairs.push(Veth::new(VethEnd::new(name("tap")?).up(), far));
    }
    for made in cloud.host.netns().links().create_veths(&pairs).await {
        made?;
    }
    // A transaction that is too long for a command line would be refused.
    for (ports, pairs) in ports.chunks(100).zip(pairs.chunks(100)) {
        let mut words = Vec::new();
        for (port, pair) in ports.iter().zip(pairs) {
            words.extend(plug(port, pair.near.name.as_str()));
        }
        cloud.host.switch().vsctl(&words).await?;
    }
    Ok(ports.len())
}

fn plug(port: &Port, tap: &str) -> Vec<String> {
    let Port { id, mac, .. } = port;
    let text = format!(
        "-- add-port {BR_INT} {tap} -- set Interface {tap} external_ids:iface-id={id} \
         external_ids:iface-status=active external_ids:attached-mac=\"{mac}\""
    );
    text.split(' ').map(str::to_owned).collect()
}

/// What the switch receives from its controllers, in its own log.
struct Received<'c> {
    cloud: &'c Cloud,
    /// Where the log ended before.
    begin: u64,
}

impl<'c> Received<'c> {
    async fn start(cloud: &'c Cloud) -> Result<Self> {
        let switch = cloud.host.switch();
        // At its usual rate the log leaves out what would be counted.
        switch.appctl(&["-t", "ovs-vswitchd", "vlog/disable-rate-limit", "vconn"]).await?;
        switch.appctl(&["-t", "ovs-vswitchd", "vlog/set", "vconn:console:dbg"]).await?;
        let mut received = Self { cloud, begin: std::fs::metadata(log(cloud))?.len() };
        // Whether it counts at all: one change alone, and one in a bundle.
        let flow = "cookie=1,table=200,priority=1,actions=drop";
        switch.ofctl(&["add-flow", BR_INT, flow]).await?;
        switch.ofctl(&["--bundle", "del-flows", BR_INT, "cookie=1/-1"]).await?;
        let counted = received.count()?;
        ensure!(counted == 2, "the switch's log shows {counted} changes of flows instead of 2");
        received.begin = std::fs::metadata(log(cloud))?.len();
        Ok(received)
    }

    /// The messages since then that change flows.
    async fn changes(self) -> Result<f64> {
        let switch = self.cloud.host.switch();
        switch.appctl(&["-t", "ovs-vswitchd", "vlog/set", "vconn:console:info"]).await?;
        Ok(f64::from(u32::try_from(self.count()?)?))
    }

    fn count(&self) -> Result<usize> {
        let text = std::fs::read(log(self.cloud))?;
        let text = text.get(usize::try_from(self.begin)?..).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        let is_change = |line: &&str| CHANGES.iter().any(|change| line.contains(change));
        Ok(text.lines().filter(is_change).count())
    }
}

fn log(cloud: &Cloud) -> std::path::PathBuf {
    let directory: &Path = cloud.host.switch().dir();
    directory.join("ovs-vswitchd.log")
}
