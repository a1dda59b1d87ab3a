//! A server in memory: a cloud, its journal, and answers that keep the contract of [`ViewSource`].
//!
//! It remembers the cloud at every place in the journal, so that a replica of it can be behind, and a backup be restored.

pub mod sample;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use nucleon_model::view::{Change, NetworkBody, ObjectId, PortBody, Position, Role, Scope, View};
use nucleon_model::{NetworkId, PortId};
use nucleon_wire::{AliveState, Answer, Hint, Report, ReportAck};
use uuid::Uuid;

use crate::source::{Peer, SourceError, ViewSource, WatchRequest, Watched};

/// One server. Clones are the same server; [`FakeServer::replica`] makes another over the same database.
#[derive(Debug, Clone)]
pub struct FakeServer {
    cloud: Arc<Mutex<Cloud>>,
    replica: Arc<Mutex<Replica>>,
}

#[derive(Debug)]
struct Cloud {
    epoch: Uuid,
    /// The cloud at each place in the journal; what is where, unpruned.
    history: Vec<View>,
    /// What each place in the journal is about; the first is none.
    journal: Vec<Row>,
    last: HashMap<Scope, i64>,
    pruned_to: i64,
    reports: Vec<(String, Report)>,
    known: BTreeSet<(Role, String)>,
}

#[derive(Debug)]
struct Row {
    object: ObjectId,
    scopes: BTreeSet<Scope>,
}

#[derive(Debug, Default)]
struct Replica {
    head: Option<i64>,
    down: bool,
    delay: Duration,
    watches: u64,
    snapshots: u64,
}

impl FakeServer {
    pub fn new() -> Self {
        let cloud = Cloud {
            epoch: Uuid::from_u128(1),
            history: vec![View::default()],
            journal: vec![],
            last: HashMap::new(),
            pruned_to: 0,
            reports: Vec::new(),
            known: BTreeSet::new(),
        };
        Self { cloud: Arc::new(Mutex::new(cloud)), replica: Arc::default() }
    }

    /// Another server over the same database.
    #[must_use]
    pub fn replica(&self) -> Self {
        Self { cloud: self.cloud.clone(), replica: Arc::default() }
    }

    /// Holds this server's database at a place in the journal; `None` lets it catch up.
    pub fn stand_at(&self, head: Option<i64>) {
        lock(&self.replica).head = head;
    }

    /// Lets every request fail, as without a database.
    pub fn set_down(&self, down: Down) {
        lock(&self.replica).down = down == Down::Yes;
    }

    /// The time between reading the database and answering.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.replica).delay = delay;
    }

    /// How many watches this server answered, and how many of them with a snapshot.
    pub fn answered(&self) -> (u64, u64) {
        let replica = lock(&self.replica);
        (replica.watches, replica.snapshots)
    }

    /// The journal's last place.
    pub fn position(&self) -> Position {
        let cloud = lock(&self.cloud);
        Position { epoch: cloud.epoch, seq: cloud.head() }
    }

    /// What an agent's view is now.
    pub fn view(&self, role: Role, host: &str) -> View {
        let cloud = lock(&self.cloud);
        cloud.view_at(cloud.head(), role, host)
    }

    /// The whole cloud now.
    pub fn view_of_everything(&self) -> View {
        let cloud = lock(&self.cloud);
        cloud.at(cloud.head()).clone()
    }

    /// All reports so far, with their hosts.
    pub fn reports(&self) -> Vec<(String, Report)> {
        lock(&self.cloud).reports.clone()
    }

    /// Forgets the journal up to now.
    pub fn prune_journal(&self) {
        let mut cloud = lock(&self.cloud);
        cloud.pruned_to = cloud.head();
    }

    /// Brings back the database as it was at `seq`: a new epoch.
    pub fn restore(&self, seq: i64) {
        let mut cloud = lock(&self.cloud);
        cloud.epoch = Uuid::from_u128(cloud.epoch.as_u128() + 1);
        let keep = usize::try_from(seq).unwrap_or(0) + 1;
        cloud.history.truncate(keep);
        cloud.journal.truncate(keep - 1);
        cloud.pruned_to = cloud.head();
        cloud.last.values_mut().for_each(|last| *last = (*last).min(seq));
    }

    /// Writes a network; its revision is given here. The hints are for the caller to publish, lose or shuffle.
    pub fn put_network(&self, body: NetworkBody) -> Vec<Hint> {
        lock(&self.cloud).commit(ObjectId::Network(body.id), |revision, cloud| {
            cloud.networks.insert(body.id, NetworkBody { revision, ..body });
        })
    }

    /// Writes a port; its revision is given here.
    pub fn put_port(&self, body: PortBody) -> Vec<Hint> {
        lock(&self.cloud).commit(ObjectId::Port(body.id), |revision, cloud| {
            cloud.ports.insert(body.id, PortBody { revision, ..body });
        })
    }

    pub fn delete_network(&self, id: NetworkId) -> Vec<Hint> {
        lock(&self.cloud).commit(ObjectId::Network(id), |_, cloud| {
            cloud.networks.remove(&id);
        })
    }

    pub fn delete_port(&self, id: PortId) -> Vec<Hint> {
        lock(&self.cloud).commit(ObjectId::Port(id), |_, cloud| {
            cloud.ports.remove(&id);
        })
    }
}

impl Default for FakeServer {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a server's database is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    Yes,
    No,
}

