//! Where a value was written.

use std::fmt;
use std::sync::Arc;

/// A line of a file, or a variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `line` counts from 1; 0 stands for the file as a whole.
    File {
        file: Arc<str>,
        line: usize,
    },
    Environment(String),
    /// A default of this program.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: 0 } => f.write_str(file),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Default => f.write_str("default"),
        }
    }
}
