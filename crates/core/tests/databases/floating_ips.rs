//! Floating IPs and port forwardings.

use nucleon_core::{Caller, ChildNoun as _, Error, Noun as _, Precondition};
use nucleon_model::{FloatingIp, Network, Port, PortForwarding, Router, Subnet};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, draft, each, member, merged, refused, refused_as};

const ANY: Precondition = Precondition { revision: None };

/// A project's network behind a router with a gateway, and what is on it.
struct Site {
    outside: Network,
    router: Router,
    inside: Network,
    subnet: Subnet,
}

impl Site {
    async fn of(cloud: &Cloud, project: &str) -> Self {
        let (outside, _) = cloud.outside("203.0.113.0/24").await;
        let own = json!({"project_id": project});
        let gateway = json!({"external_gateway_info": {"network_id": outside.id}});
        let router = cloud.router(merged(own.clone(), gateway)).await;
        let inside = cloud.network(own.clone()).await;
        let subnet = cloud.subnet(&inside, "10.1.0.0/24", own).await;
        let body = json!({"subnet_id": subnet.id});
        cloud.join(&admin(), &router, body).await.unwrap();
        Self { outside, router, inside, subnet }
    }

    async fn port(&self, cloud: &Cloud, address: &str) -> Port {
        let addresses = json!([{"subnet_id": self.subnet.id, "ip_address": address}]);
        let project = &self.router.project_id;
        cloud.port(&self.inside, json!({"project_id": project, "fixed_ips": addresses})).await
    }

    async fn floating_ip(&self, cloud: &Cloud, more: Value) -> Result<FloatingIp, Error> {
        let base = json!({
            "floating_network_id": self.outside.id,
            "project_id": self.router.project_id,
        });
        cloud.create_as(&member(&self.router.project_id), merged(base, more)).await
    }
}

async fn forward(
    cloud: &Cloud,
    caller: &Caller,
    floating_ip: &FloatingIp,
    port: &Port,
    more: Value,
) -> Result<PortForwarding, Error> {
    let base = json!({
        "protocol": "tcp",
        "internal_port_id": port.id,
        "internal_ip_address": port.fixed_ips[0].ip_address,
    });
    let drafts = vec![draft::<PortForwarding>(merged(base, more))];
    let made = PortForwarding::create_under(cloud, caller, &floating_ip.key(), drafts).await;
    made.map(|mut made| made.remove(0))
}

#[tokio::test]
async fn a_floating_ip_leads_through_the_router_that_reaches_both_sides() {
    each(async |cloud| {
        let site = Site::of(&cloud, "p1").await;
        refused(
            cloud.try_create::<FloatingIp>(json!({"floating_network_id": site.inside.id})).await,
            "BadRequest",
            &format!(
                "Bad floatingip request: Network {} is not a valid external network.",
                site.inside.id
            ),
        );
        let idle = site.floating_ip(&cloud, json!({})).await.unwrap();
        assert_eq!((idle.status.as_str(), idle.router_id, idle.port_id), ("DOWN", None, None));
        let holder: Vec<Port> =
            cloud.list(Ask::default().with::<Port>("device_id", &[idle.key()]).query()).await;
        assert_eq!(
            (holder[0].device_owner.as_str(), holder[0].status.as_str(), holder[0].project_id.as_str()),
            ("network:floatingip", "N/A", "")
        );
        refused_as(cloud.try_delete(&holder[0]).await, "ServicePortInUse");

        let port = site.port(&cloud, "10.1.0.7").await;
        let led = cloud.update(&idle, json!({"port_id": port.id})).await;
        assert_eq!((led.router_id, led.port_id), (Some(site.router.id), Some(port.id)));
        assert_eq!(led.fixed_ip_address, Some("10.1.0.7".parse().unwrap()));
        assert_eq!(led.port_details.unwrap().mac_address, port.mac_address);
        let second = site.floating_ip(&cloud, json!({"port_id": port.id})).await;
        refused_as(second, "FloatingIPPortAlreadyAssociated");
        refused_as(
            cloud.try_update(&site.router, json!({"external_gateway_info": null})).await,
            "RouterExternalGatewayInUseByFloatingIp",
        );
        refused_as(
            cloud.leave(&site.router, json!({"subnet_id": site.subnet.id})).await,
            "RouterInterfaceInUseByFloatingIP",
        );
        let elsewhere = json!({"fixed_ips": [{"subnet_id": site.subnet.id, "ip_address": "10.1.0.8"}]});
        refused(
            cloud.try_update(&port, elsewhere).await,
            "BadRequest",
            &format!(
                "Bad port request: Cannot update the fixed_ips of the port {}, because its original fixed_ip has been \
                 associated to a floating ip.",
                port.id
            ),
        );
        let both = json!([{"ip_address": "10.1.0.7"}, {"ip_address": "10.1.0.9"}]);
        cloud.update(&port, json!({"fixed_ips": both})).await;
        let described = cloud.update(&idle, json!({"description": "web"})).await;
        assert_eq!(described.port_id, Some(port.id));
        assert_eq!(described.fixed_ip_address, led.fixed_ip_address);
        let cleared = cloud.update(&idle, json!({})).await;
        assert_eq!((cleared.port_id, cleared.router_id), (None, None));
        let chosen = json!({"port_id": port.id, "fixed_ip_address": "10.1.0.9"});
        let described = cloud.update(&idle, chosen).await;
        cloud.delete(&port).await;
        let left = cloud.now_of(&idle).await;
        assert_eq!((left.port_id, left.router_id, left.fixed_ip_address), (None, None, None));
        assert!(left.revision_number > described.revision_number);
        cloud.delete(&idle).await;
        refused_as(Port::show(&cloud, &admin(), &holder[0].key()).await, "PortNotFound");
        cloud.update(&site.router, json!({"external_gateway_info": null})).await;
    })
    .await;
}

