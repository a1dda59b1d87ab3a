//! Sharing: what policies open to whom, and what they cannot be taken from.

use nucleon_core::{Error, Noun, Precondition};
use nucleon_model::{
    AddressGroup, AddressScope, ListQuery, Network, Port, RbacPolicy, Router, SecurityGroup,
    SecurityGroupRule, Subnet, SubnetPool,
};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, draft, each, member, merged, refused, refused_as};

const OWNER: &str = "0a2f0a2e5d0b4b1f8a1a1a1a1a1a1a01";
const FRIEND: &str = "0a2f0a2e5d0b4b1f8a1a1a1a1a1a1a02";
const STRANGER: &str = "0a2f0a2e5d0b4b1f8a1a1a1a1a1a1a03";

fn sharing<R: Noun>(object: &R, target: &str) -> Value {
    json!({
        "object_type": R::DECL.name,
        "object_id": object.key(),
        "action": "access_as_shared",
        "target_tenant": target,
    })
}

impl Cloud {
    async fn own_network(&self) -> Network {
        self.create_as(&member(OWNER), json!({"name": "n"})).await.unwrap()
    }

    async fn share<R: Noun>(&self, object: &R, target: &str) -> RbacPolicy {
        self.try_create(merged(sharing(object, target), json!({"project_id": OWNER})))
            .await
            .unwrap()
    }

    /// A member of a project makes something for the project.
    async fn create_own<R: Noun>(&self, project: &str, wanted: Value) -> Result<R, Error> {
        let wanted = merged(wanted, json!({"project_id": project}));
        self.create_as(&member(project), wanted).await
    }

    /// A member of a project shares a network.
    async fn share_by(
        &self,
        project: &str,
        network: &Network,
        target: &str,
    ) -> Result<RbacPolicy, Error> {
        self.create_own(project, sharing(network, target)).await
    }

    async fn seen<R: Noun>(&self, project: &str, query: ListQuery) -> Vec<R> {
        R::list(self, &member(project), query).await.unwrap()
    }

    async fn retarget(&self, policy: &RbacPolicy, target: &str) -> Result<RbacPolicy, Error> {
        self.try_update(policy, json!({"target_tenant": target})).await
    }
}

#[tokio::test]
async fn a_network_is_seen_with_its_subnets_by_whom_it_is_shared_with() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({"project_id": OWNER})).await;
        let counts = async |project: &str| {
            let networks: Vec<Network> = cloud.seen(project, ListQuery::default()).await;
            let subnets: Vec<Subnet> = cloud.seen(project, ListQuery::default()).await;
            (networks.len(), subnets.len())
        };
        assert_eq!(counts(FRIEND).await, (0, 0));
        let policy = cloud.share(&network, FRIEND).await;
        assert_eq!(counts(FRIEND).await, (1, 1));
        assert_eq!(counts(STRANGER).await, (0, 0));
        let friend = member(FRIEND);
        assert!(Network::show(&cloud, &friend, &network.key()).await.unwrap().shared);
        assert!(Subnet::show(&cloud, &friend, &subnet.key()).await.unwrap().shared);
        // It is not shared with anybody else, its owner included.
        for other in [admin(), member(OWNER)] {
            assert!(!Network::show(&cloud, &other, &network.key()).await.unwrap().shared);
        }
        let stranger = member(STRANGER);
        refused_as(Network::show(&cloud, &stranger, &network.key()).await, "NetworkNotFound");
        refused_as(Subnet::show(&cloud, &stranger, &subnet.key()).await, "SubnetNotFound");
        let wanted = json!({"network_id": network.key()});
        refused_as(cloud.create_as::<Port>(&stranger, wanted.clone()).await, "NetworkNotFound");
        cloud.create_as::<Port>(&friend, wanted).await.unwrap();
        cloud.share(&network, "*").await;
        assert_eq!(counts(STRANGER).await, (1, 1));
        assert!(cloud.now_of(&network).await.shared);
        let _ = policy;
    })
    .await;
}

