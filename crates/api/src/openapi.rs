//! `/openapi.json`: the API described from the declarations, in OpenAPI 3.1.

mod schema;
mod special;

use axum::body::Bytes;
use nucleon_core::Operations;
use nucleon_model::{AttrSet, Attribute, Flags, ResourceDecl, Shape};
use serde_json::{Map, Value, json};

pub(crate) use self::special::{Special, enveloped, listed, many, nothing, texts};

use self::schema::{attribute_schema, object_schema};
use crate::action::Action;
use crate::extensions::Extensions;
use crate::resources::Served;

/// The document for the resources that are served, with the attributes of the extensions that are.
pub(crate) fn document(served: &[Served], specials: &[Special], extensions: &Extensions) -> Bytes {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    schemas.insert("NeutronError".to_owned(), schema::error());
    for served in served {
        let enabled = extensions.attributes(served.decl);
        add_schemas(&mut schemas, served.decl, enabled, served.operations);
        add_paths(&mut paths, served, enabled);
        add_actions(&mut paths, served);
    }
    special::add(&mut paths, specials);
    add_documents(&mut paths);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Nucleon Networking API",
            "description": "OpenStack Networking v2.0.",
            "version": "2.0",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Error": {
                    "description": "Why the request was not carried out.",
                    "content": content(&reference("schemas", "NeutronError")),
                },
            },
        },
    });
    document.to_string().into()
}

fn add_schemas(
    schemas: &mut Map<String, Value>,
    decl: &ResourceDecl,
    enabled: AttrSet,
    operations: Operations,
) {
    let shown = enabled.and(decl.visible());
    schemas.insert(decl.title.to_owned(), object_schema(decl, shown, schema::Use::Answer));
    if operations.contains(Operations::CREATE) {
        let given = enabled.and(decl.with(Flags::POST));
        let schema = object_schema(decl, given, schema::Use::Create);
        schemas.insert(format!("{}Create", decl.title), schema);
    }
    if operations.contains(Operations::UPDATE) {
        let given = enabled.and(decl.with(Flags::PUT));
        let schema = object_schema(decl, given, schema::Use::Update);
        schemas.insert(format!("{}Update", decl.title), schema);
    }
}

fn add_paths(paths: &mut Map<String, Value>, served: &Served, enabled: AttrSet) {
    let Served { decl, operations, path, .. } = served;
    let ResourceDecl { name, collection, title, ruled, .. } = **decl;
    let one = |schema: &str| wrapped(name, &reference("schemas", schema));
    let list = json!({"type": "array", "items": reference("schemas", title)});
    let many = wrapped(collection, &list);
    let mut page = many.clone();
    if let Some(Value::Object(properties)) = page.get_mut("properties") {
        properties.insert(format!("{collection}_links"), schema::page_links());
    }
    let operation = |verb: &str, summary: String, more: Value| {
        let mut operation = json!({
            "operationId": format!("{verb}_{ruled}"),
            "tags": [collection],
            "summary": summary,
        });
        merge(&mut operation, more);
        operation
    };

    let mut item = Map::new();
    if operations.contains(Operations::LIST) {
        let more = json!({
            "parameters": list_parameters(decl, enabled),
            "responses": responses("200", "The list, perhaps with links to its other pages.", Some(&page)),
        });
        item.insert("get".to_owned(), operation("list", format!("List {collection}"), more));
    }
    if operations.contains(Operations::CREATE) {
        let create = format!("{title}Create");
        let mut body = one(&create);
        let mut answer = one(title);
        if operations.contains(Operations::BULK) {
            let drafts =
                json!({"type": "array", "minItems": 1, "items": reference("schemas", &create)});
            body = json!({"oneOf": [body, wrapped(collection, &drafts)]});
            answer = json!({"oneOf": [answer, many]});
        }
        let more = json!({
            "requestBody": {"required": true, "content": content(&body)},
            "responses": responses("201", "What was created.", Some(&answer)),
        });
        item.insert("post".to_owned(), operation("create", format!("Create {collection}"), more));
    }
    insert(paths, path.clone(), item);

    let mut item = Map::new();
    if operations.contains(Operations::SHOW) {
        let more = json!({
            "parameters": [fields_parameter()],
            "responses": responses("200", "The object.", Some(&one(title))),
        });
        item.insert("get".to_owned(), operation("show", format!("Show a {name}"), more));
    }
    if operations.contains(Operations::UPDATE) {
        let more = json!({
            "parameters": [if_match()],
            "requestBody": {"required": true, "content": content(&one(&format!("{title}Update")))},
            "responses": responses("200", "The object as it is now.", Some(&one(title))),
        });
        item.insert("put".to_owned(), operation("update", format!("Update a {name}"), more));
    }
    if operations.contains(Operations::DELETE) {
        let more = json!({
            "parameters": [if_match()],
            "responses": responses("204", "It is gone.", None),
        });
        item.insert("delete".to_owned(), operation("delete", format!("Delete a {name}"), more));
    }
    insert(paths, format!("{path}/{{id}}"), item);

    if operations.contains(Operations::TAGS) {
        add_tag_paths(paths, decl);
    }
}

