//! Subnets in the store.

use std::collections::BTreeMap;

use nucleon_model::{Attribute, Cell, CellKind, ListQuery, Network, NetworkId, Subnet, SubnetId};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listed, Listing, Visible, ids_where, in_subquery, list, one_of};
use crate::network::{self, network_show_shared, way_of_network, way_of_opening};
use crate::rbac::is_shared_by;
use crate::resource;
use crate::tx::Tx;

impl Listing for Subnet {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        match attribute.name {
            "router:external" => Some(in_subquery(
                "network_id",
                ids_where("networks", one_of("external", CellKind::Bool, values)),
            )),
            "shared" => Some(is_shared_by("network_id", values, viewer, network::OBJECT_TYPE)),
            _ => None,
        }
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and::<Self>(project, |project| {
            vec![way_of_network(project), way_of_opening("network_id", project)]
        })
    }
}

pub async fn subnet_insert(tx: &mut Tx, subnets: &[Subnet]) -> Result<()> {
    resource::insert(tx, subnets).await
}

pub async fn subnet_get(tx: &mut Tx, id: SubnetId) -> Result<Option<Subnet>> {
    resource::get(tx, id.to_string()).await
}

pub async fn subnet_get_all(tx: &mut Tx, ids: &[SubnetId]) -> Result<Vec<Subnet>> {
    resource::get_all(tx, ids.iter().map(ToString::to_string).collect()).await
}

/// As [`subnet_get`], and holds the row to the end of the transaction.
pub async fn subnet_get_held(tx: &mut Tx, id: SubnetId) -> Result<Option<Subnet>> {
    resource::get_held(tx, id.to_string()).await
}

/// Subnets that `viewer` may see, or all; complete, as somebody in `project` sees them.
pub async fn subnet_list(
    tx: &mut Tx,
    viewer: Option<&str>,
    project: &str,
    query: &ListQuery,
) -> Result<Listed<Subnet>> {
    let mut listed = list::<Subnet>(tx, viewer, query).await?;
    if let Listed::Records(subnets) = &mut listed {
        subnet_complete(tx, project, subnets).await?;
    }
    Ok(listed)
}

/// Fills in what subnets show of their networks.
async fn subnet_complete(tx: &mut Tx, project: &str, subnets: &mut [Subnet]) -> Result<()> {
    let mut ids: Vec<String> = subnets.iter().map(|subnet| subnet.network_id.to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut networks: Vec<Network> = resource::get_all(tx, ids).await?;
    network_show_shared(tx, project, &mut networks).await?;
    let networks: BTreeMap<NetworkId, &Network> =
        networks.iter().map(|network| (network.id, network)).collect();
    for subnet in subnets {
        if let Some(network) = networks.get(&subnet.network_id) {
            subnet.parent_project = Some(network.project_id.clone());
            subnet.external = network.external;
            subnet.shared = network.shared;
        }
    }
    Ok(())
}

/// The subnets of networks, oldest first.
pub async fn subnet_list_of(tx: &mut Tx, networks: &[NetworkId]) -> Result<Vec<Subnet>> {
    let ids = networks.iter().map(ToString::to_string).collect();
    let mut subnets: Vec<Subnet> = resource::by_chunks(tx, "network_id", ids).await?;
    subnets.sort_by_key(|subnet| (subnet.created_at, subnet.id));
    Ok(subnets)
}

/// Whether a network has a subnet of a project beside these.
pub async fn subnet_of_stranger(
    tx: &mut Tx,
    network: NetworkId,
    projects: &[String],
) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("subnets"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()))
        .and_where(
            Expr::col(Alias::new("project_id"))
                .is_not_in(projects.iter().map(String::as_str).chain([""])),
        )
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// # Errors
/// [`crate::Error::Stale`] when the row is not at `revision`.
pub async fn subnet_update_at(tx: &mut Tx, subnet: &Subnet, revision: i64) -> Result<()> {
    resource::update_at(tx, subnet, subnet.id.to_string(), revision).await
}

/// # Errors
/// [`crate::Error::Stale`] when the row is not at `revision`, [`crate::Error::Reference`] when addresses are in use.
pub async fn subnet_delete_at(tx: &mut Tx, id: SubnetId, revision: i64) -> Result<()> {
    resource::delete_at::<Subnet>(tx, id.to_string(), revision).await
}
