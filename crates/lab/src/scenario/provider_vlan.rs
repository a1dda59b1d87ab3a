//! Provider networks on VLANs of the hardware switch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_net::VlanId;

use super::{Running, Scenario};
use crate::data_centre::{PLAN_101, PLAN_102};
use crate::dhcp_client::Kind;
use crate::evidence::Evidence;
use crate::instance::{Instance, Request};
use crate::lab::Lab;
use crate::stage::Stage;
use crate::station::Station;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provider-vlan",
    checks: "VMs, bare metal and the router reach each other on VLAN 101, tagged so on the trunks \
             and by local tags on the hosts; nothing passes between 101 and 102; no packet is lost \
             when the network host is switched off",
    run,
};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing has to come for nothing to be what comes.
const SILENCE: Duration = Duration::from_millis(1500);

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let centre = &stage.centre;
    let net101 = stage.network("net101", PLAN_101).await?;
    let net102 = stage.network("net102", PLAN_102).await?;
    let (one, two) = (centre.compute(1)?, centre.compute(2)?);
    // Local tags are given lowest first: in this order the two hosts give different ones to 101.
    let boot = async |name, network: &str, host, kind| {
        stage.boot(Request::new(name, network, host), kind).await
    };
    let vm1 = boot("vm1", &net101.id, one, Kind::Udhcpc).await?;
    let other = boot("vm2", &net102.id, two, Kind::Dhclient).await?;
    let vm3 = boot("vm3", &net101.id, two, Kind::Dhclient).await?;
    let vm4 = boot("vm4", &net101.id, one, Kind::Udhcpc).await?;

    let trunks = [stage.trunk(one).await?, stage.trunk(two).await?];
    let metal = PLAN_101.metal.context("VLAN 101 has a physical machine")?;
    let pairs: [(&Station, _); 8] = [
        (&vm1, vm3.address()?),
        (&vm3, vm1.address()?),
        (&vm1, vm4.address()?),
        (&vm1, metal),
        (&vm3, PLAN_101.gateway),
        (&centre.metal, vm1.address()?),
        (&centre.metal, vm3.address()?),
        (&other, PLAN_102.gateway),
    ];
    for (station, target) in pairs {
        let ping = station.ping(target, PATIENCE).await.map(drop);
        let expected = format!("{} reaches {target}", station.name());
        stage.explain(&expected, &[one, two], &trunks.each_ref(), ping).await?;
    }
    let tagged = tags(&vm1, &vm3, &trunks).await;
    stage.explain("VLAN 101 on the trunks", &[one, two], &trunks.each_ref(), tagged).await?;
    separated(&vm1, &other).await?;
    survives_the_network_host(&stage, &vm1, &vm3).await
}

/// The tags of the hardware switch on its trunks, those of the hosts on their ports.
async fn tags(one: &Instance, two: &Instance, trunks: &[crate::capture::Capture]) -> Result<()> {
    let (from, to) = (one.address()?, two.address()?);
    for trunk in trunks {
        let what = format!("the echo request {from} > {to}");
        let seen = trunk.wait_for(&what, PATIENCE, |seen| seen.is_echo_request(from, to)).await?;
        ensure!(seen.vlan == VlanId::new(101).ok(), "not tagged 101 on the trunk: {seen}");
        let stray = trunk.matching(|seen| !matches!(seen.vlan.map(VlanId::get), Some(101 | 102)));
        let stray = stray.iter().find(|seen| seen.ipv4().is_some() || seen.arp().is_some());
        ensure!(stray.is_none(), "untagged or with a foreign tag on the trunk: {stray:?}");
    }
    let local = (one.tag().await?, two.tag().await?);
    ensure!(local == (Some(1), Some(2)), "the local tags of VLAN 101 are {local:?}, not 1 and 2");
    Ok(())
}

/// Neither by way of the router nor on the link does anything pass.
async fn separated(one: &Instance, other: &Instance) -> Result<()> {
    let listener = other.capture().await?;
    let target = other.address()?;
    ensure!(!one.reaches(target, SILENCE).await?, "101 reaches {target} in 102");
    ensure!(one.arp(target, SILENCE).await?.is_none(), "102 answers an ARP request of 101");
    let mac = one.mac().await?;
    let heard = listener.matching(|seen| seen.source() == Some(mac));
    if let Some(seen) = heard.first() {
        let error = anyhow::anyhow!("a frame of 101 in 102: {seen}");
        let evidence = Evidence::new("nothing passes between 101 and 102", error);
        return Err(evidence.host(other.host()).await.into());
    }
    Ok(())
}

async fn survives_the_network_host(stage: &Stage, one: &Instance, two: &Instance) -> Result<()> {
    let metal = PLAN_101.metal.context("VLAN 101 has a physical machine")?;
    let mut pings = Vec::new();
    for target in [two.address()?, metal, PLAN_101.gateway] {
        pings.push(one.ping_steadily(target, 200).await?);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stage.power_off(&stage.centre.network).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for ping in pings {
        let report = ping.stop().await?;
        ensure!(report.lost.is_empty() && report.sent > 200, "network host off: {report}");
    }
    Ok(())
}
