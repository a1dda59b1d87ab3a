//! Further revisions of rows that change by what belongs to them.

use nucleon_model::Timestamp;
use sea_query::{Alias, Expr, ExprTrait, PostgresQueryBuilder, Query, UpdateStatement};
use uuid::Uuid;

use crate::resource;

/// Rows that come to a further revision. Nothing in it is anybody's text: it can be part of a statement as it is.
#[derive(Debug, Clone)]
pub(crate) struct Touch {
    table: &'static str,
    ids: Vec<Uuid>,
    at: Timestamp,
}

impl Touch {
    /// The same rows are always touched in the same order.
    pub(crate) fn new(table: &'static str, mut ids: Vec<Uuid>, at: Timestamp) -> Self {
        ids.sort_unstable();
        Self { table, ids, at }
    }

    pub(crate) fn statement(&self) -> UpdateStatement {
        let ids: Vec<String> = self.ids.iter().map(Uuid::to_string).collect();
        let revision = Alias::new("revision_number");
        let mut update = Query::update();
        update
            .table(Alias::new(self.table))
            .value(revision.clone(), Expr::col(revision).add(Expr::val(1i64)))
            .value(Alias::new("updated_at"), self.at.as_micros())
            .and_where(Expr::col(Alias::new("id")).is_in(resource::padded(&ids)));
        update
    }

    /// The statement without placeholders, for PostgreSQL.
    pub(crate) fn text(&self) -> String {
        self.statement().to_string(PostgresQueryBuilder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_holds_identifiers_in_their_order_and_numbers() {
        let ids = [2u128, 1].map(Uuid::from_u128).to_vec();
        let touch = Touch::new("security_groups", ids, Timestamp::from_micros(7));
        assert_eq!(
            touch.text(),
            "UPDATE \"security_groups\" SET \"revision_number\" = \"revision_number\" + 1, \"updated_at\" = 7 \
             WHERE \"id\" IN ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002')"
        );
    }
}
