//! Rules of metering labels in the store.

use nucleon_model::{MeteringLabelId, MeteringLabelRule};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::list::{Listing, ids_where, in_subquery};
use crate::resource;
use crate::tx::Tx;

impl Listing for MeteringLabelRule {
    /// Rules belong to whom their label belongs to.
    fn visible_to(project: Option<&str>) -> Option<Cond> {
        project.map(|project| {
            let own = Expr::col(Alias::new("project_id")).eq(project);
            Cond::all().add(in_subquery("metering_label_id", ids_where("metering_labels", own)))
        })
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
