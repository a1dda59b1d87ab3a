//! Segments in the store.

use nucleon_model::{ListQuery, NetworkId, Segment, SegmentId};
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::list::{Listed, Listing, Visible, list};
use crate::resource;
use crate::tx::{Attempt, Tx};

impl Listing for Segment {
    fn visible_to(_: Option<&str>) -> Visible {
        // Segments are for administrators alone, which core has asked policy about.
        Visible::Everything
    }
}

/// Inserts a segment; the unique key over its reservation decides who gets it.
pub async fn segment_try_insert(tx: &mut Tx, segment: &Segment) -> Result<Attempt> {
    resource::try_insert(tx, segment).await
}

pub async fn segment_get(tx: &mut Tx, id: SegmentId) -> Result<Option<Segment>> {
    resource::get(tx, id.to_string()).await
}

pub async fn segment_list(tx: &mut Tx, query: &ListQuery) -> Result<Listed<Segment>> {
    list(tx, None, query).await
}

/// The segments of networks, in the order of each network.
pub async fn segment_list_of(tx: &mut Tx, networks: &[NetworkId]) -> Result<Vec<Segment>> {
    let ids = networks.iter().map(ToString::to_string).collect();
    let mut segments: Vec<Segment> = resource::by_chunks(tx, "network_id", ids).await?;
    segments.sort_by_key(|segment| (segment.network_id, segment.segment_index));
    Ok(segments)
}

/// The ids in use on a physical network, for one type: at most as many as there are VLANs.
pub async fn segment_ids_in_use(
    tx: &mut Tx,
    network_type: &str,
    physical_network: &str,
) -> Result<Vec<i64>> {
    let physical = Expr::col(Alias::new("physical_network"));
    let mut query = Query::select();
    query
        .column(Alias::new("segmentation_id"))
        .from(Alias::new("segments"))
        .and_where(Expr::col(Alias::new("network_type")).eq(network_type))
        .and_where(if physical_network.is_empty() {
            physical.is_null()
        } else {
            physical.eq(physical_network)
        })
        .and_where(Expr::col(Alias::new("segmentation_id")).is_not_null());
    tx.fetch_all(&query).await?.iter().map(|row| row.at(0)).collect()
}

/// # Errors
/// [`crate::Error::Stale`] when the row is not at `revision`.
pub async fn segment_update_at(tx: &mut Tx, segment: &Segment, revision: i64) -> Result<()> {
    resource::update_at(tx, segment, segment.id.to_string(), revision).await
}

pub async fn segment_delete_of(tx: &mut Tx, network: NetworkId) -> Result<()> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("segments"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network.to_string()));
    tx.execute(&delete).await.map(drop)
}
