//! One server's part of a round.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::api::text;
use crate::http::{Answer, Call, Client};
use crate::load;
use crate::report::Unit;
use crate::stats::{ms, p50, rate};
use crate::suite::Effort;

/// Clients at once in the rows of rates.
const CLIENTS: usize = 32;

/// Ports on the network that is listed.
const LISTED: usize = 1000;

/// Whose all of it is.
const PROJECT: &str = "5a3b0a6c9d1e4f7f8a2b3c4d5e6f7a8b";

/// A name, what it is measured in, and the value.
pub(super) type Measured = (String, Unit, f64);

/// A server with what the measurements need.
#[derive(Debug)]
pub(super) struct Site {
    one: Client,
    many: Vec<Client>,
    /// The network that ports are created on.
    network: String,
    /// The one that has as many as are listed.
    listed: String,
    /// Where routers have their gateways; none where there are no external networks.
    external: Option<String>,
    group: Option<String>,
    not_served: BTreeSet<&'static str>,
    /// Numbers for what must have names of its own.
    number: u32,
}

/// How many requests a row takes.
#[derive(Debug, Clone, Copy)]
struct Count {
    alone: usize,
    together: usize,
}

impl Site {
    pub(super) async fn prepare(address: SocketAddr) -> Result<Self> {
        let mut one = Client::connect(address).await?;
        let many = Client::several(address, CLIENTS).await?;
        let network = network_with_subnet(&mut one, "10.0.0.0/16").await?;
        let listed = network_with_subnet(&mut one, "10.1.0.0/16").await?;
        fill(&mut one, &listed).await?;
        let external = external_network(&mut one).await?;
        let body = json!({"security_group": {"name": "bench", "project_id": PROJECT}});
        let group = created(&mut one, "security-groups", &body).await?;
        let not_served = BTreeSet::new();
        Ok(Self { one, many, network, listed, external, group, not_served, number: 0 })
    }

    /// What this server does not have.
    pub(super) fn not_served(&self) -> impl Iterator<Item = &'static str> {
        self.not_served.iter().copied()
    }

    /// Every row once. What it makes it takes away again.
    pub(super) async fn visit(&mut self, effort: Effort) -> Result<Vec<Measured>> {
        let count = Count { alone: effort.pick(3, 10), together: effort.pick(32, 64) };
        let mut rows = Vec::new();
        self.networks(count, &mut rows).await?;
        self.ports(count, &mut rows).await?;
        self.list(effort, &mut rows).await?;
        self.rules(count, &mut rows).await?;
        self.routers(count, &mut rows).await?;
        Ok(rows)
    }

    async fn networks(&mut self, count: Count, rows: &mut Vec<Measured>) -> Result<()> {
        let body = json!({"network": {"name": "bench", "project_id": PROJECT}});
        let create = Call::post("/v2.0/networks", &body);
        let networks = self.row("network create", &vec![create; count.all()], count, rows).await?;
        let networks = ids(&networks, "network")?;
        let subnet = |network: &String| {
            let body = json!({"subnet": {
                "network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24", "project_id": PROJECT,
            }});
            Call::post("/v2.0/subnets", &body)
        };
        let calls: Vec<Call> = networks.iter().map(subnet).collect();
        self.row("subnet create", &calls, count, rows).await?;
        let calls: Vec<Call> = networks.iter().map(|id| member("networks", id)).collect();
        self.row("network show", &calls, count, rows).await?;
        let calls: Vec<Call> = networks.iter().map(|id| gone("networks", id)).collect();
        self.row("network delete, with its subnet", &calls, count, rows).await?;
        Ok(())
    }

    async fn ports(&mut self, count: Count, rows: &mut Vec<Measured>) -> Result<()> {
        let body = json!({"port": {"network_id": self.network, "project_id": PROJECT}});
        let create = Call::post("/v2.0/ports", &body);
        let ports = self.row("port create", &vec![create; count.all()], count, rows).await?;
        let ports = ids(&ports, "port")?;
        let calls: Vec<Call> = ports.iter().map(|id| member("ports", id)).collect();
        self.row("port show", &calls, count, rows).await?;
        let body = json!({"port": {"description": "measured"}});
        let update = |id: &String| Call::put(format!("/v2.0/ports/{id}"), &body);
        let calls: Vec<Call> = ports.iter().map(update).collect();
        self.row("port update", &calls, count, rows).await?;
        let calls: Vec<Call> = ports.iter().map(|id| gone("ports", id)).collect();
        self.row("port delete", &calls, count, rows).await?;
        Ok(())
    }

    async fn list(&mut self, effort: Effort, rows: &mut Vec<Measured>) -> Result<()> {
        let call = Call::get(format!("/v2.0/ports?network_id={}", self.listed));
        let count = Count { alone: effort.pick(1, 5), together: effort.pick(4, 16) };
        self.row("list of 1,000 ports", &vec![call; count.all()], count, rows).await.map(drop)
    }

    async fn rules(&mut self, count: Count, rows: &mut Vec<Measured>) -> Result<()> {
        let Some(group) = self.group.clone() else {
            self.not_served.insert("security group rule create");
            return Ok(());
        };
        let rule = |port: u32| {
            let body = json!({"security_group_rule": {
                "security_group_id": group, "direction": "ingress", "ethertype": "IPv4",
                "protocol": "tcp", "port_range_min": port, "port_range_max": port,
                "project_id": PROJECT,
            }});
            Call::post("/v2.0/security-group-rules", &body)
        };
        let calls: Vec<Call> = (0..count.all()).map(|_| rule(self.next() % 65_000 + 1)).collect();
        let rules = self.row("security group rule create", &calls, count, rows).await?;
        let calls: Vec<Call> = ids(&rules, "security_group_rule")?
            .iter()
            .map(|id| gone("security-group-rules", id))
            .collect();
        self.row("security group rule delete", &calls, count, rows).await.map(drop)
    }

    async fn routers(&mut self, count: Count, rows: &mut Vec<Measured>) -> Result<()> {
        let Some(external) = self.external.clone() else {
            self.not_served.insert("router with gateway, floating IP");
            return Ok(());
        };
        let body = json!({"router": {
            "name": "bench", "project_id": PROJECT, "external_gateway_info": {"network_id": external},
        }});
        let create = Call::post("/v2.0/routers", &body);
        if self.is_missing("/v2.0/routers").await? {
            self.not_served.insert("router with gateway, floating IP");
            return Ok(());
        }
        let routers = self
            .row("router create, with gateway", &vec![create; count.all()], count, rows)
            .await?;
        let body = json!({"floatingip": {"floating_network_id": external, "project_id": PROJECT}});
        let create = Call::post("/v2.0/floatingips", &body);
        let addresses =
            self.row("floating IP create", &vec![create; count.all()], count, rows).await?;
        let calls: Vec<Call> =
            ids(&addresses, "floatingip")?.iter().map(|id| gone("floatingips", id)).collect();
        self.row("floating IP delete", &calls, count, rows).await?;
        let calls: Vec<Call> =
            ids(&routers, "router")?.iter().map(|id| gone("routers", id)).collect();
        self.row("router delete", &calls, count, rows).await.map(drop)
    }

    /// Sends the first of `calls` from one client and the others from many; all answers.
    async fn row(
        &mut self,
        name: &str,
        calls: &[Call],
        count: Count,
        rows: &mut Vec<Measured>,
    ) -> Result<Vec<Answer>> {
        let (alone, together) = calls.split_at(count.alone.min(calls.len()));
        let one = load::run(std::slice::from_mut(&mut self.one), alone).await?;
        rows.push((format!("{name}, 1 client, p50"), Unit::Milliseconds, ms(p50(&one.times))));
        let many = load::run(&mut self.many, together).await?;
        let value = rate(together.len(), many.took);
        rows.push((format!("{name}, {CLIENTS} clients"), Unit::PerSecond, value));
        Ok(one.answers.into_iter().chain(many.answers).collect())
    }

    async fn is_missing(&mut self, path: &str) -> Result<bool> {
        Ok(self.one.ask(&Call::get(path)).await?.status == StatusCode::NOT_FOUND)
    }

    fn next(&mut self) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.number
    }
}

