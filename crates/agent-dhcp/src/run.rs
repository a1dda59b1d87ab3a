//! The parts put together, and run.

use std::sync::Arc;
use std::time::Duration;

use nucleon_agent::control::ControlError;
use nucleon_agent::{Runner, RunnerOptions, Wake};
use nucleon_bus::{ClientOptions, HubClient, ServerAt};
use nucleon_conf::Settings;
use nucleon_dhcp::v4::LeaseTime;
use nucleon_linux::{Netns, NetnsDir};
use nucleon_model::view::Role;
use nucleon_obs::{CancellationToken, Clock, Group, Metrics, Random};

use crate::agent::{Description, DhcpAgent};
use crate::cloud::Cloud;
use crate::dirty::Dirty;
use crate::error::Error;
use crate::host::Host;
use crate::interface::openvswitch::{OpenVSwitch, Switch};
use crate::listener::Common;
use crate::metrics::Counts;
use crate::namespaces::Namespaces;
use crate::notes::Notes;
use crate::options::Options;

/// What somebody changed by hand inside a namespace tells nobody; it is found in about this time.
const AUDIT: Duration = Duration::from_mins(5);

/// What a process gives to the agents in it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Where servers are; one in this process is among the possibilities.
    pub servers: Vec<ServerAt>,
    pub metrics: Metrics,
    pub clock: Clock,
    pub random: Random,
    /// Owner of the agent's tasks.
    pub group: Group,
}

/// Where on the machine the agent works.
#[derive(Debug, Clone)]
pub struct Place {
    /// The namespace in which Open vSwitch has its devices.
    pub netns: Netns,
    /// Where namespaces have their names.
    pub namespaces: NetnsDir,
}

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the DHCP agent cannot start")]
    Start(#[from] Error),
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl Place {
    /// Where this process is.
    pub async fn here() -> Result<Self, Error> {
        Ok(Self { netns: Netns::host().await?, namespaces: NetnsDir::default() })
    }
}

/// Serves this host's networks until cancelled. What was served then goes on standing, but is not
/// answered for.
pub async fn run(
    settings: &Settings,
    surroundings: Surroundings,
    cancel: CancellationToken,
) -> Result<(), RunError> {
    let options = Options::new(settings).await?;
    let mut running = RunnerOptions::new(Role::DhcpAgent, &options.host, &options.state_path);
    running.report_interval = settings.agent.report_interval;
    running.availability_zone = Some(settings.agent.availability_zone.clone());
    run_at(options, running, Place::here().await?, surroundings, cancel).await
}

/// As [`run`], somewhere else on the machine.
pub async fn run_at(
    options: Options,
    running: RunnerOptions,
    place: Place,
    surroundings: Surroundings,
    cancel: CancellationToken,
) -> Result<(), RunError> {
    let Surroundings { servers, metrics, clock, random, group } = surroundings;
    let wake = Wake::new();
    let dirty = Dirty::new(wake.clone());
    let client = ClientOptions::new(Role::DhcpAgent, &options.host, servers);
    let agent = assemble(options, place, dirty.clone(), &metrics, clock.clone(), &group)?;
    let connection = HubClient::start(client, random.clone(), &group);
    let _audit = {
        let (clock, random) = (clock.clone(), random.clone());
        group.spawn_owned("audit", |cancel| async move {
            while !cancel.is_cancelled() {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = clock.sleep(random.jitter(AUDIT)) => dirty.mark_everything(),
                }
            }
        })
    };
    Ok(Runner::new(running, agent, connection, wake, clock, random).run(cancel).await?)
}

/// The agent without its connection to servers: for whoever has views to be carried out.
pub fn assemble(
    options: Options,
    place: Place,
    dirty: Dirty,
    metrics: &Metrics,
    clock: Clock,
    group: &Group,
) -> Result<DhcpAgent, Error> {
    let counts = Counts::new(metrics);
    let notes = Notes::read(&options.state_path)?;
    let bridge = &options.plug.integration_bridge;
    let database = nucleon_ovsdb::Config {
        request_timeout: options.patience,
        ..nucleon_ovsdb::Config::default()
    };
    let switch = Switch::follow(options.database, database, bridge, dirty.clone(), group);
    let namespaces = Arc::new(Namespaces::new(place.namespaces));
    let driver =
        OpenVSwitch::new(switch, bridge, place.netns, Arc::clone(&namespaces), options.patience);
    let common = Common::new(counts.clone(), clock.clone(), dirty.clone());
    let description = Description {
        dhcp_driver: options.dhcp_driver,
        dhcp_lease_duration: match options.answers.lease_time {
            LeaseTime::Seconds(seconds) => i64::from(seconds),
            LeaseTime::Infinite => -1,
        },
    };
    let host = Host::new(
        Arc::new(driver),
        options.plug.plugging,
        namespaces,
        notes,
        (common, counts.clone()),
        group.clone(),
    );
    let cloud = Cloud::new(options.host, options.answers, clock.clone());
    Ok(DhcpAgent::new(cloud, host, dirty, description, counts, clock))
}
