//! RBAC policies: sharing objects with projects.

use nucleon_db::rbac::{
    self as store, ACCESS_AS_EXTERNAL, ACCESS_AS_SHARED, EVERYBODY, RBAC_KEY, Shareable, User,
};
use nucleon_db::{Tx, resource};
use nucleon_model::{
    Network, NetworkId, RbacPolicy, RbacPolicyDraft, SharedObjectId, SharedType, SubnetPool,
    TargetProject, Timestamp,
};

use crate::entity::Entity;
use crate::network::sharing::unable_to_unshare;
use crate::segment::invalid_input;
use crate::{Caller, Core, Error, Kind, Operations, Result, subnetpool};

impl Entity for RbacPolicy {
    const OPERATIONS: Operations = Operations::PLAIN;

    fn of(draft: &RbacPolicyDraft) -> Self {
        let target = draft.target_project.get().map(TargetProject::as_str);
        Self {
            object_type: draft.object_type.get().copied().unwrap_or_default(),
            object_id: draft.object_id.get().copied().unwrap_or_default(),
            target_project: target.unwrap_or_default().to_owned(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            action: draft.action.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &RbacPolicyDraft,
    ) -> Result<()> {
        if !draft.object_type.is_given() {
            return Err(no_type("None"));
        }
        let shareable = shareable(self)?;
        check_action(self, shareable)?;
        owner_for(tx, caller, self, shareable).await?;
        check_reach(tx, self).await
    }

    async fn created(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        follow(core, tx, caller, self, None, now).await
    }

    async fn change(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: RbacPolicyDraft,
    ) -> Result<()> {
        let before = self.clone();
        if let Some(target) = draft.target_project.get() {
            target.as_str().clone_into(&mut self.target_project);
        }
        // The rule about targets is about the new one.
        core.authorise_update(caller, &draft, self)?;
        let shareable = shareable(self)?;
        let owner = owner_for(tx, caller, self, shareable).await?;
        let needless = self.object_type != SharedType::Network && self.target_project == EVERYBODY;
        if self.target_project == before.target_project || needless {
            return Ok(());
        }
        check_unused(tx, &before, shareable, &owner, Some(&self.target_project)).await
    }

    async fn changed(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        _: &Self,
        now: Timestamp,
    ) -> Result<()> {
        follow(core, tx, caller, self, None, now).await
    }

    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        let shareable = shareable(self)?;
        let owner = owner(tx, self, shareable).await?;
        check_unused(tx, self, shareable, &owner, None).await?;
        follow(core, tx, caller, self, Some(self), now).await
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        if error.is_conflict_on(RBAC_KEY) {
            return Error::conflict(
                "DuplicateRbacPolicy",
                "An RBAC policy already exists with those values.",
            );
        }
        error.into()
    }
}

fn no_type(name: &str) -> Error {
    invalid_input(format!("'{name}' is not a valid RBAC object type"))
}

fn shareable(policy: &RbacPolicy) -> Result<&'static Shareable> {
    Shareable::of(policy.object_type).ok_or_else(|| no_type(policy.object_type.as_str()))
}

fn check_action(policy: &RbacPolicy, shareable: &Shareable) -> Result<()> {
    if shareable.actions().any(|action| action == policy.action) {
        return Ok(());
    }
    let valid: Vec<String> = shareable.actions().map(|action| format!("'{action}'")).collect();
    // As Python writes a tuple, which with one element ends in a comma.
    let valid = match valid.as_slice() {
        [only] => format!("({only},)"),
        several => format!("({})", several.join(", ")),
    };
    Err(Error::invalid(
        "InvalidActionForType",
        format!(
            "Invalid action '{}' for object type '{}'. Valid actions: {valid}",
            policy.action, policy.object_type
        ),
    ))
}

/// Whose the shared object is, which is held from here on.
async fn owner(tx: &mut Tx, policy: &RbacPolicy, shareable: &Shareable) -> Result<String> {
    let id = policy.object_id.to_string();
    let owner = store::rbac_object_owner(tx, shareable, &id).await?;
    owner.ok_or_else(|| Error::not_found(shareable.decl, id))
}

