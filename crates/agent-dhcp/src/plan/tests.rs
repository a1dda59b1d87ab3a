use nucleon_net::IpNet;

use super::*;
use crate::samples::{DHCP_PORT, NETWORK, dhcp_port, network};

fn served() -> ServedNetwork {
    ServedNetwork::new(&network(), Some(&dhcp_port())).unwrap()
}

fn other() -> NetworkId {
    NetworkId::new(uuid::Uuid::from_u128(0x99))
}

fn empty() -> HostState {
    HostState { ports: Some(FoundPorts::new()), ..HostState::default() }
}

/// A host on which everything for `served()` is in place.
fn right(plugging: Plugging) -> HostState {
    let served = served();
    let inside = FoundDevice {
        index: 3,
        mac: Some(served.mac),
        mtu: served.mtu,
        state: AdminState::Up,
        peer: (plugging == Plugging::Veth).then_some(17),
        addresses: served.addresses.clone(),
    };
    let outside =
        FoundDevice { index: 17, mac: None, peer: Some(3), addresses: [].into(), ..inside.clone() };
    let port = FoundPort {
        owner: Some(NETWORK),
        port: Some(served.port),
        mac: Some(served.mac),
        kind: plugging.kind(),
        is_active: true,
        on_bridge: true,
        outside: (plugging == Plugging::Veth).then_some(outside),
    };
    let found = FoundNetwork {
        noted: true,
        devices: Some([(plugging.device(served.port), inside)].into()),
        socket: Some(3),
    };
    HostState {
        networks: [(NETWORK, found)].into(),
        ports: Some([(names::switch_end(served.port), port)].into()),
    }
}

/// The names of the steps from a right host after `change`.
fn after(plugging: Plugging, change: impl FnOnce(&mut HostState)) -> Vec<&'static str> {
    let mut host = right(plugging);
    change(&mut host);
    steps(&plan(&[served()], &host, plugging))
}

fn steps(ops: &[Op]) -> Vec<&'static str> {
    ops.iter().map(Op::name).collect()
}

fn found(host: &mut HostState) -> &mut FoundNetwork {
    host.networks.get_mut(&NETWORK).unwrap()
}

fn inside(host: &mut HostState) -> &mut FoundDevice {
    found(host).devices.as_mut().unwrap().values_mut().next().unwrap()
}

fn port(host: &mut HostState) -> &mut FoundPort {
    host.ports.as_mut().unwrap().values_mut().next().unwrap()
}

fn outside(host: &mut HostState) -> &mut FoundDevice {
    port(host).outside.as_mut().unwrap()
}

const BOTH: [Plugging; 2] = [Plugging::Veth, Plugging::Internal];

#[test]
fn a_right_host_needs_nothing() {
    for plugging in BOTH {
        assert_eq!(plan(&[served()], &right(plugging), plugging), []);
    }
}

#[test]
fn an_empty_host_and_an_empty_wish_need_nothing() {
    assert_eq!(plan(&[], &empty(), Plugging::Veth), []);
}

#[test]
fn an_empty_host_gets_everything_in_order() {
    for plugging in BOTH {
        let ops = plan(&[served()], &empty(), plugging);
        assert_eq!(steps(&ops), ["ensure_namespace", "plug", "configure", "open_socket"]);
        assert!(ops.iter().all(|op| op.network() == NETWORK));
    }
}

#[test]
fn a_restarted_agent_only_opens_its_socket() {
    for plugging in BOTH {
        assert_eq!(after(plugging, |host| found(host).socket = None), ["open_socket"]);
    }
}

#[test]
fn the_socket_is_on_the_device_in_the_namespace() {
    let ops = plan(&[served()], &empty(), Plugging::Veth);
    let device = names::inner_end(DHCP_PORT);
    assert_eq!(ops.last(), Some(&Op::OpenSocket { network: NETWORK, device }));
    let ops = plan(&[served()], &empty(), Plugging::Internal);
    let device = names::switch_end(DHCP_PORT);
    assert_eq!(ops.last(), Some(&Op::OpenSocket { network: NETWORK, device }));
}

#[test]
fn a_namespace_of_ours_without_a_note_is_noted_and_left_as_it_is() {
    for plugging in BOTH {
        assert_eq!(after(plugging, |host| found(host).noted = false), ["ensure_namespace"]);
    }
}

#[test]
fn a_port_that_another_agent_plugged_is_only_noted_as_ours() {
    for plugging in BOTH {
        assert_eq!(after(plugging, |host| port(host).owner = None), ["plug"]);
    }
}

