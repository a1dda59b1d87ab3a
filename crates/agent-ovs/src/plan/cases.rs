//! Recorded cases: what is wanted and what is there, and the operations that a fresh agent comes to. Rewritten with
//! `NUCLEON_RECORD=1`, reviewed as diffs.

use std::fmt::Write;
use std::path::Path;

use nucleon_model::view::View;

use super::tests::{config, device, network, patches, port, port_id};
use super::*;
use crate::device::Device;
use crate::flows::COOKIE;

struct Case {
    view: View,
    devices: Devices,
    patches: Patches,
}

impl Case {
    fn new() -> Self {
        Self { view: View::default(), devices: Devices::default(), patches: patches() }
    }

    fn network(mut self, number: u8, wire: (&str, Option<&str>, Option<i64>)) -> Self {
        let body = network(number, wire);
        self.view.networks.insert(body.id, body);
        self
    }

    fn port(mut self, number: u8, network: u8) -> Self {
        self.view.ports.insert(port_id(number), port(number, network));
        self
    }

    fn plug(mut self, number: u8, ofport: u32) -> Self {
        self.devices.insert(port_id(number), device(number, Ok(ofport)));
        self
    }

    /// The device as an earlier agent, or Neutron's, left it.
    fn noted(mut self, number: u8, ofport: u32, tag: u16, notes: &[(&str, &str)]) -> Self {
        let own = |text: &&str| (*text).to_owned();
        let other_config = notes.iter().map(|(key, value)| (own(key), own(value))).collect();
        let device = Device { tag: Some(tag), other_config, ..device(number, Ok(ofport)) };
        self.devices.insert(port_id(number), device);
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What is there, what is wanted, what is done.
    fn text(&self) -> String {
        let mut text = String::from("# wanted\n");
        for network in self.view.networks.values() {
            let up = if network.admin_state_up { "up" } else { "down" };
            for segment in &network.segments {
                let (kind, id) = (segment.network_type.as_str(), segment.segmentation_id);
                let on = segment.physical_network.as_deref().unwrap_or("-");
                let id = id.map_or("-".to_owned(), |id| id.to_string());
                let _ =
                    writeln!(text, "{} {kind} {on} {id} mtu {} {up}", network.name, network.mtu);
            }
        }
        for port in self.view.ports.values() {
            let up = if port.admin_state_up { "up" } else { "down" };
            let network = self.view.networks.get(&port.network_id);
            let network = network.map_or("(unknown)", |network| &network.name);
            let _ = writeln!(text, "{} {network} {} {} {up}", port.id, port.mac_address, port.host);
        }
        text.push_str("# there\n");
        for (name, patch) in &self.patches {
            let _ = writeln!(text, "patch {name} {} {}", patch.inner, patch.outer);
        }
        for (port, device) in self.devices.iter() {
            let ofport = device.ofport.as_ref().map_or_else(ToString::to_string, u32::to_string);
            let _ = write!(text, "{} {port} ofport={ofport}", device.name);
            if let Some(tag) = device.tag {
                let _ = write!(text, " tag={tag}");
            }
            for (key, value) in &device.other_config {
                let _ = write!(text, " {key}={value}");
            }
            text.push('\n');
        }
        text + &self.operations()
    }

    fn operations(&self) -> String {
        let mut planner = Planner::new("h1".to_owned(), config());
        planner.restore(&self.devices);
        let actual = Actual { devices: &self.devices, patches: &self.patches };
        let everything = Todo { everything: true, ..Todo::default() };
        let plan = planner.plan(&self.view, actual, &everything);
        let mut text = String::from("# done\n");
        for row in &plan.rows {
            let _ = writeln!(text, "row {row}");
        }
        let cookie = format!("cookie={COOKIE:#x},");
        for group in &plan.flows {
            for flow in &group.flows {
                let flow = flow.to_string().replace(&cookie, "");
                let _ = writeln!(text, "flow {} {flow}", group.bridge);
            }
        }
        for (port, why) in &plan.unwired {
            let _ = writeln!(text, "not wired {port}: {why}");
        }
        text
    }
}

const VLAN: (&str, Option<&str>, Option<i64>) = ("vlan", Some("p1"), Some(101));
const FLAT: (&str, Option<&str>, Option<i64>) = ("flat", Some("p2"), None);
const LOCAL: (&str, Option<&str>, Option<i64>) = ("local", None, None);

const NOTES: [(&str, &str); 5] = [
    ("net_uuid", "00000000-0000-0000-0000-000000000201"),
    ("network_type", "vlan"),
    ("physical_network", "p1"),
    ("segmentation_id", "101"),
    ("tag", "7"),
];

fn cases() -> Vec<(&'static str, Case)> {
    let two = || Case::new().network(1, VLAN).port(1, 1).port(2, 1);
    let with = |key: &'static str, value: &'static str| {
        NOTES.map(|(name, held)| if name == key { (name, value) } else { (name, held) })
    };
    vec![
        ("nothing", Case::new()),
        ("two_ports_of_a_vlan_network", two().plug(1, 5).plug(2, 6)),
        ("a_flat_network", Case::new().network(3, FLAT).port(1, 3).plug(1, 5)),
        ("a_local_network", Case::new().network(4, LOCAL).port(1, 4).plug(1, 5)),
        (
            "three_networks_get_three_tags",
            Case::new()
                .network(1, VLAN)
                .network(3, FLAT)
                .network(4, LOCAL)
                .port(1, 1)
                .port(2, 3)
                .port(3, 4)
                .plug(1, 5)
                .plug(2, 6)
                .plug(3, 7),
        ),
        ("a_device_without_a_port", two().plug(1, 5).plug(9, 6)),
        ("a_port_without_a_device", two().plug(1, 5)),
        (
            "a_device_that_the_switch_refuses",
            two().plug(2, 6).change(|case| {
                let refused = device(1, Err("could not open network device tap1"));
                case.devices.insert(port_id(1), refused);
            }),
        ),
        ("a_restart_finds_its_tag", two().noted(1, 5, 7, &NOTES).plug(2, 6)),
        ("a_tag_changed_by_hand", two().noted(1, 5, 99, &NOTES)),
        (
            "two_networks_noted_with_one_tag",
            two()
                .network(2, ("vlan", Some("p1"), Some(102)))
                .port(3, 2)
                .noted(1, 5, 7, &NOTES)
                .noted(
                    3,
                    6,
                    7,
                    &with("net_uuid", "00000000-0000-0000-0000-000000000202").map(
                        |(key, value)| if value == "101" { (key, "102") } else { (key, value) },
                    ),
                ),
        ),
        ("a_network_renumbered_meanwhile", two().noted(1, 5, 7, &with("segmentation_id", "55"))),
        ("notes_of_a_port_that_is_gone", Case::new().noted(1, 5, 7, &NOTES)),
        ("notes_that_make_no_sense", two().noted(1, 5, 7, &with("tag", "4711"))),
        (
            "a_port_that_is_down",
            two().noted(1, 5, 7, &NOTES).plug(2, 6).change(|case| {
                case.view.ports.get_mut(&port_id(1)).unwrap().admin_state_up = false;
            }),
        ),
        (
            "a_network_that_is_down",
            two().noted(1, 5, 7, &NOTES).plug(2, 6).change(|case| {
                case.view.networks.values_mut().for_each(|network| network.admin_state_up = false);
            }),
        ),
        (
            "a_port_of_another_host",
            two().plug(1, 5).plug(2, 6).change(|case| {
                case.view.ports.get_mut(&port_id(2)).unwrap().host = "h2".to_owned();
            }),
        ),
        (
            "a_physical_network_without_a_bridge",
            Case::new()
                .network(1, VLAN)
                .network(3, FLAT)
                .port(1, 1)
                .port(2, 3)
                .plug(1, 5)
                .plug(2, 6)
                .change(|case| {
                    case.patches.remove("p1");
                }),
        ),
        (
            "an_overlay_is_not_carried",
            Case::new().network(1, ("vxlan", None, Some(5000))).port(1, 1).plug(1, 5),
        ),
        (
            "an_mtu_of_its_own",
            Case::new().network(1, VLAN).port(1, 1).plug(1, 5).change(|case| {
                case.view.networks.values_mut().for_each(|network| network.mtu = 1442);
            }),
        ),
    ]
}

#[test]
fn what_is_planned_is_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/cases");
    let record = std::env::var_os("NUCLEON_RECORD").is_some();
    for (name, case) in cases() {
        let path = dir.join(format!("{name}.txt"));
        let text = case.text();
        if record {
            std::fs::write(&path, &text).unwrap();
        }
        let recorded = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(text == recorded, "{name}: expected\n{recorded}\ngot\n{text}");
    }
}

#[test]
fn what_is_planned_is_done_once() {
    for (name, mut case) in cases() {
        let actual = Actual { devices: &case.devices, patches: &case.patches };
        let mut planner = Planner::new("h1".to_owned(), config());
        planner.restore(&case.devices);
        let everything = Todo { everything: true, ..Todo::default() };
        let plan = planner.plan(&case.view, actual, &everything);
        super::tests::carry_out(&mut case.devices, &plan.rows);
        let actual = Actual { devices: &case.devices, patches: &case.patches };
        let again = planner.plan(&case.view, actual, &everything);
        assert_eq!(again.rows, [], "{name}");
        assert!(again.rewired.is_empty(), "{name}");
    }
}
