//! Port security: whether what a port sends and receives is filtered, and the groups whose rules say how.
//!
//! A port's groups lie in its row, and in a table that leads from a group to its ports and keeps a group in use from
//! going.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_db::Tx;
use nucleon_db::rbac::{ACCESS_AS_SHARED, rbac_shared_among};
use nucleon_db::security_group::{self as store, Hold, OBJECT_TYPE};
use nucleon_model::{
    Field, Network, Port, PortDraft, PortId, SecurityGroup, SecurityGroupId, Timestamp,
};

use crate::{Caller, Core, Error, Kind, Result};

/// Ports of the network's own: they are trusted, and nothing filters them.
pub(super) fn is_trusted(port: &Port) -> bool {
    port.device_owner.starts_with("network:")
}

/// The security groups that the ports of one request may be put into.
#[derive(Debug, Default)]
pub(super) struct Groups {
    named: BTreeMap<SecurityGroupId, SecurityGroup>,
    /// Those among them that are shared with a project.
    shared: BTreeMap<String, BTreeSet<SecurityGroupId>>,
    defaults: BTreeMap<String, SecurityGroupId>,
}

impl Groups {
    /// For ports to be made: no statement where only default groups are asked for that this server knows.
    pub(super) async fn of_drafts(
        core: &Core,
        tx: &mut Tx,
        caller: &Caller,
        drafts: &[PortDraft],
        now: Timestamp,
    ) -> Result<Self> {
        let mut groups = Self::default();
        let mut asked: BTreeMap<String, Vec<&[SecurityGroupId]>> = BTreeMap::new();
        for draft in drafts {
            let named = draft.security_groups.get().map(Vec::as_slice).unwrap_or_default();
            asked.entry(caller.project_of(&draft.project_id)).or_default().push(named);
        }
        groups.learn(tx, caller, &asked).await?;
        for project in asked.into_keys() {
            if let Some(default) = core.default_group(tx, caller, &project, now).await? {
                groups.defaults.insert(project, default);
            }
        }
        Ok(groups)
    }

    /// For a port to be changed by somebody in `project`.
    async fn of_change(
        tx: &mut Tx,
        caller: &Caller,
        project: &str,
        named: &[SecurityGroupId],
    ) -> Result<Self> {
        let mut groups = Self::default();
        let asked = BTreeMap::from([(project.to_owned(), vec![named])]);
        groups.learn(tx, caller, &asked).await?;
        Ok(groups)
    }

    /// Looks up what is named. Where a port is to be in several, all of which must be stateful or none, they are held.
    async fn learn(
        &mut self,
        tx: &mut Tx,
        caller: &Caller,
        asked: &BTreeMap<String, Vec<&[SecurityGroupId]>>,
    ) -> Result<()> {
        let sets = || asked.values().flatten();
        let several = sets().any(|named| named.len() > 1);
        let wanted: BTreeSet<SecurityGroupId> = sets().copied().flatten().copied().collect();
        let wanted: Vec<SecurityGroupId> = wanted.into_iter().collect();
        let hold = if several { Hold::ToTheEnd } else { Hold::No };
        let found = store::security_group_get_all(tx, &wanted, hold).await?;
        self.named = found.into_iter().map(|group| (group.id, group)).collect();
        if caller.is_admin() {
            return Ok(());
        }
        for (project, sets) in asked {
            let foreign: BTreeSet<String> = sets
                .iter()
                .copied()
                .flatten()
                .filter(|id| self.named.get(*id).is_some_and(|group| group.project_id != *project))
                .map(ToString::to_string)
                .collect();
            if foreign.is_empty() {
                continue;
            }
            let foreign: Vec<String> = foreign.into_iter().collect();
            let shared =
                rbac_shared_among(tx, OBJECT_TYPE, &foreign, project, ACCESS_AS_SHARED).await?;
            let shared = shared.iter().filter_map(|id| id.parse().ok()).collect();
            self.shared.insert(project.clone(), shared);
        }
        Ok(())
    }

