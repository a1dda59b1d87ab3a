//! Agents: heartbeats, what the API shows, deletion.

use std::time::Duration;

use nucleon_core::Noun;
use nucleon_model::Agent;
use nucleon_model::view::Role;
use nucleon_wire::AliveState;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::scene::{Ask, admin, each, member, peer, refused_as};

#[tokio::test]
async fn a_heartbeat_says_what_the_agent_was_before() {
    each(async |cloud| {
        let who = peer(Role::OvsAgent, "h1");
        let beat = async || cloud.heartbeat(&who, json!({"a": 1})).await.alive;
        assert_eq!(beat().await, Some(AliveState::New));
        assert_eq!(beat().await, Some(AliveState::Alive));
        let shown = cloud.agent_of(Role::OvsAgent, "h1").await;
        assert!(shown.alive);
        assert_eq!(shown.binary, "neutron-openvswitch-agent");
        assert_eq!(shown.configurations["a"], 1);
        cloud.let_agents_die();
        assert!(!cloud.agent_of(Role::OvsAgent, "h1").await.alive);
        assert_eq!(beat().await, Some(AliveState::Revived));
        assert!(cloud.now_of(&shown).await.alive);
        assert_eq!(cloud.heartbeat(&who, json!({"a": 2})).await.alive, Some(AliveState::Alive));
        assert_eq!(cloud.now_of(&shown).await.configurations["a"], 2);
    })
    .await;
}

#[tokio::test]
async fn heartbeats_are_written_together_and_a_deleted_agent_comes_back() {
    each(async |cloud| {
        cloud.host("h1").await;
        let first = cloud.agent_of(Role::OvsAgent, "h1").await;
        let stop = CancellationToken::new();
        let maintenance = tokio::spawn(cloud.core.clone().maintain(stop.clone()));
        cloud.clock.advance(Duration::from_secs(30));
        cloud.host("h1").await;
        // The pulse is on disk at the next turn of the maintenance.
        let heard = async || cloud.now_of(&first).await.heartbeat_timestamp;
        while heard().await == first.heartbeat_timestamp {
            cloud.clock.advance(Duration::from_millis(1100));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        maintenance.await.unwrap();
        cloud.delete(&first).await;
        refused_as(cloud.try_delete(&first).await, "AgentNotFound");
        cloud.host("h1").await;
        assert_ne!(cloud.agent_of(Role::OvsAgent, "h1").await.id, first.id);
    })
    .await;
}

#[tokio::test]
async fn agents_are_shown_to_administrators_by_what_they_are() {
    each(async |cloud| {
        cloud.host("old").await;
        cloud.let_agents_die();
        cloud.host("h1").await;
        cloud.dhcp_agent("h1").await;
        let found = async |ask: Ask| {
            let mut hosts: Vec<String> =
                cloud.list::<Agent>(ask.query()).await.into_iter().map(|a| a.host).collect();
            hosts.sort();
            hosts
        };
        assert_eq!(found(Ask::default()).await, ["h1", "h1", "old"]);
        assert_eq!(found(Ask::default().with::<Agent>("alive", &[false])).await, ["old"]);
        assert_eq!(found(Ask::default().with::<Agent>("alive", &[true])).await, ["h1", "h1"]);
        let first = Ask::default().with::<Agent>("alive", &[true]).page(1, None, false);
        assert_eq!(found(first).await, ["h1"]);
        for name in ["DHCP agent", "DHCP Agent"] {
            let dhcp = Ask::default().with::<Agent>("agent_type", &[name.to_owned()]);
            assert_eq!(found(dhcp).await, ["h1"], "{name}");
        }
        let query = Ask::default().query();
        assert!(Agent::list(&cloud, &member("p"), query).await.unwrap().is_empty());
        let agent = cloud.agent_of(Role::DhcpAgent, "h1").await;
        refused_as(Agent::show(&cloud, &member("p"), &agent.key()).await, "AgentNotFound");
        let down = cloud.update(&agent, json!({"admin_state_up": false, "description": "d"})).await;
        assert_eq!(Agent::show(&cloud, &admin(), &agent.key()).await.unwrap(), down);
        assert!(!down.admin_state_up && down.alive);
    })
    .await;
}
