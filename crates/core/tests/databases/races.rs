//! Many clients at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use nucleon_core::{Core, Error, Kind, Noun, Precondition};
use nucleon_db::migrate;
use nucleon_model::{
    AddressScope, ListQuery, Network, Port, SecurityGroup, SecurityGroupRule, Subnet, SubnetPool,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::scene::{Ask, Cloud, admin, draft, each, member};

const CLIENTS: usize = 32;

/// Has 32 clients, over two servers, do something `times` each; all outcomes.
async fn race<T, Done>(
    cloud: &Cloud,
    times: usize,
    work: impl Fn(Core, usize) -> Done + Send + Sync + 'static,
) -> Vec<Result<T, Error>>
where
    T: Send + 'static,
    Done: Future<Output = Result<T, Error>> + Send + 'static,
{
    let second = other_server(cloud).await;
    let work = Arc::new(work);
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let core = if client % 2 == 0 { cloud.core.clone() } else { second.clone() };
        let work = work.clone();
        clients.spawn(async move {
            let mut outcomes = Vec::with_capacity(times);
            for turn in 0..times {
                outcomes.push(work(core.clone(), client * times + turn).await);
            }
            outcomes
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// Another server on the same database.
async fn other_server(cloud: &Cloud) -> Core {
    let url = cloud.database.url.parse().unwrap();
    let store = nucleon_db::Store::open(&url, nucleon_db::StoreOptions::default()).await.unwrap();
    migrate::upgrade(&store).await.unwrap();
    store.start_journal();
    Core::new(
        store,
        cloud.settings().clone(),
        crate::scene::drivers(),
        nucleon_policy::Policy::defaults(nucleon_policy::Options::default()),
        cloud.clock.clone(),
        nucleon_obs::Random::system(),
    )
}

async fn create(core: Core, attributes: Value) -> Result<Port, Error> {
    Ok(Port::create(&core, &admin(), vec![draft::<Port>(attributes)]).await?.remove(0))
}

/// The successes; all failures must be called `name`.
fn sorted_out<T>(outcomes: Vec<Result<T, Error>>, name: &str) -> Vec<T> {
    let mut successes = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(value) => successes.push(value),
            Err(error) => assert_eq!(error.name(), name, "{error:?}"),
        }
    }
    successes
}

async fn network(cloud: &Cloud, cidr: &str, more: Value) -> Network {
    let network = cloud.network(json!({})).await;
    cloud.subnet(&network, cidr, more).await;
    network
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_clients_in_one_subnet_get_distinct_addresses() {
    each(async |cloud| {
        let network = network(&cloud, "10.0.0.0/22", json!({})).await;
        let wanted = json!({"network_id": network.key()});
        let outcomes = race(&cloud, 20, move |core, _| create(core, wanted.clone())).await;
        let ports = sorted_out(outcomes, "none should fail");
        let distinct: BTreeSet<_> = ports.iter().map(|port| port.fixed_ips[0].ip_address).collect();
        assert_eq!((ports.len(), distinct.len()), (640, 640));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_requests_as_there_are_addresses_succeed() {
    each(async |cloud| {
        let network = network(&cloud, "10.0.0.0/26", json!({})).await;
        let wanted = json!({"network_id": network.key()});
        let outcomes = race(&cloud, 5, move |core, _| create(core, wanted.clone())).await;
        let ports = sorted_out(outcomes, "IpAddressGenerationFailure");
        let distinct: BTreeSet<_> = ports.iter().map(|port| port.fixed_ips[0].ip_address).collect();
        assert_eq!((ports.len(), distinct.len()), (61, 61));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_given_to_one() {
    each(async |cloud| {
        let network = network(&cloud, "10.0.0.0/24", json!({})).await;
        let wanted =
            json!({"network_id": network.key(), "fixed_ips": [{"ip_address": "10.0.0.9"}]});
        let outcomes = race(&cloud, 1, move |core, _| create(core, wanted.clone())).await;
        assert_eq!(sorted_out(outcomes, "IpAddressAlreadyAllocated").len(), 1);
        let wanted = json!({"network_id": network.key(), "mac_address": "fa:16:3e:00:00:07"});
        let outcomes = race(&cloud, 1, move |core, _| create(core, wanted.clone())).await;
        assert_eq!(sorted_out(outcomes, "MacAddressInUse").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_overlapping_subnets_one_is_made() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let id = network.key();
        let outcomes = race(&cloud, 1, move |core, n| {
            let cidr = format!("10.0.0.0/{}", 16 + n % 8);
            let wanted = json!({"network_id": id, "ip_version": 4, "cidr": cidr});
            let wanted = draft::<Subnet>(wanted);
            async move { Subnet::create(&core, &admin(), vec![wanted]).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "InvalidInput").len(), 1);
        let network = cloud.now_of(&network).await;
        assert_eq!((network.subnets.len(), network.revision_number), (1, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subnets_of_one_pool_are_cut_apart() {
    each(async |cloud| {
        let wanted = json!({"name": "pool", "prefixes": ["10.0.0.0/22"], "default_prefixlen": 27});
        let pool: SubnetPool = cloud.try_create(wanted).await.unwrap();
        let network = cloud.network(json!({})).await;
        let (network_id, pool_id) = (network.key(), pool.key());
        let wanted = json!({"network_id": network_id, "ip_version": 4, "subnetpool_id": pool_id});
        let wanted = draft::<Subnet>(wanted);
        let outcomes = race(&cloud, 2, move |core, n| {
            let wanted = wanted.clone();
            async move {
                let made = Subnet::create(&core, &admin(), vec![wanted]).await?.remove(0);
                // Some go again at once, and their blocks to others.
                if n % 4 == 0 {
                    Subnet::delete(&core, &admin(), &made.key(), Precondition::default()).await?;
                    return Ok(None);
                }
                Ok(Some(made))
            }
        })
        .await;
        let made = sorted_out(outcomes, "SubnetAllocationError");
        let kept: Vec<Subnet> = made.into_iter().flatten().collect();
        let distinct: BTreeSet<_> = kept.iter().filter_map(|subnet| subnet.cidr).collect();
        assert_eq!(distinct.len(), kept.len());
        assert!(distinct.iter().all(|cidr| cidr.prefix_len() == 27));
        // What was not kept can be had, and no more.
        let more = json!({"network_id": network_id, "ip_version": 4, "subnetpool_id": pool_id});
        for _ in kept.len()..32 {
            cloud.try_create::<Subnet>(more.clone()).await.unwrap();
        }
        let beyond = cloud.try_create::<Subnet>(more).await;
        assert_eq!(beyond.unwrap_err().name(), "SubnetAllocationError");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_of_one_scope_are_made_apart() {
    each(async |cloud| {
        let scope = json!({"name": "scope", "ip_version": 4});
        let scope: AddressScope = cloud.try_create(scope).await.unwrap();
        let scope = scope.key();
        let outcomes = race(&cloud, 1, move |core, n| {
            let prefix = format!("10.0.0.0/{}", 8 + n % 16);
            let wanted = json!({"name": "p", "prefixes": [prefix], "address_scope_id": scope});
            let wanted = draft::<SubnetPool>(wanted);
            async move { SubnetPool::create(&core, &admin(), vec![wanted]).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "AddressScopePrefixConflict").len(), 1);
        let outcomes = race(&cloud, 1, move |core, _| {
            let wanted = json!({"name": "p", "prefixes": ["20.0.0.0/8"], "is_default": true});
            let wanted = draft::<SubnetPool>(wanted);
            async move { SubnetPool::create(&core, &admin(), vec![wanted]).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "InvalidInput").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vlan_is_reserved_once_and_a_range_to_its_end() {
    let settings = nucleon_core::Settings {
        project_network_types: vec!["vlan".to_owned()],
        ..crate::scene::roomy()
    };
    crate::scene::each_with(settings, async |cloud| {
        let outcomes = race(&cloud, 1, |core, _| async move {
            Network::create(&core, &admin(), vec![draft::<Network>(json!({}))]).await
        })
        .await;
        assert_eq!(sorted_out(outcomes, "NoNetworkAvailable").len(), 3);
        let vlan = json!({
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": 9,
        });
        let outcomes = race(&cloud, 1, move |core, _| {
            let vlan = draft::<Network>(vlan.clone());
            async move { Network::create(&core, &admin(), vec![vlan]).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "VlanIdInUse").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_gets_one_default_group_however_many_want_it() {
    each(async |cloud| {
        let network = network(&cloud, "10.0.0.0/24", json!({})).await;
        let id = network.key();
        let outcomes = race(&cloud, 1, move |core, n| {
            let wanted = json!({"network_id": id, "project_id": "p1"});
            async move {
                match n % 3 {
                    0 => {
                        let network = draft::<Network>(json!({"project_id": "p1"}));
                        Network::create(&core, &admin(), vec![network]).await.map(drop)
                    }
                    1 => {
                        let query = ListQuery::default();
                        SecurityGroup::list(&core, &member("p1"), query).await.map(drop)
                    }
                    _ => create(core, wanted).await.map(drop),
                }
            }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "none should fail").len(), CLIENTS);
        let of_project = Ask::default().with::<SecurityGroup>("project_id", &["p1".to_owned()]);
        let groups: Vec<SecurityGroup> = cloud.list(of_project.query()).await;
        let [group] = groups.as_slice() else { panic!("{groups:?}") };
        assert_eq!(group.security_group_rules.len(), 4);
        let ports: Vec<Port> = cloud.list(ListQuery::default()).await;
        assert!(ports.iter().all(|port| port.security_groups == [group.id]), "{ports:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_rules_one_is_made() {
    each(async |cloud| {
        let group: SecurityGroup = cloud.try_create(json!({"project_id": "p1"})).await.unwrap();
        let id = group.key();
        let outcomes = race(&cloud, 1, move |core, _| {
            let wanted = json!({"security_group_id": id, "direction": "ingress"});
            let wanted = draft::<SecurityGroupRule>(wanted);
            async move { SecurityGroupRule::create(&core, &admin(), vec![wanted]).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "SecurityGroupRuleExists").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_counts_the_rules_that_come_to_it_at_once() {
    each(async |cloud| {
        let group: SecurityGroup = cloud.try_create(json!({"project_id": "p1"})).await.unwrap();
        let id = group.key();
        let outcomes = race(&cloud, 2, move |core, turn| {
            let wanted = json!({
                "security_group_id": id, "direction": "ingress", "protocol": "tcp",
                "port_range_min": turn + 1, "port_range_max": turn + 1,
            });
            let wanted = draft::<SecurityGroupRule>(wanted);
            async move { SecurityGroupRule::create(&core, &admin(), vec![wanted]).await }
        })
        .await;
        let made = sorted_out(outcomes, "none").len();
        assert_eq!(made, 2 * CLIENTS, "{}", cloud.kind());
        let now = cloud.now_of(&group).await;
        assert_eq!(now.security_group_rules.len(), 2 + made);
        let further = usize::try_from(now.revision_number - group.revision_number).unwrap();
        assert_eq!(further, made, "{}", cloud.kind());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_counts_exactly_the_updates_that_succeeded() {
    each(async |cloud| {
        let network = cloud.network(json!({})).await;
        let port = cloud.port(&network, json!({})).await;
        let id = port.key();
        let outcomes = race(&cloud, 3, move |core, n| {
            let (id, wanted) = (id.clone(), draft::<Port>(json!({"name": n.to_string()})));
            let precondition = Precondition::default();
            async move { Port::update(&core, &admin(), &id, wanted, precondition).await }
        })
        .await;
        // They queue up: none has to fail.
        let updated = sorted_out(outcomes, "none should fail");
        let revisions: BTreeSet<i64> = updated.iter().map(|port| port.revision_number).collect();
        assert_eq!(revisions, (2..=97).collect());
        assert_eq!(cloud.now_of(&port).await.revision_number, 97);
        // With a revision asked for, one gets through.
        let id = port.key();
        let outcomes = race(&cloud, 1, move |core, n| {
            let (id, wanted) = (id.clone(), draft::<Port>(json!({"name": n.to_string()})));
            let precondition = Precondition { revision: Some(97) };
            async move { Port::update(&core, &admin(), &id, wanted, precondition).await }
        })
        .await;
        assert_eq!(sorted_out(outcomes, "RevisionNumberConstraintFailed").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_are_deleted_once_each() {
    each(async |cloud| {
        let network = network(&cloud, "10.0.0.0/24", json!({})).await;
        let wanted = draft::<Port>(json!({"network_id": network.key()}));
        let ports = Port::create(&cloud, &admin(), vec![wanted; 10]).await.unwrap();
        let ids: Vec<String> = ports.iter().map(Port::key).collect();
        let outcomes =
            race(&cloud, 10, move |core, n| {
                // Each client begins with another one.
                let id = ids[(n % 10 + n / 10) % 10].clone();
                async move {
                    Port::delete(&core, &admin(), &id, Precondition::default()).await.map(|()| id)
                }
            })
            .await;
        let mut deleted = sorted_out(outcomes, "PortNotFound");
        deleted.sort();
        let mut ids: Vec<String> = ports.iter().map(Port::key).collect();
        ids.sort();
        assert_eq!(deleted, ids);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_deleted_with_all_that_is_its_own_or_stays_with_a_port() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        for _ in 0..4 {
            let network = network(&cloud, "10.0.0.0/24", json!({})).await;
            let id = network.key();
            let outcomes = race(&cloud, 1, move |core, n| {
                let (id, wanted) = (id.clone(), json!({"network_id": id}));
                async move {
                    if n % 4 == 0 {
                        let precondition = Precondition::default();
                        Network::delete(&core, &admin(), &id, precondition).await.map(|()| None)
                    } else {
                        create(core, wanted).await.map(Some)
                    }
                }
            })
            .await;
            for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
                let kind = error.kind();
                assert!(matches!(kind, Kind::NotFound | Kind::Conflict), "{error:?}");
            }
            let made: Vec<&Port> = outcomes.iter().flatten().flatten().collect();
            let gone = Network::show(&cloud, &admin(), &network.key()).await.is_err();
            assert_eq!(gone, made.is_empty());
            let ask = Ask::default().with::<Port>("network_id", &[network.id]);
            let left: Vec<Port> = cloud.list(ask.query()).await;
            let own = usize::from(!gone);
            assert_eq!(left.len(), made.len() + own, "{left:?}");
        }
    })
    .await;
}
