//! Metering labels in the store.

use nucleon_model::{MeteringLabel, Resource as _};
use sea_query::{Alias, Cond, Expr, ExprTrait};

use crate::list::{Listing, among, ids_where, owned_by};

impl Listing for MeteringLabel {
    /// Shared labels count everybody's traffic; whether everybody may see them, policy decides.
    fn visible_to(project: Option<&str>) -> Option<Cond> {
        project.map(|project| {
            let table = Self::DECL.table;
            let shared = ids_where(table, Expr::col(Alias::new("shared")).eq(true));
            among([owned_by(table, project), shared])
        })
    }
}
