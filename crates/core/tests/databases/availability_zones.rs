//! Availability zones: of agents, of networks, as hints.

use nucleon_bus::{Report, ViewSource as _};
use nucleon_core::Noun;
use nucleon_model::view::Role;
use nucleon_model::{AvailabilityZone, ListQuery, Network, Router, Timestamp};
use nucleon_wire::Heartbeat;
use serde_json::{Map, json};

use crate::scene::{Ask, Cloud, each, member, peer, refused};

/// An agent that says which zone it is in.
pub(crate) async fn agent_in(cloud: &Cloud, role: Role, host: &str, zone: &str) {
    let heartbeat = Heartbeat {
        configurations: Map::new(),
        started_at: Timestamp::from_micros(1),
        start_flag: false,
        availability_zone: Some(zone.to_owned()),
        position: None,
        digest: 0,
    };
    cloud.core.report(&peer(role, host), Report::Heartbeat(heartbeat)).await.unwrap();
}

/// As anybody sees them.
async fn zones(cloud: &Cloud, query: ListQuery) -> Vec<(String, String, String)> {
    let found = AvailabilityZone::list(&cloud.core, &member("p"), query).await.unwrap();
    found.into_iter().map(|zone| (zone.name, zone.resource, zone.state)).collect()
}

fn zone(name: &str, state: &str) -> (String, String, String) {
    (name.to_owned(), "network".to_owned(), state.to_owned())
}

#[tokio::test]
async fn agents_make_availability_zones_and_one_that_is_up_makes_them_available() {
    each(async |cloud| {
        assert!(zones(&cloud, ListQuery::default()).await.is_empty());
        agent_in(&cloud, Role::OvsAgent, "h1", "west").await;
        agent_in(&cloud, Role::DhcpAgent, "h1", "south").await;
        agent_in(&cloud, Role::DhcpAgent, "h2", "south").await;
        agent_in(&cloud, Role::DhcpAgent, "h3", "north").await;
        cloud.dhcp_agent("h4").await;
        for host in ["h1", "h3"] {
            let agent = cloud.agent_of(Role::DhcpAgent, host).await;
            cloud.update(&agent, json!({"admin_state_up": false})).await;
        }
        let (north, south) = (zone("north", "unavailable"), zone("south", "available"));
        assert_eq!(zones(&cloud, ListQuery::default()).await, [north.clone(), south.clone()]);
        let by = |name, value: &str| {
            Ask::default().with::<AvailabilityZone>(name, &[value.to_owned()]).query()
        };
        assert_eq!(zones(&cloud, by("name", "north")).await, std::slice::from_ref(&north));
        assert_eq!(zones(&cloud, by("state", "available")).await, std::slice::from_ref(&south));
        assert_eq!(zones(&cloud, by("resource", "network")).await, [north, south]);
        assert!(zones(&cloud, by("resource", "router")).await.is_empty());
        let last = Ask::default().page(1, Some("north/network".to_owned()), false).query();
        assert_eq!(zones(&cloud, last).await, [zone("south", "available")]);
    })
    .await;
}

#[tokio::test]
async fn networks_show_the_availability_zones_of_the_agents_that_serve_them() {
    let settings = nucleon_core::Settings { dhcp_agents_per_network: 2, ..crate::scene::roomy() };
    crate::scene::each_with(settings, async |cloud| {
        for (host, zone) in [("h1", "south"), ("h2", "north")] {
            cloud.host(host).await;
            agent_in(&cloud, Role::DhcpAgent, host, zone).await;
        }
        let network = cloud.network(json!({})).await;
        assert!(network.availability_zones.is_empty());
        cloud.subnet(&network, "10.0.0.0/24", json!({})).await;
        assert_eq!(cloud.now_of(&network).await.availability_zones, ["north", "south"]);
        let idle = cloud.network(json!({})).await;
        let listed: Vec<Network> = cloud.list(ListQuery::default()).await;
        let of = |id| &listed.iter().find(|network| network.id == id).unwrap().availability_zones;
        assert_eq!(of(network.id), &["north", "south"]);
        assert!(of(idle.id).is_empty());
    })
    .await;
}

#[tokio::test]
async fn hints_are_availability_zones_that_agents_of_the_right_kind_are_in() {
    each(async |cloud| {
        agent_in(&cloud, Role::DhcpAgent, "h1", "north").await;
        let hints = json!({"availability_zone_hints": ["north"]});
        let network = cloud.network(hints.clone()).await;
        assert_eq!(cloud.now_of(&network).await.availability_zone_hints, ["north"]);
        let unknown = json!({"availability_zone_hints": ["north", "nowhere"]});
        refused(
            cloud.try_create::<Network>(unknown).await,
            "AvailabilityZoneNotFound",
            "AvailabilityZone nowhere could not be found.",
        );
        // Refused for good: nothing is left of it.
        assert_eq!(cloud.list::<Network>(ListQuery::default()).await.len(), 1);
        // The agents of networks do not carry routers.
        refused(
            cloud.try_create::<Router>(hints).await,
            "AvailabilityZoneNotFound",
            "AvailabilityZone north could not be found.",
        );
        cloud.try_create::<Router>(json!({})).await.unwrap();
    })
    .await;
}
