//! Quotas: what projects may have, exactly, whoever asks at the same time.

use std::sync::Arc;
use std::time::Duration;

use nucleon_core::{Core, Error, Noun, Precondition, QuotaLimits, Settings, Usage};
use nucleon_db::quota::{Account, Beyond, quota_charge};
use nucleon_model::{
    AddressScope, ListQuery, Network, Port, RbacPolicy, Router, SecurityGroup, SecurityGroupRule,
};
use nucleon_testkit::Kind;
use sea_query::{Alias, Query};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::scene::{Cloud, admin, draft, each, each_with, member, merged, refused};

impl Cloud {
    async fn usage(&self, project: &str, resource: &str) -> Usage {
        let usages = self.quota_details(&admin(), project).await.unwrap();
        usages.into_iter().find(|usage| usage.resource == resource).unwrap()
    }

    /// Networks, subnets, ports and policies of a project, once its counters say the same.
    async fn used(&self, project: &str) -> [i64; 4] {
        assert_eq!(self.quotas_recount().await.unwrap(), 0, "on {}", self.kind());
        let mut used = [0; 4];
        for (used, resource) in used.iter_mut().zip(["network", "subnet", "port", "rbac_policy"]) {
            *used = self.usage(project, resource).await.used;
        }
        used
    }

    async fn set_quota(&self, project: &str, limits: Value) -> Result<Vec<Usage>, Error> {
        let Value::Object(limits) = limits else { panic!("{limits}") };
        self.quota_update(&admin(), project, &limits).await
    }

    async fn counters(&self) -> usize {
        let rows = self.store().read(|tx| {
            Box::pin(async move {
                let mut query = Query::select();
                query.column(Alias::new("used")).from(Alias::new("quotas"));
                Ok::<_, nucleon_db::Error>(tx.fetch_all(&query).await?.len())
            })
        });
        rows.await.unwrap()
    }
}

/// Of so many networks that are asked for at once, how many are made. The others are refused in Neutron's words.
async fn race(cloud: &Cloud, asked: usize) -> usize {
    async fn make(core: Core) -> Result<Vec<Network>, Error> {
        Network::create(&core, &member("p"), vec![draft::<Network>(json!({}))]).await
    }
    let tasks: Vec<_> = (0..asked).map(|_| tokio::spawn(make(cloud.core.clone()))).collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            refusal => {
                refused(refusal, "OverQuota", "Quota exceeded for resources: ['network'].");
            }
        }
    }
    made
}

