//! Networks in the store.

mod shown;

use std::collections::{BTreeMap, BTreeSet};

use nucleon_model::{
    AddressScopeId, Attribute, Cell, CellKind, Field, ListQuery, Network, NetworkId,
    ProviderSegment, Segment, SubnetId, Timestamp,
};
use sea_query::{Alias, Cond, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};

use crate::availability_zone::availability_zones_of_networks;
use crate::error::{Error, Result};
use crate::list::{Listed, Listing, Visible, Way, in_subquery, list, one_of, owns};
use crate::rbac::{
    ACCESS_AS_EXTERNAL, ACCESS_AS_SHARED, is_shared_as, rbac_shared_among, way_of_sharing,
};
use crate::resource;
use crate::touch::Touch;
use crate::tx::Tx;

pub use self::shown::network_get_shown;

impl Listing for Network {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        let (column, kind) = match attribute.name {
            "shared" => return Some(is_shared_as(values, viewer, OBJECT_TYPE)),
            "provider:network_type" => ("network_type", CellKind::Text),
            "provider:physical_network" => ("physical_network", CellKind::Text),
            "provider:segmentation_id" => ("segmentation_id", CellKind::Int),
            _ => return None,
        };
        let mut query = Query::select();
        query
            .column(Alias::new("network_id"))
            .from(Alias::new("segments"))
            .and_where(one_of(column, kind, values));
        Some(in_subquery("id", query))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and::<Self>(project, |project| vec![way_of_opening("id", project)])
    }
}

/// `rbac_policies.object_type` of networks.
pub const OBJECT_TYPE: &str = "network";

/// The actions that let a project see a network.
pub(crate) const OPEN: &[&str] = &[ACCESS_AS_SHARED, ACCESS_AS_EXTERNAL];

/// The way to what stands in `column` for networks that a project sees though they are another's.
pub(crate) fn way_of_opening(column: &'static str, project: &str) -> Way {
    way_of_sharing(column, project, OBJECT_TYPE, OPEN)
}

/// The way to what is on a project's networks.
pub(crate) fn way_of_network(project: &str) -> Way {
    let rows = Cond::all().add(owns(project));
    Way::Through { column: "network_id", table: "networks", key: "id", rows }
}

/// Sets for networks that are not shared with everybody whether they are shared with a project. One question.
pub async fn network_show_shared(
    tx: &mut Tx,
    project: &str,
    networks: &mut [Network],
) -> Result<()> {
    let apart: Vec<String> = networks
        .iter()
        .filter(|network| !network.shared)
        .map(|network| network.id.to_string())
        .collect();
    let shared = rbac_shared_among(tx, OBJECT_TYPE, &apart, project, ACCESS_AS_SHARED).await?;
    for network in networks.iter_mut().filter(|network| !network.shared) {
        network.shared = shared.contains(&network.id.to_string());
    }
    Ok(())
}

pub async fn network_insert(tx: &mut Tx, networks: &[Network]) -> Result<()> {
    resource::insert(tx, networks).await
}

/// A network without what other tables hold; see [`network_complete`].
pub async fn network_get(tx: &mut Tx, id: NetworkId) -> Result<Option<Network>> {
    resource::get(tx, id.to_string()).await
}

/// As [`network_get`], and holds the network's row to the end of the transaction, without changing it: for what must
/// not happen twice at a time on one network, and may come to nothing.
pub async fn network_get_held(tx: &mut Tx, id: NetworkId) -> Result<Option<Network>> {
    resource::get_held(tx, id.to_string()).await
}

pub async fn network_get_all(tx: &mut Tx, ids: &[NetworkId]) -> Result<Vec<Network>> {
    resource::get_all(tx, ids.iter().map(ToString::to_string).collect()).await
}

/// The unique key by which there is one default external network.
pub const DEFAULT_KEY: &str = "networks_default_uq";

/// The unique key by which a project's highly available routers have one network.
pub const HA_KEY: &str = "networks_ha_project_uq";

/// The network by which a project's highly available routers hear of each other.
pub async fn network_of_ha(tx: &mut Tx, project: &str) -> Result<Option<NetworkId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("networks"))
        .and_where(Expr::col(Alias::new("ha_project")).eq(project));
    tx.fetch_optional(&query).await?.map(|row| row.parse("id")).transpose()
}

/// The default external network.
pub async fn network_default(tx: &mut Tx) -> Result<Option<NetworkId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("networks"))
        .and_where(Expr::col(Alias::new("default_place")).eq(1));
    tx.fetch_optional(&query).await?.map(|row| row.parse("id")).transpose()
}

