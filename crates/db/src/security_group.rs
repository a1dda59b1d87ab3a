//! Security groups in the store.

use std::collections::BTreeMap;

use nucleon_model::{
    Attribute, Cell, PortId, SecurityGroup, SecurityGroupId, SecurityGroupRule, Timestamp,
};
use sea_query::{Alias, Expr, ExprTrait, LockType, Order, Query, SimpleExpr};

use crate::dialect::Dialect;
use crate::error::Result;
use crate::list::{Listing, Visible};
use crate::rbac::is_shared_as;
use crate::resource;
use crate::touch::Touch;
use crate::tx::Tx;

/// `rbac_policies.object_type` of security groups.
pub const OBJECT_TYPE: &str = "security_group";

/// Name of the unique key over the project whose default group it is.
pub const DEFAULT_KEY: &str = "security_groups_default_uq";

const MEMBERS: &str = "port_security_groups";

impl Listing for SecurityGroup {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        (attribute.name == "shared").then(|| is_shared_as(values, viewer, OBJECT_TYPE))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and_shared::<Self>(project, OBJECT_TYPE)
    }
}

/// The default group of a project.
pub async fn security_group_default_of(
    tx: &mut Tx,
    project: &str,
) -> Result<Option<SecurityGroupId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("security_groups"))
        .and_where(Expr::col(Alias::new("default_of")).eq(project));
    tx.fetch_optional(&query).await?.map(|row| row.parse("id")).transpose()
}

/// The groups among these that are there, without their rules; held in an order that all who do so share.
pub async fn security_group_get_all(
    tx: &mut Tx,
    ids: &[SecurityGroupId],
    hold: Hold,
) -> Result<Vec<SecurityGroup>> {
    let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    let mut groups = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = resource::select::<SecurityGroup>(tx);
        query
            .and_where(Expr::col(Alias::new("id")).is_in(resource::padded(chunk)))
            .order_by(Alias::new("id"), Order::Asc);
        if hold == Hold::ToTheEnd {
            resource::hold(tx, &mut query);
        }
        groups.extend(resource::fetch::<SecurityGroup>(tx, &query).await?);
    }
    Ok(groups)
}

/// Whether rows that are read are kept from changing to the end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    No,
    ToTheEnd,
}

/// Whether a port is in the group.
pub async fn security_group_in_use(tx: &mut Tx, id: SecurityGroupId) -> Result<bool> {
    let mut query = Query::select();
    query
        .column(Alias::new("port_id"))
        .from(Alias::new(MEMBERS))
        .and_where(Expr::col(Alias::new("security_group_id")).eq(id.to_string()))
        .limit(1);
    Ok(tx.fetch_optional(&query).await?.is_some())
}

/// Notes that the rules of groups changed. Nobody deletes the groups from here on.
pub async fn security_group_touch(
    tx: &mut Tx,
    ids: &[SecurityGroupId],
    now: Timestamp,
) -> Result<()> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    for chunk in ids.chunks(resource::CHUNK) {
        if tx.dialect() == Dialect::Postgres {
            // They are touched at the end; who deletes one, and would wait for that, waits now.
            let keys: Vec<String> = chunk.iter().map(ToString::to_string).collect();
            let mut kept = Query::select();
            kept.column(Alias::new("id"))
                .from(Alias::new("security_groups"))
                .and_where(Expr::col(Alias::new("id")).is_in(resource::padded(&keys)))
                .order_by(Alias::new("id"), Order::Asc)
                .lock(LockType::KeyShare);
            tx.fetch_all(&kept).await?;
        }
        tx.touch_last(touch(chunk, now));
    }
    Ok(())
}

pub(crate) fn touch(ids: &[SecurityGroupId], now: Timestamp) -> Touch {
    Touch::new("security_groups", ids.iter().map(|id| id.uuid()).collect(), now)
}

/// Fills in the rules of groups. As many statements for one as for a thousand.
pub async fn security_group_complete(tx: &mut Tx, groups: &mut [SecurityGroup]) -> Result<()> {
    let ids: Vec<String> = groups.iter().map(|group| group.id.to_string()).collect();
    let mut rules: BTreeMap<SecurityGroupId, Vec<SecurityGroupRule>> = BTreeMap::new();
    for rule in resource::by_chunks::<SecurityGroupRule>(tx, "security_group_id", ids).await? {
        rules.entry(rule.security_group_id).or_default().push(rule);
    }
    for group in groups {
        group.security_group_rules = rules.remove(&group.id).unwrap_or_default();
        group.security_group_rules.sort_by_key(|rule| (rule.created_at, rule.id));
    }
    Ok(())
}

/// Puts ports into groups, as [`Tx::later`]: one that is gone refuses it.
pub fn member_insert(tx: &mut Tx, members: &[(PortId, SecurityGroupId)]) {
    for portion in resource::portions(members) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(MEMBERS))
            .columns([Alias::new("port_id"), Alias::new("security_group_id")]);
        for (port, group) in portion {
            insert.values_panic([Expr::val(port.to_string()), Expr::val(group.to_string())]);
        }
        tx.later_rows(insert, portion.len());
    }
}

/// Takes a port out of groups.
pub async fn member_delete(tx: &mut Tx, port: PortId, groups: &[SecurityGroupId]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new(MEMBERS))
        .and_where(Expr::col(Alias::new("port_id")).eq(port.to_string()))
        .and_where(
            Expr::col(Alias::new("security_group_id"))
                .is_in(groups.iter().map(ToString::to_string)),
        );
    tx.execute(&delete).await.map(drop)
}

/// The condition that a port is in one of these groups.
pub(crate) fn is_member(groups: &[Cell]) -> SimpleExpr {
    let mut query = Query::select();
    query.column(Alias::new("port_id")).from(Alias::new(MEMBERS)).and_where(crate::list::one_of(
        "security_group_id",
        nucleon_model::CellKind::Text,
        groups,
    ));
    crate::list::in_subquery("id", query)
}
