//! Writes that wait: what a transaction writes without asking how it went goes to the database together, when something is
//! asked or the transaction ends. Each way there and back that this saves is as dear as the writes themselves.
//!
//! ```text
//!   PostgreSQL   WITH part_0 AS (INSERT …), part_1 AS (UPDATE …) INSERT …
//!   MariaDB      BEGIN NOT ATOMIC INSERT …; UPDATE …; INSERT …; END
//!   SQLite       INSERT …; UPDATE …; INSERT …          a text of several, which go to the database's thread together
//! ```
//!
//! A question about other rows can be the last part of such a statement ([`crate::Tx::fetch_beside`]). Values are bound in all
//! of them. MySQL, which knows no such block outside of procedures, has them one after the other.

use sea_query::{
    Alias, CommonTableExpression, InsertStatement, SelectStatement, UpdateStatement, Values,
    WithClause,
};
use sea_query_sqlx::SqlxValues;

use crate::dialect::Dialect;

/// A write about which nothing is asked: an insert, or an update of a row that the transaction holds and was there before
/// it (on PostgreSQL the parts of one statement do not see each other's rows).
#[derive(Debug, Clone)]
pub enum Write {
    Insert(InsertStatement),
    Update(UpdateStatement),
}

impl From<InsertStatement> for Write {
    fn from(insert: InsertStatement) -> Self {
        Self::Insert(insert)
    }
}

impl From<UpdateStatement> for Write {
    fn from(update: UpdateStatement) -> Self {
        Self::Update(update)
    }
}

/// A part of one statement.
#[derive(Debug, Clone)]
enum Part {
    Write(Write),
    Question(SelectStatement),
}

impl Part {
    fn build(&self, dialect: Dialect) -> (String, SqlxValues) {
        match self {
            Self::Write(Write::Insert(insert)) => dialect.build(insert),
            Self::Write(Write::Update(update)) => dialect.build(update),
            Self::Question(question) => dialect.build(question),
        }
    }

    fn expression(self, number: usize) -> CommonTableExpression {
        let mut expression = CommonTableExpression::new();
        match self {
            Self::Write(Write::Insert(insert)) => expression.query(insert),
            Self::Write(Write::Update(update)) => expression.query(update),
            Self::Question(question) => expression.query(question),
        };
        expression.table_name(Alias::new(format!("part_{number}")));
        expression
    }

    fn build_with(self, with: WithClause) -> (String, SqlxValues) {
        match self {
            Self::Write(Write::Insert(insert)) => Dialect::Postgres.build(&insert.with(with)),
            Self::Write(Write::Update(update)) => Dialect::Postgres.build(&update.with(with)),
            Self::Question(question) => Dialect::Postgres.build(&question.with(with)),
        }
    }
}

/// Writes that may be one statement: as of one request. Of more, the ways there and back are not what counts.
const MOST: usize = 12;

/// Rows that a write of several may have, for the same reason, and because no two statements would be alike.
const FEW_ROWS: usize = 8;

/// The writes of a transaction that wait, in their order.
#[derive(Debug, Default)]
pub(crate) struct Late(Vec<(Write, usize)>);

impl Late {
    /// A write of so many rows.
    pub(crate) fn push(&mut self, write: Write, rows: usize) {
        self.0.push((write, rows));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The statements that carry them out, and takes them; `blocks` says whether MariaDB's blocks are to be had. Where a
    /// question is asked beside them, the last statement answers it.
    pub(crate) fn statements(
        &mut self,
        dialect: Dialect,
        blocks: bool,
        question: Option<SelectStatement>,
    ) -> Vec<(String, SqlxValues)> {
        let one_by_one = dialect == Dialect::MySql && !blocks;
        let (mut statements, mut several) = (Vec::new(), Vec::new());
        for (write, rows) in self.0.drain(..) {
            let alone = one_by_one || rows > FEW_ROWS;
            if alone || several.len() == MOST {
                statements.extend(one_of(dialect, std::mem::take(&mut several)));
            }
            if alone {
                statements.push(Part::Write(write).build(dialect));
            } else {
                several.push(Part::Write(write));
            }
        }
        several.extend(question.map(Part::Question));
        statements.extend(one_of(dialect, several));
        statements
    }
}

/// One statement of several parts; none of none.
fn one_of(dialect: Dialect, mut parts: Vec<Part>) -> Option<(String, SqlxValues)> {
    if parts.len() < 2 {
        return parts.pop().map(|only| only.build(dialect));
    }
    match dialect {
        Dialect::Postgres => {
            let last = parts.pop()?;
            let mut with = WithClause::new();
            for (number, part) in parts.into_iter().enumerate() {
                with.cte(part.expression(number));
            }
            Some(last.build_with(with))
        }
        Dialect::MySql => {
            let (text, values) = one_text(dialect, &parts);
            Some((format!("BEGIN NOT ATOMIC {text}; END"), values))
        }
        Dialect::Sqlite => Some(one_text(dialect, &parts)),
    }
}

/// Their placeholders have no numbers: the values of all are bound in their order.
fn one_text(dialect: Dialect, parts: &[Part]) -> (String, SqlxValues) {
    let mut texts = Vec::with_capacity(parts.len());
    let mut values = Vec::new();
    for part in parts {
        let (sql, bound) = part.build(dialect);
        texts.push(sql);
        values.extend(bound.0.0);
    }
    (texts.join("; "), SqlxValues(Values(values)))
}

#[cfg(test)]
mod tests {
    use sea_query::{Expr, ExprTrait, Query};

