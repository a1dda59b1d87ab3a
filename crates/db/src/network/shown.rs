//! A network with all that it shows, by one statement.

use std::collections::BTreeSet;

use nucleon_model::{Network, NetworkId, Segment};
use sea_query::{Alias, ExprTrait};

use super::{OBJECT_TYPE, OPEN, Shown, ToShow, among_subnets, column_of};
use crate::availability_zone::among_serving_agents;
use crate::error::{Error, Result};
use crate::parts::Parts;
use crate::rbac::reaching;
use crate::resource::pack;
use crate::tx::Tx;

/// A network, complete, and the actions that `rbac_policies` let a project reach it by.
pub async fn network_get_shown(
    tx: &mut Tx,
    id: NetworkId,
    project: &str,
) -> Result<Option<(Network, BTreeSet<String>)>> {
    let mut answers = question(tx, id, project).ask(tx).await?;
    let Some(mut network) = answers.rows::<Network>(NETWORK)?.pop() else { return Ok(None) };
    let subnets = answers.values(SUBNET);
    let mut subnets: Vec<Shown> =
        subnets.iter().map(|row| unpack_subnet(row)).collect::<Result<_>>()?;
    subnets.sort_by_key(|subnet| subnet.id);
    let to_show = ToShow {
        subnets,
        zones: answers.values(ZONE).into_iter().collect(),
        segments: answers.rows(SEGMENT)?,
    };
    to_show.show_on(&mut network);
    Ok(Some((network, answers.values(ACTION).into_iter().collect())))
}

const NETWORK: &str = "network";
const SEGMENT: &str = "segment";
const SUBNET: &str = "subnet";
const ZONE: &str = "zone";
const ACTION: &str = "action";

fn question(tx: &Tx, id: NetworkId, project: &str) -> Parts {
    let id = id.to_string();
    let ids = std::slice::from_ref(&id);
    let mut parts = Parts::new(tx);
    parts.rows::<Network>(NETWORK, |part| {
        part.and_where(column_of("networks", "id").eq(id.as_str()));
    });
    parts.rows::<Segment>(SEGMENT, |part| {
        part.and_where(column_of("segments", "network_id").eq(id.as_str()));
    });
    let shown = pack(parts.dialect(), Shown::columns());
    parts.values(SUBNET, shown, |part| among_subnets(part, ids));
    let zone = column_of("agents", "availability_zone");
    parts.values(ZONE, zone, |part| among_serving_agents(part, ids));
    parts.values(ACTION, column_of("rbac_policies", "action"), |part| {
        part.from(Alias::new("rbac_policies"))
            .cond_where(reaching(project, OBJECT_TYPE, OPEN))
            .and_where(column_of("rbac_policies", "object_id").eq(id.as_str()));
    });
    parts
}

fn unpack_subnet(row: &str) -> Result<Shown> {
    let values = serde_json::from_str(row).map_err(|error| Error::Damaged {
        column: "subnets".to_owned(),
        problem: error.to_string(),
    });
    Shown::of(values?)
}
