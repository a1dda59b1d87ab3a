//! A provider network without tags.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Running, Scenario};
use crate::bare_metal::BareMetal;
use crate::capture::Capture;
use crate::data_centre::{PLAN_101, PLAN_FLAT};
use crate::dhcp_client::Kind;
use crate::instance::Request;
use crate::lab::Lab;
use crate::net::link_name;
use crate::stage::Stage;
use crate::station::Station;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "provider-flat",
    checks: "VMs, bare metal and the router reach each other on the flat network, untagged on its \
             wire; nothing passes between it and VLAN 101",
    run,
};

const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(1500);

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let centre = &stage.centre;
    let metal = BareMetal::on_segment(&stage.lab, "flatmetal", &centre.flat).await?;
    metal.set_address("10.20.103.250/24".parse()?).await?;
    let flat = stage.network("flat", PLAN_FLAT).await?;
    let vlan = stage.network("net101", PLAN_101).await?;
    let (one, two) = (centre.compute(1)?, centre.compute(2)?);
    let vm1 = stage.boot(Request::new("vm1", &flat.id, one), Kind::Udhcpc).await?;
    let vm2 = stage.boot(Request::new("vm2", &flat.id, two), Kind::Dhclient).await?;
    let other = stage.boot(Request::new("vm3", &vlan.id, one), Kind::Udhcpc).await?;

    let wire = Capture::start(one.netns(), &link_name("phy1")?, "the flat wire").await?;
    let pairs: [(&Station, _); 5] = [
        (&vm1, vm2.address()?),
        (&vm2, vm1.address()?),
        (&vm1, PLAN_FLAT.gateway),
        (&vm2, "10.20.103.250".parse()?),
        (&metal, vm1.address()?),
    ];
    for (station, target) in pairs {
        let ping = station.ping(target, PATIENCE).await.map(drop);
        let expected = format!("{} reaches {target}", station.name());
        stage.explain(&expected, &[one, two], &[&wire], ping).await?;
    }
    let (from, to) = (vm1.address()?, vm2.address()?);
    let what = "an echo request of vm1 for vm2";
    let seen = wire.wait_for(what, PATIENCE, |seen| seen.is_echo_request(from, to)).await;
    let seen = stage.explain(what, &[one, two], &[], seen).await?;
    ensure!(seen.vlan.is_none(), "tagged on the flat network: {seen}");

    let (flat_listener, vlan_listener) = (vm1.capture().await?, other.capture().await?);
    ensure!(other.arp(from, SILENCE).await?.is_none(), "the flat network answers VLAN 101");
    let target = other.address()?;
    ensure!(vm1.arp(target, SILENCE).await?.is_none(), "VLAN 101 answers the flat network");
    for (listener, stranger) in
        [(flat_listener, other.mac().await?), (vlan_listener, vm1.mac().await?)]
    {
        let heard = listener.matching(|seen| seen.source() == Some(stranger));
        ensure!(heard.is_empty(), "{}: a frame of another network: {heard:?}", listener.label());
    }
    Ok(())
}
