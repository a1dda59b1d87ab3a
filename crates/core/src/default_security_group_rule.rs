//! The rules that new security groups begin with.

use nucleon_db::security_group::{self as groups, Hold};
use nucleon_db::{Tx, address_group as address_groups, default_security_group_rule as store};
use nucleon_model::default_security_group_rule::PARENT_GROUP;
use nucleon_model::{
    AddressGroup, AddressGroupId, DefaultSecurityGroupRule, DefaultSecurityGroupRuleDraft,
    Resource, SecurityGroup, SecurityGroupId,
};

use crate::entity::Entity;
use crate::security_group_rule::{Traffic, given, id_in};
use crate::{Caller, Core, Error, Operations, Result};

impl Entity for DefaultSecurityGroupRule {
    const OPERATIONS: Operations = Operations::LIST
        .union(Operations::SHOW)
        .union(Operations::CREATE)
        .union(Operations::DELETE);

    fn of(draft: &DefaultSecurityGroupRuleDraft) -> Self {
        Self {
            description: draft.description.get().cloned().unwrap_or_default(),
            remote_group_id: given(draft.remote_group_id.get()),
            remote_address_group_id: id_in(draft.remote_address_group_id.get()),
            direction: draft.direction.get().copied().unwrap_or_default(),
            protocol: draft.protocol.get().cloned().flatten(),
            port_range_min: draft.port_range_min.get().map(|port| i64::from(port.0)),
            port_range_max: draft.port_range_max.get().map(|port| i64::from(port.0)),
            ethertype: draft.ethertype.get().copied().unwrap_or_default(),
            remote_ip_prefix: draft.remote_ip_prefix.get().and_then(|prefix| prefix.0),
            used_in_default_sg: draft.used_in_default_sg.get().copied().unwrap_or_default(),
            used_in_non_default_sg: draft.used_in_non_default_sg.get().copied().unwrap_or_default(),
            ..Self::default()
        }
    }

    async fn prepare(
        &mut self,
        _: &Core,
        tx: &mut Tx,
        _: &Caller,
        draft: &DefaultSecurityGroupRuleDraft,
    ) -> Result<()> {
        let mut traffic = Traffic::of_template(self);
        traffic.remote_address_group = given(draft.remote_address_group_id.get());
        let traffic = traffic.checked()?;
        if let Some(name) = &traffic.remote_address_group {
            check_addresses(tx, name).await?;
        }
        if let Some(name) = traffic.remote_group.as_deref().filter(|name| *name != PARENT_GROUP) {
            check_group(tx, name).await?;
        }
        check_duplicates(tx, self, &traffic).await?;
        self.protocol = traffic.protocol;
        self.port_range_min = traffic.port_range_min;
        self.port_range_max = traffic.port_range_max;
        Ok(())
    }
}

impl Traffic {
    fn of_template(template: &DefaultSecurityGroupRule) -> Self {
        Self {
            direction: template.direction,
            ethertype: template.ethertype,
            protocol: template.protocol.clone(),
            port_range_min: template.port_range_min,
            port_range_max: template.port_range_max,
            remote_ip_prefix: template.remote_ip_prefix,
            remote_group: template.remote_group_id.clone(),
            remote_address_group: template.remote_address_group_id.map(|group| group.to_string()),
        }
    }
}

async fn check_addresses(tx: &mut Tx, name: &str) -> Result<()> {
    let missing = || Error::not_found(AddressGroup::DECL, name);
    let id: AddressGroupId = name.parse().map_err(|_| missing())?;
    let found = address_groups::address_group_get_all(tx, &[id]).await?;
    if found.is_empty() { Err(missing()) } else { Ok(()) }
}

async fn check_group(tx: &mut Tx, name: &str) -> Result<()> {
    let missing = || Error::not_found(SecurityGroup::DECL, name);
    let id: SecurityGroupId = name.parse().map_err(|_| missing())?;
    let found = groups::security_group_get_all(tx, &[id], Hold::No).await?;
    if found.is_empty() { Err(missing()) } else { Ok(()) }
}

/// No group may begin with the same rule twice.
async fn check_duplicates(
    tx: &mut Tx,
    new: &DefaultSecurityGroupRule,
    traffic: &Traffic,
) -> Result<()> {
    let key = traffic.key();
    let same = |held: &&DefaultSecurityGroupRule| {
        let together = (held.used_in_default_sg && new.used_in_default_sg)
            || (held.used_in_non_default_sg && new.used_in_non_default_sg);
        together && Traffic::of_template(held).key() == key
    };
    match store::default_rule_list(tx).await?.iter().find(same) {
        Some(held) => Err(Error::conflict(
            "DefaultSecurityGroupRuleExists",
            format!("Default Security group rule already exists. Rule id is {}.", held.id),
        )),
        None => Ok(()),
    }
}
