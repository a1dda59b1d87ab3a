use serde_json::json;

use super::*;

const ROW: &str = "00000000-0000-0000-0000-00000000000a";

fn reply(id: u64, result: Value) -> Message {
    Message::Reply { id: id.into(), outcome: Ok(result) }
}

fn update(updates: Value) -> Message {
    Message::Notification { method: "update2".into(), params: vec![Value::Null, updates] }
}

fn schema() -> Value {
    json!({"name": "D", "tables": {"T": {"columns": {"name": {"type": "string"}}}}})
}

fn live() -> Session {
    let (mut session, _) = Session::start(MonitorSpec::new("D").table("T", ["name"]));
    session.receive(reply(SCHEMA_ID, schema())).unwrap();
    session.receive(reply(MONITOR_ID, json!({}))).unwrap();
    session
}

#[test]
fn a_session_begins_with_schema_and_monitor() {
    let (mut session, first) = Session::start(MonitorSpec::new("D").table("T", ["name"]));
    assert_eq!(first, json!({"method": "get_schema", "params": ["D"], "id": 0}));
    let second = session.receive(reply(0, schema()));
    let monitor = json!({"method": "monitor_cond", "id": 1,
        "params": ["D", null, {"T": [{"columns": ["name"]}]}]});
    assert_eq!(second, Ok(Output::Send(monitor)));
    assert!(session.replica().is_none());
    let snapshot = json!({"T": {ROW: {"initial": {"name": "n"}}}});
    assert_eq!(session.receive(reply(1, snapshot)), Ok(Output::Live));
    assert_eq!(session.replica().map(|replica| replica.snapshot().len()), Some(1));
}

#[test]
fn an_echo_is_returned_in_every_state() {
    let echo =
        || Message::Request { method: "echo".into(), params: vec![json!(5)], id: json!("e") };
    let expected = Ok(Output::Send(json!({"id": "e", "result": [5], "error": null})));
    assert_eq!(Session::start(MonitorSpec::new("D")).0.receive(echo()), expected);
    assert_eq!(live().receive(echo()), expected);
}

#[test]
fn replies_to_others_are_handed_on() {
    let mut session = live();
    let outcome = Ok(json!([]));
    assert_eq!(session.receive(reply(7, json!([]))), Ok(Output::Reply { id: 7, outcome }));
    let probe = Message::Reply { id: json!("probe"), outcome: Ok(json!([])) };
    assert_eq!(session.receive(probe), Ok(Output::Nothing));
    for unexpected in [
        Message::Reply { id: json!("other"), outcome: Ok(Value::Null) },
        Message::Reply { id: json!(-1), outcome: Ok(Value::Null) },
        Message::Request { method: "transact".into(), params: vec![], id: json!(1) },
        Message::Notification { method: "locked".into(), params: vec![] },
    ] {
        assert_eq!(session.receive(unexpected.clone()), Ok(Output::Unexpected), "{unexpected:?}");
    }
}

#[test]
fn what_comes_out_of_turn_is_a_fault() {
    let (mut session, _) = Session::start(MonitorSpec::new("D").table("T", ["name"]));
    assert_eq!(session.receive(update(json!({}))), Err(Fault::OutOfTurn("an update")));
    assert_eq!(session.receive(reply(1, json!({}))), Err(Fault::OutOfTurn("a snapshot")));
    assert_eq!(live().receive(reply(0, schema())), Err(Fault::OutOfTurn("a schema")));
    assert_eq!(live().receive(reply(1, json!({}))), Err(Fault::OutOfTurn("a snapshot")));
    let cancelled = Message::Notification { method: "monitor_canceled".into(), params: vec![] };
    assert_eq!(live().receive(cancelled), Err(Fault::MonitorCancelled));
}

#[test]
fn a_refusal_says_what_was_refused() {
    let (mut session, _) = Session::start(MonitorSpec::new("D"));
    let refusal =
        Message::Reply { id: json!(0), outcome: Err(json!({"error": "unknown database"})) };
    let error = session.receive(refusal).unwrap_err().to_string();
    assert_eq!(error, r#"get_schema was refused: {"error":"unknown database"}"#);
}

#[test]
fn a_broken_update_is_a_fault() {
    assert!(matches!(live().receive(update(json!({"X": {}}))), Err(Fault::Update(_))));
    let empty = Message::Notification { method: "update2".into(), params: vec![] };
    assert!(matches!(live().receive(empty), Err(Fault::Update(_))));
}