    /// Gives a new port its groups, and says whether it is filtered.
    pub(super) fn settle(
        &self,
        caller: &Caller,
        port: &mut Port,
        network: &Network,
        (enabled, named): (&Field<bool>, &Field<Vec<SecurityGroupId>>),
    ) -> Result<()> {
        port.port_security_enabled =
            !is_trusted(port) && enabled.get().copied().unwrap_or(network.port_security_enabled);
        if !port.port_security_enabled {
            if !port.allowed_address_pairs.is_empty() {
                return Err(pairs_need_security());
            }
            return match named {
                Field::Value(named) if !named.is_empty() => Err(groups_need_security()),
                _ => Ok(()),
            };
        }
        port.security_groups = match named {
            Field::Absent => self.defaults.get(&port.project_id).copied().into_iter().collect(),
            Field::Null => Vec::new(),
            Field::Value(named) => self.usable(caller, &port.project_id, named)?,
        };
        Ok(())
    }

    /// The named groups, if a port may be in all of them.
    fn usable(
        &self,
        caller: &Caller,
        project: &str,
        named: &[SecurityGroupId],
    ) -> Result<Vec<SecurityGroupId>> {
        let may_use = |group: &SecurityGroup| {
            caller.is_admin()
                || group.project_id == project
                || self.shared.get(project).is_some_and(|shared| shared.contains(&group.id))
        };
        let found = |id: &SecurityGroupId| self.named.get(id).filter(|group| may_use(group));
        let missing: Vec<String> =
            named.iter().filter(|id| found(id).is_none()).map(ToString::to_string).collect();
        if !missing.is_empty() {
            let text = format!("Security group {} does not exist", missing.join(", "));
            return Err(Error::new(Kind::NotFound, "SecurityGroupNotFound", text));
        }
        let mut stateful = named.iter().filter_map(found).map(|group| group.stateful);
        let first = stateful.next();
        if stateful.any(|other| Some(other) != first) {
            return Err(Error::conflict(
                "SecurityGroupConflict",
                "Error Cannot apply both stateful and stateless security groups on the same port at the same time \
                 while attempting the operation.",
            ));
        }
        Ok(named.to_vec())
    }
}

impl Core {
    /// Takes over what a change of a port says of its security.
    pub(super) async fn port_secure(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        after: &mut Port,
        (enabled, named): (Field<bool>, Field<Vec<SecurityGroupId>>),
        now: Timestamp,
    ) -> Result<()> {
        self.default_group(tx, caller, &after.project_id, now).await?;
        enabled.apply(&mut after.port_security_enabled);
        if !after.port_security_enabled {
            check_open(after, &named)?;
        }
        let wanted = match named {
            Field::Absent => return Ok(()),
            Field::Null => Vec::new(),
            Field::Value(wanted) => wanted,
        };
        if set(&after.security_groups) != set(&wanted) {
            let project = caller.project_id();
            let groups = Groups::of_change(tx, caller, project, &wanted).await?;
            after.security_groups = groups.usable(caller, project, &wanted)?;
        }
        Ok(())
    }

    /// Puts a port into other groups.
    pub(super) async fn members_update(
        &self,
        tx: &mut Tx,
        before: &Port,
        after: &Port,
    ) -> Result<()> {
        let beyond = |port: &Port, other: &Port| {
            let mut groups = port.security_groups.clone();
            groups.retain(|group| !other.security_groups.contains(group));
            groups
        };
        store::member_delete(tx, after.id, &beyond(before, after)).await?;
        let come: Vec<(PortId, SecurityGroupId)> =
            beyond(after, before).into_iter().map(|group| (after.id, group)).collect();
        store::member_insert(tx, &come);
        Ok(())
    }
}

fn set(groups: &[SecurityGroupId]) -> BTreeSet<&SecurityGroupId> {
    groups.iter().collect()
}

/// What is not filtered has neither groups nor further addresses that a filter would let pass.
fn check_open(after: &Port, named: &Field<Vec<SecurityGroupId>>) -> Result<()> {
    if !after.allowed_address_pairs.is_empty() {
        return Err(pairs_need_security());
    }
    match named {
        Field::Value(named) if !named.is_empty() => Err(groups_need_security()),
        Field::Absent if !after.security_groups.is_empty() => Err(Error::conflict(
            "PortSecurityPortHasSecurityGroup",
            "Port has security group associated. Cannot disable port security or IP address until security group is \
             removed.",
        )),
        _ => Ok(()),
    }
}

fn pairs_need_security() -> Error {
    Error::conflict(
        "AddressPairAndPortSecurityRequired",
        "Port Security must be enabled in order to have allowed address pairs on a port.",
    )
}

fn groups_need_security() -> Error {
    Error::invalid(
        "PortSecurityAndIPRequiredForSecurityGroups",
        "Port security must be enabled and port must have an IP address in order to use security groups.",
    )
}
