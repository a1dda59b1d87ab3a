//! Text to expression.

use super::Expr;
use super::check::{Check, CheckError};

/// How deep parentheses and `not` may nest. The rules of a cloud need three; the bound keeps every walk over an
/// expression, recursive as it is, shallow.
pub const MAX_DEPTH: usize = 64;

/// Why a text is no rule, and where: `at` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct ParseError {
    pub at: usize,
    pub what: Fault,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    #[error("`{0}` stands where a check belongs")]
    NoCheckBefore(String),
    #[error("`{0}` follows a check without `and` or `or` between them")]
    NoOperatorBefore(String),
    #[error("the rule ends where a check belongs")]
    EndsEarly,
    #[error("the rule is blank; write \"\" to allow everybody, \"!\" to allow nobody")]
    Blank,
    #[error("this parenthesis is never closed")]
    NeverClosed,
    #[error("this parenthesis closes nothing")]
    NeverOpened,
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("a quoted text is no check")]
    Quoted,
    #[error(transparent)]
    Check(#[from] CheckError),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Quoted,
    Check(&'a str),
}

/// Parses a rule.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    if text.is_empty() {
        return Ok(Expr::Always);
    }
    let mut state = State { level: Level::opened_at(0), outer: Vec::new() };
    let parsed = words(text)
        .try_for_each(|(offset, word)| state.word(offset, word))
        .and_then(|()| state.finish(text.len()));
    // Offsets were counted in bytes.
    parsed.map_err(|error| {
        let before = text.get(..error.at).unwrap_or(text);
        ParseError { at: before.chars().count() + 1, ..error }
    })
}

/// Parses the form from before the language had operators: a list of lists of checks, any of which suffices when all
/// that it lists hold.
pub fn parse_lists<S: AsRef<str>>(lists: &[Vec<S>]) -> Result<Expr, ParseError> {
    if lists.is_empty() {
        return Ok(Expr::Always);
    }
    let mut any = Vec::new();
    for list in lists.iter().filter(|list| !list.is_empty()) {
        let checks = list.iter().map(|check| leaf(check.as_ref()).map_err(|what| fault(1, what)));
        any.push(joined(checks.collect::<Result<_, _>>()?, Expr::And));
    }
    Ok(if any.is_empty() { Expr::Never } else { joined(any, Expr::Or) })
}

fn fault(at: usize, what: impl Into<Fault>) -> ParseError {
    ParseError { at, what: what.into() }
}

fn leaf(text: &str) -> Result<Expr, CheckError> {
    match text {
        "@" => Ok(Expr::Always),
        "!" => Ok(Expr::Never),
        check => Check::parse(check).map(Expr::Check),
    }
}

/// A list of one is that one.
fn joined(mut terms: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        Some(last) => {
            terms.push(last);
            join(terms)
        }
        None => Expr::Never,
    }
}

/// What Python's `\s` splits at.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// The words of a text, each with its offset.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.trim_start_matches(is_blank);
        let offset = text.len() - word.len();
        let length = word.find(is_blank).unwrap_or(word.len());
        let (word, after) = word.split_at(length);
        rest = after;
        (!word.is_empty()).then_some((offset, word))
    })
}

/// What has been read within one pair of parentheses.
#[derive(Debug)]
struct Level {
    opened_at: usize,
    /// Finished operands of `or`.
    any: Vec<Expr>,
    /// Operands of the `and` that is being read.
    all: Vec<Expr>,
    /// How many `not` wait for their operand.
    negations: usize,
    /// Whether a check was read last, so that an operator comes next.
    after_check: bool,
}

impl Level {
    const fn opened_at(at: usize) -> Self {
        Self { opened_at: at, any: Vec::new(), all: Vec::new(), negations: 0, after_check: false }
    }

    fn operand(&mut self, mut operand: Expr) {
        for _ in 0..std::mem::take(&mut self.negations) {
            operand = Expr::Not(Box::new(operand));
        }
        self.all.push(operand);
        self.after_check = true;
    }

    fn end_of_and(&mut self) {
        self.any.push(joined(std::mem::take(&mut self.all), Expr::And));
    }

