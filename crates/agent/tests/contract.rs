//! The contract between server and agents, with a whole agent: hub, client, follower, rounds, disk. Time moves when everybody
//! waits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use nucleon_agent::{
    Applier, Changed, Failure, Limits, Outcome, PortMark, Runner, RunnerOptions, Status, Wake,
    control,
};
use nucleon_bus::fake::sample::{network, network_id, port, port_id};
use nucleon_bus::fake::{Down, FakeServer};
use nucleon_bus::{ClientOptions, Connect, Hint, Hub, HubClient, HubOptions, Report, ServerAt};
use nucleon_model::Timestamp;
use nucleon_model::view::{ObjectId, Role, View};
use nucleon_obs::{Clock, Group, Metrics, Random, Tasks};
use nucleon_wire::{Heartbeat, Version, VersionRange};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const HOST: &str = "h1";
/// Longer than any pause of an agent; all of it is passed over where nothing happens.
const PATIENCE: Duration = Duration::from_mins(10);

/// Where agents connect to: a server that can be stopped, started and exchanged.
#[derive(Debug, Clone, Default)]
struct Site(Arc<Mutex<Option<(Hub, Group)>>>);

impl Connect for Site {
    fn connect(&self) -> io::Result<DuplexStream> {
        match &*self.0.lock().unwrap() {
            Some((hub, _)) => hub.connect(),
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

impl Site {
    fn start(&self, source: &FakeServer) {
        let group = Tasks::new().group("hub", Duration::from_secs(1));
        let source = Arc::new(source.clone());
        let hub = Hub::new(source, HubOptions::default(), &Metrics::new(), group.clone());
        *self.0.lock().unwrap() = Some((hub, group));
    }

    async fn stop(&self) {
        let running = self.0.lock().unwrap().take();
        if let Some((_, group)) = running {
            assert!(group.stop().await.is_empty());
        }
    }

    fn publish(&self, hints: Vec<Hint>) {
        if let Some((hub, _)) = &*self.0.lock().unwrap() {
            hub.publish(hints);
        }
    }
}

/// What the host is like: the ports that are wired there, at which revision.
#[derive(Debug, Clone, Default, PartialEq)]
struct Host {
    wired: BTreeMap<ObjectId, i64>,
    rounds: Vec<Changed>,
}

/// An applier that wires ports in a table.
struct Table {
    host: watch::Sender<Host>,
    /// What fails, and how often.
    faults: Arc<Mutex<BTreeMap<ObjectId, u32>>>,
    /// How long a round takes.
    pace: Duration,
    /// The bridge of `physnet1`.
    bridge: Arc<Mutex<&'static str>>,
}

#[async_trait]
impl Applier for Table {
    async fn apply(&mut self, view: &View, changed: &Changed) -> Outcome {
        sleep(self.pace).await;
        let mut outcome = Outcome::default();
        let mut host = self.host.borrow().clone();
        host.rounds.push(changed.clone());
        let everything = changed.everything.then(|| {
            let known = host.wired.keys().filter_map(|object| match object {
                ObjectId::Port(id) => Some(*id),
                ObjectId::Network(_) => None,
            });
            known.chain(view.ports.keys().copied()).collect::<Vec<_>>()
        });
        let named = changed.ports.iter().copied();
        let mut ids: Vec<_> = named.chain(everything.into_iter().flatten()).collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            let object = ObjectId::Port(id);
            let mut faults = self.faults.lock().unwrap();
            if let Some(left) = faults.get_mut(&object).filter(|left| **left > 0) {
                *left -= 1;
                let why = "the switch is away".into();
                outcome.failures.push(Failure { object: Some(object), why });
                continue;
            }
            match view.ports.get(&id) {
                Some(body) => {
                    host.wired.insert(object, body.revision);
                    let at = Timestamp::from_micros(1);
                    outcome.wired.push(PortMark { port_id: id, revision: body.revision, at });
                }
                None => drop(host.wired.remove(&object)),
            }
        }
        self.host.send_replace(host);
        outcome
    }

    fn configurations(&self) -> Map<String, Value> {
        let devices = self.host.borrow().wired.len();
        let bridge = *self.bridge.lock().unwrap();
        Map::from_iter([
            ("devices".to_owned(), devices.into()),
            ("bridge_mappings".to_owned(), json!({ "physnet1": bridge })),
        ])
    }
}

/// What of an agent's set-up a test wants otherwise.
#[derive(Clone, Copy)]
struct Setup {
    versions: VersionRange,
    role: Role,
    pace: Duration,
    poll_interval: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            versions: VersionRange::OURS,
            role: Role::OvsAgent,
            pace: Duration::ZERO,
            poll_interval: Duration::from_secs(30),
        }
    }
}

