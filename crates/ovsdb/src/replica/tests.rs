use serde_json::json;

use super::*;

const A: &str = "00000000-0000-0000-0000-00000000000a";
const B: &str = "00000000-0000-0000-0000-00000000000b";

fn replica() -> Replica {
    let schema = Schema::from_json(&json!({"name": "D", "version": "1.0.0", "tables": {
        "Port": {"columns": {
            "name": {"type": "string"},
            "tag": {"type": {"key": "integer", "min": 0, "max": 1}},
            "trunks": {"type": {"key": "integer", "min": 0, "max": 4096}},
            "external_ids": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
            "statistics": {"type": "integer"},
        }},
        "Other": {"columns": {}},
    }}));
    let spec = MonitorSpec::new("D").table("Port", ["name", "tag", "trunks", "external_ids"]);
    Replica::new(Arc::new(schema.unwrap()), &spec).unwrap()
}

fn port(name: &str) -> Row {
    Row::new()
        .with("name", name)
        .with("tag", Datum::empty_set())
        .with("trunks", Datum::empty_set())
        .with("external_ids", Datum::empty_map())
}

fn id(text: &str) -> Uuid {
    row_uuid(text).unwrap()
}

#[test]
fn an_insert_has_defaults_for_what_it_does_not_say() {
    let mut replica = replica();
    let changes = replica.apply(json!({"Port": {A: {"initial": {"name": "p"}}}})).unwrap();
    let new = Arc::new(port("p"));
    assert_eq!(
        changes,
        [Change { table: "Port".into(), uuid: id(A), kind: ChangeKind::Insert { new } }]
    );
    assert_eq!(replica.snapshot().row("Port", id(A)).map(|row| &**row), Some(&port("p")));
}

#[test]
fn a_modify_patches_and_a_delete_removes() {
    let mut replica = replica();
    let first = json!({"Port": {A: {"insert": {"name": "p", "tag": 5, "trunks": ["set", [1, 2]],
        "external_ids": ["map", [["a", "1"], ["b", "2"]]]}}}});
    replica.apply(first).unwrap();
    let modify = json!({"Port": {A: {"modify": {"tag": 7, "trunks": ["set", [2, 3]],
        "external_ids": ["map", [["a", "1"], ["b", "3"], ["c", "4"]]]}}}});
    let changes = replica.apply(modify).unwrap();
    let new = port("p")
        .with("tag", 7)
        .with("trunks", Datum::set([1, 3]))
        .with("external_ids", Datum::map([("b", "3"), ("c", "4")]));
    let [change] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(change.new_row().map(|row| &**row), Some(&new));
    assert_eq!(change.old_row().and_then(|row| row.get("tag")), Some(&Datum::from(5)));
    let changes = replica.apply(json!({"Port": {A: {"delete": null}}})).unwrap();
    assert!(matches!(&changes[0].kind, ChangeKind::Delete { old } if **old == new));
    assert!(replica.snapshot().is_empty());
}

#[test]
fn a_modify_that_changes_nothing_is_no_change() {
    let mut replica = replica();
    replica.apply(json!({"Port": {A: {"insert": {"name": "p", "tag": 5}}}})).unwrap();
    assert_eq!(replica.apply(json!({"Port": {A: {"modify": {"tag": 5}}}})), Ok(vec![]));
    assert_eq!(replica.apply(json!({"Port": {A: {"modify": {}}}})), Ok(vec![]));
    assert_eq!(replica.apply(json!({})), Ok(vec![]));
}

#[test]
fn a_snapshot_taken_before_a_change_stays_as_it_was() {
    let mut replica = replica();
    replica.apply(json!({"Port": {A: {"initial": {"name": "p"}}}})).unwrap();
    let before = replica.snapshot().clone();
    let changes = replica.apply(json!({"Port": {B: {"insert": {"name": "q"}}}})).unwrap();
    assert_eq!((before.len(), replica.snapshot().len()), (1, 2));
    assert_eq!(before.changes_to(replica.snapshot()), changes);
    let mut copy = before;
    copy.apply(&changes);
    assert_eq!(&copy, replica.snapshot());
    assert_eq!(copy.changes_to(replica.snapshot()), []);
}

#[test]
fn updates_that_do_not_fit_are_errors() {
    for (update, expected) in [
        (json!([]), "an object of tables"),
        (json!({"Other": {}}), "table Other, which is not monitored"),
        (json!({"Port": 1}), "an object of rows"),
        (json!({"Port": {"a": {"delete": null}}}), "a UUID"),
        (json!({"Port": {A: null}}), "one of initial, insert"),
        (json!({"Port": {A: {}}}), "one of initial, insert"),
        (json!({"Port": {A: {"new": {}}}}), "one of initial, insert"),
        (json!({"Port": {A: {"insert": {}, "delete": null}}}), "one of initial, insert"),
        (json!({"Port": {A: {"insert": {}}}}), "was there already"),
        (json!({"Port": {B: {"modify": {}}}}), "was never there"),
        (json!({"Port": {B: {"delete": null}}}), "was never there"),
        (json!({"Port": {B: {"insert": null}}}), "an object of columns"),
        (json!({"Port": {B: {"insert": {"statistics": 1}}}}), "column Port.statistics"),
        (json!({"Port": {B: {"insert": {"tag": "x"}}}}), "value of Port.tag of row"),
        (json!({"Port": {A: {"modify": {"tag": ["set", [1, 2]]}}}}), "value of Port.tag of row"),
    ] {
        let mut replica = replica();
        replica.apply(json!({"Port": {A: {"initial": {"name": "p"}}}})).unwrap();
        let error = replica.apply(update.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{update}: {error}");
    }
}

#[test]
fn what_the_schema_lacks_cannot_be_monitored() {
    let schema = Arc::clone(replica().schema());
    let table = Replica::new(Arc::clone(&schema), &MonitorSpec::new("D").table("Bridge", ["name"]));
    assert_eq!(table.unwrap_err(), UpdateError::NoTable { table: "Bridge".into() });
    let column = Replica::new(schema, &MonitorSpec::new("D").table("Port", ["colour"]));
    let expected = UpdateError::NoColumn { table: "Port".into(), column: "colour".into() };
    assert_eq!(column.unwrap_err(), expected);
}
