//! Ports in the store.

use nucleon_model::router::OWNER_GATEWAY;
use nucleon_model::{
    Attribute, Cell, ListQuery, NetworkId, Port, PortId, SegmentId, Timestamp, port,
};
use nucleon_net::MacAddr;
use sea_query::{Alias, CaseStatement, Cond, Expr, ExprTrait, Order, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listed, Listing, Visible, list};
use crate::network::way_of_network;
use crate::resource;
use crate::row::Row;
use crate::security_group::is_member;
use crate::tx::Tx;

/// Name of the unique key over network and MAC address.
pub const PORT_MAC_KEY: &str = "ports_network_mac_uq";

/// What is kept of ports that no answer shows.
const BESIDE: &[&str] = &[
    "subport_of",
    "segment_id",
    "awaits_l2",
    "awaits_dhcp",
    "view_revision",
    "wired_at",
    "dhcp_ready_at",
    "active_at",
];

impl Listing for Port {
    fn special(attribute: &Attribute, values: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        (attribute.name == "security_groups").then(|| is_member(values))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and::<Self>(project, |project| vec![way_of_network(project)])
    }

    fn is_spare(column: &str, served: bool) -> bool {
        !served || BESIDE.contains(&column)
    }
}

/// Inserts ports, as [`Tx::later`]: a MAC address that their network has already refuses them.
pub fn port_insert(tx: &mut Tx, ports: &[Port]) {
    resource::insert_later(tx, ports);
}

/// A port, with the QoS policy of its network.
pub async fn port_get(tx: &mut Tx, id: PortId) -> Result<Option<Port>> {
    Ok(port_get_shown(tx, &[id]).await?.pop())
}

/// Ports with the QoS policies of their networks; those that are not there are left out.
pub async fn port_get_shown(tx: &mut Tx, ids: &[PortId]) -> Result<Vec<Port>> {
    let of = |table: &'static str, column: &'static str| (Alias::new(table), Alias::new(column));
    let policy_place = resource::width::<Port>(tx);
    let mut ports = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = resource::select::<Port>(tx);
        query
            .column(of("networks", "qos_policy_id"))
            .inner_join(
                Alias::new("networks"),
                Expr::col(of("networks", "id")).equals(of("ports", "network_id")),
            )
            .and_where(Expr::col(of("ports", "id")).is_in(texts(chunk)));
        let read = move |row: &Row| {
            let policy: Option<String> = row.at(policy_place)?;
            let qos_network_policy_id = policy.and_then(|policy| policy.parse().ok());
            Ok(Port { qos_network_policy_id, ..resource::read(row)? })
        };
        ports.extend(tx.fetch_map(&query, read).await?);
    }
    Ok(ports)
}

/// As [`port_get`], and holds the row to the end of the transaction: changes of one port queue up instead of meeting.
pub async fn port_get_held(tx: &mut Tx, id: PortId) -> Result<Option<Port>> {
    resource::get_held(tx, id.to_string()).await
}

/// As [`port_get_all`], and holds the rows, in an order that all who do so share.
pub async fn port_get_all_held(tx: &mut Tx, ids: &[PortId]) -> Result<Vec<Port>> {
    let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    let mut ports = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = resource::select::<Port>(tx);
        query
            .and_where(Expr::col(Alias::new("id")).is_in(resource::padded(chunk)))
            .order_by(Alias::new("id"), Order::Asc);
        resource::hold(tx, &mut query);
        ports.extend(resource::fetch::<Port>(tx, &query).await?);
    }
    Ok(ports)
}

