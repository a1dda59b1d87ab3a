//! What agents are answered: views and their changes, from the database alone.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use nucleon_bus::{
    Answer, Peer, Report, ReportAck, SourceError, ViewSource, WatchRequest, Watched,
};
use nucleon_db::journal::After;
use nucleon_db::{Entry, Tx, agent as agents, network as networks, port as ports};
use nucleon_model::view::{
    Change, NetworkBody, ObjectId, Position, Role, Scope, View, fingerprint, is_router_port,
};
use nucleon_model::{Agent, AgentId, Network, NetworkId, Port, PortId, Segment, Subnet};

use crate::{Core, Error, Kind, Result, body};

/// Changes that a delta may have; with more, a snapshot is cheaper.
const MOST_CHANGES: u32 = 2000;

#[async_trait]
impl ViewSource for Core {
    async fn watch(&self, request: WatchRequest<'_>) -> std::result::Result<Watched, SourceError> {
        let WatchRequest { role, position, verify, host } = request;
        let host = host.to_owned();
        let answered = self.store().snapshot(|tx| {
            let host = host.clone();
            Box::pin(async move {
                watch(tx, WatchRequest { role, host: &host, position, verify }).await
            })
        });
        answered.await.map_err(|error: Error| refuse(&error))
    }

    async fn report(
        &self,
        who: &Peer,
        report: Report,
    ) -> std::result::Result<ReportAck, SourceError> {
        self.take_report(who, report).await.map_err(|error| refuse(&error))
    }
}

fn refuse(error: &Error) -> SourceError {
    if error.kind() == Kind::Invalid {
        return SourceError::Invalid(error.to_string());
    }
    let cause = std::error::Error::source(error);
    tracing::warn!(error = %error, ?cause, "an agent could not be answered");
    SourceError::Unavailable(error.message().to_owned())
}

pub(crate) fn position(position: nucleon_db::Position) -> Position {
    Position { epoch: position.epoch, seq: position.seq }
}

async fn watch(tx: &mut Tx, request: WatchRequest<'_>) -> Result<Watched> {
    let WatchRequest { role, host, position: from, verify } = request;
    let known = networks_of_view(tx, role, host).await?;
    let scopes = scopes(role, host, &known);
    let Some(from) = from else {
        return snapshot(tx, role, host, &known, scopes, verify).await;
    };
    let names: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let stand = nucleon_db::Position { epoch: from.epoch, seq: from.seq };
    match tx.journal_after(stand, Some(&names), MOST_CHANGES).await? {
        After::Entries { more: true, .. } | After::TooOld { .. } | After::OtherEpoch { .. } => {
            snapshot(tx, role, host, &known, scopes, verify).await
        }
        After::Behind { head } => {
            Ok(Watched { answer: Answer::Behind { position: position(head) }, scopes })
        }
        After::Entries { entries, position: head, .. } => {
            let changes = delta(tx, role, host, &known, &entries).await?;
            let digest = if verify { Some(digest(tx, role, host, &known).await?) } else { None };
            let answer = Answer::Delta { from, position: position(head), changes, digest };
            Ok(Watched { answer, scopes })
        }
    }
}

/// The networks in an agent's view.
pub(crate) async fn networks_of_view(
    tx: &mut Tx,
    role: Role,
    host: &str,
) -> Result<Vec<NetworkId>> {
    Ok(match role {
        Role::OvsAgent => ports::port_networks_on_host(tx, host).await?,
        Role::L3Agent => {
            let mut networks: Vec<NetworkId> =
                router_ports(tx, host).await?.into_iter().map(|port| port.network_id).collect();
            networks.sort_unstable();
            networks.dedup();
            networks
        }
        Role::DhcpAgent => {
            let agent = agents::agent_on_host(tx, role.agent_type().as_str(), host).await?;
            let ids: Vec<AgentId> = agent.iter().map(|agent| agent.id).collect();
            let served = agents::dhcp_networks_of(tx, &ids).await?;
            served.into_values().next().unwrap_or_default()
        }
    })
}