#[tokio::test]
async fn two_hundred_at_once_get_exactly_what_is_left() {
    let settings =
        Settings { quotas: QuotaLimits::default().with("network", 50), ..Settings::default() };
    each_with(settings, async |cloud| {
        assert_eq!(race(&cloud, 200).await, 50, "on {}", cloud.kind());
        let networks: Vec<Network> = cloud.list(ListQuery::default()).await;
        assert_eq!(networks.len(), 50);
        for network in networks.iter().take(3) {
            cloud.delete(network).await;
        }
        assert_eq!(race(&cloud, 9).await, 3, "on {}", cloud.kind());
        assert_eq!(cloud.used("p").await, [50, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn what_comes_and_goes_is_counted() {
    each_with(Settings::default(), async |cloud| {
        let mine = || json!({"project_id": "p"});
        let network = cloud.network(merged(mine(), json!({"shared": true}))).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", mine()).await;
        let port = cloud.port(&network, mine()).await;
        let service = cloud.port(&network, json!({"project_id": ""})).await;
        assert_eq!(cloud.used("p").await, [1, 1, 1, 1]);
        cloud.update(&network, json!({"shared": false})).await;
        assert_eq!(cloud.used("p").await, [1, 1, 1, 0]);
        cloud.delete(&port).await;
        cloud.delete(&service).await;
        assert_eq!(cloud.used("p").await, [1, 1, 0, 0]);
        let other = cloud.network(mine()).await;
        cloud.subnet(&other, "10.0.0.0/24", mine()).await;
        cloud.delete(&other).await;
        assert_eq!(cloud.used("p").await, [1, 1, 0, 0]);
        cloud.delete(&subnet).await;
        // Of what is refused nothing is counted.
        cloud.set_quota("p", json!({"network": 1})).await.unwrap();
        let two = vec![draft::<Network>(json!({})); 2];
        assert!(Network::create(&cloud, &member("p"), two).await.is_err());
        assert_eq!(cloud.used("p").await, [1, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_asked_for_is_counted_and_never_refused() {
    each_with(Settings::default(), async |cloud| {
        let mine = || json!({"project_id": "p"});
        cloud.set_quota("p", json!({"port": 0, "security_group_rule": 0})).await.unwrap();
        let network = cloud.network(mine()).await;
        cloud.subnet(&network, "10.0.0.0/24", mine()).await;
        let subnet = cloud.subnet(&network, "10.1.0.0/24", mine()).await;
        let router: Router = cloud.try_create(mine()).await.unwrap();
        let body = json!({"subnet_id": subnet.key()});
        cloud.router_interface_add(&admin(), &router.key(), &body).await.unwrap();
        assert_eq!(cloud.used("p").await, [1, 2, 1, 0]);
        refused(
            cloud.try_port(&network, mine()).await,
            "OverQuota",
            "Quota exceeded for resources: ['port'].",
        );
        // The rules that a group begins with are asked for with the group, those of the default group by nobody.
        assert_eq!(cloud.usage("p", "security_group").await.used, 1);
        refused(
            cloud.try_create::<SecurityGroup>(mine()).await,
            "OverQuota",
            "Quota exceeded for resources: ['security_group_rule'].",
        );
    })
    .await;
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted_until_there_is_one() {
    each(async |cloud| {
        let first = cloud.network(json!({"project_id": "p"})).await;
        let second = cloud.network(json!({"project_id": "p"})).await;
        assert_eq!((cloud.counters().await, cloud.used("p").await), (0, [2, 0, 0, 0]));
        cloud.set_quota("p", json!({"network": 2})).await.unwrap();
        assert_eq!(race(&cloud, 3).await, 0);
        cloud.delete(&first).await;
        assert_eq!(race(&cloud, 3).await, 1);
        // Another project's limit is its own.
        cloud.create_as::<Network>(&member("q"), json!({})).await.unwrap();
        cloud.set_quota("p", json!({"network": -1})).await.unwrap();
        cloud.delete(&second).await;
        assert_eq!(race(&cloud, 3).await, 3);
        cloud.set_quota("p", json!({"network": 5})).await.unwrap();
        assert_eq!(race(&cloud, 3).await, 1);
        cloud.quota_delete(&admin(), "p").await.unwrap();
        assert_eq!((race(&cloud, 3).await, cloud.counters().await), (3, 0));
    })
    .await;
}

#[tokio::test]
async fn limits_are_set_shown_and_taken_away() {
    each_with(Settings::default(), async |cloud| {
        let limit = async |project: &str| cloud.usage(project, "network").await.limit;
        assert_eq!(limit("p").await, 100);
        cloud.create_as::<Network>(&member("p"), json!({})).await.unwrap();
        refused(
            cloud.set_quota("p", json!({"network": 0})).await,
            "HTTPBadRequest",
            "Quota limit 0 for network must be greater than or equal to already used 1",
        );
        cloud.set_quota("p", json!({"network": 0, "force": true})).await.unwrap();
        assert_eq!(limit("p").await, 0);
        assert!(cloud.create_as::<Network>(&member("p"), json!({})).await.is_err());
        cloud.set_quota("p", json!({"network": -1, "router_route": 7})).await.unwrap();
        cloud.create_as::<Network>(&member("p"), json!({})).await.unwrap();
        let listed = cloud.quota_list(&admin()).await.unwrap();
        assert_eq!(listed.iter().map(|(project, _)| project.as_str()).collect::<Vec<_>>(), ["p"]);
        assert!(cloud.quota_list(&member("p")).await.is_err());
        assert_eq!(cloud.quota_show(&member("p"), "p").await.unwrap().len(), 11);
        assert!(cloud.quota_show(&member("q"), "p").await.is_err());
        assert!(cloud.quota_details(&member("q"), "p").await.is_err());
        cloud.quota_delete(&admin(), "p").await.unwrap();
        assert_eq!((limit("p").await, cloud.usage("p", "network").await.used), (100, 2));
        refused(
            cloud.quota_delete(&admin(), "p").await,
            "TenantQuotaNotFound",
            "Quota for project p could not be found.",
        );
    })
    .await;
}

#[tokio::test]
async fn a_counter_that_drifted_is_set_right() {
    each_with(Settings::default(), async |cloud| {
        let network = cloud.network(json!({"project_id": "p"})).await;
        cloud.network(json!({"project_id": "q"})).await;
        assert_eq!(cloud.quotas_recount().await.unwrap(), 0);
        let spoilt = cloud.store().write("spoil", |tx| {
            Box::pin(async move {
                let mut update = Query::update();
                update.table(Alias::new("quotas")).value(Alias::new("used"), 77i64);
                tx.execute(&update).await
            })
        });
        let spoilt = spoilt.await.unwrap();
        assert!(spoilt >= 2);
        assert_eq!(cloud.quotas_recount().await.unwrap() as u64, spoilt);
        Network::delete(&cloud, &admin(), &network.key(), Precondition::default()).await.unwrap();
        assert_eq!(cloud.used("p").await, [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn policies_are_limited_and_those_of_attributes_are_not() {
    each_with(Settings::default(), async |cloud| {
        cloud.set_quota("p", json!({"rbac_policy": 1})).await.unwrap();
        let scope = json!({"name": "s", "ip_version": 4, "project_id": "p", "shared": true});
        let scope: AddressScope = cloud.try_create(scope).await.unwrap();
        let shared = cloud.network(json!({"project_id": "p", "shared": true})).await;
        assert_eq!(cloud.used("p").await, [1, 0, 0, 2]);
        let policy = json!({
            "object_type": "network",
            "object_id": shared.key(),
            "action": "access_as_shared",
            "target_tenant": "0a2f0a2e5d0b4b1f8a1a1a1a1a1a1a02",
            "project_id": "p",
        });
        refused(
            cloud.try_create::<RbacPolicy>(policy).await,
            "OverQuota",
            "Quota exceeded for resources: ['rbac_policy'].",
        );
        cloud.delete(&scope).await;
        cloud.delete(&shared).await;
        assert_eq!(cloud.used("p").await, [0, 0, 0, 0]);
    })
    .await;
}

#[tokio::test]
async fn a_request_for_several_is_refused_as_a_whole() {
    each_with(Settings::default(), async |cloud| {
        let network = cloud.network(json!({"project_id": "p"})).await;
        cloud.set_quota("p", json!({"port": 3})).await.unwrap();
        let port = draft::<Port>(json!({"network_id": network.key(), "project_id": "p"}));
        assert!(Port::create(&cloud, &admin(), vec![port.clone(); 4]).await.is_err());
        assert_eq!(cloud.used("p").await, [1, 0, 0, 0]);
        Port::create(&cloud, &admin(), vec![port; 3]).await.unwrap();
        assert_eq!(cloud.used("p").await, [1, 0, 3, 0]);
        let group: SecurityGroup = cloud.try_create(json!({"project_id": "q"})).await.unwrap();
        // Beside those of the default group.
        let rules = cloud.usage("p", "security_group_rule").await.used + 3;
        cloud.set_quota("p", json!({"security_group_rule": rules})).await.unwrap();
        let rule = |port: u16| {
            draft::<SecurityGroupRule>(json!({
                "security_group_id": group.key(), "project_id": "p", "direction": "ingress",
                "protocol": "tcp", "port_range_min": port, "port_range_max": port,
            }))
        };
        let refusal =
            SecurityGroupRule::create(&cloud, &admin(), (1..=4).map(rule).collect()).await;
        refused(refusal, "OverQuota", "Quota exceeded for resources: ['security_group_rule'].");
        SecurityGroupRule::create(&cloud, &admin(), (1..=3).map(rule).collect()).await.unwrap();
        // Without a limit of its own the project has no counter, until the next request opens one: with what that brings.
        cloud.quota_delete(&admin(), "p").await.unwrap();
        let usage = cloud.usage("p", "security_group_rule").await;
        let free = u16::try_from(usage.limit - usage.used).unwrap();
        let many = |count: u16| (10..10 + count).map(rule).collect();
        let refusal = SecurityGroupRule::create(&cloud, &admin(), many(free + 1)).await;
        refused(refusal, "OverQuota", "Quota exceeded for resources: ['security_group_rule'].");
        SecurityGroupRule::create(&cloud, &admin(), many(free)).await.unwrap();
        let one = SecurityGroupRule::create(&cloud, &admin(), vec![rule(1000)]).await;
        refused(one, "OverQuota", "Quota exceeded for resources: ['security_group_rule'].");
    })
    .await;
}

#[tokio::test]
async fn a_limit_costs_a_port_one_statement() {
    each_with(Settings::default(), async |cloud| {
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        // With the first, the counter begins.
        cloud.port(&network, json!({})).await;
        let before = cloud.store().stats().statements();
        cloud.port(&network, json!({})).await;
        let create = cloud.store().stats().statements() - before;
        assert!((1..=9).contains(&create), "{create} on {}", cloud.kind());
    })
    .await;
}

#[tokio::test]
async fn a_router_has_only_so_many_routes() {
    each(async |cloud| {
        cloud.set_quota("p", json!({"router_route": 1})).await.unwrap();
        let mine = || json!({"project_id": "p"});
        let network = cloud.network(mine()).await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", mine()).await;
        let router: Router = cloud.try_create(mine()).await.unwrap();
        let body = json!({"subnet_id": subnet.key()});
        cloud.router_interface_add(&admin(), &router.key(), &body).await.unwrap();
        let route =
            |net: u8| json!({"destination": format!("10.{net}.0.0/24"), "nexthop": "10.0.0.9"});
        cloud.try_update(&router, json!({"routes": [route(1)]})).await.unwrap();
        refused(
            cloud.try_update(&router, json!({"routes": [route(1), route(2)]})).await,
            "OverQuota",
            "Quota exceeded for resources: ['router_route'].",
        );
        cloud.set_quota("p", json!({"router_route": -1})).await.unwrap();
        cloud.try_update(&router, json!({"routes": [route(1), route(2)]})).await.unwrap();
    })
    .await;
}

/// Whether a network can be made while another transaction of its project has settled and not ended.
async fn goes_on_beside(cloud: &Cloud, default: i64) -> bool {
    let (settled, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (store, signals) = (cloud.store().clone(), (settled.clone(), end.clone()));
    let other = tokio::spawn(async move {
        let write = store.write("settle and stay", move |tx| {
            let (settled, end) = signals.clone();
            Box::pin(async move {
                let table = Some("networks");
                let account = Account { project_id: "p", resource: "network", table, default };
                quota_charge(tx, &account, 0, Beyond::Counted).await?;
                settled.notify_one();
                end.notified().await;
                Ok::<_, nucleon_db::Error>(())
            })
        });
        write.await
    });
    settled.notified().await;
    let caller = member("p");
    let beside = cloud.create_as::<Network>(&caller, json!({}));
    let made = tokio::time::timeout(Duration::from_secs(1), beside).await.is_ok();
    end.notify_one();
    other.await.unwrap().unwrap();
    made
}

#[tokio::test]
async fn whoever_has_no_limit_waits_for_nobody() {
    for (limit, waits) in [(-1, false), (100, true)] {
        let quotas = QuotaLimits::all(limit);
        each_with(Settings { quotas, ..Settings::default() }, async |cloud| {
            // On SQLite one writes at a time.
            if cloud.kind() != Kind::Sqlite {
                cloud.create_as::<Network>(&member("p"), json!({})).await.unwrap();
                assert_eq!(goes_on_beside(&cloud, limit).await, !waits, "on {}", cloud.kind());
            }
        })
        .await;
    }
}
