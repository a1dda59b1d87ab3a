//! What agents follow: however they hear of changes, they come to what a fresh snapshot shows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nucleon_bus::{Answer, Hint, ViewSource, WatchRequest, Watched};
use nucleon_core::{Error, Kind, Noun};
use nucleon_db::Batch;
use nucleon_model::view::{Change, Position, Role, Scope, View};
use nucleon_model::{Network, Port, Router, Subnet};
use nucleon_obs::Random;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use uuid::Uuid;

use crate::scene::{Ask, Cloud, admin, each, peer};

const HOSTS: [&str; 3] = ["h1", "h2", "h3"];

/// An agent as far as its view is concerned.
#[derive(Debug)]
struct Follower {
    role: Role,
    host: &'static str,
    view: View,
    position: Option<Position>,
    /// Whether it takes in hints, or asks now and then.
    hinted: bool,
    /// Where the server says that its changes will show.
    scopes: BTreeSet<Scope>,
}

async fn watch(cloud: &Cloud, role: Role, host: &str, position: Option<Position>) -> Watched {
    let request = WatchRequest { role, host, position, verify: true };
    cloud.watch(request).await.unwrap()
}

impl Follower {
    fn new(role: Role, host: &'static str, hinted: bool) -> Self {
        let (view, scopes) = (View::default(), BTreeSet::new());
        Self { role, host, view, position: None, hinted, scopes }
    }

    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            self.view.apply(change);
        }
    }

    /// Asks; answers with the digest that the view should have.
    async fn ask(&mut self, cloud: &Cloud) -> u64 {
        let watched = watch(cloud, self.role, self.host, self.position).await;
        let position = watched.answer.position();
        let digest = match watched.answer {
            Answer::Snapshot { changes, digest, .. } => {
                self.view = View::default();
                self.take(changes);
                digest
            }
            Answer::Delta { from, changes, digest, .. } => {
                assert_eq!(Some(from), self.position);
                self.take(changes);
                digest
            }
            Answer::Behind { .. } => panic!("one server is never behind itself"),
        };
        self.view.prune(self.role, self.host);
        self.position = Some(position);
        self.scopes = watched.scopes;
        digest.unwrap()
    }

    /// Takes in a hint without asking, where it stands far enough; else asks.
    async fn hear(&mut self, cloud: &Cloud, hint: &Hint) {
        let scopes = self.view.scopes(self.role, self.host);
        let Some(position) = self.position.filter(|_| scopes.contains(&hint.scope)) else { return };
        match &hint.changes {
            Some(changes) if position.seq >= hint.previous => {
                self.take(changes.clone());
                self.view.prune(self.role, self.host);
            }
            _ => drop(self.ask(cloud).await),
        }
    }
}

/// A snapshot taken now, and where.
async fn fresh(cloud: &Cloud, role: Role, host: &str) -> View {
    let mut view = View::default();
    let answer = watch(cloud, role, host, None).await.answer;
    let Answer::Snapshot { changes, digest, .. } = answer else { panic!("{answer:?}") };
    for change in changes {
        view.apply(change);
    }
    assert_eq!(digest, Some(view.digest()));
    let whole = view.clone();
    view.prune(role, host);
    assert_eq!(view, whole, "a snapshot holds nothing that is to be dropped");
    view
}

