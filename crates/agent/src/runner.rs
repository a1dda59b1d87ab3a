//! The shell around a follower and an applier: sockets, timers and the disk.

mod rounds;

use std::path::PathBuf;
use std::time::Duration;

use nucleon_bus::{ClientEvents, HubClient};
use nucleon_model::Timestamp;
use nucleon_model::view::Role;
use nucleon_obs::{CancellationToken, Clock, Random};
use tokio::sync::{mpsc, watch};

use self::rounds::Rounds;
use crate::applier::{Applier, Wake};
use crate::control::{Control, ControlError, control_path};
use crate::follower::{Follower, Limits};
use crate::reporter::{Beat, Reporter, Shared};
use crate::status::{ServerStatus, Status, ViewStatus};
use crate::store::ViewStore;

/// How an agent runs.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    pub role: Role,
    pub host: String,
    /// Where the last view is kept and the control socket lies.
    pub state_path: PathBuf,
    pub availability_zone: Option<String>,
    /// Between heartbeats: `[AGENT] report_interval`.
    pub report_interval: Duration,
    /// Between questions whether a hint was missed, give or take a half.
    pub poll_interval: Duration,
    pub limits: Limits,
    /// What failed is tried again after a pause that grows from the first to the longest.
    pub first_retry: Duration,
    pub longest_retry: Duration,
    /// The view is written to disk at most this often.
    pub save_interval: Duration,
}

impl RunnerOptions {
    pub fn new(role: Role, host: impl Into<String>, state_path: impl Into<PathBuf>) -> Self {
        Self {
            role,
            host: host.into(),
            state_path: state_path.into(),
            availability_zone: None,
            report_interval: Duration::from_secs(30),
            poll_interval: Duration::from_secs(30),
            limits: Limits::default(),
            first_retry: Duration::from_millis(500),
            longest_retry: Duration::from_secs(30),
            save_interval: Duration::from_secs(1),
        }
    }
}

/// An agent that is ready to run.
#[derive(Debug)]
pub struct Runner<A> {
    options: RunnerOptions,
    applier: A,
    client: HubClient,
    events: ClientEvents,
    wake: Wake,
    clock: Clock,
    random: Random,
}

impl<A: Applier> Runner<A> {
    /// `wake` is for the role's own events: the applier, or whoever watches the host, keeps a clone.
    pub fn new(
        options: RunnerOptions,
        applier: A,
        (client, events): (HubClient, ClientEvents),
        wake: Wake,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self { options, applier, client, events, wake, clock, random }
    }

    /// Runs until cancelled: a round under way is finished, and the view is on disk then.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), ControlError> {
        let Self { options, applier, client, events, wake, clock, random } = self;
        let control = Control::bind(control_path(&options.state_path, options.role)).await?;
        let store = ViewStore::new(&options.state_path, options.role, &options.host);
        let (remembered, store_error) = match store.load() {
            Ok(remembered) => (remembered, None),
            Err(error) => {
                tracing::error!(
                    "no view from disk: {error}; nothing is changed on this host until a server is heard"
                );
                (None, Some(error.to_string()))
            }
        };
        let follower = Follower::new(options.role, &options.host, options.limits, remembered);
        let started = clock.now();
        let started_at = Timestamp::from_micros(started.as_micros());
        let shared = Shared::new(Beat {
            configurations: applier.configurations(),
            position: follower.position(),
            digest: follower.digest(),
        });
        let status = watch::Sender::new(Status {
            role: options.role,
            host: options.host.clone(),
            started_at: started.to_string(),
            server: ServerStatus::Connecting,
            view: ViewStatus::default(),
            rounds: 0,
            last_round_at: None,
            failures: Vec::new(),
            reports_waiting: 0,
            store_error,
            details: serde_json::Value::Null,
        });
        // One request at a time comes from the control socket.
        let (consents, consent_queue) = mpsc::channel(1);
        let reporter = Reporter {
            client: &client,
            shared: &shared,
            started_at,
            availability_zone: options.availability_zone.clone(),
            interval: options.report_interval,
            random: random.clone(),
        };
        let read_status = || Status {
            server: client.state().into(),
            reports_waiting: shared.waiting(),
            ..status.borrow().clone()
        };
        let mut rounds = Rounds::new(
            &options, follower, store, applier, &client, events, wake, clock, random, &shared,
            &status,
        );
        tokio::select! {
            () = rounds.run(consent_queue, &cancel) => {}
            () = reporter.run() => {}
            () = control.serve(read_status, consents) => {}
        }
        Ok(())
    }
}
