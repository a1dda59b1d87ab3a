//! What is shared with whom: the rows behind `rbac-policies`, for conditions on the objects that they share.

use std::collections::BTreeSet;

use nucleon_model::{Cell, FIRST_REVISION, RbacPolicyId};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};

use crate::error::Result;
use crate::list::in_subquery;
use crate::resource;
use crate::tx::Tx;

/// The target that means every project.
pub const EVERYBODY: &str = "*";

/// `rbac_policies.action`: the object may be used by the target.
pub const ACCESS_AS_SHARED: &str = "access_as_shared";
/// `rbac_policies.action`: the network leads outside for the target.
pub const ACCESS_AS_EXTERNAL: &str = "access_as_external";

/// Objects of a type that are shared with a project by one of these actions.
pub(crate) fn shared_with(project: &str, object_type: &str, actions: &[&str]) -> SelectStatement {
    Query::select()
        .column(Alias::new("object_id"))
        .from(Alias::new("rbac_policies"))
        .and_where(Expr::col(Alias::new("object_type")).eq(object_type))
        .and_where(Expr::col(Alias::new("action")).is_in(actions.iter().copied()))
        .and_where(Expr::col(Alias::new("target_project")).is_in([project, EVERYBODY]))
        .to_owned()
}

/// The condition of a filter on `shared`: what is shared with the viewer (or, for one who sees all, with everybody), or
/// is not.
pub(crate) fn is_shared_as(values: &[Cell], viewer: Option<&str>, object_type: &str) -> SimpleExpr {
    let project = viewer.unwrap_or(EVERYBODY);
    let shared = || shared_with(project, object_type, &[ACCESS_AS_SHARED]);
    let id = || Expr::col(Alias::new("id"));
    match (values.contains(&Cell::Bool(true)), values.contains(&Cell::Bool(false))) {
        (true, true) => id().is_not_null(),
        (true, false) => id().in_subquery(shared()),
        (false, true) => id().not_in_subquery(shared()),
        (false, false) => id().is_null(),
    }
}

/// The condition that the object in `column` is shared with a project.
pub(crate) fn is_shared(column: &'static str, project: &str, object_type: &str) -> SimpleExpr {
    in_subquery(column, shared_with(project, object_type, &[ACCESS_AS_SHARED]))
}

/// One act of sharing.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub id: RbacPolicyId,
    /// Whose the row is: the object's project, for what the object's own attribute says.
    pub project_id: &'a str,
    pub object_type: &'a str,
    pub object_id: &'a str,
    pub action: &'a str,
    pub target_project: &'a str,
}

/// Shares an object; where it is so already, nothing changes.
pub async fn rbac_share(tx: &mut Tx, row: &Row<'_>) -> Result<()> {
    let values = [
        ("id", row.id.to_string()),
        ("project_id", row.project_id.to_owned()),
        ("object_type", row.object_type.to_owned()),
        ("object_id", row.object_id.to_owned()),
        ("action", row.action.to_owned()),
        ("target_project", row.target_project.to_owned()),
    ];
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("rbac_policies"))
        .columns(
            values.iter().map(|(column, _)| *column).chain(["revision_number"]).map(Alias::new),
        )
        .values_panic(
            values
                .into_iter()
                .map(|(_, value)| Expr::val(value))
                .chain([Expr::val(FIRST_REVISION)]),
        );
    tx.attempt(&insert).await.map(drop)
}

/// Takes all sharing of an object away.
pub async fn rbac_forget(tx: &mut Tx, object_type: &str, object_id: &str) -> Result<()> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("rbac_policies"))
        .and_where(Expr::col(Alias::new("object_type")).eq(object_type))
        .and_where(Expr::col(Alias::new("object_id")).eq(object_id));
    tx.execute(&delete).await.map(drop)
}

/// Which of these objects are shared with a project, by whatever row. One question for each 1,024 objects.
pub async fn rbac_shared_among(
    tx: &mut Tx,
    object_type: &str,
    ids: &[String],
    project: &str,
    action: &str,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = shared_with(project, object_type, &[action]);
        query.and_where(Expr::col(Alias::new("object_id")).is_in(resource::padded(chunk)));
        for row in tx.fetch_all(&query).await? {
            found.insert(row.at(0)?);
        }
    }
    Ok(found)
}

/// Whether an object is shared with a project by its name, rather than with everybody.
pub async fn rbac_is_shared_by_name(
    tx: &mut Tx,
    object_type: &str,
    object_id: &str,
    project: &str,
) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("rbac_policies"))
        .and_where(Expr::col(Alias::new("object_type")).eq(object_type))
        .and_where(Expr::col(Alias::new("object_id")).eq(object_id))
        .and_where(Expr::col(Alias::new("action")).eq(ACCESS_AS_SHARED))
        .and_where(Expr::col(Alias::new("target_project")).eq(project));
    Ok(tx.fetch_optional(&query).await?.is_some())
}