#[tokio::test]
async fn what_a_floating_ip_can_lead_to_is_said_in_neutrons_words() {
    each(async |cloud| {
        let site = Site::of(&cloud, "p1").await;
        let apart = cloud.network(json!({"project_id": "p1"})).await;
        let subnet = cloud.subnet(&apart, "10.9.0.0/24", json!({"project_id": "p1"})).await;
        let far = cloud.port(&apart, json!({"project_id": "p1"})).await;
        refused(
            site.floating_ip(&cloud, json!({"port_id": far.id})).await,
            "ExternalGatewayForFloatingIPNotFound",
            &format!(
                "External network {} is not reachable from subnet {}.  Therefore, cannot associate Port {} with a \
                 Floating IP.",
                site.outside.id, subnet.id, far.id
            ),
        );
        let bare = cloud.port(&site.inside, json!({"project_id": "p1", "fixed_ips": []})).await;
        let port = site.port(&cloud, "10.1.0.7").await;
        for (body, reason) in [
            (json!({"fixed_ip_address": "10.1.0.7"}), "fixed_ip_address cannot be specified without a port_id".to_owned()),
            (json!({"port_id": bare.id}), format!("Cannot add floating IP to port {} that has no fixed IPv4 addresses", bare.id)),
            (json!({"port_id": port.id, "fixed_ip_address": "10.1.0.8"}), format!("Port {} does not have fixed ip 10.1.0.8", port.id)),
        ] {
            let message = format!("Bad floatingip request: {reason}.");
            refused(site.floating_ip(&cloud, body).await, "BadRequest", &message);
        }
        let hidden = cloud.network(json!({"project_id": "p2"})).await;
        let hidden = cloud.port(&hidden, json!({"project_id": "p2"})).await;
        refused_as(site.floating_ip(&cloud, json!({"port_id": hidden.id})).await, "PortNotFound");
        let wanted = json!({"floating_ip_address": "203.0.113.50"});
        let chosen: FloatingIp = cloud
            .try_create(merged(json!({"floating_network_id": site.outside.id}), wanted.clone()))
            .await
            .unwrap();
        assert_eq!(chosen.floating_ip_address, Some("203.0.113.50".parse().unwrap()));
        refused_as(
            cloud
                .try_create::<FloatingIp>(merged(json!({"floating_network_id": site.outside.id}), wanted))
                .await,
            "IpAddressAlreadyAllocated",
        );
    })
    .await;
}

