use proptest::prelude::*;

use super::*;
use crate::samples::{network, network_id, port, port_id};

fn change() -> impl Strategy<Value = Change> {
    let hosts = || prop_oneof![Just("h1"), Just("h2"), Just("")];
    prop_oneof![
        4 => (0_u128..6, 0_u128..3, hosts(), 0_i64..6).prop_map(|(number, on, host, revision)| {
            Change::Port(PortBody { revision, ..port(number, on, host) })
        }),
        3 => (0_u128..3, hosts(), 0_i64..6).prop_map(|(number, host, revision)| {
            Change::Network(NetworkBody { revision, ..network(number, &[host]) })
        }),
        1 => (0_u128..6).prop_map(|number| Change::Gone(ObjectId::Port(port_id(number)))),
        1 => (0_u128..3).prop_map(|number| Change::Gone(ObjectId::Network(network_id(number)))),
    ]
}

fn batches() -> impl Strategy<Value = Vec<Vec<Change>>> {
    proptest::collection::vec(proptest::collection::vec(change(), 0..5), 0..12)
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::OvsAgent), Just(Role::DhcpAgent)]
}

proptest! {
    #[test]
    fn batch_by_batch_is_as_good_as_pruning_the_whole(batches in batches(), role in role()) {
        let mut holding = Holding::new(role, "h1", View::default());
        let mut plain = View::default();
        for batch in batches {
            let before = plain.clone();
            batch.iter().cloned().for_each(|change| plain.apply(change));
            plain.prune(role, "h1");
            let effect = holding.apply(batch);
            prop_assert_eq!(holding.view(), &plain);
            prop_assert_eq!(holding.digest(), plain.digest());
            prop_assert_eq!(holding.changed(&effect), Changed::between(&before, &plain));
            let orphans = |view: &View| {
                view.ports.values().any(|port| !view.networks.contains_key(&port.network_id))
            };
            // What was an orphan before and was not touched is not the batch's doing.
            prop_assert!(!holding.leaves_orphans(&effect) || orphans(&plain));
            prop_assert!(holding.leaves_orphans(&effect) || !orphans(&plain) || orphans(&before));
        }
    }

    #[test]
    fn a_step_back_leads_to_where_one_was(
        first in proptest::collection::vec(change(), 0..8),
        second in proptest::collection::vec(change(), 0..8),
        third in proptest::collection::vec(change(), 0..8),
        role in role(),
    ) {
        let mut holding = Holding::from_changes(role, "h1", first);
        let straight = holding.clone();
        let effect = holding.apply(second);
        holding.revert(effect);
        prop_assert_eq!(holding.view(), straight.view());
        prop_assert_eq!(holding.digest(), straight.digest());
        // The index must be what it was, too: it decides what the next batch prunes.
        let mut straight = straight;
        straight.apply(third.clone());
        holding.apply(third);
        prop_assert_eq!(holding.view(), straight.view());
    }
}

#[test]
fn a_network_that_an_agent_no_longer_serves_takes_its_ports_along() {
    let changes = [
        Change::Network(network(1, &["h1"])),
        Change::Port(port(1, 1, "x")),
        Change::Port(port(2, 1, "y")),
    ];
    let mut holding = Holding::from_changes(Role::DhcpAgent, "h1", changes.into());
    assert_eq!(holding.view().ports.len(), 2);
    let effect =
        holding.apply([Change::Network(NetworkBody { revision: 1, ..network(1, &["h2"]) })]);
    assert_eq!(holding.view(), &View::default());
    let changed = holding.changed(&effect);
    assert_eq!(changed.ports, [port_id(1), port_id(2)].into());
}

#[test]
fn a_port_without_its_network_is_noticed() {
    let mut holding = Holding::new(Role::OvsAgent, "h1", View::default());
    let effect = holding.apply([Change::Port(port(1, 1, "h1"))]);
    assert!(holding.leaves_orphans(&effect));
    holding.revert(effect);
    let effect = holding.apply([Change::Port(port(1, 1, "h1")), Change::Network(network(1, &[]))]);
    assert!(!holding.leaves_orphans(&effect));
    assert_eq!(holding.networks_won(&effect), [network_id(1)]);
}
