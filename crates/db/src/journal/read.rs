//! Reading the journal.

use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::journal::append::next;
use crate::journal::{Entry, Position, outbox};
use crate::row::Row;
use crate::tx::Tx;

/// What there is after a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// These, in order. With them the reader stands at `position`: the head, or the last entry if `more` wait.
    Entries { entries: Vec<Entry>, position: Position, more: bool },
    /// The journal no longer reaches back so far: take a snapshot.
    TooOld { pruned_to: i64, head: Position },
    /// The position is ahead of what this server's database has seen so far: wait, or ask another.
    Behind { head: Position },
    /// The database was restored since: take a snapshot.
    OtherEpoch { head: Position },
}

impl Tx {
    /// The place of the last change that this transaction sees, and the epoch.
    pub async fn journal_head(&mut self) -> Result<Position> {
        Ok(Position { epoch: self.epoch().await?.0, seq: self.journal_last().await? })
    }

    /// The changes after a position that touch one of the scopes, or all changes when `scopes` is `None`.
    ///
    /// To be asked in a snapshot: the answer is put together from several questions.
    pub async fn journal_after(
        &mut self,
        position: Position,
        scopes: Option<&[String]>,
        limit: u32,
    ) -> Result<After> {
        let (epoch, pruned_to) = self.epoch().await?;
        let head = Position { epoch, seq: self.journal_last().await? };
        if position.epoch != epoch {
            return Ok(After::OtherEpoch { head });
        }
        if position.seq > head.seq {
            return Ok(After::Behind { head });
        }
        if position.seq < pruned_to {
            return Ok(After::TooOld { pruned_to, head });
        }
        if position.seq == head.seq || scopes.is_some_and(<[String]>::is_empty) {
            return Ok(After::Entries { entries: Vec::new(), position: head, more: false });
        }
        let mut query = entries();
        query
            .and_where(Expr::col("seq").gt(position.seq))
            .order_by("seq", Order::Asc)
            .limit(u64::from(limit) + 1);
        if let Some(scopes) = scopes {
            let touching = Query::select()
                .column("seq")
                .from("journal_scope")
                .and_where(Expr::col("scope").is_in(scopes.iter().map(String::as_str)))
                .and_where(Expr::col("seq").gt(position.seq))
                .take();
            query.and_where(Expr::col("seq").in_subquery(touching));
        }
        let mut entries = self.journal_entries(&query).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = entries.len() > limit;
        entries.truncate(limit);
        let seq =
            if more { entries.last().map_or(position.seq, |last| last.seq) } else { head.seq };
        Ok(After::Entries { entries, position: Position { epoch, seq }, more })
    }

    /// The changes of one write, once they have their places.
    pub async fn journal_of(&mut self, tx: Uuid) -> Result<Vec<Entry>> {
        let mut query = entries();
        query.and_where(Expr::col("tx_id").eq(tx.to_string())).order_by("seq", Order::Asc);
        self.journal_entries(&query).await
    }

    async fn journal_entries(&mut self, query: &SelectStatement) -> Result<Vec<Entry>> {
        self.fetch_all(query).await?.iter().map(entry).collect()
    }

    async fn journal_last(&mut self) -> Result<i64> {
        let next = next(self, Query::select().column("next").from("sequencer").take()).await?;
        Ok(next - 1)
    }

    /// The epoch, and up to where the journal was pruned.
    pub(crate) async fn epoch(&mut self) -> Result<(Uuid, i64)> {
        let query = Query::select().columns(["epoch", "pruned_to"]).from("epoch").take();
        let row = self.fetch_optional(&query).await?.ok_or_else(|| Error::Damaged {
            column: "epoch.epoch".to_owned(),
            problem: "the row is missing".to_owned(),
        })?;
        Ok((row.parse("epoch")?, row.get("pruned_to")?))
    }
}

fn entries() -> SelectStatement {
    Query::select()
        .columns(["seq", "tx_id", "kind", "object_id", "operation", "revision", "request_id"])
        .columns(["scopes", "made_at", "sequenced_at"])
        .from("journal")
        .take()
}

fn entry(row: &Row) -> Result<Entry> {
    Ok(Entry {
        seq: row.get("seq")?,
        tx: row.parse("tx_id")?,
        made_at: row.get("made_at")?,
        sequenced_at: row.get("sequenced_at")?,
        change: outbox::change(row)?,
    })
}
