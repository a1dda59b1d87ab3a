//! A network with all that it shows, by one statement: what lies in other tables comes packed, one row below the other.

use std::collections::BTreeSet;

use nucleon_model::{Network, NetworkId, Resource as _, Segment};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, SimpleExpr, UnionType};

use super::{OBJECT_TYPE, OPEN, Parts, Shown, among_subnets, column_of};
use crate::availability_zone::among_serving_agents;
use crate::error::{Error, Result};
use crate::rbac::reaching;
use crate::resource::{Columns, pack};
use crate::tx::Tx;

/// A network, complete, and the actions that `rbac_policies` let a project reach it by.
pub async fn network_get_shown(
    tx: &mut Tx,
    id: NetworkId,
    project: &str,
) -> Result<Option<(Network, BTreeSet<String>)>> {
    let (mut network, mut parts, mut actions) = (None, Parts::default(), BTreeSet::new());
    let question = question(tx, id, project);
    for row in tx.fetch_all(&question).await? {
        let packed: String = row.at(1)?;
        match row.at::<String>(0)?.as_str() {
            NETWORK => network = Some(Columns::all::<Network>().unpack::<Network>(&packed)?),
            SEGMENT => parts.segments.push(Columns::all::<Segment>().unpack(&packed)?),
            SUBNET => parts.subnets.push(unpack_subnet(&packed)?),
            ZONE => drop(parts.zones.insert(packed)),
            ACTION => drop(actions.insert(packed)),
            other => {
                let problem = format!("{other:?} is no part of what a network shows");
                return Err(Error::Damaged { column: "part".to_owned(), problem });
            }
        }
    }
    parts.subnets.sort_by_key(|subnet| subnet.id);
    Ok(network.map(|mut network| {
        parts.show_on(&mut network);
        (network, actions)
    }))
}

// What a row of the answer is, as its first column says.
const NETWORK: &str = "network";
const SEGMENT: &str = "segment";
const SUBNET: &str = "subnet";
const ZONE: &str = "zone";
const ACTION: &str = "action";

fn question(tx: &Tx, id: NetworkId, project: &str) -> SelectStatement {
    let id = id.to_string();
    let ids = std::slice::from_ref(&id);
    let dialect = tx.dialect();
    let mut question = part(NETWORK, Columns::all::<Network>().pack::<Network>(dialect));
    question
        .from(Alias::new(Network::DECL.table))
        .and_where(column_of("networks", "id").eq(id.as_str()));
    let mut segments = part(SEGMENT, Columns::all::<Segment>().pack::<Segment>(dialect));
    segments
        .from(Alias::new(Segment::DECL.table))
        .and_where(column_of("segments", "network_id").eq(id.as_str()));
    let subnets = among_subnets(part(SUBNET, pack(dialect, Shown::columns())), ids);
    let zones = among_serving_agents(part(ZONE, column_of("agents", "availability_zone")), ids);
    let mut actions = part(ACTION, column_of("rbac_policies", "action"));
    actions
        .from(Alias::new("rbac_policies"))
        .cond_where(reaching(project, OBJECT_TYPE, OPEN))
        .and_where(column_of("rbac_policies", "object_id").eq(id.as_str()));
    for part in [segments, subnets, zones, actions] {
        question.union(UnionType::All, part);
    }
    question
}

/// A selection of one value, beside what it is.
fn part(name: &'static str, value: impl Into<SimpleExpr>) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Expr::val(name)).expr(value.into());
    select
}

fn unpack_subnet(row: &str) -> Result<Shown> {
    let values = serde_json::from_str(row).map_err(|error| Error::Damaged {
        column: "subnets".to_owned(),
        problem: error.to_string(),
    });
    Shown::of(values?)
}
