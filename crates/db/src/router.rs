//! Routers in the store, and the ports that are theirs.
//!
//! Whether a port is a router's is said by a row of its own, not by the port's `device_id`, which anybody may write.

use std::collections::BTreeMap;

use nucleon_model::{FlavorId, Port, PortId, Router, RouterId, Subnet, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query};

use crate::error::{Error, Result};
use crate::l3_agent::{L3Agents, ask_for_agents, l3_agents};
use crate::list::{Listing, Visible};
use crate::parts::{Answers, Parts};
use crate::resource;
use crate::tx::Tx;

impl Listing for Router {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
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

/// Makes a port a router's, as what `owner` (a `device_owner`) says; see [`Tx::later`].
pub fn router_port_add(tx: &mut Tx, router: RouterId, port: PortId, owner: &str) {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("router_ports"))
        .columns(["port_id", "router_id", "owner"].map(Alias::new))
        .values_panic([
            Expr::val(port.to_string()),
            Expr::val(router.to_string()),
            Expr::val(owner),
        ]);
    tx.later(insert);
}

/// The ports of a router, each with what it is for.
pub async fn router_ports(tx: &mut Tx, router: RouterId) -> Result<Vec<(Port, String)>> {
    let (ports, mine) = (Alias::new("ports"), Alias::new("router_ports"));
    let mut query = resource::select::<Port>(tx);
    query
        .column((mine.clone(), Alias::new("owner")))
        .inner_join(
            mine.clone(),
            Expr::col((mine.clone(), Alias::new("port_id")))
                .equals((ports.clone(), Alias::new("id"))),
        )
        .and_where(Expr::col((mine, Alias::new("router_id"))).eq(router.to_string()))
        .order_by((ports, Alias::new("id")), sea_query::Order::Asc);
    let place = resource::width::<Port>(tx);
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| Ok((resource::read(row)?, row.at(place)?))).collect()
}

/// What a router is attached to.
#[derive(Debug)]
pub struct Attachments {
    /// Its ports, each with what it is for.
    pub ports: Vec<(Port, String)>,
    /// The subnets of their networks, oldest first.
    pub subnets: Vec<Subnet>,
}

/// What a router is attached to, by one statement.
pub async fn router_attached(tx: &mut Tx, router: RouterId) -> Result<Attachments> {
    let mut parts = Parts::new(tx);
    ask_for_attachments(&mut parts, router);
    attachments(&mut parts.ask(tx).await?)
}

/// What a router is attached to, and its agents, by one statement.
pub async fn router_surroundings(tx: &mut Tx, router: RouterId) -> Result<(Attachments, L3Agents)> {
    let mut parts = Parts::new(tx);
    ask_for_attachments(&mut parts, router);
    ask_for_agents(&mut parts, router);
    let mut answers = parts.ask(tx).await?;
    Ok((attachments(&mut answers)?, l3_agents(&mut answers)?))
}

fn ask_for_attachments(parts: &mut Parts, router: RouterId) {
    let of = |table: &'static str, column: &'static str| (Alias::new(table), Alias::new(column));
    let mine = || Expr::col(of("router_ports", "router_id")).eq(router.to_string());
    let is_mine = || Expr::col(of("router_ports", "port_id")).equals(of("ports", "id"));
    parts.rows::<Port>(PORT, |part| {
        part.inner_join(Alias::new("router_ports"), is_mine()).and_where(mine());
    });
    let columns = ["port_id", "owner"].map(|column| Expr::col(of("router_ports", column)));
    let owner = resource::pack(parts.dialect(), columns.into_iter());
    parts.values(OWNER, owner, |part| {
        part.from(Alias::new("router_ports")).and_where(mine());
    });
    parts.rows::<Subnet>(SUBNET, |part| {
        let of_network = Expr::col(of("subnets", "network_id")).equals(of("ports", "network_id"));
        part.inner_join(Alias::new("ports"), of_network)
            .inner_join(Alias::new("router_ports"), is_mine())
            .and_where(mine());
    });
}

fn attachments(answers: &mut Answers) -> Result<Attachments> {
    let owners: Vec<(PortId, String)> =
        answers.values(OWNER).iter().map(|row| owner_of(row)).collect::<Result<_>>()?;
    let mut owners: BTreeMap<PortId, String> = owners.into_iter().collect();
    let mut ports: Vec<Port> = answers.rows(PORT)?;
    ports.sort_by_key(|port| port.id);
    let mut subnets: Vec<Subnet> = answers.rows(SUBNET)?;
    subnets.sort_by_key(|subnet| (subnet.created_at, subnet.id));
    // Of a network with several of its ports they come several times.
    subnets.dedup_by_key(|subnet| subnet.id);
    let owned = |port: Port| owners.remove(&port.id).map(|owner| (port, owner));
    Ok(Attachments { ports: ports.into_iter().filter_map(owned).collect(), subnets })
}

const PORT: &str = "port";
const OWNER: &str = "owner";
const SUBNET: &str = "subnet";

fn owner_of(row: &str) -> Result<(PortId, String)> {
    serde_json::from_str(row).map_err(|error| Error::Damaged {
        column: "router_ports".to_owned(),
        problem: error.to_string(),
    })
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
