//! `nucleon config`.

use std::io::Write;
use std::process::ExitCode;

use nucleon_conf::Settings;

use crate::cli::SourceArgs;
use crate::program::{refuse, sources};

pub(crate) fn sample() -> ExitCode {
    // A reader that has seen enough, such as `head`, is no failure.
    let _ = std::io::stdout().write_all(nucleon_conf::sample().as_bytes());
    ExitCode::SUCCESS
}

pub(crate) fn check(arguments: &SourceArgs) -> ExitCode {
    match Settings::load(&sources(arguments)) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("warning: {warning}");
            }
            eprintln!("the configuration is valid, with {} warnings", loaded.warnings.len());
            ExitCode::SUCCESS
        }
        Err(errors) => refuse(&errors),
    }
}
