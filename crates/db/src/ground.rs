//! What a port stands on: its network with all that belongs to it, and the agents that wire and serve it.

use std::collections::BTreeSet;

use nucleon_model::{Agent, Network, NetworkId, Segment, Subnet, SubnetId};
use sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr};

use crate::error::Result;
use crate::network::{OBJECT_TYPE, OPEN};
use crate::parts::Parts;
use crate::rbac::reaching;
use crate::tx::Tx;

/// What ports of one network on one host stand on.
#[derive(Debug)]
pub struct Ground {
    pub network: Network,
    /// Oldest first.
    pub subnets: Vec<Subnet>,
    /// By their index.
    pub segments: Vec<Segment>,
    /// Agents on the host.
    pub agents: Vec<Agent>,
    /// DHCP agents that serve the network.
    pub dhcp_agents: Vec<Agent>,
}

/// Which network is meant.
#[derive(Debug, Clone, Copy)]
pub enum Under {
    Network(NetworkId),
    /// The network of a subnet.
    Subnet(SubnetId),
}

/// What ports of a network on a host stand on, at one point in time and by one statement, and the actions by which a
/// project, if one is named, reaches the network. `None` where there is no such network.
pub async fn ground_get(
    tx: &mut Tx,
    under: Under,
    host: &str,
    project: Option<&str>,
) -> Result<Option<(Ground, BTreeSet<String>)>> {
    let mut answers = question(tx, under, host, project).ask(tx).await?;
    let Some(network) = answers.rows(NETWORK)?.pop() else { return Ok(None) };
    let mut subnets: Vec<Subnet> = answers.rows(SUBNET)?;
    subnets.sort_by_key(|subnet| (subnet.created_at, subnet.id));
    let mut segments: Vec<Segment> = answers.rows(SEGMENT)?;
    segments.sort_by_key(|segment| segment.segment_index);
    let (agents, dhcp_agents) = (answers.rows(AGENT)?, answers.rows(DHCP_AGENT)?);
    let open = answers.values(ACTION).into_iter().collect();
    Ok(Some((Ground { network, subnets, segments, agents, dhcp_agents }, open)))
}

const NETWORK: &str = "network";
const SUBNET: &str = "subnet";
const SEGMENT: &str = "segment";
const AGENT: &str = "agent";
const DHCP_AGENT: &str = "dhcp agent";
const ACTION: &str = "action";

fn col(table: &'static str, column: &'static str) -> SimpleExpr {
    Expr::col((Alias::new(table), Alias::new(column)))
}

impl Under {
    /// The condition that a column names the network.
    fn is(self, table: &'static str, column: &'static str) -> SimpleExpr {
        match self {
            Self::Network(id) => col(table, column).eq(id.to_string()),
            Self::Subnet(id) => {
                let mut of_subnet = Query::select();
                of_subnet
                    .expr(Expr::col((Alias::new("asked"), Alias::new("network_id"))))
                    .from_as(Alias::new("subnets"), Alias::new("asked"))
                    .and_where(
                        Expr::col((Alias::new("asked"), Alias::new("id"))).eq(id.to_string()),
                    );
                col(table, column).eq(SimpleExpr::SubQuery(None, Box::new(of_subnet.into())))
            }
        }
    }
}

fn question(tx: &Tx, under: Under, host: &str, project: Option<&str>) -> Parts {
    let mut parts = Parts::new(tx);
    parts.rows::<Network>(NETWORK, |part| {
        part.and_where(under.is("networks", "id"));
    });
    parts.rows::<Subnet>(SUBNET, |part| {
        part.and_where(under.is("subnets", "network_id"));
    });
    parts.rows::<Segment>(SEGMENT, |part| {
        part.and_where(under.is("segments", "network_id"));
    });
    parts.rows::<Agent>(AGENT, |part| {
        part.and_where(col("agents", "host").eq(host));
    });
    parts.rows::<Agent>(DHCP_AGENT, |part| {
        let serves = col("network_dhcp_agents", "agent_id");
        part.inner_join(Alias::new("network_dhcp_agents"), serves.eq(col("agents", "id")))
            .and_where(under.is("network_dhcp_agents", "network_id"));
    });
    if let Some(project) = project {
        parts.values(ACTION, col("rbac_policies", "action"), |part| {
            part.from(Alias::new("rbac_policies"))
                .cond_where(reaching(project, OBJECT_TYPE, OPEN))
                .and_where(under.is("rbac_policies", "object_id"));
        });
    }
    parts
}
