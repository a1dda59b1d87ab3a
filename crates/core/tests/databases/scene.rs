//! A cloud on each database, and short words for what tests do with it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use nucleon_bus::{Identity, Peer, Report, ReportAck, ViewSource};
use nucleon_core::{Caller, Core, Drivers, Error, Noun, Precondition, QuotaLimits, Settings};
use nucleon_db::{Store, StoreOptions, migrate};
use nucleon_drivers::{Flat, Local, OpenVSwitch, Vlan, VlanRange};
use nucleon_model::view::{Position, Role};
use nucleon_model::{
    Agent, Direction, Draft, Filter, ListQuery, Network, Page, Port, Resource, Stored, Subnet,
    Timestamp,
};
use nucleon_net::VlanId;
use nucleon_obs::{Clock, Random};
use nucleon_policy::{Options, Policy};
use nucleon_testkit::{Kind, TestDatabase, databases};
use nucleon_wire::{Heartbeat, PortMark, Version};
use serde_json::{Value, json};

/// A control plane on a database of its own.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) core: Core,
    /// Stands until a test moves it.
    pub(crate) clock: Clock,
    pub(crate) database: TestDatabase,
}

impl Deref for Cloud {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

/// Runs a test on each database.
pub(crate) async fn each<T, Done>(test: T)
where
    T: Fn(Cloud) -> Done,
    Done: Future<Output = ()>,
{
    each_with(roomy(), test).await;
}

pub(crate) async fn each_with<T, Done>(settings: Settings, test: T)
where
    T: Fn(Cloud) -> Done,
    Done: Future<Output = ()>,
{
    for database in databases() {
        eprintln!("on {}", database.kind);
        test(Cloud::on(database, settings.clone()).await).await;
    }
}

/// Settings of a cloud in which nobody runs out of anything.
pub(crate) fn roomy() -> Settings {
    Settings { quotas: QuotaLimits::unlimited(), ..Settings::default() }
}

pub(crate) fn drivers() -> Drivers {
    let id = |id| VlanId::new(id).unwrap();
    let range = |name: &str, ids| VlanRange { physical_network: name.to_owned(), ids };
    Drivers {
        types: vec![
            Arc::new(Flat::new(&["*".to_owned()])),
            Arc::new(Vlan::new(vec![
                range("physnet1", Some((id(100), id(102)))),
                range("physnet2", None),
            ])),
            Arc::new(Local),
        ],
        mechanisms: vec![Arc::new(OpenVSwitch)],
    }
}

impl Cloud {
    pub(crate) async fn on(database: TestDatabase, settings: Settings) -> Self {
        let url = database.url.parse().unwrap();
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        migrate::upgrade(&store).await.unwrap();
        store.start_journal();
        let clock = Clock::fake();
        let policy = Policy::defaults(Options::default());
        let core = Core::new(store, settings, drivers(), policy, clock.clone(), Random::system());
        Self { core, clock, database }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.database.kind
    }

    pub(crate) async fn try_create<R: Noun>(&self, attributes: Value) -> Result<R, Error> {
        self.create_as(&admin(), attributes).await
    }

    pub(crate) async fn create_as<R: Noun>(
        &self,
        caller: &Caller,
        attributes: Value,
    ) -> Result<R, Error> {
        let created = R::create(&self.core, caller, vec![draft::<R>(attributes)]).await?;
        let [created] = <[R; 1]>::try_from(created).ok().unwrap();
        Ok(created)
    }

    pub(crate) async fn network(&self, attributes: Value) -> Network {
        self.try_create(attributes).await.unwrap()
    }

    pub(crate) async fn subnet(&self, network: &Network, cidr: &str, more: Value) -> Subnet {
        let version = if cidr.contains(':') { 6 } else { 4 };
        let base = json!({"network_id": network.key(), "cidr": cidr, "ip_version": version});
        self.try_create(merged(base, more)).await.unwrap()
    }

