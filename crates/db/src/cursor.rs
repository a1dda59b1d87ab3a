//! How far the named consumers of the journal have come: SDN controllers, notifications.

use sea_query::{Expr, ExprTrait, OnConflict, Query};

use crate::error::Result;
use crate::journal::Position;
use crate::tx::Tx;

/// A consumer's place, as last recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub name: String,
    pub position: Position,
}

impl Tx {
    /// Where a consumer stands; `None` if it never recorded anything.
    pub async fn cursor_get(&mut self, name: &str) -> Result<Option<Position>> {
        let query = Query::select()
            .columns(["epoch", "seq"])
            .from("cursor_position")
            .and_where(Expr::col("name").eq(name))
            .take();
        let Some(row) = self.fetch_optional(&query).await? else { return Ok(None) };
        Ok(Some(Position { epoch: row.parse("epoch")?, seq: row.get("seq")? }))
    }

    /// Records where a consumer stands. Do it after the consumer has done its work: it then gets changes at least once.
    pub async fn cursor_set(&mut self, name: &str, position: Position, now: i64) -> Result<()> {
        let upsert = Query::insert()
            .into_table("cursor_position")
            .columns(["name", "epoch", "seq", "updated_at"])
            .values_panic([
                name.into(),
                position.epoch.to_string().into(),
                position.seq.into(),
                now.into(),
            ])
            .on_conflict(
                OnConflict::column("name")
                    .update_columns(["epoch", "seq", "updated_at"])
                    .to_owned(),
            )
            .take();
        self.execute(&upsert).await.map(drop)
    }

    /// Forgets a consumer. Answers whether it was known.
    pub async fn cursor_delete(&mut self, name: &str) -> Result<bool> {
        let delete = Query::delete()
            .from_table("cursor_position")
            .and_where(Expr::col("name").eq(name))
            .take();
        Ok(self.execute(&delete).await? > 0)
    }

    /// All consumers.
    pub async fn cursor_list(&mut self) -> Result<Vec<Cursor>> {
        let query = Query::select()
            .columns(["name", "epoch", "seq"])
            .from("cursor_position")
            .order_by("name", sea_query::Order::Asc)
            .take();
        let rows = self.fetch_all(&query).await?;
        rows.iter()
            .map(|row| {
                let position = Position { epoch: row.parse("epoch")?, seq: row.get("seq")? };
                Ok(Cursor { name: row.get("name")?, position })
            })
            .collect()
    }
}
