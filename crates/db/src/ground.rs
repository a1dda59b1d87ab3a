//! What a port stands on: its network with all that belongs to it, and the agents that wire and serve it.

use nucleon_model::{Agent, Network, NetworkId, Resource, Segment, Subnet};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement, UnionType};

use crate::error::{Error, Result};
use crate::resource::Columns;
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

/// What ports of a network on a host stand on, at one point in time and by one statement: the rows of five tables come
/// packed, one below the other. `None` where there is no such network.
pub async fn ground_get(tx: &mut Tx, id: NetworkId, host: &str) -> Result<Option<Ground>> {
    let mut network = None;
    let (mut subnets, mut segments) = (Vec::<Subnet>::new(), Vec::<Segment>::new());
    let (mut agents, mut dhcp_agents) = (Vec::new(), Vec::new());
    let question = question(tx, id, host);
    for row in tx.fetch_all(&question).await? {
        let packed: String = row.at(1)?;
        match row.at::<String>(0)?.as_str() {
            NETWORK => network = Some(unpack::<Network>(&packed)?),
            SUBNET => subnets.push(unpack(&packed)?),
            SEGMENT => segments.push(unpack(&packed)?),
            AGENT => agents.push(unpack(&packed)?),
            DHCP_AGENT => dhcp_agents.push(unpack(&packed)?),
            other => {
                let problem = format!("{other:?} is no part of what a port stands on");
                return Err(Error::Damaged { column: "part".to_owned(), problem });
            }
        }
    }
    subnets.sort_by_key(|subnet| (subnet.created_at, subnet.id));
    segments.sort_by_key(|segment| segment.segment_index);
    Ok(network.map(|network| Ground { network, subnets, segments, agents, dhcp_agents }))
}

// What a row of the answer is, as its first column says.
const NETWORK: &str = "network";
const SUBNET: &str = "subnet";
const SEGMENT: &str = "segment";
const AGENT: &str = "agent";
const DHCP_AGENT: &str = "dhcp agent";

fn question(tx: &Tx, id: NetworkId, host: &str) -> SelectStatement {
    let id = id.to_string();
    let of_network = |table: &'static str, column: &'static str| {
        Expr::col((Alias::new(table), Alias::new(column))).eq(id.as_str())
    };
    let mut question = part::<Network>(tx, NETWORK);
    question.and_where(of_network("networks", "id"));
    let mut add = |part: SelectStatement| {
        question.union(UnionType::All, part);
    };

    let mut subnets = part::<Subnet>(tx, SUBNET);
    add(subnets.and_where(of_network("subnets", "network_id")).take());
    let mut segments = part::<Segment>(tx, SEGMENT);
    add(segments.and_where(of_network("segments", "network_id")).take());
    let mut on_host = part::<Agent>(tx, AGENT);
    add(on_host.and_where(Expr::col((Alias::new("agents"), Alias::new("host"))).eq(host)).take());
    let serving = Alias::new("network_dhcp_agents");
    let mut dhcp = part::<Agent>(tx, DHCP_AGENT);
    dhcp.inner_join(
        serving.clone(),
        Expr::col((serving, Alias::new("agent_id")))
            .equals((Alias::new("agents"), Alias::new("id"))),
    );
    add(dhcp.and_where(of_network("network_dhcp_agents", "network_id")).take());
    question
}

/// The rows of a table, packed, beside what they are.
fn part<R: Resource>(tx: &Tx, name: &'static str) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr(Expr::val(name))
        .expr(Columns::all::<R>().pack::<R>(tx.dialect()))
        .from(Alias::new(R::DECL.table));
    select
}

fn unpack<R: Resource>(row: &str) -> Result<R> {
    Columns::all::<R>().unpack(row)
}
