//! Operations that no declared resource stands behind. Each is described beside its handlers.

use nucleon_model::ResourceDecl;
use serde_json::{Map, Value, json};

use super::{content, merge, reference, responses, variables, wrapped};

/// One operation: what it is asked with and what it answers, as schemas.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Special {
    pub(crate) method: &'static str,
    /// With variables in braces.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) body: Option<fn() -> Value>,
    pub(crate) status: &'static str,
    pub(crate) answer: Option<fn() -> Value>,
}

impl Special {
    pub(crate) const fn get(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        answer: fn() -> Value,
    ) -> Self {
        Self { method: "get", path, id, summary, body: None, status: "200", answer: Some(answer) }
    }

    pub(crate) const fn delete(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self { method: "delete", path, id, summary, body: None, status: "204", answer: None }
    }
}

/// The documents of several operations, one entry for each path.
pub(super) fn add(paths: &mut Map<String, Value>, specials: &[Special]) {
    for special in specials {
        let variables = variables(special.path);
        let item = paths.entry(special.path).or_insert_with(|| json!({"parameters": variables}));
        let Value::Object(item) = item else { continue };
        item.insert(special.method.to_owned(), operation(special));
    }
}

fn operation(special: &Special) -> Value {
    let tag = special.path.split('/').nth(2).unwrap_or_default();
    let answer = special.answer.map(|answer| answer());
    let mut operation = json!({
        "operationId": special.id,
        "tags": [tag],
        "summary": special.summary,
        "responses": responses(special.status, "Done.", answer.as_ref()),
    });
    if let Some(body) = special.body {
        merge(
            &mut operation,
            json!({"requestBody": {"required": true, "content": content(&body())}}),
        );
    }
    operation
}

/// A list of a resource's objects, in its envelope.
pub(crate) fn many(decl: &ResourceDecl) -> Value {
    let list = json!({"type": "array", "items": reference("schemas", decl.title)});
    wrapped(decl.collection, &list)
}

/// An object of texts, all of them there.
pub(crate) fn texts(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    json!({
        "type": "object", "properties": properties, "required": names, "additionalProperties": false,
    })
}

/// A list of objects, in an envelope.
pub(crate) fn listed(name: &str, item: &Value) -> Value {
    wrapped(name, &json!({"type": "array", "items": item}))
}

/// An object in an envelope.
pub(crate) fn enveloped(name: &str, item: &Value) -> Value {
    wrapped(name, item)
}

/// The answer to what is done and shows nothing.
pub(crate) fn nothing() -> Value {
    json!({"type": "null"})
}
