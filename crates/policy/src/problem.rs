//! What is wrong with rules, and what is merely worth a line.

use std::fmt;
use std::sync::Arc;

use crate::language::ParseError;

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<str>,
    /// Counts from 1; 0 stands for the file as a whole.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A rule that cannot be followed, and denies; or a file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `None` for a rule of this program.
    pub place: Option<Place>,
    /// `None` where a file is to blame.
    pub rule: Option<String>,
    pub what: Wrong,
}

/// What is wrong with a rule, or a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is gone")]
    Gone,
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    #[error("is not YAML: {0}")]
    Yaml(String),
    #[error("is not a mapping of rules to what they say")]
    NotMapping,
    #[error("a rule's name must be text")]
    Name,
    #[error("is given twice, first in line {0}")]
    Duplicate(usize),
    #[error("says nothing; write \"\" to allow everybody, \"!\" to allow nobody")]
    Empty,
    #[error("says neither text nor a list of lists of texts")]
    NotText,
    #[error("has a YAML tag; put quotes around what it says")]
    Tagged,
    #[error(transparent)]
    Text(#[from] ParseError),
    #[error("refers to the rule {0}, which is not there")]
    Undefined(String),
    #[error("refers to itself: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    #[error("refers to rules that refer to rules, deeper than {0}")]
    TooDeep(usize),
}

/// Something that does not hinder: a rule under a former name, one that nothing asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub place: Option<Place>,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        write!(f, "{}", self.what)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}
