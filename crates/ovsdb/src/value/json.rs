//! Values as JSON, both ways.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Atom, AtomType, ColumnType, Datum, Real};

/// JSON that is not a value of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    #[error("expected a {expected}, found {found}")]
    Mismatch { expected: String, found: String },
    #[error("{found} elements are too many or too few for a {expected}")]
    Count { expected: String, found: usize },
    #[error("{found} comes twice in one value")]
    Duplicate { found: String },
}

/// What of a value's bounds must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bounds {
    /// A whole value: as many elements as the type allows.
    Whole,
    /// A difference of two values, which may have any number of elements when the type is
    /// composite.
    Difference,
}

impl Atom {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Integer(value) => json!(value),
            Self::Real(value) => json!(value.get()),
            Self::Boolean(value) => json!(value),
            Self::String(value) => json!(value),
            Self::Uuid(value) => json!(["uuid", value.to_string()]),
            Self::Named(value) => json!(["named-uuid", value.to_string()]),
        }
    }

    pub fn from_json(json: Value, kind: AtomType) -> Result<Self, ValueError> {
        match (kind, json) {
            (AtomType::Integer, Value::Number(number)) => match number.as_i64() {
                Some(value) => Ok(Self::Integer(value)),
                None => Err(mismatch(kind.name(), &Value::Number(number))),
            },
            // The server writes a whole real without a fraction.
            (AtomType::Real, Value::Number(number)) => match number.as_f64().and_then(Real::new) {
                Some(value) => Ok(Self::Real(value)),
                None => Err(mismatch(kind.name(), &Value::Number(number))),
            },
            (AtomType::Boolean, Value::Bool(value)) => Ok(Self::Boolean(value)),
            (AtomType::String, Value::String(value)) => Ok(Self::String(value)),
            (AtomType::Uuid, json) => match uuid(&json) {
                Some(value) => Ok(Self::Uuid(value)),
                None => Err(mismatch(kind.name(), &json)),
            },
            (_, json) => Err(mismatch(kind.name(), &json)),
        }
    }
}

impl Datum {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Set(atoms) => match self.only() {
                Some(atom) => atom.to_json(),
                None => json!(["set", atoms.iter().map(Atom::to_json).collect::<Vec<_>>()]),
            },
            Self::Map(pairs) => {
                let pairs: Vec<Value> = pairs
                    .iter()
                    .map(|(key, value)| json!([key.to_json(), value.to_json()]))
                    .collect();
                json!(["map", pairs])
            }
        }
    }

    /// Reads a whole value of a column.
    pub fn from_json(json: Value, kind: &ColumnType) -> Result<Self, ValueError> {
        Self::read(json, kind, Bounds::Whole)
    }

    pub(crate) fn read(json: Value, kind: &ColumnType, bounds: Bounds) -> Result<Self, ValueError> {
        let datum = match kind.value {
            Some(value) => Self::map_from_json(json, kind, value)?,
            None => Self::set_from_json(json, kind)?,
        };
        let found = datum.len();
        let fits = found >= kind.min && kind.max.is_none_or(|max| found <= max);
        if fits || (bounds == Bounds::Difference && kind.is_composite()) {
            Ok(datum)
        } else {
            Err(ValueError::Count { expected: kind.to_string(), found })
        }
    }

    fn set_from_json(json: Value, kind: &ColumnType) -> Result<Self, ValueError> {
        let atoms = match tagged(json, "set") {
            Ok(atoms) => atoms,
            Err(json) => return Ok(Self::set([Atom::from_json(json, kind.key)?])),
        };
        let mut set = std::collections::BTreeSet::new();
        for json in atoms {
            if let Some(twice) = set.replace(Atom::from_json(json, kind.key)?) {
                return Err(ValueError::Duplicate { found: excerpt(&twice.to_json()) });
            }
        }
        Ok(Self::Set(set))
    }

    fn map_from_json(json: Value, kind: &ColumnType, value: AtomType) -> Result<Self, ValueError> {
        let pairs = tagged(json, "map").map_err(|json| mismatch(&kind.to_string(), &json))?;
        let mut map = std::collections::BTreeMap::new();
        for pair in pairs {
            let [key, json] = two(pair).map_err(|pair| mismatch("pair", &pair))?;
            let found = excerpt(&key);
            let key = Atom::from_json(key, kind.key)?;
            if map.insert(key, Atom::from_json(json, value)?).is_some() {
                return Err(ValueError::Duplicate { found });
            }
        }
        Ok(Self::Map(map))
    }
}

/// Reads `["uuid", "…"]`.
pub(crate) fn uuid(json: &Value) -> Option<Uuid> {
    match json.as_array()?.as_slice() {
        [Value::String(tag), Value::String(text)] if tag == "uuid" => row_uuid(text),
        _ => None,
    }
}

/// Reads the 36 characters of RFC 7047 section 3.1 and none of the other spellings that `uuid`
/// takes.
pub(crate) fn row_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// The first part of a JSON text, for messages.
pub(crate) fn excerpt(json: &Value) -> String {
    const LONGEST: usize = 80;
    let text = json.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn mismatch(expected: &str, found: &Value) -> ValueError {
    ValueError::Mismatch { expected: expected.to_owned(), found: excerpt(found) }
}

/// The elements of `[tag, [elements]]`, or the JSON as it was.
fn tagged(json: Value, tag: &str) -> Result<Vec<Value>, Value> {
    match json {
        Value::Array(mut parts) if is_tagged(&parts, tag) => match parts.pop() {
            Some(Value::Array(elements)) => Ok(elements),
            _ => Err(Value::Array(parts)),
        },
        json => Err(json),
    }
}

fn is_tagged(parts: &[Value], tag: &str) -> bool {
    matches!(parts, [Value::String(found), Value::Array(_)] if found == tag)
}

fn two(json: Value) -> Result<[Value; 2], Value> {
    match json {
        Value::Array(parts) => <[Value; 2]>::try_from(parts).map_err(Value::Array),
        json => Err(json),
    }
}
