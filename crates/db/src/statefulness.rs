//! Whether new security groups keep state, in the store.

use nucleon_model::Statefulness;
use sea_query::{Alias, Expr, ExprTrait};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

/// Name of the unique key over the project.
pub const STATEFULNESS_KEY: &str = "security_groups_default_statefulness_uq";

impl Listing for Statefulness {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

/// Whether new groups of a project keep state: as is set for it, or for all, and otherwise they do.
pub async fn stateful_by_default(tx: &mut Tx, project: &str) -> Result<bool> {
    let mut query = resource::select::<Statefulness>(tx);
    query.and_where(Expr::col(Alias::new("domain")).is_in([project, ""]));
    let mut set = resource::fetch::<Statefulness>(tx, &query).await?;
    set.sort_by_key(|setting| setting.domain.is_empty());
    Ok(set.first().is_none_or(|setting| setting.stateful))
}

/// Whether something is set for this project, or (empty) for all.
pub async fn statefulness_is_set(tx: &mut Tx, domain: &str) -> Result<bool> {
    let mut query = resource::select::<Statefulness>(tx);
    query.and_where(Expr::col(Alias::new("domain")).eq(domain));
    Ok(!resource::fetch::<Statefulness>(tx, &query).await?.is_empty())
}
