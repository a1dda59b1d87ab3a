//! Addresses in use: the unique key over subnet and address decides who has one.

use std::net::IpAddr;

use nucleon_model::{FixedIp, PortId, SubnetId};
use nucleon_net::IpRange;
use sea_query::{Alias, Expr, ExprTrait, Order, Query};

use crate::error::{Error, Result};
use crate::tx::Tx;

/// Name of the unique key over subnet and address.
pub const ALLOCATION_KEY: &str = "ip_allocations_pkey";

/// An address as text that sorts as the addresses do: 32 hexadecimal digits.
fn sortable(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:032x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("{:032x}", v6.to_bits()),
    }
}

const COLUMNS: [&str; 4] = ["subnet_id", "ip_key", "ip_address", "port_id"];

/// Takes addresses for ports, all or none.
///
/// # Errors
/// [`Error::Conflict`] on [`ALLOCATION_KEY`] when one is in use.
pub async fn allocation_insert(tx: &mut Tx, taken: &[(PortId, FixedIp)]) -> Result<()> {
    for chunk in taken.chunks(64) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("ip_allocations")).columns(COLUMNS.map(Alias::new));
        for (port, fixed_ip) in chunk {
            insert.values_panic([
                Expr::val(fixed_ip.subnet_id.to_string()),
                Expr::val(sortable(fixed_ip.ip_address)),
                Expr::val(fixed_ip.ip_address.to_string()),
                Expr::val(port.to_string()),
            ]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Gives addresses of a port back.
pub async fn allocation_delete(tx: &mut Tx, port: PortId, given_back: &[FixedIp]) -> Result<()> {
    for fixed_ip in given_back {
        let mut delete = Query::delete();
        delete
            .from_table(Alias::new("ip_allocations"))
            .and_where(Expr::col(Alias::new("subnet_id")).eq(fixed_ip.subnet_id.to_string()))
            .and_where(Expr::col(Alias::new("ip_key")).eq(sortable(fixed_ip.ip_address)))
            .and_where(Expr::col(Alias::new("port_id")).eq(port.to_string()));
        tx.execute(&delete).await?;
    }
    Ok(())
}

/// Which of these addresses are taken.
pub async fn allocation_taken(
    tx: &mut Tx,
    subnet: SubnetId,
    candidates: &[IpAddr],
) -> Result<Vec<IpAddr>> {
    let mut query = Query::select();
    query
        .column(Alias::new("ip_address"))
        .from(Alias::new("ip_allocations"))
        .and_where(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()))
        .and_where(
            Expr::col(Alias::new("ip_key"))
                .is_in(candidates.iter().map(|&address| sortable(address))),
        );
    addresses(tx, &query).await
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

/// Ports with addresses on a subnet, with the owner of each, `limit` at most.
pub async fn allocation_holders(tx: &mut Tx, subnet: SubnetId, limit: u64) -> Result<Vec<PortId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("port_id"))
        .distinct()
        .from(Alias::new("ip_allocations"))
        .and_where(Expr::col(Alias::new("subnet_id")).eq(subnet.to_string()))
        .limit(limit);
    let rows = tx.fetch_all(&query).await?;
    rows.iter().map(|row| row.parse("port_id")).collect()
}

async fn addresses(tx: &mut Tx, query: &sea_query::SelectStatement) -> Result<Vec<IpAddr>> {
    let rows = tx.fetch_all(query).await?;
    rows.iter()
        .map(|row| {
            let text: String = row.at(0)?;
            text.parse().map_err(|_| Error::Damaged {
                column: "ip_allocations.ip_address".to_owned(),
                problem: text,
            })
        })
        .collect()
}
