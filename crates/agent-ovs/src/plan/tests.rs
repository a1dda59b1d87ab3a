//! Any sequence of changes comes to the same as looking at everything anew, and an agent that is restarted after it
//! changes nothing.

use std::collections::BTreeMap;

use nucleon_model::view::{NetworkBody, ObjectId, PortBody, SegmentBody, View};
use nucleon_model::{NetworkId, NetworkType, PortId, SegmentId};
use nucleon_net::MacAddr;
use nucleon_openflow::{Flow, FlowKey, FlowMod};
use nucleon_ovsdb::{Uuid, ovs};
use proptest::prelude::*;

use super::*;
use crate::device::Device;
use crate::device::NoNumber;
use crate::flows::Patch;
use crate::tables::Tables;

pub(super) fn port_id(number: u8) -> PortId {
    PortId::new(Uuid::from_u128(0x100 + u128::from(number)))
}

pub(super) fn network_id(number: u8) -> NetworkId {
    NetworkId::new(Uuid::from_u128(0x200 + u128::from(number)))
}

fn segment_id(network: u8) -> SegmentId {
    SegmentId::new(Uuid::from_u128(0x300 + u128::from(network)))
}

/// A network on `(type, physical network, id)`.
pub(super) fn network(number: u8, wire: (&str, Option<&str>, Option<i64>)) -> NetworkBody {
    let (network_type, physical_network, segmentation_id) = wire;
    NetworkBody {
        id: network_id(number),
        revision: 1,
        name: format!("net{number}"),
        mtu: 1500,
        admin_state_up: true,
        segments: vec![SegmentBody {
            id: segment_id(number),
            network_type: NetworkType::new(network_type),
            physical_network: physical_network.map(str::to_owned),
            segmentation_id,
        }],
        subnets: Vec::new(),
        dhcp_hosts: Vec::new(),
    }
}

pub(super) fn port(number: u8, network: u8) -> PortBody {
    PortBody {
        id: port_id(number),
        network_id: network_id(network),
        revision: 1,
        mac_address: MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, number]),
        admin_state_up: true,
        fixed_ips: Vec::new(),
        host: "h1".to_owned(),
        segment_id: Some(segment_id(network)),
        device_owner: "compute:nova".to_owned(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}

pub(super) fn device(number: u8, ofport: Result<u32, &str>) -> Device {
    Device {
        name: format!("tap{number}"),
        port_row: ovs::PortId(Uuid::from_u128(0x400 + u128::from(number))),
        interface_row: ovs::InterfaceId(Uuid::from_u128(0x500 + u128::from(number))),
        ofport: ofport.map_err(|why| NoNumber::Refused(why.to_owned())),
        ..Device::default()
    }
}

pub(super) fn config() -> BridgeConfig {
    BridgeConfig {
        integration: "br-int".to_owned(),
        datapath_type: "netdev".to_owned(),
        mappings: [("p1", "br-ex"), ("p2", "br-flat")]
            .map(|(name, bridge)| (name.to_owned(), bridge.to_owned()))
            .into(),
    }
}

pub(super) fn patches() -> Patches {
    [("p1", 1, 2), ("p2", 2, 2)]
        .map(|(name, inner, outer)| (name.to_owned(), Patch { inner, outer }))
        .into()
}

/// A host, its switch, and what the cloud wants of it.
struct World {
    view: View,
    devices: Devices,
    patches: Patches,
    planner: Planner,
    tables: BTreeMap<String, Tables>,
    switch: BTreeMap<String, BTreeMap<FlowKey, Flow>>,
    todo: Todo,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The lowest free number goes to the device, as in Open vSwitch.
    Plug(u8),
    PlugFailed(u8),
    Unplug(u8),
    /// Port, network, and the last octet of its MAC address.
    Put(u8, u8, u8),
    PortState(u8, bool),
    Gone(u8),
    NetworkState(u8, bool),
    /// The segment gets this id.
    Renumber(u8, u8),
    /// The patch gets this number.
    Repatch(u32),
    PatchGone,
    /// Somebody writes to a row.
    Meddle(u8, u16),
    Round,
}

fn event() -> impl Strategy<Value = Event> {
    let port = || 1..=6_u8;
    let network = || 1..=5_u8;
    prop_oneof![
        4 => port().prop_map(Event::Plug),
        1 => port().prop_map(Event::PlugFailed),
        2 => port().prop_map(Event::Unplug),
        4 => (port(), network(), 1..=7_u8).prop_map(|(port, net, mac)| Event::Put(port, net, mac)),
        1 => (port(), any::<bool>()).prop_map(|(port, up)| Event::PortState(port, up)),
        2 => port().prop_map(Event::Gone),
        1 => (network(), any::<bool>()).prop_map(|(network, up)| Event::NetworkState(network, up)),
        1 => (network(), 101..=104_u8).prop_map(|(network, id)| Event::Renumber(network, id)),
        1 => (30..33_u32).prop_map(Event::Repatch),
        1 => Just(Event::PatchGone),
        1 => (port(), 0..=4095_u16).prop_map(|(port, tag)| Event::Meddle(port, tag)),
        5 => Just(Event::Round),
    ]
}

