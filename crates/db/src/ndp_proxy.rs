//! NDP proxies in the store.

use nucleon_model::{NdpProxy, PortId, RouterId};
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

/// Name of the unique key over router and address.
pub const ADDRESS_KEY: &str = "ndp_proxies_address_uq";

impl Listing for NdpProxy {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

/// The NDP proxies of a router.
pub async fn ndp_proxy_list_of_router(tx: &mut Tx, router: RouterId) -> Result<Vec<NdpProxy>> {
    resource::by_chunks(tx, "router_id", vec![router.to_string()]).await
}

/// The NDP proxies for addresses of a port.
pub async fn ndp_proxy_list_to(tx: &mut Tx, port: PortId) -> Result<Vec<NdpProxy>> {
    resource::by_chunks(tx, "port_id", vec![port.to_string()]).await
}

/// Takes NDP proxies away. One statement, however many.
pub async fn ndp_proxy_forget(tx: &mut Tx, gone: &[NdpProxy]) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("ndp_proxies"))
        .and_where(Expr::col(Alias::new("id")).is_in(gone.iter().map(|one| one.id.to_string())));
    tx.execute(&delete).await.map(drop)
}
