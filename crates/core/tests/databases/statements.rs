//! How many statements operations cost, by the store's own count.

use nucleon_core::Noun;
use nucleon_db::network::network_list;
use nucleon_db::port::port_list;
use nucleon_db::security_group::security_group_complete;
use nucleon_db::subnet::subnet_list;
use nucleon_db::{Listed, Tx};
use nucleon_model::{
    FloatingIp, ListQuery, Network, Port, Router, SecurityGroup, SecurityGroupRule, Subnet,
    SubnetPool,
};
use nucleon_testkit::{Kind, TestDatabase};
use serde_json::json;

use crate::scene::{Ask, Cloud, admin, draft, each, member, roomy};

/// Statements of writes, with their rows in the outbox.
async fn cost(cloud: &Cloud, work: impl Future) -> u64 {
    let before = cloud.store().stats().statements();
    work.await;
    cloud.store().stats().statements() - before
}

#[tokio::test]
async fn a_port_create_is_few_statements() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let network = cloud.network(json!({})).await;
        let pool = json!({"allocation_pools": [{"start": "10.0.0.100", "end": "10.0.0.200"}]});
        cloud.subnet(&network, "10.0.0.0/24", pool).await;
        cloud.subnet(&network, "fd00::/64", json!({})).await;
        let slaac = json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"});
        cloud.subnet(&network, "fd01::/64", slaac).await;
        // The first of a project looks for the project's default security group.
        let host = json!({"binding:host_id": "h1"});
        let first = cost(&cloud, cloud.port(&network, host.clone())).await;
        // What it stands on, free addresses, all rows, a limit, and what is wanted.
        assert!((1..=6).contains(&first), "{first} on {}", cloud.kind());
        let plain = cost(&cloud, cloud.port(&network, host)).await;
        assert!((1..=4).contains(&plain), "{plain} on {}", cloud.kind());
        for more in [
            json!({"binding:host_id": "h1", "tags": ["a", "b"]}),
            json!({"mac_address": "fa:16:3e:00:00:09"}),
            json!({"fixed_ips": [{"ip_address": "10.0.0.9"}, {"ip_address": "fd00::9"}]}),
        ] {
            let statements = cost(&cloud, cloud.port(&network, more.clone())).await;
            assert!((1..=5).contains(&statements), "{statements} on {}: {more}", cloud.kind());
        }
        let port = cloud.port(&network, json!({})).await;
        let delete = cost(&cloud, cloud.delete(&port)).await;
        // One looks for what rests on it, the last for a limit.
        assert!((1..=5).contains(&delete), "{delete} on {}", cloud.kind());
    })
    .await;
}

#[tokio::test]
async fn what_projects_do_with_routers_and_rules_is_few_statements() {
    each(async |cloud| {
        let p1 = member("p1");
        let (outside, _) = cloud.outside("172.24.0.0/16").await;
        let network = cloud.network(json!({"project_id": "p1"})).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({"project_id": "p1"})).await;
        let wanted = draft::<Router>(json!({
            "project_id": "p1", "external_gateway_info": {"network_id": outside.key()},
        }));
        let mut routers = Vec::new();
        let create = async { routers = Router::create(&cloud, &p1, vec![wanted]).await.unwrap() };
        // Agents, the network held, what the gateway stands on, free addresses, all rows, a limit.
        let routed = cost(&cloud, create).await;
        assert!((1..=6).contains(&routed), "{routed} on {}", cloud.kind());
        let body = json!({"subnet_id": subnet.key()});
        let add = async { cloud.join(&p1, &routers[0], body).await.unwrap() };
        // The router held, its agents, what the port stands on, what it leads to, the address, all rows, a limit.
        let joined = cost(&cloud, add).await;
        assert!((1..=7).contains(&joined), "{joined} on {}", cloud.kind());
        let wanted =
            draft::<FloatingIp>(json!({"project_id": "p1", "floating_network_id": outside.key()}));
        let create = async { FloatingIp::create(&cloud, &p1, vec![wanted]).await.unwrap() };
        // What its port stands on, free addresses, all rows, a limit.
        let floating = cost(&cloud, create).await;
        assert!((1..=4).contains(&floating), "{floating} on {}", cloud.kind());
        let group: SecurityGroup = cloud.try_create(json!({"project_id": "p1"})).await.unwrap();
        let wanted = draft::<SecurityGroupRule>(json!({
            "project_id": "p1", "security_group_id": group.key(), "direction": "ingress",
            "protocol": "tcp", "port_range_min": 22, "port_range_max": 22,
        }));
        let create = async { SecurityGroupRule::create(&cloud, &p1, vec![wanted]).await.unwrap() };
        // The group with rules that may be the same, all rows, a limit; on PostgreSQL the group's revision with the commit.
        let ruled = cost(&cloud, create).await;
        assert!((1..=4).contains(&ruled), "{ruled} on {}", cloud.kind());
    })
    .await;
}

