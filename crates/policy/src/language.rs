//! The language of rules, as oslo.policy has it.
//!
//! ```text
//!   rule   = or                     the empty text allows everybody
//!   or     = and { "or" and }
//!   and    = not { "and" not }
//!   not    = "not" not | "(" or ")" | check
//!   check  = "@" | "!" | kind ":" match
//! ```
//!
//! Words are set apart by blanks; `and`, `or` and `not` may be written in capitals. Parentheses are taken off the ends
//! of words only, so that `%(name)s` stays whole.

mod check;
mod parse;
mod print;
mod template;

pub use self::check::{Check, CheckError, Left, Pattern};
pub use self::parse::{Fault, MAX_DEPTH, ParseError, parse, parse_lists};
pub use self::template::{Part, Template, TemplateError};

/// A rule, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `@`, and the empty text.
    Always,
    /// `!`.
    Never,
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Check(Check),
}

#[cfg(test)]
mod tests;