/// As [`View::scopes`] for a view with these networks.
pub(crate) fn scopes(role: Role, host: &str, networks: &[NetworkId]) -> BTreeSet<Scope> {
    let mut scopes = BTreeSet::from([Scope::root(role, host)]);
    for &id in networks {
        scopes.insert(Scope::Network(id));
        if role == Role::DhcpAgent {
            scopes.insert(Scope::Ports(id));
        }
    }
    scopes
}

async fn snapshot(
    tx: &mut Tx,
    role: Role,
    host: &str,
    known: &[NetworkId],
    scopes: BTreeSet<Scope>,
    verify: bool,
) -> Result<Watched> {
    let head = position(tx.journal_head().await?);
    let bodies = network_bodies(tx, known).await?;
    let mut changes: Vec<Change> = bodies.into_values().map(Change::Network).collect();
    let members = ports_of_view(tx, role, host, known).await?;
    changes.extend(members.iter().map(|port| Change::Port(body::port(port))));
    let digest = verify.then(|| {
        let mut view = View::default();
        changes.iter().cloned().for_each(|change| view.apply(change));
        view.digest()
    });
    Ok(Watched { answer: Answer::Snapshot { position: head, changes, digest }, scopes })
}

async fn ports_of_view(
    tx: &mut Tx,
    role: Role,
    host: &str,
    known: &[NetworkId],
) -> Result<Vec<Port>> {
    Ok(match role {
        Role::OvsAgent => ports::port_list_on_host(tx, host).await?,
        Role::L3Agent => router_ports(tx, host).await?,
        Role::DhcpAgent => ports::port_list_of(tx, known).await?,
    })
}

/// The ports of routers that are bound to a host.
async fn router_ports(tx: &mut Tx, host: &str) -> Result<Vec<Port>> {
    let mut found = ports::port_list_on_host(tx, host).await?;
    found.retain(|port| is_router_port(&port.device_owner));
    Ok(found)
}

/// What the server holds an agent's view to be, in one number.
pub(crate) async fn digest(
    tx: &mut Tx,
    role: Role,
    host: &str,
    known: &[NetworkId],
) -> Result<u64> {
    let networks = networks::network_get_all(tx, known).await?;
    let members = ports_of_view(tx, role, host, known).await?;
    let networks =
        networks.iter().map(|network| fingerprint(network.id.uuid(), network.revision_number));
    let members = members.iter().map(|port| fingerprint(port.id.uuid(), port.view_revision));
    Ok(networks.chain(members).fold(0, u64::wrapping_add))
}

/// The objects that some entries of the journal are about.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub ports: BTreeSet<PortId>,
    pub networks: BTreeSet<NetworkId>,
}

impl Touched {
    pub(crate) fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut touched = Self::default();
        for entry in entries {
            if entry.change.kind == "port" {
                touched.ports.extend(entry.change.id.parse::<PortId>().ok());
            } else {
                // Subnets and the like show in the body of their network.
                let scopes = entry.change.scopes.iter().filter_map(|scope| scope.parse().ok());
                touched.networks.extend(scopes.filter_map(|scope| match scope {
                    Scope::Network(id) => Some(id),
                    _ => None,
                }));
            }
        }
        touched
    }
}

async fn delta(
    tx: &mut Tx,
    role: Role,
    host: &str,
    known: &[NetworkId],
    entries: &[Entry],
) -> Result<Vec<Change>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let touched = Touched::of(entries);
    let ids: Vec<PortId> = touched.ports.iter().copied().collect();
    let found = ports::port_get_all(tx, &ids).await?;
    let mut wanted = touched.networks.clone();
    wanted.extend(found.iter().map(|port| port.network_id));
    let mut changes = network_changes(tx, &wanted).await?;
    changes.extend(port_changes(&touched.ports, &found));
    if role == Role::DhcpAgent {
        changes.extend(gained_ports(tx, host, known, entries, &touched.ports).await?);
    }
    Ok(changes)
}

