//! How the databases find what a project sees: by an index, never by looking at what other projects have.

use nucleon_db::{Error, Listing, list_plan};
use nucleon_model::{
    FloatingIpPool, ListQuery, Network, NetworkId, Page, Port, PortId, Resource, Router, Subnet,
    SubnetId, Timestamp,
};
use nucleon_testkit::Kind;
use sea_query::{Alias, Query};
use serde_json::json;
use uuid::Uuid;

use crate::scene::{Cloud, each};

/// Projects, each with so many networks. All are shared with somebody, a few with the viewer. They are more than the values
/// that PostgreSQL remembers of a column.
const PROJECTS: u128 = 300;
const NETWORKS: u128 = 10;
const VIEWER: &str = "p7";

fn network(number: u128) -> Network {
    Network {
        id: NetworkId::new(Uuid::from_u128(number + 1)),
        project_id: format!("p{}", number / NETWORKS),
        created_at: Timestamp::from_micros(0),
        ..Network::default()
    }
}

fn subnet(network: &Network) -> Subnet {
    Subnet {
        id: SubnetId::new(network.id.uuid()),
        network_id: network.id,
        project_id: network.project_id.clone(),
        ip_version: 4,
        ..Subnet::default()
    }
}

fn port(network: &Network) -> Port {
    Port {
        id: PortId::new(network.id.uuid()),
        network_id: network.id,
        project_id: network.project_id.clone(),
        created_at: Timestamp::from_micros(0),
        ..Port::default()
    }
}

impl Cloud {
    /// Networks of many projects, without the labour of creating each, and the databases know of them.
    async fn populate(&self) {
        self.fill().await;
        self.analyze();
    }

    async fn fill(&self) {
        let written = self.store().write("populate", |tx| {
            Box::pin(async move {
                let networks: Vec<Network> = (0..PROJECTS * NETWORKS).map(network).collect();
                nucleon_db::network::network_insert(tx, &networks).await?;
                let subnets: Vec<Subnet> = networks.iter().map(subnet).collect();
                nucleon_db::subnet::subnet_insert(tx, &subnets).await?;
                let ports: Vec<Port> = networks.iter().map(port).collect();
                nucleon_db::port::port_insert(tx, &ports);
                let shared = networks.iter().enumerate().map(policy).collect();
                let columns = &[
                    "id",
                    "project_id",
                    "object_type",
                    "object_id",
                    "action",
                    "target_project",
                    "revision_number",
                ];
                tx.insert_rows("rbac_policies", columns, shared)
            })
        });
        written.await.unwrap();
    }

    fn analyze(&self) {
        if self.kind() != Kind::Sqlite {
            let tables = "networks, subnets, ports, rbac_policies";
            let statement = match self.kind() {
                Kind::Postgres => format!("ANALYZE {tables}"),
                _ => format!("ANALYZE TABLE {tables}"),
            };
            self.database.sql(&statement).unwrap();
        }
    }

    async fn plan<R: Listing>(&self, project: &'static str) -> String {
        self.plan_of::<R>(project, ListQuery::default()).await
    }

    async fn plan_of<R: Listing>(&self, project: &'static str, query: ListQuery) -> String {
        let planned = self.store().read(|tx| {
            let query = query.clone();
            Box::pin(async move {
                let lines = list_plan::<R>(tx, Some(project), &query).await?;
                Ok::<_, Error>(lines.join("\n"))
            })
        });
        planned.await.unwrap()
    }
}

fn policy((number, network): (usize, &Network)) -> Vec<sea_query::Value> {
    let target = if number % 300 == 0 { VIEWER.to_owned() } else { format!("q{number}") };
    vec![
        network.id.to_string().into(),
        network.project_id.clone().into(),
        "network".into(),
        network.id.to_string().into(),
        "access_as_shared".into(),
        target.into(),
        1i64.into(),
    ]
}

