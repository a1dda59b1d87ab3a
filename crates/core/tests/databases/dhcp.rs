//! DHCP agents and their ports.

use nucleon_core::{Noun, Settings};
use nucleon_model::view::Role;
use nucleon_model::{Network, Port, Subnet};
use serde_json::json;

use crate::scene::{Cloud, admin, each, each_with, refused, refused_as};

async fn vlan(cloud: &Cloud, id: i64) -> Network {
    cloud
        .network(json!({
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": id,
        }))
        .await
}

fn hosts(ports: &[Port]) -> Vec<&str> {
    ports.iter().map(|port| port.host.as_str()).collect()
}

#[tokio::test]
async fn a_subnet_with_dhcp_is_served_by_an_agent_whose_host_it_reaches() {
    each(async |cloud| {
        cloud.host_on("far", "physnet9").await;
        cloud.dhcp_agent("far").await;
        let network = vlan(&cloud, 7).await;
        cloud.subnet(&network, "10.9.0.0/24", json!({"enable_dhcp": false})).await;
        cloud.host("near.example.org").await;
        cloud.dhcp_agent("near.example.org").await;
        assert!(cloud.dhcp_ports(&network).await.is_empty());
        let first = cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let ports = cloud.dhcp_ports(&network).await;
        let [port] = &ports[..] else { panic!("{ports:?}") };
        assert_eq!(port.host, "near.example.org");
        assert_eq!((port.vif_type.as_str(), port.status.as_str()), ("ovs", "DOWN"));
        assert_eq!(port.project_id, network.project_id);
        assert!(
            port.device_id.starts_with("dhcp") && port.device_id.ends_with(&network.id.to_string())
        );
        // The lowest address behind the gateway, as Neutron gives it.
        assert_eq!(port.fixed_ips.len(), 1);
        assert_eq!(port.fixed_ips[0].ip_address.to_string(), "10.0.0.2");
        let slaac = json!({"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"});
        cloud.subnet(&network, "fd00::/64", slaac).await;
        let second = cloud.subnet(&network, "10.0.1.0/24", json!({})).await;
        let port = cloud.now_of(port).await;
        assert_eq!(port.fixed_ips.len(), 3);
        // Subnets go, and with the last one the port.
        cloud.delete(&first).await;
        assert_eq!(cloud.now_of(&port).await.fixed_ips.len(), 2);
        cloud.update(&second, json!({"enable_dhcp": false})).await;
        assert_eq!(cloud.dhcp_ports(&network).await.len(), 1);
        let updated = cloud.update(&second, json!({"enable_dhcp": true})).await;
        assert_eq!(cloud.now_of(&port).await.fixed_ips.len(), 2);
        cloud.delete(&updated).await;
        for subnet in cloud.now_of(&network).await.subnets {
            let subnet = Subnet::show(&cloud, &admin(), &subnet.to_string()).await.unwrap();
            cloud.delete(&subnet).await;
        }
        assert!(cloud.dhcp_ports(&network).await.is_empty());
        assert!(
            cloud.network_dhcp_agents(&admin(), &network.id.to_string()).await.unwrap().is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn networks_wait_for_agents_and_are_spread_over_them() {
    each(async |cloud| {
        let mut networks = Vec::new();
        for n in 0..4 {
            let network = vlan(&cloud, 10 + n).await;
            cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
            networks.push(network);
        }
        // Whichever of the two comes first, the host is of use when both are there.
        cloud.dhcp_agent("h1").await;
        assert!(cloud.dhcp_ports(&networks[0]).await.is_empty());
        cloud.host("h1").await;
        for network in &networks {
            assert_eq!(hosts(&cloud.dhcp_ports(network).await), ["h1"]);
        }
        cloud.host("h2").await;
        cloud.dhcp_agent("h2").await;
        for n in 0..5 {
            let network = vlan(&cloud, 20 + n).await;
            cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
            // The less loaded one; with equal loads it may be either.
            if n < 4 {
                assert_eq!(hosts(&cloud.dhcp_ports(&network).await), ["h2"]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn several_agents_serve_a_network_where_asked_for() {
    let settings = Settings { dhcp_agents_per_network: 2, ..crate::scene::roomy() };
    each_with(settings, async |cloud| {
        for host in ["h1", "h2", "h3"] {
            cloud.host(host).await;
            cloud.dhcp_agent(host).await;
        }
        let network = vlan(&cloud, 7).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let ports = cloud.dhcp_ports(&network).await;
        assert_eq!(ports.len(), 2);
        assert_ne!(ports[0].fixed_ips, ports[1].fixed_ips);
        // The network goes with the ports that are its own.
        cloud.delete(&network).await;
    })
    .await;
}

#[tokio::test]
async fn another_agent_takes_over_port_and_address_from_a_dead_one() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let network = vlan(&cloud, 7).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let before = cloud.dhcp_ports(&network).await.remove(0);
        cloud.wired("h1", &before).await;
        assert_eq!(cloud.now_of(&before).await.status, "ACTIVE");
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 0);
        cloud.let_agents_die();
        // Nobody is there to take over; then somebody is.
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 0);
        cloud.host("h2").await;
        cloud.dhcp_agent("h2").await;
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 1);
        assert_eq!(cloud.dhcp_failover().await.unwrap(), 0);
        let ports = cloud.dhcp_ports(&network).await;
        let [after] = &ports[..] else { panic!("{ports:?}") };
        assert_eq!((after.id, &after.fixed_ips), (before.id, &before.fixed_ips));
        assert_eq!((after.host.as_str(), after.status.as_str()), ("h2", "DOWN"));
        assert_ne!(after.device_id, before.device_id);
        let agents = cloud.network_dhcp_agents(&admin(), &network.id.to_string()).await.unwrap();
        assert_eq!(agents.iter().map(|agent| agent.host.as_str()).collect::<Vec<_>>(), ["h2"]);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_moves_networks_between_agents() {
    each(async |cloud| {
        for host in ["h1", "h2"] {
            cloud.host(host).await;
        }
        cloud.dhcp_agent("h1").await;
        let network = vlan(&cloud, 7).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        cloud.dhcp_agent("h2").await;
        let one = cloud.agent_of(Role::DhcpAgent, "h1").await.id.to_string();
        let two = cloud.agent_of(Role::DhcpAgent, "h2").await.id.to_string();
        let served =
            async |agent: &str| cloud.dhcp_agent_networks(&admin(), agent).await.unwrap().len();
        assert_eq!((served(&one).await, served(&two).await), (1, 0));
        cloud.dhcp_agent_add_network(&admin(), &two, network.id).await.unwrap();
        assert_eq!(hosts(&cloud.dhcp_ports(&network).await), ["h1", "h2"]);
        refused(
            cloud.dhcp_agent_add_network(&admin(), &two, network.id).await,
            "NetworkHostedByDHCPAgent",
            &format!("The network {} has been already hosted by the DHCP Agent {two}.", network.id),
        );
        let port = cloud.port(&network, json!({})).await;
        assert!(port.awaits_dhcp);
        cloud.dhcp_agent_remove_network(&admin(), &one, network.id).await.unwrap();
        assert_eq!(hosts(&cloud.dhcp_ports(&network).await), ["h2"]);
        refused(
            cloud.dhcp_agent_remove_network(&admin(), &one, network.id).await,
            "NetworkNotHostedByDhcpAgent",
            &format!("The network {} is not hosted by the DHCP agent {one}.", network.id),
        );
        assert!(cloud.now_of(&port).await.awaits_dhcp);
        cloud.dhcp_agent_remove_network(&admin(), &two, network.id).await.unwrap();
        // With nobody left to serve it, no port waits for that.
        assert!(!cloud.now_of(&port).await.awaits_dhcp);
        let ovs = cloud.agent_of(Role::OvsAgent, "h1").await.id.to_string();
        refused_as(
            cloud.dhcp_agent_add_network(&admin(), &ovs, network.id).await,
            "InvalidDHCPAgent",
        );
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_got_a_network_before_its_subnets_serves_them() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let network = vlan(&cloud, 7).await;
        let agent = cloud.agent_of(Role::DhcpAgent, "h1").await.id.to_string();
        cloud.dhcp_agent_add_network(&admin(), &agent, network.id).await.unwrap();
        assert!(cloud.dhcp_ports(&network).await.is_empty());
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        assert_eq!(cloud.dhcp_ports(&network).await[0].fixed_ips.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_agent_leaves_its_networks_to_another() {
    each(async |cloud| {
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let network = vlan(&cloud, 7).await;
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        let before = cloud.dhcp_ports(&network).await.remove(0);
        cloud.host("h2").await;
        cloud.dhcp_agent("h2").await;
        cloud.delete(&cloud.agent_of(Role::DhcpAgent, "h1").await).await;
        let after = cloud.now_of(&before).await;
        assert_eq!((after.host.as_str(), &after.fixed_ips), ("h2", &before.fixed_ips));
        cloud.delete(&cloud.agent_of(Role::DhcpAgent, "h2").await).await;
        assert!(cloud.dhcp_ports(&network).await.is_empty());
    })
    .await;
}
