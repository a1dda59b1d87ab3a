//! Rules of security groups.
//!
//! The rules of one request are of one group. Two requests that both find that a rule is new meet at a unique key, so that
//! the group is held for its new revision alone, at the end. Three statements and what is looked up of the other ends, however
//! many rules.

mod traffic;

use std::collections::BTreeSet;

use nucleon_db::security_group::{self as groups, Hold};
use nucleon_db::{
    Operation, Tx, address_group as address_groups, rbac, security_group_rule as store,
};
use nucleon_model::default_security_group_rule::PARENT_GROUP;
use nucleon_model::view::Scope;
use nucleon_model::{
    AddressGroup, AddressGroupId, DefaultSecurityGroupRule, ListQuery, Resource, SecurityGroup,
    SecurityGroupId, SecurityGroupRule, SecurityGroupRuleDraft, SecurityGroupRuleId, Standard,
    Timestamp,
};

pub(crate) use traffic::Traffic;

use crate::change::emit;
use crate::entity::Entity;
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for SecurityGroupRule {
    const OPERATIONS: Operations = Operations::LIST
        .union(Operations::SHOW)
        .union(Operations::CREATE)
        .union(Operations::DELETE)
        .union(Operations::BULK);

    fn of(draft: &SecurityGroupRuleDraft) -> Self {
        let traffic = Traffic::of(draft);
        Self {
            project_id: draft.project_id.get().cloned().unwrap_or_default(),
            security_group_id: id_in(draft.security_group_id.get()).unwrap_or_default(),
            direction: traffic.direction,
            ethertype: traffic.ethertype,
            protocol: traffic.protocol,
            port_range_min: traffic.port_range_min,
            port_range_max: traffic.port_range_max,
            remote_ip_prefix: traffic.remote_ip_prefix,
            normalized_cidr: traffic.remote_ip_prefix.map(|prefix| prefix.trunc()),
            remote_group_id: id_in(traffic.remote_group.as_ref()),
            remote_address_group_id: id_in(traffic.remote_address_group.as_ref()),
            description: Some(draft.description.get().cloned().unwrap_or_default()),
            ..Self::default()
        }
    }

    /// Whose the groups are.
    async fn load_parents(tx: &mut Tx, objects: &mut [Self]) -> Result<()> {
        let ids: BTreeSet<SecurityGroupId> =
            objects.iter().map(|rule| rule.security_group_id).collect();
        let ids: Vec<SecurityGroupId> = ids.into_iter().collect();
        let parents = groups::security_group_get_all(tx, &ids, Hold::No).await?;
        for rule in objects {
            let parent = parents.iter().find(|group| group.id == rule.security_group_id);
            rule.parent_project = parent.map(|group| group.project_id.clone());
        }
        Ok(())
    }

    async fn create_all(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        drafts: Vec<SecurityGroupRuleDraft>,
        now: Timestamp,
    ) -> Result<Vec<Self>> {
        let id = group_of(&drafts)?;
        let traffic: Vec<Result<Traffic>> =
            drafts.iter().map(|draft| Traffic::of(draft).checked()).collect();
        let fingerprints: Vec<String> =
            traffic.iter().flatten().map(|traffic| traffic.key().to_string()).collect();
        let found = store::security_group_with_rules_like(tx, id, &fingerprints).await?;
        let (group, held) = found.ok_or_else(|| Error::not_found(SecurityGroup::DECL, id))?;
        for draft in &drafts {
            let standing =
                Self { parent_project: Some(group.project_id.clone()), ..Self::of(draft) };
            core.authorise_create(caller, draft, &standing)?;
        }
        let project = project_of(caller, &drafts)?;
        let traffic = traffic.into_iter().collect::<Result<Vec<_>>>()?;
        check_remote_groups(tx, caller, &project, &group, &traffic).await?;
        check_remote_addresses(tx, caller, &project, &traffic).await?;
        check_duplicates(&traffic, &held)?;
        let rules: Vec<Self> = drafts
            .iter()
            .zip(traffic)
            .map(|(draft, traffic)| {
                let mut rule = Self {
                    project_id: project.clone(),
                    parent_project: Some(group.project_id.clone()),
                    belongs_to_default_sg: group.is_default(),
                    protocol: traffic.protocol,
                    port_range_min: traffic.port_range_min,
                    port_range_max: traffic.port_range_max,
                    ..Self::of(draft)
                };
                rule.mark_new(SecurityGroupRuleId::new(core.new_uuid()), now);
                rule.fingerprint = Some(Traffic::of_rule(&rule).key().to_string());
                rule
            })
            .collect();
        for rule in &rules {
            emit(tx, caller, Operation::Create, rule, &rule.scopes());
        }
        // What others wait for comes last.
        tx.write_changes()?;
        store::security_group_rule_add(tx, group.id, &rules, now);
        Ok(rules)
    }

    async fn release(&self, _: &Core, tx: &mut Tx, _: &Caller, now: Timestamp) -> Result<()> {
        Ok(groups::security_group_touch(tx, &[self.security_group_id], now).await?)
    }

    async fn anticipate(core: &Core, caller: &Caller, query: &ListQuery) -> Result<()> {
        core.expect_default_group::<Self>(caller, query).await
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::SecurityGroup(self.security_group_id)]
    }
}

