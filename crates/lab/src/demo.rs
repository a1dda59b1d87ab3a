//! The demo: a data centre, a cloud on it, and proof that it works, on one screen.

mod screen;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_net::VlanId;

use self::screen::{Screen, cell, ms};
use crate::capture::Capture;
use crate::cloud::{Cloud, Options};
use crate::data_centre::{DataCentre, PLAN_101, PLAN_102, PLAN_FLAT, Size};
use crate::dhcp_client::Kind;
use crate::instance::{Instance, Request};
use crate::lab::{Lab, exit_on_interrupt};
use crate::proxy::Proxy;
use crate::stage::{Network, Stage};
use crate::station::Station;

/// Whether the demo stays for people to try the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Until Ctrl-C.
    Stay,
    /// Not at all.
    Leave,
}

const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing has to come for nothing to be what comes.
const SILENCE: Duration = Duration::from_secs(1);
/// How many times a second is asked while the network host is switched off, and for how long.
const PER_SECOND: u32 = 200;
const OUTAGE: Duration = Duration::from_secs(2);

/// What runs on the stage after a while.
struct Cast {
    vms: Vec<Instance>,
    trunk: Capture,
}

/// Runs the demo in a lab of its own.
pub async fn run(ending: Ending) -> Result<()> {
    let screen = Screen::new();
    let lab = Arc::new(Lab::new()?);
    screen.line(&format!(
        "{} Bare pipes: provider networks, from the API call to the frame on the trunk",
        screen.bold("Nucleon.")
    ));
    let stage = set(&screen, &lab).await?;
    let networks = networks(&screen, &stage).await?;
    let mut cast = boot(&screen, &stage, &networks).await?;
    reach(&screen, &stage, &mut cast).await?;
    separate(&screen, &stage, &cast).await?;
    tags(&screen, &stage, &cast).await?;
    outlive(&screen, &stage, &cast).await?;
    timelines(&screen, &cast);
    if ending == Ending::Stay {
        stay(&screen, &stage).await?;
    }
    let took = screen.elapsed();
    drop((cast, stage));
    ensure!(Arc::into_inner(lab).is_some(), "the lab is still in use");
    screen.line(&format!("everything is taken away again; {} in all", ms(took)));
    screen.line("demo: ok");
    Ok(())
}

async fn set(screen: &Screen, lab: &Arc<Lab>) -> Result<Stage> {
    let size = Size { computes: 2 };
    let centre = screen
        .step("data centre", async {
            let centre = DataCentre::start(lab, size).await?;
            let text = "4 hosts, hardware switch with VLANs 101 and 102, router, bare metal";
            Ok((centre, text.to_owned()))
        })
        .await?;
    screen
        .step("nucleon", async {
            let cloud = Cloud::start(&centre, Options::default()).await?;
            let agents = cloud.api().list("agents", &[]).await?;
            let text = format!("server on controller, {} agents alive over TLS", agents.len());
            Ok((Stage { lab: Arc::clone(lab), centre, cloud }, text))
        })
        .await
}

async fn networks(screen: &Screen, stage: &Stage) -> Result<[Network; 3]> {
    screen
        .step("3 networks", async {
            let networks = [
                stage.network("net101", PLAN_101).await?,
                stage.network("net102", PLAN_102).await?,
                stage.network("flat", PLAN_FLAT).await?,
            ];
            let text = "net101 and net102: physnet1, VLANs 101 and 102; flat: physnet2, untagged";
            Ok((networks, text.to_owned()))
        })
        .await
}

