//! Simulated agents: on hosts that do not exist, they follow their views and report as agents do for whom all goes well at once.
//!
//! What speaks to the server is what speaks to it in a real agent; only the host behind it is missing. With them the API can
//! be measured and held against suites, whose ports are to become ACTIVE, where nobody needs a packet. They prove nothing of
//! the data plane: that is the lab's.

mod agent;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use nucleon_agent::{Limits, Runner, RunnerOptions, Wake};
use nucleon_bus::{ClientOptions, HubClient, ServerAt};
use nucleon_conf::value::HubAddress;
use nucleon_conf::{Machine, Settings, Sources};
use nucleon_model::view::Role;
use nucleon_obs::{Clock, Group, LogOptions, Logging, Random, Signals, Tasks};

use crate::agent::SimulatedAgent;

/// Agents without hosts, for a server on this machine.
#[derive(Debug, Parser)]
#[command(name = "nucleon-simulated-agents")]
struct Arguments {
    /// The server's configuration file: where its hub listens, and what agents report
    #[arg(long = "config-file", value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
    /// A host to be simulated, with one agent of each kind; may be repeated
    #[arg(long = "host", value_name = "NAME", required = true)]
    hosts: Vec<String>,
}

/// The agents of a host.
const ROLES: [Role; 3] = [Role::OvsAgent, Role::DhcpAgent, Role::L3Agent];

const SHUTDOWN: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nucleon-simulated-agents: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = settings(&arguments.files)?;
    let HubAddress::Unix(socket) = settings.hub_address() else {
        bail!("simulated agents reach a hub through its Unix socket only");
    };
    let _logging = Logging::init(&LogOptions::default())?;
    let mut signals = Signals::listen().context("signals cannot be taken")?;
    let tasks = Tasks::new();
    let group = tasks.group("simulated agents", SHUTDOWN);
    for host in &arguments.hosts {
        for role in ROLES {
            start(role, host, &settings, ServerAt::Unix(socket.clone()), &group)?;
        }
    }
    tracing::info!(hosts = ?arguments.hosts, "simulating agents");
    tokio::select! {
        failure = tasks.failed() => bail!("{failure}"),
        _ = signals.next() => {}
    }
    tasks.shutdown().await;
    Ok(())
}

fn settings(files: &[PathBuf]) -> anyhow::Result<Settings> {
    let machine = Machine::detect(&std::env::vars().collect());
    let sources = files.iter().fold(Sources::new(machine), Sources::file);
    Ok(Settings::load(&sources)?.settings)
}

fn start(
    role: Role,
    host: &str,
    settings: &Settings,
    server: ServerAt,
    group: &Group,
) -> anyhow::Result<()> {
    let state_path = settings.process.state_path.join("simulated").join(host);
    std::fs::create_dir_all(&state_path)
        .with_context(|| format!("the directory {} cannot be made", state_path.display()))?;
    let (clock, random) = (Clock::system(), Random::system());
    let options = RunnerOptions {
        availability_zone: Some(settings.agent.availability_zone.clone()),
        report_interval: settings.agent.report_interval,
        // Nobody is there to consent to a loss, and nothing is lost by it.
        limits: Limits { always: usize::MAX, ..Limits::default() },
        ..RunnerOptions::new(role, host, state_path)
    };
    let agent = SimulatedAgent::new(role, settings, clock.clone());
    let hub = HubClient::start(ClientOptions::new(role, host, vec![server]), random.clone(), group);
    let runner = Runner::new(options, agent, hub, Wake::new(), clock, random);
    group.spawn_vital(format!("{role} on {host}"), |stop| runner.run(stop));
    Ok(())
}