#[tokio::test]
async fn single_ports_of_a_floating_ip_are_forwarded() {
    each(async |cloud| {
        let site = Site::of(&cloud, "p1").await;
        let caller = member("p1");
        let port = site.port(&cloud, "10.1.0.7").await;
        let floating_ip = site.floating_ip(&cloud, json!({})).await.unwrap();
        let web = json!({"external_port": 8080, "internal_port": 80});
        let made = forward(&cloud, &caller, &floating_ip, &port, web.clone()).await.unwrap();
        assert_eq!((made.external_port, made.internal_port), (Some(8080), Some(80)));
        assert_eq!(made.external_port_range.to_string(), "8080:8080");
        let shown = cloud.now_of(&floating_ip).await;
        assert_eq!((shown.router_id, shown.port_forwardings.len()), (Some(site.router.id), 1));
        refused(
            forward(&cloud, &caller, &floating_ip, &port, json!({"external_port_range": "8079:8090", "internal_port": 1})).await,
            "BadRequest",
            "Bad port_forwarding request: There is a port collision with the external_port_range. The following ranges \
             collide: 8080:8080 and 8079:8090.",
        );
        let uneven = json!({"external_port_range": "1:3", "internal_port_range": "1:2"});
        refused_as(forward(&cloud, &caller, &floating_ip, &port, uneven).await, "BadRequest");
        refused(
            cloud.try_update(&floating_ip, json!({"port_id": port.id})).await,
            "FipInUseByPortForwarding",
            &format!("Floating IP {} in use by Port Forwarding resources.", floating_ip.id),
        );
        refused_as(cloud.try_delete(&floating_ip).await, "FipInUseByPortForwarding");
        refused_as(
            cloud.leave(&site.router, json!({"subnet_id": site.subnet.id})).await,
            "RouterInterfaceInUseByFloatingIP",
        );
        // LP 2150121: through another floating IP it is not there.
        let other = site.floating_ip(&cloud, json!({})).await.unwrap();
        let (id, key) = (made.id.to_string(), floating_ip.key());
        refused_as(
            PortForwarding::show_under(&cloud, &caller, &other.key(), &id).await,
            "PortForwardingNotFound",
        );
        let wanted = || draft::<PortForwarding>(json!({"internal_port": 81}));
        refused_as(
            PortForwarding::update_under(&cloud, &caller, &other.key(), &id, wanted(), ANY).await,
            "PortForwardingNotFound",
        );
        refused_as(
            PortForwarding::delete_under(&cloud, &caller, &other.key(), &id, ANY).await,
            "PortForwardingNotFound",
        );
        let draft = wanted();
        let moved = PortForwarding::update_under(&cloud, &caller, &key, &id, draft, ANY).await.unwrap();
        assert_eq!((moved.internal_port, moved.external_port), (Some(81), Some(8080)));
        PortForwarding::delete_under(&cloud, &caller, &key, &id, ANY).await.unwrap();
        assert_eq!(cloud.now_of(&floating_ip).await.router_id, None);

        forward(&cloud, &caller, &floating_ip, &port, web.clone()).await.unwrap();
        cloud.delete(&port).await;
        let left = cloud.now_of(&floating_ip).await;
        assert_eq!((left.router_id, left.port_forwardings), (None, vec![]));
        let led = site.port(&cloud, "10.1.0.9").await;
        cloud.update(&other, json!({"port_id": led.id})).await;
        refused_as(
            forward(&cloud, &caller, &floating_ip, &led, web).await,
            "PortHasBindingFloatingIP",
        );
    })
    .await;
}

#[tokio::test]
async fn of_two_floating_ips_for_one_address_one_leads_to_it() {
    each(async |cloud| {
        let site = Site::of(&cloud, "p1").await;
        let port = site.port(&cloud, "10.1.0.7").await;
        let (one, other) = tokio::join!(
            site.floating_ip(&cloud, json!({"port_id": port.id})),
            site.floating_ip(&cloud, json!({"port_id": port.id})),
        );
        let failed = match (one, other) {
            (Ok(_), failed) | (failed, Ok(_)) => failed,
            both => panic!("{both:?}"),
        };
        refused_as(failed, "FloatingIPPortAlreadyAssociated");
        // The network outside goes with what leads nowhere.
        cloud.delete(&port).await;
        cloud.update(&site.router, json!({"external_gateway_info": null})).await;
        cloud.delete(&site.outside).await;
    })
    .await;
}

#[tokio::test]
async fn a_request_may_name_the_router_outside() {
    each(async |cloud| {
        let site = Site::of(&cloud, "p1").await;
        let (elsewhere, _) = cloud.outside("198.51.100.0/24").await;
        // A port behind two routers: the inner one knows no way outside.
        let own = json!({"project_id": "p1"});
        let far = cloud.network(own.clone()).await;
        let subnet = cloud.subnet(&far, "10.9.0.0/24", own.clone()).await;
        let inner = cloud.router(own.clone()).await;
        cloud.join(&admin(), &inner, json!({"subnet_id": subnet.id})).await.unwrap();
        let port = cloud.port(&far, own).await;
        let led = json!({"port_id": port.id});
        refused_as(
            site.floating_ip(&cloud, led.clone()).await,
            "ExternalGatewayForFloatingIPNotFound",
        );
        let way = |router: &Router| merged(led.clone(), json!({"router_id": router.id}));
        let made = site.floating_ip(&cloud, way(&site.router)).await.unwrap();
        assert_eq!((made.router_id, made.port_id), (Some(site.router.id), Some(port.id)));
        let outer = json!({"external_gateway_info": {"network_id": elsewhere.id}});
        let outer = cloud.router(merged(outer, json!({"project_id": "p1"}))).await;
        refused(
            cloud.try_update(&made, way(&outer)).await,
            "Conflict",
            &format!("Router {} has no external gateway on network {}", outer.id, site.outside.id),
        );
        let foreign = cloud.router(json!({"project_id": "p2"})).await;
        refused_as(site.floating_ip(&cloud, way(&foreign)).await, "RouterNotFound");
        let free = cloud.update(&made, json!({"port_id": null})).await;
        assert_eq!((free.router_id, free.port_id), (None, None));
    })
    .await;
}
