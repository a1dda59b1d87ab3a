//! Sharing of objects with projects, as the objects' own `shared` attribute says and shows it: `true` is sugar for a row
//! that shares the object with everybody.

use nucleon_db::Tx;
use nucleon_db::rbac::{self as store, ACCESS_AS_SHARED, EVERYBODY, Row};
use nucleon_model::{RbacPolicy, RbacPolicyId, Standard};

use crate::{Caller, Core, Result, quota};

/// Shares an object with everybody. Where it is so already, nothing changes.
pub(crate) async fn share_with_all<R: Standard>(
    core: &Core,
    tx: &mut Tx,
    object_type: &'static str,
    object: &R,
) -> Result<()> {
    open_to_all(core, tx, object_type, ACCESS_AS_SHARED, object).await
}

/// Lets everybody reach an object by an action. Where it is so already, nothing changes.
pub(crate) async fn open_to_all<R: Standard>(
    core: &Core,
    tx: &mut Tx,
    object_type: &'static str,
    action: &'static str,
    object: &R,
) -> Result<()> {
    let row = Row {
        id: RbacPolicyId::new(core.new_uuid()),
        project_id: object.project_id(),
        object_type,
        object_id: &object.id().to_string(),
        action,
        target_project: EVERYBODY,
    };
    if store::rbac_share(tx, &row).await? {
        quota::charge::<RbacPolicy>(tx, object.project_id(), 1);
    }
    Ok(())
}

/// Takes away by what action an object is shared, with one target or with whomever.
pub(crate) async fn close<R: Standard>(
    tx: &mut Tx,
    object_type: &'static str,
    action: &'static str,
    object: &R,
    target: Option<&str>,
) -> Result<()> {
    let id = object.id().to_string();
    let gone = store::rbac_unshare(tx, object_type, &id, action, target).await?;
    discharge(tx, &gone);
    Ok(())
}

/// Policies that went count no longer.
fn discharge(tx: &mut Tx, gone: &[(String, i64)]) {
    for (project, policies) in gone {
        quota::charge::<RbacPolicy>(tx, project, -policies);
    }
}

/// Forgets whom an object is shared with, as it goes.
pub(crate) async fn forget<R: Standard>(
    tx: &mut Tx,
    object_type: &'static str,
    object: &R,
) -> Result<()> {
    let gone = store::rbac_forget(tx, object_type, &object.id().to_string()).await?;
    discharge(tx, &gone);
    Ok(())
}

/// Sets for each object whether it is shared with the caller's project. One question for all.
pub(crate) async fn show<R: Standard>(
    tx: &mut Tx,
    caller: &Caller,
    object_type: &'static str,
    objects: &mut [R],
    mut set: impl FnMut(&mut R, bool),
) -> Result<()> {
    let ids: Vec<String> = objects.iter().map(|object| object.id().to_string()).collect();
    let project = caller.project_id();
    let shared = store::rbac_shared_among(tx, object_type, &ids, project, ACCESS_AS_SHARED).await?;
    for (object, id) in objects.iter_mut().zip(&ids) {
        set(object, shared.contains(id));
    }
    Ok(())
}
