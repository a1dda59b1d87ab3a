//! Schemas of objects and their attributes.

use nucleon_model::{AttrDefault, AttrSet, Attribute, Flags, ResourceDecl, Rule, Shape};
use serde_json::{Map, Value, json};

use crate::draft::default;

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Answer,
    Create,
    Update,
}

/// An object with the attributes in `names`.
pub(super) fn object_schema(decl: &ResourceDecl, names: AttrSet, usage: Use) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut mirrors = Vec::new();
    for attribute in names.iter().filter_map(|index| decl.attributes.get(index)) {
        let mut schema = attribute_schema(attribute);
        if let Value::Object(schema) = &mut schema {
            if nullable(attribute, usage) {
                allow_null(schema);
            }
            schema.insert("description".to_owned(), attribute.doc.trim().into());
            if usage == Use::Answer && !attribute.is(Flags::POST) && !attribute.is(Flags::PUT) {
                schema.insert("readOnly".to_owned(), true.into());
            }
            if usage == Use::Create
                && let Some(default) = default(attribute)
                // What is null unless it is given need not be so when it is given.
                && (!default.is_null() || nullable(attribute, usage))
            {
                schema.insert("default".to_owned(), default);
            }
        }
        if usage == Use::Create && attribute.default == AttrDefault::Required {
            required.push(attribute.name);
        }
        if let Some(mirrored) = attribute.mirrors {
            mirrors.push(json!({"required": [attribute.name, mirrored]}));
        }
        properties.insert(attribute.name.to_owned(), schema);
    }
    let mut object = json!({
        "type": "object",
        "description": decl.doc.trim(),
        "properties": properties,
        "additionalProperties": false,
    });
    if let Value::Object(object) = &mut object {
        if !required.is_empty() {
            object.insert("required".to_owned(), required.into());
        }
        if usage == Use::Create && !mirrors.is_empty() {
            // One or the other, or both alike, which a schema cannot say.
            object.insert("not".to_owned(), json!({"anyOf": mirrors}));
        }
    }
    object
}

/// A value of an attribute, `null` apart.
pub(super) fn attribute_schema(attribute: &Attribute) -> Value {
    match (attribute.shape, attribute.rule) {
        (Shape::Digits, Rule::Range(min, _)) => {
            json!({"type": ["integer", "string"], "minimum": min, "pattern": "^[0-9]+$"})
        }
        (Shape::Int, Rule::Range(min, i64::MAX)) => json!({"type": "integer", "minimum": min}),
        (Shape::Int, Rule::Range(min, max)) => {
            json!({"type": "integer", "minimum": min, "maximum": max})
        }
        (Shape::Int, Rule::OneOfInt(values)) => json!({"type": "integer", "enum": values}),
        (Shape::Text, Rule::SomeText(max)) => {
            json!({"type": "string", "maxLength": max, "pattern": "\\S"})
        }
        (Shape::Text, Rule::DnsName | Rule::DnsHost) => {
            json!({"type": "string", "maxLength": 255, "pattern": DNS_NAME})
        }
        (Shape::Text, Rule::Word(max)) => {
            json!({"type": "string", "pattern": "^[a-zA-Z_.][a-zA-Z_.0-9]*$", "maxLength": max})
        }
        (Shape::Text, Rule::Text(max)) => json!({"type": "string", "maxLength": max}),
        (Shape::List(Shape::Text), Rule::UniqueTexts(max)) => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {"type": "string", "maxLength": max},
        }),
        (shape, _) => shape_schema(shape),
    }
}

fn shape_schema(shape: Shape) -> Value {
    match shape {
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Int => json!({"type": "integer"}),
        Shape::Digits => json!({"type": ["integer", "string"], "pattern": "^[0-9]+$"}),
        // Agents' times are without `T` and `Z`, and so are no date-time.
        Shape::Text | Shape::Time => json!({"type": "string"}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::Domain => json!({"type": "string", "maxLength": 253, "pattern": DNS_DOMAIN}),
        Shape::Uuid => json!({"type": "string", "format": "uuid"}),
        Shape::Address => {
            json!({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}]})
        }
        Shape::Prefix => prefix(),
        Shape::AddressOrPrefix => json!({"anyOf": [
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
            prefix(),
        ]}),
        Shape::Mac => {
            json!({"type": "string", "pattern": MAC, "examples": ["fa:16:3e:00:00:01"]})
        }
        Shape::List(item) => json!({"type": "array", "items": shape_schema(*item)}),
        Shape::Object(members) => {
            let members = members.iter();
            let properties: Map<String, Value> =
                members.map(|(name, shape)| ((*name).to_owned(), shape_schema(*shape))).collect();
            json!({"type": "object", "properties": properties, "additionalProperties": false})
        }
        Shape::Dict => json!({"type": "object"}),
        Shape::Nullable(inner) => {
            let mut schema = shape_schema(*inner);
            if let Value::Object(schema) = &mut schema {
                allow_null(schema);
            }
            schema
        }
    }
}

/// Names of DNS without and with the dot at their end, or nothing; what stands for something about who asks may be a part.
const DNS_NAME: &str = "^(([0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?\\.)*[A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?\\.?)?$";
const DNS_DOMAIN: &str = "^((<[a-z_]+>|[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?)\\.)*\
    [A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?\\.$|^$";

/// Octets as answers write them; requests may also put dashes between them.
const MAC: &str = "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$";

macro_rules! octet {
    () => {
        "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    };
}
const PREFIX_V4: &str = concat!("^(", octet!(), "[.]){3}", octet!(), "/(3[0-2]|[12]?[0-9])$");
/// Not all that it matches is a prefix: the whole grammar would help nobody who reads it.
const PREFIX_V6: &str = "^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9])$";

fn prefix() -> Value {
    json!({
        "anyOf": [
            {"type": "string", "pattern": PREFIX_V4},
            {"type": "string", "pattern": PREFIX_V6},
        ],
        "examples": ["192.0.2.0/24", "2001:db8::/64"],
    })
}

/// The links of a list that has other pages.
pub(super) fn page_links() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["rel", "href"],
            "properties": {"rel": {"enum": ["next", "previous"]}, "href": text},
            "additionalProperties": false,
        },
    })
}

/// The body of an error.
pub(super) fn error() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["NeutronError"],
        "properties": {
            "NeutronError": {
                "type": "object",
                "required": ["type", "message", "detail"],
                "properties": {"type": text, "message": text, "detail": text},
                "additionalProperties": false,
            },
        },
        "additionalProperties": false,
    })
}

/// Whether `null` may stand there. An answer may show it for all that nobody has set.
fn nullable(attribute: &Attribute, usage: Use) -> bool {
    let unset = matches!(attribute.default, AttrDefault::Unset | AttrDefault::Null);
    // What nobody wrote, such as the rules that a group begins with, has no description.
    let undescribed = usage == Use::Answer && attribute.name == "description";
    attribute.is(Flags::NULLABLE)
        || undescribed
        || (usage == Use::Answer && unset && attribute.name != "id")
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(forms)) = schema.get_mut("anyOf") {
        forms.push(json!({"type": "null"}));
    }
    match schema.get_mut("type") {
        Some(Value::Array(names)) => names.push("null".into()),
        Some(name) => *name = json!([name.clone(), "null"]),
        None => {}
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}
