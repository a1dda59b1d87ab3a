//! Where options come from, in order.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ini::{Ini, normal_group};
use crate::known::Known;
use crate::place::Place;
use crate::problem::{Problem, Warning};
use crate::values::{Value, Values};

/// What this machine gives as defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    pub hostname: String,
    /// Where state goes when no file says so.
    pub state_path: PathBuf,
}

/// Files and directories in the order given, and the environment: later ones win over earlier ones,
/// the environment over all.
#[derive(Debug, Clone)]
pub struct Sources {
    machine: Machine,
    inputs: Vec<Input>,
    environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
enum Input {
    File(PathBuf),
    Directory(PathBuf),
    Text { name: String, text: String },
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) values: Values,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
    sources: usize,
}

impl Machine {
    /// The kernel's host name; `/var/lib/nucleon` for root, else the user's state directory (XDG
    /// Base Directory).
    pub fn detect(environment: &BTreeMap<String, String>) -> Self {
        let hostname = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let hostname = match hostname.trim() {
            "" => "localhost".to_owned(),
            name => name.to_owned(),
        };
        Self { hostname, state_path: state_path(effective_uid() == Some(0), environment) }
    }
}

fn state_path(root: bool, environment: &BTreeMap<String, String>) -> PathBuf {
    let absolute = |name| environment.get(name).map(Path::new).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let user = absolute("XDG_STATE_HOME").map(Path::to_owned).or_else(home);
    match user {
        Some(user) if !root => user.join("nucleon"),
        _ => PathBuf::from("/var/lib/nucleon"),
    }
}

/// The second number of proc(5)'s `Uid:` line.
fn effective_uid() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

impl Sources {
    pub fn new(machine: Machine) -> Self {
        Self { machine, inputs: Vec::new(), environment: BTreeMap::new() }
    }

    /// `--config-file`
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::File(path.into()));
        self
    }

    /// `--config-dir`: its `*.conf`, by name.
    #[must_use]
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.inputs.push(Input::Directory(path.into()));
        self
    }

    /// A file's text that is at hand already, under the name that messages shall give it.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.inputs.push(Input::Text { name: name.into(), text: text.into() });
        self
    }

    /// Variables; those of the form `OS_<GROUP>__<OPTION>` are options.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// No file or directory at all: the defaults are those of one machine on its own, not
    /// Neutron's.
    pub fn is_standalone(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Where files are looked for that are named without a directory, as oslo.config does: in the
    /// configuration's directories, beside its files, then where Neutron keeps its own; of each, what
    /// was named last first. Nowhere without a configuration.
    pub(crate) fn search_path(&self) -> Vec<PathBuf> {
        let directories = self.inputs.iter().rev().filter_map(|input| match input {
            Input::Directory(path) => Some(path.clone()),
            Input::File(_) | Input::Text { .. } => None,
        });
        let beside = self.inputs.iter().rev().filter_map(|input| match input {
            Input::File(path) => path.parent().map(|parent| Path::new(".").join(parent)),
            Input::Directory(_) | Input::Text { .. } => None,
        });
        let last = (!self.is_standalone()).then(|| PathBuf::from("/etc/neutron"));
        let mut path: Vec<PathBuf> = Vec::new();
        for directory in directories.chain(beside).chain(last) {
            if !path.contains(&directory) {
                path.push(directory);
            }
        }
        path
    }

    pub(crate) fn gather(&self) -> Gathered {
        let mut gathered = Gathered::default();
        gathered.values.set_default("DEFAULT", "host", self.machine.hostname.clone());
        if self.is_standalone() {
            for (group, name, text) in crate::settings::STANDALONE {
                gathered.values.set_default(group, name, (*text).to_owned());
            }
            let state_path = self.machine.state_path.display().to_string();
            gathered.values.set_default("DEFAULT", "state_path", state_path);
        }
        for input in &self.inputs {
            match input {
                Input::File(path) => gathered.file(path),
                Input::Directory(path) => gathered.directory(path),
                Input::Text { name, text } => gathered.text(name, text),
            }
        }
        gathered.variables(&self.environment);
        gathered
    }
}

