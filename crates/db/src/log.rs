//! Logs in the store.

use nucleon_model::{Log, PortId, Resource, SecurityGroupId};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::resource;
use crate::tx::Tx;

impl Listing for Log {
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

/// What logs may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    Group(SecurityGroupId),
    Port(PortId),
}

impl Logged {
    fn condition(self) -> SimpleExpr {
        match self {
            Self::Group(id) => Expr::col(Alias::new("resource_id")).eq(id.to_string()),
            Self::Port(id) => Expr::col(Alias::new("target_id")).eq(id.to_string()),
        }
    }
}

/// Deletes the logs about something, and tells which they were.
pub async fn log_delete_about(tx: &mut Tx, logged: Logged) -> Result<Vec<Log>> {
    let mut query = resource::select::<Log>(tx);
    query.and_where(logged.condition());
    let logs = resource::fetch::<Log>(tx, &query).await?;
    if !logs.is_empty() {
        let mut delete = Query::delete();
        delete.from_table(Alias::new(Log::DECL.table)).and_where(logged.condition());
        tx.execute(&delete).await?;
    }
    Ok(logs)
}
