//! The group that every project has, made where it is first missed: when the project lists its groups or makes a
//! network, a port or another group. Nobody but an administrator brings it about by naming another project (CVE-2022-3277).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nucleon_db::security_group::{self as store, Hold};
use nucleon_db::{Listing, Tx};
use nucleon_model::default_security_group_rule::PARENT_GROUP;
use nucleon_model::{
    Cell, DefaultSecurityGroupRule, Filter, ListQuery, SecurityGroup, SecurityGroupId, Standard,
    Timestamp,
};

use crate::entity::store_new;
use crate::{Caller, Core, Error, Result};

/// Beyond this it is forgotten what was known.
const MOST_KNOWN: usize = 100_000;

/// The default groups that this server has seen. A reference from the port to its group tells when one has gone.
#[derive(Debug, Default)]
pub(crate) struct DefaultGroups(Mutex<HashMap<String, SecurityGroupId>>);

impl DefaultGroups {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, SecurityGroupId>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn get(&self, project: &str) -> Option<SecurityGroupId> {
        self.with(|known| known.get(project).copied())
    }

    fn learn(&self, project: &str, group: SecurityGroupId) {
        self.with(|known| {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(project.to_owned(), group);
        });
    }

    /// What was known may be wrong.
    pub(crate) fn forget_all(&self) {
        self.with(HashMap::clear);
    }

    /// What was known of a project may be wrong.
    pub(crate) fn forget(&self, project: &str) {
        self.with(|known| known.remove(project));
    }
}

impl Core {
    /// The default group of a project, made where there is none yet. None for a project that is not the caller's to
    /// speak for.
    pub(crate) async fn default_group(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        project: &str,
        now: Timestamp,
    ) -> Result<Option<SecurityGroupId>> {
        if !may_expect(caller, project) {
            return Ok(None);
        }
        if let Some(known) = self.default_groups().get(project) {
            return Ok(Some(known));
        }
        if let Some(found) = store::security_group_default_of(tx, project).await? {
            // What is read was committed; what is made here may come to nothing, and is learnt later.
            self.default_groups().learn(project, found);
            return Ok(Some(found));
        }
        let mut group = SecurityGroup {
            name: super::DEFAULT.to_owned(),
            description: "Default security group".to_owned(),
            project_id: project.to_owned(),
            default_of: Some(project.to_owned()),
            stateful: true,
            ..SecurityGroup::default()
        };
        group.mark_new(SecurityGroupId::new(self.new_uuid()), now);
        store_new(self, tx, caller, &mut group, now).await?;
        Ok(Some(group.id))
    }

    /// Before groups or their rules are listed: makes the default group of the project that is asked about.
    pub(crate) async fn expect_default_group<R: Listing>(
        &self,
        caller: &Caller,
        query: &ListQuery,
    ) -> Result<()> {
        let project = project_of::<R>(query).unwrap_or_else(|| caller.project_id().to_owned());
        if !may_expect(caller, &project) {
            return Ok(());
        }
        let wanted = project.clone();
        let there = self.store().read(|tx| {
            let wanted = wanted.clone();
            Box::pin(async move {
                Ok::<_, Error>(store::security_group_default_of(tx, &wanted).await?.is_some())
            })
        });
        if there.await? {
            return Ok(());
        }
        self.default_groups().forget(&project);
        let input = (caller.clone(), project, self.now());
        self.write("default security group", input, |core, tx, (caller, project, now)| {
            Box::pin(async move {
                core.default_group(tx, &caller, &project, now).await?;
                Ok(())
            })
        })
        .await
    }
}

/// Whether a caller's doings make the default group of a project.
fn may_expect(caller: &Caller, project: &str) -> bool {
    !project.is_empty() && (project == caller.project_id() || caller.is_admin())
}

/// The project that a list is asked of.
fn project_of<R: Listing>(query: &ListQuery) -> Option<String> {
    let (wanted, _) = R::DECL.find("project_id")?;
    query.filters.iter().find_map(|filter| match filter {
        Filter::Attribute { index, values } if *index == wanted => match values.first() {
            Some(Cell::Text(project)) => Some(project.clone()),
            _ => None,
        },
        _ => None,
    })
}

/// The templates that rules can be made from: those whose group at the other end is still there. Of the others not even
/// a part may be used, for a rule without its other end lets everybody in.
pub(super) async fn usable(
    tx: &mut Tx,
    mut templates: Vec<DefaultSecurityGroupRule>,
) -> Result<Vec<DefaultSecurityGroupRule>> {
    let wanted: Vec<SecurityGroupId> = templates.iter().filter_map(named).collect();
    let found = store::security_group_get_all(tx, &wanted, Hold::No).await?;
    templates.retain(|template| match template.remote_group_id.as_deref() {
        None | Some(PARENT_GROUP) => true,
        Some(_) => named(template).is_some_and(|id| found.iter().any(|group| group.id == id)),
    });
    Ok(templates)
}

/// The group at the other end, where a template names one.
fn named(template: &DefaultSecurityGroupRule) -> Option<SecurityGroupId> {
    template.remote_group_id.as_deref()?.parse().ok()
}
