//! Three-valued request fields.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a request says of an attribute: nothing, `null`, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// The key is not there: a default on create, no change on update.
    #[default]
    Absent,
    /// The key is there with `null`.
    Null,
    Value(T),
}

impl<T> Field<T> {
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the request names the attribute at all.
    pub const fn is_given(&self) -> bool {
        !self.is_absent()
    }

    pub fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    pub const fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Absent => Field::Absent,
            Self::Null => Field::Null,
            Self::Value(value) => Field::Value(value),
        }
    }

    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// Writes a given value to `target`; `null` becomes what `T` is by default.
    ///
    /// Returns whether `target` changed.
    pub fn apply(self, target: &mut T) -> bool
    where
        T: Default + PartialEq,
    {
        let new = match self {
            Self::Absent => return false,
            Self::Null => T::default(),
            Self::Value(value) => value,
        };
        let changed = *target != new;
        *target = new;
        changed
    }

    /// As [`Field::apply`] for a target that can itself be null.
    pub fn apply_nullable(self, target: &mut Option<T>) -> bool
    where
        T: PartialEq,
    {
        let new = match self {
            Self::Absent => return false,
            Self::Null => None,
            Self::Value(value) => Some(value),
        };
        let changed = *target != new;
        *target = new;
        changed
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::Null, Self::Value)
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Request {
        #[serde(default)]
        name: Field<String>,
    }

    #[test]
    fn absent_null_and_value_are_told_apart() {
        let name = |json| serde_json::from_str::<Request>(json).unwrap().name;
        assert_eq!(name("{}"), Field::Absent);
        assert_eq!(name(r#"{"name": null}"#), Field::Null);
        assert_eq!(name(r#"{"name": "a"}"#), Field::Value("a".to_owned()));
    }

    #[test]
    fn applying_says_whether_anything_changed() {
        let mut gateway = Some(4);
        assert!(!Field::Absent.apply_nullable(&mut gateway));
        assert!(!Field::Value(4).apply_nullable(&mut gateway));
        assert!(Field::Null.apply_nullable(&mut gateway));
        assert_eq!(gateway, None);
    }
}
