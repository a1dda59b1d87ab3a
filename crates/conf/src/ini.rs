//! oslo.config's dialect of INI: text to assignments.
//!
//! `[group]` lines, `key = value` or `key: value` (whichever sign is first), `#` and `;` comments
//! on lines of their own only, lines that begin with a blank continue the value above, an empty
//! line ends it, and one pair of quotes around a whole value is dropped. The same key may come
//! again.

use std::sync::Arc;

use crate::Place;

/// One `key = value` of a text, with the number of its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) group: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// A `[group]` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupLine {
    pub(crate) group: String,
    pub(crate) line: usize,
}

/// What one text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ini {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) groups: Vec<GroupLine>,
    pub(crate) errors: Vec<(usize, SyntaxError)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyntaxError {
    #[error("'{0}' must end with ']'")]
    OpenGroup(String),
    #[error("the group has no name")]
    UnnamedGroup,
    #[error("'{0}' has neither '=' nor ':'")]
    NoSign(String),
    #[error("the option has no name")]
    UnnamedOption,
    #[error("option '{0}' stands before the first [group]")]
    NoGroup(String),
    #[error("the line begins with a blank but continues no value")]
    NothingToContinue,
}

impl Ini {
    /// Reads the whole text; a bad line is an error of its own and does not hide those after it.
    pub(crate) fn parse(text: &str) -> Self {
        let mut parser = Parser::default();
        // A byte order mark is what some editors leave at the start.
        for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            parser.line(index + 1, line.trim_end());
        }
        parser.finish_value();
        parser.ini
    }

    pub(crate) fn place(file: &Arc<str>, line: usize) -> Place {
        Place::File { file: Arc::clone(file), line }
    }
}

#[derive(Default)]
struct Parser {
    ini: Ini,
    group: Option<String>,
    /// The assignment whose value may still be continued.
    open: Option<Assignment>,
    /// Continuations of a line that was bad itself are bad with it, not errors of their own.
    skipping: bool,
}

impl Parser {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.finish_value();
        } else if line.starts_with([' ', '\t']) {
            self.continuation(number, line.trim_start());
        } else {
            self.finish_value();
            let outcome = if let Some(group) = line.strip_prefix('[') {
                self.group(number, group)
            } else if line.starts_with(['#', ';']) {
                Ok(())
            } else {
                self.assignment(number, line)
            };
            if let Err(error) = outcome {
                self.skipping = true;
                self.ini.errors.push((number, error));
            }
        }
    }

    fn continuation(&mut self, number: usize, rest: &str) {
        if let Some(open) = &mut self.open {
            open.value.push('\n');
            open.value.push_str(rest);
        } else if !self.skipping && !rest.starts_with(['#', ';']) {
            self.ini.errors.push((number, SyntaxError::NothingToContinue));
        }
    }

    fn group(&mut self, number: usize, rest: &str) -> Result<(), SyntaxError> {
        let name =
            rest.strip_suffix(']').ok_or_else(|| SyntaxError::OpenGroup(format!("[{rest}")))?;
        let group = normal_group(name.trim());
        if group.is_empty() {
            return Err(SyntaxError::UnnamedGroup);
        }
        self.ini.groups.push(GroupLine { group: group.clone(), line: number });
        self.group = Some(group);
        Ok(())
    }

    fn assignment(&mut self, number: usize, line: &str) -> Result<(), SyntaxError> {
        let (key, value) =
            line.split_once(['=', ':']).ok_or_else(|| SyntaxError::NoSign(line.to_owned()))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(SyntaxError::UnnamedOption);
        }
        let group = self.group.clone().ok_or_else(|| SyntaxError::NoGroup(key.to_owned()))?;
        let value = unquoted(value.trim()).to_owned();
        self.open = Some(Assignment { group, key: key.to_owned(), value, line: number });
        Ok(())
    }

    fn finish_value(&mut self) {
        self.skipping = false;
        self.ini.assignments.extend(self.open.take());
    }
}

/// Group names are compared without case, but for DEFAULT, as oslo.config does.
pub(crate) fn normal_group(name: &str) -> String {
    if name.eq_ignore_ascii_case("DEFAULT") { "DEFAULT".to_owned() } else { name.to_lowercase() }
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests;