#[tokio::test]
async fn a_filter_on_shared_asks_for_the_viewer() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let subnet = cloud.subnet(&network, "10.0.0.0/24", json!({"project_id": OWNER})).await;
        cloud.share(&network, FRIEND).await;
        let networks = |shared| Ask::default().with::<Network>("shared", &[shared]).query();
        let subnets = |shared| Ask::default().with::<Subnet>("shared", &[shared]).query();
        let by_friend: Vec<Network> = cloud.seen(FRIEND, networks(true)).await;
        assert_eq!(by_friend.iter().map(|seen| seen.id).collect::<Vec<_>>(), [network.id]);
        let by_friend: Vec<Subnet> = cloud.seen(FRIEND, subnets(true)).await;
        assert_eq!(by_friend.iter().map(|seen| seen.id).collect::<Vec<_>>(), [subnet.id]);
        assert!(cloud.seen::<Subnet>(FRIEND, subnets(false)).await.is_empty());
        assert!(cloud.seen::<Network>(OWNER, networks(true)).await.is_empty());
        assert_eq!(cloud.list::<Network>(networks(false)).await.len(), 1);
        cloud.share(&network, "*").await;
        assert_eq!(cloud.list::<Network>(networks(true)).await.len(), 1);
        assert!(cloud.list::<Subnet>(subnets(false)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_attributes_of_a_network_are_policies_for_everybody() {
    each(async |cloud| {
        let network = cloud.network(json!({"shared": true, "router:external": true})).await;
        let policies: Vec<RbacPolicy> = cloud.list(ListQuery::default()).await;
        let mut actions: Vec<&str> = policies.iter().map(|policy| policy.action.as_str()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["access_as_external", "access_as_shared"]);
        assert!(policies.iter().all(|policy| policy.target_project == "*"));
        for policy in &policies {
            cloud.delete(policy).await;
        }
        let bare = cloud.now_of(&network).await;
        assert!(!bare.shared && !bare.external);
        assert_eq!(bare.revision_number, network.revision_number + 2);
        refused_as(Network::show(&cloud, &member(FRIEND), &network.key()).await, "NetworkNotFound");
        cloud.update(&network, json!({"shared": true, "router:external": true})).await;
        assert_eq!(cloud.list::<RbacPolicy>(ListQuery::default()).await.len(), 2);
        cloud.update(&network, json!({"shared": false, "router:external": false})).await;
        assert!(cloud.list::<RbacPolicy>(ListQuery::default()).await.is_empty());
        cloud.update(&network, json!({"shared": true})).await;
        cloud.delete(&network).await;
        assert!(cloud.list::<RbacPolicy>(ListQuery::default()).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_network_leads_outside_for_whom_a_policy_says_so() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let external = merged(sharing(&network, FRIEND), json!({"action": "access_as_external"}));
        let policy: RbacPolicy = cloud.try_create(external).await.unwrap();
        let seen = Network::show(&cloud, &member(FRIEND), &network.key()).await.unwrap();
        assert!(seen.external && !seen.shared);
        assert!(cloud.now_of(&network).await.external);
        refused_as(
            Network::show(&cloud, &member(STRANGER), &network.key()).await,
            "NetworkNotFound",
        );
        cloud.delete(&policy).await;
        assert!(!cloud.now_of(&network).await.external);
    })
    .await;
}

#[tokio::test]
async fn what_rests_on_a_policy_keeps_it() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let policy = cloud.share(&network, FRIEND).await;
        let own = cloud.share(&network, OWNER).await;
        let wanted = json!({"network_id": network.key()});
        let port: Port = cloud.create_as(&member(FRIEND), wanted.clone()).await.unwrap();
        let in_use = format!(
            "RBAC policy on object {id} cannot be removed because other objects depend on \
             it.\nDetails: Unable to reconfigure sharing settings for network {id}. Multiple \
             projects are using it.",
            id = network.id
        );
        refused(cloud.try_delete(&policy).await, "RbacPolicyInUse", &in_use);
        refused_as(cloud.retarget(&policy, STRANGER).await, "RbacPolicyInUse");
        // One's own ports need no policy; and while everybody may, nobody needs one.
        cloud.create_as::<Port>(&member(OWNER), wanted).await.unwrap();
        cloud.delete(&own).await;
        let everybody = cloud.share(&network, "*").await;
        cloud.delete(&policy).await;
        refused_as(cloud.try_delete(&everybody).await, "RbacPolicyInUse");
        refused_as(
            cloud.try_update(&network, json!({"shared": false})).await,
            "InvalidSharedSetting",
        );
        cloud.share(&network, FRIEND).await;
        cloud.update(&network, json!({"shared": false})).await;
        // Its owner may still delete the port of a project that the network is out of reach for.
        Port::delete(&cloud, &member(OWNER), &port.key(), Precondition::default()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_its_makers_and_is_there_once() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let owner = member(OWNER);
        let policy = cloud.share_by(OWNER, &network, FRIEND).await.unwrap();
        refused(
            cloud.share_by(OWNER, &network, FRIEND).await,
            "DuplicateRbacPolicy",
            "An RBAC policy already exists with those values.",
        );
        assert_eq!(cloud.seen::<RbacPolicy>(OWNER, ListQuery::default()).await.len(), 1);
        assert!(cloud.seen::<RbacPolicy>(FRIEND, ListQuery::default()).await.is_empty());
        refused(
            RbacPolicy::show(&cloud, &member(FRIEND), &policy.key()).await,
            "RbacPolicyNotFound",
            &format!("RBAC policy of type unknown with ID {} not found", policy.key()),
        );
        // Who sees the network is told that it is another's; to others it is not there.
        refused(
            cloud.share_by(FRIEND, &network, STRANGER).await,
            "InvalidInput",
            "Invalid input for operation: Only admins can manipulate policies on networks they do \
             not own.",
        );
        refused_as(cloud.share_by(STRANGER, &network, STRANGER).await, "NetworkNotFound");
        refused_as(cloud.share_by(OWNER, &network, "*").await, "PolicyNotAuthorized");
        let everybody = draft::<RbacPolicy>(json!({"target_tenant": "*"}));
        let key = policy.key();
        refused_as(
            RbacPolicy::update(&cloud, &owner, &key, everybody, Precondition::default()).await,
            "PolicyNotAuthorized",
        );
        let moved = cloud.retarget(&policy, STRANGER).await.unwrap();
        assert_eq!((moved.id, moved.target_project.as_str()), (policy.id, STRANGER));
        let bogus = merged(sharing(&network, FRIEND), json!({"action": "bogus"}));
        refused(
            cloud.try_create::<RbacPolicy>(bogus).await,
            "InvalidActionForType",
            "Invalid action 'bogus' for object type 'network'. Valid actions: ('access_as_shared', \
             'access_as_external')",
        );
    })
    .await;
}

#[tokio::test]
async fn groups_in_use_stay_shared_with_whom_uses_them() {
    each(async |cloud| {
        let (friend, stranger) = (member(FRIEND), member(STRANGER));
        let group: SecurityGroup = cloud.create_own(OWNER, json!({"name": "g"})).await.unwrap();
        let network: Network = cloud.create_as(&friend, json!({})).await.unwrap();
        let wanted = json!({"network_id": network.key(), "security_groups": [group.key()]});
        refused_as(cloud.create_as::<Port>(&friend, wanted.clone()).await, "SecurityGroupNotFound");
        let policy = cloud.share(&group, FRIEND).await;
        assert!(SecurityGroup::show(&cloud, &friend, &group.key()).await.unwrap().shared);
        let hidden = SecurityGroup::show(&cloud, &stranger, &group.key()).await;
        refused_as(hidden, "SecurityGroupNotFound");
        let port: Port = cloud.create_as(&friend, wanted).await.unwrap();
        let in_use = format!(
            "RBAC policy on object {} cannot be removed because other objects depend on \
             it.\nDetails: project_id={FRIEND}",
            group.id
        );
        refused(cloud.try_delete(&policy).await, "RbacPolicyInUse", &in_use);
        cloud.delete(&port).await;
        cloud.delete(&policy).await;

        let addresses = json!({"addresses": ["10.0.0.0/24"]});
        let addresses: AddressGroup = cloud.create_own(OWNER, addresses).await.unwrap();
        let own: SecurityGroup = cloud.create_own(FRIEND, json!({"name": "own"})).await.unwrap();
        let rule = json!({
            "security_group_id": own.key(),
            "direction": "ingress",
            "remote_address_group_id": addresses.key(),
        });
        let hidden = cloud.create_own::<SecurityGroupRule>(FRIEND, rule.clone()).await;
        refused_as(hidden, "AddressGroupNotFound");
        let policy = cloud.share(&addresses, FRIEND).await;
        let rule: SecurityGroupRule = cloud.create_own(FRIEND, rule).await.unwrap();
        refused_as(cloud.try_delete(&policy).await, "RbacPolicyInUse");
        cloud.delete(&rule).await;
        cloud.delete(&policy).await;
    })
    .await;
}

#[tokio::test]
async fn routers_lead_outside_only_through_networks_that_do_so_for_their_project() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        cloud.subnet(&network, "192.0.2.0/24", json!({"project_id": OWNER})).await;
        let external = merged(sharing(&network, FRIEND), json!({"action": "access_as_external"}));
        let policy: RbacPolicy = cloud.try_create(external).await.unwrap();
        let wanted = json!({"external_gateway_info": {"network_id": network.key()}});
        let hidden = cloud.create_own::<Router>(STRANGER, wanted.clone()).await;
        refused_as(hidden, "NetworkNotFound");
        let router: Router = cloud.create_own(FRIEND, wanted).await.unwrap();
        let in_use = format!(
            "RBAC policy on object {} cannot be removed because other objects depend on \
             it.\nDetails: There are routers attached to this network that depend on this policy \
             for access.",
            network.id
        );
        refused(cloud.try_delete(&policy).await, "RbacPolicyInUse", &in_use);
        refused_as(cloud.retarget(&policy, STRANGER).await, "RbacPolicyInUse");
        cloud.delete(&router).await;
        cloud.delete(&policy).await;
        assert!(!cloud.now_of(&network).await.external);
    })
    .await;
}

