//! What values look like in JSON, for documents and filters.
//!
//! A type says it of itself, once, and a declaration takes it from there: nothing else knows an attribute by its name.

use std::net::IpAddr;

use nucleon_net::{IpNet, IpRange, MacAddr};
use serde_json::{Map, Value};

use crate::id::{AgentId, NetworkId, PortId, SegmentId, SubnetId, SubnetPoolId};
use crate::rule::Rule;
use crate::time::Timestamp;

/// The JSON form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bool,
    Int,
    Text,
    /// One of a few texts.
    Word(&'static [&'static str]),
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
            _ => self,
        }
    }
}

/// A type of attributes' values.
pub trait Shaped {
    const SHAPE: Shape;
}

impl<T: Shaped> Shaped for Option<T> {
    /// Whether `null` may stand there is the declaration's to say.
    const SHAPE: Shape = T::SHAPE;
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
    bool => Shape::Bool;
    i64 => Shape::Int;
    String => Shape::Text;
    NetworkId => Shape::Uuid;
    SubnetId => Shape::Uuid;
    SubnetPoolId => Shape::Uuid;
    PortId => Shape::Uuid;
    SegmentId => Shape::Uuid;
    AgentId => Shape::Uuid;
    IpAddr => Shape::Address;
    IpNet => Shape::Prefix;
    MacAddr => Shape::Mac;
    Timestamp => Shape::Time;
    IpRange => Shape::Object(&[("start", Shape::Address), ("end", Shape::Address)]);
    Map<String, Value> => Shape::Dict;
}

#[cfg(test)]
mod tests;
