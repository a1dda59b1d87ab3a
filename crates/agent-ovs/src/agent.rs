//! The agent as the runner sees it: rounds, what heartbeats say, what status says.

mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use async_trait::async_trait;
use nucleon_agent::{Applier, Changed, Failure, Outcome};
use nucleon_model::view::View;
use nucleon_model::{PortId, Timestamp};
use nucleon_obs::Clock;
use serde_json::{Map, Value, json};

use crate::bridges::{BridgeConfig, Patches};
use crate::devices::Devices;
use crate::inbox::Inbox;
use crate::plan::Planner;
use crate::switch::Switch;
use crate::todo::Todo;

/// What the host has of the cloud, as this agent made it.
#[derive(Debug)]
pub(crate) struct OvsApplier {
    planner: Planner,
    switch: Switch,
    inbox: Inbox,
    clock: Clock,
    devices: Devices,
    patches: Patches,
    todo: Todo,
    /// The ports that work: what was planned for them has reached the switch.
    live: BTreeSet<PortId>,
    /// What stands in the way of physical networks, told once.
    problems: Vec<String>,
    /// Nothing has been carried out yet.
    is_new: bool,
    counters: Counters,
}

/// What was done since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Counters {
    flow_mods: usize,
    row_edits: usize,
    repairs: usize,
}

impl OvsApplier {
    pub(crate) fn new(
        host: String,
        config: BridgeConfig,
        switch: Switch,
        inbox: Inbox,
        clock: Clock,
    ) -> Self {
        Self {
            planner: Planner::new(host, config),
            switch,
            inbox,
            clock,
            devices: Devices::default(),
            patches: Patches::new(),
            todo: Todo::default(),
            live: BTreeSet::new(),
            problems: Vec::new(),
            is_new: true,
            counters: Counters::default(),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now().as_micros())
    }
}

/// A failure of a whole round, with all its causes.
fn failure(error: &dyn Error) -> Failure {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    Failure { object: None, why }
}

#[async_trait]
impl Applier for OvsApplier {
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome {
        match self.round(view, changed).await {
            Ok(outcome) => outcome,
            // What was to be done stays in `todo`.
            Err(error) => Outcome { failures: vec![failure(&error)], ..Outcome::default() },
        }
    }

    /// By Neutron's names.
    fn configurations(&self) -> Map<String, Value> {
        let config = self.planner.bridges();
        let usable: BTreeMap<&String, &String> =
            config.mappings.iter().filter(|(name, _)| self.patches.contains_key(*name)).collect();
        let configurations = json!({
            "bridge_mappings": usable,
            "integration_bridge": config.integration,
            "datapath_type": config.datapath_type,
            "devices": self.planner.wired_ports(),
            "extensions": [],
            "tunnel_types": [],
            "tunneling_ip": "",
            "l2_population": false,
            "arp_responder_enabled": false,
            "enable_distributed_routing": false,
            "in_distributed_mode": false,
            "ovs_hybrid_plug": false,
            "log_agent_heartbeats": false,
        });
        match configurations {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// Counts only: it is asked for after each round.
    fn details(&self) -> Value {
        json!({
            "connected": self.switch.view().is_ok(),
            "wired": self.live.len(),
            "local_vlans": self.planner.local_vlans(),
            "flows": self.switch.flows(),
            "flow_mods": self.counters.flow_mods,
            "row_edits": self.counters.row_edits,
            "repairs": self.counters.repairs,
        })
    }
}
