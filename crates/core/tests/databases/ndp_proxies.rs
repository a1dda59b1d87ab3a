//! Addresses of ports that routers answer for outside.

use nucleon_core::Noun;
use nucleon_model::{AddressScope, ListQuery, NdpProxy, Network, Port, Router, Subnet, SubnetPool};
use serde_json::{Value, json};

use crate::scene::{Cloud, admin, each, refused_as};

/// A router between two networks with IPv6 addresses out of one scope, and a port inside.
struct Site {
    pool: SubnetPool,
    outside: Network,
    inside: Subnet,
    port: Port,
    router: Router,
}

impl Cloud {
    async fn make<R: Noun>(&self, attributes: Value) -> R {
        self.try_create(attributes).await.unwrap()
    }

    async fn scope_of_prefixes(&self, prefix: &str) -> SubnetPool {
        let scope: AddressScope = self.make(json!({"name": "routed", "ip_version": 6})).await;
        let pool = json!({
            "name": "routed", "prefixes": [prefix], "default_prefixlen": 64, "address_scope_id": scope.id,
        });
        self.make(pool).await
    }

    async fn subnet_from(&self, network: &Network, pool: &SubnetPool) -> Subnet {
        let subnet = json!({"network_id": network.id, "ip_version": 6, "subnetpool_id": pool.id});
        self.make(subnet).await
    }

    async fn site_of_ndp(&self) -> Site {
        let pool = self.scope_of_prefixes("2001:db8:7::/48").await;
        let outside = self.network(json!({"router:external": true})).await;
        self.subnet_from(&outside, &pool).await;
        let network = self.network(json!({})).await;
        let inside = self.subnet_from(&network, &pool).await;
        let port = self.port(&network, json!({})).await;
        let gateway = json!({"network_id": outside.id});
        let wanted = json!({"external_gateway_info": gateway, "enable_ndp_proxy": true});
        let router: Router = self.make(wanted).await;
        self.join(&admin(), &router, json!({"subnet_id": inside.id})).await.unwrap();
        Site { pool, outside, inside, port, router }
    }
}

#[tokio::test]
async fn a_router_answers_for_an_address_and_keeps_what_that_rests_on() {
    each(async |cloud| {
        let site = cloud.site_of_ndp().await;
        let wanted = json!({"router_id": site.router.id, "port_id": site.port.id});
        let proxy: NdpProxy = cloud.make(wanted.clone()).await;
        assert_eq!(proxy.ip_address, Some(site.port.fixed_ips[0].ip_address));
        let twice = cloud.try_create::<NdpProxy>(wanted).await;
        refused_as(twice, "NeutronDbObjectDuplicateEntry");
        refused_as(
            cloud.leave(&site.router, json!({"subnet_id": site.inside.id})).await,
            "RouterInterfaceInUseByNDPProxy",
        );
        let unset = json!({"external_gateway_info": null});
        let unset = cloud.try_update(&site.router, unset).await;
        refused_as(unset, "RouterGatewayInUseByNDPProxy");
        let named = cloud.update(&proxy, json!({"name": "web"})).await;
        assert_eq!((named.name.as_str(), named.revision_number), ("web", 2));
        // With the port goes what was answered for.
        cloud.delete(&site.port).await;
        assert_eq!(cloud.list::<NdpProxy>(ListQuery::default()).await, []);
        cloud.leave(&site.router, json!({"subnet_id": site.inside.id})).await.unwrap();
        let left = cloud.update(&site.router, json!({"external_gateway_info": null})).await;
        assert!(!left.enable_ndp_proxy);
    })
    .await;
}

#[tokio::test]
async fn only_addresses_that_a_router_reaches_in_one_scope_are_answered_for() {
    each(async |cloud| {
        let site = cloud.site_of_ndp().await;
        let elsewhere = cloud.network(json!({})).await;
        let of = |port: &Port| json!({"router_id": site.router.id, "port_id": port.id});
        let apart = cloud.port(&elsewhere, json!({})).await;
        refused_as(cloud.try_create::<NdpProxy>(of(&apart)).await, "PortUnreachableRouter");
        let mut foreign = of(&site.port);
        foreign["ip_address"] = json!("2001:db8:8::1");
        refused_as(cloud.try_create::<NdpProxy>(foreign).await, "InvalidAddress");
        let other = cloud.scope_of_prefixes("2001:db8:9::/48").await;
        let scoped = cloud.network(json!({})).await;
        let subnet = cloud.subnet_from(&scoped, &other).await;
        cloud.join(&admin(), &site.router, json!({"subnet_id": subnet.id})).await.unwrap();
        let scoped = cloud.port(&scoped, json!({})).await;
        refused_as(cloud.try_create::<NdpProxy>(of(&scoped)).await, "AddressScopeConflict");

        let off = cloud.update(&site.router, json!({"enable_ndp_proxy": false})).await;
        assert!(!off.enable_ndp_proxy);
        refused_as(cloud.try_create::<NdpProxy>(of(&site.port)).await, "RouterNDPProxyNotEnable");
        let nowhere = cloud.try_create::<Router>(json!({"enable_ndp_proxy": true})).await;
        refused_as(nowhere, "RouterGatewayNotValid");
        let plain = cloud.network(json!({"router:external": true})).await;
        cloud.subnet(&plain, "198.51.100.0/24", json!({})).await;
        let gateway = json!({"network_id": plain.id});
        let unscoped = json!({"external_gateway_info": gateway, "enable_ndp_proxy": true});
        refused_as(cloud.try_create::<Router>(unscoped).await, "RouterGatewayNotValid");
        let shown = cloud.update(&site.router, json!({"enable_ndp_proxy": true})).await;
        assert!(shown.enable_ndp_proxy && shown.gw_port_id.is_some());
        let ipv4 = cloud.subnet(&site.outside, "203.0.113.0/24", json!({})).await;
        let only =
            json!({"network_id": site.outside.id, "external_fixed_ips": [{"subnet_id": ipv4.id}]});
        refused_as(
            cloud.try_update(&site.router, json!({"external_gateway_info": only})).await,
            "RouterIPv6GatewayInUse",
        );
        assert_eq!(site.pool.ip_version, 6);
    })
    .await;
}