fn add_actions(paths: &mut Map<String, Value>, served: &Served) {
    for Action { method, name, summary, alias: _ } in &served.actions {
        let mut operation = json!({
            "operationId": format!("{name}_{}", served.decl.ruled),
            "tags": [served.decl.collection],
            "summary": summary,
            "responses": responses("200", "Done.", Some(&json!({"type": "object"}))),
        });
        if *method == "put" {
            let body = json!({"required": true, "content": content(&json!({"type": "object"}))});
            merge(&mut operation, json!({"requestBody": body}));
        }
        let item = Map::from_iter([((*method).to_owned(), operation)]);
        insert(paths, format!("{}/{{id}}/{name}", served.path), item);
    }
}

fn add_tag_paths(paths: &mut Map<String, Value>, decl: &ResourceDecl) {
    let ResourceDecl { name, collection, path, .. } = *decl;
    let texts = json!({"type": "array", "uniqueItems": true, "items": {"type": "string", "maxLength": 255}});
    let tags = wrapped("tags", &texts);
    let operation = |verb: &str, body: bool, status: &str, answer: Option<&Value>| {
        let mut operation = json!({
            "operationId": format!("{verb}_{name}"),
            "tags": [collection],
            "responses": responses(status, "Done.", answer),
        });
        if body {
            merge(
                &mut operation,
                json!({"requestBody": {"required": true, "content": content(&tags)}}),
            );
        }
        operation
    };
    let item = [
        ("get", operation("list_tags_of", false, "200", Some(&tags))),
        ("put", operation("replace_tags_of", true, "200", Some(&tags))),
        ("post", operation("add_tags_to", true, "200", Some(&tags))),
        ("delete", operation("clear_tags_of", false, "204", None)),
    ];
    let item = item.into_iter().map(|(method, operation)| (method.to_owned(), operation)).collect();
    let path = format!("/v2.0/{path}/{{id}}/tags");
    insert(paths, path.clone(), item);
    let item = [
        ("get", operation("check_tag_of", false, "204", None)),
        ("put", operation("add_tag_to", false, "201", Some(&json!({"type": "null"})))),
        ("delete", operation("remove_tag_from", false, "204", None)),
    ];
    let item = item.into_iter().map(|(method, operation)| (method.to_owned(), operation)).collect();
    insert(paths, format!("{path}/{{tag}}"), item);
}

fn add_documents(paths: &mut Map<String, Value>) {
    for (path, id, text) in [
        ("/", "list_versions", "The versions of the API."),
        ("/v2.0/", "list_resources", "The resources of the core API."),
        ("/v2.0/extensions", "list_extensions", "The extensions that are served."),
    ] {
        let item = json!({"get": {
            "operationId": id,
            "tags": ["documents"],
            "responses": responses("200", text, Some(&json!({"type": "object"}))),
        }});
        paths.insert(path.to_owned(), item);
    }
}