/// With a network that a DHCP agent got come all of its ports, however old.
async fn gained_ports(
    tx: &mut Tx,
    host: &str,
    known: &[NetworkId],
    entries: &[Entry],
    told: &BTreeSet<PortId>,
) -> Result<Vec<Change>> {
    let root = Scope::Dhcp(host.to_owned()).to_string();
    let assignments = entries.iter().filter(|entry| entry.change.scopes.contains(&root));
    let gained: Vec<NetworkId> = Touched::of(assignments)
        .networks
        .into_iter()
        .filter(|network| known.contains(network))
        .collect();
    let members = ports::port_list_of(tx, &gained).await?;
    let untold = members.iter().filter(|port| !told.contains(&port.id));
    Ok(untold.map(|port| Change::Port(body::port(port))).collect())
}

/// Bodies of networks, and the news that others have gone.
pub(crate) async fn network_changes(
    tx: &mut Tx,
    wanted: &BTreeSet<NetworkId>,
) -> Result<Vec<Change>> {
    let ids: Vec<NetworkId> = wanted.iter().copied().collect();
    let mut bodies = network_bodies(tx, &ids).await?;
    Ok(ids
        .into_iter()
        .map(|id| match bodies.remove(&id) {
            Some(body) => Change::Network(body),
            None => Change::Gone(ObjectId::Network(id)),
        })
        .collect())
}

/// Bodies of ports, and the news that others have gone.
pub(crate) fn port_changes(wanted: &BTreeSet<PortId>, found: &[Port]) -> Vec<Change> {
    let bodies: BTreeMap<PortId, &Port> = found.iter().map(|port| (port.id, port)).collect();
    wanted
        .iter()
        .map(|id| match bodies.get(id) {
            Some(port) => Change::Port(body::port(port)),
            None => Change::Gone(ObjectId::Port(*id)),
        })
        .collect()
}

/// Bodies of networks: five statements, however many.
async fn network_bodies(
    tx: &mut Tx,
    ids: &[NetworkId],
) -> Result<BTreeMap<NetworkId, NetworkBody>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Network> = networks::network_get_all(tx, ids).await?;
    let mut segments: BTreeMap<NetworkId, Vec<Segment>> = BTreeMap::new();
    for segment in nucleon_db::segment::segment_list_of(tx, ids).await? {
        segments.entry(segment.network_id).or_default().push(segment);
    }
    let mut subnets: BTreeMap<NetworkId, Vec<Subnet>> = BTreeMap::new();
    for subnet in nucleon_db::subnet::subnet_list_of(tx, ids).await? {
        subnets.entry(subnet.network_id).or_default().push(subnet);
    }
    let serving = agents::dhcp_agents_of(tx, ids).await?;
    let mut agent_ids: Vec<AgentId> = serving.values().flatten().copied().collect();
    agent_ids.sort_unstable();
    agent_ids.dedup();
    let hosts: BTreeMap<AgentId, Agent> = agents::agent_get_all(tx, &agent_ids)
        .await?
        .into_iter()
        .map(|agent| (agent.id, agent))
        .collect();
    let none = Vec::new();
    Ok(rows
        .iter()
        .map(|network| {
            let dhcp_hosts = serving
                .get(&network.id)
                .unwrap_or(&none)
                .iter()
                .filter_map(|id| hosts.get(id).map(|agent| agent.host.clone()))
                .collect();
            let segments = segments.get(&network.id).map_or(&[][..], Vec::as_slice);
            let subnets = subnets.get(&network.id).map_or(&[][..], Vec::as_slice);
            (network.id, body::network(network, segments, subnets, dhcp_hosts))
        })
        .collect())
}
