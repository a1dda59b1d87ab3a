//! Quotas: how much of each resource a project may have.
//!
//! ```text
//!   a request to create ports ──► limit("port")
//!        │ whatever says in the outbox that an object came or went ──► charge(±1)
//!        ▼
//!   the last thing of the transaction: settle ──► one statement for each counter ──► OverQuota, or the commit
//! ```
//!
//! Only what a request asks for is refused: what comes with it (a router's port, the default security group) is counted.

use std::collections::{BTreeMap, BTreeSet};

use nucleon_db::quota::{self as store, Account, Beyond, Limit};
use nucleon_db::{Charges, Tx};
use nucleon_model::{
    FloatingIp, Network, Port, RbacPolicy, Resource, Router, SecurityGroup, SecurityGroupRule,
    Subnet, SubnetPool, Trunk,
};
use serde_json::{Map, Value};

use crate::{Caller, Core, Error, Kind, Result};

/// A resource that projects have limits of.
#[derive(Debug)]
struct Counted {
    name: &'static str,
    /// Where its objects lie, each with a `project_id`; `None` where they are no rows, or not served yet.
    table: Option<&'static str>,
    /// Neutron's default.
    default: i64,
}

const fn rows<R: Resource>(default: i64) -> Counted {
    Counted { name: R::DECL.name, table: Some(R::DECL.table), default }
}

const fn bare(name: &'static str, default: i64) -> Counted {
    Counted { name, table: None, default }
}

/// What there are limits of, in the order in which they are shown.
const COUNTED: &[Counted] = &[
    rows::<Network>(100),
    rows::<Subnet>(100),
    rows::<SubnetPool>(UNLIMITED),
    rows::<Port>(500),
    // Of one router each, so that nobody counts them.
    bare(ROUTER_ROUTE, 30),
    rows::<Router>(10),
    rows::<FloatingIp>(50),
    rows::<RbacPolicy>(10),
    rows::<SecurityGroup>(10),
    rows::<SecurityGroupRule>(100),
    rows::<Trunk>(UNLIMITED),
];

/// The routes of one router.
pub(crate) const ROUTER_ROUTE: &str = "router_route";

/// The limit that is none.
const UNLIMITED: i64 = -1;

/// The greatest limit that a request may name.
const MOST: i64 = i32::MAX as i64;

/// `[quotas]`: the limits of projects that have none of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaLimits(BTreeMap<&'static str, i64>);

impl Default for QuotaLimits {
    /// Neutron's defaults.
    fn default() -> Self {
        Self(COUNTED.iter().map(|counted| (counted.name, counted.default)).collect())
    }
}

impl QuotaLimits {
    /// The same limit for all; below zero none.
    pub fn all(limit: i64) -> Self {
        let limit = limit.max(UNLIMITED);
        Self(COUNTED.iter().map(|counted| (counted.name, limit)).collect())
    }

    /// No limits at all.
    pub fn unlimited() -> Self {
        Self::all(UNLIMITED)
    }

    /// Sets the limit of one resource; one that has none is passed over.
    #[must_use]
    pub fn with(mut self, resource: &str, limit: i64) -> Self {
        if let Some(counted) = counted(resource) {
            // All limits below zero are shown alike.
            self.0.insert(counted.name, limit.max(UNLIMITED));
        }
        self
    }

    fn of(&self, resource: &str) -> i64 {
        self.0.get(resource).copied().unwrap_or(UNLIMITED)
    }
}

fn counted(resource: &str) -> Option<&'static Counted> {
    COUNTED.iter().find(|counted| counted.name == resource)
}

/// One resource of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub resource: &'static str,
    pub limit: i64,
    pub used: i64,
}

/// Says that a transaction carries out a request for objects of this resource: they are refused where they would be too
/// many.
pub(crate) fn limit<R: Resource>(tx: &mut Tx) {
    tx.limit(R::DECL.name);
}

/// Notes that so many objects of a project came, or went.
pub(crate) fn charge<R: Resource>(tx: &mut Tx, project: &str, amount: i64) {
    if !project.is_empty() && counted(R::DECL.name).is_some_and(|counted| counted.table.is_some()) {
        tx.charge(project, R::DECL.name, amount);
    }
}

impl Core {
    /// Puts what a transaction has made and deleted on the counters. The last thing that it does.
    pub(crate) async fn settle_quotas(&self, tx: &mut Tx) -> Result<()> {
        let Charges { sums, limited } = tx.take_charges();
        let mut over = BTreeSet::new();
        // In order of their keys, so that transactions do not wait for one another in a ring.
        for ((project_id, resource), amount) in sums {
            let Some(counted) = counted(resource).filter(|_| amount != 0) else { continue };
            let account = self.account(&project_id, counted);
            let beyond = if limited.contains(resource) { Beyond::Refused } else { Beyond::Counted };
            if store::quota_charge(tx, &account, amount, beyond).await? {
                over.insert(resource);
            }
        }
        if over.is_empty() { Ok(()) } else { Err(over_quota(&over)) }
    }

