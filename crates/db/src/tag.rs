//! Tags: kept with their owner for showing, and in a table of their own for finding.

use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::tx::Tx;

/// Adds tags to an object that does not have them.
pub async fn tag_insert(tx: &mut Tx, object: &str, tags: &[String]) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(Alias::new("tags")).columns([Alias::new("object_id"), Alias::new("tag")]);
    for tag in tags {
        insert.values_panic([Expr::val(object), Expr::val(tag.as_str())]);
    }
    tx.execute(&insert).await.map(drop)
}

/// Takes all tags of an object away.
pub async fn tag_delete_of(tx: &mut Tx, object: &str) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new("tags")).and_where(Expr::col(Alias::new("object_id")).eq(object));
    tx.execute(&delete).await.map(drop)
}