impl Count {
    fn all(self) -> usize {
        self.alone + self.together
    }
}

fn member(collection: &str, id: &str) -> Call {
    Call::get(format!("/v2.0/{collection}/{id}"))
}

fn gone(collection: &str, id: &str) -> Call {
    Call::delete(format!("/v2.0/{collection}/{id}"))
}

/// The identifiers of what was created.
fn ids(answers: &[Answer], name: &str) -> Result<Vec<String>> {
    let pointer = format!("/{name}/id");
    answers.iter().map(|answer| Ok(text(&answer.json()?, &pointer)?.to_owned())).collect()
}

/// Creates something; `None` where the server knows no such thing.
async fn created(client: &mut Client, collection: &str, body: &Value) -> Result<Option<String>> {
    let path = format!("/v2.0/{collection}");
    if client.ask(&Call::get(&path)).await?.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let answer = client.call(&Call::post(path, body)).await?.json()?;
    let name = body.as_object().and_then(|body| body.keys().next()).context("a body has a key")?;
    Ok(Some(text(&answer, &format!("/{name}/id"))?.to_owned()))
}

async fn network_with_subnet(client: &mut Client, cidr: &str) -> Result<String> {
    let body = json!({"network": {"name": "bench", "project_id": PROJECT}});
    let network = created(client, "networks", &body).await?.context("networks")?;
    let body = json!({"subnet": {
        "network_id": network, "ip_version": 4, "cidr": cidr, "project_id": PROJECT,
    }});
    created(client, "subnets", &body).await?.context("subnets")?;
    Ok(network)
}

async fn external_network(client: &mut Client) -> Result<Option<String>> {
    if client.ask(&Call::get("/v2.0/routers")).await?.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let body = json!({"network": {
        "name": "outside",
        "project_id": PROJECT,
        "router:external": true,
        "provider:network_type": "flat",
        "provider:physical_network": "public",
    }});
    let network = created(client, "networks", &body).await?.context("networks")?;
    let body = json!({"subnet": {
        "network_id": network, "ip_version": 4, "cidr": "172.24.0.0/16", "enable_dhcp": false,
        "project_id": PROJECT,
    }});
    created(client, "subnets", &body).await?;
    Ok(Some(network))
}

/// Ports by the hundred: some servers take long for a thousand.
async fn fill(client: &mut Client, network: &str) -> Result<()> {
    const AT_ONCE: usize = 100;
    let port = json!({"network_id": network, "project_id": PROJECT});
    let call = Call::post("/v2.0/ports", &json!({"ports": vec![port; AT_ONCE]}));
    for _ in 0..LISTED / AT_ONCE {
        client.call(&call).await?;
    }
    Ok(())
}