#[tokio::test]
async fn the_default_way_outside_is_open_to_everybody() {
    each(async |cloud| {
        let wanted = json!({"router:external": true, "is_default": true});
        let network = cloud.network(wanted).await;
        let policies: Vec<RbacPolicy> = cloud.list(ListQuery::default()).await;
        let in_use = format!(
            "RBAC policy on object {} cannot be removed because other objects depend on \
             it.\nDetails: Default external networks must be shared to everyone.",
            network.id
        );
        refused(cloud.try_delete(&policies[0]).await, "RbacPolicyInUse", &in_use);
        refused(cloud.retarget(&policies[0], FRIEND).await, "RbacPolicyInUse", &in_use);
        cloud.update(&network, json!({"is_default": false})).await;
        cloud.delete(&policies[0]).await;
        assert!(!cloud.now_of(&network).await.external);
    })
    .await;
}

#[tokio::test]
async fn whom_a_network_is_not_shared_with_finds_no_tags_on_it() {
    each(async |cloud| {
        let network = cloud.own_network().await;
        let external = merged(sharing(&network, FRIEND), json!({"action": "access_as_external"}));
        cloud.try_create::<RbacPolicy>(external).await.unwrap();
        let stranger = member(STRANGER);
        let (key, tags) = (network.key(), vec!["t".to_owned()]);
        refused_as(cloud.tags_list::<Network>(&stranger, &key).await, "NetworkNotFound");
        refused_as(
            cloud.tags_replace::<Network>(&stranger, &key, tags.clone()).await,
            "NetworkNotFound",
        );
        let friend = member(FRIEND);
        for shared in [false, true] {
            if shared {
                cloud.share(&network, FRIEND).await;
            }
            let refusal = cloud.tags_replace::<Network>(&friend, &key, tags.clone()).await;
            refused_as(refusal, "PolicyNotAuthorized");
        }
        cloud.tags_replace::<Network>(&member(OWNER), &key, tags).await.unwrap();
        assert_eq!(cloud.tags_list::<Network>(&friend, &key).await.unwrap(), ["t"]);
        assert!(!cloud.now_of(&network).await.shared);
    })
    .await;
}