/// Which of these MAC addresses ports of a network have.
pub async fn port_macs_taken(
    tx: &mut Tx,
    network: NetworkId,
    wanted: &[MacAddr],
) -> Result<Vec<MacAddr>> {
    let mut query = Query::select();
    query
        .column(Alias::new("mac_address"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(
            Expr::col(Alias::new("mac_address")).is_in(wanted.iter().map(ToString::to_string)),
        );
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("mac_address")).collect()
}

pub async fn port_get_all(tx: &mut Tx, ids: &[PortId]) -> Result<Vec<Port>> {
    resource::get_all(tx, ids.iter().map(ToString::to_string).collect()).await
}

/// Ports that `project` may see, or all.
pub async fn port_list(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<Port>> {
    list(tx, project, query).await
}

/// The ports bound to a host.
pub async fn port_list_on_host(tx: &mut Tx, host: &str) -> Result<Vec<Port>> {
    resource::by_chunks(tx, "host", vec![host.to_owned()]).await
}

/// The ports of networks.
pub async fn port_list_of(tx: &mut Tx, networks: &[NetworkId]) -> Result<Vec<Port>> {
    let ids = networks.iter().map(ToString::to_string).collect();
    resource::by_chunks(tx, "network_id", ids).await
}

/// The ports with one of these `device_id`s.
pub async fn port_list_of_device(tx: &mut Tx, device_id: &str) -> Result<Vec<Port>> {
    resource::by_chunks(tx, "device_id", vec![device_id.to_owned()]).await
}

/// The ports of a network that are not its own, `limit` at most.
pub async fn port_ids_in_use(
    tx: &mut Tx,
    network: NetworkId,
    except_owner: &'static str,
    limit: u64,
) -> Result<Vec<PortId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("device_owner")).ne(except_owner))
        .order_by(Alias::new("id"), Order::Asc)
        .limit(limit);
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("id")).collect()
}

/// Whether a network has a port of a project beside these, services' ports (`network:…`) aside.
pub async fn port_of_stranger(
    tx: &mut Tx,
    network: NetworkId,
    projects: &[String],
) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(
            Expr::col(Alias::new("project_id"))
                .is_not_in(projects.iter().map(String::as_str).chain([""])),
        )
        .and_where(Expr::col(Alias::new("device_owner")).not_like("network:%"))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Whether a network has a port that is a router's gateway.
pub async fn port_of_gateway(tx: &mut Tx, network: NetworkId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("device_owner")).eq(OWNER_GATEWAY))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// The ports of a network that wait for DHCP, with their revisions.
pub async fn port_ids_awaiting_dhcp(tx: &mut Tx, network: NetworkId) -> Result<Vec<(PortId, i64)>> {
    let mut query = Query::select();
    query
        .columns([Alias::new("id"), Alias::new("revision_number")])
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("awaits_dhcp")).eq(true));
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((row.parse("id")?, row.get("revision_number")?))).collect()
}

/// # Errors
/// [`crate::Error::Stale`] when the row is not at `revision`.
pub async fn port_update_at(tx: &mut Tx, port: &Port, revision: i64) -> Result<()> {
    resource::update_at(tx, port, port.id.to_string(), revision).await
}

/// # Errors
/// [`crate::Error::Stale`] when the row is not at `revision`, or gone.
pub async fn port_delete_at(tx: &mut Tx, id: PortId, revision: i64) -> Result<()> {
    resource::delete_at::<Port>(tx, id.to_string(), revision).await
}

fn texts(ids: &[PortId]) -> Vec<String> {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    resource::padded(&texts).collect()
}

/// The part of a port's readiness that somebody reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    L2,
    Dhcp,
}

impl Part {
    /// Column of what is awaited, column of when it came, column of what else is awaited.
    const fn columns(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::L2 => ("awaits_l2", "wired_at", "awaits_dhcp"),
            Self::Dhcp => ("awaits_dhcp", "dhcp_ready_at", "awaits_l2"),
        }
    }
}

