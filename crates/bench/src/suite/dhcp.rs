//! DHCP exchanges with the agent, over the pair of devices behind which it listens.

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_lab::link_name;
use nucleon_linux::{PacketOptions, PacketSocket, Promiscuous, Protocol, Veth, VethEnd};
use nucleon_model::view::Role;
use serde_json::Value;

use super::Effort;
use super::cloud::{BR_INT, Cloud};
use super::wiring::weigh;
use crate::api::{Dhcp, Network, text};
use crate::dhcp_load::{Load, Outcome};
use crate::limit::cpu;
use crate::limit::echo::Mirror;
use crate::program::Binary;
use crate::report::{Limit, Report, Row, Target, Unit};
use crate::stats::{Figure, rate};

const MACHINES: usize = 1000;
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn measure(
    suite: &str,
    binary: &Binary,
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    let mut cloud = Cloud::start(binary).await?;
    // The server gives a network to hosts that reach it, which the plugin agent tells.
    let mut plugin = cloud.agent(Role::OvsAgent)?;
    cloud.wait_status("the switch is ready", Role::OvsAgent, |status| status.rounds > 0).await?;
    cloud.wait_alive("neutron-openvswitch-agent").await?;
    let mut agent = cloud.agent(Role::DhcpAgent)?;
    cloud.wait_status("the agent is up", Role::DhcpAgent, |status| status.rounds > 0).await?;
    cloud.wait_alive("neutron-dhcp-agent").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    weigh(suite, "dhcp-agent, resident, idle", &agent, report)?;

    let network = Network::create(&mut cloud.client, 101, "10.1.0.0/16", Dhcp::On).await?;
    let ports = network.fill(&mut cloud.client, MACHINES, None).await?;
    let query = format!("network_id={}&device_owner=network:dhcp", network.id);
    let ours = |port: &Value| port.get("network_id").is_some();
    let port = cloud.wait_port("the agent's own port", &query, ours).await?;
    let id: String = text(&port, "/id")?.chars().take(11).collect();
    let near = link_name(&format!("tap{id}"))?;
    let netns = cloud.host.netns();
    let deadline = tokio::time::timeout(PATIENCE, async {
        while netns.links().link(&near).await?.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    });
    deadline.await.with_context(|| format!("no {near} within {PATIENCE:?}"))??;

    let options = || PacketOptions {
        protocol: Protocol::IPV4,
        // Answers are for the machines' MAC addresses, which are not the device's.
        promiscuous: Promiscuous::On,
        receive_buffer: Some(4 << 20),
        ..PacketOptions::default()
    };
    // From here on the switch drops what reaches it: the responder is measured, not the switch.
    plugin.terminate(PATIENCE).await?;
    cloud.host.switch().ofctl(&["del-flows", BR_INT]).await?;
    let load = Load::new(&ports)?;
    let socket = PacketSocket::open(netns, &near, options()).await?;
    // Until every machine is known there.
    load.run(&socket, Duration::from_millis(500)).await?;

    let (one, two) = (link_name("mirror0")?, link_name("mirror1")?);
    let pair = Veth::new(VethEnd::new(one.clone()).up(), VethEnd::new(two.clone()).up());
    netns.links().create_veth(&pair).await?;
    let bare = PacketSocket::open(netns, &one, options()).await?;
    let _mirror = Mirror::start(netns, &two).await?;

    let length = Duration::from_secs(1);
    let (mut rates, mut limits, mut lost) = (Vec::new(), Vec::new(), 0);
    let handover = cpu::handover().await?;
    for _ in 0..effort.pick(2, 7) {
        let Outcome { exchanges, took, .. } = load.bounce(&bare, length / 2).await?;
        limits.push(rate(exchanges, took));
        let outcome = load.run(&socket, length).await?;
        rates.push(rate(outcome.exchanges, outcome.took));
        lost += outcome.lost;
    }
    let mirror = Figure::of(limits).context("rounds")?.median;
    let figure = Figure::of(rates).context("rounds")?;
    report.add([Row::new(
        suite,
        "DHCP exchanges of 4 messages, 1,000 machines",
        Unit::PerSecond,
        figure,
    )
    .target(Target::AtLeast(20_000.0))
    .beside([
        Limit::new("the same frames mirrored", mirror, Unit::PerSecond),
        Limit::new("lost", f64::from(u32::try_from(lost)?), Unit::Count),
    ])
    .beside(handover)]);
    weigh(suite, "dhcp-agent, resident, 1,000 machines", &agent, report)?;
    agent.terminate(PATIENCE).await?;
    Ok(())
}
