//! Bindings of ports that are not active, in the store. The active one is part of the port's row.

use nucleon_model::{PortBinding, PortId};
use sea_query::{Alias, Cond, Expr, ExprTrait, Order, Query};

use crate::error::Result;
use crate::resource;
use crate::tx::Tx;

fn on(port: PortId, host: &str) -> Cond {
    Cond::all()
        .add(Expr::col(Alias::new("port_id")).eq(port.to_string()))
        .add(Expr::col(Alias::new("host")).eq(host))
}

/// The bindings of a port, by host.
pub async fn port_binding_list(tx: &mut Tx, port: PortId) -> Result<Vec<PortBinding>> {
    let mut query = resource::select::<PortBinding>(tx);
    query
        .and_where(Expr::col(Alias::new("port_id")).eq(port.to_string()))
        .order_by(Alias::new("host"), Order::Asc);
    resource::fetch(tx, &query).await
}

pub async fn port_binding_get(
    tx: &mut Tx,
    port: PortId,
    host: &str,
) -> Result<Option<PortBinding>> {
    let mut query = resource::select::<PortBinding>(tx);
    query.cond_where(on(port, host));
    Ok(resource::fetch(tx, &query).await?.pop())
}

pub async fn port_binding_insert(tx: &mut Tx, binding: &PortBinding) -> Result<()> {
    resource::insert(tx, std::slice::from_ref(binding)).await
}

/// Answers whether there was one.
pub async fn port_binding_delete(tx: &mut Tx, port: PortId, host: &str) -> Result<bool> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new("port_bindings")).cond_where(on(port, host));
    Ok(tx.execute(&delete).await? > 0)
}
