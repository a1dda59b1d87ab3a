//! Floating IPs in the store.

use std::net::IpAddr;

use nucleon_model::router::{
    OWNER_GATEWAY, OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA,
};
use nucleon_model::{FloatingIp, FloatingIpId, NetworkId, PortId, RouterId, SubnetId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Order, Query, SelectStatement};

use crate::error::Result;
use crate::list::{Listing, Visible, in_subquery};
use crate::resource;
use crate::tx::Tx;

/// Name of the unique key over network outside, port and address inside.
pub const ASSOCIATION_KEY: &str = "floatingips_association_uq";

impl Listing for FloatingIp {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

async fn list_where(tx: &mut Tx, condition: Cond) -> Result<Vec<FloatingIp>> {
    let mut query = resource::select::<FloatingIp>(tx);
    query.cond_where(condition).order_by(Alias::new("id"), Order::Asc);
    resource::fetch(tx, &query).await
}

fn column(name: &'static str) -> Expr {
    Expr::col(Alias::new(name))
}

/// The floating IPs that a router leads inside.
pub async fn floating_ip_list_of_router(tx: &mut Tx, router: RouterId) -> Result<Vec<FloatingIp>> {
    list_where(tx, Cond::all().add(column("router_id").eq(router.to_string()))).await
}

/// The floating IPs of a network outside that lead nowhere.
pub async fn floating_ip_list_idle(tx: &mut Tx, network: NetworkId) -> Result<Vec<FloatingIp>> {
    let idle = Cond::all()
        .add(column("floating_network_id").eq(network.to_string()))
        .add(column("port_id").is_null())
        .add(column("router_id").is_null());
    list_where(tx, idle).await
}

/// The floating IPs that lead to a port, as a whole or by single ports of theirs.
pub async fn floating_ip_list_to(tx: &mut Tx, port: PortId) -> Result<Vec<FloatingIp>> {
    let mut forwarding = Query::select();
    forwarding
        .column(Alias::new("floatingip_id"))
        .from(Alias::new("port_forwardings"))
        .and_where(column("internal_port_id").eq(port.to_string()));
    let to =
        Cond::any().add(column("port_id").eq(port.to_string())).add(in_subquery("id", forwarding));
    list_where(tx, to).await
}

/// Whether an address of a port has a floating IP of a network outside.
pub async fn floating_ip_leads_to(
    tx: &mut Tx,
    network: NetworkId,
    port: PortId,
    address: IpAddr,
) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("floatingips"))
        .and_where(column("floating_network_id").eq(network.to_string()))
        .and_where(column("port_id").eq(port.to_string()))
        .and_where(column("fixed_ip_address").eq(address.to_string()));
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Has the floating IPs that lead to a port lead nowhere. One statement, however many.
pub async fn floating_ip_release(tx: &mut Tx, port: PortId, now: Timestamp) -> Result<()> {
    let nothing = || Expr::val(sea_query::Value::String(None));
    let mut update = Query::update();
    update
        .table(Alias::new("floatingips"))
        .value(Alias::new("port_id"), nothing())
        .value(Alias::new("fixed_ip_address"), nothing())
        .value(Alias::new("router_id"), nothing())
        .value(Alias::new("revision_number"), column("revision_number").add(Expr::val(1i64)))
        .value(Alias::new("updated_at"), now.as_micros())
        .and_where(column("port_id").eq(port.to_string()));
    tx.execute(&update).await.map(drop)
}

/// Routers that lead from a subnet to a network outside, each with its address on the subnet.
pub async fn routers_between(
    tx: &mut Tx,
    subnet: SubnetId,
    outside: NetworkId,
) -> Result<Vec<(RouterId, IpAddr)>> {
    let (mine, taken) = (Alias::new("router_ports"), Alias::new("ip_allocations"));
    let interfaces = [OWNER_INTERFACE, OWNER_INTERFACE_DISTRIBUTED, OWNER_INTERFACE_HA];
    let of = |table: &Alias, name: &'static str| Expr::col((table.clone(), Alias::new(name)));
    let mut query = Query::select();
    query
        .column((mine.clone(), Alias::new("router_id")))
        .column((taken.clone(), Alias::new("ip_address")))
        .from(mine.clone())
        .inner_join(
            taken.clone(),
            of(&taken, "port_id").equals((mine.clone(), Alias::new("port_id"))),
        )
        .and_where(of(&taken, "subnet_id").eq(subnet.to_string()))
        .and_where(of(&mine, "owner").is_in(interfaces))
        .and_where(of(&mine, "router_id").in_subquery(routers_to(outside)))
        .order_by((mine, Alias::new("router_id")), Order::Asc);
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((row.parse("router_id")?, row.parse("ip_address")?))).collect()
}

/// Routers with a gateway to a network outside.
fn routers_to(outside: NetworkId) -> SelectStatement {
    let (gateways, ports) = (Alias::new("router_ports"), Alias::new("ports"));
    Query::select()
        .column((gateways.clone(), Alias::new("router_id")))
        .from(gateways.clone())
        .inner_join(
            ports.clone(),
            Expr::col((ports.clone(), Alias::new("id")))
                .equals((gateways.clone(), Alias::new("port_id"))),
        )
        .and_where(Expr::col((gateways, Alias::new("owner"))).eq(OWNER_GATEWAY))
        .and_where(Expr::col((ports, Alias::new("network_id"))).eq(outside.to_string()))
        .to_owned()
}

/// Whether a floating IP goes on being a router's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    Stays,
    Goes,
}

/// Raises the revision of floating IPs whose port forwardings changed. One statement, however many.
pub async fn floating_ip_touch(
    tx: &mut Tx,
    ids: &[FloatingIpId],
    route: Route,
    now: Timestamp,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut update = Query::update();
    update
        .table(Alias::new("floatingips"))
        .value(Alias::new("revision_number"), column("revision_number").add(Expr::val(1i64)))
        .value(Alias::new("updated_at"), now.as_micros())
        .and_where(column("id").is_in(ids.iter().map(ToString::to_string)));
    if route == Route::Goes {
        update.value(Alias::new("router_id"), Expr::val(sea_query::Value::String(None)));
    }
    tx.execute(&update).await.map(drop)
}
