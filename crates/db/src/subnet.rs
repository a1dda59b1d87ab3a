//! Subnets in the store.

use std::collections::BTreeMap;

use nucleon_model::{Attribute, Cell, CellKind, ListQuery, Network, NetworkId, Subnet, SubnetId};
use sea_query::{Alias, Cond, Expr, ExprTrait, SimpleExpr};

use crate::error::Result;
use crate::list::{Listed, Listing, ids_where, in_subquery, list, one_of};
use crate::network::{networks_of, shared_networks};
use crate::resource;
use crate::tx::Tx;

impl Listing for Subnet {
    fn special(attribute: &Attribute, values: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        let column = match attribute.name {
            "router:external" => "external",
            "shared" => "shared",
            _ => return None,
        };
        Some(in_subquery(
            "network_id",
            ids_where("networks", one_of(column, CellKind::Bool, values)),
        ))
    }

    fn visible_to(project: Option<&str>) -> Option<Cond> {
        project.map(|project| {
            Cond::any()
                .add(Expr::col(Alias::new("project_id")).eq(project))
                .add(in_subquery("network_id", shared_networks()))
                .add(in_subquery("network_id", networks_of(project)))
        })
    }
}

pub async fn subnet_insert(tx: &mut Tx, subnets: &[Subnet]) -> Result<()> {
    resource::insert(tx, subnets).await
}

pub async fn subnet_get(tx: &mut Tx, id: SubnetId) -> Result<Option<Subnet>> {
    resource::get(tx, id.to_string()).await
}

/// As [`subnet_get`], and holds the row to the end of the transaction.
pub async fn subnet_get_held(tx: &mut Tx, id: SubnetId) -> Result<Option<Subnet>> {
    resource::get_held(tx, id.to_string()).await
}

/// Subnets that `project` may see, or all; complete.
pub async fn subnet_list(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<Subnet>> {
    let mut listed = list::<Subnet>(tx, project, query).await?;
    if let Listed::Records(subnets) = &mut listed {
        subnet_complete(tx, subnets).await?;
    }
    Ok(listed)
}

/// Fills in what subnets show of their networks.
pub async fn subnet_complete(tx: &mut Tx, subnets: &mut [Subnet]) -> Result<()> {
    let mut ids: Vec<String> = subnets.iter().map(|subnet| subnet.network_id.to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    let networks: Vec<Network> = resource::get_all(tx, ids).await?;
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