impl Gathered {
    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => self.text(&name, &text),
            Ok(Err(_)) => self.unreadable(&name, "not UTF-8 text"),
            Err(error) => self.unreadable(&name, &format!("cannot be read: {error}")),
        }
    }

    fn directory(&mut self, path: &Path) {
        match conf_files(path) {
            Ok(files) => files.iter().for_each(|file| self.file(file)),
            Err(error) => {
                let name = path.display().to_string();
                self.unreadable(&name, &format!("cannot be read: {error}"));
            }
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.sources += 1;
        let file: Arc<str> = name.into();
        let ini = Ini::parse(text);
        let known = Known::new();
        for (line, error) in ini.errors {
            let place = Some(Ini::place(&file, line));
            self.problems.push(Problem { place, option: None, message: error.to_string() });
        }
        for line in ini.groups {
            if let Some(message) = known.judge_group(&line.group) {
                let place = Some(Ini::place(&file, line.line));
                self.warnings.push(Warning { place, message });
            }
        }
        for assignment in ini.assignments {
            let place = Ini::place(&file, assignment.line);
            if let Some(message) = known.judge_option(&assignment.group, &assignment.key) {
                self.warnings.push(Warning { place: Some(place.clone()), message });
            }
            let value = Value { text: assignment.value, place, source: self.sources };
            self.values.add(&assignment.group, &assignment.key, value);
        }
    }

    fn variables(&mut self, environment: &BTreeMap<String, String>) {
        self.sources += 1;
        let known = Known::new();
        for (variable, text) in environment {
            let Some((group, option)) =
                variable.strip_prefix("OS_").and_then(|name| name.split_once("__"))
            else {
                continue;
            };
            let (group, option) = (normal_group(group), option.to_lowercase());
            let place = Place::Environment(variable.clone());
            if let Some(message) =
                known.judge_group(&group).or_else(|| known.judge_option(&group, &option))
            {
                self.warnings.push(Warning { place: Some(place.clone()), message });
            }
            let value = Value { text: text.clone(), place, source: self.sources };
            self.values.add(&group, &option, value);
        }
    }

    fn unreadable(&mut self, name: &str, message: &str) {
        let place = Some(Place::File { file: name.into(), line: 0 });
        self.problems.push(Problem { place, option: None, message: message.to_owned() });
    }
}

fn conf_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "conf") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_goes_to_the_system_for_root_and_to_the_user_s_directory_for_others() {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
        };
        let both = map(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")]);
        assert_eq!(state_path(true, &both), Path::new("/var/lib/nucleon"));
        assert_eq!(state_path(false, &both), Path::new("/s/nucleon"));
        let home = map(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]);
        assert_eq!(state_path(false, &home), Path::new("/h/.local/state/nucleon"));
        assert_eq!(state_path(false, &map(&[])), Path::new("/var/lib/nucleon"));
    }

    #[test]
    fn files_are_looked_for_where_the_configuration_is() {
        let machine = || Machine { hostname: String::new(), state_path: PathBuf::new() };
        let sources = Sources::new(machine());
        assert_eq!(sources.search_path(), Vec::<PathBuf>::new());
        let sources = sources
            .file("/usr/share/n/dist.conf")
            .file("/etc/n/n.conf")
            .file("/etc/n/more.conf")
            .directory("/etc/n/conf.d");
        let path = ["/etc/n/conf.d", "/etc/n", "/usr/share/n", "/etc/neutron"];
        assert_eq!(sources.search_path(), path.map(PathBuf::from));
        let relative = Sources::new(machine()).file("n.conf").text("t", "");
        assert_eq!(relative.search_path(), ["./", "/etc/neutron"].map(PathBuf::from));
    }

    #[test]
    fn this_machine_has_a_name_and_a_place_for_state() {
        let machine = Machine::detect(&BTreeMap::new());
        assert!(!machine.hostname.is_empty());
        assert!(machine.state_path.is_absolute());
    }
}
