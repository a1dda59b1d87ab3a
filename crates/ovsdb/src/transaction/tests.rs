use serde_json::{Value, json};

use super::*;
use crate::schema::Schema;
use crate::value::Datum;

fn encode(transaction: &Transaction) -> Value {
    let mut params = transaction.to_json("D").unwrap();
    assert_eq!(params[0], "D");
    Value::from(params.as_array_mut().unwrap().split_off(1))
}

fn schema() -> Schema {
    Schema::from_json(&json!({"tables": {"T": {"columns": {"name": {"type": "string"}}}}})).unwrap()
}

fn some() -> Transaction {
    let mut transaction = Transaction::new();
    transaction.insert("T", Row::new());
    transaction.select("T", [], ["name"]);
    transaction.update("T", [], Row::new());
    transaction.comment("x");
    transaction
}

#[test]
fn operations_are_written_as_the_rfc_has_them() {
    let mut transaction = Transaction::new();
    let port = transaction.insert("Port", Row::new().with("name", "p"));
    let id = Uuid::from_u128(1);
    transaction.mutate(
        "Bridge",
        [Condition::uuid(id)],
        [Mutation::insert("ports", port), Mutation::delete("other_config", Datum::set(["a", "b"]))],
    );
    transaction.update("Port", [Condition::equal("name", "p")], Row::new().with("tag", 5));
    transaction.delete("Port", [Condition::new("tag", Function::Less, 9)]);
    transaction.select("Port", [], ["name"]);
    transaction.expect_row("Bridge", id);
    transaction.comment("c");
    transaction.commit_durably();
    transaction.abort();
    let wire = ["uuid", "00000000-0000-0000-0000-000000000001"];
    assert_eq!(
        encode(&transaction),
        json!([
            {"op": "insert", "table": "Port", "row": {"name": "p"}, "uuid-name": "row0"},
            {"op": "mutate", "table": "Bridge", "where": [["_uuid", "==", wire]], "mutations": [
                ["ports", "insert", ["named-uuid", "row0"]],
                ["other_config", "delete", ["set", ["a", "b"]]],
            ]},
            {"op": "update", "table": "Port", "where": [["name", "==", "p"]], "row": {"tag": 5}},
            {"op": "delete", "table": "Port", "where": [["tag", "<", 9]]},
            {"op": "select", "table": "Port", "where": [], "columns": ["name"]},
            {"op": "wait", "table": "Bridge", "where": [["_uuid", "==", wire]], "until": "==",
             "columns": ["_uuid"], "rows": [{"_uuid": wire}], "timeout": 0},
            {"op": "comment", "comment": "c"},
            {"op": "commit", "durable": true},
            {"op": "abort"},
        ])
    );
}

#[test]
fn a_nul_is_found_wherever_it_is() {
    let nul = "a\0b";
    let edits: [&dyn Fn(&mut Transaction); 8] = [
        &|t| {
            t.insert("T", Row::new().with("name", nul));
        },
        &|t| {
            t.insert("T", Row::new().with(nul, "x"));
        },
        &|t| t.update("T", [Condition::equal("name", nul)], Row::new()),
        &|t| t.update(nul, [], Row::new()),
        &|t| t.mutate("T", [], [Mutation::insert("m", Datum::map([("k", nul)]))]),
        &|t| t.mutate("T", [], [Mutation::delete("m", Datum::map([(nul, 1)]))]),
        &|t| t.select("T", [], [nul]),
        &|t| t.comment(nul),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let mut transaction = Transaction::new();
        transaction.comment("before");
        edit(&mut transaction);
        let error = transaction.to_json("D").unwrap_err();
        assert!(matches!(error, EncodeError::Nul { index: 1, .. }), "{number}: {error}");
    }
}

#[test]
fn a_name_of_another_transaction_is_refused() {
    let mut other = some();
    let name = other.insert("T", Row::new());
    let mut transaction = some();
    transaction.update("T", [Condition::uuid(name)], Row::new());
    let error = transaction.to_json("D").unwrap_err();
    assert_eq!(error, EncodeError::UnknownName { index: 4, verb: "update", name });
}

#[test]
fn results_are_read_by_the_operation_they_answer() {
    let id = Uuid::from_u128(1);
    let answers =
        json!([{"uuid": ["uuid", id.to_string()]}, {"rows": [{"name": "n"}]}, {"count": 2}, {}]);
    let found = results(&some().kinds(), answers, &schema()).unwrap().unwrap();
    let row = Row::new().with("name", "n");
    assert_eq!(
        found,
        [OpResult::Inserted(id), OpResult::Rows(vec![row]), OpResult::Count(2), OpResult::Done]
    );
}

#[test]
fn an_error_is_that_of_its_operation_or_of_the_commit() {
    let error = json!({"error": "constraint violation", "details": "no"});
    let failed = |answers| results(&some().kinds(), answers, &schema()).unwrap().unwrap_err();
    let second = failed(json!([{}, error, null, null]));
    assert_eq!((second.index, second.verb, second.table.as_deref()), (1, "select", Some("T")));
    assert_eq!(second.to_string(), "operation 1 (select T) failed: constraint violation: no");
    let commit = failed(json!([{}, {}, {}, {}, error]));
    assert_eq!((commit.index, commit.verb, commit.table), (4, "commit", None));
    let other = failed(json!([{"error": "bad luck"}]));
    assert_eq!(other.code, ErrorCode::Other("bad luck".into()));
}

#[test]
fn an_answer_that_does_not_fit_is_an_error() {
    let id = ["uuid", "00000000-0000-0000-0000-000000000001"];
    for answers in [
        json!(null),
        json!([]),
        json!([{"uuid": id}, {"rows": []}, {"count": 1}]),
        json!([{"uuid": 1}, {"rows": []}, {"count": 1}, {}]),
        json!([{"uuid": id}, {"rows": 1}, {"count": 1}, {}]),
        json!([{"uuid": id}, {"rows": [1]}, {"count": 1}, {}]),
        json!([{"uuid": id}, {"rows": [{"colour": 1}]}, {"count": 1}, {}]),
        json!([{"uuid": id}, {"rows": [{"name": 1}]}, {"count": 1}, {}]),
        json!([{"uuid": id}, {"rows": []}, {"count": -1}, {}]),
        json!([null, null, null, null]),
    ] {
        assert!(results(&some().kinds(), answers.clone(), &schema()).is_err(), "{answers}");
    }
}