/// As [`owner`], if the caller may share the object. To whom does not see it, it is not there.
async fn owner_for(
    tx: &mut Tx,
    caller: &Caller,
    policy: &RbacPolicy,
    shareable: &Shareable,
) -> Result<String> {
    let owner = owner(tx, policy, shareable).await?;
    let project = caller.project_id();
    if caller.is_admin() || owner == project {
        return Ok(owner);
    }
    let ids = [policy.object_id.to_string()];
    let object_type = policy.object_type.as_str();
    if store::rbac_actions_among(tx, object_type, &ids, project).await?.is_empty() {
        return Err(Error::not_found(shareable.decl, policy.object_id));
    }
    let what = if policy.object_type == SharedType::Network { "networks" } else { "objects" };
    Err(invalid_input(format!("Only admins can manipulate policies on {what} they do not own")))
}

/// A pool is of no use to whom does not reach the scope that it is in.
async fn check_reach(tx: &mut Tx, policy: &RbacPolicy) -> Result<()> {
    if policy.object_type != SharedType::Subnetpool {
        return Ok(());
    }
    let pool: Option<SubnetPool> = resource::get(tx, policy.object_id.to_string()).await?;
    let Some(pool) = pool else { return Ok(()) };
    let reached = subnetpool::check_shareable(&pool, tx, &policy.target_project).await;
    reached.map_err(|error| match error.kind() {
        Kind::Invalid => invalid_input(error.message()),
        _ => error,
    })
}

/// Refuses while something rests on an object's being shared with everybody, which is to end. In Neutron that is also what
/// its own project does with it.
pub(crate) async fn check_unshared(
    tx: &mut Tx,
    object_type: SharedType,
    object_id: SharedObjectId,
) -> Result<()> {
    let policy = RbacPolicy {
        object_type,
        object_id,
        action: ACCESS_AS_SHARED.to_owned(),
        target_project: EVERYBODY.to_owned(),
        ..RbacPolicy::default()
    };
    check_unused(tx, &policy, shareable(&policy)?, "", None).await
}

/// Refuses while something rests on a policy that goes, or gets another target.
async fn check_unused(
    tx: &mut Tx,
    policy: &RbacPolicy,
    shareable: &Shareable,
    owner: &str,
    next: Option<&str>,
) -> Result<()> {
    let (object_type, id) = (policy.object_type.as_str(), policy.object_id.to_string());
    let external = policy.action == ACCESS_AS_EXTERNAL;
    // What is one's own is used without a policy; only to lead a router outside takes one.
    if policy.target_project == owner && !external {
        return Ok(());
    }
    if external && policy.target_project == EVERYBODY {
        check_no_default(tx, &id).await?;
    }
    let mut targets = store::rbac_targets(tx, object_type, &id, &policy.action).await?;
    let everybody = targets.iter().any(|target| target == EVERYBODY);
    let user = if policy.target_project == EVERYBODY {
        targets.retain(|target| target != EVERYBODY);
        let also = if external { next } else { Some(owner) };
        targets.extend(also.map(str::to_owned));
        User::Another(&targets)
    } else if everybody {
        return Ok(());
    } else {
        User::Project(&policy.target_project)
    };
    if !store::rbac_object_in_use(tx, shareable, &id, &policy.action, user).await? {
        return Ok(());
    }
    let details = match policy.object_type {
        SharedType::Network if external => {
            "There are routers attached to this network that depend on this policy for access."
                .to_owned()
        }
        SharedType::Network => unable_to_unshare(&id),
        _ => format!("project_id={}", policy.target_project),
    };
    Err(in_use(&id, &details))
}

/// Through the default external network every project's first router leads outside.
async fn check_no_default(tx: &mut Tx, id: &str) -> Result<()> {
    let network: Option<Network> = resource::get(tx, id.to_owned()).await?;
    if network.is_some_and(|network| network.is_default) {
        return Err(in_use(id, "Default external networks must be shared to everyone."));
    }
    Ok(())
}

fn in_use(id: &str, details: &str) -> Error {
    Error::conflict(
        "RbacPolicyInUse",
        format!(
            "RBAC policy on object {id} cannot be removed because other objects depend on \
             it.\nDetails: {details}"
        ),
    )
}

/// A network's row says of its policies what nearly everybody asks.
async fn follow(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    policy: &RbacPolicy,
    leaving: Option<&RbacPolicy>,
    now: Timestamp,
) -> Result<()> {
    if policy.object_type != SharedType::Network {
        return Ok(());
    }
    let id = NetworkId::new(policy.object_id.uuid());
    core.network_follow_sharing(tx, caller, id, leaving, now).await
}