impl Traffic {
    fn of(draft: &SecurityGroupRuleDraft) -> Self {
        Self {
            direction: draft.direction.get().copied().unwrap_or_default(),
            ethertype: draft.ethertype.get().copied().unwrap_or_default(),
            protocol: draft.protocol.get().cloned().flatten(),
            port_range_min: draft.port_range_min.get().map(|port| i64::from(port.0)),
            port_range_max: draft.port_range_max.get().map(|port| i64::from(port.0)),
            remote_ip_prefix: draft.remote_ip_prefix.get().and_then(|prefix| prefix.0),
            remote_group: given(draft.remote_group_id.get()),
            remote_address_group: given(draft.remote_address_group_id.get()),
        }
    }

    fn of_rule(rule: &SecurityGroupRule) -> Self {
        Self {
            direction: rule.direction,
            ethertype: rule.ethertype,
            protocol: rule.protocol.clone(),
            port_range_min: rule.port_range_min,
            port_range_max: rule.port_range_max,
            remote_ip_prefix: rule.remote_ip_prefix,
            remote_group: rule.remote_group_id.map(|group| group.to_string()),
            remote_address_group: rule.remote_address_group_id.map(|group| group.to_string()),
        }
    }
}

/// An identifier that a request names, the empty text being none.
pub(crate) fn given(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

pub(crate) fn id_in<I: std::str::FromStr>(text: Option<&String>) -> Option<I> {
    text.and_then(|text| text.parse().ok())
}

/// A rule that a new group begins with.
pub(crate) fn from_template(
    core: &Core,
    group: &SecurityGroup,
    template: &DefaultSecurityGroupRule,
    now: Timestamp,
) -> SecurityGroupRule {
    let remote_group = match template.remote_group_id.as_deref() {
        Some(PARENT_GROUP) => Some(group.id),
        Some(other) => other.parse().ok(),
        None => None,
    };
    let mut rule = SecurityGroupRule {
        project_id: group.project_id.clone(),
        security_group_id: group.id,
        direction: template.direction,
        ethertype: template.ethertype,
        protocol: template.protocol.clone(),
        port_range_min: template.port_range_min,
        port_range_max: template.port_range_max,
        remote_ip_prefix: template.remote_ip_prefix,
        normalized_cidr: template.remote_ip_prefix.map(|prefix| prefix.trunc()),
        remote_group_id: remote_group,
        remote_address_group_id: template.remote_address_group_id,
        belongs_to_default_sg: group.is_default(),
        ..SecurityGroupRule::default()
    };
    rule.mark_new(SecurityGroupRuleId::new(core.new_uuid()), now);
    rule
}

/// The one group that all rules of a request are for.
fn group_of(drafts: &[SecurityGroupRuleDraft]) -> Result<SecurityGroupId> {
    let named: BTreeSet<&str> = drafts
        .iter()
        .filter_map(|draft| draft.security_group_id.get())
        .map(String::as_str)
        .collect();
    let mut named = named.into_iter();
    let name = named.next().unwrap_or_default();
    if named.next().is_some() {
        return Err(Error::invalid(
            "SecurityGroupNotSingleGroupRules",
            "Only allowed to update rules for one security profile at a time",
        ));
    }
    name.parse().map_err(|_| Error::not_found(SecurityGroup::DECL, name))
}

/// The one project that all rules of a request are for.
fn project_of(caller: &Caller, drafts: &[SecurityGroupRuleDraft]) -> Result<String> {
    let projects: BTreeSet<String> =
        drafts.iter().map(|draft| caller.project_of(&draft.project_id)).collect();
    let mut projects = projects.into_iter();
    match (projects.next(), projects.next()) {
        (project, None) => Ok(project.unwrap_or_default()),
        _ => Err(Error::invalid(
            "SecurityGroupRulesNotSingleProject",
            "Multiple project_ids in bulk security group rule create not allowed",
        )),
    }
}

/// The groups at the other end must be the project's, or shared with it.
async fn check_remote_groups(
    tx: &mut Tx,
    caller: &Caller,
    project: &str,
    own: &SecurityGroup,
    traffic: &[Traffic],
) -> Result<()> {
    let named = distinct(traffic.iter().filter_map(|traffic| traffic.remote_group.as_ref()));
    let missing = |name: &str| Error::not_found(SecurityGroup::DECL, name);
    let wanted = parsed::<SecurityGroupId>(&named, missing)?;
    let others: Vec<SecurityGroupId> = wanted.into_iter().filter(|id| *id != own.id).collect();
    let there: Vec<(String, String)> = groups::security_group_get_all(tx, &others, Hold::No)
        .await?
        .into_iter()
        .map(|group| (group.id.to_string(), group.project_id))
        .collect();
    let wanted = others.iter().map(ToString::to_string);
    check_usable(tx, (caller, project), groups::OBJECT_TYPE, wanted, &there, missing).await
}

async fn check_remote_addresses(
    tx: &mut Tx,
    caller: &Caller,
    project: &str,
    traffic: &[Traffic],
) -> Result<()> {
    let named =
        distinct(traffic.iter().filter_map(|traffic| traffic.remote_address_group.as_ref()));
    let missing = |name: &str| Error::not_found(AddressGroup::DECL, name);
    let wanted = parsed::<AddressGroupId>(&named, missing)?;
    let there: Vec<(String, String)> = address_groups::address_group_get_all(tx, &wanted)
        .await?
        .into_iter()
        .map(|group| (group.id.to_string(), group.project_id))
        .collect();
    let wanted = wanted.iter().map(ToString::to_string);
    check_usable(tx, (caller, project), address_groups::OBJECT_TYPE, wanted, &there, missing).await
}

fn distinct<'t>(names: impl Iterator<Item = &'t String>) -> Vec<&'t str> {
    names.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

