//! Holds the declared rules against those that Neutron and its dynamic routing list.
//!
//! The reference is looked for in `NUCLEON_REFERENCE` or `../shared` beside the checkout.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use nucleon_policy::{Declared, Scope, declared};
use serde_json::{Value, json};

/// Rules that are not in the reference, and why.
const BESIDE: &[(&str, &str)] =
    &[("context_can_set_project_id", "listed by neutron-lib, whose rules Neutron reads too")];

fn reference() -> Option<Vec<Value>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let directory =
        std::env::var_os("NUCLEON_REFERENCE").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = directory.join("neutron/policy-defaults.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no reference at {}", path.display());
        return None;
    };
    let mut reference: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(rules) = reference["rules"].take() else {
        panic!("no rules in the reference")
    };
    Some(rules)
}

/// A declaration in the form of the reference.
fn form(declared: &Declared) -> Value {
    let scopes: Vec<&str> = declared.scopes.iter().map(|scope: &Scope| scope.as_str()).collect();
    let operations: Vec<Value> = declared
        .operations
        .iter()
        .map(|operation| json!({"method": operation.method, "path": operation.path}))
        .collect();
    json!({
        "name": declared.name,
        "check_str": declared.check,
        "scope_types": (!scopes.is_empty()).then_some(scopes),
        "operations": operations,
        "deprecated": declared.former.map(|former| {
            json!({"name": former.name, "check_str": former.check, "since": former.since})
        }),
    })
}

#[test]
fn every_rule_is_declared_as_neutron_has_it() {
    let Some(reference) = reference() else { return };
    let ours: BTreeMap<&str, Value> =
        declared().map(|declared| (declared.name, form(declared))).collect();
    let mut differences = Vec::new();
    for mut theirs in reference.iter().cloned() {
        let rule = theirs.as_object_mut().unwrap();
        rule.remove("project");
        rule.entry("operations").or_insert(json!([]));
        rule.entry("deprecated").or_insert(Value::Null);
        let name = theirs["name"].as_str().unwrap();
        match ours.get(name) {
            None => differences.push(format!("{name} is not declared")),
            Some(ours) if *ours != theirs => differences.push(format!("{ours}\n{theirs}")),
            Some(_) => {}
        }
    }
    let known = |name: &str| {
        reference.iter().any(|rule| rule["name"] == name)
            || BESIDE.iter().any(|(beside, _)| *beside == name)
    };
    for name in ours.keys().filter(|name| !known(name)) {
        differences.push(format!("{name} is declared, but not in the reference"));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert_eq!(reference.len() + BESIDE.len(), ours.len());
}

#[test]
fn no_rule_is_declared_twice() {
    let mut names: Vec<&str> = declared().map(|declared| declared.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn what_is_listed_beside_the_reference_is_declared() {
    for (name, _) in BESIDE {
        assert!(declared().any(|declared| declared.name == *name), "{name}");
    }
}
