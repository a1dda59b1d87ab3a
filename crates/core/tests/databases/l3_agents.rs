//! L3 agents: who carries which routers, and where the ports of these are.

use nucleon_core::{Noun as _, Settings};
use nucleon_model::view::Role;
use nucleon_model::{Agent, ListQuery, Network, Port, Router, RouterId, Subnet, port};
use serde_json::{Value, json};

use crate::scene::{Ask, Cloud, admin, each, each_with, member, merged, peer, refused, refused_as};

impl Cloud {
    /// A host with an L3 agent and an OVS agent.
    async fn l3_host(&self, host: &str) -> Agent {
        self.host(host).await;
        self.l3_agent(host, json!({"agent_mode": "legacy"})).await
    }

    async fn l3_agent(&self, host: &str, configurations: Value) -> Agent {
        self.heartbeat(&peer(Role::L3Agent, host), configurations).await;
        self.agent_of(Role::L3Agent, host).await
    }

    /// The hosts that carry a router.
    async fn carriers(&self, router: &Router) -> Vec<String> {
        let agents = self.core.router_l3_agents(&admin(), &router.key()).await.unwrap();
        let mut hosts: Vec<String> = agents.into_iter().map(|agent| agent.host).collect();
        hosts.sort();
        hosts
    }

    async fn add(&self, agent: &Agent, router: &Router) -> Result<(), nucleon_core::Error> {
        self.core.l3_agent_add_router(&admin(), &agent.key(), &router.key()).await
    }

    async fn take(&self, agent: &Agent, router: &Router) -> Result<(), nucleon_core::Error> {
        self.core.l3_agent_remove_router(&admin(), &agent.key(), &router.key()).await
    }

    async fn interface(&self, router: &Router, cidr: &str) -> Port {
        let network = self.network(json!({})).await;
        let subnet = self.subnet(&network, cidr, json!({"enable_dhcp": false})).await;
        let joined = self.join(&admin(), router, json!({"subnet_id": subnet.id})).await.unwrap();
        Port::show(&self.core, &admin(), &joined.port_id.to_string()).await.unwrap()
    }
}

#[tokio::test]
async fn a_routers_ports_are_on_the_host_of_the_agent_that_carries_it() {
    each(async |cloud| {
        cloud.l3_host("h1").await;
        let (outside, _) = cloud.outside("203.0.113.0/24").await;
        let gateway = json!({"external_gateway_info": {"network_id": outside.id}});
        let router = cloud.router(gateway).await;
        assert_eq!(cloud.carriers(&router).await, ["h1"]);
        let inside = cloud.interface(&router, "10.1.0.0/24").await;
        let gateway = router.gw_port_id.unwrap().to_string();
        let gateway = Port::show(&cloud.core, &admin(), &gateway).await.unwrap();
        for port in [&inside, &gateway] {
            assert_eq!(port.host, "h1");
            assert!(port.is_bound());
            cloud.wired("h1", port).await;
            assert_eq!(cloud.now_of(port).await.status, port::status::ACTIVE);
        }
        // A port that was there before comes to the host too.
        let network = cloud.network(json!({})).await;
        cloud.subnet(&network, "10.2.0.0/24", json!({"enable_dhcp": false})).await;
        let given = cloud.port(&network, json!({})).await;
        cloud.join(&admin(), &router, json!({"port_id": given.id})).await.unwrap();
        assert_eq!(cloud.now_of(&given).await.host, "h1");
        // The load counts: the next router goes elsewhere.
        cloud.l3_host("h2").await;
        let other = cloud.router(json!({})).await;
        assert_eq!(cloud.carriers(&other).await, ["h2"]);
        let agent = cloud.agent_of(Role::L3Agent, "h2").await;
        let carried = cloud.core.l3_agent_routers(&admin(), &agent.key()).await.unwrap();
        assert_eq!(carried.iter().map(|router| router.id).collect::<Vec<RouterId>>(), [other.id]);
    })
    .await;
}

#[tokio::test]
async fn administrators_say_who_carries_a_router() {
    each(async |cloud| {
        let router = cloud.router(json!({})).await;
        assert!(cloud.carriers(&router).await.is_empty());
        let port = cloud.interface(&router, "10.1.0.0/24").await;
        assert_eq!(port.host, "");
        // An agent that comes up takes what nobody carries, with its ports.
        let (one, two) = (cloud.l3_host("h1").await, cloud.l3_host("h2").await);
        assert_eq!(cloud.carriers(&router).await, ["h1"]);
        assert_eq!(cloud.now_of(&port).await.host, "h1");
        cloud.add(&one, &router).await.unwrap();
        refused(
            cloud.add(&two, &router).await,
            "RouterHostedByL3Agent",
            &format!(
                "The router {} has been already hosted by the L3 Agent {}.",
                router.id, one.id
            ),
        );
        cloud.take(&one, &router).await.unwrap();
        assert!(cloud.carriers(&router).await.is_empty());
        assert_eq!(cloud.now_of(&port).await.host, "");
        cloud.add(&two, &router).await.unwrap();
        assert_eq!(cloud.now_of(&port).await.host, "h2");
        // With its record go an agent's routers, to others.
        cloud.delete(&two).await;
        assert_eq!(cloud.carriers(&router).await, ["h1"]);
        assert_eq!(cloud.now_of(&port).await.host, "h1");

        let switch = cloud.agent_of(Role::OvsAgent, "h1").await;
        refused(
            cloud.add(&switch, &router).await,
            "InvalidL3Agent",
            &format!("Agent {} is not a L3 Agent or has been disabled", switch.id),
        );
        let idle = cloud.update(&one, json!({"admin_state_up": false})).await;
        refused_as(cloud.add(&idle, &router).await, "InvalidL3Agent");
        let asked = cloud.core.l3_agent_routers(&member("p"), &one.key()).await;
        refused_as(asked, "PolicyNotAuthorized");
    })
    .await;
}

