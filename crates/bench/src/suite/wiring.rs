//! From the API's answer to the port's flows, and to its first ping.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ipnet::{IpNet, Ipv4Net};
use nucleon_agent::Status;
use nucleon_lab::{Plug, Vm, plug_all};
use nucleon_model::view::Role;
use nucleon_net::MacAddr;
use nucleon_obs::{Clock, Mono};
use nucleon_openflow::field::ETH_DST;
use nucleon_openflow::{Connection, FlowFilter, Match};
use serde_json::Value;

use super::cloud::{BR_INT, Cloud, HOST};
use super::{Effort, restart};
use crate::api::{Dhcp, Network, Port};
use crate::limit::{machine, switch};
use crate::ping::Prober;
use crate::program::{Binary, megabytes};
use crate::report::{Limit, Report, Row, Target, Unit};
use crate::stats::{Figure, ms, p50, percentile};

/// Ports of others in the cloud.
const OTHERS: usize = 2000;
const PREFIX: u8 = 16;
const PATIENCE: Duration = Duration::from_secs(10);

/// Ports that the host has wired, by its agent's word.
pub(super) fn wired(status: &Status) -> u64 {
    if let Some(wired) = status.details.get("wired").and_then(Value::as_u64) {
        return wired;
    }
    let lans = status.details.get("local_vlans").and_then(Value::as_array);
    let ports = |lan: &Value| lan.get("ports").and_then(Value::as_u64).unwrap_or_default();
    lans.into_iter().flatten().map(ports).sum()
}

pub async fn measure(
    suite: &str,
    binary: &Binary,
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    let mut cloud = Cloud::start(binary).await?;
    let mut agent = cloud.agent(Role::OvsAgent)?;
    cloud.wait_status("the agent is up", Role::OvsAgent, |status| status.rounds > 0).await?;
    cloud.wait_alive("neutron-openvswitch-agent").await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    weigh(suite, "ovs-agent, resident, idle", &agent, report)?;

    let network = Network::create(&mut cloud.client, 101, "10.1.0.0/16", Dhcp::Off).await?;
    let other = Network::create(&mut cloud.client, 102, "10.2.0.0/16", Dhcp::Off).await?;
    network.fill(&mut cloud.client, OTHERS / 2, None).await?;
    other.fill(&mut cloud.client, OTHERS / 2, None).await?;
    let count = effort.pick(20, 200);
    let ports = network.fill(&mut cloud.client, count + 1, None).await?;
    let (prober, ports) = ports.split_first().context("a port for the prober")?;
    let vms = plug(&cloud, prober, ports).await?;
    let (prober_vm, vms) = vms.split_first().context("the prober")?;
    cloud.client.call(&prober.bind(HOST)).await?;
    cloud.wait_status("the prober is wired", Role::OvsAgent, |status| wired(status) == 1).await?;
    let asker = Prober::open(prober_vm, prober.mac, prober.address).await?;

    let mut limits = limits(&cloud).await?;
    let ways = ways(&mut cloud, &asker, ports).await?;
    limits.push(first_ping_on_wired(&asker, vms, ports).await?);
    report.add(rows(suite, &ways, &limits)?);
    restart::measure(suite, &mut cloud, &mut agent, &network, (prober_vm, vms), effort, report)
        .await?;
    weigh(suite, "ovs-agent, resident, 500 ports", &agent, report)?;
    weigh(suite, "server beside it, resident", &cloud.server.process, report)?;
    agent.terminate(PATIENCE).await?;
    Ok(())
}

pub(super) fn weigh(
    suite: &str,
    name: &str,
    process: &nucleon_lab::process::Process,
    report: &mut Report,
) -> Result<()> {
    let figure = Figure::of([megabytes(process)?]).context("memory")?;
    report.add([Row::new(suite, name, Unit::Megabytes, figure)]);
    Ok(())
}

/// What disk and switch do now.
async fn limits(cloud: &Cloud) -> Result<Vec<Limit>> {
    let mut limits = machine(cloud.lab.dir()).await?;
    limits.push(switch::bundle(cloud.host.switch()).await?);
    limits.push(switch::transaction(cloud.host.switch()).await?);
    Ok(limits)
}