/// Notes that a part of some ports is ready; those that wait for nothing else become ACTIVE. One statement,
/// however many ports.
pub async fn port_part_ready(tx: &mut Tx, ids: &[PortId], part: Part, at: Timestamp) -> Result<()> {
    let (awaited, came_at, other) = part.columns();
    let becomes_active = || {
        Cond::all()
            .add(Expr::col(Alias::new(other)).eq(false))
            .add(Expr::col(Alias::new("admin_state_up")).eq(true))
    };
    let status = CaseStatement::new()
        .case(becomes_active(), port::status::ACTIVE)
        .finally(Expr::col(Alias::new("status")));
    let active_at = CaseStatement::new()
        .case(becomes_active(), at.as_micros())
        .finally(Expr::col(Alias::new("active_at")));
    for chunk in ids.chunks(resource::CHUNK) {
        let mut update = Query::update();
        update
            .table(Alias::new("ports"))
            .value(Alias::new("status"), status.clone())
            .value(Alias::new("active_at"), active_at.clone())
            .value(Alias::new(awaited), false)
            .value(Alias::new(came_at), at.as_micros())
            .value(
                Alias::new("revision_number"),
                Expr::col(Alias::new("revision_number")).add(Expr::val(1i64)),
            )
            .value(Alias::new("updated_at"), at.as_micros())
            .and_where(Expr::col(Alias::new("id")).is_in(texts(chunk)))
            .and_where(Expr::col(Alias::new(awaited)).eq(true));
        tx.execute(&update).await?;
    }
    Ok(())
}

/// The ports of a network that are bound to one of its segments.
pub async fn port_list_on_segment(
    tx: &mut Tx,
    network: NetworkId,
    segment: SegmentId,
) -> Result<Vec<Port>> {
    let mut query = resource::select::<Port>(tx);
    query
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("segment_id")).eq(segment.to_string()));
    resource::fetch(tx, &query).await
}

/// The ports of a network with this `device_owner`.
pub async fn port_list_of_owner(
    tx: &mut Tx,
    network: NetworkId,
    owner: &'static str,
) -> Result<Vec<Port>> {
    let mut query = resource::select::<Port>(tx);
    query
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("device_owner")).eq(owner));
    resource::fetch(tx, &query).await
}

/// The networks of the ports on a host.
pub async fn port_networks_on_host(tx: &mut Tx, host: &str) -> Result<Vec<NetworkId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("network_id"))
        .distinct()
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("host")).eq(host));
    tx.fetch_all(&query).await?.iter().map(|row| row.parse("network_id")).collect()
}

/// Notes that ports forward no longer. One statement, however many.
pub async fn port_unwired(tx: &mut Tx, ids: &[PortId], at: Timestamp) -> Result<()> {
    for chunk in ids.chunks(resource::CHUNK) {
        let mut update = Query::update();
        update
            .table(Alias::new("ports"))
            .value(Alias::new("status"), port::status::DOWN)
            .value(Alias::new("awaits_l2"), true)
            .value(
                Alias::new("revision_number"),
                Expr::col(Alias::new("revision_number")).add(Expr::val(1i64)),
            )
            .value(Alias::new("updated_at"), at.as_micros())
            .and_where(Expr::col(Alias::new("id")).is_in(texts(chunk)))
            .and_where(Expr::col(Alias::new("awaits_l2")).eq(false));
        tx.execute(&update).await?;
    }
    Ok(())
}

/// Whether a network has a port that nothing filters, services' ports (`network:…`) aside.
pub async fn port_unfiltered(tx: &mut Tx, network: NetworkId) -> Result<Option<PortId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(Expr::col(Alias::new("port_security_enabled")).eq(false))
        .and_where(Expr::col(Alias::new("device_owner")).not_like("network:%"))
        .limit(1);
    tx.fetch_optional(&query).await?.map(|row| row.parse("id")).transpose()
}

/// Gives the ports of a network that have none a type on its private VLAN, or takes the types of all.
pub async fn port_pvlan_type_set(
    tx: &mut Tx,
    network: NetworkId,
    wanted: Option<&'static str>,
) -> Result<()> {
    let mut update = Query::update();
    update
        .table(Alias::new("ports"))
        .value(Alias::new("pvlan_type"), wanted)
        .value(Alias::new("pvlan_community"), Option::<String>::None)
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()));
    if wanted.is_some() {
        update.and_where(Expr::col(Alias::new("pvlan_type")).is_null());
    }
    tx.execute(&update).await?;
    Ok(())
}