#[tokio::test]
async fn the_kind_of_a_router_decides_who_can_carry_it() {
    each(async |cloud| {
        let legacy = cloud.l3_host("h1").await;
        let spread = cloud.router(json!({"distributed": true})).await;
        assert!(cloud.carriers(&spread).await.is_empty());
        refused_as(cloud.add(&legacy, &spread).await, "RouterL3AgentMismatch");
        let local = cloud.l3_agent("h2", json!({"agent_mode": "dvr"})).await;
        refused_as(cloud.add(&local, &spread).await, "DVRL3CannotAssignToDvrAgent");
        refused_as(cloud.take(&local, &spread).await, "DVRL3CannotRemoveFromDvrAgent");
        cloud.l3_agent("h3", json!({"agent_mode": "dvr_snat"})).await;
        assert_eq!(cloud.carriers(&spread).await, ["h3"]);
        // Its ports are on every host.
        assert_eq!(cloud.interface(&spread, "10.1.0.0/24").await.host, "");
        cloud.host("h3").await;
        cloud.l3_host("h4").await;
        let several = cloud.router(json!({"ha": true})).await;
        assert_eq!(cloud.carriers(&several).await, ["h1", "h3", "h4"]);
        let down = json!({"admin_state_up": false});
        let one = cloud.update(&several, down.clone()).await;
        cloud.update(&one, merged(down, json!({"ha": false}))).await;
        assert_eq!(cloud.carriers(&several).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn routers_leave_dead_agents_where_that_is_wanted() {
    let settings = Settings { allow_automatic_l3agent_failover: true, ..Settings::default() };
    each_with(settings, async |cloud| {
        cloud.l3_host("h1").await;
        let router = cloud.router(json!({})).await;
        let port = cloud.interface(&router, "10.1.0.0/24").await;
        cloud.let_agents_die();
        // Nobody is there to take over.
        assert_eq!(cloud.core.l3_failover().await.unwrap(), 0);
        assert_eq!(cloud.carriers(&router).await, ["h1"]);
        cloud.l3_host("h2").await;
        assert_eq!(cloud.core.l3_failover().await.unwrap(), 1);
        assert_eq!(cloud.carriers(&router).await, ["h2"]);
        assert_eq!(cloud.now_of(&port).await.host, "h2");
        assert_eq!(cloud.core.l3_failover().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn highly_available_routers_hear_of_each_other_by_a_network_of_their_project() {
    each(async |cloud| {
        for host in ["h1", "h2"] {
            cloud.l3_host(host).await;
        }
        let several = json!({"ha": true, "project_id": "p1"});
        let (one, two) = (cloud.router(several.clone()).await, cloud.router(several).await);
        let networks: Vec<Network> = cloud.list(ListQuery::default()).await;
        let [network] = networks.as_slice() else { panic!("{networks:?}") };
        assert_eq!(network.name, "HA network tenant p1");
        assert_eq!((network.project_id.as_str(), network.segmentation_id.is_some()), ("", false));
        let subnets: Vec<Subnet> = cloud.list(ListQuery::default()).await;
        assert_eq!(subnets[0].cidr.unwrap().to_string(), "169.254.192.0/18");
        let heard = async |router: &Router| {
            let by_router = Ask::default().with::<Port>("device_id", &[router.key()]).query();
            let mut ports: Vec<Port> = cloud.list(by_router).await;
            ports.retain(|port| port.device_owner == "network:router_ha_interface");
            let mut hosts: Vec<String> = ports.into_iter().map(|port| port.host).collect();
            hosts.sort();
            hosts
        };
        assert_eq!(heard(&one).await, ["h1", "h2"]);
        let agent = cloud.agent_of(Role::L3Agent, "h1").await;
        cloud.take(&agent, &one).await.unwrap();
        assert_eq!(heard(&one).await, ["h2"]);
        cloud.add(&agent, &one).await.unwrap();
        assert_eq!(heard(&one).await, ["h1", "h2"]);
        // It stays as long as there is one of them.
        cloud.delete(&one).await;
        let kept = cloud.now_of(network).await;
        assert_eq!(kept.segmentation_id, network.segmentation_id);
        let down = json!({"admin_state_up": false});
        let plain = cloud.update(&two, down.clone()).await;
        cloud.update(&plain, merged(down, json!({"ha": false}))).await;
        assert!(heard(&two).await.is_empty());
        assert!(cloud.list::<Network>(ListQuery::default()).await.is_empty());
        // A stranger's port keeps it, and not the router.
        let last = cloud.router(json!({"ha": true, "project_id": "p1"})).await;
        let [network] = <[Network; 1]>::try_from(cloud.list(ListQuery::default()).await).unwrap();
        cloud.port(&network, json!({})).await;
        cloud.delete(&last).await;
        assert_eq!(cloud.list::<Network>(ListQuery::default()).await.len(), 1);
    })
    .await;
}
