//! Local IPs in the store, and the ports that answer them.

use nucleon_model::{Attribute, Cell, LocalIp, LocalIpAssociation, LocalIpId, PortId, Resource};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible, ids_where, in_subquery};
use crate::resource;
use crate::tx::Tx;

/// Name of the unique key over local IP and port.
pub const ASSOCIATION_KEY: &str = "local_ip_associations_port_uq";

impl Listing for LocalIp {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

impl Listing for LocalIpAssociation {
    fn special(attribute: &Attribute, values: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        if attribute.name != "host" {
            return None;
        }
        let hosts = values.iter().filter_map(|cell| match cell {
            Cell::Text(host) => Some(host.clone()),
            _ => None,
        });
        let there = Expr::col(Alias::new("host")).is_in(hosts);
        Some(in_subquery("fixed_port_id", ids_where("ports", there)))
    }

    fn visible_to(_: Option<&str>) -> Visible {
        // They are listed under their local IP, which the viewer has been found to see.
        Visible::Everything
    }
}

/// Whether any port answers a local IP.
pub async fn local_ip_is_answered(tx: &mut Tx, id: LocalIpId) -> Result<bool> {
    let mut query = resource::select::<LocalIpAssociation>(tx);
    query.and_where(Expr::col(Alias::new("local_ip_id")).eq(id.to_string())).limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// The association of a local IP with a port.
pub async fn local_ip_association_of(
    tx: &mut Tx,
    local_ip: LocalIpId,
    port: PortId,
) -> Result<Option<LocalIpAssociation>> {
    let mut query = resource::select::<LocalIpAssociation>(tx);
    query
        .and_where(Expr::col(Alias::new("local_ip_id")).eq(local_ip.to_string()))
        .and_where(Expr::col(Alias::new("fixed_port_id")).eq(port.to_string()));
    Ok(resource::fetch(tx, &query).await?.pop())
}

/// Ends the associations of a port, and tells which they were.
pub async fn local_ip_association_forget(
    tx: &mut Tx,
    port: PortId,
) -> Result<Vec<LocalIpAssociation>> {
    let of_port = || Expr::col(Alias::new("fixed_port_id")).eq(port.to_string());
    let mut query = resource::select::<LocalIpAssociation>(tx);
    query.and_where(of_port());
    let gone = resource::fetch::<LocalIpAssociation>(tx, &query).await?;
    let mut delete = Query::delete();
    delete.from_table(Alias::new(LocalIpAssociation::DECL.table)).and_where(of_port());
    tx.execute(&delete).await?;
    Ok(gone)
}
