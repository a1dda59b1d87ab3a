//! Subnet pools, and subnets cut from them.

use nucleon_core::{Error, Noun};
use nucleon_model::{AddressScope, ListQuery, Network, Subnet, SubnetPool};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, each, member, merged, refused, refused_as};

async fn pool(cloud: &Cloud, prefixes: &[&str], more: Value) -> SubnetPool {
    try_pool(cloud, prefixes, more).await.unwrap()
}

async fn try_pool(cloud: &Cloud, prefixes: &[&str], more: Value) -> Result<SubnetPool, Error> {
    cloud.try_create(merged(json!({"name": "pool", "prefixes": prefixes}), more)).await
}

/// A subnet from a pool, on a network of its own.
async fn try_cut(cloud: &Cloud, pool: &SubnetPool, more: Value) -> Result<Subnet, Error> {
    let network = cloud.network(json!({})).await;
    try_cut_on(cloud, &network, pool, more).await
}

async fn try_cut_on(
    cloud: &Cloud,
    network: &Network,
    pool: &SubnetPool,
    more: Value,
) -> Result<Subnet, Error> {
    let base = json!({
        "network_id": network.key(), "ip_version": pool.ip_version, "subnetpool_id": pool.key(),
    });
    cloud.try_create(merged(base, more)).await
}

async fn cut(cloud: &Cloud, pool: &SubnetPool, more: Value) -> Subnet {
    try_cut(cloud, pool, more).await.unwrap()
}

fn cidr(subnet: &Subnet) -> String {
    subnet.cidr.unwrap().to_string()
}

fn prefixes(pool: &SubnetPool) -> Vec<String> {
    pool.prefixes.iter().map(ToString::to_string).collect()
}

async fn scope(cloud: &Cloud, version: i64, more: Value) -> AddressScope {
    cloud.try_create(merged(json!({"name": "scope", "ip_version": version}), more)).await.unwrap()
}

#[tokio::test]
async fn subnets_come_from_the_smallest_block_that_has_room_and_grow_together_when_they_go() {
    each(async |cloud| {
        let lengths = json!({"min_prefixlen": 24, "default_prefixlen": 26, "max_prefixlen": 30});
        let pool = pool(&cloud, &["10.0.0.0/24", "10.9.0.0/27"], lengths).await;
        let first = cut(&cloud, &pool, json!({})).await;
        assert_eq!((cidr(&first), first.subnetpool_id), ("10.0.0.0/26".into(), Some(pool.id)));
        assert_eq!(first.gateway_ip.unwrap().to_string(), "10.0.0.1");
        let small = cut(&cloud, &pool, json!({"prefixlen": 27})).await;
        assert_eq!(cidr(&small), "10.9.0.0/27");
        let named = cut(&cloud, &pool, json!({"cidr": "10.0.0.64/28"})).await;
        assert_eq!(cidr(&named), "10.0.0.64/28");
        let gateway =
            cut(&cloud, &pool, json!({"gateway_ip": "10.0.0.130", "prefixlen": 25})).await;
        assert_eq!(cidr(&gateway), "10.0.0.128/25");
        let none = |text: &str| format!("Failed to allocate subnet: {text}.");
        refused(
            try_cut(&cloud, &pool, json!({"prefixlen": 26})).await,
            "SubnetAllocationError",
            &none("Insufficient prefix space to allocate subnet size /26"),
        );
        for taken in ["10.0.0.64/28", "10.0.0.0/25", "10.7.0.0/28"] {
            refused(
                try_cut(&cloud, &pool, json!({"cidr": taken})).await,
                "SubnetAllocationError",
                &none("Cannot allocate requested subnet from the available set of prefixes"),
            );
        }
        for subnet in [&first, &named, &gateway] {
            cloud.delete(subnet).await;
        }
        assert_eq!(cidr(&cut(&cloud, &pool, json!({"prefixlen": 24})).await), "10.0.0.0/24");
    })
    .await;
}

