//! One check: `kind:match`.

use regex::{Regex, RegexBuilder};

use super::template::{Template, TemplateError};
use crate::credentials::Credential;

/// The most that a compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 1 << 18;

/// One check of a rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// `rule:name`: what another rule says.
    Rule(String),
    /// `role:name`: the caller has the role.
    Role(Template),
    /// `left:match`: both are the same text. `owner` where a match that cannot be made is neither true nor false, as
    /// Neutron has it for projects: there the request fails, also under `not`.
    Same { left: Left, right: Template, owner: bool },
    /// `field:resource:name=value`: the target's attribute has the value.
    Field { resource: String, name: String, value: String, pattern: Option<Pattern> },
}

/// What stands before the colon of a check that compares.
#[derive(Debug, Clone, PartialEq)]
pub enum Left {
    /// A value of the credentials, by its name. One that credentials do not have matches nothing.
    Credential(String),
    /// `'x'`, `True`, `None`, `7`: the text, and how it was written.
    Literal { text: String, written: String },
}

/// Why a word is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    #[error("`{0}` is no check: it has no colon")]
    NoColon(String),
    #[error("`{0}` names nothing before its colon")]
    NoKind(String),
    #[error("`{0}` asks another server, which is not supported: rules are decided here")]
    Remote(String),
    #[error("`{0}` is no check of a field: it is written field:resource:attribute=value")]
    Field(String),
    #[error("`{0}` is no literal: those are 'text', True, False, None and whole numbers")]
    Literal(String),
    #[error("`{pattern}` is no pattern: {reason}")]
    Pattern { pattern: String, reason: String },
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Check {
    pub(super) fn parse(text: &str) -> Result<Self, CheckError> {
        let (kind, right) =
            text.split_once(':').ok_or_else(|| CheckError::NoColon(text.to_owned()))?;
        Ok(match kind {
            "" => return Err(CheckError::NoKind(text.to_owned())),
            "http" | "https" => return Err(CheckError::Remote(text.to_owned())),
            "rule" => Self::Rule(right.to_owned()),
            "role" => Self::Role(Template::parse(right)?),
            "field" => Self::field(text, right)?,
            _ => Self::Same {
                left: Left::parse(kind)?,
                right: Template::parse(right)?,
                owner: matches!(kind, "project_id" | "tenant_id"),
            },
        })
    }

    fn field(text: &str, right: &str) -> Result<Self, CheckError> {
        let (resource, rest) =
            right.split_once(':').ok_or_else(|| CheckError::Field(text.to_owned()))?;
        let (name, value) =
            rest.split_once('=').ok_or_else(|| CheckError::Field(text.to_owned()))?;
        if resource.is_empty() || name.is_empty() {
            return Err(CheckError::Field(text.to_owned()));
        }
        let pattern = value.strip_prefix('~').map(Pattern::new).transpose()?;
        let [resource, name, value] = [resource, name, value].map(str::to_owned);
        Ok(Self::Field { resource, name, value, pattern })
    }
}

impl Left {
    fn parse(kind: &str) -> Result<Self, CheckError> {
        let not_literal = || CheckError::Literal(kind.to_owned());
        let literal =
            |text: &str| Self::Literal { text: text.to_owned(), written: kind.to_owned() };
        Ok(match kind.chars().next() {
            Some(quote @ ('\'' | '"')) => {
                let inner = kind.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
                let plain = inner.filter(|text| !text.contains([quote, '\\']));
                literal(plain.ok_or_else(not_literal)?)
            }
            Some('0'..='9' | '-' | '+' | '.' | '[' | '{') => {
                let number: i64 = kind.parse().map_err(|_| not_literal())?;
                // Only as Python would write it; `007` is no number there.
                if number.to_string() != kind {
                    return Err(not_literal());
                }
                literal(kind)
            }
            _ if matches!(kind, "True" | "False" | "None") => literal(kind),
            _ => Self::Credential(kind.to_owned()),
        })
    }

    /// The value of the credentials that is meant, if they have such a one.
    pub(crate) fn credential(&self) -> Option<Credential> {
        match self {
            Self::Credential(name) => Credential::named(name),
            Self::Literal { .. } => None,
        }
    }
}

/// A regular expression that matches from the start of a text, in time linear in its length.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, CheckError> {
        let built = RegexBuilder::new(text).size_limit(PATTERN_SIZE).build();
        built.map(Self).map_err(|error| CheckError::Pattern {
            pattern: text.to_owned(),
            reason: reason(&error),
        })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.find(text).is_some_and(|found| found.start() == 0)
    }
}

/// The library draws the place over several lines; the last says what is wrong.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
