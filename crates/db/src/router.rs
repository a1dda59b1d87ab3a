//! Routers in the store, and the ports that are theirs.
//!
//! Whether a port is a router's is said by a row of its own, not by the port's `device_id`, which anybody may write.

use nucleon_model::{FlavorId, Port, PortId, Resource, Router, RouterId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::list::{Listing, own};
use crate::resource;
use crate::tx::Tx;

impl Listing for Router {
    fn visible_to(project: Option<&str>) -> Option<Cond> {
        own(project)
    }
}

/// Whether a router was made of a flavor.
pub async fn router_has_flavor(tx: &mut Tx, flavor: FlavorId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("routers"))
        .and_where(Expr::col(Alias::new("flavor_id")).eq(flavor.to_string()))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Whether a project has highly available routers, but for one.
pub async fn router_has_ha_beside(tx: &mut Tx, project: &str, but: RouterId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("routers"))
        .and_where(Expr::col(Alias::new("project_id")).eq(project))
        .and_where(Expr::col(Alias::new("ha")).eq(true))
        .and_where(Expr::col(Alias::new("id")).ne(but.to_string()))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Makes a port a router's, as what `owner` (a `device_owner`) says.
pub async fn router_port_add(
    tx: &mut Tx,
    router: RouterId,
    port: PortId,
    owner: &str,
) -> Result<()> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("router_ports"))
        .columns(["port_id", "router_id", "owner"].map(Alias::new))
        .values_panic([
            Expr::val(port.to_string()),
            Expr::val(router.to_string()),
            Expr::val(owner),
        ]);
    tx.execute(&insert).await.map(drop)
}

/// The ports of a router, each with what it is for.
pub async fn router_ports(tx: &mut Tx, router: RouterId) -> Result<Vec<(Port, String)>> {
    let (ports, mine) = (Alias::new("ports"), Alias::new("router_ports"));
    let mut query = resource::select::<Port>();
    query
        .column((mine.clone(), Alias::new("owner")))
        .inner_join(
            mine.clone(),
            Expr::col((mine.clone(), Alias::new("port_id")))
                .equals((ports.clone(), Alias::new("id"))),
        )
        .and_where(Expr::col((mine, Alias::new("router_id"))).eq(router.to_string()))
        .order_by((ports, Alias::new("id")), sea_query::Order::Asc);
    let place = Port::columns().len();
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((resource::read(row)?, row.at(place)?))).collect()
}

/// Gives those ports of a router that are for one thing to another, and says so on the ports too. Two statements.
pub async fn router_ports_reown(
    tx: &mut Tx,
    router: RouterId,
    (from, to): (&'static str, &'static str),
    now: Timestamp,
) -> Result<()> {
    let more = |column: &'static str| Expr::col(Alias::new(column)).add(Expr::val(1i64));
    let of_router = || {
        Cond::all()
            .add(Expr::col(Alias::new("router_id")).eq(router.to_string()))
            .add(Expr::col(Alias::new("owner")).eq(from))
    };
    let mut held = Query::select();
    held.column(Alias::new("port_id")).from(Alias::new("router_ports")).cond_where(of_router());
    let mut update = Query::update();
    update
        .table(Alias::new("ports"))
        .value(Alias::new("device_owner"), to)
        .value(Alias::new("revision_number"), more("revision_number"))
        .value(Alias::new("view_revision"), more("view_revision"))
        .value(Alias::new("updated_at"), now.as_micros())
        .and_where(Expr::col(Alias::new("id")).in_subquery(held));
    tx.execute(&update).await?;
    let mut update = Query::update();
    update.table(Alias::new("router_ports")).value(Alias::new("owner"), to).cond_where(of_router());
    tx.execute(&update).await.map(drop)
}
