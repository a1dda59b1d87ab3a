//! Random histories of hints, answers, servers and agents.

use nucleon_model::view::PortBody;
use proptest::prelude::*;

use super::*;
use crate::samples::{network, network_id, port, port_id};

/// One thing that happens in a random history.
#[derive(Debug, Clone, Copy)]
enum Happening {
    PutNetwork(u128, usize),
    PutPort(u128, u128, usize),
    DeletePort(u128),
    DeleteNetwork(u128),
    /// Deliver a hint of those under way, leaving it there or not.
    Deliver(prop::sample::Index, bool),
    Lose(prop::sample::Index),
    /// The server computes the answer.
    Compute,
    /// The answer arrives.
    Arrive,
    Poll,
    Reconnect,
    Restart,
    Replica(u8),
    Restore(u8),
    PruneJournal,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => (0_u128..3, 0_usize..4).prop_map(|(number, hosts)| Happening::PutNetwork(number, hosts)),
        6 => (0_u128..8, 0_u128..3, 0_usize..3)
            .prop_map(|(number, on, host)| Happening::PutPort(number, on, host)),
        2 => (0_u128..8).prop_map(Happening::DeletePort),
        1 => (0_u128..3).prop_map(Happening::DeleteNetwork),
        8 => (any::<prop::sample::Index>(), any::<bool>())
            .prop_map(|(which, keep)| Happening::Deliver(which, keep)),
        2 => any::<prop::sample::Index>().prop_map(Happening::Lose),
        4 => Just(Happening::Compute),
        4 => Just(Happening::Arrive),
        1 => Just(Happening::Poll),
        1 => Just(Happening::Reconnect),
        1 => Just(Happening::Restart),
        1 => (0_u8..4).prop_map(Happening::Replica),
        1 => (1_u8..4).prop_map(Happening::Restore),
        1 => Just(Happening::PruneJournal),
    ]
}

/// The state of a random history beside its bench.
#[derive(Default)]
struct Wire {
    hints: Vec<Hint>,
    answer: Option<Answer>,
    lag: i64,
}

fn happen(bench: &mut Bench, wire: &mut Wire, happening: Happening) {
    let server = bench.server.clone();
    let cloud = server.view_of_everything();
    match happening {
        Happening::PutNetwork(number, hosts) => {
            let hosts = [&[][..], &[HOST], &["h2"], &[HOST, "h2"]][hosts];
            wire.hints.extend(server.put_network(network(number, hosts)));
        }
        Happening::PutPort(number, on, host) => {
            // A port stays on its network, and its network exists: the database sees to that.
            let on = cloud.ports.get(&port_id(number)).map_or(network_id(on), |old| old.network_id);
            if cloud.networks.contains_key(&on) {
                let host = ["", HOST, "h2"][host];
                let body = PortBody { network_id: on, ..port(number, 0, host) };
                wire.hints.extend(server.put_port(body));
            }
        }
        Happening::DeletePort(number) => {
            if cloud.ports.contains_key(&port_id(number)) {
                wire.hints.extend(server.delete_port(port_id(number)));
            }
        }
        Happening::DeleteNetwork(number) => {
            let id = network_id(number);
            let used = cloud.ports.values().any(|port| port.network_id == id);
            if cloud.networks.contains_key(&id) && !used {
                wire.hints.extend(server.delete_network(id));
            }
        }
        Happening::Deliver(which, keep) => {
            if !wire.hints.is_empty() {
                let which = which.index(wire.hints.len());
                let hint =
                    if keep { wire.hints[which].clone() } else { wire.hints.swap_remove(which) };
                if bench.hears(&hint.scope) {
                    bench.step(Event::Hint(hint));
                }
            }
        }
        Happening::Lose(which) => {
            if !wire.hints.is_empty() {
                wire.hints.swap_remove(which.index(wire.hints.len()));
            }
        }
        Happening::Compute => {
            if bench.asked.is_some() && wire.answer.is_none() {
                let replica = server.replica();
                replica.stand_at(Some((server.position().seq - wire.lag).max(0)));
                wire.answer = Some(bench.compute(&replica));
            }
        }
        Happening::Arrive => {
            if let Some(answer) = wire.answer.take() {
                bench.deliver(answer);
            }
        }
        Happening::Poll => bench.step(Event::Poll),
        Happening::Reconnect => {
            (bench.asked, wire.answer) = (None, None);
            bench.step(Event::Disconnected);
            bench.step(Event::Connected);
        }
        Happening::Restart => {
            (bench.asked, wire.answer) = (None, None);
            let remembered = bench.follower.remember();
            bench.follower =
                Follower::new(bench.follower.role, HOST, bench.follower.limits, remembered);
            bench.step(Event::Connected);
        }
        Happening::Replica(lag) => wire.lag = i64::from(lag),
        Happening::Restore(back) => {
            server.restore((server.position().seq - i64::from(back)).max(0));
        }
        Happening::PruneJournal => server.prune_journal(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_to_hints_and_answers_polls_lead_to_the_servers_view(
        ovs: bool,
        cautious: bool,
        happenings in proptest::collection::vec(happening(), 0..120),
    ) {
        let role = if ovs { Role::OvsAgent } else { Role::DhcpAgent };
        let mut bench = Bench::new(role);
        if !cautious {
            // Otherwise the few ports here would all need consent.
            bench.follower.limits = Limits { one_in: 0, ..Limits::default() };
        }
        let mut wire = Wire::default();
        bench.step(Event::Connected);
        for happening in happenings {
            happen(&mut bench, &mut wire, happening);
            let view = bench.view();
            prop_assert!(
                view.ports.values().all(|port| view.networks.contains_key(&port.network_id)),
                "a port without its network"
            );
            prop_assert_eq!(bench.follower.digest(), view.digest());
        }
        if let Some(answer) = wire.answer.take() {
            bench.deliver(answer);
        }
        // Hints that are still under way may come last, and must do no harm.
        bench.settle();
        for hint in wire.hints {
            if bench.hears(&hint.scope) {
                bench.step(Event::Hint(hint));
            }
        }
        for _ in 0..3 {
            bench.poll();
            bench.step(Event::Accept);
            bench.settle();
        }
        prop_assert_eq!(bench.view(), bench.server.view(role, HOST));
        prop_assert_eq!(bench.follower.behind(), None);
    }

    #[test]
    fn no_event_changes_anything_without_saying_so(
        happenings in proptest::collection::vec(happening(), 0..80),
    ) {
        let mut bench = Bench::new(Role::OvsAgent);
        let mut wire = Wire::default();
        bench.step(Event::Connected);
        for happening in happenings {
            let restart = matches!(happening, Happening::Restart);
            let before = bench.follower.view().cloned();
            bench.applied.clear();
            happen(&mut bench, &mut wire, happening);
            let mut said = Changed::default();
            for changed in bench.applied.drain(..) {
                said.merge(changed);
            }
            if let (Some(before), false) = (before, restart) {
                let differ = Changed::between(&before, &bench.view());
                prop_assert!(said.everything || differ.networks.is_subset(&said.networks));
                prop_assert!(said.everything || differ.ports.is_subset(&said.ports));
            }
        }
    }
}
