//! Tags: kept with their owner for showing, and in a table of their own for finding.

use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::error::Result;
use crate::resource;
use crate::tx::Tx;

/// Adds tags (object, tag) to objects that do not have them, as [`Tx::later`].
pub fn tag_insert(tx: &mut Tx, tags: &[(String, String)]) {
    for portion in resource::portions(tags) {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("tags")).columns([Alias::new("object_id"), Alias::new("tag")]);
        for (object, tag) in portion {
            insert.values_panic([Expr::val(object.as_str()), Expr::val(tag.as_str())]);
        }
        tx.later_rows(insert, portion.len());
    }
}

/// Takes all tags of an object away.
pub async fn tag_delete_of(tx: &mut Tx, object: &str) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new("tags")).and_where(Expr::col(Alias::new("object_id")).eq(object));
    tx.execute(&delete).await.map(drop)
}
