//! Topologies made on demand.

use nucleon_core::{Core, Kind, Noun};
use nucleon_model::{ListQuery, Network, Router, Subnet, SubnetPool};
use serde_json::json;
use tokio::task::JoinSet;

use crate::scene::{Cloud, admin, each, member};

/// A default external network and default pools.
async fn furnish(cloud: &Cloud) -> Network {
    let outside = json!({"router:external": true, "is_default": true});
    let outside = cloud.network(outside).await;
    let subnet = json!({
        "network_id": outside.key(), "ip_version": 4, "cidr": "172.24.0.0/24", "enable_dhcp": false,
    });
    let _: Subnet = cloud.try_create(subnet).await.unwrap();
    for (prefix, length) in [("10.0.0.0/16", 26), ("fd12:67:1::/56", 64)] {
        let pool = json!({
            "name": "pool", "prefixes": [prefix], "default_prefixlen": length, "shared": true,
            "is_default": true,
        });
        let _: SubnetPool = cloud.try_create(pool).await.unwrap();
    }
    outside
}

/// How many networks, subnets and routers a project sees of its own.
async fn owned(cloud: &Cloud, project: &str) -> [usize; 3] {
    let caller = admin();
    let query = ListQuery::default;
    let networks = Network::list(cloud, &caller, query()).await.unwrap();
    let subnets = Subnet::list(cloud, &caller, query()).await.unwrap();
    let routers = Router::list(cloud, &caller, query()).await.unwrap();
    [
        networks.iter().filter(|network| network.project_id == project).count(),
        subnets.iter().filter(|subnet| subnet.project_id == project).count(),
        routers.iter().filter(|router| router.project_id == project).count(),
    ]
}

#[tokio::test]
async fn a_project_gets_one_topology_however_often_it_asks_and_is_rid_of_it_at_once() {
    each(async |cloud| {
        furnish(&cloud).await;
        let caller = member("p1");
        let first = cloud.auto_allocated_topology_show(&caller, "None").await.unwrap();
        assert_eq!(owned(&cloud, "p1").await, [1, 2, 1]);
        let again = cloud.auto_allocated_topology_show(&caller, "p1").await.unwrap();
        assert_eq!((again, owned(&cloud, "p1").await), (first, [1, 2, 1]));
        let network = Network::show(&cloud, &caller, &first.to_string()).await.unwrap();
        assert!(network.admin_state_up && network.subnets.len() == 2, "{network:?}");

        let refused = cloud.auto_allocated_topology_show(&member("p2"), "p1").await.unwrap_err();
        assert_eq!((refused.kind(), refused.name()), (Kind::Forbidden, "NotAuthorized"));

        cloud.auto_allocated_topology_delete(&caller, "p1").await.unwrap();
        assert_eq!(owned(&cloud, "p1").await, [0, 0, 0]);
        cloud.auto_allocated_topology_delete(&caller, "p1").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn many_who_ask_at_once_get_the_same_topology() {
    each(async |cloud| {
        furnish(&cloud).await;
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let core = Core::clone(&cloud);
            asking
                .spawn(async move { core.auto_allocated_topology_show(&member("p1"), "p1").await });
        }
        let mut made = Vec::new();
        while let Some(done) = asking.join_next().await {
            made.push(done.unwrap().unwrap());
        }
        made.dedup();
        assert_eq!((made.len(), owned(&cloud, "p1").await), (1, [1, 2, 1]), "{}", cloud.kind());
    })
    .await;
}

#[tokio::test]
async fn what_is_lacking_is_named_and_nothing_is_left_of_a_try() {
    each(async |cloud| {
        let caller = member("p1");
        let lacking = async || {
            let checked = cloud.auto_allocated_topology_check(&caller, "p1").await.unwrap_err();
            let tried = cloud.auto_allocated_topology_show(&caller, "p1").await.unwrap_err();
            assert_eq!(tried.name(), "AutoAllocationFailure");
            [checked.message().to_owned(), tried.message().to_owned()]
        };
        let none = "Deployment error: No default router:external network.";
        assert_eq!(lacking().await, [none, none]);
        let outside = json!({"router:external": true, "is_default": true});
        let outside = cloud.network(outside).await;
        let [checked, tried] = lacking().await;
        assert_eq!(checked, "Deployment error: No default subnetpools defined.");
        assert_eq!(tried, "Deployment error: Unable to provide project private network.");
        assert_eq!(owned(&cloud, "p1").await, [0, 0, 0]);

        let second = json!({"router:external": true, "is_default": true});
        let refused = cloud.try_create::<Network>(second).await.unwrap_err();
        assert_eq!(refused.name(), "DefaultExternalNetworkExists");
        assert!(refused.message().contains(&outside.key()), "{refused}");
        // Inside, it says nothing.
        cloud.network(json!({"is_default": true})).await;
    })
    .await;
}
