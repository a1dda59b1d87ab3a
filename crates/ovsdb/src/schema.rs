//! The schema of a database: which columns there are, and of what type (RFC 7047 section 3.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::value::{AtomType, ColumnType, excerpt};

/// The tables of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    name: String,
    version: String,
    tables: BTreeMap<Arc<str>, TableSchema>,
}

/// The columns of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableSchema {
    columns: BTreeMap<Arc<str>, ColumnType>,
}

/// A schema that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} of the schema is {found}, expected {expected}")]
pub struct SchemaError {
    pub place: String,
    pub expected: &'static str,
    pub found: String,
}

impl Schema {
    pub fn from_json(json: &Value) -> Result<Self, SchemaError> {
        let schema = object(json, "top")?;
        let mut tables = BTreeMap::new();
        for (table, json) in object(schema.get("tables").unwrap_or(&Value::Null), "tables")? {
            tables.insert(Arc::from(table.as_str()), TableSchema::from_json(table, json)?);
        }
        let text =
            |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { name: text("name"), version: text("version"), tables })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn table(&self, table: &str) -> Option<&TableSchema> {
        self.tables.get(table)
    }
}

impl TableSchema {
    fn from_json(table: &str, json: &Value) -> Result<Self, SchemaError> {
        let table_object = object(json, table)?;
        let mut columns = BTreeMap::new();
        for (column, json) in object(table_object.get("columns").unwrap_or(&Value::Null), table)? {
            let place = format!("{table}.{column}");
            let kind = object(json, &place)?.get("type").unwrap_or(&Value::Null);
            columns.insert(Arc::from(column.as_str()), column_type(kind, &place)?);
        }
        // Every table has these two (RFC 7047 section 3.2); the schema does not list them.
        for implicit in ["_uuid", "_version"] {
            columns.insert(Arc::from(implicit), ColumnType::scalar(AtomType::Uuid));
        }
        Ok(Self { columns })
    }

    pub fn column(&self, column: &str) -> Option<&ColumnType> {
        self.columns.get(column)
    }

    /// The schema's own copy of the column's name, to be shared by all rows, and its type.
    pub(crate) fn entry(&self, column: &str) -> Option<(&Arc<str>, &ColumnType)> {
        self.columns.get_key_value(column)
    }
}

fn object<'a>(json: &'a Value, place: &str) -> Result<&'a Map<String, Value>, SchemaError> {
    json.as_object().ok_or_else(|| wrong(place, "an object", json))
}

fn wrong(place: &str, expected: &'static str, found: &Value) -> SchemaError {
    SchemaError { place: place.to_owned(), expected, found: excerpt(found) }
}

/// `<type>`: an atomic type's name, or an object with `key`, `value`, `min` and `max`.
fn column_type(json: &Value, place: &str) -> Result<ColumnType, SchemaError> {
    let Value::Object(parts) = json else { return Ok(ColumnType::scalar(base_type(json, place)?)) };
    let key = base_type(parts.get("key").unwrap_or(&Value::Null), place)?;
    let value = parts.get("value").map(|json| base_type(json, place)).transpose()?;
    let min = match parts.get("min") {
        None => 1,
        Some(json) => size(json).ok_or_else(|| wrong(place, "a minimum", json))?,
    };
    let max = match parts.get("max") {
        None => Some(1),
        Some(Value::String(text)) if text == "unlimited" => None,
        Some(json) => Some(size(json).ok_or_else(|| wrong(place, "a maximum", json))?),
    };
    if min > 1 || max.is_some_and(|max| max < 1 || max < min) {
        return Err(wrong(place, "0 or 1 to at least 1 elements", json));
    }
    Ok(ColumnType { key, value, min, max })
}

/// `<base-type>`: an atomic type's name, or an object with it as `type`, and constraints that only
/// the server checks.
fn base_type(json: &Value, place: &str) -> Result<AtomType, SchemaError> {
    let name = match json {
        Value::Object(parts) => parts.get("type").unwrap_or(&Value::Null),
        name => name,
    };
    name.as_str().and_then(AtomType::parse).ok_or_else(|| wrong(place, "an atomic type", json))
}

fn size(json: &Value) -> Option<usize> {
    json.as_u64().and_then(|value| usize::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(kind: &Value) -> Result<ColumnType, SchemaError> {
        let schema = Schema::from_json(&json!({
            "name": "D", "version": "1.0.0",
            "tables": {"T": {"columns": {"c": {"type": kind}}}},
        }))?;
        Ok(*schema.table("T").and_then(|table| table.column("c")).unwrap())
    }

    #[test]
    fn types_are_read_in_all_their_spellings() {
        let unlimited = json!({"key": "string", "value": {"type": "integer", "minInteger": 0},
            "min": 0, "max": "unlimited"});
        for (json, expected) in [
            (json!("integer"), ColumnType::scalar(AtomType::Integer)),
            (json!({"key": {"type": "boolean"}}), ColumnType::scalar(AtomType::Boolean)),
            (json!({"key": "real", "min": 0}), ColumnType::optional(AtomType::Real)),
            (
                json!({"key": {"type": "uuid", "refTable": "T"}, "min": 0, "max": "unlimited"}),
                ColumnType::set(AtomType::Uuid),
            ),
            (unlimited, ColumnType::map(AtomType::String, AtomType::Integer)),
            (
                json!({"key": "integer", "min": 0, "max": 4096}),
                ColumnType { key: AtomType::Integer, value: None, min: 0, max: Some(4096) },
            ),
        ] {
            assert_eq!(parse(&json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn a_wrong_type_is_named_with_its_column() {
        for json in [
            json!("text"),
            json!(null),
            json!({"key": "string", "min": 2}),
            json!({"key": "string", "max": 0}),
            json!({"key": "string", "max": "many"}),
            json!({"value": "string"}),
        ] {
            assert_eq!(parse(&json).unwrap_err().place, "T.c", "{json}");
        }
        assert!(Schema::from_json(&json!({"tables": []})).is_err());
        assert!(Schema::from_json(&json!(null)).is_err());
    }

    #[test]
    fn every_table_has_a_uuid_and_a_version() {
        let schema = Schema::from_json(&json!({"tables": {"T": {"columns": {}}}})).unwrap();
        let table = schema.table("T").unwrap();
        assert_eq!(table.column("_uuid"), Some(&ColumnType::scalar(AtomType::Uuid)));
        assert_eq!(table.column("_version"), Some(&ColumnType::scalar(AtomType::Uuid)));
        assert_eq!(table.column("name"), None);
    }
}
