//! Metering labels in the store.

use nucleon_model::MeteringLabel;
use sea_query::{Alias, Expr, ExprTrait};

use crate::list::{Listing, Visible, Way};

impl Listing for MeteringLabel {
    /// Shared labels count everybody's traffic; whether everybody may see them, policy decides.
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and::<Self>(project, |_| {
            vec![Way::Straight(Expr::col(Alias::new("shared")).eq(true))]
        })
    }
}