#[test]
fn a_port_with_the_wrong_names_on_it_is_plugged_again_in_place() {
    for plugging in BOTH {
        assert_eq!(after(plugging, |host| port(host).mac = None), ["plug"]);
        assert_eq!(after(plugging, |host| port(host).port = None), ["plug"]);
        assert_eq!(after(plugging, |host| port(host).is_active = false), ["plug"]);
        assert_eq!(after(plugging, |host| port(host).on_bridge = false), ["plug"]);
    }
}

#[test]
fn a_port_that_somebody_took_from_the_switch_is_plugged_again() {
    let steps = after(Plugging::Veth, |host| host.ports = Some(FoundPorts::new()));
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
    let steps = after(Plugging::Internal, |host| host.ports = Some(FoundPorts::new()));
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
}

#[test]
fn a_port_of_another_kind_becomes_one_of_ours() {
    let mut host = right(Plugging::Internal);
    let ops = plan(&[served()], &host, Plugging::Veth);
    assert_eq!(steps(&ops), ["delete_device", "plug", "configure", "open_socket"]);
    host = right(Plugging::Veth);
    let ops = plan(&[served()], &host, Plugging::Internal);
    assert_eq!(steps(&ops), ["delete_device", "plug", "configure", "open_socket"]);
}

#[test]
fn a_device_gone_from_the_namespace_is_made_again() {
    for plugging in BOTH {
        let steps = after(plugging, |host| found(host).devices = Some([].into()));
        assert_eq!(steps, ["plug", "configure", "open_socket"]);
    }
}

#[test]
fn a_namespace_gone_is_made_again_with_all_that_was_in_it() {
    for plugging in BOTH {
        let steps = after(plugging, |host| found(host).devices = None);
        assert_eq!(steps, ["ensure_namespace", "plug", "configure", "open_socket"]);
    }
}

#[test]
fn an_internal_port_orphaned_by_a_restart_of_the_switch_is_moved_in_anew() {
    let steps = after(Plugging::Internal, |host| {
        let new = FoundDevice { index: 40, ..inside(host).clone() };
        port(host).outside = Some(new);
    });
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
}

#[test]
fn an_internal_port_not_yet_moved_in_is_moved_in() {
    let steps = after(Plugging::Internal, |host| {
        let device = inside(host).clone();
        port(host).outside = Some(device);
        let found = found(host);
        found.devices = Some([].into());
        found.socket = None;
    });
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
}

#[test]
fn a_pair_that_does_not_belong_together_is_made_again() {
    let steps = after(Plugging::Veth, |host| outside(host).peer = Some(99));
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
    let steps = after(Plugging::Veth, |host| port(host).outside = None);
    assert_eq!(steps, ["plug", "configure", "open_socket"]);
}

#[test]
fn the_end_on_the_switch_is_switched_on_and_has_the_networks_mtu() {
    for change in [
        (|device: &mut FoundDevice| device.state = AdminState::Down) as fn(&mut FoundDevice),
        |device| device.mtu = 1500,
    ] {
        let steps = after(Plugging::Veth, |host| change(outside(host)));
        assert_eq!(steps.first(), Some(&"plug"));
    }
}

#[test]
fn what_is_wrong_about_the_device_is_set_right_without_a_new_socket() {
    for change in [
        (|device: &mut FoundDevice| device.mtu = 1500) as fn(&mut FoundDevice),
        |device| device.mac = None,
        |device| device.state = AdminState::Down,
        |device| device.addresses.clear(),
        |device| device.addresses.extend(["192.0.2.1/24".parse::<IpNet>().unwrap()]),
    ] {
        for plugging in BOTH {
            assert_eq!(after(plugging, |host| change(inside(host))), ["configure"]);
        }
    }
}

#[test]
fn a_new_address_of_the_dhcp_port_is_configured_and_nothing_else() {
    let mut served = served();
    served.addresses.insert("10.0.9.2/24".parse().unwrap());
    let ops = plan(&[served.clone()], &right(Plugging::Veth), Plugging::Veth);
    let device = names::inner_end(served.port);
    assert_eq!(ops, [Op::Configure { network: served, device }]);
}

#[test]
fn a_socket_on_a_device_that_is_no_more_is_opened_anew() {
    for plugging in BOTH {
        assert_eq!(after(plugging, |host| found(host).socket = Some(2)), ["open_socket"]);
    }
}

