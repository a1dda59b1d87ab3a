//! The agent's one loop: events into the follower, its actions into questions and rounds.

use std::pin::Pin;
use std::time::Duration;

use nucleon_bus::{Answer, CallError, ClientEvent, ClientEvents, HubClient, Verify};
use nucleon_obs::{Backoff, CancellationToken, Clock, Random};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::RunnerOptions;
use crate::applier::{Applier, Failure, Wake};
use crate::changed::Changed;
use crate::control::Consent;
use crate::follower::{Action, Event, Follower, Withheld};
use crate::reporter::Shared;
use crate::status::{Status, ViewStatus};
use crate::store::{SaveError, ViewStore};

/// Events taken in before a round has its turn: what comes together is carried out together.
const MOST_EVENTS: u32 = 256;

/// At most one part in so many of the time goes into saving.
const SAVE_SHARE: u32 = 20;

type Watching = Pin<Box<dyn Future<Output = Result<Answer, CallError>> + Send>>;

pub(super) struct Rounds<'a, A> {
    options: &'a RunnerOptions,
    follower: Follower,
    store: ViewStore,
    applier: A,
    client: &'a HubClient,
    events: ClientEvents,
    wake: Wake,
    clock: Clock,
    random: Random,
    shared: &'a Shared,
    status: &'a watch::Sender<Status>,

    due: Changed,
    woken: bool,
    events_since_round: u32,
    watching: Option<Watching>,
    poll_at: Instant,
    ask_at: Option<Instant>,
    ask_backoff: Backoff,
    /// What failed, until `retry_at`.
    retry: Changed,
    retry_at: Option<Instant>,
    retry_backoff: Backoff,
    failures: Vec<Failure>,
    save_at: Option<Instant>,
    saving: Option<JoinHandle<Result<(), SaveError>>>,
    saving_since: Instant,
    /// Grows with what a save costs, so that a large view is not written all the time.
    save_pause: Duration,
    drifts: u64,
}

