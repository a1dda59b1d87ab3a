use std::collections::BTreeSet;

use nucleon_core::Noun;
use nucleon_model::{Network, Port, Segment};

use super::*;
use crate::extensions::Preview;

const CHANGEABLE: Operations = Operations::all();

fn served<T: Noun>(operations: Operations) -> Served {
    Served {
        decl: T::DECL,
        operations,
        path: format!("/v2.0/{}", T::DECL.path),
        actions: Vec::new(),
    }
}

const WIDGETS: Special =
    Special::get("/v2.0/widgets/{id}/{part}", "show_widget", "Show a widget", || texts(&["id"]));

fn described(preview: Preview) -> Value {
    let served = [
        served::<Network>(CHANGEABLE),
        served::<Port>(CHANGEABLE),
        served::<Segment>(Operations::LIST.union(Operations::SHOW)),
    ];
    serde_json::from_slice(&document(&served, &[WIDGETS], &Extensions::new(preview))).unwrap()
}

/// Calls `see` with every object in the document.
fn walk(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|value| walk(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, see)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = described(Preview::Shown);
    let mut seen = 0;
    walk(&document, &mut |object| {
        if let Some(Value::String(target)) = object.get("$ref") {
            seen += 1;
            assert!(document.pointer(target.strip_prefix('#').unwrap()).is_some(), "{target}");
        }
    });
    assert!(seen > 30);
}

#[test]
fn operations_have_names_of_their_own_and_answers() {
    let document = described(Preview::Hidden);
    let mut names = BTreeSet::new();
    walk(&document, &mut |object| {
        if let Some(Value::String(name)) = object.get("operationId") {
            assert!(names.insert(name.clone()), "{name} twice");
            assert!(object["responses"].as_object().is_some_and(|answers| answers.len() > 1));
        }
    });
    assert!(names.contains("create_network") && names.contains("replace_tags_of_port"));
    assert!(!names.contains("create_segment"), "{names:?}");
}

#[test]
fn every_variable_of_a_path_is_a_parameter() {
    for (path, item) in described(Preview::Shown)["paths"].as_object().unwrap() {
        let declared: Vec<&str> = item["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let wanted: Vec<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(declared, wanted, "{path}");
    }
}

#[test]
fn a_request_shows_what_may_be_given_and_must() {
    let schemas = &described(Preview::Hidden)["components"]["schemas"];
    let create = &schemas["PortCreate"];
    assert_eq!(create["required"], json!(["network_id"]));
    assert_eq!(create["properties"]["name"]["maxLength"], 255);
    assert_eq!(create["properties"]["admin_state_up"]["default"], true);
    assert_eq!(create["properties"]["mac_address"]["type"], json!(["string", "null"]));
    assert!(create["properties"].get("id").is_none());
    assert!(schemas["PortUpdate"]["properties"].get("network_id").is_none());
    assert_eq!(schemas["Port"]["properties"]["id"]["readOnly"], true);
    assert!(schemas.get("SegmentUpdate").is_none());
}

#[test]
fn hidden_extensions_are_not_described() {
    let pairs = |preview| {
        described(preview)["components"]["schemas"]["Port"]["properties"]
            .get("allowed_address_pairs")
            .is_some()
    };
    assert!(pairs(Preview::Shown) && !pairs(Preview::Hidden));
}

#[test]
fn filters_and_sort_keys_come_from_the_flags() {
    let document = described(Preview::Hidden);
    let parameters = document["paths"]["/v2.0/networks"]["get"]["parameters"].as_array().unwrap();
    let find = |name: &str| parameters.iter().find(|parameter| parameter["name"] == name);
    assert!(find("provider:network_type").is_some() && find("not-tags-any").is_some());
    assert!(find("subnets").is_none());
    let keys = find("sort_key").unwrap()["schema"]["items"]["enum"].as_array().unwrap();
    assert!(keys.contains(&json!("name")) && !keys.contains(&json!("subnets")));
}
