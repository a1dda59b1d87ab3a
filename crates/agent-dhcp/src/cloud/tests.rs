use nucleon_model::view::Change;
use uuid::Uuid;

use super::*;
use crate::samples::{DHCP_PORT, HOST, NETWORK, dhcp_port, mac, machine, network};

/// A cloud, and the view that it follows.
struct Scene {
    cloud: Cloud,
    view: View,
}

impl Scene {
    fn new() -> Self {
        let cloud = Cloud::new(HOST, AnswerOptions::default(), Clock::fake());
        Self { cloud, view: View::default() }
    }

    /// A network with its DHCP port and one machine, told of.
    fn served() -> Self {
        let mut scene = Self::new();
        scene.put([network()], [dhcp_port(), machine(5)]);
        assert_eq!(scene.tell().len(), 2);
        scene
    }

    fn put(
        &mut self,
        networks: impl IntoIterator<Item = NetworkBody>,
        ports: impl IntoIterator<Item = PortBody>,
    ) -> Asked {
        let mut changed = Changed::default();
        for body in networks {
            changed.networks.insert(body.id);
            self.view.apply(Change::Network(body));
        }
        for body in ports {
            changed.ports.insert(body.id);
            self.view.apply(Change::Port(body));
        }
        self.cloud.take_in(&self.view, &changed)
    }

    fn drop_port(&mut self, id: PortId) -> Asked {
        self.view.ports.remove(&id);
        let changed = Changed { ports: [id].into(), ..Changed::default() };
        self.cloud.take_in(&self.view, &changed)
    }

    fn drop_network(&mut self, id: NetworkId) -> Asked {
        let gone = |port: &PortBody| port.network_id == id;
        let ports = self.view.ports.values().filter(|port| gone(port)).map(|port| port.id);
        let changed =
            Changed { ports: ports.collect(), networks: [id].into(), ..Changed::default() };
        self.view.networks.remove(&id);
        self.view.ports.retain(|_, port| !gone(port));
        self.cloud.take_in(&self.view, &changed)
    }

    fn tell(&mut self) -> Vec<PortId> {
        self.cloud.tell(|_| true).into_iter().map(|(port, _)| port).collect()
    }

    fn clients(&self) -> usize {
        self.cloud.wish(NETWORK).map_or(0, |wish| wish.responder.len())
    }
}

fn second() -> NetworkBody {
    NetworkBody { id: NetworkId::new(Uuid::from_u128(0x22)), ..network() }
}

const NONE: [PortId; 0] = [];

#[test]
fn a_network_with_a_dhcp_port_here_is_wished_for_and_looked_at() {
    let mut scene = Scene::new();
    let asked = scene.put([network()], [dhcp_port(), machine(5)]);
    assert_eq!(asked.look_at, [NETWORK].into());
    assert_eq!(scene.clients(), 2);
    assert_eq!(scene.cloud.size(), Size { networks: 1, subnets: 2, ports: 2 });
}

#[test]
fn a_new_machine_is_answered_at_once_and_asks_nothing_of_the_host() {
    let mut scene = Scene::served();
    assert_eq!(scene.put([], [machine(6)]), Asked::default());
    assert_eq!(scene.clients(), 3);
    assert_eq!(scene.tell(), [machine(6).id]);
    assert_eq!(scene.tell(), NONE);
}

#[test]
fn ports_before_their_dhcp_port_wait_for_it() {
    let mut scene = Scene::new();
    scene.put([network()], [machine(5)]);
    assert_eq!((scene.clients(), scene.tell()), (0, Vec::new()));
    let asked = scene.put([], [dhcp_port()]);
    assert_eq!(asked.look_at, [NETWORK].into());
    assert_eq!(scene.tell(), [machine(5).id, DHCP_PORT]);
}

#[test]
fn nobody_is_told_before_somebody_listens() {
    let mut scene = Scene::new();
    scene.put([network()], [dhcp_port(), machine(5)]);
    assert_eq!(scene.cloud.tell(|_| false), []);
    assert_eq!(scene.tell().len(), 2);
}

#[test]
fn a_port_named_again_is_told_of_again() {
    let mut scene = Scene::served();
    scene.put([], [machine(5)]);
    assert_eq!(scene.tell(), [machine(5).id]);
    scene.cloud.take_in(&scene.view, &Changed::everything());
    assert_eq!(scene.tell().len(), 2);
}

#[test]
fn a_network_that_changes_tells_of_nobody_again() {
    let mut scene = Scene::served();
    let asked = scene.put([NetworkBody { mtu: 1400, ..network() }], []);
    assert_eq!(asked.look_at, [NETWORK].into());
    assert_eq!(scene.cloud.wish(NETWORK).map(|wish| wish.network.mtu), Some(1400));
    assert_eq!(scene.tell(), NONE);
}

#[test]
fn the_revision_carried_out_is_told() {
    let mut scene = Scene::served();
    scene.put([], [PortBody { revision: 7, ..machine(5) }]);
    assert_eq!(scene.cloud.tell(|_| true), [(machine(5).id, 7)]);
}