#[tokio::test]
async fn a_bulk_create_costs_by_the_portion_not_by_the_port() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/16", json!({})).await;
        let wanted = draft::<Port>(json!({"network_id": network.key(), "tags": ["a"]}));
        let drafts = vec![wanted; 1000];
        let statements = cost(&cloud, Port::create(&cloud, &admin(), drafts)).await;
        // 64 rows at a time into ports, addresses, tags, and on servers the outbox.
        assert!(statements < 100, "{statements} on {}", cloud.kind());
    })
    .await;
}

#[tokio::test]
async fn rules_of_one_request_cost_by_the_portion_not_by_the_rule() {
    each(async |cloud| {
        let group: SecurityGroup = cloud.try_create(json!({"project_id": "p1"})).await.unwrap();
        let rule = |port: u16| {
            draft::<SecurityGroupRule>(json!({
                "security_group_id": group.key(), "direction": "ingress", "protocol": "tcp",
                "port_range_min": port, "port_range_max": port,
            }))
        };
        let drafts = (1..=1000).map(rule).collect();
        let statements = cost(&cloud, SecurityGroupRule::create(&cloud, &admin(), drafts)).await;
        // 64 rows at a time into the rules, and on servers the outbox.
        assert!((1..60).contains(&statements), "{statements} on {}", cloud.kind());
        assert_eq!(cloud.now_of(&group).await.security_group_rules.len(), 1002);
    })
    .await;
}

#[tokio::test]
async fn a_subnet_from_a_pool_costs_the_same_however_many_came_from_it() {
    each(async |cloud| {
        let wanted = json!({"name": "pool", "prefixes": ["10.0.0.0/8"], "default_prefixlen": 24});
        let pool: SubnetPool = cloud.try_create(wanted).await.unwrap();
        let network = cloud.network(json!({})).await;
        let wanted = json!({
            "network_id": network.key(), "ip_version": 4, "subnetpool_id": pool.key(),
            "enable_dhcp": false,
        });
        let one = cost(&cloud, cloud.try_create::<Subnet>(wanted.clone())).await;
        let drafts = vec![draft::<Subnet>(wanted.clone()); 200];
        Subnet::create(&cloud, &admin(), drafts).await.unwrap();
        let later = cost(&cloud, cloud.try_create::<Subnet>(wanted)).await;
        assert!((1..=14).contains(&one) && later <= one, "{one}, then {later} on {}", cloud.kind());
    })
    .await;
}

/// Security groups with their rules, as lists show them.
async fn group_list(
    tx: &mut Tx,
    project: Option<&str>,
    query: &ListQuery,
) -> Result<Listed<SecurityGroup>, nucleon_db::Error> {
    let mut listed = nucleon_db::list(tx, project, query).await?;
    if let Listed::Records(groups) = &mut listed {
        security_group_complete(tx, groups).await?;
    }
    Ok(listed)
}

/// As the others are called.
async fn subnets_listed(
    tx: &mut Tx,
    viewer: Option<&str>,
    query: &ListQuery,
) -> nucleon_db::Result<Listed<Subnet>> {
    subnet_list(tx, viewer, "adm", query).await
}

