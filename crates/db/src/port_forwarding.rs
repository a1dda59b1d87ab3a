//! Port forwardings in the store.

use nucleon_model::{Attribute, Cell, FloatingIpId, PortForwarding, PortId};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

impl Listing for PortForwarding {
    fn special(attribute: &Attribute, values: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        if attribute.name != "external_port" {
            return None;
        }
        let single = |cell: &Cell| match cell {
            Cell::Int(port) => Some(format!("{port}:{port}")),
            _ => None,
        };
        Some(Expr::col(Alias::new("external_port_range")).is_in(values.iter().filter_map(single)))
    }

    fn visible_to(_: Option<&str>) -> Visible {
        // They are listed under their floating IP, which the viewer has been found to see.
        Visible::Everything
    }
}

/// The port forwardings of floating IPs.
pub async fn port_forwarding_list_of(
    tx: &mut Tx,
    floating_ips: &[FloatingIpId],
) -> Result<Vec<PortForwarding>> {
    let ids = floating_ips.iter().map(ToString::to_string).collect();
    resource::by_chunks(tx, "floatingip_id", ids).await
}

/// The port forwardings to a port inside.
pub async fn port_forwarding_list_to(tx: &mut Tx, port: PortId) -> Result<Vec<PortForwarding>> {
    resource::by_chunks(tx, "internal_port_id", vec![port.to_string()]).await
}

/// Takes port forwardings away. One statement, however many.
pub async fn port_forwarding_forget(tx: &mut Tx, gone: &[PortForwarding]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("port_forwardings"))
        .and_where(Expr::col(Alias::new("id")).is_in(gone.iter().map(|one| one.id.to_string())));
    tx.execute(&delete).await.map(drop)
}
