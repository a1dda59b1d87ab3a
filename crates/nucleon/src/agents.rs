//! `nucleon ovs-agent`, `nucleon dhcp-agent`.

use std::time::Duration;

use anyhow::Context;
use nucleon_agent_dhcp::Surroundings;
use nucleon_agent_ovs::OvsAgent;
use nucleon_bus::{ClientOptions, HubClient, ServerAt};
use nucleon_model::view::Role;

use crate::program::Start;
use crate::wiring;

/// How long an agent may take to finish its round and write its view.
const LAST_ROUND: Duration = Duration::from_secs(20);

pub(crate) async fn run_ovs(start: Start) -> anyhow::Result<()> {
    let servers = wiring::hub_servers(&start.settings)?;
    start_ovs(&start, servers)
}

pub(crate) async fn run_dhcp(start: Start) -> anyhow::Result<()> {
    let servers = wiring::hub_servers(&start.settings)?;
    start_dhcp(&start, servers)
}

/// Starts the plugin agent; it goes on by itself.
pub(crate) fn start_ovs(start: &Start, servers: Vec<ServerAt>) -> anyhow::Result<()> {
    make_state_path(start)?;
    let agent = OvsAgent::from_settings(&start.settings)?;
    let group = start.tasks.group("ovs-agent", LAST_ROUND);
    let options = ClientOptions::new(Role::OvsAgent, agent.host.clone(), servers);
    let hub = HubClient::start(options, start.random.clone(), &group);
    nucleon_agent_ovs::run(agent, hub, start.clock.clone(), start.random.clone(), &group);
    Ok(())
}

/// Starts the DHCP agent; it goes on by itself.
pub(crate) fn start_dhcp(start: &Start, servers: Vec<ServerAt>) -> anyhow::Result<()> {
    make_state_path(start)?;
    let group = start.tasks.group("dhcp-agent", LAST_ROUND);
    let surroundings = Surroundings {
        servers,
        metrics: start.metrics.clone(),
        clock: start.clock.clone(),
        random: start.random.clone(),
        group: group.clone(),
    };
    let settings = start.settings.clone();
    group.spawn_vital("dhcp-agent", |stop| async move {
        nucleon_agent_dhcp::run(&settings, surroundings, stop).await
    });
    Ok(())
}

fn make_state_path(start: &Start) -> anyhow::Result<()> {
    let path = &start.settings.process.state_path;
    std::fs::create_dir_all(path)
        .with_context(|| format!("the directory {} cannot be made", path.display()))
}
