//! Expression to text, as oslo.policy prints it in its refusals.

use std::fmt::{self, Display, Formatter, Write};

use super::Expr;
use super::check::{Check, Left};
use super::parse::is_quoted;
use super::template::{Part, Template};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_char('@'),
            Self::Never => f.write_char('!'),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::And(terms) => joined(f, terms, " and "),
            Self::Or(terms) => joined(f, terms, " or "),
            Self::Check(check) => check.fmt(f),
        }
    }
}

fn joined(f: &mut Formatter<'_>, terms: &[Expr], word: &str) -> fmt::Result {
    f.write_char('(')?;
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        term.fmt(f)?;
    }
    f.write_char(')')
}

impl Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Role(name) => write!(f, "role:{name}"),
            // Without the parentheses it would be read as one quoted text.
            Self::Same { left, right, .. } if is_quoted(&format!("{left}:{right}")) => {
                write!(f, "({left}:{right})")
            }
            Self::Same { left, right, .. } => write!(f, "{left}:{right}"),
            Self::Field { resource, name, value, .. } => {
                write!(f, "field:{resource}:{name}={value}")
            }
        }
    }
}

impl Display for Left {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => f.write_str(name),
            Self::Literal { written, .. } => f.write_str(written),
        }
    }
}

impl Display for Template {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for part in self.parts() {
            match part {
                Part::Text(text) => f.write_str(&text.replace('%', "%%"))?,
                Part::Value(name) => write!(f, "%({name})s")?,
            }
        }
        Ok(())
    }
}