#[tokio::test]
async fn a_network_gives_the_prefixes_of_its_subnets_back() {
    each(async |cloud| {
        let pool = pool(&cloud, &["10.0.0.0/24"], json!({"default_prefixlen": 25})).await;
        let network = cloud.network(json!({})).await;
        for _ in 0..2 {
            try_cut_on(&cloud, &network, &pool, json!({})).await.unwrap();
        }
        refused_as(cloud.try_delete(&pool).await, "SubnetPoolDeleteError");
        cloud.delete(&network).await;
        assert_eq!(cidr(&cut(&cloud, &pool, json!({"prefixlen": 24})).await), "10.0.0.0/24");
    })
    .await;
}

#[tokio::test]
async fn what_a_request_says_of_its_pool_must_fit_together() {
    each(async |cloud| {
        let lengths = json!({"min_prefixlen": 24, "max_prefixlen": 28});
        let pool = pool(&cloud, &["10.0.0.0/16"], lengths).await;
        let bad = |text: &str| format!("Bad subnets request: {text}.");
        for (more, message) in [
            (
                json!({"cidr": "10.0.0.0/24", "prefixlen": 24}),
                "cidr and prefixlen must not be supplied together",
            ),
            (
                json!({"use_default_subnetpool": true}),
                "subnetpool_id and use_default_subnetpool cannot both be specified",
            ),
            (
                json!({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]}),
                "allocation_pools allowed only for specific subnet requests.",
            ),
            (json!({"ip_version": 6}), "Cannot allocate IPv6 subnet from IPv4 subnet pool"),
        ] {
            refused(try_cut(&cloud, &pool, more).await, "BadRequest", &bad(message));
        }
        refused(
            try_cut(&cloud, &pool, json!({"prefixlen": 29})).await,
            "MaxPrefixSubnetAllocationError",
            "Unable to allocate subnet with prefix length 29, maximum allowed prefix is 28.",
        );
        refused(
            try_cut(&cloud, &pool, json!({"cidr": "10.0.0.0/20"})).await,
            "MinPrefixSubnetAllocationError",
            "Unable to allocate subnet with prefix length 20, minimum allowed prefix is 24.",
        );
        let nowhere = json!({"subnetpool_id": "5cdb8eec-5bfe-4ba8-8f3e-9e8e9b7f6f11"});
        refused_as(try_cut(&cloud, &pool, nowhere).await, "SubnetPoolNotFound");
    })
    .await;
}

#[tokio::test]
async fn one_pool_of_a_version_is_the_default_one() {
    each(async |cloud| {
        let asked = json!({"ip_version": 4, "use_default_subnetpool": true});
        let network = cloud.network(json!({})).await;
        let asked = merged(asked, json!({"network_id": network.key()}));
        refused(
            cloud.try_create::<Subnet>(asked.clone()).await,
            "BadRequest",
            "Bad subnets request: No default subnetpool found for IPv4.",
        );
        let four = json!({"is_default": true, "default_prefixlen": 24});
        let four = pool(&cloud, &["10.0.0.0/16"], four).await;
        let made: Subnet = cloud.try_create(asked).await.unwrap();
        assert_eq!((made.subnetpool_id, cidr(&made)), (Some(four.id), "10.0.0.0/24".into()));
        pool(&cloud, &["fd00::/48"], json!({"is_default": true})).await;
        let second = try_pool(&cloud, &["10.7.0.0/16"], json!({"is_default": true})).await;
        let set = "Invalid input for operation: A default subnetpool for this IP family has already \
                   been set. Only one default may exist per IP family.";
        refused(second, "InvalidInput", set);
        let other = pool(&cloud, &["10.7.0.0/16"], json!({})).await;
        let default = json!({"is_default": true});
        refused(cloud.try_update(&other, default.clone()).await, "InvalidInput", set);
        cloud.update(&four, json!({"is_default": false})).await;
        assert!(cloud.update(&other, default).await.is_default);
    })
    .await;
}

