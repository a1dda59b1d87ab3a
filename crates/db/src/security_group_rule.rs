//! Rules of security groups in the store.

use nucleon_model::{AddressGroupId, SecurityGroup, SecurityGroupId, SecurityGroupRule, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::parts::Parts;
use crate::resource;
use crate::security_group::touch;
use crate::tx::Tx;

impl Listing for SecurityGroupRule {
    /// Rules belong to whom their group belongs to, whoever made them.
    fn visible_to(project: Option<&str>) -> Visible {
        Visible::of_own(project, "security_group_id", "security_groups")
    }
}

/// The unique key by which no two rules of a group are the same.
pub(crate) const FINGERPRINT_KEY: &str = "security_group_rules_fingerprint_uq";

/// Adds rules to their group, which comes to a further revision and is held for as short a time as can be; see
/// [`Tx::later`]: a rule that the group has already refuses them (a unique key), as does another end that is gone. MariaDB
/// holds what a new row refers to: of two requests that add rules, both would hold the group and wait to change it, if it
/// was not changed first.
pub fn security_group_rule_add(
    tx: &mut Tx,
    group: SecurityGroupId,
    rules: &[SecurityGroupRule],
    now: Timestamp,
) {
    tx.touch_last(touch(&[group], now));
    resource::insert_later(tx, rules);
}

/// Fingerprints up to which the database looks for them; beyond, it is asked for all rules.
const MOST_LIKE: usize = 64;

/// A group, and those of its rules that have one of these fingerprints, or none, as rules from before migration 25 and
/// those that a group begins with: whatever may be the same as rules that do. More than those where there are many. One
/// statement.
pub async fn security_group_with_rules_like(
    tx: &mut Tx,
    id: SecurityGroupId,
    fingerprints: &[String],
) -> Result<Option<(SecurityGroup, Vec<SecurityGroupRule>)>> {
    let of_group = || Expr::col(Alias::new("security_group_id")).eq(id.to_string());
    let fingerprint = || Expr::col(Alias::new("fingerprint"));
    let mut parts = Parts::new(tx);
    parts.rows::<SecurityGroup>(GROUP, |part| {
        part.and_where(Expr::col(Alias::new("id")).eq(id.to_string()));
    });
    let mut rules = |narrower: Option<SimpleExpr>| {
        parts.rows::<SecurityGroupRule>(RULE, |part| {
            part.and_where(of_group()).and_where_option(narrower);
        });
    };
    if fingerprints.len() > MOST_LIKE {
        rules(None);
    } else {
        rules(Some(fingerprint().is_in(resource::padded(fingerprints))));
        rules(Some(fingerprint().is_null()));
    }
    let mut answers = parts.ask(tx).await?;
    let Some(group) = answers.rows(GROUP)?.pop() else { return Ok(None) };
    Ok(Some((group, answers.rows(RULE)?)))
}

const GROUP: &str = "group";
const RULE: &str = "rule";

/// The rules of a group, and those of others that name it.
fn about(group: SecurityGroupId) -> Cond {
    let is = |column| Expr::col(Alias::new(column)).eq(group.to_string());
    Cond::any().add(is("security_group_id")).add(is("remote_group_id"))
}

/// The rules of a group, and those of others that name it.
pub async fn security_group_rule_list_about(
    tx: &mut Tx,
    group: SecurityGroupId,
) -> Result<Vec<SecurityGroupRule>> {
    let mut query = resource::select::<SecurityGroupRule>(tx);
    query.cond_where(about(group));
    resource::fetch(tx, &query).await
}

/// Deletes the rules of a group, and those of others that name it.
pub async fn security_group_rule_delete_about(tx: &mut Tx, group: SecurityGroupId) -> Result<()> {
    let mut delete = Query::delete();
    delete.from_table(Alias::new("security_group_rules")).cond_where(about(group));
    tx.execute(&delete).await.map(drop)
}

/// Whether a rule names the address group.
pub async fn security_group_rule_names(tx: &mut Tx, addresses: AddressGroupId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("security_group_rules"))
        .and_where(Expr::col(Alias::new("remote_address_group_id")).eq(addresses.to_string()))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}
