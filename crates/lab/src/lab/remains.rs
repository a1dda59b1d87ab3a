//! Taking a lab away, whoever made it: processes, namespaces, files.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nucleon_linux::NetnsDir;

use super::owner::Owner;
use super::{LabId, ROOT, buffers};

/// What a sweep took away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    pub labs: Vec<LabId>,
}

/// Held while labs are made and taken away.
pub(super) fn lock() -> Result<Flock<File>> {
    fs::create_dir_all(ROOT).with_context(|| format!("make {ROOT}"))?;
    let file = File::create(Path::new(ROOT).join(".lock")).context("lock the labs")?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).context("lock the labs")
}

/// Takes away what is left of labs whose process is no more. Labs of living processes stay.
pub fn sweep() -> Result<Swept> {
    let _lock = lock()?;
    let mut labs = HashSet::new();
    for entry in fs::read_dir(ROOT)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            labs.insert(LabId(name));
        }
    }
    // A namespace without a directory is what an interrupted removal leaves.
    let namespaces = NetnsDir::default().list()?;
    labs.extend(namespaces.iter().filter_map(|name| LabId::of_namespace(name.as_str())));

    let mut swept = Swept::default();
    for id in labs {
        let owner = Owner::read(&Path::new(ROOT).join(&id.0));
        if !owner.is_some_and(|owner| owner.is_alive()) {
            remove_locked(&id)?;
            swept.labs.push(id);
        }
    }
    swept.labs.sort();
    Ok(swept)
}

/// Ends the lab's processes, deletes its namespaces, then its files. Goes on past what fails.
pub(super) fn remove(id: &LabId) -> Result<()> {
    let _lock = lock()?;
    remove_locked(id)
}

fn remove_locked(id: &LabId) -> Result<()> {
    let mut failures = Vec::new();
    let mut note = |result: Result<()>| {
        if let Err(error) = result {
            failures.push(format!("{error:#}"));
        }
    };
    let dir = Path::new(ROOT).join(&id.0);
    note(end_processes(id, &dir));
    for name in NetnsDir::default().list()? {
        if LabId::of_namespace(name.as_str()).as_ref() == Some(id) {
            note(NetnsDir::default().delete_blocking(&name).map(drop).map_err(Into::into));
        }
    }
    match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            note(Err(error).with_context(|| format!("remove {}", dir.display())));
        }
        _ => {}
    }
    if is_last()? {
        note(buffers::restore(Path::new(ROOT)));
    }
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("; ")) }
}

fn is_last() -> Result<bool> {
    for entry in fs::read_dir(ROOT)? {
        if !entry?.file_name().to_string_lossy().starts_with('.') {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Kills every process in the lab's namespaces: only the lab puts processes there, and a process
/// that was started by one of them is found so as well.
fn end_processes(id: &LabId, dir: &Path) -> Result<()> {
    let mut places = Places::default();
    let directory = NetnsDir::default();
    for name in directory.list()? {
        if LabId::of_namespace(name.as_str()).as_ref() == Some(id) {
            places.add("net", &directory.path_of(&name))?;
        }
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if let Some(holder) = Owner::read(&entry.path()).filter(Owner::is_alive) {
            places.add("mnt", &Path::new("/proc").join(holder.pid.to_string()).join("ns/mnt"))?;
        }
    }
    places.kill().with_context(|| format!("end the processes of lab {id}"))
}

/// Namespaces, held open: the number of one that is gone is given to another.
#[derive(Debug, Default)]
pub(crate) struct Places {
    names: HashSet<String>,
    held: Vec<File>,
}

impl Places {
    /// Adds the namespace of `kind` at `path`, if there is one.
    pub(crate) fn add(&mut self, kind: &str, path: &Path) -> Result<()> {
        match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            opened => {
                let file = opened.with_context(|| format!("open {}", path.display()))?;
                self.names.insert(format!("{kind}:[{}]", file.metadata()?.ino()));
                self.held.push(file);
                Ok(())
            }
        }
    }

    /// Kills what runs there until nothing does.
    pub(crate) fn kill(&self) -> Result<()> {
        for _ in 0..300 {
            let found = self.processes()?;
            if found.is_empty() {
                return Ok(());
            }
            for pid in found {
                match kill(pid, Signal::SIGKILL) {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(errno) => return Err(errno).with_context(|| format!("kill {pid}")),
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("processes {:?} do not end", self.processes()?)
    }

    fn processes(&self) -> Result<Vec<Pid>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            if u32::try_from(pid) == Ok(std::process::id()) {
                continue;
            }
            let is_there = |kind: &str| {
                fs::read_link(entry.path().join("ns").join(kind))
                    .is_ok_and(|place| self.names.contains(&*place.to_string_lossy()))
            };
            if is_there("net") || is_there("mnt") {
                found.push(Pid::from_raw(pid));
            }
        }
        Ok(found)
    }
}
