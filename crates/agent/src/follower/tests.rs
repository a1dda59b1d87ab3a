mod random;

use nucleon_bus::fake::FakeServer;
use nucleon_bus::{ViewSource, WatchRequest};
use nucleon_model::view::{ObjectId, PortBody, Scope};
use uuid::Uuid;

use super::*;
use crate::samples::{network, network_id, port, port_id};

const HOST: &str = "h1";

/// A follower and a server, with the wire between them in the test's hands.
struct Bench {
    server: FakeServer,
    follower: Follower,
    /// The question under way.
    asked: Option<(Option<Position>, bool)>,
    retry: bool,
    refused: Option<Withheld>,
    applied: Vec<Changed>,
}

impl Bench {
    fn new(role: Role) -> Self {
        Self::with(role, FakeServer::new(), None)
    }

    fn with(role: Role, server: FakeServer, remembered: Option<Remembered>) -> Self {
        Self {
            server,
            follower: Follower::new(role, HOST, Limits::default(), remembered),
            asked: None,
            retry: false,
            refused: None,
            applied: Vec::new(),
        }
    }

    /// An agent in a cloud of one network with `ports` ports on its host, in step with the server.
    fn settled(role: Role, ports: u128) -> Self {
        let mut bench = Self::new(role);
        bench.server.put_network(network(1, &[HOST]));
        for number in 0..ports {
            bench.server.put_port(port(number, 1, HOST));
        }
        bench.step(Event::Connected);
        bench.settle();
        bench.applied.clear();
        bench
    }

    fn step(&mut self, event: Event) {
        for action in self.follower.step(event) {
            match action {
                Action::Watch { position, verify } => {
                    assert_eq!(self.asked, None, "two questions at once");
                    self.asked = Some((position, verify));
                }
                Action::Apply(changed) => {
                    assert!(!changed.is_empty());
                    self.applied.push(changed);
                }
                Action::Refuse(withheld) => self.refused = Some(withheld),
                Action::Retry => self.retry = true,
            }
        }
    }

    fn compute(&self, server: &FakeServer) -> Answer {
        let (position, verify) = self.asked.expect("a question");
        let request = WatchRequest { role: self.follower.role, host: HOST, position, verify };
        now(server.watch(request)).unwrap().answer
    }

    fn deliver(&mut self, answer: Answer) {
        self.asked.take().expect("a question");
        self.step(Event::Answer(answer));
    }

    fn answer_once(&mut self) {
        let answer = self.compute(&self.server.clone());
        self.deliver(answer);
    }

    /// Answers questions until there are none.
    fn settle(&mut self) {
        for _ in 0..5 {
            if self.asked.is_none() {
                return;
            }
            self.answer_once();
        }
        panic!("the agent never stops asking");
    }

    fn poll(&mut self) {
        self.step(Event::Poll);
        self.settle();
    }

    fn hints(&mut self, hints: Vec<Hint>) {
        for hint in hints {
            if self.hears(&hint.scope) {
                self.step(Event::Hint(hint));
            }
        }
    }

    /// Whether the hub would send it here.
    fn hears(&self, scope: &Scope) -> bool {
        let view = self.server.view(self.follower.role, HOST);
        view.scopes(self.follower.role, HOST).contains(scope)
            || self.view().scopes(self.follower.role, HOST).contains(scope)
    }

    fn view(&self) -> View {
        self.follower.view().cloned().unwrap_or_default()
    }

    #[track_caller]
    fn assert_in_step(&self) {
        assert_eq!(self.view(), self.server.view(self.follower.role, HOST));
    }
}

/// The result of a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn ports(numbers: &[u128]) -> Changed {
    Changed { ports: numbers.iter().map(|&number| port_id(number)).collect(), ..Changed::default() }
}

#[test]
fn the_first_answer_is_everything() {
    let mut bench = Bench::new(Role::OvsAgent);
    bench.server.put_network(network(1, &[]));
    bench.server.put_port(port(1, 1, HOST));
    bench.step(Event::Connected);
    assert_eq!(bench.asked, Some((None, true)));
    bench.answer_once();
    assert_eq!(bench.applied, [Changed::everything()]);
    bench.assert_in_step();
    // What changed between the reading of the first answer and the subscription is found by a second.
    assert!(matches!(bench.asked, Some((Some(_), _))));
    bench.settle();
}

#[test]
fn before_the_first_answer_there_is_no_view() {
    let mut bench = Bench::new(Role::OvsAgent);
    bench.step(Event::Connected);
    assert_eq!(bench.follower.view(), None);
    bench.asked = None;
    bench.step(Event::WatchFailed);
    assert!(bench.retry && bench.applied.is_empty());
    assert_eq!(bench.follower.view(), None);
}

