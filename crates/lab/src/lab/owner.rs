//! Whose a lab or a host is: a process, told from a later one of the same number.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A process by its number, the moment it was started, and the boot that this counts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(super) pid: u32,
    started: u64,
    boot: String,
}

const FILE: &str = "owner";

impl Owner {
    pub(super) fn this_process() -> Result<Self> {
        Self::of(std::process::id()).context("this process is not in /proc")
    }

    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { pid, started: start_time(&stat)?, boot: boot.trim().to_owned() })
    }

    /// Writes it into the directory of what it owns.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let text = format!("{} {} {}\n", self.pid, self.started, self.boot);
        fs::write(dir.join(FILE), text)
            .with_context(|| format!("write the owner of {}", dir.display()))
    }

    /// `None` where none was written, or something else.
    pub(super) fn read(dir: &Path) -> Option<Self> {
        parse(&fs::read_to_string(dir.join(FILE)).ok()?)
    }

    pub(super) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

fn parse(text: &str) -> Option<Owner> {
    let mut words = text.split_ascii_whitespace();
    Some(Owner {
        pid: words.next()?.parse().ok()?,
        started: words.next()?.parse().ok()?,
        boot: words.next()?.to_owned(),
    })
}

/// Field 22 of `/proc/<pid>/stat`; the second is a name that may hold anything (proc(5)).
fn start_time(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_a_later_one_of_its_number_is_another() {
        let owner = Owner::this_process().unwrap();
        assert!(owner.is_alive());
        let text = format!("{} {} {}", owner.pid, owner.started, owner.boot);
        assert_eq!(parse(&text), Some(owner.clone()));
        assert!(!Owner { started: owner.started - 1, ..owner.clone() }.is_alive());
        assert!(!Owner { boot: "another".to_owned(), ..owner }.is_alive());
    }

    #[test]
    fn a_name_with_brackets_does_not_hide_the_start() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(start_time(stat), Some(4242));
    }
}