struct Agent {
    role: Role,
    host: watch::Receiver<Host>,
    faults: Arc<Mutex<BTreeMap<ObjectId, u32>>>,
    bridge: Arc<Mutex<&'static str>>,
    wake: Wake,
    group: Group,
    state: TempDir,
}

impl Agent {
    fn start(site: &Site) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), site, Setup::default())
    }

    fn start_in(state: TempDir, site: &Site, setup: Setup) -> Self {
        let group = Tasks::new().group("agent", Duration::from_secs(30));
        let server = ServerAt::InProcess(Arc::new(site.clone()));
        let options = ClientOptions {
            versions: setup.versions,
            ..ClientOptions::new(setup.role, HOST, vec![server])
        };
        let client = HubClient::start(options, Random::seeded(2), &group);
        let host = watch::Sender::new(Host::default());
        let seen = host.subscribe();
        let faults = Arc::default();
        let bridge = Arc::default();
        let table = Table {
            host,
            faults: Arc::clone(&faults),
            pace: setup.pace,
            bridge: Arc::clone(&bridge),
        };
        let wake = Wake::new();
        let options = RunnerOptions {
            poll_interval: setup.poll_interval,
            limits: Limits::default(),
            ..RunnerOptions::new(setup.role, HOST, state.path())
        };
        let random = Random::seeded(3);
        let runner = Runner::new(options, table, client, wake.clone(), Clock::fake(), random);
        group.spawn_vital("runner", |cancel| async move { runner.run(cancel).await });
        Self { role: setup.role, host: seen, faults, bridge, wake, group, state }
    }

    /// Ends the agent as SIGTERM does; its state stays.
    async fn stop(self) -> TempDir {
        assert!(self.group.stop().await.is_empty());
        self.state
    }

    /// Waits until the host is as `view` says, and tells how long that took.
    async fn settles_to(&mut self, view: impl Fn() -> View) -> Duration {
        let begun = Instant::now();
        let as_in_view = |host: &Host| {
            let ports = view().ports;
            host.wired.len() == ports.len()
                && ports
                    .values()
                    .all(|port| host.wired.get(&ObjectId::Port(port.id)) == Some(&port.revision))
        };
        let settled = timeout(PATIENCE, self.host.wait_for(as_in_view)).await;
        drop(settled.expect("in time").expect("an agent"));
        begun.elapsed()
    }

    async fn settles(&mut self, source: &FakeServer) -> Duration {
        let role = self.role;
        self.settles_to(|| source.view(role, HOST)).await
    }

    fn wired(&self) -> usize {
        self.host.borrow().wired.len()
    }

    fn rounds(&self) -> usize {
        self.host.borrow().rounds.len()
    }

    async fn status(&self) -> Status {
        control::status(&control::control_path(self.state.path(), self.role)).await.unwrap()
    }
}

/// A cloud of one network with `ports` ports on the agent's host.
fn cloud(ports: u128) -> (FakeServer, Site) {
    let source = FakeServer::new();
    source.put_network(network(1, &[HOST]));
    for number in 0..ports {
        source.put_port(port(number, 1, HOST));
    }
    let site = Site::default();
    site.start(&source);
    (source, site)
}

async fn until(what: impl Fn() -> bool) {
    let waited = async {
        while !what() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waited).await.expect("in time");
}

