use nucleon_model::PortId;
use nucleon_ovsdb::{Change, ChangeKind, Datum, Row, Snapshot, Uuid};

use super::*;
use crate::interface::openvswitch::edit::Standing;
use crate::plan::{Plug, Plugging};
use crate::samples::{DHCP_PORT, NETWORK, mac};

const BRIDGE: Uuid = Uuid::from_u128(1);
const PORT: Uuid = Uuid::from_u128(2);
const INTERFACE: Uuid = Uuid::from_u128(3);

fn plug() -> Plug {
    let (network, port, mtu) = (NETWORK, DHCP_PORT, 1500);
    Plug { network, port, mac: mac(2), mtu, plugging: Plugging::Internal }
}

fn bridge(name: &str, ports: &[Uuid]) -> Row {
    Row::new()
        .with("name", name)
        .with("ports", Datum::set(ports.iter().copied()))
        .with("datapath_type", "netdev")
        .with("datapath_id", Datum::empty_set())
        .with("fail_mode", Datum::empty_set())
        .with("protocols", Datum::empty_set())
        .with("other_config", Datum::empty_map())
        .with("external_ids", Datum::empty_map())
}

fn port() -> Row {
    Row::new()
        .with("name", plug().name().as_str())
        .with("interfaces", INTERFACE)
        .with("tag", Datum::empty_set())
        .with("trunks", Datum::empty_set())
        .with("vlan_mode", Datum::empty_set())
        .with("other_config", Datum::empty_map())
        .with("external_ids", Datum::empty_map())
}

fn interface() -> Row {
    let mut row = Row::new()
        .with("name", plug().name().as_str())
        .with("type", "internal")
        .with("options", Datum::empty_map())
        .with("external_ids", &edit::draft(&plug()).interface_external_ids);
    for column in [
        "ofport",
        "ofport_request",
        "admin_state",
        "link_state",
        "mtu",
        "mtu_request",
        "mac_in_use",
        "ifindex",
        "error",
    ] {
        row = row.with(column, Datum::empty_set());
    }
    row
}

fn insert(table: &str, uuid: Uuid, row: Row) -> Change {
    Change { table: table.into(), uuid, kind: ChangeKind::Insert { new: Arc::new(row) } }
}

fn modify(old: &Row, new: Row) -> Event {
    let kind = ChangeKind::Modify { old: Arc::new(old.clone()), new: Arc::new(new) };
    Event::Changed(vec![Change { table: "Interface".into(), uuid: INTERFACE, kind }])
}

fn rows() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.apply(&[
        insert("Bridge", BRIDGE, bridge("br-int", &[PORT])),
        insert("Port", PORT, port()),
        insert("Interface", INTERFACE, interface()),
    ]);
    snapshot
}

fn connected() -> State {
    let mut state = State::new("br-int");
    let touched = state.take_in(Event::Connected(rows()));
    assert!(touched.everything);
    state
}

fn only_ours() -> Touched {
    Touched { everything: false, networks: [NETWORK].into() }
}

#[test]
fn ports_of_ours_are_found_by_their_network() {
    let state = connected();
    assert_eq!(state.names[&NETWORK], [plug().name().to_string()].into());
}

#[test]
fn a_device_made_anew_touches_its_network_and_other_columns_do_not() {
    let mut state = connected();
    let with_device = interface().with("ifindex", 7);
    assert_eq!(state.take_in(modify(&interface(), with_device.clone())), only_ours());
    let counted = with_device.clone().with("mtu", 1500).with("ofport", 3).with("link_state", "up");
    assert_eq!(state.take_in(modify(&with_device, counted.clone())), Touched::default());
    let moved = counted.clone().with("ifindex", Datum::empty_set());
    assert_eq!(state.take_in(modify(&counted, moved.clone())), Touched::default());
    let again = moved.clone().with("ifindex", 9);
    assert_eq!(state.take_in(modify(&moved, again)), only_ours());
}