impl World {
    fn new() -> Self {
        let networks = [
            network(1, ("vlan", Some("p1"), Some(101))),
            network(2, ("vlan", Some("p1"), Some(102))),
            network(3, ("flat", Some("p2"), None)),
            network(4, ("local", None, None)),
            network(5, ("vlan", Some("elsewhere"), Some(101))),
        ];
        Self {
            view: View {
                networks: networks.into_iter().map(|network| (network.id, network)).collect(),
                ports: BTreeMap::new(),
            },
            devices: Devices::default(),
            patches: patches(),
            planner: Planner::new("h1".to_owned(), config()),
            tables: BTreeMap::new(),
            switch: BTreeMap::new(),
            todo: Todo { everything: true, ..Todo::default() },
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Plug(number) => {
                let taken: Vec<_> = self
                    .devices
                    .iter()
                    .filter_map(|(_, device)| device.ofport.clone().ok())
                    .collect();
                let free = (3..100).find(|number| !taken.contains(number)).unwrap();
                self.devices.insert(port_id(number), device(number, Ok(free)));
                self.todo.ports.insert(port_id(number));
            }
            Event::PlugFailed(number) => {
                self.devices.insert(port_id(number), device(number, Err("no such device")));
                self.todo.ports.insert(port_id(number));
            }
            Event::Unplug(number) => {
                self.devices.remove(device(number, Ok(0)).interface_row);
                self.todo.ports.insert(port_id(number));
            }
            Event::Put(number, network, mac) => {
                let mac_address = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, mac]);
                let body = PortBody { mac_address, ..port(number, network) };
                self.view.ports.insert(body.id, body);
                self.changed(ObjectId::Port(port_id(number)));
            }
            Event::PortState(number, up) => {
                if let Some(port) = self.view.ports.get_mut(&port_id(number)) {
                    port.admin_state_up = up;
                    self.changed(ObjectId::Port(port_id(number)));
                }
            }
            Event::Gone(number) => {
                self.view.ports.remove(&port_id(number));
                self.changed(ObjectId::Port(port_id(number)));
            }
            Event::NetworkState(number, up) => {
                self.view.networks.get_mut(&network_id(number)).unwrap().admin_state_up = up;
                self.changed(ObjectId::Network(network_id(number)));
            }
            Event::Renumber(number, id) => {
                let network = self.view.networks.get_mut(&network_id(number)).unwrap();
                for segment in &mut network.segments {
                    segment.segmentation_id = segment.segmentation_id.map(|_| id.into());
                }
                self.changed(ObjectId::Network(network_id(number)));
            }
            Event::Repatch(inner) => {
                self.patches.insert("p1".to_owned(), Patch { inner, outer: inner + 10 });
            }
            Event::PatchGone => {
                self.patches.remove("p1");
            }
            Event::Meddle(number, tag) => {
                if let Some(device) = self.devices.get(port_id(number)) {
                    let device = Device { tag: Some(tag), ..device.clone() };
                    self.devices.insert(port_id(number), device);
                    self.todo.ports.insert(port_id(number));
                }
            }
            Event::Round => self.round(),
        }
    }

    fn changed(&mut self, object: ObjectId) {
        match object {
            ObjectId::Port(id) => self.todo.tell([id]),
            ObjectId::Network(id) => self.todo.tell(self.planner.ports_of(id)),
        }
    }

    fn round(&mut self) {
        let actual = Actual { devices: &self.devices, patches: &self.patches };
        let plan = self.planner.plan(&self.view, actual, &self.todo);
        self.todo = Todo::default();
        for group in plan.flows {
            self.tables.entry(group.bridge).or_default().set(&group.owner, group.flows);
        }
        for (bridge, tables) in &mut self.tables {
            let held = self.switch.entry(bridge.clone()).or_default();
            for change in tables.take_changes() {
                match change {
                    FlowMod::Add(flow) => drop(held.insert(flow.key(), flow)),
                    FlowMod::DeleteStrict { key, .. } => {
                        assert!(held.remove(&key).is_some(), "{key:?} was not there");
                    }
                    other => panic!("{other}"),
                }
            }
        }
        carry_out(&mut self.devices, &plan.rows);
    }

    /// What an agent would do that starts now.
    fn restart(&self) -> (Planner, Plan) {
        let mut planner = Planner::new("h1".to_owned(), config());
        planner.restore(&self.devices);
        let actual = Actual { devices: &self.devices, patches: &self.patches };
        let everything = Todo { everything: true, ..Todo::default() };
        let plan = planner.plan(&self.view, actual, &everything);
        (planner, plan)
    }
}