/// Whether a plan looks at each row of a table.
fn scans(kind: Kind, plan: &str, table: &str) -> bool {
    plan.lines().any(|line| match kind {
        Kind::Sqlite => line.contains(&format!("SCAN {table}")),
        Kind::Postgres => line.contains(&format!("Seq Scan on {table}")),
        _ => line.contains(&format!("{table} ALL")) || line.contains(&format!("{table} index")),
    }) || (kind == Kind::Postgres && walks(plan, table))
}

/// Whether PostgreSQL goes along an index of a table from its beginning.
fn walks(plan: &str, table: &str) -> bool {
    let mut nodes = plan.split("->");
    nodes.any(|node| {
        let indexed = node.contains("Index Scan") || node.contains("Index Only Scan");
        indexed && node.contains(&format!(" on {table}")) && !node.contains("Index Cond")
    })
}

#[track_caller]
fn check<R: Resource>(kind: Kind, plan: &str) {
    for table in ["networks", "subnets", "ports", "routers", "rbac_policies"] {
        assert!(!scans(kind, plan, table), "{} by {kind}:\n{plan}", R::DECL.collection);
    }
}

#[tokio::test]
async fn what_a_project_sees_is_found_by_indexes() {
    each(async |cloud| {
        cloud.populate().await;
        let kind = cloud.kind();
        check::<Network>(kind, &cloud.plan::<Network>(VIEWER).await);
        check::<Subnet>(kind, &cloud.plan::<Subnet>(VIEWER).await);
        check::<Port>(kind, &cloud.plan::<Port>(VIEWER).await);
        check::<FloatingIpPool>(kind, &cloud.plan::<FloatingIpPool>(VIEWER).await);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_what_a_project_sees_is_found_by_indexes() {
    each(async |cloud| {
        cloud.populate().await;
        let kind = cloud.kind();
        let page = Page { limit: 10, marker: None, reverse: false };
        let query = || ListQuery { page: Some(page.clone()), ..ListQuery::default() };
        for project in [VIEWER, "nobody"] {
            check::<Network>(kind, &cloud.plan_of::<Network>(project, query()).await);
            check::<Subnet>(kind, &cloud.plan_of::<Subnet>(project, query()).await);
            check::<Port>(kind, &cloud.plan_of::<Port>(project, query()).await);
            check::<Router>(kind, &cloud.plan_of::<Router>(project, query()).await);
        }
    })
    .await;
}

/// A plan that PostgreSQL keeps outlives the size that the tables had.
#[tokio::test]
async fn on_postgresql_lists_of_small_tables_are_planned_as_for_large_ones() {
    each(async |cloud| {
        let kind = cloud.kind();
        if kind == Kind::Postgres {
            check::<Network>(kind, &cloud.plan::<Network>(VIEWER).await);
            check::<Subnet>(kind, &cloud.plan::<Subnet>(VIEWER).await);
            check::<Port>(kind, &cloud.plan::<Port>(VIEWER).await);
        }
    })
    .await;
}

#[tokio::test]
async fn on_postgresql_no_row_is_held_against_many_where_tables_have_grown_since_they_were_analyzed()
 {
    each(async |cloud| {
        if cloud.kind() != Kind::Postgres {
            return;
        }
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        cloud.analyze();
        cloud.fill().await;
        for plan in [
            cloud.plan::<Network>(VIEWER).await,
            cloud.plan::<Subnet>(VIEWER).await,
            cloud.plan::<Port>(VIEWER).await,
        ] {
            assert!(!plan.contains("Join Filter"), "{plan}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_index_is_looked_for_in_earnest() {
    each(async |cloud| {
        cloud.populate().await;
        let all = cloud.store().read(|tx| {
            Box::pin(async move {
                let mut query = Query::select();
                query.column(Alias::new("name")).from(Alias::new("subnets"));
                Ok::<_, Error>(tx.explain(&query).await?.join("\n"))
            })
        });
        let plan = all.await.unwrap();
        assert!(scans(cloud.kind(), &plan, "subnets"), "{plan}");
    })
    .await;
}
