//! What is wrong with rules, and what is merely worth a line.

use std::fmt;
use std::sync::Arc;

use crate::language::ParseError;

/// Where a rule was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<str>,
    /// Counts from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A rule that cannot be followed: it denies. Whoever starts with rules from files refuses to start instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `None` for a rule of this program.
    pub place: Option<Place>,
    pub rule: String,
    pub what: Wrong,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
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
        write!(f, "rule {}: {}", self.rule, self.what)
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
