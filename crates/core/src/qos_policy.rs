//! QoS policies, and what comes under them.

mod request;
mod support;

use std::collections::BTreeMap;

use nucleon_db::qos_policy::{self as store, DEFAULT_KEY, OBJECT_TYPE};
use nucleon_db::rbac::{ACCESS_AS_SHARED, EVERYBODY};
use nucleon_db::{Tx, qos_rule as rules};
use nucleon_model::view::Scope;
use nucleon_model::{
    Field, NetworkId, QosPolicy, QosPolicyDraft, QosPolicyId, QosRule, SharedObjectId, SharedType,
    Timestamp,
};

pub(crate) use self::request::show_requests;
pub(crate) use self::support::{check_network, check_port, check_ports_on, check_rule};

use crate::entity::{self, Entity};
use crate::{Caller, Core, Error, Kind, Operations, Result, rbac_policy, sharing};

impl Entity for QosPolicy {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &QosPolicyDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            shared: draft.shared.get().copied().unwrap_or_default(),
            is_default: draft.is_default.get().copied().unwrap_or_default(),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        _: &QosPolicyDraft,
    ) -> Result<()> {
        settle_default(self, tx).await
    }

    async fn created(&mut self, core: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if self.shared {
            sharing::share_with_all(core, tx, OBJECT_TYPE, self).await?;
        }
        Ok(())
    }

    async fn change(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        draft: QosPolicyDraft,
    ) -> Result<()> {
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        draft.shared.apply(&mut self.shared);
        draft.is_default.apply(&mut self.is_default);
        settle_default(self, tx).await
    }

    async fn changed(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        _: &Caller,
        before: &Self,
        _: Timestamp,
    ) -> Result<()> {
        match (before.shared, self.shared) {
            (false, true) => sharing::share_with_all(core, tx, OBJECT_TYPE, self).await,
            (true, false) => {
                let id = SharedObjectId::new(self.id.uuid());
                let kind = SharedType::QosPolicy;
                rbac_policy::check_unshared(tx, kind, id).await?;
                let everybody = Some(EVERYBODY);
                sharing::close(tx, OBJECT_TYPE, ACCESS_AS_SHARED, self, everybody).await
            }
            _ => Ok(()),
        }
    }

    /// The rules go with their policy.
    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, _: Timestamp) -> Result<()> {
        if let Some((kind, user)) = store::qos_policy_user(tx, self.id).await? {
            return Err(Error::conflict(
                "QosPolicyInUse",
                format!("QoS Policy {} is used by {kind} {user}.", self.id),
            ));
        }
        sharing::forget(tx, OBJECT_TYPE, self).await
    }

    async fn complete(_: &Core, tx: &mut Tx, caller: &Caller, objects: &mut [Self]) -> Result<()> {
        sharing::show(tx, caller, OBJECT_TYPE, objects, |policy, shared| policy.shared = shared)
            .await?;
        let ids: Vec<QosPolicyId> = objects.iter().map(|policy| policy.id).collect();
        let mut rules = by_policy(rules::qos_rule_list_of(tx, &ids).await?);
        for policy in objects {
            policy.rules = rules.remove(&policy.id).unwrap_or_default();
        }
        Ok(())
    }

    /// Neutron's first page, which would have clients turn pages for ever, comes to this where they see nothing else.
    fn no_marker(_: &str) -> Result<Vec<Self>> {
        Ok(Vec::new())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::QosPolicy(self.id)]
    }

    fn refused(&self, error: nucleon_db::Error) -> Error {
        match error {
            error if error.is_conflict_on(DEFAULT_KEY) => has_default(&self.project_id),
            // Something came under it meanwhile.
            nucleon_db::Error::Reference { .. } => Error::collided(),
            error => error.into(),
        }
    }
}

pub(crate) fn by_policy(rules: Vec<QosRule>) -> BTreeMap<QosPolicyId, Vec<QosRule>> {
    let mut found: BTreeMap<QosPolicyId, Vec<QosRule>> = BTreeMap::new();
    for rule in rules {
        found.entry(rule.qos_policy_id).or_default().push(rule);
    }
    found
}

/// A project has one default policy.
async fn settle_default(policy: &mut QosPolicy, tx: &mut Tx) -> Result<()> {
    policy.default_for = policy.is_default.then(|| policy.project_id.clone());
    if !policy.is_default {
        return Ok(());
    }
    match store::qos_policy_default(tx, &policy.project_id).await? {
        Some(other) if other != policy.id => Err(has_default(&policy.project_id)),
        _ => Ok(()),
    }
}

fn has_default(project: &str) -> Error {
    Error::conflict(
        "QoSPolicyDefaultAlreadyExists",
        format!("A default QoS policy exists for project {project}."),
    )
}

/// The policy that something comes under by a request: one that the caller sees, with its rules.
///
/// It is not held: what comes under it refers to it, and the database holds it for that.
pub(crate) async fn wanted(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    id: QosPolicyId,
) -> Result<QosPolicy> {
    entity::load_in_sight(core, tx, caller, id).await
}

/// Brings something under the policy that a request names, or under none. Returns the policy where it is another one than
/// before.
///
/// # Errors
/// The new policy is not there for the caller, or the one before was put there by somebody whose policy the caller does
/// not see.
pub(crate) async fn change(
    core: &Core,
    tx: &mut Tx,
    caller: &Caller,
    current: &mut Option<QosPolicyId>,
    wanted_id: &Field<QosPolicyId>,
) -> Result<Option<QosPolicy>> {
    if !wanted_id.is_given() {
        return Ok(None);
    }
    let next = wanted_id.get().copied();
    if next == *current {
        return Ok(None);
    }
    if let Some(before) = *current {
        let seen = wanted(core, tx, caller, before).await;
        seen.map_err(|error| match error.kind() {
            Kind::NotFound => Error::new(
                Kind::Forbidden,
                "PolicyRemoveAuthorizationError",
                format!(
                    "Failed to remove provided policy {before} because you are not authorized."
                ),
            ),
            _ => error,
        })?;
    }
    *current = next;
    match next {
        Some(id) => wanted(core, tx, caller, id).await.map(Some),
        None => Ok(None),
    }
}

/// The policy of a new network that names none: its project's default one, if the caller sees it.
pub(crate) async fn default_of(tx: &mut Tx, project: &str) -> Result<Option<QosPolicyId>> {
    Ok(store::qos_policy_default(tx, project).await?)
}

/// The policies of the networks that things are on.
pub(crate) async fn of_networks(
    tx: &mut Tx,
    networks: impl Iterator<Item = NetworkId>,
) -> Result<BTreeMap<NetworkId, QosPolicyId>> {
    let networks: Vec<NetworkId> = networks.collect();
    Ok(store::qos_policies_of_networks(tx, &networks).await?)
}
