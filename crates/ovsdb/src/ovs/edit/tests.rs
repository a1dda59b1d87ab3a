use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn operations(edit: impl FnOnce(&mut Transaction)) -> Vec<Value> {
    let mut transaction = Transaction::new();
    edit(&mut transaction);
    let mut params = transaction.to_json("Open_vSwitch").unwrap();
    params.as_array_mut().unwrap().split_off(1)
}

fn bridge(protocols: &[&str]) -> Bridge {
    Bridge {
        id: BridgeId(Uuid::from_u128(1)),
        name: "br".into(),
        ports: BTreeSet::new(),
        datapath_type: String::new(),
        datapath_id: None,
        fail_mode: None,
        protocols: protocols.iter().map(|name| (*name).to_owned()).collect(),
        other_config: BTreeMap::new(),
        external_ids: BTreeMap::new(),
    }
}

#[test]
fn a_bridge_comes_with_its_local_port_and_a_place_in_the_root_row() {
    let switch = SwitchId(Uuid::from_u128(1));
    let done = operations(|transaction| {
        add_bridge(transaction, switch, &BridgeDraft::new("br-int"));
    });
    let told: Vec<_> = done.iter().map(|one| (&one["op"], &one["table"])).collect();
    let expected = [
        (&json!("wait"), &json!("Open_vSwitch")),
        (&json!("insert"), &json!("Interface")),
        (&json!("insert"), &json!("Port")),
        (&json!("insert"), &json!("Bridge")),
        (&json!("mutate"), &json!("Open_vSwitch")),
    ];
    assert_eq!(told, expected);
    assert_eq!(done[1]["row"]["type"], "internal");
    assert_eq!(done[2]["row"]["interfaces"], json!(["named-uuid", "row1"]));
    assert_eq!(done[3]["row"]["ports"], json!(["named-uuid", "row2"]));
    assert_eq!(done[4]["mutations"], json!([["bridges", "insert", ["named-uuid", "row3"]]]));
}

#[test]
fn protocols_are_added_to_and_an_empty_set_is_not_narrowed() {
    let added = |protocols: &[&str]| {
        let bridge = bridge(protocols);
        let done = operations(|t| extend_protocols(t, &bridge, [Protocol::OpenFlow15]));
        done.first().map(|one| one["mutations"].clone())
    };
    let one = json!([["protocols", "insert", "OpenFlow15"]]);
    assert_eq!(added(&["OpenFlow10", "OpenFlow13"]), Some(one));
    assert_eq!(added(&["OpenFlow10", "OpenFlow15"]), None);
    let all: Vec<&str> = Protocol::ALL.iter().map(|protocol| protocol.as_str()).collect();
    assert_eq!(added(&[]), Some(json!([["protocols", "insert", ["set", all]]])));
}

#[test]
fn keys_are_replaced_one_by_one_and_nothing_is_written_for_no_keys() {
    let port = PortId(Uuid::from_u128(1));
    let pairs = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
    let done = operations(|transaction| set_port_other_config(transaction, port, &pairs));
    let expected =
        json!([["other_config", "delete", "a"], ["other_config", "insert", ["map", [["a", "1"]]]]]);
    assert_eq!(done[0]["mutations"], expected);
    let none = operations(|transaction| {
        set_port_other_config(transaction, port, &BTreeMap::new());
        remove_port_external_ids(transaction, port, []);
    });
    assert_eq!(none, Vec::<Value>::new());
}

#[test]
fn optionals_are_set_and_cleared() {
    let port = PortId(Uuid::from_u128(1));
    let done = operations(|transaction| {
        set_port_tag(transaction, port, Some(Tag::DEAD));
        set_port_tag(transaction, port, None);
        clear_column(transaction, port, ClearableColumn::PortOtherConfig);
    });
    assert_eq!(done[0]["row"], json!({"tag": 4095}));
    assert_eq!(done[1]["row"], json!({"tag": ["set", []]}));
    assert_eq!(done[2]["row"], json!({"other_config": ["map", []]}));
}

#[test]
fn only_12_bits_are_a_tag() {
    assert_eq!(Tag::try_from(4095u16), Ok(Tag::DEAD));
    assert!(Tag::try_from(4096u16).is_err() && Tag::try_from(-1i64).is_err());
}