/// Statements of one list of so many rows.
macro_rules! list_cost {
    ($cloud:expr, $list:path, $rows:expr) => {{
        let query = Ask::default().page($rows, None, false).query();
        let counted = $cloud.store().snapshot(|tx| {
            let query = query.clone();
            Box::pin(async move {
                let Listed::Records(records) = $list(tx, None, &query).await? else { panic!() };
                assert_eq!(records.len() as u64, $rows);
                Ok::<_, nucleon_db::Error>(tx.statements())
            })
        });
        counted.await.unwrap()
    }};
}

#[tokio::test]
async fn a_list_costs_the_same_for_ten_as_for_a_thousand() {
    each(async |cloud| {
        let drafts = vec![draft::<Network>(json!({})); 1000];
        let networks = Network::create(&cloud, &admin(), drafts).await.unwrap();
        let subnet = |network: &Network| {
            draft::<Subnet>(json!({
                "network_id": network.key(),
                "ip_version": 4,
                "cidr": "10.0.0.0/24",
                "enable_dhcp": false,
            }))
        };
        let drafts = networks.iter().map(subnet).collect();
        Subnet::create(&cloud, &admin(), drafts).await.unwrap();
        let wanted = draft::<Port>(json!({"network_id": networks[0].key(), "fixed_ips": []}));
        Port::create(&cloud, &admin(), vec![wanted; 1000]).await.unwrap();
        let few = 10;
        let many = 1000;
        let one = list_cost!(cloud, port_list, few);
        assert_eq!((one, list_cost!(cloud, port_list, many)), (1, 1));
        let some = list_cost!(cloud, network_list, few);
        assert_eq!((some, list_cost!(cloud, network_list, many)), (4, 4));
        let wanted = draft::<SecurityGroup>(json!({}));
        SecurityGroup::create(&cloud, &admin(), vec![wanted; 100]).await.unwrap();
        let some = list_cost!(cloud, group_list, few);
        assert_eq!((some, list_cost!(cloud, group_list, 100)), (2, 2));
        let some = list_cost!(cloud, subnets_listed, few);
        assert_eq!((some, list_cost!(cloud, subnets_listed, many)), (3, 3));
    })
    .await;
}

/// How many rows of addresses PostgreSQL has looked at, once the program's connections have told and are gone.
fn addresses_read(database: &TestDatabase) -> u64 {
    let ask = |sql: &str| -> u64 { database.sql(sql).unwrap().trim().parse().unwrap() };
    let connected = "SELECT COUNT(*) FROM pg_stat_activity \
                     WHERE datname = current_database() AND application_name = 'nucleon'";
    while ask(connected) > 0 {}
    ask("SELECT SUM(idx_tup_read) + (SELECT seq_tup_read FROM pg_stat_user_tables \
                                     WHERE relname = 'ip_allocations') \
         FROM pg_stat_user_indexes WHERE relname = 'ip_allocations'")
}

/// Its plans are made while the subnet is empty, and nobody has analysed the tables since.
#[tokio::test]
async fn on_postgresql_a_port_create_reads_no_more_addresses_as_its_subnet_fills() {
    let Some(database) = nucleon_testkit::database(Kind::Postgres) else { return };
    let cloud = Cloud::on(database, roomy()).await;
    let network = cloud.network(json!({})).await;
    cloud.subnet(&network, "10.0.0.0/16", json!({})).await;
    let few = 20;
    for _ in 0..few {
        cloud.port(&network, json!({})).await;
    }
    let many = vec![draft::<Port>(json!({"network_id": network.key()})); 1000];
    Port::create(&cloud, &admin(), many).await.unwrap();
    for _ in 0..few {
        cloud.port(&network, json!({})).await;
    }
    cloud.store().close().await;
    let read = addresses_read(&cloud.database);
    // Each of the last would have read the thousand.
    assert!((1..3000).contains(&read), "{read}");
}