fn list_parameters(decl: &ResourceDecl, enabled: AttrSet) -> Vec<Value> {
    let names = |set: AttrSet| -> Vec<&str> {
        set.and(enabled)
            .iter()
            .filter_map(|index| decl.attributes.get(index))
            .map(|attribute| attribute.name)
            .collect()
    };
    let sortable = json!({"type": "array", "items": {"enum": names(decl.with(Flags::SORT))}});
    let directions = json!({"type": "array", "items": {"enum": ["asc", "desc"]}});
    let mut parameters = vec![
        fields_parameter(),
        parameter("sort_key", "Attributes to sort by, each with a `sort_dir`.", &sortable),
        parameter("sort_dir", "The direction for each `sort_key`.", &directions),
        parameter(
            "limit",
            "The most objects in the answer; 0 for any.",
            &json!({"type": "integer", "minimum": 0}),
        ),
        parameter("marker", "The object next to the page.", &json!({"type": "string"})),
        parameter("page_reverse", "The page before the marker.", &json!({"type": "boolean"})),
    ];
    for name in names(decl.with(Flags::FILTER)) {
        let Some((_, attribute)) = decl.find(name) else { continue };
        if name == "tags" {
            let text = json!({"type": "string"});
            for (name, doc) in [
                ("tags", "Has all of these tags, separated by commas."),
                ("tags-any", "Has one of these tags."),
                ("not-tags", "Lacks one of these tags."),
                ("not-tags-any", "Has none of these tags."),
            ] {
                parameters.push(parameter(name, doc, &text));
            }
            continue;
        }
        let values = json!({"type": "array", "items": filter_schema(attribute)});
        parameters.push(parameter(name, attribute.doc.trim(), &values));
    }
    parameters
}

/// Values in an address are looser than in a body: texts need not be whole.
fn filter_schema(attribute: &Attribute) -> Value {
    match attribute.shape {
        Shape::Bool | Shape::Int | Shape::Digits => attribute_schema(attribute),
        Shape::List(Shape::Object(_)) => {
            json!({"type": "string", "examples": ["ip_address=192.0.2.1", "subnet_id=…", "ip_address_substr=192.0"]})
        }
        _ => json!({"type": "string"}),
    }
}

fn fields_parameter() -> Value {
    let names = json!({"type": "array", "items": {"type": "string"}});
    parameter("fields", "The attributes to show; all that may be seen without it.", &names)
}

fn parameter(name: &str, doc: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "description": doc, "schema": schema})
}

fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "`revision_number=N`: only if the object is at that revision.",
        "schema": {"type": "string"},
    })
}

fn responses(status: &str, description: &str, schema: Option<&Value>) -> Value {
    let mut good = json!({"description": description});
    if let Some(schema) = schema {
        merge(&mut good, json!({"content": content(schema)}));
    }
    json!({status: good, "default": reference("responses", "Error")})
}

fn content(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// An object whose one key is `name`.
fn wrapped(name: &str, schema: &Value) -> Value {
    json!({
        "type": "object",
        "required": [name],
        "properties": {name: schema},
        "additionalProperties": false,
    })
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// Adds the operations at an address, whose variables all of them have.
fn insert(paths: &mut Map<String, Value>, path: String, mut item: Map<String, Value>) {
    if item.is_empty() {
        return;
    }
    if path.contains('{') {
        item.insert("parameters".to_owned(), variables(&path));
    }
    paths.insert(path, Value::Object(item));
}

/// The variables of an address, which stand in braces.
fn variables(path: &str) -> Value {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let variable =
        |name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    names.map(variable).collect()
}

#[cfg(test)]
mod tests;
