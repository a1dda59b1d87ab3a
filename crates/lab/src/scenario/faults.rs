//! Everything is killed at random while ports are made and deleted, and everything comes right.

mod chaos;
mod ledger;
mod storm;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_obs::CancellationToken;
use nucleon_testkit::Kind::MariaDb;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use self::chaos::{Chaos, Victims};
use self::ledger::Ledger;
use super::Scenario;
use crate::cloud::Options;
use crate::data_centre::{DataCentre, PLAN_101, Size};
use crate::database::DatabaseServer;
use crate::dhcp_client::Kind;
use crate::evidence::Evidence;
use crate::instance::{Instance, Request, text, wait_status, wait_wired};
use crate::lab::Lab;
use crate::stage::{Network, Stage};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "faults",
    checks: "server, agents, ovs-vswitchd and ovsdb-server are killed at random during a storm of \
             port creates and deletes: no acknowledged write is lost, no address is given twice, \
             everything converges by itself, and wired VMs lose no packet while only the control \
             plane dies",
    run: |lab| Box::pin(check(lab, Extent::Switches)),
};

pub(super) const WITH_DATABASE: Scenario = Scenario {
    name: "faults-database",
    checks: "a MariaDB server is killed among server and agents during such a storm: no acknowledged write is lost, \
             no address is given twice, everything converges by itself, and wired VMs lose no packet",
    run: |lab| Box::pin(check(lab, Extent::Database)),
};

/// How far a scenario goes beyond server and agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Switches,
    Database,
}

/// How long each storm blows.
const STORM: Duration = Duration::from_secs(12);
const PER_SECOND: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(20);

async fn check(lab: Arc<Lab>, extent: Extent) -> Result<()> {
    let centre = DataCentre::start(&lab, Size { computes: 2 }).await?;
    let database = match extent {
        Extent::Database => Some(DatabaseServer::start(&centre.controller, MariaDb).await?),
        Extent::Switches => None,
    };
    let url = database.as_ref().map(|server| server.url().to_owned());
    let options = Options { database: url, ..Options::default() };
    let stage = Stage::set_in(lab, centre, options).await?;
    let seed: u64 = match std::env::var("NUCLEON_LAB_SEED") {
        Ok(seed) => seed.parse().context("NUCLEON_LAB_SEED is no number")?,
        Err(_) => rand::random(),
    };
    let random = StdRng::seed_from_u64(seed);
    let mut chaos = Chaos::new(&stage, database.as_ref(), random);
    match storms(&stage, &mut chaos, extent).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let expected = "all comes right after every kill";
            let mut evidence = Evidence::new(expected, error)
                .text("killed, in this order", chaos.history().join("\n"))
                .text("to choose the same victims", format!("NUCLEON_LAB_SEED={seed}"))
                .logs(&stage.centre.controller)
                .logs(&stage.centre.network);
            if let Some(server) = &database {
                evidence = evidence.database(server).await;
            }
            let evidence = evidence.host(stage.centre.compute(1)?).await;
            Err(evidence.host(stage.centre.compute(2)?).await.into())
        }
    }
}

async fn storms(stage: &Stage, chaos: &mut Chaos<'_>, extent: Extent) -> Result<()> {
    let (one, two) = (stage.centre.compute(1)?, stage.centre.compute(2)?);
    let network = stage.network("net101", PLAN_101).await?;
    let vm1 = stage.boot(Request::new("vm1", &network.id, one), Kind::Udhcpc).await?;
    let vm2 = stage.boot(Request::new("vm2", &network.id, two), Kind::Udhcpc).await?;
    let ledger = Ledger::default();

    // Only what controls: what is wired stays so.
    let pings = [
        vm1.ping_steadily(vm2.address()?, PER_SECOND).await?,
        vm2.ping_steadily(PLAN_101.gateway, PER_SECOND).await?,
    ];
    let mut booted = blow(stage, chaos, &network, &ledger, Victims::ControlPlane, "a").await?;
    for ping in pings {
        let report = ping.stop().await?;
        ensure!(report.lost.is_empty(), "while the control plane was killed: {report}");
    }
    settled(stage, &network, &ledger, &booted).await.context("after the control plane's storm")?;
    if extent == Extent::Database {
        return Ok(());
    }

    // The switches as well, whose packets are lost with them.
    booted.extend(blow(stage, chaos, &network, &ledger, Victims::All, "b").await?);
    booted.extend([vm1, vm2]);
    settled(stage, &network, &ledger, &booted).await.context("after the switches' storm")
}

/// Makes, deletes and kills for a while; returns the machines that were booted meanwhile.
async fn blow(
    stage: &Stage,
    chaos: &mut Chaos<'_>,
    network: &Network,
    ledger: &Ledger,
    victims: Victims,
    label: &str,
) -> Result<Vec<Instance>> {
    let over = CancellationToken::new();
    let storm = storm::writers(stage, network, ledger, &over, label);
    let boots = storm::boots(stage, network, &over, label);
    let killing = async {
        let result = chaos.rage(victims, STORM).await;
        over.cancel();
        result
    };
    let ((), (), booted) = tokio::try_join!(killing, storm, boots)?;
    Ok(booted)
}

/// What was acknowledged is so, no address is had twice, and every machine works.
async fn settled(
    stage: &Stage,
    network: &Network,
    ledger: &Ledger,
    booted: &[Instance],
) -> Result<()> {
    let ports = stage.api().list("ports", &[("network_id", network.id.as_str())]).await?;
    ledger.check(&ports)?;
    distinct(&ports)?;
    for instance in booted {
        wait_status(stage.api(), instance.id()?, "ACTIVE").await?;
        let bridge = instance.host().switch().bridge_socket("br-int");
        wait_wired(&bridge, instance.tap().as_str()).await?;
        let lease = instance.udhcpc(PATIENCE).await?;
        let address = instance.address()?;
        ensure!(lease.address.addr() == address, "{} got {lease:?}", instance.name());
        instance.ping(PLAN_101.gateway, PATIENCE).await?;
    }
    for (instance, other) in booted.iter().zip(booted.iter().skip(1)) {
        instance.ping(other.address()?, PATIENCE).await?;
    }
    Ok(())
}

fn distinct(ports: &[Value]) -> Result<()> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for port in ports {
        let id = text(port, "id")?;
        for ip in port["fixed_ips"].as_array().into_iter().flatten() {
            let address = text(ip, "ip_address")?;
            if let Some(other) = owners.insert(address, id) {
                anyhow::bail!("{address} is had by {other} and by {id}");
            }
        }
        let mac = text(port, "mac_address")?;
        if let Some(other) = owners.insert(mac, id) {
            anyhow::bail!("{mac} is had by {other} and by {id}");
        }
    }
    Ok(())
}