fn parsed<I: std::str::FromStr>(names: &[&str], missing: impl Fn(&str) -> Error) -> Result<Vec<I>> {
    names.iter().map(|name| name.parse().map_err(|_| missing(name))).collect()
}

/// All that is wanted must be there, and be the project's or shared with it, unless an administrator asks.
async fn check_usable(
    tx: &mut Tx,
    (caller, project): (&Caller, &str),
    object_type: &'static str,
    wanted: impl Iterator<Item = String>,
    there: &[(String, String)],
    missing: impl Fn(&str) -> Error,
) -> Result<()> {
    let mut foreign = Vec::new();
    for id in wanted {
        let (_, owner) =
            there.iter().find(|(found, _)| *found == id).ok_or_else(|| missing(&id))?;
        if owner != project && !caller.is_admin() {
            foreign.push(id);
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    let action = rbac::ACCESS_AS_SHARED;
    let shared = rbac::rbac_shared_among(tx, object_type, &foreign, project, action).await?;
    match foreign.iter().find(|id| !shared.contains(*id)) {
        Some(id) => Err(missing(id)),
        None => Ok(()),
    }
}

/// No rule may come twice: neither in the request nor beside those that the group has.
fn check_duplicates(traffic: &[Traffic], held: &[SecurityGroupRule]) -> Result<()> {
    let mut new = BTreeSet::new();
    if !traffic.iter().all(|traffic| new.insert(traffic.key())) {
        return Err(Error::conflict(
            "DuplicateSecurityGroupRuleInPost",
            "Duplicate Security Group Rule in POST.",
        ));
    }
    match held.iter().find(|rule| new.contains(&Traffic::of_rule(rule).key())) {
        Some(rule) => Err(Error::conflict(
            "SecurityGroupRuleExists",
            format!("Security group rule already exists. Rule id is {}.", rule.id),
        )),
        None => Ok(()),
    }
}
