//! Programs of the control plane come and go, and the data plane does not notice.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Running, Scenario};
use crate::cloud::{Role, wait_until};
use crate::data_centre::{PLAN_101, PLAN_FLAT};
use crate::dhcp_client::Kind;
use crate::flow_watch::FlowWatch;
use crate::host::Host;
use crate::instance::{Instance, Request, text};
use crate::lab::Lab;
use crate::ping::SteadyPing;
use crate::stage::Stage;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "restart-hitless",
    checks: "restarting and killing the OVS agent, the DHCP agent and the server changes no flow \
             and no local tag, and loses no packet at 1,000 a second; the agent then still wires",
    run,
};

const PER_SECOND: u32 = 1000;
const PATIENCE: Duration = Duration::from_secs(20);
/// After an agent has reported, for what it might still do.
const AFTERMATH: Duration = Duration::from_millis(1500);

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let centre = &stage.centre;
    let (one, two) = (centre.compute(1)?, centre.compute(2)?);
    let net101 = stage.network("net101", PLAN_101).await?;
    let flat = stage.network("flat", PLAN_FLAT).await?;
    let vm1 = stage.boot(Request::new("vm1", &net101.id, one), Kind::Udhcpc).await?;
    let vm2 = stage.boot(Request::new("vm2", &net101.id, one), Kind::Dhclient).await?;
    let vm3 = stage.boot(Request::new("vm3", &net101.id, two), Kind::Udhcpc).await?;
    let vm4 = stage.boot(Request::new("vm4", &flat.id, one), Kind::Udhcpc).await?;
    let tags = tags(&[&vm1, &vm2, &vm4]).await?;

    let mut watches = Vec::new();
    for bridge in ["br-int", "br-ex", "br-flat"] {
        watches.push(FlowWatch::start(one, bridge).await?);
    }
    let pings = [
        vm1.ping_steadily(vm2.address()?, PER_SECOND).await?,
        vm1.ping_steadily(vm3.address()?, PER_SECOND).await?,
        vm4.ping_steadily(PLAN_FLAT.gateway, PER_SECOND).await?,
    ];
    tokio::time::sleep(Duration::from_millis(300)).await;
    let result = restarts(&stage).await;
    stage.explain("every program comes back", &[one, &centre.network], &[], result).await?;

    for watch in &mut watches {
        let changes = watch.changes()?;
        let bridge = watch.bridge();
        let check = if changes.is_empty() {
            Ok(())
        } else {
            Err(anyhow::anyhow!("{} changes of {bridge}:\n{}", changes.len(), changes.join("\n")))
        };
        stage.explain("no flow changes", &[one], &[], check).await?;
    }
    let after = self::tags(&[&vm1, &vm2, &vm4]).await?;
    ensure!(after == tags, "local tags {tags:?} became {after:?}");
    lossless(pings).await?;
    let vm5 = stage.boot(Request::new("vm5", &net101.id, one), Kind::Udhcpc).await?;
    vm5.ping(vm3.address()?, PATIENCE).await.map(drop)
}

async fn restarts(stage: &Stage) -> Result<()> {
    let centre = &stage.centre;
    let one = centre.compute(1)?;
    for (host, role) in [
        (one, Role::OvsAgent),
        (&centre.network, Role::DhcpAgent),
        (&centre.controller, Role::Server),
    ] {
        stage.cloud.stop(host, role).await?;
        come_back(stage, host, role).await.with_context(|| format!("after {role} was stopped"))?;
        stage.cloud.kill(host, role).await?;
        come_back(stage, host, role).await.with_context(|| format!("after {role} was killed"))?;
    }
    // Without a server to ask, the agent goes by its last view.
    stage.cloud.kill(&centre.controller, Role::Server).await?;
    stage.cloud.kill(one, Role::OvsAgent).await?;
    stage.cloud.start_role(one, Role::OvsAgent).await?;
    tokio::time::sleep(AFTERMATH).await;
    come_back(stage, &centre.controller, Role::Server).await
}

/// Starts a program and waits until what it does at its start is over.
async fn come_back(stage: &Stage, host: &Host, role: Role) -> Result<()> {
    let (watched, of) = match role.agent_type() {
        Some(kind) => (host, kind),
        None => (&**stage.centre.compute(1)?, "Open vSwitch agent"),
    };
    let query = [("host", watched.name()), ("agent_type", of)];
    let heartbeat = async || {
        let agents = stage.api().list("agents", &query).await?;
        let agent = agents.first().context("the agent is not listed")?;
        anyhow::Ok(text(agent, "heartbeat_timestamp")?.to_owned())
    };
    let before = if role == Role::Server { None } else { Some(heartbeat().await?) };
    stage.cloud.start_role(host, role).await?;
    let before = match before {
        Some(before) => before,
        None => heartbeat().await?,
    };
    let reported = wait_until(PATIENCE, async || Ok(heartbeat().await? != before));
    reported.await.with_context(|| format!("no report of the agent on {}", watched.name()))?;
    tokio::time::sleep(AFTERMATH).await;
    Ok(())
}

async fn tags(instances: &[&Instance]) -> Result<Vec<u16>> {
    let mut tags = Vec::new();
    for instance in instances {
        let tag = instance.tag().await?;
        tags.push(tag.with_context(|| format!("{} has no tag", instance.name()))?);
    }
    Ok(tags)
}

async fn lossless(pings: impl IntoIterator<Item = SteadyPing>) -> Result<()> {
    let mut reports = Vec::new();
    for ping in pings {
        reports.push(ping.stop().await?);
    }
    let lost = reports.iter().any(|report| !report.lost.is_empty() || report.sent < 1000);
    let text: Vec<_> = reports.iter().map(ToString::to_string).collect();
    ensure!(!lost, "packets were lost:\n{}", text.join("\n"));
    Ok(())
}