#[async_trait]
impl ViewSource for FakeServer {
    async fn watch(&self, request: WatchRequest<'_>) -> Result<Watched, SourceError> {
        let (watched, delay) = {
            let mut replica = lock(&self.replica);
            if replica.down {
                return Err(SourceError::Unavailable("the database is away".into()));
            }
            let watched = lock(&self.cloud).answer(&request, replica.head);
            replica.watches += 1;
            if matches!(watched.answer, Answer::Snapshot { .. }) {
                replica.snapshots += 1;
            }
            (watched, replica.delay)
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(watched)
    }

    async fn report(&self, who: &Peer, report: Report) -> Result<ReportAck, SourceError> {
        if lock(&self.replica).down {
            return Err(SourceError::Unavailable("the database is away".into()));
        }
        let mut cloud = lock(&self.cloud);
        let mut ack = ReportAck { alive: None, resync: false };
        if let Report::Heartbeat(beat) = &report {
            let new = cloud.known.insert((who.role, who.host.clone()));
            ack.alive = Some(if new { AliveState::New } else { AliveState::Alive });
            let head = Position { epoch: cloud.epoch, seq: cloud.head() };
            ack.resync = beat.position == Some(head)
                && beat.digest != cloud.view_at(head.seq, who.role, &who.host).digest();
        }
        cloud.reports.push((who.host.clone(), report));
        Ok(ack)
    }
}

impl Cloud {
    fn head(&self) -> i64 {
        i64::try_from(self.history.len()).unwrap_or(i64::MAX) - 1
    }

    fn at(&self, seq: i64) -> &View {
        static NOTHING: View = View {
            networks: std::collections::BTreeMap::new(),
            ports: std::collections::BTreeMap::new(),
        };
        usize::try_from(seq).ok().and_then(|seq| self.history.get(seq)).unwrap_or(&NOTHING)
    }

    fn view_at(&self, seq: i64, role: Role, host: &str) -> View {
        let mut view = self.at(seq).clone();
        view.prune(role, host);
        view
    }

    fn commit(&mut self, object: ObjectId, write: impl FnOnce(i64, &mut View)) -> Vec<Hint> {
        let before = self.at(self.head());
        let mut scopes = scopes_of(before, object);
        let mut after = before.clone();
        // As after a restore in earnest, revisions may come a second time with other content.
        let revision = self.head() + 1;
        write(revision, &mut after);
        scopes.extend(scopes_of(&after, object));
        let change = body_of(&after, object);
        self.history.push(after);
        self.journal.push(Row { object, scopes: scopes.clone() });
        let seq = self.head();
        scopes
            .into_iter()
            .map(|scope| {
                let previous = self.last.insert(scope.clone(), seq).unwrap_or(0);
                let changes = Some(vec![change.clone()]);
                Hint { epoch: self.epoch, scope, previous, seq, changes }
            })
            .collect()
    }

    fn answer(&self, request: &WatchRequest<'_>, head: Option<i64>) -> Watched {
        let seq = head.unwrap_or(i64::MAX).min(self.head());
        let position = Position { epoch: self.epoch, seq };
        let view = self.view_at(seq, request.role, request.host);
        let scopes = view.scopes(request.role, request.host);
        let digest = request.verify.then(|| view.digest());
        let from =
            request.position.filter(|from| from.epoch == self.epoch && from.seq >= self.pruned_to);
        let answer = match from {
            Some(from) if from.seq > seq => Answer::Behind { position },
            Some(from) => {
                let changes = self.changes(from.seq, seq, &view, request);
                Answer::Delta { from, position, changes, digest }
            }
            None => {
                let networks = view.networks.into_values().map(Change::Network);
                let ports = view.ports.into_values().map(Change::Port);
                Answer::Snapshot { position, changes: networks.chain(ports).collect(), digest }
            }
        };
        Watched { answer, scopes }
    }

    /// What the journal names after `from` up to `to`, and what came with it: all without knowing the view at `from`.
    fn changes(&self, from: i64, to: i64, view: &View, request: &WatchRequest<'_>) -> Vec<Change> {
        let root = Scope::root(request.role, request.host);
        let scopes = view.scopes(request.role, request.host);
        let mut objects = BTreeSet::new();
        for (row, seq) in self.journal.iter().zip(1_i64..) {
            if seq <= from || seq > to || row.scopes.is_disjoint(&scopes) {
                continue;
            }
            objects.insert(row.object);
            match row.object {
                ObjectId::Port(id) if row.scopes.contains(&root) => {
                    let network = view.ports.get(&id).map(|port| port.network_id);
                    objects.extend(network.map(ObjectId::Network));
                }
                ObjectId::Network(id) if row.scopes.contains(&root) => {
                    let ports = view.ports.values().filter(|port| port.network_id == id);
                    objects.extend(ports.map(|port| ObjectId::Port(port.id)));
                }
                ObjectId::Port(_) | ObjectId::Network(_) => {}
            }
        }
        objects.into_iter().map(|object| body_of(self.at(to), object)).collect()
    }
}

fn body_of(cloud: &View, object: ObjectId) -> Change {
    let body = match object {
        ObjectId::Network(id) => cloud.networks.get(&id).cloned().map(Change::Network),
        ObjectId::Port(id) => cloud.ports.get(&id).cloned().map(Change::Port),
    };
    body.unwrap_or(Change::Gone(object))
}

/// The scopes that an object touches as it is in `cloud`.
fn scopes_of(cloud: &View, object: ObjectId) -> BTreeSet<Scope> {
    let mut scopes = BTreeSet::new();
    match object {
        ObjectId::Network(id) => {
            if let Some(network) = cloud.networks.get(&id) {
                scopes.insert(Scope::Network(id));
                scopes.extend(network.dhcp_hosts.iter().cloned().map(Scope::Dhcp));
            }
        }
        ObjectId::Port(id) => {
            if let Some(port) = cloud.ports.get(&id) {
                scopes.insert(Scope::Ports(port.network_id));
                if !port.host.is_empty() {
                    scopes.insert(Scope::Host(port.host.clone()));
                }
            }
        }
    }
    scopes
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