#[test]
fn a_hint_that_joins_on_is_applied_without_a_question() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let hints = bench.server.put_port(port(5, 1, HOST));
    bench.hints(hints);
    assert_eq!((bench.asked, &*bench.applied), (None, &[ports(&[5])][..]));
    bench.assert_in_step();
}

#[test]
fn a_lost_hint_shows_with_the_next_one() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    drop(bench.server.put_port(port(5, 1, HOST)));
    let hints = bench.server.put_port(port(6, 1, HOST));
    bench.hints(hints);
    assert!(bench.applied.is_empty() && bench.asked.is_some());
    bench.settle();
    assert_eq!(bench.applied, [ports(&[5, 6])]);
    bench.assert_in_step();
}

#[test]
fn a_lost_hint_is_found_by_the_poll() {
    let mut bench = Bench::settled(Role::DhcpAgent, 2);
    drop(bench.server.put_port(port(5, 1, "elsewhere")));
    bench.poll();
    bench.assert_in_step();
}

#[test]
fn hints_in_the_wrong_order_end_in_the_right_view() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let first = bench.server.put_port(port(0, 1, HOST));
    let second = bench.server.delete_port(port_id(0));
    bench.hints(second);
    assert!(bench.asked.is_some());
    bench.hints(first);
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_hint_that_comes_twice_changes_nothing_the_second_time() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let added = bench.server.put_port(port(5, 1, HOST));
    let removed = bench.server.delete_port(port_id(5));
    bench.hints(added.clone());
    bench.hints(removed);
    bench.applied.clear();
    bench.hints(added);
    assert_eq!((bench.asked, &*bench.applied), (None, &[][..]));
    bench.assert_in_step();
}