/// Networks that `project` may see, or all; complete.
pub async fn network_list(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<Network>> {
    let mut listed = list::<Network>(tx, project, query).await?;
    if let Listed::Records(networks) = &mut listed {
        network_complete(tx, networks).await?;
    }
    Ok(listed)
}

/// Fills in what lies in other tables: the ids of the subnets, the segments, the zones.
pub async fn network_complete(tx: &mut Tx, networks: &mut [Network]) -> Result<()> {
    if networks.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = networks.iter().map(|network| network.id.to_string()).collect();
    let mut parts: BTreeMap<NetworkId, ToShow> = BTreeMap::new();
    for (network, subnets) in network_subnets(tx, &ids).await? {
        parts.entry(network).or_default().subnets = subnets;
    }
    for (network, zones) in availability_zones_of_networks(tx, &ids).await? {
        parts.entry(network).or_default().zones = zones;
    }
    for segment in resource::by_chunks::<Segment>(tx, "network_id", ids).await? {
        parts.entry(segment.network_id).or_default().segments.push(segment);
    }
    for network in networks {
        parts.remove(&network.id).unwrap_or_default().show_on(network);
    }
    Ok(())
}

/// What lies in other tables of a network.
#[derive(Default)]
struct ToShow {
    /// By their ids.
    subnets: Vec<Shown>,
    zones: BTreeSet<String>,
    segments: Vec<Segment>,
}

impl ToShow {
    fn show_on(self, network: &mut Network) {
        network.subnets = self.subnets.iter().map(|subnet| subnet.id).collect();
        network.l2_adjacency = !self.subnets.iter().any(|subnet| subnet.is_confined);
        let scope = |version| {
            self.subnets.iter().filter(|it| it.ip_version == version).find_map(|it| it.scope)
        };
        (network.ipv4_address_scope, network.ipv6_address_scope) = (scope(4), scope(6));
        network.availability_zones = self.zones.into_iter().collect();
        network_show_segments(network, self.segments);
    }
}

/// What networks show of a subnet.
struct Shown {
    id: SubnetId,
    ip_version: i64,
    is_confined: bool,
    scope: Option<AddressScopeId>,
}

const SUBNET: &str = "subnets";
const POOL: &str = "subnetpools";

impl Shown {
    /// The columns that it is read from.
    const COLUMNS: [(&'static str, &'static str); 4] = [
        (SUBNET, "id"),
        (SUBNET, "ip_version"),
        (SUBNET, "segment_id"),
        (POOL, "address_scope_id"),
    ];

    fn columns() -> impl Iterator<Item = SimpleExpr> {
        Self::COLUMNS.into_iter().map(|(table, column)| column_of(table, column))
    }

    /// From the values of those columns.
    fn of(
        (id, ip_version, segment, scope): (String, i64, Option<String>, Option<String>),
    ) -> Result<Self> {
        let damaged = |error: &dyn std::fmt::Display| Error::Damaged {
            column: SUBNET.to_owned(),
            problem: format!("{id:?}: {error}"),
        };
        Ok(Self {
            id: id.parse().map_err(|error| damaged(&error))?,
            ip_version,
            is_confined: segment.is_some(),
            scope: scope.and_then(|scope| scope.parse().ok()),
        })
    }
}

fn column_of(table: &'static str, column: &'static str) -> SimpleExpr {
    Expr::col((Alias::new(table), Alias::new(column)))
}

/// Has a selection find the subnets of networks, and the pools that they came from.
fn among_subnets(query: &mut SelectStatement, networks: &[String]) {
    query
        .from(Alias::new(SUBNET))
        .left_join(
            Alias::new(POOL),
            column_of(POOL, "id").equals((Alias::new(SUBNET), Alias::new("subnetpool_id"))),
        )
        .and_where(column_of(SUBNET, "network_id").is_in(resource::padded(networks)));
}

/// The subnets of networks, and the scopes of the pools that they came from.
async fn network_subnets(tx: &mut Tx, ids: &[String]) -> Result<BTreeMap<NetworkId, Vec<Shown>>> {
    let mut found: BTreeMap<NetworkId, Vec<Shown>> = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = Query::select();
        query.exprs(Shown::columns()).expr(column_of(SUBNET, "network_id"));
        among_subnets(&mut query, chunk);
        query.order_by((Alias::new(SUBNET), Alias::new("id")), Order::Asc);
        for row in tx.fetch_all(&query).await? {
            let shown = Shown::of((row.at(0)?, row.at(1)?, row.at(2)?, row.at(3)?))?;
            found.entry(row.parse("network_id")?).or_default().push(shown);
        }
    }
    Ok(found)
}

/// Shows segments on the network: one as `provider:*`, several as `segments`.
pub fn network_show_segments(network: &mut Network, mut segments: Vec<Segment>) {
    segments.sort_by_key(|segment| segment.segment_index);
    match segments.as_slice() {
        [only] => {
            network.network_type = Some(only.network_type.clone());
            network.physical_network.clone_from(&only.physical_network);
            network.segmentation_id = only.segmentation_id;
        }
        several => {
            network.segments = several
                .iter()
                .map(|segment| ProviderSegment {
                    network_type: Field::Value(segment.network_type.clone()),
                    physical_network: segment.physical_network.clone().into(),
                    segmentation_id: segment.segmentation_id.into(),
                })
                .collect();
        }
    }
}

/// # Errors
/// [`Error::Stale`] when the row is not at `revision`.
pub async fn network_update_at(tx: &mut Tx, network: &Network, revision: i64) -> Result<()> {
    resource::update_at(tx, network, network.id.to_string(), revision).await
}

/// Raises the revision of a network, and holds its row to the end of the transaction: the guard of all that must not
/// change on one network at the same time, such as overlapping subnets.
///
/// # Errors
/// [`Error::Stale`] when the network is gone.
pub async fn network_touch(tx: &mut Tx, id: NetworkId, now: Timestamp) -> Result<()> {
    let touch = Touch::new("networks", vec![id.uuid()], now);
    match tx.execute(&touch.statement()).await? {
        0 => Err(Error::Stale { kind: "network", id: id.to_string() }),
        _ => Ok(()),
    }
}

/// # Errors
/// [`Error::Stale`] when the row is not at `revision`, [`Error::Reference`] when something is still on the network.
pub async fn network_delete_at(tx: &mut Tx, id: NetworkId, revision: i64) -> Result<()> {
    resource::delete_at::<Network>(tx, id.to_string(), revision).await
}
