//! What can be shared: where its objects lie, how they may be shared, and what then rests on it.

use nucleon_model::router::OWNER_GATEWAY;
use nucleon_model::{
    AddressGroup, AddressScope, Network, QosPolicy, Resource, ResourceDecl, SecurityGroup,
    SharedType, SubnetPool,
};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};

use super::{ACCESS_AS_EXTERNAL, ACCESS_AS_SHARED};
use crate::error::Result;
use crate::list::in_subquery;
use crate::resource;
use crate::tx::Tx;

/// Finds what uses an object: rows with a `project_id`, on whose behalf they do so.
type Users = fn(&str) -> SelectStatement;

/// One way to share an object, and what needs that.
#[derive(Debug)]
struct Way {
    action: &'static str,
    users: &'static [Users],
}

/// A kind of object that can be shared.
#[derive(Debug)]
pub struct Shareable {
    pub object_type: SharedType,
    pub decl: &'static ResourceDecl,
    ways: &'static [Way],
}

/// All that can be shared. What is not here yet is no valid type.
static SHAREABLE: &[Shareable] = &[
    Shareable {
        object_type: SharedType::Network,
        decl: Network::DECL,
        ways: &[
            Way { action: ACCESS_AS_SHARED, users: &[|id| named_in("ports", "network_id", id)] },
            Way { action: ACCESS_AS_EXTERNAL, users: &[routers_through] },
        ],
    },
    Shareable {
        object_type: SharedType::AddressScope,
        decl: AddressScope::DECL,
        ways: &[Way {
            action: ACCESS_AS_SHARED,
            users: &[|id| named_in("subnetpools", "address_scope_id", id)],
        }],
    },
    Shareable {
        object_type: SharedType::Subnetpool,
        decl: SubnetPool::DECL,
        ways: &[Way {
            action: ACCESS_AS_SHARED,
            users: &[|id| named_in("subnets", "subnetpool_id", id)],
        }],
    },
    Shareable {
        object_type: SharedType::SecurityGroup,
        decl: SecurityGroup::DECL,
        ways: &[Way { action: ACCESS_AS_SHARED, users: &[members] }],
    },
    Shareable {
        object_type: SharedType::AddressGroup,
        decl: AddressGroup::DECL,
        ways: &[Way {
            action: ACCESS_AS_SHARED,
            users: &[|id| named_in("security_group_rules", "remote_address_group_id", id)],
        }],
    },
    Shareable {
        object_type: SharedType::QosPolicy,
        decl: QosPolicy::DECL,
        ways: &[Way {
            action: ACCESS_AS_SHARED,
            users: &[
                |id| named_in("networks", "qos_policy_id", id),
                |id| named_in("ports", "qos_policy_id", id),
                |id| named_in("floatingips", "qos_policy_id", id),
                |id| named_in("routers", "qos_policy_id", id),
            ],
        }],
    },
];

/// On whose behalf an object is used.
#[derive(Debug, Clone, Copy)]
pub enum User<'a> {
    Project(&'a str),
    /// Any project but these.
    Another(&'a [String]),
}

impl Shareable {
    pub fn of(object_type: SharedType) -> Option<&'static Self> {
        SHAREABLE.iter().find(|shareable| shareable.object_type == object_type)
    }

    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.ways.iter().map(|way| way.action)
    }
}

/// Rows of a table that name the object in a column.
fn named_in(table: &'static str, column: &'static str, id: &str) -> SelectStatement {
    let mut query = Query::select();
    query
        .column(Alias::new("project_id"))
        .from(Alias::new(table))
        .and_where(Expr::col(Alias::new(column)).eq(id));
    query
}

/// Routers that a network leads outside.
fn routers_through(network: &str) -> SelectStatement {
    let mut gateways = Query::select();
    gateways
        .column(Alias::new("id"))
        .from(Alias::new("ports"))
        .and_where(Expr::col(Alias::new("network_id")).eq(network))
        .and_where(Expr::col(Alias::new("device_owner")).eq(OWNER_GATEWAY));
    among("routers", "gw_port_id", gateways)
}

/// Ports in a security group.
fn members(group: &str) -> SelectStatement {
    let mut members = Query::select();
    members
        .column(Alias::new("port_id"))
        .from(Alias::new("port_security_groups"))
        .and_where(Expr::col(Alias::new("security_group_id")).eq(group));
    among("ports", "id", members)
}

/// Rows of a table with one of these in a column.
fn among(table: &'static str, column: &'static str, found: SelectStatement) -> SelectStatement {
    let mut query = Query::select();
    query
        .column(Alias::new("project_id"))
        .from(Alias::new(table))
        .and_where(in_subquery(column, found));
    query
}

/// Whose an object is; its row is held to the end of the transaction, so that it does not go while it is being shared.
pub async fn rbac_object_owner(
    tx: &mut Tx,
    shareable: &Shareable,
    id: &str,
) -> Result<Option<String>> {
    let mut query = Query::select();
    query
        .column(Alias::new("project_id"))
        .from(Alias::new(shareable.decl.table))
        .and_where(Expr::col(Alias::new("id")).eq(id));
    resource::hold(tx, &mut query);
    tx.fetch_optional(&query).await?.map(|row| row.at(0)).transpose()
}

/// Whether an object that is shared by an action is used on somebody's behalf. What belongs to no project (ports of
/// routers and agents) needs no sharing.
pub async fn rbac_object_in_use(
    tx: &mut Tx,
    shareable: &Shareable,
    id: &str,
    action: &str,
    user: User<'_>,
) -> Result<bool> {
    let ways = shareable.ways.iter().filter(|way| way.action == action);
    for users in ways.flat_map(|way| way.users) {
        let mut query = users(id);
        let project = || Expr::col(Alias::new("project_id"));
        query.and_where(match user {
            User::Project(name) => project().eq(name),
            User::Another(names) => {
                project().is_not_in(names.iter().map(String::as_str).chain([""]))
            }
        });
        if tx.fetch_optional(query.limit(1)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