#[test]
fn a_hint_without_bodies_makes_the_agent_ask() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let hints = bench.server.put_port(port(5, 1, HOST));
    let bare = hints.into_iter().map(|hint| Hint { changes: None, ..hint }).collect();
    bench.hints(bare);
    assert!(bench.applied.is_empty());
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn the_first_port_of_a_network_brings_the_network_before_it_is_applied() {
    let mut bench = Bench::settled(Role::OvsAgent, 1);
    bench.server.put_network(network(2, &[]));
    let hints = bench.server.put_port(port(7, 2, HOST));
    bench.hints(hints);
    assert!(bench.applied.is_empty(), "a port without its network is of no use");
    // It changes before the hub knows that this agent follows it.
    let answer = bench.compute(&bench.server.clone());
    drop(
        bench.server.put_network(nucleon_model::view::NetworkBody { mtu: 9000, ..network(2, &[]) }),
    );
    bench.deliver(answer);
    assert!(bench.asked.is_some(), "the answer brought a scope that nobody listened to");
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_hint_that_brings_a_network_is_applied_and_the_rest_asked_for() {
    let mut bench = Bench::settled(Role::DhcpAgent, 1);
    drop(bench.server.put_network(network(2, &[])));
    drop(bench.server.put_port(port(7, 2, "elsewhere")));
    let hints = bench.server.put_network(network(2, &[HOST]));
    bench.hints(hints);
    assert_eq!(bench.applied.len(), 1);
    assert!(bench.asked.is_some());
    bench.settle();
    bench.assert_in_step();
    assert!(bench.view().ports.contains_key(&port_id(7)));
}

#[test]
fn an_answer_from_before_a_network_came_does_not_settle_it() {
    let mut bench = Bench::settled(Role::DhcpAgent, 1);
    drop(bench.server.put_network(network(2, &[])));
    drop(bench.server.put_port(port(7, 2, "elsewhere")));
    bench.step(Event::Poll);
    let answer = bench.compute(&bench.server.clone());
    let hints = bench.server.put_network(network(2, &[HOST]));
    bench.hints(hints);
    bench.deliver(answer);
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_port_that_moves_away_leaves() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let hints = bench.server.put_port(port(0, 1, "h2"));
    bench.hints(hints);
    assert_eq!(bench.applied, [ports(&[0])]);
    bench.assert_in_step();
}

#[test]
fn what_a_hint_took_away_does_not_come_back_with_an_older_answer() {
    let mut bench = Bench::settled(Role::DhcpAgent, 3);
    drop(bench.server.put_port(PortBody { device_id: "new".into(), ..port(0, 1, HOST) }));
    bench.step(Event::Poll);
    let answer = bench.compute(&bench.server.clone());
    bench.server.delete_port(port_id(2));
    let late = bench.server.delete_port(port_id(0));
    // The hint for port 2 is lost; that for port 0 overtakes the answer.
    bench.hints(late);
    bench.deliver(answer);
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn hints_that_overtake_an_answer_are_not_forgotten_by_it() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    bench.step(Event::Resync);
    let answer = bench.compute(&bench.server.clone());
    let hints = bench.server.put_port(port(9, 1, HOST));
    bench.hints(hints);
    bench.deliver(answer);
    bench.assert_in_step();
}

#[test]
fn more_hints_than_are_kept_make_the_agent_ask_once_more() {
    let mut bench = Bench::settled(Role::OvsAgent, 1);
    bench.step(Event::Poll);
    let answer = bench.compute(&bench.server.clone());
    for _ in 0..REPLAY_LIMIT + 10 {
        let hints = bench.server.put_port(port(0, 1, HOST));
        bench.hints(hints);
    }
    bench.deliver(answer);
    assert!(bench.asked.is_some());
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_reconnect_asks_for_what_was_missed() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    bench.step(Event::Disconnected);
    bench.server.put_port(port(5, 1, HOST));
    bench.step(Event::Poll);
    assert_eq!(bench.asked, None, "there is nobody to ask");
    bench.step(Event::Connected);
    assert!(matches!(bench.asked, Some((Some(_), _))));
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_question_cut_off_by_a_reconnect_is_asked_again() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    bench.server.put_port(port(5, 1, HOST));
    bench.step(Event::Poll);
    bench.asked = None;
    bench.step(Event::Disconnected);
    bench.step(Event::Connected);
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn an_answer_of_a_server_that_is_behind_is_not_taken() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let late = bench.server.replica();
    late.stand_at(Some(bench.server.position().seq));
    let hints = bench.server.put_port(port(5, 1, HOST));
    bench.hints(hints);
    bench.applied.clear();
    // The position asked from is not ahead of that server, and yet the view is.
    bench.step(Event::Poll);
    let answer = bench.compute(&late);
    bench.deliver(answer);
    assert!(bench.retry && bench.applied.is_empty());
    assert!(bench.follower.behind().is_some());
    bench.assert_in_step();
    bench.poll();
    assert_eq!(bench.follower.behind(), None);
}

#[test]
fn behind_means_wait() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let late = bench.server.replica();
    late.stand_at(Some(1));
    bench.step(Event::Disconnected);
    bench.step(Event::Connected);
    let answer = bench.compute(&late);
    assert!(matches!(answer, Answer::Behind { .. }));
    bench.deliver(answer);
    assert!(bench.retry && bench.applied.is_empty());
    bench.assert_in_step();
    late.stand_at(None);
    bench.poll();
    bench.assert_in_step();
}

/// Deletes the first `count` ports, and the journal of it: only a snapshot can tell.
fn vanish(bench: &Bench, count: u128) {
    for number in 0..count {
        drop(bench.server.delete_port(port_id(number)));
    }
    bench.server.prune_journal();
}

#[test]
fn a_delta_may_take_away_any_number_of_ports() {
    let mut bench = Bench::settled(Role::OvsAgent, 50);
    for number in 0..50 {
        drop(bench.server.delete_port(port_id(number)));
    }
    bench.step(Event::Poll);
    assert!(matches!(bench.compute(&bench.server), Answer::Delta { .. }));
    bench.settle();
    assert_eq!(bench.refused, None);
    assert_eq!(bench.applied.iter().map(|changed| changed.ports.len()).sum::<usize>(), 50);
    bench.assert_in_step();
}

#[test]
fn hints_may_take_away_port_after_port() {
    let mut bench = Bench::settled(Role::OvsAgent, 50);
    for number in 0..50 {
        let hints = bench.server.delete_port(port_id(number));
        bench.hints(hints);
    }
    assert_eq!((bench.asked, bench.refused), (None, None));
    bench.assert_in_step();
}

#[test]
fn one_hint_may_take_away_any_number_of_ports() {
    let mut bench = Bench::settled(Role::DhcpAgent, 20);
    let hints = bench.server.put_network(network(1, &["other"]));
    bench.hints(hints);
    assert_eq!((bench.asked, bench.refused), (None, None));
    assert_eq!(bench.view(), View::default());
    bench.assert_in_step();
}

#[test]
fn a_fifth_of_the_ports_may_go_by_a_snapshot() {
    let mut bench = Bench::settled(Role::OvsAgent, 50);
    vanish(&bench, 10);
    bench.poll();
    assert_eq!(bench.refused, None);
    bench.assert_in_step();
}