    pub(crate) async fn try_port(&self, network: &Network, more: Value) -> Result<Port, Error> {
        self.try_create(merged(json!({"network_id": network.key()}), more)).await
    }

    pub(crate) async fn port(&self, network: &Network, more: Value) -> Port {
        self.try_port(network, more).await.unwrap()
    }

    pub(crate) async fn try_update<R: Noun>(
        &self,
        object: &R,
        attributes: Value,
    ) -> Result<R, Error> {
        let draft = draft::<R>(attributes);
        R::update(&self.core, &admin(), &object.key(), draft, Precondition::default()).await
    }

    pub(crate) async fn update<R: Noun>(&self, object: &R, attributes: Value) -> R {
        self.try_update(object, attributes).await.unwrap()
    }

    pub(crate) async fn try_delete<R: Noun>(&self, object: &R) -> Result<(), Error> {
        R::delete(&self.core, &admin(), &object.key(), Precondition::default()).await
    }

    pub(crate) async fn delete_as<R: Noun>(
        &self,
        caller: &Caller,
        object: &R,
    ) -> Result<(), Error> {
        R::delete(&self.core, caller, &object.key(), Precondition::default()).await
    }

    pub(crate) async fn delete<R: Noun>(&self, object: &R) {
        self.try_delete(object).await.unwrap();
    }

    /// The object as it is now.
    pub(crate) async fn now_of<R: Noun>(&self, object: &R) -> R {
        R::show(&self.core, &admin(), &object.key()).await.unwrap()
    }

    pub(crate) async fn list<R: Noun>(&self, query: ListQuery) -> Vec<R> {
        R::list(&self.core, &admin(), query).await.unwrap()
    }

    /// The ports by which DHCP agents serve a network, by host.
    pub(crate) async fn dhcp_ports(&self, network: &Network) -> Vec<Port> {
        let mut ports: Vec<Port> = self
            .list(
                Ask::default()
                    .with::<Port>("network_id", &[network.id])
                    .with::<Port>("device_owner", &["network:dhcp".to_owned()])
                    .query(),
            )
            .await;
        ports.sort_by(|a, b| a.host.cmp(&b.host));
        ports
    }

    /// An agent's sign of life.
    pub(crate) async fn heartbeat(&self, who: &Peer, configurations: Value) -> ReportAck {
        self.pulse(who, configurations, None, 0).await
    }

    pub(crate) async fn pulse(
        &self,
        who: &Peer,
        configurations: Value,
        position: Option<Position>,
        digest: u64,
    ) -> ReportAck {
        let Value::Object(configurations) = configurations else { panic!() };
        let heartbeat = Heartbeat {
            configurations,
            started_at: Timestamp::from_micros(1),
            start_flag: false,
            availability_zone: None,
            position,
            digest,
        };
        self.core.report(who, Report::Heartbeat(heartbeat)).await.unwrap()
    }

    /// A host with an OVS agent that reaches `physnet1` and `pub`.
    pub(crate) async fn host(&self, host: &str) {
        let bridges = json!({"bridge_mappings": {"physnet1": "br-ex", "pub": "br-pub"}});
        self.heartbeat(&peer(Role::OvsAgent, host), bridges).await;
    }

    /// A host with an OVS agent that reaches one physical network.
    pub(crate) async fn host_on(&self, host: &str, physical_network: &str) {
        let bridges = json!({"bridge_mappings": {physical_network: "br-ex"}});
        self.heartbeat(&peer(Role::OvsAgent, host), bridges).await;
    }

    pub(crate) async fn dhcp_agent(&self, host: &str) {
        self.heartbeat(&peer(Role::DhcpAgent, host), json!({})).await;
    }

    pub(crate) async fn agent_of(&self, role: Role, host: &str) -> Agent {
        let agents: Vec<Agent> = self.list(ListQuery::default()).await;
        let kind = role.agent_type().as_str();
        agents.into_iter().find(|a| a.host == host && a.agent_type == kind).unwrap()
    }

