//! One server on one database: start, memory, creates, lists.

mod neighbours;
mod tenancy;

use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_testkit::{Kind, Server as Database, TestDatabase, database};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Effort;
use crate::api::{Dhcp, Network, Port};
use crate::http::{Call, Client};
use crate::limit::commit::BareCommit;
use crate::program::{Binary, Server, ServerConfig, free_address, megabytes};
use crate::report::{Limit, Report, Row, Target, Unit};
use crate::stats::{Figure, ms, p50, rate};
use crate::{limit, load};

/// Clients at once in the rows that say so.
const CLIENTS: usize = 32;

/// Ports in the cloud for the rows that list.
const PORTS: usize = 10_000;

/// The request that one row repeats for each port.
type ToCall<'f> = &'f dyn Fn(&Port) -> Call;

/// One run on one database.
struct Run<'r> {
    suite: &'static str,
    kind: Kind,
    effort: Effort,
    report: &'r mut Report,
    server: Server,
    client: Client,
    bare: BareCommit,
    directory: TempDir,
}

/// Measures a server on a database of its own.
pub async fn measure(
    suite: &'static str,
    kind: Kind,
    binary: &Binary,
    effort: Effort,
    report: &mut Report,
) -> Result<()> {
    // The database's own server ends after it.
    let (_keeper, database) = match kind {
        Kind::Sqlite => (None, database(kind)),
        _ => match tokio::task::spawn_blocking(move || Database::start(kind)).await? {
            None => (None, None),
            Some(server) => {
                let database = server.database()?;
                (Some(server), Some(database))
            }
        },
    };
    let Some(database) = database else {
        report.skip(suite, format!("the programs of {kind} are not installed"));
        return Ok(());
    };
    let directory = tempfile::Builder::new().prefix("nucleon-bench-").tempdir()?;
    let bare = BareCommit::connect(&database).await.context("connect for bare commits")?;
    let config = ServerConfig {
        state: directory.path().to_owned(),
        address: free_address()?,
        connection: Some(database.url.clone()),
        keystone: None,
    };
    let server = start(suite, binary, &config, effort, report).await?;
    let client = server.client().await?;
    let mut run = Run { suite, kind, effort, report, server, client, bare, directory };
    run.weigh("server, resident, idle", Some(50.0)).await?;
    let alone = run.few_ports_alone().await?;
    let network = Network::create(&mut run.client, 101, "10.0.0.0/16", Dhcp::On).await?;
    let mut made = run.bulk(&network).await?;
    made += run.one_client(&network).await?;
    made += run.many_clients(&network).await?;
    network.fill(&mut run.client, PORTS.saturating_sub(made), None).await?;
    let ports = run.list().await?;
    run.weigh("server, resident, 10,000 ports", Some(200.0)).await?;
    run.show_network(&network).await?;
    run.show_update_delete(&ports).await?;
    run.tenancy().await?;
    run.few_ports_among(alone).await?;
    run.server.stop().await?;
    release(database);
    Ok(())
}

/// The server was the last to use it.
fn release(database: TestDatabase) {
    drop(database);
}

/// Starts the server several times: on a new database, then on one that is there.
async fn start(
    suite: &str,
    binary: &Binary,
    config: &ServerConfig,
    effort: Effort,
    report: &mut Report,
) -> Result<Server> {
    let mut server = Server::start(binary, config).await?;
    let limits = limit::machine(&config.state).await?;
    let new = Figure::of([ms(server.started_in)]).context("a start")?;
    report.add([Row::new(suite, "start to first 200, new database", Unit::Milliseconds, new)
        .beside(limits.clone())]);
    let mut times = Vec::new();
    for _ in 0..effort.pick(2, 7) {
        server.stop().await?;
        server = Server::start(binary, config).await?;
        times.push(ms(server.started_in));
    }
    let figure = Figure::of(times).context("starts")?;
    report.add([Row::new(suite, "start to first 200", Unit::Milliseconds, figure)
        .target(Target::AtMost(300.0))
        .beside(limits)]);
    Ok(server)
}

