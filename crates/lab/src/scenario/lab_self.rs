//! The lab itself: Neutron's VLAN scheme with flows put in by hand carries frames between all kinds
//! of machines, and the tag of the hardware switch is on its trunk.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_net::{MacAddr, VlanId};

use super::{Running, Scenario};
use crate::capture::Capture;
use crate::evidence::Evidence;
use crate::lab::Lab;
use crate::net::{cable, link_name};
use crate::{BareMetal, Host, Plug, PortVlan, Router, Station, Vm};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "lab-self",
    checks: "the lab carries frames by itself: two hosts with hand-made flows, a hardware switch, \
             bare metal and a router reach each other, tagged 101 on the trunk",
    run,
};

const PATIENCE: Duration = Duration::from_secs(10);
const TOR: &str = "br-tor";

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(&lab).await })
}

async fn check(lab: &Lab) -> Result<()> {
    let vlan = VlanId::new(101)?;
    let (tor, one, two) = tokio::try_join!(
        Host::start(lab, "tor"),
        Host::start(lab, "compute1"),
        Host::start(lab, "compute2")
    )?;
    tor.switch().add_bridge(TOR).await?;
    let (one, two) = (Arc::new(one), Arc::new(two));
    let (vm1, vm2) =
        tokio::try_join!(machine(lab, &tor, &one, vlan, 1), machine(lab, &tor, &two, vlan, 7))?;
    let metal = BareMetal::on_access_port(lab, "metal", &tor, TOR, vlan).await?;
    metal.set_address("10.0.1.50/24".parse()?).await?;
    let mut router = Router::start(lab, "router").await?;
    router.add_access_leg(&tor, TOR, vlan, "10.0.1.1/24".parse()?).await?;

    let trunk = Capture::start(tor.netns(), &link_name("to-compute1")?, "trunk").await?;
    let (first, second) = (Ipv4Addr::new(10, 0, 1, 1), Ipv4Addr::new(10, 0, 1, 12));
    let pairs: [(&Station, Ipv4Addr); 4] =
        [(&vm1, second), (&vm1, first), (&vm2, first), (&metal, Ipv4Addr::new(10, 0, 1, 11))];
    for (station, target) in pairs {
        if let Err(error) = station.ping(target, PATIENCE).await {
            let expected = format!("{} reaches {target}", station.name());
            let evidence = Evidence::new(expected, error).capture(&trunk).host(&one).await;
            return Err(evidence.host(&tor).await.into());
        }
    }
    let request = trunk
        .wait_for("an echo request of vm1 for vm2", PATIENCE, |seen| {
            seen.is_echo_request(Ipv4Addr::new(10, 0, 1, 11), second)
        })
        .await?;
    ensure!(request.vlan == Some(vlan), "not tagged 101 on the trunk: {request}");
    let arp = vm1.arp(second, PATIENCE).await?.context("vm2 does not answer ARP")?;
    ensure!(arp == vm2.mac().await?, "vm2 has MAC {arp}");

    let steady = vm1.ping_steadily(second, 1000).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let report = steady.stop().await?;
    ensure!(report.sent > 300 && report.lost.is_empty(), "{report}");
    Ok(())
}

/// A host with the bridges and flows of one network, on a trunk of the hardware switch, and a
/// machine on it.
async fn machine(lab: &Lab, tor: &Host, host: &Arc<Host>, vlan: VlanId, local: u16) -> Result<Vm> {
    let uplink = link_name("phy0")?;
    let port = link_name(&format!("to-{}", host.name()))?;
    cable(host.netns(), &uplink, tor.netns(), &port).await?;
    tor.switch().add_port(TOR, port.as_str(), &PortVlan::Trunk(vec![vlan])).await?;
    host.isolate(&[uplink]).await?;
    let switch = host.switch();
    switch.add_bridge("br-ex").await?;
    switch.add_bridge("br-int").await?;
    let script = "add-port br-ex phy0 -- add-port br-int int-br-ex -- set interface int-br-ex \
                  type=patch options:peer=phy-br-ex -- add-port br-ex phy-br-ex -- set interface \
                  phy-br-ex type=patch options:peer=int-br-ex";
    switch.vsctl(&script.split_ascii_whitespace().collect::<Vec<_>>()).await?;
    let (inside, outside) = (4096 + local, 4096 + vlan.get());
    let provider = vlan.get();
    for (bridge, flow) in [
        (
            "br-int",
            format!(
                "priority=3,in_port=int-br-ex,dl_vlan={provider},\
                 actions=set_field:{inside}->vlan_vid,NORMAL"
            ),
        ),
        ("br-int", "priority=2,in_port=int-br-ex,actions=drop".to_owned()),
        (
            "br-ex",
            format!(
                "priority=4,in_port=phy-br-ex,dl_vlan={local},\
                 actions=set_field:{outside}->vlan_vid,NORMAL"
            ),
        ),
        ("br-ex", "priority=2,in_port=phy-br-ex,actions=drop".to_owned()),
    ] {
        switch.ofctl(&["add-flow", bridge, &flow]).await?;
    }
    let number = if local == 1 { 1 } else { 2 };
    let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number]);
    let plug = Plug::new(uuid::Uuid::new_v4().to_string(), mac);
    let vm = Vm::create(lab, &format!("vm{number}"), host, plug).await?;
    vm.plug().await?;
    switch.vsctl(&["set", "port", vm.tap().as_str(), &format!("tag={local}")]).await?;
    vm.set_address(format!("10.0.1.1{number}/24").parse()?).await?;
    Ok(vm)
}
