//! Asking a rule.
//!
//! Three values (Kleene): a part that hangs on a value which is not there is open, and does not matter where
//! another part decides, on whichever side of it that one stands. Nothing is allocated, and the walk is as deep as
//! [`crate::policy`] has let rules be.

use std::fmt::{self, Write};

use crate::credentials::{Credentials, Held};
use crate::language::Part;
use crate::node::{Asker, Field, Node, Pieces};
use crate::policy::{Policy, Verdict};
use crate::target::{Lookup, Target};

/// What came out. The last two are open: neither true nor false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// It hangs on an owner who cannot be told, or on a rule that cannot be followed.
    Stuck,
    /// It hangs on a value that has not been fetched.
    Waits,
}

impl Truth {
    /// What is waited for comes first: it may decide.
    fn or_open(self, other: Self) -> Self {
        if other == Self::Waits { other } else { self }
    }
}

impl From<Truth> for Verdict {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::Allowed,
            Truth::No | Truth::Stuck => Self::Denied,
            Truth::Waits => Self::NeedsParent,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// One question to a policy.
pub(crate) struct Question<'a> {
    pub policy: &'a Policy,
    pub who: &'a Credentials,
    pub target: &'a dyn Target,
}

impl Question<'_> {
    pub(crate) fn ask(&self, node: &Node) -> Truth {
        match node {
            Node::Always => Truth::Yes,
            Node::Never => Truth::No,
            Node::Broken => Truth::Stuck,
            Node::Not(inner) => match self.ask(inner) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                open => open,
            },
            Node::All(terms) => self.first(terms, Truth::No, Truth::Yes),
            Node::Any(terms) => self.first(terms, Truth::Yes, Truth::No),
            Node::Rule(rule) => self.ask(self.policy.node(*rule)),
            Node::Role(role) => self.role(role),
            Node::Same { left, right, owner } => self.same(left, right, *owner),
            Node::Field(field) => self.field(field),
        }
    }

    /// `decides` where a term comes out so; open where one is; otherwise what all came out as.
    fn first(&self, terms: &[Node], decides: Truth, otherwise: Truth) -> Truth {
        let mut result = otherwise;
        for term in terms {
            match self.ask(term) {
                truth if truth == decides => return decides,
                open @ (Truth::Stuck | Truth::Waits) => result = open.or_open(result),
                Truth::Yes | Truth::No => {}
            }
        }
        result
    }

    fn role(&self, role: &Pieces) -> Truth {
        if let Pieces::Text(name) = role {
            return self.who.roles.iter().any(|held| same_role(held, name)).into();
        }
        any(self.who.roles.iter().map(|held| self.reads(&mut Folded::new(held), role)), false)
    }

    fn same(&self, left: &Asker, right: &Pieces, owner: bool) -> Truth {
        match left {
            Asker::Literal(text) => any([self.reads(&mut Exact(text), right)], owner),
            Asker::Nobody => Truth::Stuck,
            Asker::Credential(credential) => match credential.of(self.who) {
                Held::Text("") if owner => any([self.reads(&mut Nothing, right)], owner),
                Held::Text("") => Truth::No,
                Held::Text(text) => any([self.reads(&mut Exact(text), right)], owner),
                Held::Flag(flag) => {
                    any([self.reads(&mut Exact(if flag { "True" } else { "False" }), right)], owner)
                }
                Held::List(texts) => {
                    any(texts.iter().map(|text| self.reads(&mut Exact(text), right)), owner)
                }
            },
        }
    }

    /// Whether the template stands for the text that `left` holds.
    fn reads(&self, left: &mut impl Remainder, template: &Pieces) -> Reading {
        match template {
            Pieces::Text(text) => Reading::of(left.write_str(text).is_ok() && left.is_empty()),
            Pieces::Value(name) => match self.reads_value(left, name) {
                Reading::Equal => Reading::of(left.is_empty()),
                other => other,
            },
            Pieces::Many(parts) => {
                for part in parts {
                    let reading = match part {
                        Part::Text(text) => Reading::of(left.write_str(text).is_ok()),
                        Part::Value(name) => self.reads_value(left, name),
                    };
                    if reading != Reading::Equal {
                        return reading;
                    }
                }
                Reading::of(left.is_empty())
            }
        }
    }

    fn reads_value(&self, left: &mut impl Remainder, name: &str) -> Reading {
        let value = self.target.value(name);
        if value == Lookup::NotLoaded {
            return Reading::NotLoaded;
        }
        match value.write(left) {
            Ok(true) => Reading::Equal,
            Ok(false) => Reading::Missing,
            Err(fmt::Error) => Reading::Different,
        }
    }

    fn field(&self, field: &Field) -> Truth {
        let mut value = self.target.value(&field.name);
        if let (Lookup::Missing, Some(otherwise)) = (&value, &field.otherwise) {
            value = self.target.value(otherwise);
        }
        match (value, &field.pattern) {
            (Lookup::NotLoaded, _) => Truth::Waits,
            (Lookup::Text(text), Some(pattern)) => pattern.matches(&text).into(),
            (Lookup::Missing | Lookup::Null, _) | (_, Some(_)) => Truth::No,
            (Lookup::Text(text), None) => (*text == *field.text).into(),
            (Lookup::Bool(flag), None) => (field.flag == Some(flag)).into(),
            (Lookup::Int(number), None) => (field.number == Some(number)).into(),
        }
    }
}

/// How a template compares with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Equal,
    Different,
    /// The target does not have a value that is asked for, and never will.
    Missing,
    NotLoaded,
}

impl Reading {
    fn of(equal: bool) -> Self {
        if equal { Self::Equal } else { Self::Different }
    }
}

/// Whether one is equal. A check of an owner who cannot be told stays open: as under Neutron, it must not come out true
/// by standing under a `not`.
fn any(readings: impl IntoIterator<Item = Reading>, owner: bool) -> Truth {
    let mut result = Truth::No;
    for reading in readings {
        match reading {
            Reading::Equal => return Truth::Yes,
            Reading::NotLoaded => result = Truth::Waits,
            Reading::Missing if owner => result = Truth::Stuck.or_open(result),
            Reading::Missing | Reading::Different => {}
        }
    }
    result
}

/// What of a text has not been met yet by what was written: writing fails where it is something else.
trait Remainder: Write {
    fn is_empty(&mut self) -> bool;
}

struct Exact<'a>(&'a str);

impl Write for Exact<'_> {
    fn write_str(&mut self, written: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(written).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl Remainder for Exact<'_> {
    fn is_empty(&mut self) -> bool {
        self.0.is_empty()
    }
}

/// What no text equals: a value that is not there.
struct Nothing;

impl Write for Nothing {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl Remainder for Nothing {
    fn is_empty(&mut self) -> bool {
        false
    }
}

/// Without regard to case.
struct Folded<I>(I);

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

impl Folded<()> {
    fn new(text: &str) -> Folded<impl Iterator<Item = char> + '_> {
        Folded(folded(text))
    }
}

impl<I: Iterator<Item = char>> Write for Folded<I> {
    fn write_str(&mut self, written: &str) -> fmt::Result {
        for c in folded(written) {
            if self.0.next() != Some(c) {
                return Err(fmt::Error);
            }
        }
        Ok(())
    }
}

impl<I: Iterator<Item = char>> Remainder for Folded<I> {
    /// Asked once, at the end.
    fn is_empty(&mut self) -> bool {
        self.0.next().is_none()
    }
}

fn same_role(held: &str, named: &str) -> bool {
    held.eq_ignore_ascii_case(named)
        || (!(held.is_ascii() && named.is_ascii()) && folded(held).eq(folded(named)))
}
