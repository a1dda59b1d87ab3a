//! What a viewer sees of a table, as conditions by which SQL finds it through indexes.

use nucleon_model::Resource;
use sea_query::{
    Alias, Asterisk, Cond, Expr, ExprTrait, Query, SelectStatement, SimpleExpr, UnionType,
};

use super::in_subquery;
use crate::rbac;

/// What a viewer sees of a table.
#[derive(Debug)]
pub enum Visible {
    Everything,
    /// What meets a condition.
    Where(Cond),
    /// What meets one of these conditions, each of which an index leads to.
    AnyOf {
        table: &'static str,
        conditions: Vec<SimpleExpr>,
    },
}

impl Visible {
    /// Nobody's but the project's own; everything without a project.
    pub(crate) fn own(project: Option<&str>) -> Self {
        project.map_or(Self::Everything, |project| Self::Where(Cond::all().add(owns(project))))
    }

    /// The project's own, and what meets one of the conditions of `others`; everything without a project.
    pub(crate) fn own_and<R: Resource>(
        project: Option<&str>,
        others: impl FnOnce(&str) -> Vec<SimpleExpr>,
    ) -> Self {
        project.map_or(Self::Everything, |project| Self::AnyOf {
            table: R::DECL.table,
            conditions: [owns(project)].into_iter().chain(others(project)).collect(),
        })
    }

    /// The project's own, and objects that others let it share; everything without a project.
    pub(crate) fn own_and_shared<R: Resource>(project: Option<&str>, object_type: &str) -> Self {
        Self::own_and::<R>(project, |project| {
            let actions = &[rbac::ACCESS_AS_SHARED];
            vec![in_subquery("id", rbac::shared_with(project, object_type, actions))]
        })
    }

    /// What refers by `column` to an object in `table` that the project owns; everything without a project.
    pub(crate) fn of_own(project: Option<&str>, column: &'static str, table: &'static str) -> Self {
        project.map_or(Self::Everything, |project| {
            Self::Where(Cond::all().add(in_subquery(column, ids_where(table, owns(project)))))
        })
    }

    /// As one condition, for what is sorted by SQL.
    pub(crate) fn whole(self) -> Cond {
        match self {
            Self::Everything => Cond::all(),
            Self::Where(condition) => condition,
            Self::AnyOf { table, conditions } => {
                among(conditions.into_iter().map(|condition| ids_where(table, condition)))
            }
        }
    }

    /// As conditions of which each record that is seen meets one. They spare a long list what [`Visible::whole`] costs:
    /// the identifiers of its records, kept aside, without doubles, and each looked up.
    pub(crate) fn parts(self) -> Vec<Cond> {
        let Self::AnyOf { conditions, .. } = self else { return vec![self.whole()] };
        let but_once = |(place, condition): (usize, &SimpleExpr)| {
            let before = conditions.iter().take(place);
            before
                .fold(Cond::all().add(condition.clone()), |all, other| all.add(other.clone().not()))
        };
        conditions.iter().enumerate().map(but_once).collect()
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

/// `SELECT id FROM table WHERE …`, for conditions that lean on another table.
pub(crate) fn ids_where(table: &'static str, condition: SimpleExpr) -> SelectStatement {
    ids(table).and_where(condition).to_owned()
}