    /// Refuses more of something in one object than the project may have there: the routes of a router.
    pub(crate) async fn check_quota(
        &self,
        tx: &mut Tx,
        project: &str,
        resource: &'static str,
        amount: usize,
    ) -> Result<()> {
        let own = store::quota_list_of(tx, project).await?;
        let own = own.iter().find(|own| own.resource == resource).map(|own| own.limit);
        let limit = own.unwrap_or_else(|| self.settings().quotas.of(resource));
        match usize::try_from(limit) {
            Ok(limit) if amount > limit => Err(over_quota(&BTreeSet::from([resource]))),
            _ => Ok(()),
        }
    }

    fn account<'a>(&self, project_id: &'a str, counted: &Counted) -> Account<'a> {
        let Counted { name, table, .. } = *counted;
        Account { project_id, resource: name, table, default: self.settings().quotas.of(name) }
    }

    /// The limits of a project that has none of its own.
    pub fn quota_defaults(&self, caller: &Caller, project: &str) -> Result<Vec<Usage>> {
        self.may_see_quota(caller, project)?;
        Ok(self.usages(&[], &BTreeMap::new()))
    }

    /// The limits of a project.
    pub async fn quota_show(&self, caller: &Caller, project: &str) -> Result<Vec<Usage>> {
        self.may_see_quota(caller, project)?;
        let read = self.store().read(|tx| {
            let project = project.to_owned();
            Box::pin(async move { Ok::<_, Error>(store::quota_list_of(tx, &project).await?) })
        });
        Ok(self.usages(&read.await?, &BTreeMap::new()))
    }

    /// The limits of a project, and what it has.
    pub async fn quota_details(&self, caller: &Caller, project: &str) -> Result<Vec<Usage>> {
        if project != caller.project_id() && !caller.is_admin() {
            return Err(Error::new(
                Kind::Forbidden,
                "AdminRequired",
                "User does not have admin privileges: Only admin is authorized to access quotas \
                 for another project.",
            ));
        }
        self.store()
            .snapshot(|tx| {
                let (core, project) = (self.clone(), project.to_owned());
                Box::pin(async move { core.usages_of(tx, &project).await })
            })
            .await
    }

    /// The projects with limits of their own, each with all its limits.
    pub async fn quota_list(&self, caller: &Caller) -> Result<Vec<(String, Vec<Usage>)>> {
        self.permit(caller, "get_quota")?;
        let listed = self
            .store()
            .read(|tx| Box::pin(async move { Ok::<_, Error>(store::quota_list(tx).await?) }));
        let mut projects: BTreeMap<String, Vec<Limit>> = BTreeMap::new();
        for limit in listed.await? {
            projects.entry(limit.project_id.clone()).or_default().push(limit);
        }
        let all = |limits: Vec<Limit>| self.usages(&limits, &BTreeMap::new());
        Ok(projects.into_iter().map(|(project, limits)| (project, all(limits))).collect())
    }

    /// Sets limits of a project. Unless the request says `force`, none below what the project has.
    pub async fn quota_update(
        &self,
        caller: &Caller,
        project: &str,
        request: &Map<String, Value>,
    ) -> Result<Vec<Usage>> {
        self.permit(caller, "update_quota")?;
        let (limits, force) = read(request)?;
        let input = (project.to_owned(), limits, force);
        self.write("quota update", input, |core, tx, (project, limits, force)| {
            Box::pin(async move {
                if !force {
                    check_used(&core.usages_of(tx, &project).await?, &limits)?;
                }
                for (counted, limit) in limits {
                    store::quota_set_limit(tx, &core.account(&project, counted), limit).await?;
                }
                core.usages_of(tx, &project).await
            })
        })
        .await
    }

    /// Takes the limits of a project away, so that the defaults hold for it.
    pub async fn quota_delete(&self, caller: &Caller, project: &str) -> Result<()> {
        self.permit(caller, "delete_quota")?;
        self.write("quota delete", project.to_owned(), |_, tx, project| {
            Box::pin(async move {
                if store::quota_reset(tx, &project).await? == 0 {
                    return Err(Error::new(
                        Kind::NotFound,
                        "TenantQuotaNotFound",
                        format!("Quota for project {project} could not be found."),
                    ));
                }
                Ok(())
            })
        })
        .await
    }

    /// Sets counters right that are not what there is; answers how many. They drift where a limit comes while objects do
    /// that had none, and where something is changed past this program.
    pub async fn quotas_recount(&self) -> Result<usize> {
        let mut mended = 0;
        for counted in COUNTED {
            let drifts = self.store().read(|tx| {
                let of_all = self.account("", counted);
                Box::pin(async move { Ok::<_, Error>(store::quota_drift(tx, &of_all).await?) })
            });
            for drift in drifts.await? {
                let resource = counted.name;
                tracing::debug!(project.id = drift.project_id, resource, "counting again");
                self.write("quota recount", drift.project_id, move |core, tx, project_id| {
                    Box::pin(async move {
                        let account = core.account(&project_id, counted);
                        Ok(store::quota_recount(tx, &account).await?)
                    })
                })
                .await?;
                mended += 1;
            }
        }
        Ok(mended)
    }

    fn may_see_quota(&self, caller: &Caller, project: &str) -> Result<()> {
        if project == caller.project_id() { Ok(()) } else { self.permit(caller, "get_quota") }
    }

    async fn usages_of(&self, tx: &mut Tx, project: &str) -> Result<Vec<Usage>> {
        let accounts: Vec<Account<'_>> =
            COUNTED.iter().map(|counted| self.account(project, counted)).collect();
        let used = store::quota_used(tx, &accounts).await?;
        Ok(self.usages(&store::quota_list_of(tx, project).await?, &used))
    }

    fn usages(&self, limits: &[Limit], used: &BTreeMap<String, i64>) -> Vec<Usage> {
        let usage = |counted: &Counted| {
            let own = limits.iter().find(|own| own.resource == counted.name);
            Usage {
                resource: counted.name,
                limit: own.map_or_else(|| self.settings().quotas.of(counted.name), |own| own.limit),
                used: used.get(counted.name).copied().unwrap_or_default(),
            }
        };
        COUNTED.iter().map(usage).collect()
    }
}

