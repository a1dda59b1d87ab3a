//! What the machine itself does, measured in the same minute as the figure beside it.

pub mod commit;
pub mod cpu;
pub mod disk;
pub mod echo;
pub mod switch;

use std::path::Path;

use anyhow::Result;

use crate::report::Limit;

/// What the machine does now: its disk where `directory` is, and its processors.
pub async fn machine(directory: &Path) -> Result<Vec<Limit>> {
    let mut limits = disk::flushes(directory).await?;
    limits.extend(cpu::handover().await?);
    Ok(limits)
}
