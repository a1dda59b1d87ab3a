//! Security groups.

mod default;

use std::collections::BTreeSet;

use nucleon_db::default_security_group_rule::{For, default_rule_list_for};
use nucleon_db::log::Logged;
use nucleon_db::security_group::{self as store, DEFAULT_KEY, OBJECT_TYPE};
use nucleon_db::{
    Operation, Tx, resource, security_group_rule as rules, statefulness as statefulnesses,
};
use nucleon_model::view::Scope;
use nucleon_model::{
    Field, ListQuery, SecurityGroup, SecurityGroupDraft, SecurityGroupId, SecurityGroupRule,
    Timestamp,
};

pub(crate) use default::DefaultGroups;

use crate::change::emit;
use crate::entity::Entity;
use crate::security_group_rule::from_template;
use crate::sharing;
use crate::{Caller, Core, Error, Operations, Result, quota};

/// The name that only the group that every project has may have.
const DEFAULT: &str = "default";

impl Entity for SecurityGroup {
    const OPERATIONS: Operations = Operations::all();

    fn of(draft: &SecurityGroupDraft) -> Self {
        Self {
            name: draft.name.get().cloned().unwrap_or_default(),
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            stateful: draft.stateful.get().copied().unwrap_or(true),
            description: draft.description.get().cloned().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        draft: &SecurityGroupDraft,
    ) -> Result<()> {
        check_name(&self.name)?;
        // A group that is asked for, its rules are asked for with.
        quota::limit::<SecurityGroupRule>(tx);
        core.default_group(tx, caller, &self.project_id, self.created_at).await?;
        if draft.stateful.is_absent() {
            self.stateful = statefulnesses::stateful_by_default(tx, &self.project_id).await?;
        }
        Ok(())
    }

    /// Its first rules.
    async fn created(
        &mut self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        let kind = if self.is_default() { For::DefaultGroups } else { For::OtherGroups };
        let templates = default_rule_list_for(tx, kind).await?;
        let templates = default::usable(tx, templates).await?;
        self.security_group_rules =
            templates.iter().map(|template| from_template(core, self, template, now)).collect();
        resource::insert(tx, &self.security_group_rules).await?;
        for rule in &self.security_group_rules {
            emit(tx, caller, Operation::Create, rule, &rule.scopes());
        }
        Ok(())
    }

    async fn change(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        draft: SecurityGroupDraft,
    ) -> Result<()> {
        if let Field::Value(name) = &draft.name {
            check_name(name)?;
        }
        if draft.stateful.apply(&mut self.stateful)
            && store::security_group_in_use(tx, self.id).await?
        {
            return Err(in_use(self.id));
        }
        if self.is_default() && draft.name.is_given() {
            return Err(Error::conflict(
                "SecurityGroupCannotUpdateDefault",
                "Updating default security group not allowed.",
            ));
        }
        draft.name.apply(&mut self.name);
        draft.description.apply(&mut self.description);
        Ok(())
    }

    /// With a group go its rules, and the rules of others that name it.
    async fn release(
        &self,
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<()> {
        if store::security_group_in_use(tx, self.id).await? {
            return Err(in_use(self.id));
        }
        if self.is_default() {
            if !caller.is_admin() {
                return Err(Error::conflict(
                    "SecurityGroupCannotRemoveDefault",
                    "Insufficient rights for removing default security group.",
                ));
            }
            core.default_groups().forget(&self.project_id);
        }
        let gone = rules::security_group_rule_list_about(tx, self.id).await?;
        rules::security_group_rule_delete_about(tx, self.id).await?;
        let others: BTreeSet<SecurityGroupId> = gone
            .iter()
            .map(|rule| rule.security_group_id)
            .filter(|group| *group != self.id)
            .collect();
        let others: Vec<SecurityGroupId> = others.into_iter().collect();
        store::security_group_touch(tx, &others, now).await?;
        for rule in &gone {
            emit(tx, caller, Operation::Delete, rule, &rule.scopes());
        }
        crate::log::logged_goes(tx, caller, Logged::Group(self.id)).await?;
        sharing::forget(tx, OBJECT_TYPE, self).await
    }

    async fn complete(_: &Core, tx: &mut Tx, caller: &Caller, objects: &mut [Self]) -> Result<()> {
        store::security_group_complete(tx, objects).await?;
        sharing::show(tx, caller, OBJECT_TYPE, objects, |group, shared| group.shared = shared).await
    }

    async fn anticipate(core: &Core, caller: &Caller, query: &ListQuery) -> Result<()> {
        core.expect_default_group::<Self>(caller, query).await
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::SecurityGroup(self.id)]
    }

    /// Another made the project's default group at the same time, or put a port or a rule where there was none: look
    /// again.
    fn refused(&self, error: nucleon_db::Error) -> Error {
        if error.is_conflict_on(DEFAULT_KEY) || matches!(error, nucleon_db::Error::Reference { .. })
        {
            return Error::collided();
        }
        error.into()
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.to_lowercase() == DEFAULT {
        return Err(Error::conflict(
            "SecurityGroupDefaultAlreadyExists",
            "Default security group already exists.",
        ));
    }
    Ok(())
}

fn in_use(id: SecurityGroupId) -> Error {
    Error::conflict("SecurityGroupInUse", format!("Security Group {id} in use."))
}