#[test]
fn a_snapshot_without_more_than_a_fifth_changes_nothing_until_the_operator_accepts() {
    let mut bench = Bench::settled(Role::OvsAgent, 50);
    let before = bench.view();
    vanish(&bench, 11);
    bench.poll();
    let withheld = bench.refused.take().expect("a refusal");
    assert_eq!((withheld.lost, withheld.of, withheld.new_epoch), (11, 50, false));
    assert_eq!((bench.view(), &*bench.applied), (before.clone(), &[][..]));
    // Nothing else is carried out in the meantime either, and it is said again with each poll.
    let mut hints = bench.server.put_port(port(90, 1, HOST));
    hints.extend(bench.server.put_network(network(1, &[])));
    bench.hints(hints);
    assert_eq!(bench.view(), before);
    bench.poll();
    assert!(bench.refused.is_some());
    assert_eq!(bench.view(), before);
    bench.step(Event::Accept);
    bench.settle();
    bench.assert_in_step();
    assert_eq!(bench.follower.withheld(), None);
}

#[test]
fn a_refusal_ends_by_itself_when_the_server_thinks_better_of_it() {
    let mut bench = Bench::settled(Role::OvsAgent, 12);
    vanish(&bench, 11);
    bench.poll();
    assert!(bench.follower.withheld().is_some());
    for number in 0..11 {
        drop(bench.server.put_port(port(number, 1, HOST)));
    }
    bench.poll();
    assert_eq!(bench.follower.withheld(), None);
    bench.assert_in_step();
}

#[test]
fn small_hosts_may_lose_their_few_ports_by_a_snapshot() {
    let mut bench = Bench::settled(Role::OvsAgent, 5);
    vanish(&bench, 5);
    bench.poll();
    assert_eq!(bench.refused, None);
    bench.assert_in_step();
}

#[test]
fn drift_that_would_be_mended_by_a_great_loss_needs_consent() {
    let bench = Bench::settled(Role::OvsAgent, 6);
    let mut remembered = bench.follower.remember().unwrap();
    let extra = (10..20).map(|number| (port_id(number), port(number, 1, HOST)));
    remembered.view.ports.extend(extra);
    let mut drifted = Bench::with(Role::OvsAgent, bench.server.clone(), Some(remembered));
    let before = drifted.view();
    drifted.step(Event::Connected);
    drifted.settle();
    let lost = |withheld: Withheld| (withheld.lost, withheld.of, withheld.new_epoch);
    assert_eq!(drifted.refused.take().map(lost), Some((10, 16, false)));
    // A delta would not mend it: the next question is for a snapshot as well.
    drifted.poll();
    assert_eq!(drifted.refused.map(lost), Some((10, 16, false)));
    assert_eq!((drifted.view(), drifted.follower.drifts()), (before, 1));
    drifted.step(Event::Accept);
    drifted.settle();
    drifted.assert_in_step();
}

#[test]
fn a_delta_ends_a_refusal_of_another_epoch() {
    let mut bench = Bench::settled(Role::OvsAgent, 12);
    bench.step(Event::Poll);
    let position = Position { epoch: Uuid::from_u128(9), seq: 1 };
    bench.deliver(Answer::Snapshot { position, changes: vec![], digest: None });
    assert_eq!(bench.follower.withheld().map(|withheld| withheld.lost), Some(12));
    for number in 0..12 {
        drop(bench.server.delete_port(port_id(number)));
    }
    bench.poll();
    assert_eq!(bench.follower.withheld(), None);
    bench.assert_in_step();
}

#[test]
fn accepting_nothing_does_nothing() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    bench.step(Event::Accept);
    assert_eq!((bench.asked, &*bench.applied), (None, &[][..]));
}

#[test]
fn a_restored_database_that_takes_nothing_away_is_followed() {
    let mut bench = Bench::settled(Role::OvsAgent, 6);
    drop(bench.server.put_port(PortBody { device_id: "lost".into(), ..port(0, 1, HOST) }));
    bench.poll();
    bench.applied.clear();
    bench.server.restore(bench.server.position().seq - 1);
    bench.poll();
    bench.assert_in_step();
    assert!(bench.applied.iter().any(|changed| changed.everything), "all has to be reported anew");
}

#[test]
fn a_restored_database_that_lacks_ports_needs_consent() {
    let mut bench = Bench::settled(Role::OvsAgent, 4);
    let before = bench.view();
    bench.server.restore(2);
    bench.poll();
    assert_eq!(bench.refused.map(|withheld| (withheld.lost, withheld.new_epoch)), Some((3, true)));
    assert_eq!(bench.view(), before);
    bench.step(Event::Accept);
    bench.settle();
    bench.assert_in_step();
}

