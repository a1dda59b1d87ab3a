//! What a project pays for what others have: nothing.

use anyhow::{Context, Result};
use serde_json::json;

use super::tenancy::made;
use super::{Run, load};
use crate::http::{Call, Client};
use crate::report::{Target, Unit};
use crate::stats::{Figure, ms, p50};

/// A project with little of its own.
const SMALL: &str = "1f0e5d8c7b6a49388f7e6d5c4b3a2910";

/// Its ports.
const FEW: usize = 100;

/// How much longer its list may take among many others.
const MOST: f64 = 1.2;

/// How long the list of a small project took while nobody else had anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Alone(f64);

impl Run<'_> {
    pub(super) async fn few_ports_alone(&mut self) -> Result<Alone> {
        let mut small = self.small().await?;
        let network = json!({ "network": { "name": "small" } });
        let network = made(&mut small, "/v2.0/networks", &network, "/network/id").await?;
        let subnet = json!({ "subnet": {
            "network_id": network, "ip_version": 4, "cidr": "10.3.0.0/24", "enable_dhcp": false,
        }});
        made(&mut small, "/v2.0/subnets", &subnet, "/subnet/id").await?;
        let few = json!({ "ports": vec![json!({ "network_id": network }); FEW] });
        small.call(&Call::post("/v2.0/ports", &few)).await?;
        let times = self.small_lists(&mut small).await?;
        let alone = Figure::of(times.iter().copied()).context("lists")?.median;
        let name = format!("{FEW} ports of a project, which alone has any, p50");
        self.add(&name, Unit::Milliseconds, times, None, Vec::new())?;
        Ok(Alone(alone))
    }

    pub(super) async fn few_ports_among(&mut self, Alone(alone): Alone) -> Result<()> {
        let mut small = self.small().await?;
        let times = self.small_lists(&mut small).await?;
        let name = format!("{FEW} ports of a project among 20,000 others', p50");
        let target = Some(Target::AtMost(alone * MOST));
        self.add(&name, Unit::Milliseconds, times, target, Vec::new())
    }

    async fn small(&self) -> Result<Client> {
        Ok(self.server.client().await?.of_project(SMALL))
    }

    /// The p50 of each round.
    async fn small_lists(&self, small: &mut Client) -> Result<Vec<f64>> {
        let (rounds, each) = (self.effort.pick(2, 9), self.effort.pick(20, 100));
        let calls = vec![Call::get("/v2.0/ports"); each];
        let mut times = Vec::new();
        for _ in 0..rounds {
            let outcome = load::run(std::slice::from_mut(small), &calls).await?;
            times.push(ms(p50(&outcome.times)));
        }
        Ok(times)
    }
}
