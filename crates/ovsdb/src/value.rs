//! Atoms, sets and maps: the values of columns (RFC 7047 section 5.1).

mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use uuid::Uuid;

pub use self::json::ValueError;
pub(crate) use self::json::{Bounds, excerpt, row_uuid, uuid};

/// A finite real number. OVSDB has no infinities, and JSON could not carry them.
#[derive(Clone, Copy)]
pub struct Real(f64);

/// A row that this transaction inserts, by the name it has until the server gives it a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedUuid(pub(crate) u32);

/// One indivisible value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    Integer(i64),
    Real(Real),
    Boolean(bool),
    String(String),
    Uuid(Uuid),
    /// Only ever sent: what is read from a server names rows by UUID.
    Named(NamedUuid),
}

/// The value of a column.
///
/// A scalar is a set of one and an optional a set of at most one, as in RFC 7047 section 5.1, where
/// a set of one is written as its element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    Set(BTreeSet<Atom>),
    Map(BTreeMap<Atom, Atom>),
}

/// The five types of atoms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtomType {
    Integer,
    Real,
    Boolean,
    String,
    Uuid,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnType {
    pub key: AtomType,
    /// Present for maps.
    pub value: Option<AtomType>,
    pub min: usize,
    /// `None` is unlimited.
    pub max: Option<usize>,
}

impl Real {
    /// `None` for what is not finite. Minus zero becomes zero, so that equal numbers are the same
    /// value.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl fmt::Debug for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NamedUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row{}", self.0)
    }
}

impl Atom {
    /// The atom's type; a named UUID is a UUID.
    pub const fn kind(&self) -> AtomType {
        match self {
            Self::Integer(_) => AtomType::Integer,
            Self::Real(_) => AtomType::Real,
            Self::Boolean(_) => AtomType::Boolean,
            Self::String(_) => AtomType::String,
            Self::Uuid(_) | Self::Named(_) => AtomType::Uuid,
        }
    }
}

impl Datum {
    pub const fn empty_set() -> Self {
        Self::Set(BTreeSet::new())
    }

    pub const fn empty_map() -> Self {
        Self::Map(BTreeMap::new())
    }

    pub fn set<A: Into<Atom>>(atoms: impl IntoIterator<Item = A>) -> Self {
        Self::Set(atoms.into_iter().map(Into::into).collect())
    }

    pub fn map<K: Into<Atom>, V: Into<Atom>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Set(atoms) => atoms.len(),
            Self::Map(pairs) => pairs.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The only atom of a set of one.
    pub fn only(&self) -> Option<&Atom> {
        match self {
            Self::Set(atoms) if atoms.len() == 1 => atoms.first(),
            _ => None,
        }
    }

    pub(crate) fn atoms(&self) -> Box<dyn Iterator<Item = &Atom> + '_> {
        match self {
            Self::Set(atoms) => Box::new(atoms.iter()),
            Self::Map(pairs) => Box::new(pairs.iter().flat_map(|(key, value)| [key, value])),
        }
    }

    /// What this value becomes under the `modify` of an `update2` (ovsdb-server(7), 4.1.14).
    ///
    /// Columns of at most one element come as their new value. Larger sets come as the symmetric
    /// difference. Of maps, the pairs that only one side has, and for a key that both have, the new
    /// value.
    #[must_use]
    pub fn patched(&self, difference: Self, kind: &ColumnType) -> Self {
        if !kind.is_composite() {
            return difference;
        }
        match (self, difference) {
            (Self::Set(old), Self::Set(difference)) => {
                let mut new = old.clone();
                for atom in difference {
                    if !new.remove(&atom) {
                        new.insert(atom);
                    }
                }
                Self::Set(new)
            }
            (Self::Map(old), Self::Map(difference)) => {
                let mut new = old.clone();
                for (key, value) in difference {
                    if new.get(&key) == Some(&value) {
                        new.remove(&key);
                    } else {
                        new.insert(key, value);
                    }
                }
                Self::Map(new)
            }
            // Both sides were read by one type; a value of the other shape could only replace this
            // one.
            (_, difference) => difference,
        }
    }
}

impl AtomType {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Uuid => "uuid",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Integer, Self::Real, Self::Boolean, Self::String, Self::Uuid]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// The default of RFC 7047 section 5.2.1.
    pub fn default_atom(self) -> Atom {
        match self {
            Self::Integer => Atom::Integer(0),
            Self::Real => Atom::Real(Real(0.0)),
            Self::Boolean => Atom::Boolean(false),
            Self::String => Atom::String(String::new()),
            Self::Uuid => Atom::Uuid(Uuid::nil()),
        }
    }
}

impl ColumnType {
    /// Exactly one atom.
    pub const fn scalar(key: AtomType) -> Self {
        Self { key, value: None, min: 1, max: Some(1) }
    }

    /// No atom or one.
    pub const fn optional(key: AtomType) -> Self {
        Self { key, value: None, min: 0, max: Some(1) }
    }

    /// Any number of atoms.
    pub const fn set(key: AtomType) -> Self {
        Self { key, value: None, min: 0, max: None }
    }

    /// Any number of pairs.
    pub const fn map(key: AtomType, value: AtomType) -> Self {
        Self { key, value: Some(value), min: 0, max: None }
    }

    /// Whether it can hold more than one element: those are sent as differences.
    pub const fn is_composite(&self) -> bool {
        !matches!(self.max, Some(0 | 1))
    }

    /// The value of a column that an insert does not mention (RFC 7047 section 5.2.1).
    pub fn default_datum(&self) -> Datum {
        match (self.value, self.min) {
            (None, 0) => Datum::empty_set(),
            (None, _) => Datum::set([self.key.default_atom()]),
            (Some(_), 0) => Datum::empty_map(),
            (Some(value), _) => Datum::map([(self.key.default_atom(), value.default_atom())]),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "map of {} to {}", self.key.name(), value.name()),
            None if self.is_composite() => write!(f, "set of {}", self.key.name()),
            None if self.min == 0 => write!(f, "optional {}", self.key.name()),
            None => f.write_str(self.key.name()),
        }
    }
}

impl From<i64> for Atom {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Atom {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&str> for Atom {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Atom {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<&String> for Atom {
    fn from(value: &String) -> Self {
        Self::String(value.clone())
    }
}

impl From<Uuid> for Atom {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<NamedUuid> for Atom {
    fn from(value: NamedUuid) -> Self {
        Self::Named(value)
    }
}

impl From<Real> for Atom {
    fn from(value: Real) -> Self {
        Self::Real(value)
    }
}

impl<A: Into<Atom>> From<A> for Datum {
    fn from(atom: A) -> Self {
        Self::set([atom])
    }
}

impl<A: Into<Atom>> From<Option<A>> for Datum {
    fn from(atom: Option<A>) -> Self {
        Self::set(atom)
    }
}

impl From<&BTreeMap<String, String>> for Datum {
    fn from(pairs: &BTreeMap<String, String>) -> Self {
        Self::map(pairs)
    }
}

#[cfg(test)]
mod tests;