/// Boots the machines in an order that gives VLAN 101 different local tags on the two hosts.
async fn boot(screen: &Screen, stage: &Stage, networks: &[Network; 3]) -> Result<Cast> {
    let [net101, net102, flat] = networks;
    let (one, two) = (stage.centre.compute(1)?, stage.centre.compute(2)?);
    let trunk = stage.trunk(one).await?;
    let plan = [
        ("vm1", net101, one, Kind::Udhcpc),
        ("vm2", net102, two, Kind::Dhclient),
        ("vm3", net101, two, Kind::Udhcpc),
        ("vm4", net102, one, Kind::Dhclient),
        ("vm5", flat, one, Kind::Udhcpc),
        ("vm6", flat, two, Kind::Dhclient),
    ];
    let vms = screen
        .step("6 VMs with leases", async {
            let mut vms = Vec::new();
            for (name, network, host, kind) in plan {
                vms.push(stage.boot(Request::new(name, &network.id, host), kind).await?);
            }
            let text = "ports by the API, plugged as os-vif does, leases by udhcpc and dhclient";
            Ok((vms, text.to_owned()))
        })
        .await?;
    Ok(Cast { vms, trunk })
}

impl Cast {
    fn vm(&self, name: &str) -> Result<&Instance> {
        let vm = self.vms.iter().find(|vm| vm.name() == name);
        vm.with_context(|| format!("{name} was not booted"))
    }
}

/// Who reaches whom, and how fast: what the physical network and Nucleon make together.
async fn reach(screen: &Screen, stage: &Stage, cast: &mut Cast) -> Result<()> {
    let metal = PLAN_101.metal.context("VLAN 101 has a physical machine")?;
    let address = |name: &str| cast.vm(name).and_then(Instance::address);
    let firsts = [
        ("vm1", address("vm3")?),
        ("vm2", address("vm4")?),
        ("vm3", address("vm1")?),
        ("vm4", address("vm2")?),
        ("vm5", address("vm6")?),
        ("vm6", PLAN_FLAT.gateway),
    ];
    screen
        .step("ping", async {
            for (name, target) in firsts {
                let vm = cast.vms.iter_mut().find(|vm| vm.name() == name);
                let vm = vm.with_context(|| format!("{name} was not booted"))?;
                let (host, expected) = (Arc::clone(vm.host()), format!("{name} reaches {target}"));
                let ping = vm.first_ping(target).await;
                stage.explain(&expected, &[&host], &[&cast.trunk], ping).await?;
            }
            let (vm1, vm3) = (cast.vm("vm1")?, cast.vm("vm3")?);
            let pairs: [(&str, &Station, Ipv4Addr); 4] = [
                ("VM-VM", vm1, vm3.address()?),
                ("VM-metal", vm1, metal),
                ("VM-router", vm1, PLAN_101.gateway),
                ("metal-VM", &stage.centre.metal, vm3.address()?),
            ];
            let mut found = Vec::new();
            for (what, station, target) in pairs {
                // The first asks for the MAC as well; the second tells what the path costs.
                let _ = station.ping(target, PATIENCE).await?;
                found.push(format!("{what} {}", ms(station.ping(target, PATIENCE).await?)));
            }
            Ok(((), format!("across hosts: {}", found.join(", "))))
        })
        .await
}

async fn separate(screen: &Screen, stage: &Stage, cast: &Cast) -> Result<()> {
    screen
        .step("101 and 102 apart", async {
            let (vm1, vm2) = (cast.vm("vm1")?, cast.vm("vm2")?);
            let (listener, target) = (vm2.capture().await?, vm2.address()?);
            let apart = async {
                ensure!(!vm1.reaches(target, SILENCE).await?, "vm1 reaches {target} in VLAN 102");
                ensure!(vm1.arp(target, SILENCE).await?.is_none(), "VLAN 102 answers VLAN 101");
                let mac = vm1.mac().await?;
                let heard = listener.matching(|seen| seen.source() == Some(mac));
                ensure!(heard.is_empty(), "frames of VLAN 101 in VLAN 102: {heard:?}");
                Ok(((), "no ping, no ARP, not one frame passes".to_owned()))
            };
            let expected = "nothing passes between VLANs 101 and 102";
            stage.explain(expected, &[vm2.host()], &[&listener], apart.await).await
        })
        .await
}

