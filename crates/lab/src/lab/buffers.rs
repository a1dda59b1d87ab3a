//! Receive buffers of sockets, which are the machine's: raised with the first lab, put back with
//! the last.
//!
//! The userspace datapath reads its ports through packet sockets with buffers of the default size;
//! that of Linux overflows in bursts (40,000 TCP retransmissions in 3 s seen, none with this).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const DEFAULT: &str = "/proc/sys/net/core/rmem_default";
const MAX: &str = "/proc/sys/net/core/rmem_max";
const WANTED: [(&str, u64); 2] = [(MAX, 33_554_432), (DEFAULT, 16_777_216)];

fn saved(root: &Path) -> PathBuf {
    root.join(".buffers")
}

/// Raises what is lower, remembering what it was. The caller holds the lock of the labs.
pub(super) fn raise(root: &Path) -> Result<()> {
    let mut before = Vec::new();
    for (path, wanted) in WANTED {
        let value = read(path)?;
        if value < wanted {
            before.push(format!("{path} {value}\n"));
        }
    }
    if before.is_empty() {
        return Ok(());
    }
    if !saved(root).exists() {
        fs::write(saved(root), before.concat()).context("remember the machine's buffers")?;
    }
    for (path, wanted) in WANTED {
        if read(path)? < wanted {
            fs::write(path, wanted.to_string()).with_context(|| format!("write {path}"))?;
        }
    }
    Ok(())
}

/// Puts back what [`raise`] found. The caller holds the lock of the labs, and is the last.
pub(super) fn restore(root: &Path) -> Result<()> {
    let Ok(text) = fs::read_to_string(saved(root)) else { return Ok(()) };
    for line in text.lines() {
        if let Some((path, value)) = line.split_once(' ')
            && WANTED.iter().any(|(known, _)| *known == path)
        {
            fs::write(path, value).with_context(|| format!("write {path}"))?;
        }
    }
    fs::remove_file(saved(root)).context("forget the machine's buffers")
}

fn read(path: &str) -> Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    text.trim().parse().with_context(|| format!("{path} holds '{}'", text.trim()))
}