/// Writes rows as the switch's database would.
pub(super) fn carry_out(devices: &mut Devices, rows: &[RowEdit]) {
    for edit in rows {
        let (port, mut device) = devices
            .iter()
            .find(|(_, device)| device.name == edit.device)
            .map(|(port, device)| (port, device.clone()))
            .unwrap();
        edit.carried_out(&mut device);
        devices.insert(port, device);
    }
}

/// The changes that bring a switch to what a plan says, for each bridge.
fn repairs(plan: &Plan, switch: &BTreeMap<String, BTreeMap<FlowKey, Flow>>) -> Vec<String> {
    let mut tables: BTreeMap<&str, Tables> = BTreeMap::new();
    for bridge in switch.keys() {
        tables.entry(bridge).or_default();
    }
    for group in &plan.flows {
        tables.entry(&group.bridge).or_default().set(&group.owner, group.flows.clone());
    }
    let mut changes = Vec::new();
    for (bridge, mut tables) in tables {
        let held: Vec<Flow> =
            switch.get(bridge).into_iter().flat_map(BTreeMap::values).cloned().collect();
        changes.extend(tables.repair(&held).0.iter().map(|change| format!("{bridge}: {change}")));
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_restart_after_any_changes_changes_nothing(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in events {
            world.happens(event);
        }
        world.round();
        let (fresh, plan) = world.restart();
        prop_assert_eq!(repairs(&plan, &world.switch), Vec::<String>::new());
        prop_assert_eq!(plan.rows, Vec::new());
        prop_assert_eq!(&fresh.wired, &world.planner.wired);
        prop_assert_eq!(&fresh.members, &world.planner.members);
        prop_assert_eq!(&fresh.vlans, &world.planner.vlans);
        prop_assert_eq!(&fresh.ports_of, &world.planner.ports_of);
    }

    #[test]
    fn no_two_networks_share_a_tag_and_no_port_is_heard_that_is_not_wired(
        events in prop::collection::vec(event(), 1..60),
    ) {
        let mut world = World::new();
        for event in events {
            world.happens(event);
        }
        world.round();
        let wired: BTreeSet<u32> =
            world.planner.wired.values().map(|wiring| wiring.ofport).collect();
        let integration = world.switch.get("br-int").into_iter().flat_map(BTreeMap::values);
        let heard: BTreeSet<u32> = integration
            .filter(|flow| flow.table == 0 && flow.priority == 10)
            .map(|flow| flow.matches.get(nucleon_openflow::field::IN_PORT.field).unwrap().value)
            .map(|value| u32::try_from(value).unwrap())
            .collect();
        prop_assert_eq!(heard, wired);
        let lans: BTreeSet<_> = world.planner.vlans.lans().collect();
        let tags: BTreeSet<_> = lans.iter().map(|lan| world.planner.vlans.get(lan)).collect();
        prop_assert_eq!(lans.len(), tags.len());
    }
}

#[test]
fn a_change_of_one_network_does_not_look_at_the_ports_of_others() {
    let mut world = World::new();
    for number in 1..=6 {
        world.happens(Event::Put(number, if number <= 2 { 1 } else { 2 }, number));
        world.happens(Event::Plug(number));
    }
    world.round();
    world.happens(Event::NetworkState(1, false));
    let actual = Actual { devices: &world.devices, patches: &world.patches };
    let plan = world.planner.plan(&world.view, actual, &world.todo);
    assert_eq!(plan.ports, BTreeSet::from([port_id(1), port_id(2)]));
}

#[test]
fn a_network_that_got_no_tag_gets_one_when_another_goes() {
    let mut planner = Planner::new("h1".to_owned(), config());
    let (mut view, mut devices) = (View::default(), Devices::default());
    for number in 1..=2 {
        let network = network(number, ("local", None, None));
        view.networks.insert(network.id, network);
        view.ports.insert(port_id(number), port(number, number));
        devices.insert(port_id(number), device(number, Ok(number.into())));
    }
    // All tags but one are taken.
    for number in 1..=4093 {
        let network = NetworkId::new(Uuid::from_u128(0x10_000 + number));
        planner.vlans.assign(&Lan { network, wire: crate::wiring::Wire::Local }).unwrap();
    }
    let patches = Patches::new();
    let mut plan = |view: &View, ports: &[u8]| {
        let todo = Todo { ports: ports.iter().copied().map(port_id).collect(), ..Todo::default() };
        let plan = planner.plan(view, Actual { devices: &devices, patches: &patches }, &todo);
        (plan, planner.wired(port_id(2)).is_some())
    };
    let (first, second_works) = plan(&view, &[1, 2]);
    assert_eq!(first.exhausted, BTreeSet::from([network_id(2)]));
    assert!(!second_works && first.rows.len() == 1);
    view.ports.remove(&port_id(1));
    plan(&view, &[1]);
    let (third, second_works) = plan(&view, &[2]);
    assert!(second_works && third.rows.len() == 1);
}
