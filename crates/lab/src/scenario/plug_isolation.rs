//! A port that the agent has not wired carries no frame, in either direction.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_linux::PacketKind;
use nucleon_net::MacAddr;

use super::{Running, Scenario};
use crate::broadcast::Broadcast;
use crate::capture::Capture;
use crate::cloud::Role;
use crate::data_centre::{PLAN_101, PLAN_102};
use crate::dhcp_client::Kind;
use crate::frame::Seen;
use crate::instance::{Instance, Request, wait_status};
use crate::lab::Lab;
use crate::stage::{Network, Stage};
use crate::vm::{Isolation, Plug, Vm};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "plug-isolation",
    checks: "a device that is plugged, with os-vif's isolation or without, neither sends nor \
             receives a frame before the agent has wired it, nor ever one of another network",
    run,
};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long a listener listens, with hundreds of broadcasts a second around it.
const LISTENING: Duration = Duration::from_secs(1);
const BROADCASTS: u32 = 500;

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let centre = &stage.centre;
    let (one, two) = (centre.compute(1)?, centre.compute(2)?);
    let net101 = stage.network("net101", PLAN_101).await?;
    let net102 = stage.network("net102", PLAN_102).await?;
    let near = stage.boot(Request::new("near", &net101.id, one), Kind::Udhcpc).await?;
    let far = stage.boot(Request::new("far", &net101.id, two), Kind::Udhcpc).await?;
    let noise = [
        Broadcast::start(&near, BROADCASTS).await?,
        Broadcast::start(&far, BROADCASTS).await?,
        Broadcast::start(&centre.metal, BROADCASTS).await?,
    ];
    let heard_by_near = near.capture().await?;
    heard_by_near
        .wait_for("the broadcasts of the physical machine", PATIENCE, |seen| {
            noise.get(2).is_some_and(|metal| seen.source() == Some(metal.source()))
        })
        .await?;
    let foreign: Vec<MacAddr> = noise.iter().map(Broadcast::source).collect();

    let mut waiting = without_an_agent(&stage, &net101, &net102, &near).await?;
    stage.cloud.start_role(one, Role::OvsAgent).await?;
    for (instance, listener) in &mut waiting {
        wait_status(stage.api(), instance.id()?, "ACTIVE").await?;
        reaches_only_its_own(&stage, instance, listener, &foreign).await?;
    }
    unknown_to_the_server(&stage, &near).await?;
    while_wiring(&stage, &net102, &foreign).await?;
    let quiet = noise.iter().find(|noise| noise.sent() < 100);
    ensure!(quiet.is_none(), "a broadcaster was quiet: {quiet:?}");
    Ok(())
}

/// Devices plugged while no agent runs: they hear nothing and nobody hears them. One of them is of
/// the network that broadcasts.
async fn without_an_agent(
    stage: &Stage,
    net101: &Network,
    net102: &Network,
    near: &Instance,
) -> Result<Vec<(Instance, Capture)>> {
    let one = stage.centre.compute(1)?;
    let plan = [
        ("plain", net102, Isolation::Off),
        ("isolated", net102, Isolation::On),
        ("own", net101, Isolation::Off),
    ];
    let mut waiting = Vec::new();
    for (name, network, isolation) in plan {
        let request = Request::new(name, &network.id, one).isolation(isolation);
        let instance = Instance::create(&stage.lab, stage.api(), request).await?;
        let listener = instance.capture().await?;
        waiting.push((instance, listener));
    }
    stage.cloud.kill(one, Role::OvsAgent).await?;
    let outside =
        [stage.trunk(one).await?, near.capture().await?, stage.centre.metal.capture().await?];
    let mut shouting = Vec::new();
    for (instance, _) in &waiting {
        instance.vm.plug().await?;
        shouting.push(Broadcast::start(instance, BROADCASTS).await?);
    }
    tokio::time::sleep(LISTENING).await;
    for ((instance, listener), shout) in waiting.iter().zip(&shouting) {
        ensure!(shout.sent() > 100, "{} sent {} frames only", instance.name(), shout.sent());
        let check = silence(instance, listener, &outside, shout.source());
        let captures: Vec<_> = outside.iter().chain([listener]).collect();
        let expected = format!("no frame to or from {} before it is wired", instance.name());
        stage.explain(&expected, &[one], &captures, check).await?;
    }
    Ok(waiting)
}

/// Nothing came in, and nothing came out.
fn silence(vm: &Vm, listener: &Capture, outside: &[Capture], own: MacAddr) -> Result<()> {
    let received = listener.matching(|seen| seen.kind != PacketKind::Outgoing);
    ensure!(
        received.is_empty(),
        "{} received {} frames, as {:?}",
        vm.name(),
        received.len(),
        first(&received)
    );
    for place in outside {
        let sent = place.matching(|seen| seen.source() == Some(own));
        ensure!(sent.is_empty(), "{} frames of {} on {}", sent.len(), vm.name(), place.label());
    }
    Ok(())
}

fn first(frames: &[Seen]) -> Option<String> {
    frames.first().map(ToString::to_string)
}

/// Once wired it reaches its router; of another network it never heard anything.
async fn reaches_only_its_own(
    stage: &Stage,
    instance: &mut Instance,
    listener: &Capture,
    foreign: &[MacAddr],
) -> Result<()> {
    instance.lease(Kind::Udhcpc).await?;
    let address = instance.address()?;
    let gateway = stage.centre.router.address_towards(address)?;
    instance.ping(gateway, PATIENCE).await?;
    if PLAN_101.prefix.contains(&address) {
        return Ok(());
    }
    let heard = listener.matching(|seen| seen.source().is_some_and(|mac| foreign.contains(&mac)));
    let check = if heard.is_empty() {
        Ok(())
    } else {
        Err(anyhow::anyhow!("{} heard {} foreign frames", instance.name(), heard.len()))
    };
    let expected = format!("{} hears its own network only", instance.name());
    stage.explain(&expected, &[instance.host()], &[listener], check).await
}

/// A device whose port nobody ever made stays dead while the agent runs.
async fn unknown_to_the_server(stage: &Stage, near: &Instance) -> Result<()> {
    let one = stage.centre.compute(1)?;
    let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0xff, 0xff, 0x01]);
    let plug = Plug::new(uuid::Uuid::new_v4().to_string(), mac);
    let vm = Vm::create(&stage.lab, "nobody", one, plug).await?;
    let (listener, outside) =
        (vm.capture().await?, [stage.trunk(one).await?, near.capture().await?]);
    vm.plug().await?;
    let shout = Broadcast::start(&vm, BROADCASTS).await?;
    tokio::time::sleep(LISTENING).await;
    let check = silence(&vm, &listener, &outside, shout.source());
    let expected = "no frame to or from a device without a port";
    stage.explain(expected, &[one], &[&listener], check).await
}

/// Plugged while the agent runs, in the midst of foreign broadcasts: no window is open.
async fn while_wiring(stage: &Stage, net102: &Network, foreign: &[MacAddr]) -> Result<()> {
    let one = stage.centre.compute(1)?;
    for number in 0..6 {
        let name = format!("live{number}");
        let isolation = if number % 2 == 0 { Isolation::Off } else { Isolation::On };
        let request = Request::new(&name, &net102.id, one).isolation(isolation);
        let mut instance = Instance::create(&stage.lab, stage.api(), request).await?;
        let listener = instance.capture().await?;
        instance.plug(stage.api()).await.with_context(|| format!("plug {name}"))?;
        reaches_only_its_own(stage, &mut instance, &listener, foreign).await?;
    }
    Ok(())
}