    pub(crate) async fn wired(&self, host: &str, port: &Port) {
        let ports = vec![mark(port, port.view_revision)];
        let who = peer(Role::OvsAgent, host);
        self.core.report(&who, Report::Wired { ports }).await.unwrap();
    }

    pub(crate) async fn dhcp_ready(&self, host: &str, port: &Port) {
        let ports = vec![mark(port, port.view_revision)];
        let who = peer(Role::DhcpAgent, host);
        self.core.report(&who, Report::DhcpReady { ports }).await.unwrap();
    }

    /// So long that every agent counts as dead.
    pub(crate) fn let_agents_die(&self) {
        self.clock.advance(self.core.settings().agent_down_time + Duration::from_secs(1));
    }
}

pub(crate) fn mark(port: &Port, revision: i64) -> PortMark {
    PortMark { port_id: port.id, revision, at: Timestamp::from_micros(1) }
}

pub(crate) fn peer(role: Role, host: &str) -> Peer {
    Peer {
        role,
        host: host.to_owned(),
        identity: Identity::Local,
        version: Version::CURRENT,
        program: "test".to_owned(),
    }
}

pub(crate) fn admin() -> Caller {
    Caller::new(
        "adm".to_owned(),
        ["admin", "service"].map(str::to_owned).to_vec(),
        "req-test".to_owned(),
    )
}

pub(crate) fn member(project: &str) -> Caller {
    let roles = ["member", "reader"].map(str::to_owned).to_vec();
    Caller::new(project.to_owned(), roles, "req-test".to_owned())
}

pub(crate) fn merged(mut base: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("{more}") };
    base.as_object_mut().unwrap().extend(more);
    base
}

pub(crate) fn draft<R: Noun>(attributes: Value) -> R::Draft {
    draft_of::<R>(attributes)
}

/// As [`draft`], of what has no operations of its own.
pub(crate) fn draft_of<R: Resource>(attributes: Value) -> R::Draft {
    let Value::Object(attributes) = attributes else { panic!("{attributes}") };
    let mut draft = R::Draft::default();
    for (name, value) in attributes {
        let (index, _) = R::DECL.find(&name).unwrap_or_else(|| panic!("no attribute {name}"));
        draft.set(index, &value).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    draft
}

/// A list request in the making.
#[derive(Debug, Default)]
pub(crate) struct Ask(ListQuery);

impl Ask {
    pub(crate) fn with<R: Resource>(mut self, name: &str, values: &[impl Stored]) -> Self {
        let index = place::<R>(name);
        let values = values.iter().map(Stored::to_cell).collect();
        self.0.filters.push(Filter::Attribute { index, values });
        self
    }

    pub(crate) fn filter(mut self, filter: Filter) -> Self {
        self.0.filters.push(filter);
        self
    }

    pub(crate) fn sort<R: Resource>(mut self, name: &str, direction: Direction) -> Self {
        self.0.sort.push((place::<R>(name), direction));
        self
    }

    pub(crate) fn page(mut self, limit: u64, marker: Option<String>, reverse: bool) -> Self {
        self.0.page = Some(Page { limit, marker, reverse });
        self
    }

    pub(crate) fn query(self) -> ListQuery {
        self.0
    }
}

fn place<R: Resource>(name: &str) -> usize {
    R::DECL.find(name).unwrap().0
}

/// Name and message of a refusal.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>, name: &str, message: &str) {
    let error = outcome.expect_err("it should have been refused");
    assert_eq!((error.name(), error.message()), (name, message));
}

/// As [`refused`], for messages of which a part is enough.
#[track_caller]
pub(crate) fn refused_as<T: std::fmt::Debug>(outcome: Result<T, Error>, name: &str) {
    let error = outcome.expect_err("it should have been refused");
    assert_eq!(error.name(), name, "{error}");
}
