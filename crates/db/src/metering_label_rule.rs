//! Rules of metering labels in the store.

use nucleon_model::{MeteringLabelId, MeteringLabelRule};
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

impl Listing for MeteringLabelRule {
    /// Rules belong to whom their label belongs to.
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::of_own(project, "metering_label_id", "metering_labels")
    }
}

/// The rules of a label.
pub async fn metering_label_rule_list_of(
    tx: &mut Tx,
    label: MeteringLabelId,
) -> Result<Vec<MeteringLabelRule>> {
    resource::by_chunks(tx, "metering_label_id", vec![label.to_string()]).await
}

/// Deletes the rules of a label.
pub async fn metering_label_rule_delete_of(tx: &mut Tx, label: MeteringLabelId) -> Result<()> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("metering_label_rules"))
        .and_where(Expr::col(Alias::new("metering_label_id")).eq(label.to_string()));
    tx.execute(&delete).await.map(drop)
}