/// The wired marks that the server has heard, without repetition.
fn wired_reports(source: &FakeServer) -> BTreeMap<ObjectId, i64> {
    let marks = source.reports().into_iter().filter_map(|(_, report)| match report {
        Report::Wired { ports } => Some(ports),
        _ => None,
    });
    marks.flatten().map(|mark| (ObjectId::Port(mark.port_id), mark.revision)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_agent_takes_a_snapshot_and_follows_hints_at_once() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    let (watches, _) = source.answered();
    site.publish(source.put_port(port(7, 1, HOST)));
    let took = agent.settles(&source).await;
    assert_eq!(took, Duration::ZERO, "no timer was needed");
    assert_eq!(source.answered().0, watches, "nothing was asked");
    until(|| wired_reports(&source).len() == 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_hint_is_made_up_for_by_the_next_hint_or_the_poll() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    drop(source.put_port(port(7, 1, HOST)));
    site.publish(source.put_port(port(8, 1, HOST)));
    assert_eq!(agent.settles(&source).await, Duration::ZERO);
    drop(source.put_port(port(9, 1, HOST)));
    let took = agent.settles(&source).await;
    assert!(took > Duration::ZERO && took <= Duration::from_secs(45), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn reordered_and_doubled_hints_do_no_harm() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let mut hints = source.put_port(port(1, 1, HOST));
    hints.extend(source.delete_port(port_id(1)));
    hints.extend(source.put_port(port(2, 1, "h2")));
    hints.extend(source.put_port(port(4, 1, HOST)));
    hints.reverse();
    let doubled: Vec<_> = hints.iter().flat_map(|hint| [hint.clone(), hint.clone()]).collect();
    site.publish(doubled);
    agent.settles(&source).await;
    sleep(Duration::from_secs(5)).await;
    agent.settles(&source).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_server_restarts_nothing_changes_and_afterwards_all_is_made_up_for() {
    let (source, site) = cloud(10);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    site.stop().await;
    let view = source.view(Role::OvsAgent, HOST);
    source.put_port(port(20, 1, HOST));
    source.delete_port(port_id(1));
    sleep(Duration::from_mins(5)).await;
    agent.settles_to(|| view.clone()).await;
    site.start(&source);
    agent.settles(&source).await;
    assert_eq!(source.answered().1, 1, "a delta was enough");
}

#[tokio::test(start_paused = true)]
async fn an_agent_restarted_while_the_server_is_away_serves_from_its_last_view() {
    let (source, site) = cloud(10);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    site.publish(source.put_port(port(20, 1, HOST)));
    agent.settles(&source).await;
    let state = agent.stop().await;
    site.stop().await;
    let mut agent = Agent::start_in(state, &site, Setup::default());
    assert_eq!(agent.settles(&source).await, Duration::ZERO);
    source.put_port(port(21, 1, HOST));
    site.start(&source);
    agent.settles(&source).await;
    assert_eq!(source.answered().1, 1, "it asked from where it stood");
}

#[tokio::test(start_paused = true)]
async fn without_a_view_nothing_is_applied_whoever_calls() {
    let (source, site) = cloud(3);
    site.stop().await;
    let mut agent = Agent::start(&site);
    agent.wake.wake();
    sleep(Duration::from_mins(5)).await;
    assert_eq!(agent.rounds(), 0);
    source.set_down(Down::Yes);
    site.start(&source);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(agent.rounds(), 0);
    source.set_down(Down::No);
    agent.settles(&source).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_said_loudly_and_not_taken_for_an_empty_view() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let state = agent.stop().await;
    let file = state.path().join("ovs-agent.view.json");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    site.stop().await;
    let mut agent = Agent::start_in(state, &site, Setup::default());
    sleep(Duration::from_mins(1)).await;
    assert_eq!(agent.rounds(), 0);
    let status = agent.status().await;
    assert!(status.store_error.is_some_and(|why| why.contains("damaged")));
    site.start(&source);
    agent.settles(&source).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(agent.status().await.store_error, None, "it was written anew");
}

#[tokio::test(start_paused = true)]
async fn a_server_behind_the_others_is_waited_for() {
    let (source, site) = cloud(10);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(5)).await;
    let late = source.replica();
    late.stand_at(Some(4));
    site.stop().await;
    site.start(&late);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(agent.wired(), 10, "what is not yet there was not taken for gone");
    assert_eq!(late.answered().1, 0);
    assert!(agent.status().await.view.behind.is_some());
    late.stand_at(None);
    source.put_port(port(30, 1, HOST));
    agent.settles(&source).await;
    assert_eq!(agent.status().await.view.behind, None);
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_of_most_ports_is_carried_out_without_a_hand() {
    let (source, site) = cloud(20);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    // By hints, then with all of them lost.
    for number in 0..9 {
        site.publish(source.delete_port(port_id(number)));
    }
    assert_eq!(agent.settles(&source).await, Duration::ZERO);
    for number in 9..19 {
        drop(source.delete_port(port_id(number)));
    }
    agent.settles(&source).await;
    assert_eq!((agent.wired(), agent.status().await.view.withheld), (1, None));
    assert_eq!(source.answered().1, 1, "deltas were enough");
}

#[tokio::test(start_paused = true)]
async fn losing_more_than_a_fifth_by_a_snapshot_needs_the_operators_word() {
    let (source, site) = cloud(20);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    for number in 0..8 {
        drop(source.delete_port(port_id(number)));
    }
    source.prune_journal();
    sleep(Duration::from_mins(3)).await;
    assert_eq!(agent.wired(), 20);
    let status = agent.status().await;
    let withheld = status.view.withheld.expect("something is withheld");
    assert_eq!((withheld.lost, withheld.of), (8, 20));
    let path = control::control_path(agent.state.path(), Role::OvsAgent);
    assert_eq!(control::accept(&path).await.unwrap(), Some(withheld));
    agent.settles(&source).await;
    assert_eq!(control::accept(&path).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_restored_database_is_followed_where_it_takes_nothing_and_withheld_where_it_does() {
    let (source, site) = cloud(10);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let heard = source.reports().len();
    source.put_port(port(3, 1, HOST));
    sleep(Duration::from_mins(1)).await;
    source.restore(11);
    agent.settles(&source).await;
    until(|| {
        let since = source.reports().split_off(heard);
        since
            .iter()
            .any(|(_, report)| matches!(report, Report::Wired { ports } if ports.len() == 10))
    })
    .await;

    source.restore(4);
    sleep(Duration::from_mins(3)).await;
    assert_eq!(agent.wired(), 10);
    let withheld = agent.status().await.view.withheld.expect("something is withheld");
    assert!(withheld.new_epoch);
    let path = control::control_path(agent.state.path(), Role::OvsAgent);
    control::accept(&path).await.unwrap();
    agent.settles(&source).await;
    assert_eq!(agent.wired(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_agent_of_the_version_before_comes_to_the_same_view() {
    let (source, site) = cloud(3);
    let setup = Setup {
        versions: VersionRange { oldest: Version::PREVIOUS, newest: Version::PREVIOUS },
        ..Setup::default()
    };
    let mut agent = Agent::start_in(tempfile::tempdir().unwrap(), &site, setup);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    site.publish(source.put_port(port(7, 1, HOST)));
    site.publish(source.delete_port(port_id(0)));
    assert_eq!(agent.settles(&source).await, Duration::ZERO, "hints without bodies make it ask");
}

#[tokio::test(start_paused = true)]
async fn a_slow_agent_ends_up_with_the_latest() {
    let (source, site) = cloud(3);
    let setup = Setup { pace: Duration::from_secs(20), ..Setup::default() };
    let mut agent = Agent::start_in(tempfile::tempdir().unwrap(), &site, setup);
    agent.settles(&source).await;
    for step in 0..5000_u32 {
        site.publish(source.put_port(port(u128::from(step) % 50, 1, HOST)));
        if step.is_multiple_of(100) {
            sleep(Duration::from_millis(100)).await;
        }
    }
    let rounds = agent.rounds();
    agent.settles(&source).await;
    assert!(agent.rounds() - rounds <= 4, "what waited was carried out together");
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_until_it_is_done() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let object = ObjectId::Port(port_id(7));
    agent.faults.lock().unwrap().insert(object, 4);
    site.publish(source.put_port(port(7, 1, HOST)));
    sleep(Duration::from_millis(100)).await;
    let status = agent.status().await;
    assert_eq!(status.failures.len(), 1);
    assert_eq!(status.failures[0].object, Some(object));
    let took = agent.settles(&source).await;
    assert!(took >= Duration::from_secs(2), "the pauses grow: {took:?}");
    let last = agent.host.borrow().rounds.last().cloned().unwrap();
    assert_eq!(last.ports.into_iter().collect::<Vec<_>>(), [port_id(7)], "and nothing else");
    assert_eq!(agent.status().await.failures, []);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_makes_a_round_and_many_make_one() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    let rounds = agent.rounds();
    for _ in 0..10 {
        agent.wake.wake();
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.rounds(), rounds + 1);
    assert!(agent.host.borrow().rounds.last().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn wired_ports_are_reported_even_if_the_server_was_away() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    until(|| wired_reports(&source).len() == 3).await;
    site.publish(source.put_port(port(7, 1, HOST)));
    agent.settles(&source).await;
    source.set_down(Down::Yes);
    site.publish(source.put_port(port(8, 1, HOST)));
    agent.settles(&source).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(agent.status().await.reports_waiting, 1);
    site.stop().await;
    sleep(Duration::from_mins(1)).await;
    source.set_down(Down::No);
    site.start(&source);
    until(|| wired_reports(&source).len() == 5).await;
    until(|| wired_reports(&source) == agent.host.borrow().wired).await;
}

/// The heartbeats that the server has heard.
fn heartbeats(source: &FakeServer) -> Vec<Heartbeat> {
    let beat = |(host, report)| match report {
        Report::Heartbeat(beat) if host == HOST => Some(beat),
        _ => None,
    };
    source.reports().into_iter().filter_map(beat).collect()
}

#[tokio::test(start_paused = true)]
async fn ports_cause_no_heartbeats_and_another_bridge_does() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_secs(1)).await;
    let before = heartbeats(&source).len();
    for number in 10..30 {
        site.publish(source.put_port(port(number, 1, HOST)));
        agent.settles(&source).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(heartbeats(&source).len(), before);
    *agent.bridge.lock().unwrap() = "br-ex";
    agent.wake.wake();
    sleep(Duration::from_millis(100)).await;
    let beats = heartbeats(&source);
    assert_eq!(beats.len(), before + 1);
    let last = &beats.last().unwrap().configurations;
    assert_eq!(
        last,
        &Map::from_iter([
            ("devices".to_owned(), json!(23)),
            ("bridge_mappings".to_owned(), json!({"physnet1": "br-ex"})),
        ])
    );
    // By the clock, the counts alone are news as well.
    site.publish(source.put_port(port(40, 1, HOST)));
    sleep(Duration::from_mins(1)).await;
    let beats = heartbeats(&source);
    assert!(beats.len() > before + 1);
    assert_eq!(beats.last().unwrap().configurations["devices"], 24);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_come_by_the_clock_and_tell_what_the_view_is() {
    let (source, site) = cloud(3);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    sleep(Duration::from_mins(10)).await;
    let beats = heartbeats(&source);
    assert!((20..=25).contains(&beats.len()), "{}", beats.len());
    let last = beats.last().unwrap();
    assert_eq!(last.position, Some(source.position()));
    assert_eq!(last.digest, source.view(Role::OvsAgent, HOST).digest());
    assert_eq!(last.configurations["devices"], 3);
    assert_eq!(beats.iter().filter(|beat| beat.start_flag).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn drift_on_disk_is_mended() {
    let (source, site) = cloud(6);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let state = agent.stop().await;
    damage_consistently(state.path());
    let mut agent = Agent::start_in(state, &site, Setup::default());
    agent.settles(&source).await;
    assert_eq!(agent.status().await.view.drifts, 1);
}

/// Takes a port out of the stored view as a fault of the program would: the file is in order.
fn damage_consistently(state: &Path) {
    let store = nucleon_agent::ViewStore::new(state, Role::OvsAgent, HOST);
    let mut remembered = store.load().unwrap().unwrap();
    remembered.view.ports.remove(&port_id(2)).unwrap();
    store.write(&store.encode(remembered).unwrap()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dhcp_agent_gets_a_network_with_all_its_ports() {
    let (source, site) = cloud(3);
    source.put_network(network(2, &[]));
    for number in 100..120 {
        source.put_port(port(number, 2, "elsewhere"));
    }
    let setup = Setup { role: Role::DhcpAgent, ..Setup::default() };
    let mut agent = Agent::start_in(tempfile::tempdir().unwrap(), &site, setup);
    agent.settles(&source).await;
    assert_eq!(agent.wired(), 3);
    sleep(Duration::from_secs(1)).await;
    site.publish(source.put_network(network(2, &["h9", HOST])));
    assert_eq!(agent.settles(&source).await, Duration::ZERO);
    assert_eq!(agent.wired(), 23);
    let networks =
        agent.host.borrow().rounds.iter().flat_map(|round| round.networks.clone()).count();
    assert!(
        networks >= 1 && source.view(Role::DhcpAgent, HOST).networks.contains_key(&network_id(2))
    );
}

#[tokio::test(start_paused = true)]
async fn two_agents_of_a_role_do_not_share_a_state_directory() {
    let (source, site) = cloud(1);
    let mut agent = Agent::start(&site);
    agent.settles(&source).await;
    let group = Tasks::new().group("second", Duration::from_secs(1));
    let server = ServerAt::InProcess(Arc::new(site.clone()));
    let options = ClientOptions::new(Role::OvsAgent, HOST, vec![server]);
    let client = HubClient::start(options, Random::seeded(2), &group);
    let table = Table {
        host: watch::Sender::default(),
        faults: Arc::default(),
        pace: Duration::ZERO,
        bridge: Arc::default(),
    };
    let options = RunnerOptions::new(Role::OvsAgent, HOST, agent.state.path());
    let runner = Runner::new(options, table, client, Wake::new(), Clock::fake(), Random::seeded(3));
    let error = runner.run(group.token().child_token()).await.unwrap_err();
    assert!(matches!(error, control::ControlError::Taken(_)), "{error}");
}