    use super::*;

    fn insert(table: &'static str, value: i64) -> Write {
        let mut insert = Query::insert();
        insert.into_table(table).columns(["a"]).values_panic([Expr::val(value)]);
        insert.into()
    }

    fn update(value: i64) -> Write {
        let mut update = Query::update();
        update.table("t").value("a", value).and_where(Expr::col("id").eq(value + 1));
        update.into()
    }

    fn statements(writes: Vec<(Write, usize)>, dialect: Dialect, blocks: bool) -> Vec<String> {
        let mut late = Late(writes);
        let built = late.statements(dialect, blocks, None);
        assert!(late.is_empty());
        let text = |(sql, values): (String, SqlxValues)| {
            let values: Vec<String> = values.0.iter().map(ToString::to_string).collect();
            format!("{sql} [{}]", values.join(","))
        };
        built.into_iter().map(text).collect()
    }

    #[test]
    fn several_writes_are_one_statement_in_their_order() {
        let writes = || vec![(insert("x", 1), 1), (update(2), 1), (insert("y", 4), 8)];
        assert_eq!(
            statements(writes(), Dialect::Postgres, false),
            [
                "WITH \"part_0\" AS (INSERT INTO \"x\" (\"a\") VALUES ($1)) , \"part_1\" AS (UPDATE \"t\" SET \"a\" = $2 \
                 WHERE \"id\" = $3) INSERT INTO \"y\" (\"a\") VALUES ($4) [1,2,3,4]"
            ]
        );
        assert_eq!(
            statements(writes(), Dialect::MySql, true),
            [
                "BEGIN NOT ATOMIC INSERT INTO `x` (`a`) VALUES (?); UPDATE `t` SET `a` = ? WHERE `id` = ?; INSERT INTO \
                 `y` (`a`) VALUES (?); END [1,2,3,4]"
            ]
        );
        assert_eq!(
            statements(writes(), Dialect::Sqlite, false),
            [
                "INSERT INTO \"x\" (\"a\") VALUES (?); UPDATE \"t\" SET \"a\" = ? WHERE \"id\" = ?; INSERT INTO \"y\" \
                 (\"a\") VALUES (?) [1,2,3,4]"
            ]
        );
        assert_eq!(
            statements(writes(), Dialect::MySql, false),
            [
                "INSERT INTO `x` (`a`) VALUES (?) [1]",
                "UPDATE `t` SET `a` = ? WHERE `id` = ? [2,3]",
                "INSERT INTO `y` (`a`) VALUES (?) [4]"
            ]
        );
    }

    #[test]
    fn a_question_is_the_last_part() {
        let question =
            || Query::select().column("b").from("q").and_where(Expr::col("c").eq(7)).take();
        let beside = |dialect, blocks| {
            let built =
                Late(vec![(insert("x", 1), 1)]).statements(dialect, blocks, Some(question()));
            built.into_iter().map(|(sql, _)| sql).collect::<Vec<_>>()
        };
        assert_eq!(
            beside(Dialect::Postgres, false),
            [
                "WITH \"part_0\" AS (INSERT INTO \"x\" (\"a\") VALUES ($1)) SELECT \"b\" FROM \"q\" WHERE \"c\" = $2"
            ]
        );
        assert_eq!(
            beside(Dialect::MySql, true),
            [
                "BEGIN NOT ATOMIC INSERT INTO `x` (`a`) VALUES (?); SELECT `b` FROM `q` WHERE `c` = ?; END"
            ]
        );
        assert_eq!(
            beside(Dialect::MySql, false),
            ["INSERT INTO `x` (`a`) VALUES (?)", "SELECT `b` FROM `q` WHERE `c` = ?"]
        );
        let alone = Late::default().statements(Dialect::MySql, true, Some(question()));
        assert_eq!(alone[0].0, "SELECT `b` FROM `q` WHERE `c` = ?");
    }

    #[test]
    fn one_write_is_itself() {
        assert_eq!(
            statements(vec![(insert("x", 1), 1)], Dialect::MySql, true),
            ["INSERT INTO `x` (`a`) VALUES (?) [1]"]
        );
        assert!(statements(Vec::new(), Dialect::Sqlite, true).is_empty());
    }

    #[test]
    fn many_rows_go_alone_and_many_writes_in_turns() {
        let writes = vec![(insert("x", 1), 1), (insert("x", 2), 9), (insert("x", 3), 1)];
        let sizes: Vec<usize> = statements(writes, Dialect::Sqlite, true)
            .iter()
            .map(|sql| sql.matches("INSERT").count())
            .collect();
        assert_eq!(sizes, [1, 1, 1]);
        let writes = (0..13).map(|value| (insert("x", value), 1)).collect();
        let sizes: Vec<usize> = statements(writes, Dialect::MySql, true)
            .iter()
            .map(|sql| sql.matches("INSERT").count())
            .collect();
        assert_eq!(sizes, [12, 1]);
    }
}
