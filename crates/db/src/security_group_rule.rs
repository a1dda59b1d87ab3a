//! Rules of security groups in the store.

use std::collections::BTreeSet;

use nucleon_model::{AddressGroupId, SecurityGroupId, SecurityGroupRule, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::list::{Listing, ids_where, in_subquery};
use crate::resource;
use crate::security_group::touch;
use crate::tx::Tx;

impl Listing for SecurityGroupRule {
    /// Rules belong to whom their group belongs to, whoever made them.
    fn visible_to(project: Option<&str>) -> Option<Cond> {
        project.map(|project| {
            let own = Expr::col(Alias::new("project_id")).eq(project);
            Cond::all().add(in_subquery("security_group_id", ids_where("security_groups", own)))
        })
    }
}

/// The unique key by which no two rules of a group are the same.
pub const FINGERPRINT_KEY: &str = "security_group_rules_fingerprint_uq";

/// Adds rules to their group, which comes to a further revision and is held for as short a time as can be. MariaDB holds
/// what a new row refers to: of two requests that add rules, both would hold the group and wait to change it.
pub async fn security_group_rule_add(
    tx: &mut Tx,
    group: SecurityGroupId,
    rules: &[SecurityGroupRule],
    now: Timestamp,
) -> Result<()> {
    let touch = touch(&[group], now);
    if tx.dialect() == Dialect::MySql {
        tx.touch_late(touch).await?;
        return resource::insert(tx, rules).await;
    }
    resource::insert(tx, rules).await?;
    tx.touch_late(touch).await
}

/// Values of `first_ports` up to which the database looks for them; beyond, it is asked for all rules.
const MOST_PORTS: usize = 32;

/// The rules of a group that begin at one of these ports, or at none where `None` is among them: whatever may be the
/// same as rules that do. More than those where there are many.
pub async fn security_group_rule_list_from(
    tx: &mut Tx,
    group: SecurityGroupId,
    first_ports: &BTreeSet<Option<i64>>,
) -> Result<Vec<SecurityGroupRule>> {
    if first_ports.len() > MOST_PORTS {
        return resource::by_chunks(tx, "security_group_id", vec![group.to_string()]).await;
    }
    let mut from = Cond::any();
    for port in first_ports {
        let column = Expr::col(Alias::new("port_range_min"));
        from = from.add(match port {
            Some(port) => column.eq(*port),
            None => column.is_null(),
        });
    }
    let mut query = resource::select::<SecurityGroupRule>();
    query
        .and_where(Expr::col(Alias::new("security_group_id")).eq(group.to_string()))
        .cond_where(from);
    resource::fetch(tx, &query).await
}

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
    let mut query = resource::select::<SecurityGroupRule>();
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
