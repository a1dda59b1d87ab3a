//! Routers: gateways, interfaces, routes, kinds.

use nucleon_core::{Caller, Error, Noun as _};
use nucleon_model::router::RouterInterface;
use nucleon_model::{ListQuery, Network, Port, Router, Subnet};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, draft, each, member, refused, refused_as};

impl Cloud {
    pub(crate) async fn router(&self, attributes: Value) -> Router {
        self.try_create(attributes).await.unwrap()
    }

    /// A network that leads outside, with a subnet.
    pub(crate) async fn outside(&self, cidr: &str) -> (Network, Subnet) {
        let network = self.network(json!({"name": "out", "router:external": true})).await;
        let subnet = self.subnet(&network, cidr, json!({})).await;
        (network, subnet)
    }

    pub(crate) async fn join(
        &self,
        caller: &Caller,
        router: &Router,
        body: Value,
    ) -> Result<RouterInterface, Error> {
        self.core.router_interface_add(caller, &router.key(), &body).await
    }

    pub(crate) async fn leave(
        &self,
        router: &Router,
        body: Value,
    ) -> Result<RouterInterface, Error> {
        self.core.router_interface_remove(&admin(), &router.key(), &body).await
    }

    async fn ports_of(&self, router: &Router) -> Vec<Port> {
        self.list(Ask::default().with::<Port>("device_id", &[router.key()]).query()).await
    }
}

fn gateway(network: &Network) -> Value {
    json!({"external_gateway_info": {"network_id": network.id}})
}