#[tokio::test]
async fn a_project_takes_no_more_of_a_pool_than_its_quota() {
    each(async |cloud| {
        let pool = pool(&cloud, &["10.0.0.0/16"], json!({"default_quota": 320})).await;
        let of = |project: &str, length: i64| json!({"project_id": project, "prefixlen": length});
        cut(&cloud, &pool, of("p1", 24)).await;
        cut(&cloud, &pool, of("p1", 26)).await;
        refused(
            try_cut(&cloud, &pool, of("p1", 32)).await,
            "SubnetPoolQuotaExceeded",
            "Per-project subnet pool prefix quota exceeded.",
        );
        cut(&cloud, &pool, of("p2", 24)).await;
        // Of IPv6 a quota counts prefixes of length 64.
        let six = json!({"default_quota": 2, "min_prefixlen": 48});
        let six: SubnetPool = try_pool(&cloud, &["fd00::/32"], six).await.unwrap();
        cut(&cloud, &six, of("p1", 64)).await;
        cut(&cloud, &six, of("p1", 65)).await;
        refused_as(try_cut(&cloud, &six, of("p1", 64)).await, "SubnetPoolQuotaExceeded");
        assert!(try_cut(&cloud, &six, of("p1", 65)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn prefixes_grow_by_updates_and_shrink_where_no_subnet_is() {
    each(async |cloud| {
        let pool = pool(&cloud, &["10.0.0.0/24"], json!({})).await;
        refused(
            cloud.try_update(&pool, json!({"prefixes": ["10.0.0.0/25"]})).await,
            "IllegalSubnetPoolPrefixUpdate",
            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.",
        );
        let more = json!({"prefixes": ["10.0.0.0/24", "10.0.1.0/24"]});
        let grown = cloud.update(&pool, more).await;
        assert_eq!(prefixes(&grown), ["10.0.0.0/23"]);
        let subnet = cut(&cloud, &pool, json!({"prefixlen": 23})).await;
        let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let id = pool.key();
        let add = cloud.subnetpool_add_prefixes(&admin(), &id, nets(&["10.0.2.0/24"])).await;
        assert_eq!(add.unwrap(), nets(&["10.0.0.0/23", "10.0.2.0/24"]));
        assert_eq!(cidr(&cut(&cloud, &pool, json!({"prefixlen": 24})).await), "10.0.2.0/24");
        let remove = |texts: &[&str]| {
            let (core, id, gone) = (cloud.core.clone(), id.clone(), nets(texts));
            async move { core.subnetpool_remove_prefixes(&admin(), &id, gone).await }
        };
        refused(
            remove(&["10.0.0.0/24"]).await,
            "IllegalSubnetPoolPrefixUpdate",
            "Illegal update to prefixes: One or more the prefixes to be removed is in use by a subnet..",
        );
        assert_eq!(remove(&["10.7.0.0/24"]).await.unwrap(), nets(&["10.0.0.0/23", "10.0.2.0/24"]));
        cloud.delete(&subnet).await;
        assert_eq!(remove(&["10.0.0.0/24"]).await.unwrap(), nets(&["10.0.1.0/24", "10.0.2.0/24"]));
        assert_eq!(cidr(&cut(&cloud, &pool, json!({"prefixlen": 24})).await), "10.0.1.0/24");
        refused_as(try_cut(&cloud, &pool, json!({"prefixlen": 24})).await, "SubnetAllocationError");
        let stranger = member("p9");
        let strange = cloud.subnetpool_add_prefixes(&stranger, &id, nets(&["10.8.0.0/24"])).await;
        refused_as(strange, "SubnetPoolNotFound");
    })
    .await;
}

#[tokio::test]
async fn pools_of_one_scope_do_not_meet_and_hold_it() {
    each(async |cloud| {
        let scope = scope(&cloud, 4, json!({"project_id": "p1"})).await;
        let within = json!({"address_scope_id": scope.key(), "project_id": "p1"});
        let first = pool(&cloud, &["20.0.0.0/18"], within.clone()).await;
        let second = pool(&cloud, &["20.10.0.0/24"], within.clone()).await;
        let conflict = "Failed to associate address scope: subnetpools within an address scope must \
                        have unique prefixes.";
        let grown = cloud.try_update(&first, json!({"prefixes": ["20.0.0.0/12"]})).await;
        refused(grown, "AddressScopePrefixConflict", conflict);
        let third = try_pool(&cloud, &["20.10.0.0/25"], within.clone()).await;
        refused(third, "AddressScopePrefixConflict", conflict);
        refused_as(
            try_pool(&cloud, &["fd00::/48"], within.clone()).await,
            "IllegalSubnetPoolIpVersionAssociationToAddressScope",
        );
        refused(
            cloud.try_delete(&scope).await,
            "AddressScopeInUse",
            &format!(
                "Unable to complete operation on address scope {}. There are one or more subnet \
                 pools in use on the address scope.",
                scope.id
            ),
        );
        let (name, foreign) = (json!({"name": "x"}), member("p2"));
        let theirs = merged(json!({"prefixes": ["30.0.0.0/24"]}), name.clone());
        let theirs = merged(theirs, json!({"address_scope_id": scope.key(), "project_id": "p2"}));
        let strange = cloud.create_as::<SubnetPool>(&foreign, theirs).await;
        refused_as(strange, "AddressScopeNotFound");
        for pool in [&first, &second] {
            cloud.delete(pool).await;
        }
        cloud.delete(&scope).await;
    })
    .await;
}

#[tokio::test]
async fn the_subnets_of_a_family_on_a_network_are_of_one_pool_or_one_scope() {
    each(async |cloud| {
        let scope = scope(&cloud, 4, json!({})).await;
        let scoped = json!({"address_scope_id": scope.key(), "default_prefixlen": 24});
        let first = pool(&cloud, &["10.0.0.0/16"], scoped.clone()).await;
        let second = pool(&cloud, &["10.1.0.0/16"], scoped).await;
        let alone = pool(&cloud, &["10.2.0.0/16"], json!({"default_prefixlen": 24})).await;
        let network = cloud.network(json!({})).await;
        for pool in [&first, &second] {
            try_cut_on(&cloud, &network, pool, json!({})).await.unwrap();
        }
        let shown = cloud.now_of(&network).await;
        assert_eq!((shown.ipv4_address_scope, shown.ipv6_address_scope), (Some(scope.id), None));
        refused_as(
            try_cut_on(&cloud, &network, &alone, json!({})).await,
            "NetworkAddressScopeAffinityError",
        );
        let plain = json!({"network_id": network.key(), "ip_version": 4, "cidr": "10.9.0.0/24"});
        refused_as(cloud.try_create::<Subnet>(plain).await, "NetworkSubnetPoolAffinityError");
        cloud.subnet(&network, "fd00::/64", json!({})).await;
        // One of them alone cannot go to another scope.
        let other = self::scope(&cloud, 4, json!({})).await;
        refused_as(
            cloud.try_update(&first, json!({"address_scope_id": other.key()})).await,
            "NetworkAddressScopeAffinityError",
        );
        cloud.update(&first, json!({"name": "renamed"})).await;
        let unscoped = cloud.network(json!({})).await;
        cloud.subnet(&unscoped, "10.9.0.0/24", json!({})).await;
        refused(
            try_cut_on(&cloud, &unscoped, &alone, json!({})).await,
            "NetworkSubnetPoolAffinityError",
            "Subnets hosted on the same network must be allocated from the same subnet pool.",
        );
    })
    .await;
}

#[tokio::test]
async fn subnets_are_taken_into_a_pool_by_who_owns_them() {
    each(async |cloud| {
        let mine = json!({"project_id": "p1"});
        let network = cloud.network(mine.clone()).await;
        let old = cloud.subnet(&network, "10.3.0.0/24", mine.clone()).await;
        let pool = pool(&cloud, &["10.0.0.0/24"], mine.clone()).await;
        let onboard = |caller, network: &Network| {
            let (core, pool, network) = (cloud.core.clone(), pool.key(), network.key());
            async move { core.subnetpool_onboard(&caller, &pool, Some(&network)).await }
        };
        // Seen, for it is shared, but not the caller's: LP 2152113.
        let shared = cloud.network(json!({"project_id": "p2", "shared": true})).await;
        let theirs = cloud.subnet(&shared, "10.4.0.0/24", json!({"project_id": "p2"})).await;
        refused(onboard(member("p1"), &shared).await, "NotAuthorized", "Not authorized.");
        assert_eq!(cloud.now_of(&theirs).await.subnetpool_id, None);
        let unseen = cloud.network(json!({"project_id": "p2"})).await;
        refused_as(onboard(member("p1"), &unseen).await, "NetworkNotFound");
        // Another project's subnet on the caller's own network is not the caller's either.
        let mixed = cloud.network(mine.clone()).await;
        cloud.subnet(&mixed, "10.5.0.0/24", json!({"project_id": "p2"})).await;
        refused_as(onboard(member("p1"), &mixed).await, "NotAuthorized");

        let taken = onboard(member("p1"), &network).await.unwrap();
        assert_eq!((taken.len(), taken[0].id), (1, old.id));
        let now = cloud.now_of(&old).await;
        assert_eq!(now.subnetpool_id, Some(pool.id));
        assert_eq!(now.revision_number, old.revision_number + 1);
        assert_eq!(prefixes(&cloud.now_of(&pool).await), ["10.0.0.0/24", "10.3.0.0/24"]);
        refused_as(onboard(member("p1"), &network).await, "IllegalSubnetPoolUpdate");
        // What was taken in is not free until the subnet goes.
        let again = json!({"cidr": "10.3.0.0/24"});
        refused_as(try_cut(&cloud, &pool, again.clone()).await, "SubnetAllocationError");
        cloud.delete(&old).await;
        cut(&cloud, &pool, again).await;
    })
    .await;
}

#[tokio::test]
async fn a_shared_pool_is_for_all_to_use_and_its_owner_to_change() {
    each(async |cloud| {
        let own = json!({"project_id": "p1", "default_prefixlen": 24});
        let own = pool(&cloud, &["10.0.0.0/16"], own).await;
        let shared = json!({"project_id": "p1", "default_prefixlen": 24, "shared": true});
        let shared = pool(&cloud, &["10.1.0.0/16"], shared).await;
        let seen = SubnetPool::list(&cloud, &member("p2"), ListQuery::default()).await.unwrap();
        assert_eq!(seen.iter().map(|pool| pool.id).collect::<Vec<_>>(), [shared.id]);
        assert!(seen[0].shared);
        let network = cloud.network(json!({"project_id": "p2"})).await;
        let from = |pool: &SubnetPool| {
            json!({"network_id": network.key(), "ip_version": 4, "subnetpool_id": pool.key(),
                   "project_id": "p2"})
        };
        let stranger = member("p2");
        let refusal = cloud.create_as::<Subnet>(&stranger, from(&own)).await;
        refused_as(refusal, "SubnetPoolNotFound");
        let made = cloud.create_as::<Subnet>(&stranger, from(&shared)).await.unwrap();
        assert_eq!(made.subnetpool_id, Some(shared.id));
        // A pool in a scope that is not shared cannot be shared itself.
        let scope = scope(&cloud, 4, json!({"project_id": "p1"})).await;
        let scoped = json!({"address_scope_id": scope.key(), "shared": true});
        refused_as(try_pool(&cloud, &["10.8.0.0/16"], scoped).await, "RbacPolicyInitError");
    })
    .await;
}
