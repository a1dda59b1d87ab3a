//! Network segment ranges in the store.

use nucleon_model::{Attribute, Cell, NetworkSegmentRange};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::{Attempt, Tx};

/// The row that is held by whoever makes or changes ranges: they must not overlap.
pub const GUARD: &str = "network_segment_ranges";

impl Listing for NetworkSegmentRange {
    fn special(_: &Attribute, _: &[Cell], _: Option<&str>) -> Option<SimpleExpr> {
        None
    }

    fn visible_to(_: Option<&str>) -> Visible {
        // For administrators alone, which core has asked policy about.
        Visible::Everything
    }
}

/// Holds the guard of all ranges to the end of the transaction.
pub async fn network_segment_range_guard(tx: &mut Tx) -> Result<()> {
    let mut query = Query::select();
    query
        .column(Alias::new("name"))
        .from(Alias::new("guards"))
        .and_where(Expr::col(Alias::new("name")).eq(GUARD));
    resource::hold(tx, &mut query);
    tx.fetch_all(&query).await.map(drop)
}

/// All ranges of a kind of segment.
pub async fn network_segment_range_list_of(
    tx: &mut Tx,
    network_type: &str,
) -> Result<Vec<NetworkSegmentRange>> {
    let mut query = resource::select::<NetworkSegmentRange>(tx);
    query
        .and_where(Expr::col(Alias::new("network_type")).eq(network_type))
        .order_by(Alias::new("id"), sea_query::Order::Asc);
    resource::fetch(tx, &query).await
}

/// The ranges that stand for the configuration.
pub async fn network_segment_range_defaults(tx: &mut Tx) -> Result<Vec<NetworkSegmentRange>> {
    let mut query = resource::select::<NetworkSegmentRange>(tx);
    query.and_where(Expr::col(Alias::new("is_default")).eq(true));
    resource::fetch(tx, &query).await
}

/// Inserts a default range, unless another server has.
pub async fn network_segment_range_try_insert(
    tx: &mut Tx,
    range: &NetworkSegmentRange,
) -> Result<Attempt> {
    resource::try_insert(tx, range).await
}

/// An id that a network has, and whose network that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedId {
    pub network_type: String,
    pub physical_network: Option<String>,
    pub segmentation_id: i64,
    pub project_id: String,
}

/// All ids in use of these kinds of segment.
pub async fn network_segment_range_used(tx: &mut Tx, types: &[&str]) -> Result<Vec<UsedId>> {
    let segment = |column: &'static str| (Alias::new("segments"), Alias::new(column));
    let network = |column: &'static str| (Alias::new("networks"), Alias::new(column));
    let mut query = Query::select();
    query
        .columns(["network_type", "physical_network", "segmentation_id"].map(segment))
        .column(network("project_id"))
        .from(Alias::new("segments"))
        .inner_join(Alias::new("networks"), Expr::col(network("id")).equals(segment("network_id")))
        .and_where(Expr::col(segment("network_type")).is_in(types.iter().copied()))
        .and_where(Expr::col(segment("segmentation_id")).is_not_null());
    tx.fetch_map(&query, |row| {
        Ok(UsedId {
            network_type: row.at(0)?,
            physical_network: row.at(1)?,
            segmentation_id: row.at(2)?,
            project_id: row.at(3)?,
        })
    })
    .await
}
