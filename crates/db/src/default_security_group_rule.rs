//! The rules that new security groups begin with, in the store.

use nucleon_model::DefaultSecurityGroupRule;
use sea_query::{Alias, Expr, ExprTrait};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

impl Listing for DefaultSecurityGroupRule {
    /// Everybody may know what groups begin with.
    fn visible_to(_: Option<&str>) -> Visible {
        Visible::Everything
    }
}

/// Which new groups a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    DefaultGroups,
    OtherGroups,
}

/// The rules that new groups of a kind begin with.
pub async fn default_rule_list_for(tx: &mut Tx, of: For) -> Result<Vec<DefaultSecurityGroupRule>> {
    let column = match of {
        For::DefaultGroups => "used_in_default_sg",
        For::OtherGroups => "used_in_non_default_sg",
    };
    let mut query = resource::select::<DefaultSecurityGroupRule>(tx);
    query.and_where(Expr::col(Alias::new(column)).eq(true));
    resource::fetch(tx, &query).await
}

/// All of them.
pub async fn default_rule_list(tx: &mut Tx) -> Result<Vec<DefaultSecurityGroupRule>> {
    resource::fetch(tx, &resource::select::<DefaultSecurityGroupRule>(tx)).await
}
