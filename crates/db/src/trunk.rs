//! Trunks in the store.

use std::collections::BTreeMap;

use nucleon_model::{PortId, SubPort, SubPortDetails, Timestamp, Trunk, TrunkId};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::row::Row;
use crate::tx::Tx;

/// Name of the unique key over the port that carries the others.
pub const TRUNK_PORT_KEY: &str = "trunks_port_uq";

const SUBPORTS: &str = "subports";

impl Listing for Trunk {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

/// What a trunk is to a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The port carries the others.
    Parent,
    /// The port is carried.
    SubPort,
}

impl Part {
    const fn column(self) -> &'static str {
        match self {
            Self::Parent => "trunk_id",
            Self::SubPort => "subport_of",
        }
    }
}

/// Tells ports which trunk they are part of, or that they are of none. One statement, however many.
pub async fn port_set_trunk(
    tx: &mut Tx,
    ports: &[PortId],
    part: Part,
    trunk: Option<TrunkId>,
    at: Timestamp,
) -> Result<()> {
    let ids: Vec<String> = ports.iter().map(ToString::to_string).collect();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut update = Query::update();
        update
            .table(Alias::new("ports"))
            .value(Alias::new(part.column()), trunk.map(|id| id.to_string()))
            .value(
                Alias::new("revision_number"),
                Expr::col(Alias::new("revision_number")).add(Expr::val(1i64)),
            )
            .value(Alias::new("updated_at"), at.as_micros())
            .and_where(Expr::col(Alias::new("id")).is_in(resource::padded(chunk)));
        tx.execute(&update).await?;
    }
    Ok(())
}

/// Puts ports onto a trunk.
pub async fn subport_insert(tx: &mut Tx, trunk: TrunkId, sub_ports: &[SubPort]) -> Result<()> {
    for portion in resource::portions(sub_ports) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(SUBPORTS)).columns(
            ["port_id", "trunk_id", "segmentation_type", "segmentation_id"].map(Alias::new),
        );
        for sub_port in portion {
            insert.values_panic([
                Expr::val(sub_port.port_id.to_string()),
                Expr::val(trunk.to_string()),
                Expr::val(sub_port.segmentation_type.clone()),
                Expr::val(sub_port.segmentation_id),
            ]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// Takes ports off their trunk.
pub async fn subport_delete(tx: &mut Tx, ports: &[PortId]) -> Result<()> {
    let ids: Vec<String> = ports.iter().map(ToString::to_string).collect();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut delete = Query::delete();
        delete
            .from_table(Alias::new(SUBPORTS))
            .and_where(Expr::col(Alias::new("port_id")).is_in(resource::padded(chunk)));
        tx.execute(&delete).await?;
    }
    Ok(())
}

fn select(chunk: &[String]) -> SelectStatement {
    let column = |name| Expr::col((Alias::new(SUBPORTS), Alias::new(name)));
    let mut query = Query::select();
    query
        .exprs(["trunk_id", "port_id", "segmentation_type", "segmentation_id"].map(column))
        .from(Alias::new(SUBPORTS))
        .and_where(column("trunk_id").is_in(resource::padded(chunk)))
        .order_by((Alias::new(SUBPORTS), Alias::new("segmentation_id")), sea_query::Order::Asc);
    query
}

fn read(row: &Row) -> Result<(TrunkId, SubPort)> {
    let sub_port = SubPort {
        port_id: row.parse("port_id")?,
        segmentation_type: row.get("segmentation_type")?,
        segmentation_id: row.get("segmentation_id")?,
    };
    Ok((row.parse("trunk_id")?, sub_port))
}

/// The ports on trunks, in the order of their segmentation.
pub async fn subport_list_of(
    tx: &mut Tx,
    trunks: &[TrunkId],
) -> Result<BTreeMap<TrunkId, Vec<SubPort>>> {
    let ids: Vec<String> = trunks.iter().map(ToString::to_string).collect();
    let mut found: BTreeMap<TrunkId, Vec<SubPort>> = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        for row in tx.fetch_all(&select(chunk)).await? {
            let (trunk, sub_port) = read(&row)?;
            found.entry(trunk).or_default().push(sub_port);
        }
    }
    Ok(found)
}

/// As [`subport_list_of`], with the MAC address of each.
pub async fn subport_details_of(
    tx: &mut Tx,
    trunks: &[TrunkId],
) -> Result<BTreeMap<TrunkId, Vec<SubPortDetails>>> {
    let ids: Vec<String> = trunks.iter().map(ToString::to_string).collect();
    let mut found: BTreeMap<TrunkId, Vec<SubPortDetails>> = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = select(chunk);
        query.column((Alias::new("ports"), Alias::new("mac_address"))).inner_join(
            Alias::new("ports"),
            Expr::col((Alias::new("ports"), Alias::new("id")))
                .equals((Alias::new(SUBPORTS), Alias::new("port_id"))),
        );
        for row in tx.fetch_all(&query).await? {
            let (trunk, sub_port) = read(&row)?;
            let mac_address = row.parse("mac_address")?;
            found.entry(trunk).or_default().push(SubPortDetails { sub_port, mac_address });
        }
    }
    Ok(found)
}