#[test]
fn a_hint_of_another_epoch_is_not_applied() {
    let mut bench = Bench::settled(Role::OvsAgent, 2);
    let hints = bench.server.put_port(port(5, 1, HOST));
    let epoch = Uuid::from_u128(99);
    let foreign = hints.into_iter().map(|hint| Hint { epoch, ..hint }).collect();
    bench.hints(foreign);
    assert!(bench.applied.is_empty() && bench.asked.is_some());
}

#[test]
fn a_pruned_journal_means_a_snapshot() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    drop(bench.server.put_port(port(5, 1, HOST)));
    bench.server.prune_journal();
    bench.poll();
    assert_eq!(bench.applied, [ports(&[5])]);
    bench.assert_in_step();
}

#[test]
fn an_answer_that_does_not_join_on_is_not_taken() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    let base = bench.follower.position().unwrap();
    let gone = vec![Change::Gone(ObjectId::Port(port_id(0)))];
    for (from, position) in [
        (Position { seq: base.seq - 1, ..base }, base),
        (base, Position { epoch: Uuid::from_u128(9), ..base }),
        (Position { epoch: Uuid::from_u128(9), ..base }, base),
    ] {
        bench.step(Event::Poll);
        bench.deliver(Answer::Delta { from, position, changes: gone.clone(), digest: None });
        assert!(std::mem::take(&mut bench.retry));
        bench.assert_in_step();
        bench.step(Event::Poll);
        assert!(matches!(bench.asked, Some((None, _))), "only a snapshot helps");
        bench.settle();
    }
    assert!(bench.applied.is_empty());
}

#[test]
fn an_answer_that_leaves_ports_without_network_is_not_taken() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    let from = bench.follower.position().unwrap();
    bench.step(Event::Poll);
    let position = Position { seq: from.seq + 1, ..from };
    let changes = vec![Change::Gone(ObjectId::Network(network_id(1)))];
    bench.deliver(Answer::Delta { from, position, changes, digest: None });
    assert!(bench.retry);
    bench.assert_in_step();
}

#[test]
fn drift_is_found_by_the_digest_and_mended_by_a_snapshot() {
    let bench = Bench::settled(Role::OvsAgent, 3);
    let mut remembered = bench.follower.remember().unwrap();
    remembered.view.ports.remove(&port_id(1));
    let mut drifted = Bench::with(Role::OvsAgent, bench.server.clone(), Some(remembered));
    drifted.step(Event::Connected);
    assert!(matches!(drifted.asked, Some((Some(_), true))));
    drifted.settle();
    drifted.assert_in_step();
    assert_eq!(drifted.follower.drifts(), 1);
    assert_eq!(drifted.applied, [ports(&[1])]);
}

#[test]
fn a_follower_goes_on_from_what_it_remembers() {
    let mut bench = Bench::settled(Role::DhcpAgent, 3);
    let hints = bench.server.put_port(port(5, 1, "x"));
    bench.hints(hints);
    let remembered = bench.follower.remember();
    let json = serde_json::to_string(&remembered).unwrap();
    let remembered = serde_json::from_str(&json).unwrap();
    let mut again = Bench::with(Role::DhcpAgent, bench.server.clone(), remembered);
    assert_eq!(again.view(), bench.view());
    again.server.put_port(port(6, 1, "x"));
    again.step(Event::Connected);
    again.settle();
    again.assert_in_step();
    assert_eq!(again.applied, [ports(&[6])]);
}

#[test]
fn a_follower_remembers_how_far_hints_had_brought_it() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    let late = bench.server.replica();
    late.stand_at(Some(bench.server.position().seq));
    let hints = bench.server.delete_port(port_id(0));
    bench.hints(hints);
    let remembered = bench.follower.remember();
    let mut again = Bench::with(Role::OvsAgent, late, remembered);
    again.step(Event::Connected);
    again.answer_once();
    assert!(again.retry && again.follower.behind().is_some());
    assert_eq!(again.view(), bench.view());
}

#[test]
fn an_answer_that_nobody_asked_for_is_passed_over() {
    let mut bench = Bench::settled(Role::OvsAgent, 3);
    let position = Position { seq: 1000, ..bench.server.position() };
    bench.step(Event::Answer(Answer::Snapshot { position, changes: vec![], digest: None }));
    bench.assert_in_step();
}
