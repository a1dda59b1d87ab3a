//! What can go wrong on the host.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nucleon_linux::LinkName;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Kernel(#[from] nucleon_linux::Error),
    #[error("the switch's database did not do it")]
    Database(#[from] nucleon_ovsdb::Error),
    #[error("the switch's database is away")]
    SwitchAway,
    #[error("there is no bridge '{bridge}'")]
    NoBridge { bridge: String },
    #[error("'{name}' on the switch is the port of '{holder}'")]
    NameTaken { name: LinkName, holder: String },
    #[error("the switch has made no device '{name}': {why}")]
    NoDevice { name: LinkName, why: String },
    #[error("the switch's database did not tell of our own change within {after:?}")]
    NoEcho { after: Duration },
    #[error("the database's host '{name}' is not found: {why}")]
    UnknownHost { name: String, why: String },
    /// What was done for many at once.
    #[error(transparent)]
    Together(Arc<Error>),
    #[error("{} cannot be {action}", path.display())]
    Note { action: &'static str, path: PathBuf, source: io::Error },
}

/// An error with its sources, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