async fn tags(screen: &Screen, stage: &Stage, cast: &Cast) -> Result<()> {
    screen
        .step("tags", async {
            let (vm1, vm3) = (cast.vm("vm1")?, cast.vm("vm3")?);
            let (from, to) = (vm1.address()?, vm3.address()?);
            let found = async {
                let what = format!("an echo request {from} > {to}");
                let wanted = |seen: &crate::frame::Seen| seen.is_echo_request(from, to);
                let seen = cast.trunk.wait_for(&what, PATIENCE, wanted).await?;
                ensure!(seen.vlan == VlanId::new(101).ok(), "not tagged 101: {seen}");
                let local = (vm1.tag().await?, vm3.tag().await?);
                let (Some(one), Some(two)) = local else {
                    anyhow::bail!("ports without local tags: {local:?}");
                };
                ensure!(one != two, "the local tags of VLAN 101 are {one} on both hosts");
                let text =
                    format!("101 on the trunk, {one} inside compute1, {two} inside compute2");
                Ok(((), text))
            };
            let hosts: [&crate::Host; 2] = [vm1.host(), vm3.host()];
            stage.explain("VLAN 101 on the trunk", &hosts, &[&cast.trunk], found.await).await
        })
        .await
}

async fn outlive(screen: &Screen, stage: &Stage, cast: &Cast) -> Result<()> {
    let metal = PLAN_101.metal.context("VLAN 101 has a physical machine")?;
    screen
        .step("network host off", async {
            let (vm1, vm3) = (cast.vm("vm1")?, cast.vm("vm3")?);
            let mut pings = Vec::new();
            for target in [vm3.address()?, PLAN_101.gateway, metal] {
                pings.push(vm1.ping_steadily(target, PER_SECOND).await?);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            stage.power_off(&stage.centre.network).await?;
            tokio::time::sleep(OUTAGE).await;
            let mut sent = 0;
            for ping in pings {
                let report = ping.stop().await?;
                ensure!(report.lost.is_empty(), "with the network host off: {report}");
                sent += report.sent;
            }
            stage.power_on(&stage.centre.network).await?;
            Ok(((), format!("0 of {sent} packets lost between VM, router and bare metal")))
        })
        .await
}

fn timelines(screen: &Screen, cast: &Cast) {
    let head = format!(
        "{:<5} {:<9} {:<15} {:>7} {:>7} {:>7} {:>7} {:>10}",
        "port", "host", "address", "API", "wired", "ACTIVE", "lease", "first ping"
    );
    screen.line(&format!("{}  {}", screen.bold(&head), screen.dim("ms; API: the answer")));
    for vm in &cast.vms {
        let times = &vm.timeline;
        let address = vm.address().map_or_else(|_| "-".to_owned(), |address| address.to_string());
        let row = format!(
            "{:<5} {:<9} {:<15} {:>7} {:>7} {:>7} {:>7} {:>10}",
            vm.name(),
            vm.host().name(),
            address,
            cell(Some(times.answered)),
            cell(times.wired),
            cell(times.active),
            cell(times.lease),
            cell(times.ping),
        );
        let note = if vm.name() == "vm1" { "to the request; the others:" } else { "" };
        let note = if vm.name() == "vm2" { "since the device was plugged" } else { note };
        screen.line(format!("{row}  {}", screen.dim(note)).trim_end());
    }
}

/// Opens a door to the API, and waits for Ctrl-C, which ends the process and the lab.
async fn stay(screen: &Screen, stage: &Stage) -> Result<()> {
    let proxy =
        Proxy::start(9696, stage.centre.controller.netns(), stage.cloud.api_address()).await?;
    let url = format!("http://{}", proxy.address());
    screen.line(&format!("\n{} {url}   try:", screen.bold("The API is at")));
    let openstack = format!("openstack --os-auth-type none --os-endpoint {url}");
    for words in ["network list --long", "port list", "network agent list", "network create try"] {
        screen.line(&format!("  {openstack} {words}"));
    }
    screen.line(&format!("  curl {url}/v2.0/ports"));
    let dir = stage.lab.dir();
    screen.line(&format!(
        "Hosts, logs, configuration: {} (ip netns: nl-{}-*)",
        dir.display(),
        stage.lab.id()
    ));
    screen.line(&screen.bold("Ctrl-C takes everything away again."));
    exit_on_interrupt(0);
    std::future::pending().await
}
