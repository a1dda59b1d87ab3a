//! What a viewer sees of a table, as conditions by which SQL finds it through indexes.

use nucleon_model::Resource;
use sea_query::{
    Alias, Asterisk, CaseStatement, Cond, Expr, ExprTrait, Query, SelectStatement, SimpleExpr,
    UnionType,
};

use super::in_subquery;
use crate::rbac;

/// What a viewer sees of a table.
#[derive(Debug)]
pub enum Visible {
    Everything,
    /// What meets a condition.
    Where(Cond),
    /// What one of these ways leads to, of what meets a condition.
    AnyOf {
        table: &'static str,
        ways: Vec<Way>,
        of: Cond,
    },
}

/// A way on which an index leads to what is seen.
#[derive(Debug, Clone)]
pub enum Way {
    /// Along a column of the table itself.
    Straight(SimpleExpr),
    /// Through another table, some of whose rows say in `key` what stands in `column`.
    Through { column: &'static str, table: &'static str, key: &'static str, rows: Cond },
}

impl Way {
    /// The same, where one more condition is met: by the rows of the other table if the way goes through one.
    pub(crate) fn and(self, condition: SimpleExpr) -> Self {
        match self {
            Self::Straight(first) => Self::Straight(first.and(condition)),
            Self::Through { column, table, key, rows } => {
                Self::Through { column, table, key, rows: Cond::all().add(rows).add(condition) }
            }
        }
    }

    /// What the way leads to. PostgreSQL and MariaDB join the other table, and begin there; SQLite makes a list of its keys.
    fn is(&self) -> SimpleExpr {
        match self {
            Self::Straight(condition) => condition.clone(),
            Self::Through { column, table, key, rows } => {
                let mut keys = Query::select();
                keys.column(Alias::new(*key)).from(Alias::new(*table)).cond_where(rows.clone());
                in_subquery(column, keys)
            }
        }
    }

    /// What the way does not lead to, of the rows of `from`. Each is asked about for itself, with its key. In a `CASE` the
    /// condition on the other table's rows leads PostgreSQL nowhere: it would read all that meet it for each row. (And a
    /// list of keys it would count as made anew for each, and rather walk along the whole table.)
    fn is_not(&self, from: &'static str) -> SimpleExpr {
        match self {
            Self::Straight(condition) => condition.clone().not(),
            Self::Through { column, table, key, rows } => {
                let own = (Alias::new(*table), Alias::new(*key));
                let meets = CaseStatement::new().case(rows.clone(), true).finally(false);
                let mut found = Query::select();
                found
                    .column(own.clone())
                    .from(Alias::new(*table))
                    .and_where(Expr::col(own).equals((Alias::new(from), Alias::new(*column))))
                    .and_where(Expr::Case(Box::new(meets)).eq(true));
                Expr::exists(found).not()
            }
        }
    }
}

impl Visible {
    /// Nobody's but the project's own; everything without a project.
    pub(crate) fn own(project: Option<&str>) -> Self {
        project.map_or(Self::Everything, |project| Self::Where(Cond::all().add(owns(project))))
    }

    /// The project's own, and what the ways of `others` lead to; everything without a project.
    pub(crate) fn own_and<R: Resource>(
        project: Option<&str>,
        others: impl FnOnce(&str) -> Vec<Way>,
    ) -> Self {
        project.map_or(Self::Everything, |project| Self::AnyOf {
            table: R::DECL.table,
            ways: [Way::Straight(owns(project))].into_iter().chain(others(project)).collect(),
            of: Cond::all(),
        })
    }

    /// The project's own, and objects that others let it share; everything without a project.
    pub(crate) fn own_and_shared<R: Resource>(project: Option<&str>, object_type: &str) -> Self {
        Self::own_and::<R>(project, |project| {
            let actions = &[rbac::ACCESS_AS_SHARED];
            vec![rbac::way_of_sharing("id", project, object_type, actions)]
        })
    }

    /// What refers by `column` to an object in `table` that the project owns; everything without a project.
    pub(crate) fn of_own(project: Option<&str>, column: &'static str, table: &'static str) -> Self {
        project.map_or(Self::Everything, |project| {
            Self::Where(Cond::all().add(in_subquery(column, ids_where(table, owns(project)))))
        })
    }

    /// As one condition.
    pub(crate) fn whole(self) -> Cond {
        match self {
            Self::Everything => Cond::all(),
            Self::Where(condition) => condition,
            Self::AnyOf { table, ways, of } => {
                Cond::all().add(of).add(among(ways.iter().map(|way| ids_where(table, way.is()))))
            }
        }
    }

    /// As conditions of which each record that is seen meets one. They spare a long list what [`Visible::whole`] costs:
    /// the identifiers of its records, kept aside, without doubles, and each looked up.
    pub(crate) fn parts(self) -> Vec<Cond> {
        let Self::AnyOf { table, ways, of } = self else { return vec![self.whole()] };
        let but_once = |(place, way): (usize, &Way)| {
            let part = Cond::all().add(of.clone()).add(way.is());
            ways.iter().take(place).fold(part, |part, other| part.add(other.is_not(table)))
        };
        ways.iter().enumerate().map(but_once).collect()
    }
}

/// What a project owns.
pub(crate) fn owns(project: &str) -> SimpleExpr {
    Expr::col(Alias::new("project_id")).eq(project)
}

/// Objects whose identifiers one of these queries finds, each by an index.
///
/// That is a union, for with an `OR` over several tables PostgreSQL and MariaDB look at every row there is, whoever owns
/// it. And it is a union in a derived table, for MariaDB would run a bare one once for each row.
pub(super) fn among(queries: impl IntoIterator<Item = SelectStatement>) -> Cond {
    let mut queries = queries.into_iter();
    let Some(mut union) = queries.next() else { return Cond::any() };
    for query in queries {
        union.union(UnionType::Distinct, query);
    }
    Cond::all().add(in_subquery("id", all_from(union, "seen")))
}

/// `SELECT * FROM (…) AS name`
pub(super) fn all_from(query: SelectStatement, name: &'static str) -> SelectStatement {
    Query::select().expr(Expr::col(Asterisk)).from_subquery(query, Alias::new(name)).to_owned()
}

/// `SELECT id FROM table`
pub(super) fn ids(table: &'static str) -> SelectStatement {
    Query::select().column(Alias::new("id")).from(Alias::new(table)).to_owned()
}

/// `SELECT id FROM table WHERE …`
pub(crate) fn ids_where(table: &'static str, condition: SimpleExpr) -> SelectStatement {
    ids(table).and_where(condition).to_owned()
}
