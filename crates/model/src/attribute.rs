//! What is known of an attribute: the table that generic code walks.

use bitflags::bitflags;
use serde_json::Value;

use crate::rule::Rule;
use crate::shape::Shape;
use crate::stored::CellKind;

bitflags! {
    /// Where an attribute may be used.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// May be given on create.
        const POST = 1;
        /// May be given on update.
        const PUT = 1 << 1;
        /// May be filtered by.
        const FILTER = 1 << 2;
        /// May be sorted by.
        const SORT = 1 << 3;
        /// Is never shown.
        const HIDDEN = 1 << 4;
        /// Has policy rules of its own: `create_x:attr`, `update_x:attr`, `get_x:attr`.
        const GUARDED = 1 << 5;
        /// `null` is a value.
        const NULLABLE = 1 << 6;
        /// Policy needs it even when the answer does not show it.
        const FOR_POLICY = 1 << 7;
    }
}

/// What a create without the attribute means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// The attribute must be given.
    Required,
    /// The server decides; the request stays [`crate::Field::Absent`].
    Unset,
    Null,
    Bool(bool),
    Int(i64),
    Text(&'static str),
    EmptyList,
}

impl Default {
    /// Whether a request that gives `value` asks for what it would get anyway.
    pub fn is(self, value: &Value) -> bool {
        match self {
            Self::Required | Self::Unset => false,
            Self::Null => value.is_null(),
            Self::Bool(default) => value.as_bool() == Some(default),
            Self::Int(default) => value.as_i64() == Some(default),
            Self::Text(default) => value.as_str() == Some(default),
            Self::EmptyList => value.as_array().is_some_and(Vec::is_empty),
        }
    }
}

/// One attribute of one resource.
#[derive(Debug)]
pub struct Attribute {
    /// Name in the API, for example `provider:network_type`.
    pub name: &'static str,
    /// The extension that brings it, or the resource's own name for the core API.
    pub alias: &'static str,
    pub flags: Flags,
    pub rule: Rule,
    /// What its values look like, `null` apart.
    pub shape: Shape,
    pub default: Default,
    /// Column and its kind; `None` where the value is put together from elsewhere.
    pub column: Option<(&'static str, CellKind)>,
    /// Another attribute with the same value, for `tenant_id`.
    pub mirrors: Option<&'static str>,
    /// One line for the reference pages.
    pub doc: &'static str,
}

impl Attribute {
    pub const fn is(&self, flag: Flags) -> bool {
        self.flags.contains(flag)
    }
}

/// One resource of the API.
#[derive(Debug)]
pub struct ResourceDecl {
    /// As in request bodies: `port`.
    pub name: &'static str,
    /// As in paths and lists: `ports`.
    pub collection: &'static str,
    /// As in error texts and types: `Port` in `PortNotFound`.
    pub title: &'static str,
    pub table: &'static str,
    /// As in policy rules: `port`, `router_conntrack_helper`.
    pub ruled: &'static str,
    /// Below `/v2.0/`: `ports`, `security-groups`, `qos/policies`.
    pub path: &'static str,
    /// Error type and text of a refusal for want of the object; `{}` stands for its identifier.
    pub missing: (&'static str, &'static str),
    pub doc: &'static str,
    /// At most 64, so that a set of them is a word.
    pub attributes: &'static [Attribute],
}

impl ResourceDecl {
    /// Position and declaration of an attribute.
    pub fn find(&self, name: &str) -> Option<(usize, &'static Attribute)> {
        self.attributes.iter().enumerate().find(|(_, attribute)| attribute.name == name)
    }

    /// All attributes with the flags of `flags`.
    pub fn with(&self, flags: Flags) -> AttrSet {
        self.select(|attribute| attribute.is(flags))
    }

    /// All attributes that an answer may show.
    pub fn visible(&self) -> AttrSet {
        self.select(|attribute| !attribute.is(Flags::HIDDEN))
    }

    /// All attributes for which `wanted` holds.
    pub fn select(&self, wanted: impl Fn(&Attribute) -> bool) -> AttrSet {
        let mut set = AttrSet::default();
        for (index, attribute) in self.attributes.iter().enumerate() {
            if wanted(attribute) {
                set.insert(index);
            }
        }
        set
    }
}

/// A set of attributes of one resource, by position in its declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttrSet(u64);

impl AttrSet {
    pub const fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub const fn remove(&mut self, index: usize) {
        self.0 &= !(1 << index);
    }

    pub const fn contains(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |&index| self.contains(index))
    }
}

/// `flags!(POST FILTER)`: a union that is a constant.
macro_rules! flags {
    ($($flag:ident)*) => {
        $crate::attribute::Flags::empty()$(.union($crate::attribute::Flags::$flag))*
    };
}
pub(crate) use flags;