    fn into_expr(mut self) -> Expr {
        self.end_of_and();
        joined(self.any, Expr::Or)
    }
}

#[derive(Debug)]
struct State {
    level: Level,
    outer: Vec<Level>,
}

impl State {
    /// Takes a word apart: opening parentheses, what is between, closing ones.
    fn word(&mut self, at: usize, word: &str) -> Result<(), ParseError> {
        let inner = word.trim_start_matches('(');
        let opened = word.len() - inner.len();
        for index in 0..opened {
            self.token(at + index, Token::Open)?;
        }
        let clean = inner.trim_end_matches(')');
        let token = match clean {
            "" => None,
            and if and.eq_ignore_ascii_case("and") => Some(Token::And),
            or if or.eq_ignore_ascii_case("or") => Some(Token::Or),
            not if not.eq_ignore_ascii_case("not") => Some(Token::Not),
            // The quotes are looked for before the parentheses go, as oslo.policy does: `('a':'b')` is a check.
            _ if is_quoted(inner) => Some(Token::Quoted),
            check => Some(Token::Check(check)),
        };
        if let Some(token) = token {
            self.token(at + opened, token)?;
        }
        let closing_at = at + opened + clean.len();
        for index in 0..inner.len() - clean.len() {
            self.token(closing_at + index, Token::Close)?;
        }
        Ok(())
    }

    fn token(&mut self, at: usize, token: Token<'_>) -> Result<(), ParseError> {
        match token {
            Token::Open => {
                self.expects_check(at, "(")?;
                let outer = std::mem::replace(&mut self.level, Level::opened_at(at));
                self.outer.push(outer);
                self.deepened(at)?;
            }
            Token::Close => {
                if self.outer.is_empty() {
                    return Err(fault(at, Fault::NeverOpened));
                }
                self.expects_operator(at, ")")?;
                if let Some(outer) = self.outer.pop() {
                    let inner = std::mem::replace(&mut self.level, outer).into_expr();
                    self.level.operand(inner);
                }
            }
            Token::And | Token::Or => {
                self.expects_operator(at, if token == Token::And { "and" } else { "or" })?;
                if token == Token::Or {
                    self.level.end_of_and();
                }
                self.level.after_check = false;
            }
            Token::Not => {
                self.expects_check(at, "not")?;
                self.level.negations += 1;
                self.deepened(at)?;
            }
            Token::Quoted => return Err(fault(at, Fault::Quoted)),
            Token::Check(text) => {
                self.expects_check(at, text)?;
                let operand = leaf(text).map_err(|what| fault(at, what))?;
                self.level.operand(operand);
            }
        }
        Ok(())
    }

    fn expects_check(&self, at: usize, found: &str) -> Result<(), ParseError> {
        if self.level.after_check {
            return Err(fault(at, Fault::NoOperatorBefore(found.to_owned())));
        }
        Ok(())
    }

    fn expects_operator(&self, at: usize, found: &str) -> Result<(), ParseError> {
        if self.level.after_check {
            return Ok(());
        }
        Err(fault(at, Fault::NoCheckBefore(found.to_owned())))
    }

    fn deepened(&self, at: usize) -> Result<(), ParseError> {
        let levels = self.outer.iter().chain([&self.level]);
        let depth: usize = levels.map(|level| level.negations + 1).sum();
        if depth > MAX_DEPTH { Err(fault(at, Fault::TooDeep)) } else { Ok(()) }
    }

    fn finish(self, end: usize) -> Result<Expr, ParseError> {
        if !self.outer.is_empty() {
            return Err(fault(self.level.opened_at, Fault::NeverClosed));
        }
        if !self.level.after_check {
            let untouched =
                self.level.any.is_empty() && self.level.all.is_empty() && self.level.negations == 0;
            return Err(fault(end, if untouched { Fault::Blank } else { Fault::EndsEarly }));
        }
        Ok(self.level.into_expr())
    }
}

pub(super) fn is_quoted(word: &str) -> bool {
    word.len() >= 2
        && ['"', '\''].into_iter().any(|quote| word.starts_with(quote) && word.ends_with(quote))
}