#[tokio::test]
async fn a_pool_is_shared_with_whom_its_scope_is_and_for_as_long_as_it_is_used() {
    each(async |cloud| {
        let scope = json!({"name": "s", "ip_version": 4});
        let scope: AddressScope = cloud.create_own(OWNER, scope).await.unwrap();
        let pool = json!({
            "name": "p",
            "prefixes": ["10.0.0.0/16"],
            "default_prefixlen": 24,
            "address_scope_id": scope.key(),
        });
        let pool: SubnetPool = cloud.create_own(OWNER, pool).await.unwrap();
        refused(
            cloud.create_own::<RbacPolicy>(OWNER, sharing(&pool, FRIEND)).await,
            "InvalidInput",
            &format!(
                "Invalid input for operation: Failed to create RBAC policy on object {} because \
                 target project doesn't have access to associated address scope...",
                pool.id
            ),
        );
        let of_scope = cloud.share(&scope, FRIEND).await;
        let of_pool = cloud.share(&pool, FRIEND).await;
        let friend = member(FRIEND);
        assert!(SubnetPool::show(&cloud, &friend, &pool.key()).await.unwrap().shared);
        let network: Network = cloud.create_as(&friend, json!({})).await.unwrap();
        let wanted = json!({
            "network_id": network.key(),
            "ip_version": 4,
            "subnetpool_id": pool.key(),
        });
        let subnet: Subnet = cloud.create_as(&friend, wanted).await.unwrap();
        refused_as(cloud.try_delete(&of_pool).await, "RbacPolicyInUse");
        cloud.delete(&subnet).await;
        cloud.delete(&of_pool).await;
        let own = json!({
            "name": "own",
            "prefixes": ["10.1.0.0/16"],
            "default_prefixlen": 24,
            "address_scope_id": scope.key(),
        });
        let own: SubnetPool = cloud.create_own(FRIEND, own).await.unwrap();
        refused_as(cloud.try_delete(&of_scope).await, "RbacPolicyInUse");
        cloud.delete(&own).await;
        cloud.delete(&of_scope).await;
    })
    .await;
}
