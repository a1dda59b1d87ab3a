//! Metering labels in the store.

use nucleon_model::{MeteringLabel, Resource as _};
use sea_query::{Alias, Expr, ExprTrait};

use crate::list::{Listing, Visible, ids_where};

impl Listing for MeteringLabel {
    /// Shared labels count everybody's traffic; whether everybody may see them, policy decides.
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and::<Self, 1>(project, |_| {
            [ids_where(Self::DECL.table, Expr::col(Alias::new("shared")).eq(true))]
        })
    }
}