impl Run<'_> {
    /// What the disk and the database do now.
    async fn limits(&mut self) -> Result<Vec<Limit>> {
        let mut limits = limit::machine(self.directory.path()).await?;
        limits.push(self.bare.limit().await?);
        Ok(limits)
    }

    fn add(
        &mut self,
        name: &str,
        unit: Unit,
        values: impl IntoIterator<Item = f64>,
        target: Option<Target>,
        limits: Vec<Limit>,
    ) -> Result<()> {
        let figure = Figure::of(values).with_context(|| format!("{name}: no rounds"))?;
        let mut row = Row::new(self.suite, name, unit, figure).beside(limits);
        if let Some(target) = target {
            row = row.target(target);
        }
        self.report.add([row]);
        Ok(())
    }

    /// Memory once nothing is under way.
    async fn weigh(&mut self, name: &str, most: Option<f64>) -> Result<()> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let megabytes = megabytes(&self.server.process)?;
        self.add(name, Unit::Megabytes, [megabytes], most.map(Target::AtMost), Vec::new())
    }

    /// A thousand ports in one request.
    async fn bulk(&mut self, network: &Network) -> Result<usize> {
        let limits = self.limits().await?;
        let mut times = Vec::new();
        let rounds = self.effort.pick(2, 5);
        for _ in 0..rounds {
            let answer = self.client.call(&network.ports(1000, None)).await?;
            times.push(ms(answer.took));
        }
        let target = Some(Target::AtMost(300.0));
        self.add("bulk of 1,000 ports, one request", Unit::Milliseconds, times, target, limits)?;
        Ok(rounds * 1000)
    }

    /// P1: bare commits and creates by turns, so that both see the same disk.
    async fn one_client(&mut self, network: &Network) -> Result<usize> {
        let (rounds, each) = (self.effort.pick(3, 15), self.effort.pick(20, 40));
        let call = network.port();
        let (mut bare, mut creates, mut above) = (Vec::new(), Vec::new(), Vec::new());
        let limits = limit::machine(self.directory.path()).await?;
        for _ in 0..rounds {
            let commit = ms(p50(&self.bare.times(each).await?));
            let outcome =
                load::run(std::slice::from_mut(&mut self.client), &vec![call.clone(); each])
                    .await?;
            let create = ms(p50(&outcome.times));
            bare.push(commit);
            creates.push(create);
            above.push(create - commit);
        }
        let commit = Figure::of(bare).context("bare commits")?;
        let mut beside = limits;
        beside.push(Limit::new("bare commit", commit.median, Unit::Milliseconds));
        let most = if self.kind == Kind::Sqlite { 1.0 } else { 3.0 };
        let name = "port create, 1 client, p50";
        self.add(name, Unit::Milliseconds, creates, None, beside.clone())?;
        let name = "P1: the same less the bare commit";
        let target = Some(Target::AtMost(most));
        self.add(name, Unit::Milliseconds, above, target, beside)?;
        Ok(rounds * each)
    }

    /// P2: one subnet, many clients.
    async fn many_clients(&mut self, network: &Network) -> Result<usize> {
        let (rounds, each) = (self.effort.pick(2, 7), self.effort.pick(200, 500));
        let mut clients = Client::several(self.server.address, CLIENTS).await?;
        let calls = vec![network.port(); each];
        let (mut rates, mut slowest) = (Vec::new(), Vec::new());
        let limits = self.limits().await?;
        for _ in 0..rounds {
            let outcome = load::run(&mut clients, &calls).await?;
            rates.push(rate(each, outcome.took));
            slowest.push(ms(crate::stats::percentile(&outcome.times, 0.99)));
        }
        let least = if self.kind == Kind::Sqlite { 1000.0 } else { 500.0 };
        let name = "P2: port creates, 32 clients, one subnet";
        self.add(name, Unit::PerSecond, rates, Some(Target::AtLeast(least)), limits.clone())?;
        let name = "port create, 32 clients, p99";
        self.add(name, Unit::Milliseconds, slowest, None, limits)?;
        Ok(rounds * each)
    }

    /// P3: all of them, and a page from the middle. Answers with all.
    async fn list(&mut self) -> Result<Vec<Port>> {
        let rounds = self.effort.pick(3, 11);
        let mut limits = self.limits().await?;
        let whole = Call::get("/v2.0/ports");
        let (mut times, mut body) = (Vec::new(), Value::Null);
        let mut octets = 0;
        for round in 0..rounds {
            let answer = self.client.call(&whole).await?;
            times.push(ms(answer.took));
            if round == 0 {
                octets = answer.body.len();
                body = answer.json()?;
            }
        }
        let ports = body.get("ports").and_then(Value::as_array).context("a list of ports")?;
        let ports = ports.iter().map(Port::read).collect::<Result<Vec<_>>>()?;
        let size = u32::try_from(octets).map(f64::from)? / 1e6;
        limits.push(Limit::new("body", size, Unit::Megabytes));
        let name = format!("P3: list {} ports, whole", ports.len());
        let target = Some(Target::AtMost(150.0));
        self.add(&name, Unit::Milliseconds, times, target, limits)?;

        let limits = self.limits().await?;
        let mut ids: Vec<&str> = ports.iter().map(|port| port.id.as_str()).collect();
        ids.sort_unstable();
        let middle = ids.get(ids.len() / 2).context("a port in the middle")?;
        let page = Call::get(format!("/v2.0/ports?limit=100&marker={middle}"));
        let mut times = Vec::new();
        for _ in 0..rounds {
            let calls = vec![page.clone(); 10];
            let outcome = load::run(std::slice::from_mut(&mut self.client), &calls).await?;
            times.push(ms(p50(&outcome.times)));
        }
        let name = format!("page of 100 of {} ports, p50", ports.len());
        self.add(&name, Unit::Milliseconds, times, None, limits)?;
        Ok(ports)
    }

    /// A network that has many ports.
    async fn show_network(&mut self, network: &Network) -> Result<()> {
        let limits = self.limits().await?;
        let call = Call::get(format!("/v2.0/networks/{}", network.id));
        let mut times = Vec::new();
        for _ in 0..self.effort.pick(2, 7) {
            let calls = vec![call.clone(); 40];
            let outcome = load::run(std::slice::from_mut(&mut self.client), &calls).await?;
            times.push(ms(p50(&outcome.times)));
        }
        let target = Some(Target::AtMost(0.5));
        self.add("network show, 1 client, p50", Unit::Milliseconds, times, target, limits)
    }

    /// One client for the time of each, many for the rate.
    async fn show_update_delete(&mut self, ports: &[Port]) -> Result<()> {
        let (rounds, each) = (self.effort.pick(2, 7), self.effort.pick(100, 400));
        let update =
            |port: &Port| Call::put(port.path(), &json!({ "port": { "description": "measured" } }));
        let show = (Some(Target::AtLeast(8000.0)), Some(Target::AtMost(0.5)));
        let kinds: [(&str, ToCall<'_>, usize, _); 3] = [
            ("show", &|port| Call::get(port.path()), 5, show),
            ("update", &update, 1, (None, None)),
            ("delete", &|port| Call::delete(port.path()), 1, (None, None)),
        ];
        let mut clients = Client::several(self.server.address, CLIENTS).await?;
        let alone = 40;
        for (name, call, times, (least, most)) in kinds {
            let limits = self.limits().await?;
            let (mut rates, mut singles) = (Vec::new(), Vec::new());
            for ports in ports.chunks(each + alone).take(rounds) {
                let (some, one) = ports.split_at(each.min(ports.len()));
                let calls: Vec<Call> = some.iter().map(call).collect();
                let calls = vec![calls; times].concat();
                let outcome = load::run(&mut clients, &calls).await?;
                rates.push(rate(calls.len(), outcome.took));
                let calls: Vec<Call> = one.iter().map(call).collect();
                let outcome = load::run(std::slice::from_mut(&mut self.client), &calls).await?;
                singles.push(ms(p50(&outcome.times)));
            }
            let row = format!("port {name}, 32 clients");
            self.add(&row, Unit::PerSecond, rates, least, limits.clone())?;
            let row = format!("port {name}, 1 client, p50");
            self.add(&row, Unit::Milliseconds, singles, most, limits)?;
        }
        Ok(())
    }
}
