//! What is shared with whom: the rows behind `rbac-policies`, for conditions on the objects that they share.

mod object;

use std::collections::BTreeSet;

use nucleon_model::{Cell, FIRST_REVISION, RbacPolicy, RbacPolicyId};
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, Query, SelectStatement, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible, Way};
use crate::resource;
use crate::tx::{Attempt, Tx};

pub use self::object::{Shareable, User, rbac_object_in_use, rbac_object_owner};
pub use nucleon_model::rbac_policy::EVERYBODY;

/// `rbac_policies.action`: the object may be used by the target.
pub const ACCESS_AS_SHARED: &str = "access_as_shared";
/// `rbac_policies.action`: the network leads outside for the target.
pub const ACCESS_AS_EXTERNAL: &str = "access_as_external";

/// Name of the unique key over object, action and target.
pub const RBAC_KEY: &str = "rbac_policies_object_uq";

impl Listing for RbacPolicy {
    /// A policy is its maker's business; its target sees the object.
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own(project)
    }
}

/// Objects of a type that are shared with a project by one of these actions.
pub(crate) fn shared_with(project: &str, object_type: &str, actions: &[&str]) -> SelectStatement {
    Query::select()
        .column(Alias::new("object_id"))
        .from(Alias::new("rbac_policies"))
        .cond_where(reaching(project, object_type, actions))
        .to_owned()
}

/// The way to what stands in `column` for objects of a type that are shared with a project by one of these actions.
pub(crate) fn way_of_sharing(
    column: &'static str,
    project: &str,
    object_type: &str,
    actions: &[&str],
) -> Way {
    let rows = reaching(project, object_type, actions);
    Way::Through { column, table: "rbac_policies", key: "object_id", rows }
}

/// The condition that a row lets a project reach an object.
pub(crate) fn reaching(project: &str, object_type: &str, actions: &[&str]) -> Cond {
    let col = |name| Expr::col((Alias::new("rbac_policies"), Alias::new(name)));
    Cond::all()
        .add(col("object_type").eq(object_type))
        .add(col("action").is_in(actions.iter().copied()))
        .add(col("target_project").is_in([project, EVERYBODY]))
}

/// The condition of a filter on `shared`: what is shared with the viewer (or, for one who sees all, with everybody), or
/// is not.
pub(crate) fn is_shared_as(values: &[Cell], viewer: Option<&str>, object_type: &str) -> SimpleExpr {
    is_shared_by("id", values, viewer, object_type)
}

/// As [`is_shared_as`], of what is shared with the object in `column`.
pub(crate) fn is_shared_by(
    column: &'static str,
    values: &[Cell],
    viewer: Option<&str>,
    object_type: &str,
) -> SimpleExpr {
    let project = viewer.unwrap_or(EVERYBODY);
    let shared = || shared_with(project, object_type, &[ACCESS_AS_SHARED]);
    let id = || Expr::col(Alias::new(column));
    match (values.contains(&Cell::Bool(true)), values.contains(&Cell::Bool(false))) {
        (true, true) => id().is_not_null(),
        (true, false) => id().in_subquery(shared()),
        (false, true) => id().not_in_subquery(shared()),
        (false, false) => id().is_null(),
    }
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

/// Shares an object; where it is so already, nothing changes. Answers whether something did.
pub async fn rbac_share(tx: &mut Tx, row: &Row<'_>) -> Result<bool> {
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
    Ok(matches!(tx.attempt(&insert).await?, Attempt::Done(_)))
}

/// Takes all sharing of an object away. Answers whose policies that were, and how many.
pub async fn rbac_forget(
    tx: &mut Tx,
    object_type: &str,
    object_id: &str,
) -> Result<Vec<(String, i64)>> {
    let of_object = Cond::all()
        .add(Expr::col(Alias::new("object_type")).eq(object_type))
        .add(Expr::col(Alias::new("object_id")).eq(object_id));
    take_away(tx, of_object).await
}

async fn take_away(tx: &mut Tx, condition: Cond) -> Result<Vec<(String, i64)>> {
    let project = || Alias::new("project_id");
    let mut query = Query::select();
    query
        .column(project())
        .expr(Func::count(Expr::col(project())))
        .from(Alias::new("rbac_policies"))
        .cond_where(condition.clone())
        .group_by_col(project());
    let gone = tx.fetch_map(&query, |row| Ok((row.at(0)?, row.at(1)?))).await?;
    if !gone.is_empty() {
        let mut delete = Query::delete();
        delete.from_table(Alias::new("rbac_policies")).cond_where(condition);
        tx.execute(&delete).await?;
    }
    Ok(gone)
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

/// By which actions a project reaches each of these objects, by whatever row. One question for each 1,024 objects.
pub async fn rbac_actions_among(
    tx: &mut Tx,
    object_type: &str,
    ids: &[String],
    project: &str,
) -> Result<BTreeSet<(String, String)>> {
    let mut found = BTreeSet::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = shared_with(project, object_type, &[ACCESS_AS_SHARED, ACCESS_AS_EXTERNAL]);
        query
            .column(Alias::new("action"))
            .and_where(Expr::col(Alias::new("object_id")).is_in(resource::padded(chunk)));
        for row in tx.fetch_all(&query).await? {
            found.insert((row.at(0)?, row.at(1)?));
        }
    }
    Ok(found)
}

/// Whom an object is shared with by an action.
pub async fn rbac_targets(
    tx: &mut Tx,
    object_type: &str,
    object_id: &str,
    action: &str,
) -> Result<Vec<String>> {
    let mut query = Query::select();
    query
        .column(Alias::new("target_project"))
        .from(Alias::new("rbac_policies"))
        .and_where(Expr::col(Alias::new("object_type")).eq(object_type))
        .and_where(Expr::col(Alias::new("object_id")).eq(object_id))
        .and_where(Expr::col(Alias::new("action")).eq(action));
    tx.fetch_all(&query).await?.iter().map(|row| row.at(0)).collect()
}

/// Takes away by what action an object is shared, with one target or with all of them. Answers whose policies that were,
/// and how many.
pub async fn rbac_unshare(
    tx: &mut Tx,
    object_type: &str,
    object_id: &str,
    action: &str,
    target: Option<&str>,
) -> Result<Vec<(String, i64)>> {
    let mut condition = Cond::all()
        .add(Expr::col(Alias::new("object_type")).eq(object_type))
        .add(Expr::col(Alias::new("object_id")).eq(object_id))
        .add(Expr::col(Alias::new("action")).eq(action));
    if let Some(target) = target {
        condition = condition.add(Expr::col(Alias::new("target_project")).eq(target));
    }
    take_away(tx, condition).await
}