#[test]
fn ports_that_dhcp_has_nothing_for_are_not_told_of() {
    let mut scene = Scene::served();
    scene.put([], [PortBody { fixed_ips: Vec::new(), ..machine(6) }]);
    assert_eq!(scene.tell(), NONE);
    let mut off = network();
    off.subnets.iter_mut().for_each(|subnet| subnet.enable_dhcp = false);
    scene.put([off], [machine(7)]);
    assert_eq!(scene.tell(), NONE);
    scene.put([network()], []);
    assert_eq!(scene.tell().len(), 3, "switching DHCP on makes all of them ready");
}

#[test]
fn a_port_that_went_is_neither_answered_nor_told_of() {
    let mut scene = Scene::served();
    scene.put([], [machine(6)]);
    assert_eq!(scene.drop_port(machine(6).id), Asked::default());
    assert_eq!((scene.clients(), scene.tell()), (2, Vec::new()));
}

#[test]
fn a_mac_given_to_another_port_in_the_same_batch_stays_answered() {
    for (old, new) in [(5, 9), (9, 5)] {
        let mut scene = Scene::served();
        scene.put([], [machine(old)]);
        scene.view.ports.remove(&machine(old).id);
        let heir = PortBody { mac_address: mac(old), ..machine(new) };
        scene.view.apply(Change::Port(heir.clone()));
        let ports = [machine(old).id, heir.id].into();
        scene.cloud.take_in(&scene.view, &Changed { ports, ..Changed::default() });
        let responder = &scene.cloud.wish(NETWORK).unwrap().responder;
        let expected = scene.view.ports.len();
        assert_eq!(responder.len(), expected, "{old} to {new}");
    }
}

#[test]
fn a_dhcp_port_that_went_silences_its_network_at_once() {
    let mut scene = Scene::served();
    let asked = scene.drop_port(DHCP_PORT);
    assert_eq!((asked.look_at, asked.silence), ([NETWORK].into(), [NETWORK].into()));
    assert!(scene.cloud.wish(NETWORK).is_none());
}

#[test]
fn a_dhcp_port_moved_to_another_host_silences_its_network_here() {
    let mut scene = Scene::served();
    let asked = scene.put([], [PortBody { host: "other".to_owned(), ..dhcp_port() }]);
    assert_eq!(asked.silence, [NETWORK].into());
}

#[test]
fn a_network_switched_off_or_gone_is_silenced_and_leaves_nothing_behind() {
    let mut scene = Scene::served();
    let off = NetworkBody { admin_state_up: false, ..network() };
    assert_eq!(scene.put([off], []).silence, [NETWORK].into());
    scene.put([network()], []);
    assert_eq!(scene.tell().len(), 2);
    assert_eq!(scene.drop_network(NETWORK).silence, [NETWORK].into());
    assert_eq!(scene.cloud.size(), Size { networks: 0, subnets: 0, ports: 0 });
    assert!(scene.cloud.held.is_empty() && scene.cloud.untold.is_empty());
    assert!(scene.cloud.ports_of.is_empty());
}

#[test]
fn a_new_address_of_the_dhcp_port_is_a_reason_to_look() {
    let mut scene = Scene::served();
    let mut port = dhcp_port();
    port.fixed_ips.pop();
    assert_eq!(scene.put([], [port]).look_at, [NETWORK].into());
    assert_eq!(scene.cloud.wish(NETWORK).unwrap().network.addresses.len(), 1);
}

#[test]
fn the_answers_of_a_network_stay_the_same_object_through_its_changes() {
    let mut scene = Scene::served();
    let before = Arc::clone(&scene.cloud.wish(NETWORK).unwrap().responder);
    scene.put([NetworkBody { mtu: 1400, ..network() }], [machine(6)]);
    assert!(Arc::ptr_eq(&before, &scene.cloud.wish(NETWORK).unwrap().responder));
}

#[test]
fn networks_without_a_dhcp_port_are_counted_and_looked_at_but_not_wished_for() {
    let mut scene = Scene::served();
    let asked = scene.put([second()], []);
    assert_eq!(asked.look_at, [second().id].into());
    assert_eq!(scene.cloud.wished().collect::<Vec<_>>(), [NETWORK]);
    assert_eq!(scene.cloud.size().networks, 2);
}

#[test]
fn change_by_change_comes_to_the_same_as_everything_at_once() {
    let mut by_steps = Scene::served();
    for number in 6..20 {
        by_steps.put([], [machine(number)]);
    }
    by_steps.put([second()], []);
    by_steps.drop_port(machine(7).id);
    by_steps.put([], [PortBody { mac_address: mac(0x77), ..machine(8) }]);
    let mut at_once = Scene::new();
    at_once.view = by_steps.view.clone();
    at_once.cloud.take_in(&at_once.view, &Changed::everything());
    assert_eq!(by_steps.cloud.size(), at_once.cloud.size());
    assert_eq!(by_steps.clients(), at_once.clients());
    assert_eq!(by_steps.cloud.held, at_once.cloud.held);
    assert_eq!(by_steps.cloud.ports_of, at_once.cloud.ports_of);
}