/// Makes a machine for each port, with its address, and plugs them all.
async fn plug(cloud: &Cloud, prober: &Port, ports: &[Port]) -> Result<Vec<Vm>> {
    let all = std::iter::once(prober).chain(ports);
    let plugs = all
        .clone()
        .enumerate()
        .map(|(number, port)| (format!("vm{number}"), Plug::new(port.id.clone(), port.mac)));
    let vms = Vm::create_all(&cloud.lab, &cloud.host, plugs).await?;
    for (vm, port) in vms.iter().zip(all) {
        vm.set_address(IpNet::V4(Ipv4Net::new(port.address, PREFIX)?)).await?;
    }
    plug_all(&vms).await?;
    Ok(vms)
}

/// The way of one port, from the answer to the request that bound it to the host.
#[derive(Debug, Clone, Copy)]
struct Way {
    request: Duration,
    flows: Duration,
    ping: Duration,
}

async fn ways(cloud: &mut Cloud, asker: &Prober, ports: &[Port]) -> Result<Vec<Way>> {
    let socket = cloud.host.switch().bridge_socket(BR_INT);
    let (bridge, _events) = Connection::open(socket).await?;
    let clock = Clock::system();
    let mut ways = Vec::new();
    for port in ports {
        ensure!(!has_flow(&bridge, port.mac).await?, "{} has flows before it is bound", port.id);
        let answer = cloud.client.call(&port.bind(HOST)).await?;
        let answered = clock.mono();
        let (flows, ping) = tokio::try_join!(
            flows(&bridge, port.mac, &clock),
            asker.first_answer(port.mac, port.address, &clock, PATIENCE)
        )?;
        let way = Way { request: answer.took, flows: flows - answered, ping: ping - answered };
        ways.push(way);
    }
    Ok(ways)
}

/// What the switch itself needs for a first ping, on ports that are wired: the machine asks for the
/// prober's MAC address once more, which is carried to every port of the network.
async fn first_ping_on_wired(asker: &Prober, vms: &[Vm], ports: &[Port]) -> Result<Limit> {
    let clock = Clock::system();
    let mut times = Vec::new();
    for (vm, port) in vms.iter().zip(ports).take(20) {
        vm.program("ip").args(["neighbour", "flush", "dev", vm.link().as_str()]).run().await?;
        let start = clock.mono();
        let answered = asker.first_answer(port.mac, port.address, &clock, PATIENCE).await?;
        times.push(answered - start);
    }
    Ok(Limit::new("first ping on a wired port", ms(p50(&times)), Unit::Milliseconds))
}

async fn has_flow(bridge: &Connection, mac: MacAddr) -> Result<bool> {
    let matches = Match::new().with(ETH_DST, mac);
    let filter = FlowFilter { matches, ..FlowFilter::table(60) };
    Ok(!bridge.dump_flows(&filter).await?.is_empty())
}

/// When a port's flows are in the bridge. They come in one bundle: one tells of all.
async fn flows(bridge: &Connection, mac: MacAddr, clock: &Clock) -> Result<Mono> {
    let deadline = clock.mono() + PATIENCE;
    while clock.mono() < deadline {
        if has_flow(bridge, mac).await? {
            return Ok(clock.mono());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("no flows for {mac} within {PATIENCE:?}")
}

fn rows(suite: &str, ways: &[Way], limits: &[Limit]) -> Result<Vec<Row>> {
    let column = |what: fn(&Way) -> Duration| ways.iter().map(what).collect::<Vec<_>>();
    let mut rows = Vec::new();
    let named = [
        ("bind request", column(|way| way.request), [None, None]),
        ("API answer to flows", column(|way| way.flows), [Some(20.0), Some(60.0)]),
        ("API answer to first ping", column(|way| way.ping), [None, None]),
    ];
    for (name, times, targets) in named {
        for ((share, label), target) in [(0.5, "p50"), (0.99, "p99")].into_iter().zip(targets) {
            let all =
                Figure::of(times.iter().map(|time| ms(*time))).context("no port was wired")?;
            let figure = Figure { median: ms(percentile(&times, share)), ..all };
            let name = format!("{name}, {} ports, {label}", ways.len());
            let mut row = Row::new(suite, name, Unit::Milliseconds, figure).beside(limits.to_vec());
            if let Some(most) = target {
                row = row.target(Target::AtMost(most));
            }
            rows.push(row);
        }
    }
    Ok(rows)
}
