//! Leases from the DHCP agent, taken by the clients that guests run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use nucleon_linux::PacketKind;
use serde_json::json;

use super::{Running, Scenario};
use crate::capture::Capture;
use crate::cloud::{Role, wait_until};
use crate::data_centre::PLAN_101;
use crate::dhcp_client::{self, Client, Kind, Lease};
use crate::frame::Seen;
use crate::instance::{Instance, Request, text};
use crate::lab::Lab;
use crate::stage::{Network, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "dhcp",
    checks: "udhcpc and dhclient get the API's address, routes, DNS, MTU and extra options; renew, \
             release, reboot; NAK for a wrong address; silence towards foreign machines; leases go \
             on without the server, and from another agent when the first one's host is off",
    run,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn run(lab: Arc<Lab>) -> Running {
    Box::pin(async move { check(lab).await })
}

async fn check(lab: Arc<Lab>) -> Result<()> {
    let stage = Stage::set(lab).await?;
    let (one, two) = (stage.centre.compute(1)?, stage.centre.compute(2)?);
    let more = json!({
        "dns_nameservers": ["192.0.2.53", "192.0.2.54"],
        "host_routes": [{ "destination": "198.51.100.0/24", "nexthop": "10.20.101.250" }],
    });
    let network = stage.network_with("net101", PLAN_101, more).await?;
    let mut vm1 = stage.boot(Request::new("vm1", &network.id, one), Kind::Udhcpc).await?;
    let lease = vm1.lease(Kind::Udhcpc).await?;
    holds(&stage, &network, &lease).await.with_context(|| format!("udhcpc: {:?}", lease.words))?;
    ensure!(lease.mtu == Some(1500), "MTU {:?}", lease.mtu);

    let options = json!({ "extra_dhcp_opts": [
        { "opt_name": "26", "opt_value": "1400" },
        { "opt_name": "domain-name", "opt_value": "lab.example" },
    ]});
    let request = Request::new("vm2", &network.id, two).port(options);
    let mut vm2 = stage.boot(request, Kind::Dhclient).await?;
    let lease = vm2.lease(Kind::Dhclient).await?;
    holds(&stage, &network, &lease)
        .await
        .with_context(|| format!("dhclient: {:?}", lease.words))?;
    ensure!(lease.mtu == Some(1400), "option 26 by number: MTU {:?}", lease.mtu);
    let domain = lease.domain.as_deref();
    ensure!(domain == Some("lab.example"), "domain-name by name: {domain:?}");

    renews_and_releases(&stage, &vm1).await?;
    reboots(&vm2).await?;
    silent_towards_strangers(&stage).await?;
    goes_on_without_the_server(&stage, &vm1).await?;
    moves_to_another_agent(&stage, &network).await
}

/// What both clients have to be told.
async fn holds(stage: &Stage, network: &Network, lease: &Lease) -> Result<()> {
    let ports = [("network_id", network.id.as_str()), ("device_owner", "network:dhcp")];
    let ports = stage.api().list("ports", &ports).await?;
    let [server] = ports.as_slice() else { anyhow::bail!("not one DHCP port: {ports:?}") };
    let server = crate::instance::address_of(server)?;
    ensure!(lease.address.prefix_len() == 24, "prefix {}", lease.address);
    ensure!(lease.server == Some(server), "server {:?}, not {server}", lease.server);
    let dns: Vec<_> = lease.dns_servers.iter().map(ToString::to_string).collect();
    ensure!(dns == ["192.0.2.53", "192.0.2.54"], "DNS servers {dns:?}");
    let gateway = PLAN_101.gateway;
    let routes = &lease.routes;
    let has = |net: &str, via| {
        routes.iter().any(|(found, router)| found.to_string() == net && *router == via)
    };
    ensure!(has("0.0.0.0/0", gateway), "no classless default route: {routes:?}");
    ensure!(has("198.51.100.0/24", "10.20.101.250".parse()?), "no host route: {routes:?}");
    ensure!(lease.seconds == Some(86400), "lease time {:?}", lease.seconds);
    Ok(())
}

async fn renews_and_releases(stage: &Stage, vm: &Instance) -> Result<()> {
    let mut client = Client::start(vm, Kind::Udhcpc, PATIENCE).await?;
    // An option changed while the lease holds is in the next answer.
    let changed = json!({ "extra_dhcp_opts": [{ "opt_name": "mtu", "opt_value": "1300" }] });
    stage.api().update("ports", vm.id()?, changed).await?;
    let deadline = 100;
    for attempt in 0.. {
        client.process().signal(Signal::SIGUSR1)?;
        client.wait_for("renew", PATIENCE).await?;
        let lease = client.lease()?;
        ensure!(lease.address.addr() == vm.address()?, "renewed to {}", lease.address);
        if lease.mtu == Some(1300) {
            break;
        }
        ensure!(attempt < deadline, "renewed with MTU {:?}, not 1300", lease.mtu);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.process().signal(Signal::SIGUSR2)?;
    client.wait_for("deconfig", PATIENCE).await?;
    ensure!(vm.addresses().await?.is_empty(), "an address after RELEASE");
    drop(client);
    let lease = vm.udhcpc(PATIENCE).await?;
    ensure!(lease.address.addr() == vm.address()?, "after RELEASE {}", lease.address);
    Ok(())
}

/// dhclient that finds its last lease begins with a REQUEST (INIT-REBOOT, RFC 2131, 4.4.2); a wrong
/// one is refused.
async fn reboots(vm: &Instance) -> Result<()> {
    let capture = vm.capture().await?;
    vm.dhclient(PATIENCE).await.context("INIT-REBOOT")?;
    let discovers = capture.matching(|seen| message_type(seen) == Some(1));
    ensure!(discovers.is_empty(), "DISCOVER after a reboot: {}", capture.text(20));

    let file = vm.dir().join("dhclient.leases");
    let wrong = "10.20.101.201";
    let right = vm.address()?.to_string();
    let leases = std::fs::read_to_string(&file).context("read dhclient's leases")?;
    std::fs::write(
        &file,
        leases.replace(&format!("fixed-address {right};"), &format!("fixed-address {wrong};")),
    )?;
    capture.clear();
    let lease = vm.dhclient(PATIENCE).await.context("after a wrong lease")?;
    capture
        .wait_for("a NAK for a wrong address", PATIENCE, |seen| message_type(seen) == Some(6))
        .await?;
    ensure!(lease.address.addr() == vm.address()?, "after the NAK {}", lease.address);
    Ok(())
}

async fn silent_towards_strangers(stage: &Stage) -> Result<()> {
    let capture: Capture = stage.centre.metal.capture().await?;
    dhcp_client::expect_silence(&stage.centre.metal, Duration::from_secs(3)).await?;
    let answers = capture
        .matching(|seen| seen.kind != PacketKind::Outgoing && seen.udp_ports() == Some((67, 68)));
    ensure!(answers.is_empty(), "a physical machine was answered: {answers:?}");
    let asked = capture.matching(|seen| message_type(seen) == Some(1));
    ensure!(!asked.is_empty(), "the physical machine did not ask at all");
    Ok(())
}

/// An agent that starts while the server is away serves from its last view.
async fn goes_on_without_the_server(stage: &Stage, vm: &Instance) -> Result<()> {
    let (controller, network) = (&stage.centre.controller, &stage.centre.network);
    stage.cloud.kill(controller, Role::Server).await?;
    stage.cloud.kill(network, Role::DhcpAgent).await?;
    stage.cloud.start_role(network, Role::DhcpAgent).await?;
    let lease = vm.udhcpc(PATIENCE).await;
    let hosts: [&crate::Host; 1] = [network];
    let lease = stage.explain("a lease without the server", &hosts, &[], lease).await?;
    ensure!(lease.address.addr() == vm.address()?, "without the server {}", lease.address);
    stage.cloud.start_role(controller, Role::Server).await
}

async fn moves_to_another_agent(stage: &Stage, network: &Network) -> Result<()> {
    let (one, two) = (stage.centre.compute(1)?, stage.centre.compute(2)?);
    stage.cloud.start_role(two, Role::DhcpAgent).await?;
    stage.cloud.wait_alive(two, Role::DhcpAgent).await?;
    stage.power_off(&stage.centre.network).await?;
    let path = format!("networks/{}/dhcp-agents", network.id);
    let moved = wait_until(Duration::from_secs(30), async || {
        let answer =
            stage.api().request(hyper::Method::GET, &format!("/v2.0/{path}"), None).await?;
        let agents = answer["agents"].as_array().cloned().unwrap_or_default();
        Ok(agents.iter().any(|agent| text(agent, "host").is_ok_and(|host| host == two.name())))
    });
    moved.await.context("the network moves to the DHCP agent of compute2")?;
    let vm3 = stage.boot(Request::new("vm3", &network.id, one), Kind::Udhcpc).await?;
    vm3.ping(PLAN_101.gateway, PATIENCE).await.map(drop)
}

/// The DHCP message type (option 53) of a datagram between client and server.
fn message_type(seen: &Seen) -> Option<u8> {
    if !matches!(seen.udp_ports(), Some((67, 68) | (68, 67))) {
        return None;
    }
    // UDP header, the fixed part of a message, the cookie (RFC 2131, 2).
    let options = seen.ipv4()?.payload.get(8 + 236 + 4..)?;
    let mut rest = options;
    loop {
        let (code, after) = rest.split_first()?;
        match code {
            0 => rest = after,
            255 => return None,
            _ => {
                let (length, after) = after.split_first()?;
                let (value, after) = after.split_at_checked(usize::from(*length))?;
                if *code == 53 {
                    return value.first().copied();
                }
                rest = after;
            }
        }
    }
}