/// Waits until the journal has all that was committed: then asking alone must suffice. Answers with what went last.
async fn settle(cloud: &Cloud) -> String {
    let marker = cloud.network(json!({"name": "marker"})).await;
    cloud.delete(&marker).await;
    let is_last = |id: String| {
        move |entry: &nucleon_db::Entry| {
            entry.change.id == id && entry.change.operation == nucleon_db::Operation::Delete
        }
    };
    for _ in 0..2000 {
        let found = cloud.store().snapshot(|tx| {
            let is_last = is_last(marker.key());
            Box::pin(async move {
                let head = tx.journal_head().await?;
                let seq = (head.seq - 50).max(0);
                let from = nucleon_db::Position { epoch: head.epoch, seq };
                let after = tx.journal_after(from, None, 1000).await?;
                let nucleon_db::journal::After::Entries { entries, .. } = after else { panic!() };
                let outbox = sea_query::Query::select().column("id").from("outbox").take();
                let waiting = match tx.dialect() {
                    nucleon_db::Dialect::Sqlite => 0,
                    _ => tx.fetch_all(&outbox).await?.len(),
                };
                Ok::<_, nucleon_db::Error>(waiting == 0 && entries.iter().any(is_last))
            })
        });
        if found.await.unwrap() {
            return marker.key();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the journal did not take up what was committed");
}

/// A cloud whose objects come, change and go at random.
struct Weather<'c> {
    cloud: &'c Cloud,
    random: Random,
}

impl Weather<'_> {
    fn below(&self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap()
    }

    fn pick<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        (!items.is_empty()).then(|| &items[self.below(items.len())])
    }

    async fn any<R: Noun>(&self) -> Option<R> {
        let mut all = self.cloud.list::<R>(Ask::default().query()).await;
        (!all.is_empty()).then(|| all.swap_remove(self.below(all.len())))
    }

    fn host(&self) -> &'static str {
        self.pick(&["", "h1", "h2", "h3"]).unwrap()
    }

    async fn beat(&self) {
        for host in HOSTS {
            self.cloud.host(host).await;
            self.cloud.dhcp_agent(host).await;
            self.cloud.heartbeat(&peer(Role::L3Agent, host), json!({})).await;
        }
    }

    async fn network(&self) -> Result<(), Error> {
        let attributes = match self.below(3) {
            0 => json!({}),
            _ => json!({
                "provider:network_type": "vlan",
                "provider:physical_network": "physnet1",
                "provider:segmentation_id": 1 + self.below(4000),
            }),
        };
        self.cloud.try_create::<Network>(attributes).await.map(drop)
    }

    async fn subnet(&self) -> Result<(), Error> {
        let Some(network) = self.any::<Network>().await else { return self.network().await };
        let n = self.below(200);
        let attributes = match self.below(4) {
            0 => json!({"ip_version": 6, "cidr": format!("fd00:{n}::/64"),
                        "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}),
            1 => json!({"ip_version": 4, "cidr": format!("10.0.{n}.0/24"), "enable_dhcp": false}),
            _ => json!({"ip_version": 4, "cidr": format!("10.0.{n}.0/24")}),
        };
        let base = json!({"network_id": network.key()});
        self.cloud.try_create::<Subnet>(crate::scene::merged(base, attributes)).await.map(drop)
    }

    async fn port(&self) -> Result<(), Error> {
        let Some(network) = self.any::<Network>().await else { return self.network().await };
        self.cloud.try_port(&network, json!({"binding:host_id": self.host()})).await.map(drop)
    }

    async fn change_port(&self) -> Result<(), Error> {
        let Some(port) = self.any::<Port>().await else { return Ok(()) };
        let change: Value = match self.below(6) {
            0 | 1 => json!({"binding:host_id": self.host()}),
            2 => json!({"admin_state_up": !port.admin_state_up}),
            3 => json!({"name": "n"}),
            4 => json!({"fixed_ips": []}),
            _ => json!({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": "1400"}]}),
        };
        self.cloud.try_update(&port, change).await.map(drop)
    }

    async fn change_rest(&self) -> Result<(), Error> {
        match self.below(3) {
            0 => {
                let Some(network) = self.any::<Network>().await else { return Ok(()) };
                let up = json!({"admin_state_up": !network.admin_state_up});
                self.cloud.try_update(&network, up).await.map(drop)
            }
            1 => {
                let Some(subnet) = self.any::<Subnet>().await else { return Ok(()) };
                let dhcp = json!({"enable_dhcp": !subnet.enable_dhcp});
                self.cloud.try_update(&subnet, dhcp).await.map(drop)
            }
            _ => {
                let Some(network) = self.any::<Network>().await else { return Ok(()) };
                let tags = vec![self.below(9).to_string()];
                let cloud = self.cloud;
                let (admin, id) = (admin(), network.key());
                cloud.tags_replace::<Network>(&admin, &id, tags).await.map(drop)
            }
        }
    }

    async fn delete(&self) -> Result<(), Error> {
        match self.below(6) {
            0 => match self.any::<Network>().await {
                Some(network) => self.cloud.try_delete(&network).await,
                None => Ok(()),
            },
            1 => match self.any::<Subnet>().await {
                Some(subnet) => self.cloud.try_delete(&subnet).await,
                None => Ok(()),
            },
            _ => match self.any::<Port>().await {
                Some(port) => self.cloud.try_delete(&port).await,
                None => Ok(()),
            },
        }
    }

    async fn agents(&self) -> Result<(), Error> {
        let host = self.pick(&HOSTS).unwrap();
        let agent = self.cloud.agent_of(Role::DhcpAgent, host).await;
        let id = agent.key();
        let Some(network) = self.any::<Network>().await else { return Ok(()) };
        match self.below(4) {
            0 => self.cloud.dhcp_agent_add_network(&admin(), &id, network.id).await,
            1 => self.cloud.dhcp_agent_remove_network(&admin(), &id, network.id).await,
            2 => {
                self.cloud.let_agents_die();
                for alive in HOSTS.iter().filter(|alive| *alive != host) {
                    self.cloud.host(alive).await;
                    self.cloud.dhcp_agent(alive).await;
                }
                self.cloud.dhcp_failover().await.map(drop)
            }
            _ => self.cloud.try_delete(&agent).await,
        }
    }

    /// Routers come, lead to subnets, go from agent to agent, and go.
    async fn router(&self) -> Result<(), Error> {
        let known = match self.any::<Router>().await {
            Some(known) if self.below(4) > 0 => known,
            _ => self.cloud.try_create::<Router>(json!({})).await?,
        };
        match self.below(6) {
            0 => self.cloud.try_delete(&known).await,
            1 => {
                let host = self.pick(&HOSTS).unwrap();
                let agent = self.cloud.agent_of(Role::L3Agent, host).await;
                let (agent, id) = (agent.key(), known.key());
                self.cloud.l3_agent_remove_router(&admin(), &agent, &id).await
            }
            _ => {
                let Some(subnet) = self.any::<Subnet>().await else { return Ok(()) };
                let body = json!({"subnet_id": subnet.id});
                self.cloud.router_interface_add(&admin(), &known.key(), &body).await.map(drop)
            }
        }
    }

    async fn reports(&self) -> Result<(), Error> {
        let Some(port) = self.any::<Port>().await else { return Ok(()) };
        if !port.host.is_empty() {
            self.cloud.wired(&port.host, &port).await;
        }
        Ok(())
    }

    async fn turn(&self) {
        let outcome = match self.below(20) {
            0 => self.network().await,
            1..=3 => self.subnet().await,
            4..=8 => self.port().await,
            9..=12 => self.change_port().await,
            13 => self.change_rest().await,
            14 => self.router().await,
            15..=16 => self.delete().await,
            17 => self.agents().await,
            _ => self.reports().await,
        };
        self.beat().await;
        if let Err(error) = outcome {
            let kind = error.kind();
            assert!(!matches!(kind, Kind::Internal | Kind::Unavailable), "{error:?}");
        }
    }
}

/// All that is told up to the end of one object: somewhat later than the journal has it.
async fn told_until(receiver: &mut Receiver<Arc<Batch>>, last: &str) -> Vec<Arc<Batch>> {
    let mut told = Vec::new();
    loop {
        let news = tokio::time::timeout(Duration::from_secs(30), receiver.recv()).await;
        let batch = news.expect("news in time").unwrap();
        let ends = batch.entries.iter().any(|entry| {
            entry.change.id == last && entry.change.operation == nucleon_db::Operation::Delete
        });
        told.push(batch);
        if ends {
            return told;
        }
    }
}

fn batches(receiver: &mut Receiver<Arc<Batch>>) -> Vec<Arc<Batch>> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

async fn follow(cloud: &Cloud, seed: u64) {
    let weather = Weather { cloud, random: Random::seeded(seed) };
    let mut news = cloud.store().batches();
    weather.beat().await;
    let mut followers = Vec::new();
    for role in [Role::OvsAgent, Role::DhcpAgent, Role::L3Agent] {
        for host in HOSTS {
            followers.extend([true, false].map(|hinted| Follower::new(role, host, hinted)));
        }
    }
    for follower in &mut followers {
        follower.ask(cloud).await;
    }
    for turn in 0..120 {
        weather.turn().await;
        for batch in batches(&mut news) {
            let hints = cloud.hints(&batch, |_| true).await.unwrap();
            for follower in followers.iter_mut().filter(|follower| follower.hinted) {
                for hint in &hints {
                    // Some are lost.
                    if weather.below(10) > 0 {
                        follower.hear(cloud, hint).await;
                    }
                }
            }
        }
        for follower in followers.iter_mut().filter(|follower| !follower.hinted) {
            if weather.below(6) == 0 {
                follower.ask(cloud).await;
            }
        }
        if turn % 20 == 19 {
            settle(cloud).await;
            for follower in &mut followers {
                let digest = follower.ask(cloud).await;
                let (role, host) = (follower.role, follower.host);
                let fresh = fresh(cloud, role, host).await;
                assert_eq!(follower.view, fresh, "seed {seed} turn {turn}: {role} on {host}");
                assert_eq!(follower.view.digest(), digest);
                // Before, they may speak of what is committed and has no place in the journal yet.
                assert_eq!(follower.scopes, follower.view.scopes(role, host));
                let who = peer(role, host);
                let configurations = match role {
                    Role::OvsAgent => {
                        json!({"bridge_mappings": {"physnet1": "br-ex", "pub": "br-pub"}})
                    }
                    Role::DhcpAgent | Role::L3Agent => json!({}),
                };
                let position = follower.position;
                let ack = cloud.pulse(&who, configurations.clone(), position, digest).await;
                assert!(!ack.resync, "a view that is right has not drifted");
                let ack = cloud.pulse(&who, configurations, position, !digest).await;
                assert!(ack.resync, "a view that is wrong has drifted");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_comes_to_what_a_snapshot_shows() {
    each(async |cloud| {
        let seed = u64::from(std::process::id());
        eprintln!("seed {seed}");
        follow(&cloud, seed).await;
    })
    .await;
}

#[tokio::test]
async fn positions_of_another_epoch_and_of_the_future_are_told_apart() {
    each(async |cloud| {
        cloud.host("h1").await;
        let network = cloud.network(json!({})).await;
        cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        settle(&cloud).await;
        let answer = watch(&cloud, Role::OvsAgent, "h1", None).await.answer;
        let here = answer.position();
        let ahead = Position { seq: here.seq + 1000, ..here };
        let answer = watch(&cloud, Role::OvsAgent, "h1", Some(ahead)).await.answer;
        assert!(matches!(answer, Answer::Behind { .. }), "{answer:?}");
        let elsewhere = Position { epoch: Uuid::from_u128(7), ..here };
        let answer = watch(&cloud, Role::OvsAgent, "h1", Some(elsewhere)).await.answer;
        assert!(matches!(answer, Answer::Snapshot { .. }), "{answer:?}");
        let answer = watch(&cloud, Role::OvsAgent, "h1", Some(here)).await.answer;
        let Answer::Delta { changes, .. } = answer else { panic!("{answer:?}") };
        assert!(changes.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_dhcp_agent_hears_of_a_network_that_went_while_it_was_not_listening() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        settle(&cloud).await;
        let mut follower = Follower::new(Role::DhcpAgent, "h1", false);
        follower.ask(&cloud).await;
        assert_eq!((follower.view.networks.len(), follower.view.ports.len()), (1, 1));
        cloud.delete(&network).await;
        settle(&cloud).await;
        follower.ask(&cloud).await;
        assert_eq!(follower.view, View::default());
    })
    .await;
}

#[tokio::test]
async fn a_hint_carries_the_bodies_of_what_changed() {
    each(async |cloud| {
        cloud.host("h1").await;
        let network = cloud.network(json!({})).await;
        settle(&cloud).await;
        let mut news = cloud.store().batches();
        let port = cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        let last = settle(&cloud).await;
        let mut hints = Vec::new();
        for batch in told_until(&mut news, &last).await {
            hints.extend(cloud.hints(&batch, |_| true).await.unwrap());
        }
        let told: BTreeSet<String> = hints.iter().map(|hint| hint.scope.to_string()).collect();
        for scope in [format!("host:{}", port.host), format!("ports:{}", network.id)] {
            assert!(told.contains(&scope), "{scope} in {told:?}");
        }
        let hint = hints.iter().find(|hint| hint.scope.to_string() == "host:h1").unwrap();
        let mut view = View::default();
        hint.changes.iter().flatten().cloned().for_each(|change| view.apply(change));
        assert_eq!(view, fresh(&cloud, Role::OvsAgent, "h1").await);
    })
    .await;
}

#[tokio::test]
async fn scopes_that_nobody_follows_are_not_told() {
    each(async |cloud| {
        cloud.host("h1").await;
        let network = cloud.network(json!({})).await;
        settle(&cloud).await;
        let mut news = cloud.store().batches();
        cloud.port(&network, json!({"binding:host_id": "h1"})).await;
        let last = settle(&cloud).await;
        let mut told = 0;
        for batch in told_until(&mut news, &last).await {
            let hints = cloud.hints(&batch, |scope| scope.to_string() == "host:h1").await.unwrap();
            assert!(hints.iter().all(|hint| hint.scope.to_string() == "host:h1"), "{hints:?}");
            assert_eq!(cloud.hints(&batch, |_| false).await.unwrap(), Vec::new());
            told += hints.len();
        }
        assert_ne!(told, 0);
    })
    .await;
}
