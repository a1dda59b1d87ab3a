//! What values look like in JSON, for documents and filters.
//!
//! A type says it of itself, once, and a declaration takes it from there: nothing else knows an attribute by its name.

use std::borrow::Cow;
use std::net::IpAddr;

use nucleon_net::{IpNet, IpRange, MacAddr};
use serde_json::{Map, Value};

use crate::rule::Rule;
use crate::time::Timestamp;

/// The JSON form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bool,
    Int,
    /// An integer that answers write as text.
    Digits,
    Text,
    /// One of a few texts.
    Word(&'static [&'static str]),
    /// A domain of DNS, with the dot at its end, or nothing.
    Domain,
    Uuid,
    Address,
    Prefix,
    AddressOrPrefix,
    Mac,
    /// A time as text.
    Time,
    List(&'static Shape),
    /// An object with these members.
    Object(&'static [(&'static str, Shape)]),
    /// An object of any content.
    Dict,
    /// That, or `null`; of members only, as attributes have a flag for it.
    Nullable(&'static Shape),
}

impl Shape {
    /// What a rule leaves of it.
    pub(crate) const fn under(self, rule: Rule) -> Self {
        match rule {
            Rule::OneOf(words) => Self::Word(words),
            Rule::DnsDomain => Self::Domain,
            _ => self,
        }
    }
}

/// A type of attributes' values.
pub trait Shaped {
    const SHAPE: Shape;

    /// The value as policy rules compare it (Python's text of it); `None` for what they do not look into.
    fn fact(&self) -> Option<Cow<'_, str>> {
        None
    }
}

impl<T: Shaped> Shaped for Option<T> {
    /// Whether `null` may stand there is the declaration's to say.
    const SHAPE: Shape = T::SHAPE;

    fn fact(&self) -> Option<Cow<'_, str>> {
        self.as_ref().and_then(Shaped::fact)
    }
}

impl Shaped for bool {
    const SHAPE: Shape = Shape::Bool;

    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(if *self { "True" } else { "False" }))
    }
}

impl Shaped for i64 {
    const SHAPE: Shape = Shape::Int;

    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Owned(self.to_string()))
    }
}

impl Shaped for String {
    const SHAPE: Shape = Shape::Text;

    fn fact(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self))
    }
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

macro_rules! shaped {
    ($($type:ty => $shape:expr;)*) => {$(
        impl $crate::shape::Shaped for $type {
            const SHAPE: $crate::shape::Shape = $shape;
        }
    )*};
}
pub(crate) use shaped;

shaped! {
    IpAddr => Shape::Address;
    IpNet => Shape::Prefix;
    MacAddr => Shape::Mac;
    Timestamp => Shape::Time;
    IpRange => Shape::Object(&[("start", Shape::Address), ("end", Shape::Address)]);
    Map<String, Value> => Shape::Dict;
}

#[cfg(test)]
mod tests;