impl<'a, A: Applier> Rounds<'a, A> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a runner, taken apart once")]
    pub(super) fn new(
        options: &'a RunnerOptions,
        follower: Follower,
        store: ViewStore,
        applier: A,
        client: &'a HubClient,
        events: ClientEvents,
        wake: Wake,
        clock: Clock,
        random: Random,
        shared: &'a Shared,
        status: &'a watch::Sender<Status>,
    ) -> Self {
        let due =
            if follower.view().is_some() { Changed::everything() } else { Changed::default() };
        let backoff = || Backoff::new(options.first_retry, options.longest_retry, random.clone());
        Self {
            due,
            woken: false,
            events_since_round: 0,
            watching: None,
            poll_at: Instant::now() + random.jitter(options.poll_interval),
            ask_at: None,
            ask_backoff: backoff(),
            retry: Changed::default(),
            retry_at: None,
            retry_backoff: backoff(),
            failures: Vec::new(),
            save_at: None,
            saving: None,
            saving_since: Instant::now(),
            save_pause: options.save_interval,
            drifts: follower.drifts(),
            options,
            follower,
            store,
            applier,
            client,
            events,
            wake,
            clock,
            random,
            shared,
            status,
        }
    }

    pub(super) async fn run(
        &mut self,
        mut consents: mpsc::Receiver<Consent>,
        cancel: &CancellationToken,
    ) {
        self.publish();
        loop {
            // A wake-up without a view waits for one: nothing is known of what the host should be.
            let round_due = self.follower.view().is_some() && (self.woken || !self.due.is_empty());
            let take_events = !round_due || self.events_since_round < MOST_EVENTS;
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                Some(consent) = consents.recv() => self.accept(consent),
                answer = answered(&mut self.watching) => {
                    self.watching = None;
                    self.answered(answer);
                }
                () = self.shared.resync.notified() => {
                    tracing::warn!("the server finds that the views differ; asking for a snapshot");
                    self.step(Event::Resync);
                }
                () = self.shared.revived.notified() => self.revived(),
                () = self.wake.woken(), if !self.woken => self.woken = true,
                event = self.events.next(), if take_events => self.event(event),
                () = sleep_until(self.poll_at) => {
                    self.poll_at = Instant::now() + self.random.jitter(self.options.poll_interval);
                    self.step(Event::Poll);
                }
                () = at(self.ask_at) => {
                    self.ask_at = None;
                    self.step(Event::Poll);
                }
                () = at(self.retry_at) => {
                    self.retry_at = None;
                    self.due.merge(std::mem::take(&mut self.retry));
                }
                saved = saved(&mut self.saving) => {
                    self.saving = None;
                    self.saved(saved);
                }
                () = at(self.save_at), if self.saving.is_none() => self.save(),
                () = std::future::ready(()), if round_due => self.round().await,
            }
        }
        self.save_now().await;
    }

    fn event(&mut self, event: ClientEvent) {
        self.events_since_round += 1;
        match event {
            ClientEvent::Connected(_) => self.step(Event::Connected),
            ClientEvent::Disconnected { .. } => {
                self.watching = None;
                self.step(Event::Disconnected);
            }
            ClientEvent::Hint(hint) => self.step(Event::Hint(hint)),
            ClientEvent::Lagged => self.step(Event::Lagged),
        }
    }

    fn answered(&mut self, answer: Result<Answer, CallError>) {
        match answer {
            Ok(answer) => {
                let asked_again_before = self.ask_at;
                self.step(Event::Answer(answer));
                if self.ask_at == asked_again_before {
                    self.ask_backoff.reset();
                }
            }
            Err(error) => {
                tracing::warn!("the server did not say what has changed: {error}");
                self.step(Event::WatchFailed);
            }
        }
    }

    fn revived(&mut self) {
        tracing::warn!("the server had lost sight of this agent; everything is reported anew");
        self.due.merge(Changed::everything());
        self.step(Event::Poll);
    }

    fn accept(&mut self, consent: Consent) {
        let withheld = self.follower.withheld();
        if let Some(Withheld { lost, of, .. }) = withheld {
            tracing::warn!("the operator accepts that {lost} of {of} ports are taken away");
        }
        self.step(Event::Accept);
        // Who asked may have gone; the consent was given nevertheless.
        let _ = consent.send(withheld);
    }

    fn step(&mut self, event: Event) {
        let behind = self.follower.behind();
        for action in self.follower.step(event) {
            match action {
                Action::Watch { position, verify } => {
                    let client = self.client.clone();
                    let verify = if verify { Verify::Digest } else { Verify::Nothing };
                    self.watching =
                        Some(Box::pin(async move { client.watch(position, verify).await }));
                }
                Action::Apply(changed) => self.due.merge(changed),
                Action::Refuse(withheld) => refuse(withheld),
                Action::Retry => {
                    self.ask_at = Some(Instant::now() + self.ask_backoff.pause());
                }
            }
        }
        if let Some(position) = self.follower.behind()
            && behind.is_none()
        {
            tracing::warn!(
                seq = position.seq,
                "the server's database is behind this agent's view; waiting for it"
            );
        }
        if self.follower.drifts() > self.drifts {
            self.drifts = self.follower.drifts();
            tracing::warn!(drifts = self.drifts, "the view differs from the server's");
        }
        self.publish();
    }

    async fn round(&mut self) {
        let Some(view) = self.follower.view() else { return };
        let changed = std::mem::take(&mut self.due);
        self.woken = false;
        self.events_since_round = 0;
        let mut outcome = self.applier.apply(view, &changed).await;
        let failures = std::mem::take(&mut outcome.failures);
        if failures.is_empty() {
            if self.retry.is_empty() {
                self.retry_backoff.reset();
                self.failures.clear();
            }
        } else {
            self.failed(failures, &changed);
        }
        self.shared.report(outcome);
        if !changed.is_empty() && self.save_at.is_none() {
            self.save_at = Some(Instant::now() + self.save_pause);
        }
        self.shared.set_configurations(self.applier.configurations());
        let now = self.clock.now().to_string();
        self.status.send_modify(|status| {
            status.rounds += 1;
            status.last_round_at = Some(now);
            status.failures.clone_from(&self.failures);
            status.details = self.applier.details();
        });
    }

    fn failed(&mut self, failures: Vec<Failure>, changed: &Changed) {
        for failure in &failures {
            tracing::warn!(object = ?failure.object, "a round failed: {}", failure.why);
            match failure.object {
                Some(object) => self.retry.insert(object),
                None => self.retry.merge(changed.clone()),
            }
        }
        // A round that was asked for by a wake-up has nothing to name, and is due again all the same.
        if self.retry.is_empty() {
            self.retry = Changed::everything();
        }
        if self.retry_at.is_none() {
            self.retry_at = Some(Instant::now() + self.retry_backoff.pause());
        }
        self.failures = failures;
    }

    fn save(&mut self) {
        self.save_at = None;
        self.saving_since = Instant::now();
        let Some(remembered) = self.follower.remember() else { return };
        let store = self.store.clone();
        self.saving = Some(tokio::task::spawn_blocking(move || {
            store.encode(remembered).and_then(|bytes| store.write(&bytes))
        }));
    }

    fn saved(&mut self, saved: Result<(), SaveError>) {
        self.save_pause = self.options.save_interval.max(self.saving_since.elapsed() * SAVE_SHARE);
        let why = match saved {
            Ok(()) => None,
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                let why = format!("{error}: {}", source.unwrap_or_default());
                tracing::error!("the view is not kept: {why}");
                Some(why)
            }
        };
        self.status.send_modify(|status| status.store_error = why);
    }

    /// What was not written yet, at the end.
    async fn save_now(&mut self) {
        if let Some(saving) = self.saving.take() {
            let saved = joined(saving.await);
            self.saved(saved);
        }
        if self.save_at.is_some() {
            self.save();
        }
        if let Some(saving) = self.saving.take() {
            let saved = joined(saving.await);
            self.saved(saved);
        }
    }

    /// What heartbeats and `status` say from now on.
    fn publish(&self) {
        self.shared.set_place(self.follower.position(), self.follower.digest());
        let view = self.follower.view();
        let view = ViewStatus {
            position: self.follower.position(),
            networks: view.map_or(0, |view| view.networks.len()),
            ports: view.map_or(0, |view| view.ports.len()),
            digest: self.follower.digest(),
            withheld: self.follower.withheld(),
            behind: self.follower.behind(),
            drifts: self.follower.drifts(),
        };
        self.status.send_modify(|status| status.view = view);
    }
}

/// An answer that the operator has to look at.
fn refuse(withheld: Withheld) {
    let Withheld { lost, of, position, new_epoch } = withheld;
    let because = if new_epoch { "in a new epoch, " } else { "" };
    tracing::error!(
        lost, of, seq = position.seq, epoch = %position.epoch,
        "{because}the server would have this host drop {lost} of its {of} ports; nothing is changed until \
         `nucleon agent accept`"
    );
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn answered(watching: &mut Option<Watching>) -> Result<Answer, CallError> {
    match watching {
        Some(watching) => watching.await,
        None => std::future::pending().await,
    }
}

async fn saved(saving: &mut Option<JoinHandle<Result<(), SaveError>>>) -> Result<(), SaveError> {
    match saving {
        Some(saving) => joined(saving.await),
        None => std::future::pending().await,
    }
}

fn joined(saved: Result<Result<(), SaveError>, tokio::task::JoinError>) -> Result<(), SaveError> {
    saved.unwrap_or_else(|error| {
        Err(SaveError { path: std::path::PathBuf::new(), source: std::io::Error::other(error) })
    })
}