fn over_quota(resources: &BTreeSet<&str>) -> Error {
    let names: Vec<String> = resources.iter().map(|name| format!("'{name}'")).collect();
    let text = format!("Quota exceeded for resources: [{}].", names.join(", "));
    Error::conflict("OverQuota", text)
}

/// A limit that a request names.
type Wanted = (&'static Counted, i64);

/// No limit may be below what the project has.
fn check_used(usages: &[Usage], limits: &[Wanted]) -> Result<()> {
    for (Counted { name, .. }, limit) in limits.iter().filter(|(_, limit)| *limit != UNLIMITED) {
        let used = usages.iter().find(|usage| usage.resource == *name);
        let used = used.map_or(0, |usage| usage.used);
        if used > *limit {
            return Err(bad_request(format!(
                "Quota limit {limit} for {name} must be greater than or equal to already used {used}"
            )));
        }
    }
    Ok(())
}

fn bad_request(text: String) -> Error {
    Error::invalid("HTTPBadRequest", text)
}

/// The limits that a request names, and whether it wants them whatever the project has.
fn read(body: &Map<String, Value>) -> Result<(Vec<Wanted>, bool)> {
    let force = body.get("force") == Some(&Value::Bool(true));
    let mut limits = Vec::new();
    let mut unknown = Vec::new();
    for (name, value) in body.iter().filter(|(name, _)| !is_flag(name)) {
        match counted(name) {
            Some(counted) => limits.push((counted, value)),
            None => unknown.push(name.as_str()),
        }
    }
    if !unknown.is_empty() {
        return Err(bad_request(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))));
    }
    let limits = limits.into_iter().map(|(counted, value)| Ok((counted, number(counted, value)?)));
    Ok((limits.collect::<Result<_>>()?, force))
}

/// Words of a request that are no resource. Limits are checked by default, asked for or not.
fn is_flag(name: &str) -> bool {
    matches!(name, "force" | "check_limit")
}

fn number(counted: &Counted, value: &Value) -> Result<i64> {
    use nucleon_model::{AttrValue as _, Invalid, Rule};
    let name = counted.name;
    i64::from_json(value, &Rule::Range(UNLIMITED, MOST)).map_err(|invalid| match invalid {
        Invalid::Rule(reason) | Invalid::Convert(reason) => {
            bad_request(format!("Invalid input for {name}. Reason: {reason}."))
        }
        Invalid::Typed { name, message } => Error::invalid(name, message),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Asked = (Vec<(&'static str, i64)>, bool);

    fn asked(body: Value) -> std::result::Result<Asked, String> {
        let Value::Object(body) = body else { panic!("{body}") };
        let (limits, force) = read(&body).map_err(|error| error.message().to_owned())?;
        Ok((limits.into_iter().map(|(counted, limit)| (counted.name, limit)).collect(), force))
    }

    #[test]
    fn a_request_names_known_resources_and_limits_in_range() {
        assert_eq!(asked(json!({"network": 5})), Ok((vec![("network", 5)], false)));
        assert_eq!(
            asked(json!({"port": "-1", "force": true, "check_limit": true})),
            Ok((vec![("port", -1)], true))
        );
        assert_eq!(asked(json!({"bogus": 5})), Err("Unrecognized attribute(s) 'bogus'".to_owned()));
        assert_eq!(
            asked(json!({"network": -5})),
            Err("Invalid input for network. Reason: '-5' is too small - must be at least '-1'."
                .to_owned())
        );
        assert!(asked(json!({"network": 1i64 << 31})).unwrap_err().contains("is too large"));
        assert!(asked(json!({"network": "many"})).unwrap_err().contains("is not an integer"));
    }

    #[test]
    fn only_a_true_force_is_one() {
        for (value, forced) in [(json!(true), true), (json!("true"), false), (json!(1), false)] {
            assert_eq!(asked(json!({"force": value})), Ok((vec![], forced)));
        }
    }

    #[test]
    fn limits_below_zero_are_none() {
        let limits = QuotaLimits::default().with("network", -7).with("bogus", 3);
        assert_eq!(limits.of("network"), UNLIMITED);
        assert_eq!(limits.of("port"), 500);
    }
}
