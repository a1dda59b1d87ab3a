//! What projects do: routers, rules, what is shared with them, and long lists through policy.

use anyhow::{Context, Result};
use serde_json::json;

use super::{CLIENTS, PORTS, Run};
use crate::api::text;
use crate::http::{Call, Client};
use crate::load;
use crate::report::{Limit, Target, Unit};
use crate::stats::{Figure, ms, p50, rate};

/// The project whose requests are measured.
const PROJECT: &str = "6a5d2f0c9b3e4d7f8a1b2c3d4e5f6071";

/// Rules of the one large group.
const RULES: usize = 1_000;

/// Subnets that others share with all.
const SHARED: usize = 400;

impl Run<'_> {
    /// All rows of this file, on a server that has other things to look past.
    pub(super) async fn tenancy(&mut self) -> Result<()> {
        let mut tenant = self.server.client().await?.of_project(PROJECT);
        self.routers(&mut tenant).await?;
        self.rules(&mut tenant).await?;
        self.shared_subnets(&mut tenant).await?;
        self.own_ports(&mut tenant).await
    }

    /// The p50 of requests of one client, round by round, less that of bare commits between them.
    async fn above_commit(
        &mut self,
        name: &str,
        most: f64,
        client: &mut Client,
        rounds: &[Vec<Call>],
    ) -> Result<()> {
        let mut limits = self.limits().await?;
        let (mut bare, mut above) = (Vec::new(), Vec::new());
        for calls in rounds {
            let commit = ms(p50(&self.bare.times(calls.len()).await?));
            let outcome = load::run(std::slice::from_mut(client), calls).await?;
            bare.push(commit);
            above.push(ms(p50(&outcome.times)) - commit);
        }
        let commit = Figure::of(bare).context("bare commits")?.median;
        limits.push(Limit::new("bare commit between", commit, Unit::Milliseconds));
        let target = Some(Target::AtMost(most));
        self.add(
            &format!("{name}, less the bare commit"),
            Unit::Milliseconds,
            above,
            target,
            limits,
        )
    }

    /// Answers of one client to the same request.
    async fn answers(
        &mut self,
        name: &str,
        most: f64,
        client: &mut Client,
        call: &Call,
    ) -> Result<()> {
        let limits = self.limits().await?;
        let rounds = self.effort.pick(3, 11);
        let outcome = load::run(std::slice::from_mut(client), &vec![call.clone(); rounds]).await?;
        let times = outcome.times.iter().copied().map(ms);
        self.add(name, Unit::Milliseconds, times, Some(Target::AtMost(most)), limits)
    }

    async fn routers(&mut self, tenant: &mut Client) -> Result<()> {
        let outside = json!({ "network": { "name": "outside", "router:external": true } });
        let outside = made(&mut self.client, "/v2.0/networks", &outside, "/network/id").await?;
        let subnet = json!({ "subnet": {
            "network_id": outside, "ip_version": 4, "cidr": "172.24.0.0/16", "enable_dhcp": false,
        }});
        made(&mut self.client, "/v2.0/subnets", &subnet, "/subnet/id").await?;
        let (rounds, each) = (self.effort.pick(2, 7), self.effort.pick(5, 20));
        let router = json!({ "router": { "external_gateway_info": { "network_id": outside } } });
        let creates = vec![vec![Call::post("/v2.0/routers", &router); each]; rounds];
        self.above_commit("router create with gateway, 1 client, p50", 4.0, tenant, &creates)
            .await?;
        let listed = tenant.call(&Call::get("/v2.0/routers?fields=id")).await?.json()?;
        let listed = listed.pointer("/routers").and_then(|it| it.as_array()).context("routers")?;
        let mut adds = Vec::new();
        for router in listed {
            let network = json!({ "network": { "name": "inside" } });
            let network = made(tenant, "/v2.0/networks", &network, "/network/id").await?;
            let subnet = json!({ "subnet": {
                "network_id": network, "ip_version": 4, "cidr": "10.7.0.0/24",
            }});
            let subnet = made(tenant, "/v2.0/subnets", &subnet, "/subnet/id").await?;
            let path = format!("/v2.0/routers/{}/add_router_interface", text(router, "/id")?);
            adds.push(Call::put(path, &json!({ "subnet_id": subnet })));
        }
        let adds: Vec<Vec<Call>> = adds.chunks(each).map(<[Call]>::to_vec).collect();
        self.above_commit("router interface add, 1 client, p50", 4.0, tenant, &adds).await?;
        let address = json!({ "floatingip": { "floating_network_id": outside } });
        let creates = vec![vec![Call::post("/v2.0/floatingips", &address); each]; rounds];
        self.above_commit("floating IP create, 1 client, p50", 3.0, tenant, &creates).await
    }

    async fn rules(&mut self, tenant: &mut Client) -> Result<()> {
        let (rounds, each) = (self.effort.pick(2, 7), self.effort.pick(10, 40));
        let group = self.group(tenant).await?;
        let ones: Vec<Call> = (1..).map(|port| rule(&group, port)).take(rounds * each).collect();
        let ones: Vec<Vec<Call>> = ones.chunks(each).map(<[Call]>::to_vec).collect();
        self.above_commit("rule create, 1 client, p50", 1.5, tenant, &ones).await?;

        let limits = self.limits().await?;
        let mut clients: Vec<Client> = Client::several(self.server.address, CLIENTS)
            .await?
            .into_iter()
            .map(|client| client.of_project(PROJECT))
            .collect();
        let mut rates = Vec::new();
        for _ in 0..self.effort.pick(2, 5) {
            let group = self.group(tenant).await?;
            let calls: Vec<Call> = (1..).map(|port| rule(&group, port)).take(10 * each).collect();
            let outcome = load::run(&mut clients, &calls).await?;
            rates.push(rate(calls.len(), outcome.took));
        }
        let target = || Some(Target::AtLeast(1000.0));
        self.add("rule creates, 32 clients, one group", Unit::PerSecond, rates, target(), limits)?;

        let limits = self.limits().await?;
        let mut rates = Vec::new();
        for _ in 0..self.effort.pick(2, 5) {
            let mut groups = Vec::with_capacity(CLIENTS);
            for _ in 0..CLIENTS {
                groups.push(self.group(tenant).await?);
            }
            let ports = 1..=10 * each / CLIENTS;
            let calls: Vec<Call> =
                ports.flat_map(|port| groups.iter().map(move |group| rule(group, port))).collect();
            let outcome = load::run(&mut clients, &calls).await?;
            rates.push(rate(calls.len(), outcome.took));
        }
        let name = "rule creates, 32 clients, as many groups";
        self.add(name, Unit::PerSecond, rates, target(), limits)?;

        let group = self.group(tenant).await?;
        let many: Vec<_> = (1..).map(|port| rule_body(&group, port)).take(RULES).collect();
        let many = json!({ "security_group_rules": many });
        tenant.call(&Call::post("/v2.0/security-group-rules", &many)).await?;
        let show = Call::get(format!("/v2.0/security-groups/{group}"));
        self.answers("a group of 1,000 rules shown", 10.0, tenant, &show).await
    }

    async fn group(&self, tenant: &mut Client) -> Result<String> {
        let body = json!({ "security_group": { "name": "measured" } });
        made(tenant, "/v2.0/security-groups", &body, "/security_group/id").await
    }

    async fn shared_subnets(&mut self, tenant: &mut Client) -> Result<()> {
        let networks = vec![json!({ "name": "shared", "shared": true }); SHARED / 4];
        let networks = json!({ "networks": networks });
        let call = Call::post("/v2.0/networks", &networks);
        let networks = self.client.call(&call).await?.json()?;
        let networks = networks.pointer("/networks").and_then(|it| it.as_array());
        let mut subnets = Vec::new();
        for network in networks.context("networks")? {
            let id = text(network, "/id")?;
            subnets.extend((0..4).map(|n| {
                json!({
                    "network_id": id, "ip_version": 4, "cidr": format!("10.9.{n}.0/24"),
                    "name": "shared", "enable_dhcp": false,
                })
            }));
        }
        let subnets = json!({ "subnets": subnets });
        self.client.call(&Call::post("/v2.0/subnets", &subnets)).await?;
        let list = Call::get("/v2.0/subnets?name=shared");
        self.answers("400 shared subnets listed by a project", 15.0, tenant, &list).await
    }

    async fn own_ports(&mut self, tenant: &mut Client) -> Result<()> {
        let network = json!({ "network": { "name": "large" } });
        let network = made(tenant, "/v2.0/networks", &network, "/network/id").await?;
        let subnet = json!({ "subnet": {
            "network_id": network, "ip_version": 4, "cidr": "10.128.0.0/16", "enable_dhcp": false,
        }});
        made(tenant, "/v2.0/subnets", &subnet, "/subnet/id").await?;
        let some = vec![json!({ "network_id": network }); 1000];
        let some = Call::post("/v2.0/ports", &json!({ "ports": some }));
        for _ in 0..PORTS / 1000 {
            tenant.call(&some).await?;
        }
        let list = Call::get("/v2.0/ports");
        let name = format!("{PORTS} ports listed by their project, whole");
        self.answers(&name, 150.0, tenant, &list).await
    }
}

fn rule_body(group: &str, port: usize) -> serde_json::Value {
    json!({
        "security_group_id": group, "direction": "ingress", "protocol": "tcp",
        "port_range_min": port, "port_range_max": port,
    })
}

fn rule(group: &str, port: usize) -> Call {
    let body = json!({ "security_group_rule": rule_body(group, port) });
    Call::post("/v2.0/security-group-rules", &body)
}

/// Creates something; what the answer says at `pointer`.
pub(super) async fn made(
    client: &mut Client,
    path: &str,
    body: &serde_json::Value,
    pointer: &str,
) -> Result<String> {
    let answer = client.call(&Call::post(path, body)).await?.json()?;
    Ok(text(&answer, pointer)?.to_owned())
}
