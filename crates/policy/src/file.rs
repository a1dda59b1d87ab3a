//! Files of rules, and looking at them again.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::compile::Override;
use crate::policy::{Options, Policy};
use crate::problem::{Place, Problem, Warning, Wrong};
use crate::yaml::read_rules;

/// The most that one file may hold. All of Neutron's rules, each overridden, take a tenth of it.
const MAX_SIZE: u64 = 1 << 20;

/// Where rules are written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// It need not be there.
    pub file: Option<PathBuf>,
    /// Directories whose files are read after it, by name. They need not be there either.
    pub directories: Vec<PathBuf>,
}

impl Paths {
    /// Looks for `file` and `directories` as oslo.config does: a relative path is looked for in each of `search`, the
    /// first where it is taken. One that is nowhere is expected in the first of them, so that it can come later.
    pub fn find(file: &Path, directories: &[PathBuf], search: &[PathBuf]) -> Self {
        let find = |path: &Path| {
            if path.is_absolute() {
                return Some(path.to_owned());
            }
            let mut candidates = search.iter().map(|directory| directory.join(path));
            let first = candidates.clone().next();
            candidates.find(|candidate| candidate.exists()).or(first)
        };
        Self {
            file: (!file.as_os_str().is_empty()).then(|| find(file)).flatten(),
            directories: directories.iter().filter_map(|directory| find(directory)).collect(),
        }
    }
}

/// Rules that cannot be used, with all that is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(pub Vec<Problem>);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "error" } else { "errors" };
        write!(f, "the policy has {count} {noun}:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unusable {}

/// What came of looking at the files again.
#[derive(Debug)]
pub enum Reload {
    /// Nothing to say: they are as they were, or still as bad as was said before.
    Unchanged,
    Changed {
        policy: Policy,
        warnings: Vec<Warning>,
    },
    /// They became bad. The rules from before stay in force. Said once.
    Bad(Unusable),
}

/// A policy from files, which can be looked at again.
#[derive(Debug)]
pub struct PolicyFile {
    paths: Paths,
    options: Options,
    policy: Policy,
    warnings: Vec<Warning>,
    seen: Vec<Stamp>,
    /// Whether the policy file was there for the rules in force.
    had_file: bool,
}

/// What lay under a path at some time; no state where nothing did.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    state: Option<State>,
}

/// What tells one state of a file from another. The time of the last change to the inode catches writes that put the
/// time of modification back.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let state = fs::metadata(&path).ok().map(|found| State {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        });
        Self { path, state }
    }
}

impl PolicyFile {
    /// Reads all files.
    ///
    /// # Errors
    /// What is wrong with them, all at once. A file that is not there is none.
    pub fn load(paths: Paths, options: Options) -> Result<Self, Unusable> {
        let seen = stamps(&paths);
        let (policy, warnings) = compiled(&paths, options.clone())?;
        let had_file = has_file(&paths, &seen);
        Ok(Self { paths, options, policy, warnings, seen, had_file })
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What was noticed when the rules in force were read.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Looks whether files have changed, and reads them again if so. Bad ones, and a policy file that is gone, leave the
    /// rules as they were: missing is not empty. A file without rules takes all of them back.
    pub fn reload_if_changed(&mut self) -> Reload {
        // Taken before reading: what is written meanwhile is seen the next time.
        let now = stamps(&self.paths);
        if now == self.seen {
            return Reload::Unchanged;
        }
        self.seen = now;
        let has_file = has_file(&self.paths, &self.seen);
        if let (true, false, Some(file)) = (self.had_file, has_file, &self.paths.file) {
            return Reload::Bad(Unusable(vec![whole(file, Wrong::Gone)]));
        }
        match compiled(&self.paths, self.options.clone()) {
            Ok((policy, warnings)) => {
                self.policy = policy.clone();
                self.warnings.clone_from(&warnings);
                self.had_file = has_file;
                Reload::Changed { policy, warnings }
            }
            Err(unusable) => Reload::Bad(unusable),
        }
    }
}

fn has_file(paths: &Paths, stamps: &[Stamp]) -> bool {
    let mut there = stamps.iter().filter(|stamp| stamp.state.is_some());
    paths.file.as_ref().is_some_and(|file| there.any(|stamp| stamp.path == *file))
}

fn compiled(paths: &Paths, options: Options) -> Result<(Policy, Vec<Warning>), Unusable> {
    let (overrides, mut problems) = read(paths);
    let outcome = Policy::compile(options, &overrides);
    problems.extend(outcome.problems);
    if problems.is_empty() {
        Ok((outcome.policy, outcome.warnings))
    } else {
        Err(Unusable(problems))
    }
}

fn read(paths: &Paths) -> (Vec<Override>, Vec<Problem>) {
    let (mut overrides, mut problems) = (Vec::new(), Vec::new());
    for path in
        paths.file.iter().cloned().chain(paths.directories.iter().flat_map(|dir| within(dir)))
    {
        let name = path.display().to_string();
        match text(&path) {
            Ok(None) => {}
            Ok(Some(text)) => {
                let (rules, wrong) = read_rules(&name, &text);
                overrides.extend(rules);
                problems.extend(wrong);
            }
            Err(what) => problems.push(whole(&path, what)),
        }
    }
    (overrides, problems)
}

fn whole(path: &Path, what: Wrong) -> Problem {
    let place = Place { file: path.display().to_string().into(), line: 0 };
    Problem { place: Some(place), rule: None, what }
}

/// The text of a file, `None` for one that is not there.
fn text(path: &Path) -> Result<Option<String>, Wrong> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Wrong::Unreadable(error.to_string())),
    };
    let mut text = String::new();
    file.take(MAX_SIZE + 1)
        .read_to_string(&mut text)
        .map_err(|error| Wrong::Unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_SIZE { Err(Wrong::TooLarge(MAX_SIZE)) } else { Ok(Some(text)) }
}

/// The files of a directory by name, without those that begin with a dot and without directories, as oslo.policy takes
/// them.
fn within(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .filter(|path| !path.is_dir())
        .collect();
    files.sort();
    files
}

fn stamps(paths: &Paths) -> Vec<Stamp> {
    let within = paths.directories.iter().flat_map(|directory| within(directory));
    let all = paths.file.iter().cloned().chain(within);
    all.map(Stamp::of).collect()
}

#[cfg(test)]
mod tests;
