//! What is asked about.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// The object of an operation. Rules ask for values by the names of the API's attributes, and for values of what the
/// object belongs to as `network:project_id`, `network:shared`, `security_group:project_id`, `ext_parent:project_id`.
pub trait Target {
    fn value(&self, name: &str) -> Lookup<'_>;
}

/// What a target knows under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    /// The attribute is there, without a value.
    Null,
    /// The target has no such attribute, or belongs to nothing of that kind.
    Missing,
    /// A value of what the target belongs to, which has not been fetched. The answer may be [`crate::Verdict::NeedsParent`].
    NotLoaded,
}

impl<'a> Lookup<'a> {
    /// A text that is there.
    pub const fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Writes the value as Python would, which is what `%(name)s` stands for in a rule. False where there is none.
    pub(crate) fn write(&self, out: &mut impl Write) -> Result<bool, fmt::Error> {
        match self {
            Self::Text(text) => out.write_str(text)?,
            Self::Bool(true) => out.write_str("True")?,
            Self::Bool(false) => out.write_str("False")?,
            Self::Int(number) => write!(out, "{number}")?,
            Self::Null => out.write_str("None")?,
            Self::Missing | Self::NotLoaded => return Ok(false),
        }
        Ok(true)
    }
}

/// A target without values, for rules that ask for none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTarget;

impl Target for NoTarget {
    fn value(&self, _: &str) -> Lookup<'_> {
        Lookup::Missing
    }
}

/// What an object can belong to, as rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// `network:…`, found by `network_id`.
    Network,
    /// `security_group:…`, found by `security_group_id`.
    SecurityGroup,
    /// `ext_parent:…`: the object under whose address a sub-resource lies, such as the policy of a QoS rule.
    Enclosing,
}

impl Parent {
    const ALL: [Self; 3] = [Self::Network, Self::SecurityGroup, Self::Enclosing];

    /// As in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::SecurityGroup => "security_group",
            Self::Enclosing => "ext_parent",
        }
    }

    /// The parent that a name such as `network:project_id` asks.
    pub fn asked_by(name: &str) -> Option<Self> {
        let (parent, _) = name.split_once(':')?;
        Self::ALL.into_iter().find(|known| known.as_str() == parent)
    }
}

/// The parents that a rule may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parents(u8);

impl Parents {
    pub const fn contains(self, parent: Parent) -> bool {
        self.0 & (1 << parent as u8) != 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn with(self, parent: Parent) -> Self {
        Self(self.0 | 1 << parent as u8)
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
