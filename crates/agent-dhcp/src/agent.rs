//! The role: a round takes in what has changed, brings this host in order, and tells who is served.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use nucleon_agent::{Applier, Changed, Failure, Outcome, PortMark};
use nucleon_model::view::{ObjectId, View};
use nucleon_model::{NetworkId, Timestamp};
use nucleon_obs::Clock;
use serde_json::{Map, Value, json};

use crate::cloud::Cloud;
use crate::dirty::Dirty;
use crate::error::chain;
use crate::host::Host;
use crate::metrics::Counts;

/// Networks brought in order in one round: new ports of the others wait no longer than for that.
const ROUND: usize = 64;

/// What heartbeats say besides the numbers of things.
#[derive(Debug, Clone)]
pub struct Description {
    pub dhcp_driver: String,
    /// As in the configuration file: -1 is for ever.
    pub dhcp_lease_duration: i64,
}

/// Serves the networks of a view on one host.
#[derive(Debug)]
pub struct DhcpAgent {
    cloud: Cloud,
    host: Host,
    dirty: Dirty,
    /// What is to be looked at, in this round or one of the next.
    waiting: BTreeSet<NetworkId>,
    description: Description,
    counts: Counts,
    clock: Clock,
}

impl DhcpAgent {
    /// `dirty` is where whoever watches this host notes what happens on it.
    pub fn new(
        cloud: Cloud,
        host: Host,
        dirty: Dirty,
        description: Description,
        counts: Counts,
        clock: Clock,
    ) -> Self {
        Self { cloud, host, dirty, waiting: BTreeSet::new(), description, counts, clock }
    }

    /// The networks to be looked at in this round.
    fn choose(&mut self) -> BTreeSet<NetworkId> {
        let touched = self.dirty.take();
        if touched.everything {
            self.waiting.extend(self.cloud.wished());
            self.waiting.extend(self.host.networks());
        }
        self.waiting.extend(touched.networks);
        if self.host.is_switch_there() {
            return self.waiting.iter().take(ROUND).copied().collect();
        }
        // What stands can be served; all else waits for the switch.
        let is_silent = |id: &&NetworkId| !self.host.is_listening(**id);
        let wanted = self.waiting.iter().filter(|id| self.cloud.wish(**id).is_some());
        wanted.filter(is_silent).copied().collect()
    }

    async fn bring_in_order(&mut self) -> Vec<Failure> {
        let chosen = self.choose();
        let mut failures = Vec::new();
        for chunk in chosen.iter().copied().collect::<Vec<_>>().chunks(ROUND) {
            let networks: BTreeSet<NetworkId> = chunk.iter().copied().collect();
            let wishes =
                networks.iter().filter_map(|id| Some((*id, self.cloud.wish(*id)?.clone())));
            let wishes: BTreeMap<_, _> = wishes.collect();
            let knew_the_switch = self.host.is_switch_there();
            let troubles = self.host.bring_in_order(&networks, &wishes).await;
            if knew_the_switch {
                self.waiting.retain(|id| !networks.contains(id));
            }
            failures.extend(troubles.iter().map(|(id, error)| Failure {
                object: Some(ObjectId::Network(*id)),
                why: chain(error),
            }));
        }
        if !self.waiting.is_empty() && self.host.is_switch_there() {
            self.dirty.wake();
        }
        failures
    }
}

#[async_trait]
impl Applier for DhcpAgent {
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome {
        let asked = self.cloud.take_in(view, changed);
        for network in &asked.silence {
            self.host.close(*network);
        }
        self.waiting.extend(asked.look_at);
        if changed.everything {
            self.waiting.extend(self.host.networks());
        }
        let failures = self.bring_in_order().await;
        let size = self.cloud.wished().count();
        self.counts.networks.set(i64::try_from(size).unwrap_or(i64::MAX));
        let at = Timestamp::from_micros(self.clock.now().as_micros());
        let told = self.cloud.tell(|network| self.host.is_listening(network));
        let mark = |(port_id, revision)| PortMark { port_id, revision, at };
        let dhcp_ready = told.into_iter().map(mark).collect();
        Outcome { dhcp_ready, failures, ..Outcome::default() }
    }

    fn configurations(&self) -> Map<String, Value> {
        let size = self.cloud.size();
        [
            ("dhcp_driver", json!(self.description.dhcp_driver)),
            ("dhcp_lease_duration", json!(self.description.dhcp_lease_duration)),
            ("networks", json!(size.networks)),
            ("subnets", json!(size.subnets)),
            ("ports", json!(size.ports)),
            ("log_agent_heartbeats", json!(false)),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    fn details(&self) -> Value {
        json!({
            "switch": if self.host.is_switch_there() { "connected" } else { "away" },
            "networks": self.counts.networks.get(),
            "listening": self.counts.listening.get(),
            "waiting": self.waiting.len(),
        })
    }
}