#[tokio::test]
async fn a_router_is_its_projects_alone() {
    each(async |cloud| {
        let router = cloud.router(json!({"name": "r", "project_id": "p1"})).await;
        assert!(router.admin_state_up && !router.distributed && !router.ha && router.enable_snat);
        assert_eq!((router.status.as_str(), router.revision_number), ("ACTIVE", 1));
        let names = async |project: &str| {
            let routers =
                Router::list(&cloud, &member(project), ListQuery::default()).await.unwrap();
            routers.into_iter().map(|router| router.name).collect::<Vec<_>>()
        };
        assert_eq!(names("p1").await, ["r"]);
        assert_eq!(names("p2").await, [""; 0]);
        let key = router.key();
        let stranger = Router::show(&cloud, &member("p2"), &key).await;
        refused(stranger, "RouterNotFound", &format!("Router {key} could not be found"));
        let renamed = cloud.update(&router, json!({"name": "s", "admin_state_up": false})).await;
        assert_eq!((renamed.name.as_str(), renamed.admin_state_up), ("s", false));
        cloud.delete(&router).await;
        assert_eq!(names("p1").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_gateway_is_a_port_of_nobodys_on_a_network_that_leads_outside() {
    each(async |cloud| {
        let (outside, subnet) = cloud.outside("203.0.113.0/24").await;
        let inside = cloud.network(json!({})).await;
        refused(
            cloud.try_create::<Router>(gateway(&inside)).await,
            "BadRequest",
            &format!("Bad router request: Network {} is not an external network.", inside.id),
        );
        let router = cloud.router(gateway(&outside)).await;
        let info = router.external_gateway_info.clone().unwrap();
        assert_eq!((info.network_id, info.enable_snat), (outside.id, true));
        assert_eq!(info.external_fixed_ips[0].subnet_id, subnet.id);
        let [port] = <[Port; 1]>::try_from(cloud.ports_of(&router).await).unwrap();
        assert_eq!(
            (port.device_owner.as_str(), port.project_id.as_str()),
            ("network:router_gateway", "")
        );
        refused(
            cloud.try_delete(&port).await,
            "ServicePortInUse",
            &format!(
                "Port {} cannot be deleted directly via the port API: has device owner network:router_gateway.",
                port.id
            ),
        );
        refused_as(
            cloud.try_update(&outside, json!({"router:external": false})).await,
            "ExternalNetworkInUse",
        );

        let theirs = json!([{"subnet_id": subnet.id, "ip_address": "203.0.113.1"}]);
        let same = json!({"network_id": outside.id, "external_fixed_ips": theirs});
        refused(
            cloud.try_update(&router, json!({"external_gateway_info": same})).await,
            "BadRequest",
            "Bad router request: External IP 203.0.113.1 is the same as the gateway IP.",
        );
        let other = json!([{"subnet_id": subnet.id, "ip_address": "203.0.113.99"}]);
        let other = json!({"network_id": outside.id, "external_fixed_ips": other, "enable_snat": false});
        let moved = cloud.update(&router, json!({"external_gateway_info": other})).await;
        let info = moved.external_gateway_info.unwrap();
        assert_eq!(info.external_fixed_ips[0].ip_address.to_string(), "203.0.113.99");
        assert!(!info.enable_snat);
        assert_eq!(cloud.ports_of(&router).await[0].id, port.id, "it is the same port");

        let cleared = cloud.update(&router, json!({"external_gateway_info": {}})).await;
        assert_eq!((cleared.external_gateway_info, cleared.gw_port_id), (None, None));
        assert!(cloud.ports_of(&router).await.is_empty());
        cloud.update(&router, gateway(&outside)).await;
        cloud.delete(&router).await;
        assert!(cloud.ports_of(&router).await.is_empty());
    })
    .await;
}

/// Outside, a router is a host like others; inside, its addresses are the ones that hosts are told of.
#[tokio::test]
async fn a_gateway_has_an_address_where_hosts_make_their_own() {
    each(async |cloud| {
        let outside = cloud.network(json!({"router:external": true})).await;
        let slaac = json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"});
        let beyond = cloud.subnet(&outside, "2001:db8:9::/64", slaac.clone()).await;
        let inside = cloud.network(json!({})).await;
        let within = cloud.subnet(&inside, "2001:db8:a::/64", slaac).await;
        let router = cloud.router(gateway(&outside)).await;
        cloud.join(&admin(), &router, json!({"subnet_id": within.id})).await.unwrap();
        for port in cloud.ports_of(&router).await {
            let [held] = port.fixed_ips.as_slice() else { panic!("{port:?}") };
            if port.device_owner == "network:router_gateway" {
                assert_eq!(held.subnet_id, beyond.id);
                assert!(held.ip_address.to_string().contains("ff:fe"), "{}", held.ip_address);
            } else {
                assert_eq!(Some(held.ip_address), within.gateway_ip);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn interfaces_lead_to_subnets_that_lie_apart() {
    each(async |cloud| {
        let router = cloud.router(json!({"project_id": "p1"})).await;
        let caller = member("p1");
        let network = cloud.network(json!({"project_id": "p1"})).await;
        let subnet = cloud.subnet(&network, "10.1.0.0/24", json!({"project_id": "p1"})).await;
        let joined = cloud.join(&caller, &router, json!({"subnet_id": subnet.id})).await.unwrap();
        assert_eq!((joined.network_id, joined.subnet_ids.as_slice()), (network.id, &[subnet.id][..]));
        let [port] = <[Port; 1]>::try_from(cloud.ports_of(&router).await).unwrap();
        assert_eq!((port.id, port.project_id.as_str()), (joined.port_id, "p1"));
        assert_eq!(Some(port.fixed_ips[0].ip_address), subnet.gateway_ip);
        assert!(cloud.now_of(&router).await.revision_number > router.revision_number);

        refused(
            cloud.join(&caller, &router, json!({"subnet_id": subnet.id})).await,
            "BadRequest",
            &format!("Bad router request: Router already has a port on subnet {}.", subnet.id),
        );
        let twin = cloud.network(json!({"project_id": "p1"})).await;
        let overlapping = cloud.subnet(&twin, "10.1.0.0/16", json!({"project_id": "p1"})).await;
        refused(
            cloud.join(&caller, &router, json!({"subnet_id": overlapping.id})).await,
            "BadRequest",
            &format!(
                "Bad router request: Cidr 10.1.0.0/16 of subnet {} overlaps with cidr 10.1.0.0/24 of subnet {}.",
                overlapping.id, subnet.id
            ),
        );
        for (body, reason) in [
            (json!({}), "Either subnet_id or port_id must be specified"),
            (json!({"subnet_id": subnet.id, "port_id": port.id}), "Cannot specify both subnet-id and port-id"),
            (json!({"subnet_id": "x"}), "'x' is not a valid UUID"),
        ] {
            let message = format!("Bad router request: {reason}.");
            refused(cloud.join(&caller, &router, body).await, "BadRequest", &message);
        }
        refused(
            cloud.try_delete(&router).await,
            "RouterInUse",
            &format!("Router {} has ports still attached: {}", router.id, port.id),
        );
        let elsewhere = json!({"fixed_ips": [{"subnet_id": subnet.id, "ip_address": "10.1.0.77"}]});
        refused(
            cloud.try_update(&port, elsewhere).await,
            "BadRequest",
            &format!("Bad ports request: IP updates for port {} are not allowed.", port.id),
        );
        let left = cloud.leave(&router, json!({"subnet_id": subnet.id})).await.unwrap();
        assert_eq!(left, joined);
        refused(
            cloud.leave(&router, json!({"subnet_id": subnet.id})).await,
            "RouterInterfaceNotFoundForSubnet",
            &format!("Router {} has no interface on subnet {}", router.id, subnet.id),
        );
        cloud.delete(&router).await;
    })
    .await;
}

#[tokio::test]
async fn a_port_becomes_an_interface_and_goes_with_it() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.1.0.0/24", json!({})).await;
        let taken = cloud.port(&network, json!({"device_id": "a server"})).await;
        refused(
            cloud.join(&admin(), &router, json!({"port_id": taken.id})).await,
            "PortInUse",
            &format!(
                "Unable to complete operation on port {} for network {}. Port already has an attached device a server.",
                taken.id, network.id
            ),
        );
        let bare = cloud.port(&network, json!({"fixed_ips": []})).await;
        refused(
            cloud.join(&admin(), &router, json!({"port_id": bare.id})).await,
            "BadRequest",
            "Bad router request: Router port must have at least one fixed IP.",
        );
        let port = cloud.port(&network, json!({})).await;
        cloud.join(&admin(), &router, json!({"port_id": port.id})).await.unwrap();
        let joined = cloud.now_of(&port).await;
        assert_eq!(
            (joined.device_id, joined.device_owner.as_str()),
            (router.key(), "network:router_interface")
        );
        let other = cloud.subnet(&network, "10.2.0.0/24", json!({})).await;
        refused_as(
            cloud.leave(&router, json!({"port_id": port.id, "subnet_id": other.id})).await,
            "SubnetMismatchForPort",
        );
        refused_as(cloud.leave(&router, json!({"port_id": bare.id})).await, "RouterInterfaceNotFound");
        let body = json!({"port_id": port.id, "subnet_id": subnet.id});
        assert_eq!(cloud.leave(&router, body).await.unwrap().subnet_id, subnet.id);
        refused_as(Port::show(&cloud, &admin(), &port.key()).await, "PortNotFound");
    })
    .await;
}

#[tokio::test]
async fn ipv6_prefixes_of_a_network_share_an_interface() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        let network = cloud.network(json!({})).await;
        let first = cloud.subnet(&network, "2001:db8:1::/64", json!({})).await;
        let second = cloud.subnet(&network, "2001:db8:2::/64", json!({})).await;
        let one = cloud.join(&admin(), &router, json!({"subnet_id": first.id})).await.unwrap();
        let two = cloud.join(&admin(), &router, json!({"subnet_id": second.id})).await.unwrap();
        assert_eq!(one.port_id, two.port_id);
        assert_eq!(two.subnet_ids, [second.id]);
        let [port] = <[Port; 1]>::try_from(cloud.ports_of(&router).await).unwrap();
        assert_eq!(port.fixed_ips.len(), 2);
        cloud.leave(&router, json!({"subnet_id": first.id})).await.unwrap();
        let left = cloud.now_of(&port).await;
        assert_eq!(left.fixed_ips.iter().map(|ip| ip.subnet_id).collect::<Vec<_>>(), [second.id]);
        let modes = json!({"ipv6_address_mode": "slaac"});
        let foreign = cloud.subnet(&network, "2001:db8:3::/64", modes).await;
        refused_as(
            cloud.join(&admin(), &router, json!({"subnet_id": foreign.id})).await,
            "BadRequest",
        );
    })
    .await;
}

#[tokio::test]
async fn routes_lead_through_what_the_router_reaches() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.1.0.0/24", json!({})).await;
        cloud.join(&admin(), &router, json!({"subnet_id": subnet.id})).await.unwrap();
        let route = |destination: &str, nexthop: &str| json!({"destination": destination, "nexthop": nexthop});
        let far = json!({"routes": [route("8.8.8.0/24", "10.9.0.7")]});
        refused_as(cloud.try_update(&router, far).await, "InvalidRoutes");
        let one = json!({"routes": [route("8.8.8.0/24", "10.1.0.7")]});
        assert_eq!(cloud.update(&router, one.clone()).await.routes.len(), 1);
        let both = json!({"routes": [route("8.8.8.0/24", "10.1.0.7"), route("9.9.9.0/24", "10.1.0.7")]});
        let (core, key) = (&cloud.core, router.key());
        let added = core.router_routes_add(&admin(), &key, draft::<Router>(both)).await.unwrap();
        assert_eq!(added.routes.len(), 2);
        refused(
            cloud.leave(&router, json!({"subnet_id": subnet.id})).await,
            "RouterInterfaceInUseByRoute",
            &format!(
                "Router interface for subnet {} on router {} cannot be deleted, as it is required by one or more \
                 routes.",
                subnet.id, router.id
            ),
        );
        let left = core.router_routes_remove(&admin(), &key, draft::<Router>(one)).await.unwrap();
        assert_eq!(left.routes.len(), 1);
        let stranger = draft::<Router>(json!({"routes": []}));
        refused_as(core.router_routes_add(&member("p2"), &key, stranger).await, "RouterNotFound");
        assert!(cloud.update(&router, json!({"routes": null})).await.routes.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_router_becomes_another_kind_only_while_it_is_down() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        let network = cloud.network(json!({})).await;
        let subnet = cloud.subnet(&network, "10.1.0.0/24", json!({})).await;
        cloud.join(&admin(), &router, json!({"subnet_id": subnet.id})).await.unwrap();
        refused(
            cloud.try_update(&router, json!({"distributed": true, "admin_state_up": false})).await,
            "BadRequest",
            "Bad router request: Cannot change the 'distributed' attribute of active routers. Please set router \
             admin_state_up to False prior to upgrade.",
        );
        refused_as(cloud.try_update(&router, json!({"ha": true})).await, "BadRequest");
        cloud.update(&router, json!({"admin_state_up": false})).await;
        assert!(cloud.update(&router, json!({"distributed": true})).await.distributed);
        let port = cloud.ports_of(&router).await.remove(0);
        assert_eq!(port.device_owner, "network:router_interface_distributed");
        cloud.update(&router, json!({"distributed": false, "ha": true})).await;
        let port = cloud.ports_of(&router).await.remove(0);
        assert_eq!(port.device_owner, "network:ha_router_replicated_interface");
        cloud.leave(&router, json!({"port_id": port.id})).await.unwrap();
    })
    .await;
}

/// CVE-2014-0056 and CVE-2018-14635.
#[tokio::test]
async fn a_stranger_is_neither_the_router_nor_the_gateway_of_others() {
    each(async |cloud| {
        let victim = cloud.router(json!({"project_id": "p1"})).await;
        let own = cloud.network(json!({"project_id": "p2"})).await;
        let posing = json!({
            "network_id": own.id,
            "project_id": "p2",
            "device_id": victim.key(),
            "device_owner": "network:router_interface",
        });
        let refusal = format!(
            "The following device_id {} is not owned by your project or matches another project router.",
            victim.id
        );
        let made = cloud.create_as::<Port>(&member("p2"), posing.clone()).await;
        refused(made, "DeviceIDNotOwnedByTenant", &refusal);

        let shared = cloud.network(json!({"project_id": "p1", "shared": true})).await;
        let subnet = cloud.subnet(&shared, "10.1.0.0/24", json!({"project_id": "p1"})).await;
        let router = cloud.router(json!({"project_id": "p2"})).await;
        refused(
            cloud.join(&member("p2"), &router, json!({"subnet_id": subnet.id})).await,
            "BadRequest",
            &format!(
                "Bad router request: Cannot add interface to router because subnet {} is not owned by project \
                 making the request.",
                subnet.id
            ),
        );
        let odd = json!({"project_id": "p2", "fixed_ips": [{"ip_address": "10.1.0.1"}]});
        let odd = cloud.port(&shared, odd).await;
        refused_as(cloud.join(&member("p2"), &router, json!({"port_id": odd.id})).await, "BadRequest");
        let plain = cloud.port(&shared, json!({"project_id": "p2"})).await;
        cloud.join(&member("p2"), &router, json!({"port_id": plain.id})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_two_interfaces_that_overlap_one_is_made() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        let mut subnets = Vec::new();
        for _ in 0..2 {
            let network = cloud.network(json!({})).await;
            subnets.push(cloud.subnet(&network, "10.1.0.0/24", json!({})).await);
        }
        let caller = admin();
        let (one, other) = tokio::join!(
            cloud.join(&caller, &router, json!({"subnet_id": subnets[0].id})),
            cloud.join(&caller, &router, json!({"subnet_id": subnets[1].id})),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert_eq!(cloud.ports_of(&router).await.len(), 1);
    })
    .await;
}
