//! QoS policies in the store, and what is under them.

use std::collections::BTreeMap;

use nucleon_model::{Attribute, Cell, NetworkId, PortId, QosPolicy, QosPolicyId};
use sea_query::{
    Alias, CaseStatement, Expr, ExprTrait, Func, Order, Query, SelectStatement, SimpleExpr,
    UnionType,
};

use crate::error::Result;
use crate::list::{Listing, Visible, in_subquery};
use crate::rbac::is_shared_as;
use crate::resource;
use crate::tx::Tx;

/// `rbac_policies.object_type` of QoS policies.
pub const OBJECT_TYPE: &str = "qos_policy";

/// The unique key by which a project has one default policy.
pub const DEFAULT_KEY: &str = "qos_policies_default_uq";

/// What can be under a policy, in the order in which refusals to delete it look: what Neutron calls it, and where it lies.
const USERS: &[(&str, &str)] =
    &[("port", "ports"), ("network", "networks"), ("fip", "floatingips"), ("router", "routers")];

impl Listing for QosPolicy {
    fn special(attribute: &Attribute, values: &[Cell], viewer: Option<&str>) -> Option<SimpleExpr> {
        (attribute.name == "shared").then(|| is_shared_as(values, viewer, OBJECT_TYPE))
    }

    fn visible_to(project: Option<&str>) -> Visible {
        Visible::own_and_shared::<Self>(project, OBJECT_TYPE)
    }
}

fn column(name: &'static str) -> Expr {
    Expr::col(Alias::new(name))
}

/// The default policy of a project.
pub async fn qos_policy_default(tx: &mut Tx, project: &str) -> Result<Option<QosPolicyId>> {
    let mut query = Query::select();
    query
        .column(Alias::new("id"))
        .from(Alias::new("qos_policies"))
        .and_where(column("default_for").eq(project));
    tx.fetch_optional(&query).await?.map(|row| row.parse("id")).transpose()
}

/// Something that is under a policy: what Neutron calls it (`port`, `network`, `fip`, `router`), and its identifier.
pub async fn qos_policy_user(
    tx: &mut Tx,
    policy: QosPolicyId,
) -> Result<Option<(&'static str, String)>> {
    let part = |(place, &(_, table)): (i64, &(&str, &'static str))| {
        let mut first = Query::select();
        first
            .expr_as(Func::min(column("id")), Alias::new("user_id"))
            .from(Alias::new(table))
            .and_where(column("qos_policy_id").eq(policy.to_string()));
        let mut query = Query::select();
        query
            .expr_as(Expr::val(place), Alias::new("place"))
            .column(Alias::new("user_id"))
            .from_subquery(first, Alias::new("first"))
            .and_where(column("user_id").is_not_null());
        query
    };
    let mut parts = (0..).zip(USERS).map(part);
    let Some(mut union): Option<SelectStatement> = parts.next() else { return Ok(None) };
    for part in parts {
        union.union(UnionType::All, part);
    }
    let mut query = Query::select();
    query
        .columns(["place", "user_id"].map(Alias::new))
        .from_subquery(union, Alias::new("users"))
        .order_by(Alias::new("place"), Order::Asc)
        .limit(1);
    let Some(row) = tx.fetch_optional(&query).await? else { return Ok(None) };
    let place = usize::try_from(row.at::<i64>(0)?).unwrap_or_default();
    let name = USERS.get(place).map(|&(name, _)| name);
    name.map(|name| Ok((name, row.get("user_id")?))).transpose()
}

/// A port under a policy, for all that are plugged alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortsAlike {
    /// One of them.
    pub id: PortId,
    pub vif_type: String,
    pub vnic_type: String,
    /// Whether they are machines' (`compute:…`).
    pub compute: bool,
}

/// The kinds of ports that are under a policy, by themselves or by their network.
pub async fn qos_policy_ports(tx: &mut Tx, policy: QosPolicyId) -> Result<Vec<PortsAlike>> {
    let mut networks = Query::select();
    networks
        .column(Alias::new("id"))
        .from(Alias::new("networks"))
        .and_where(column("qos_policy_id").eq(policy.to_string()));
    let by_network = in_subquery("network_id", networks).and(column("qos_policy_id").is_null());
    let mut query = ports_alike(column("qos_policy_id").eq(policy.to_string()));
    query.union(UnionType::All, ports_alike(by_network));
    fetch_alike(tx, &query).await
}

/// The kinds of ports of a network that have no policy of their own.
pub async fn qos_ports_of_network(tx: &mut Tx, network: NetworkId) -> Result<Vec<PortsAlike>> {
    let on_network = column("network_id").eq(network.to_string());
    fetch_alike(tx, &ports_alike(on_network.and(column("qos_policy_id").is_null()))).await
}

fn ports_alike(condition: SimpleExpr) -> SelectStatement {
    let machines = column("device_owner").like("compute:%");
    let mut ports = Query::select();
    ports
        .columns(["id", "vif_type", "vnic_type"].map(Alias::new))
        .expr_as(
            CaseStatement::new().case(machines, Expr::val(1i64)).finally(Expr::val(0i64)),
            Alias::new("compute"),
        )
        .from(Alias::new("ports"))
        .and_where(condition);
    let kind = ["vif_type", "vnic_type", "compute"];
    let mut query = Query::select();
    query
        .expr_as(Func::min(column("id")), Alias::new("port_id"))
        .columns(kind.map(Alias::new))
        .from_subquery(ports, Alias::new("alike"))
        .group_by_columns(kind.map(Alias::new));
    query
}

async fn fetch_alike(tx: &mut Tx, query: &SelectStatement) -> Result<Vec<PortsAlike>> {
    let rows = tx.fetch_all(query).await?;
    rows.iter()
        .map(|row| {
            Ok(PortsAlike {
                id: row.parse("port_id")?,
                vif_type: row.get("vif_type")?,
                vnic_type: row.get("vnic_type")?,
                compute: row.get::<i64>("compute")? != 0,
            })
        })
        .collect()
}

/// The policies of networks, of those that have one.
pub async fn qos_policies_of_networks(
    tx: &mut Tx,
    networks: &[NetworkId],
) -> Result<BTreeMap<NetworkId, QosPolicyId>> {
    let mut ids: Vec<String> = networks.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(resource::CHUNK) {
        let mut query = Query::select();
        query
            .columns(["id", "qos_policy_id"].map(Alias::new))
            .from(Alias::new("networks"))
            .and_where(column("id").is_in(resource::padded(chunk)))
            .and_where(column("qos_policy_id").is_not_null());
        for row in tx.fetch_all(&query).await? {
            found.insert(row.parse("id")?, row.parse("qos_policy_id")?);
        }
    }
    Ok(found)
}