#[test]
fn what_the_switch_complains_of_touches_its_network() {
    let mut state = connected();
    let failed = interface().with("error", "no such device");
    assert_eq!(state.take_in(modify(&interface(), failed)), only_ours());
}

#[test]
fn a_note_taken_off_touches_the_network_that_it_named() {
    let mut state = connected();
    let bare = interface().with("external_ids", Datum::empty_map());
    assert_eq!(state.take_in(modify(&interface(), bare.clone())), only_ours());
    assert!(state.names.is_empty());
    assert_eq!(state.take_in(modify(&bare, interface())), only_ours());
    assert_eq!(state.names.len(), 1);
}

#[test]
fn ports_of_others_touch_nothing() {
    let mut state = connected();
    let other = interface().with("name", "tap1").with("external_ids", Datum::empty_map());
    let change = insert("Interface", Uuid::from_u128(9), other);
    assert_eq!(state.take_in(Event::Changed(vec![change])), Touched::default());
}

#[test]
fn the_integration_bridge_touches_everything_when_it_comes_or_goes() {
    let mut state = State::new("br-int");
    state.take_in(Event::Connected(Snapshot::default()));
    let other = insert("Bridge", Uuid::from_u128(8), bridge("br-ex", &[]));
    assert_eq!(state.take_in(Event::Changed(vec![other])), Touched::default());
    let ours = insert("Bridge", BRIDGE, bridge("br-int", &[]));
    assert!(state.take_in(Event::Changed(vec![ours])).everything);
    let old = Arc::new(bridge("br-int", &[]));
    let kind = ChangeKind::Delete { old };
    let gone = Change { table: "Bridge".into(), uuid: BRIDGE, kind };
    assert!(state.take_in(Event::Changed(vec![gone])).everything);
}

#[test]
fn a_lost_connection_and_rows_without_sense_are_not_an_empty_switch() {
    let mut state = connected();
    let nonsense = interface().with("name", 5);
    state.take_in(modify(&interface(), nonsense));
    assert!(state.view.is_none());
    let mut state = connected();
    state.take_in(Event::Disconnected(Arc::new(nucleon_ovsdb::Disconnect::Closed)));
    assert!(state.view.is_none());
    assert_eq!(state.take_in(modify(&interface(), interface())), Touched::default());
    assert!(state.take_in(Event::Connected(rows())).everything);
}

#[test]
fn a_row_is_present_misplaced_foreign_or_missing() {
    let state = connected();
    let view = state.view.unwrap();
    assert!(matches!(Standing::of(&view, "br-int", &plug()), Standing::Present(_)));
    assert!(matches!(Standing::of(&view, "br-other", &plug()), Standing::Misplaced(_)));
    let veth = Plug { plugging: Plugging::Veth, ..plug() };
    assert!(matches!(Standing::of(&view, "br-int", &veth), Standing::Misplaced(_)));
    let other = Plug { port: PortId::new(Uuid::from_u128(0xe << 96)), ..plug() };
    assert_eq!(Standing::of(&view, "br-int", &other), Standing::Missing);
}

#[test]
fn a_row_without_our_note_is_ours_only_by_its_ports_id() {
    let found = |ids: &[(&str, String)]| {
        let ids: BTreeMap<String, String> =
            ids.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let mut snapshot = rows();
        let kind = ChangeKind::Modify {
            old: Arc::new(interface()),
            new: Arc::new(interface().with("external_ids", &ids)),
        };
        snapshot.apply(&[Change { table: "Interface".into(), uuid: INTERFACE, kind }]);
        let view = View::from_snapshot(&snapshot).unwrap();
        Standing::of(&view, "br-int", &plug())
    };
    assert!(matches!(found(&[("iface-id", DHCP_PORT.to_string())]), Standing::Present(_)));
    assert!(matches!(found(&[("iface-id", "another".to_owned())]), Standing::Foreign { .. }));
    assert!(matches!(found(&[]), Standing::Foreign { .. }));
}
