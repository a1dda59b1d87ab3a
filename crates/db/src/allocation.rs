//! Addresses in use: the unique key over subnet and address decides who has one.

use std::net::IpAddr;

use nucleon_model::{FixedIp, PortId, SubnetId};
use nucleon_net::IpRange;
use sea_query::{Alias, Cond, Expr, ExprTrait, JoinType, Order, Query, SelectStatement};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::resource;
use crate::row::Row;
use crate::tx::Tx;

/// An address as text that sorts as the addresses do: 32 hexadecimal digits.
pub(crate) fn sortable(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:032x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()),
    }
}

const COLUMNS: [&str; 4] = ["subnet_id", "ip_key", "ip_address", "port_id"];

/// Takes addresses for ports, as [`Tx::later`]: all, or none when one is in use.
pub fn allocation_insert(tx: &mut Tx, taken: &[(PortId, FixedIp)]) {
    for portion in resource::portions(taken) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("ip_allocations")).columns(COLUMNS.map(Alias::new));
        for (port, fixed_ip) in portion {
            insert.values_panic([
                Expr::val(fixed_ip.subnet_id.to_string()),
                Expr::val(sortable(fixed_ip.ip_address)),
                Expr::val(fixed_ip.ip_address.to_string()),
                Expr::val(port.to_string()),
            ]);
        }
        tx.later_rows(insert, portion.len());
    }
}

/// Gives addresses of a port back.
pub async fn allocation_delete(tx: &mut Tx, port: PortId, given_back: &[FixedIp]) -> Result<()> {
    if given_back.is_empty() {
        return Ok(());
    }
    let mut any = Cond::any();
    for fixed_ip in given_back {
        any = any.add(on(fixed_ip.subnet_id, &[fixed_ip.ip_address]));
    }
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("ip_allocations"))
        .and_where(Expr::col(Alias::new("port_id")).eq(port.to_string()))
        .cond_where(any);
    tx.execute(&delete).await.map(drop)
}

/// These addresses of a subnet.
fn on(subnet: SubnetId, addresses: &[IpAddr]) -> Cond {
    let keys = addresses.iter().map(|&address| sortable(address));
    Cond::all()
        .add(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()))
        .add(Expr::col(Alias::new("ip_key")).is_in(keys))
}

/// Which of these addresses are taken: one question, however many subnets.
pub async fn allocation_taken(
    tx: &mut Tx,
    candidates: &[(SubnetId, Vec<IpAddr>)],
) -> Result<Vec<FixedIp>> {
    let some = candidates.iter().filter(|(_, addresses)| !addresses.is_empty());
    let wanted: Vec<&(SubnetId, Vec<IpAddr>)> = some.collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let query = match tx.dialect() {
        Dialect::Postgres => taken_one_by_one(&wanted),
        Dialect::Sqlite | Dialect::MySql => taken_among(&wanted),
    };
    let rows = tx.fetch_all(&query).await?;
    let fixed_ip = |row: &Row| {
        Ok(FixedIp { subnet_id: row.parse("subnet_id")?, ip_address: row.parse("ip_address")? })
    };
    rows.iter().map(fixed_ip).collect()
}

fn taken_among(wanted: &[&(SubnetId, Vec<IpAddr>)]) -> SelectStatement {
    let any =
        wanted.iter().fold(Cond::any(), |any, (subnet, addresses)| any.add(on(*subnet, addresses)));
    taken(any)
}

/// The same for PostgreSQL, which takes a subnet of a table that has grown since it was last analysed for a row or two:
/// asked for a list, or for alternatives, it reads the whole subnet by the key's first column and holds every row
/// against each of them. What is looked up for each row of another table, with a limit, it cannot turn around.
fn taken_one_by_one(wanted: &[&(SubnetId, Vec<IpAddr>)]) -> SelectStatement {
    let (drawn, found) = (Alias::new("drawn"), Alias::new("found"));
    let is_drawn = |column: &'static str, place: &'static str| {
        Expr::col(Alias::new(column)).equals((drawn.clone(), Alias::new(place)))
    };
    let mut one =
        taken(Cond::all().add(is_drawn("subnet_id", "column1")).add(is_drawn("ip_key", "column2")));
    one.limit(1);
    let pairs: Vec<(String, String)> = wanted
        .iter()
        .flat_map(|(subnet, addresses)| {
            addresses.iter().map(|&address| (subnet.to_string(), sortable(address)))
        })
        .collect();
    let mut query = Query::select();
    query
        .columns([
            (found.clone(), Alias::new("subnet_id")),
            (found.clone(), Alias::new("ip_address")),
        ])
        .from_values(resource::padded(&pairs), drawn.clone())
        .join_lateral(JoinType::InnerJoin, one, found, Expr::cust("TRUE"));
    query
}

fn taken(which: Cond) -> SelectStatement {
    let mut query = Query::select();
    query
        .columns([Alias::new("subnet_id"), Alias::new("ip_address")])
        .from(Alias::new("ip_allocations"))
        .cond_where(which);
    query
}

/// The lowest addresses taken within a range, in order, `limit` at most.
pub async fn allocation_window(
    tx: &mut Tx,
    subnet: SubnetId,
    range: IpRange,
    limit: u64,
) -> Result<Vec<IpAddr>> {
    let mut query = Query::select();
    query
        .column(Alias::new("ip_address"))
        .from(Alias::new("ip_allocations"))
        .and_where(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()))
        .and_where(
            Expr::col(Alias::new("ip_key")).between(sortable(range.start()), sortable(range.end())),
        )
        .order_by(Alias::new("ip_key"), Order::Asc)
        .limit(limit);
    addresses(tx, &query).await
}

/// Ports with addresses on a subnet.
pub async fn allocation_holders(tx: &mut Tx, subnet: SubnetId) -> Result<Vec<PortId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("port_id"))
        .distinct()
        .from(Alias::new("ip_allocations"))
        .and_where(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()));
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| row.parse("port_id")).collect()
}

/// Whose the ports are that have addresses on a subnet: each `device_owner` once.
pub async fn allocation_owners(tx: &mut Tx, subnet: SubnetId) -> Result<Vec<String>> {
    let (ports, taken) = (Alias::new("ports"), Alias::new("ip_allocations"));
    let mut query = Query::select();
    query
        .column((ports.clone(), Alias::new("device_owner")))
        .distinct()
        .from(taken.clone())
        .inner_join(
            ports.clone(),
            Expr::col((ports, Alias::new("id"))).equals((taken.clone(), Alias::new("port_id"))),
        )
        .and_where(Expr::col((taken, Alias::new("subnet_id"))).eq(subnet.to_string()));
    tx.fetch_all(&query).await?.iter().map(|row| row.at(0)).collect()
}

/// The port that has an address.
pub async fn allocation_holder(
    tx: &mut Tx,
    subnet: SubnetId,
    address: IpAddr,
) -> Result<Option<PortId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("port_id"))
        .from(Alias::new("ip_allocations"))
        .cond_where(on(subnet, &[address]));
    tx.fetch_optional(&query).await?.map(|row| row.parse("port_id")).transpose()
}

async fn addresses(tx: &mut Tx, query: &sea_query::SelectStatement) -> Result<Vec<IpAddr>> {
    tx.fetch_all(query).await?.iter().map(|row| row.parse("ip_address")).collect()
}