#[test]
fn another_dhcp_port_takes_the_place_of_the_former() {
    let mut served = served();
    served.port = PortId::new(uuid::Uuid::from_u128(0xe << 96));
    for plugging in BOTH {
        let ops = plan(&[served.clone()], &right(plugging), plugging);
        assert_eq!(steps(&ops), ["unplug", "delete_device", "plug", "configure", "open_socket"]);
        let name = names::switch_end(DHCP_PORT);
        assert_eq!(ops[0], Op::Unplug { network: NETWORK, name });
    }
}

#[test]
fn a_device_left_over_in_the_namespace_goes_and_foreign_ones_stay() {
    let steps = after(Plugging::Veth, |host| {
        let device = inside(host).clone();
        let devices = found(host).devices.as_mut().unwrap();
        devices.insert(LinkName::new("ns-00000000-00").unwrap(), device.clone());
        devices.insert(LinkName::new("dummy0").unwrap(), device);
    });
    assert_eq!(steps, ["delete_device"]);
}

#[test]
fn a_network_no_longer_served_goes_altogether() {
    for plugging in BOTH {
        let ops = plan(&[], &right(plugging), plugging);
        assert_eq!(steps(&ops), ["close_socket", "unplug", "delete_namespace"]);
    }
}

#[test]
fn a_namespace_that_is_not_known_to_be_ours_is_left_alone() {
    let stranger = FoundNetwork { noted: false, devices: Some([].into()), socket: None };
    let host = HostState { networks: [(other(), stranger)].into(), ..empty() };
    assert_eq!(plan(&[], &host, Plugging::Veth), []);
    assert_eq!(steps(&plan(&[served()], &host, Plugging::Veth)).len(), 4);
}

#[test]
fn a_namespace_is_known_by_its_port_on_the_switch_too() {
    let mut host = right(Plugging::Veth);
    found(&mut host).noted = false;
    found(&mut host).socket = None;
    assert_eq!(steps(&plan(&[], &host, Plugging::Veth)), ["unplug", "delete_namespace"]);
}

#[test]
fn a_namespace_that_is_only_noted_goes_too() {
    let gone = FoundNetwork { noted: true, ..FoundNetwork::default() };
    let host = HostState { networks: [(other(), gone)].into(), ..empty() };
    assert_eq!(steps(&plan(&[], &host, Plugging::Veth)), ["delete_namespace"]);
}

#[test]
fn everything_is_taken_away_before_anything_is_made() {
    let mut host = right(Plugging::Veth);
    let old = host.networks.remove(&NETWORK).unwrap();
    host.networks.insert(other(), old);
    port(&mut host).owner = Some(other());
    let ops = plan(&[served()], &host, Plugging::Veth);
    let wanted = [
        "close_socket",
        "unplug",
        "delete_namespace",
        "ensure_namespace",
        "plug",
        "configure",
        "open_socket",
    ];
    assert_eq!(steps(&ops), wanted);
    assert!(ops.is_sorted_by_key(Op::phase));
}

#[test]
fn networks_do_not_disturb_each_other() {
    let mut second = served();
    second.id = other();
    second.port = PortId::new(uuid::Uuid::from_u128(0xe << 96));
    let ops = plan(&[served(), second], &right(Plugging::Veth), Plugging::Veth);
    assert!(ops.iter().all(|op| op.network() == other()), "{ops:?}");
    assert_eq!(ops.len(), 4);
}

#[test]
fn while_the_switch_cannot_be_asked_nothing_is_changed() {
    for plugging in BOTH {
        let blind = |host: &mut HostState| host.ports = None;
        assert_eq!(after(plugging, blind), Vec::<&str>::new());
        let ops = plan(&[served()], &HostState::default(), plugging);
        assert_eq!(ops, []);
    }
}

#[test]
fn while_the_switch_cannot_be_asked_a_restarted_agent_serves_what_stands() {
    for plugging in BOTH {
        let steps = after(plugging, |host| {
            host.ports = None;
            found(host).socket = None;
            inside(host).addresses.clear();
        });
        assert_eq!(steps, ["open_socket"]);
    }
}

#[test]
fn while_the_switch_cannot_be_asked_a_network_not_served_falls_silent_and_stays() {
    let mut host = right(Plugging::Veth);
    host.ports = None;
    assert_eq!(steps(&plan(&[], &host, Plugging::Veth)), ["close_socket"]);
}
