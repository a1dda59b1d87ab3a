//! The last view on disk, so that an agent restarted while the server is away goes on serving.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nucleon_model::view::Role;
use serde::{Deserialize, Serialize};

use crate::follower::Remembered;

/// The form of the file; another one is not read.
const FORMAT: u32 = 1;

/// The file of one role's view.
#[derive(Debug, Clone)]
pub struct ViewStore {
    path: PathBuf,
    role: Role,
    host: String,
}

/// Why there is no view to begin with. None of these means that the view is empty.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} is the view of {role} on '{host}', not this one's", path.display())]
    Foreign { path: PathBuf, role: Role, host: String },
}

/// A view that could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct SaveError {
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    format: u32,
    role: Role,
    host: String,
    /// Of the view: what was read is what was written.
    digest: u64,
    remembered: Remembered,
}

impl ViewStore {
    /// The file for a role in `state_path`, which may not exist yet.
    pub fn new(state_path: &Path, role: Role, host: impl Into<String>) -> Self {
        Self { path: state_path.join(format!("{role}.view.json")), role, host: host.into() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The view as it was last saved; `None` when there never was one.
    pub fn load(&self) -> Result<Option<Remembered>, LoadError> {
        let path = || self.path.clone();
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LoadError::Unreadable { path: path(), source }),
        };
        let damaged = |why: String| LoadError::Damaged { path: path(), why };
        let saved: Saved =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if saved.format != FORMAT {
            return Err(damaged(format!("its format is {}, not {FORMAT}", saved.format)));
        }
        if (saved.role, saved.host.as_str()) != (self.role, self.host.as_str()) {
            return Err(LoadError::Foreign { path: path(), role: saved.role, host: saved.host });
        }
        if saved.remembered.view.digest() != saved.digest {
            return Err(damaged("its digest does not match".into()));
        }
        Ok(Some(saved.remembered))
    }

    /// The bytes of the file for a view.
    pub fn encode(&self, remembered: Remembered) -> Result<Vec<u8>, SaveError> {
        let digest = remembered.view.digest();
        let (role, host) = (self.role, self.host.clone());
        serde_json::to_vec(&Saved { format: FORMAT, role, host, digest, remembered })
            .map_err(|error| self.failed(error.into()))
    }

    /// Puts the bytes in the place of the file. After a crash either the old or the new is there, whole.
    pub fn write(&self, bytes: &[u8]) -> Result<(), SaveError> {
        self.write_durably(bytes).map_err(|source| self.failed(source))
    }

    fn write_durably(&self, bytes: &[u8]) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let fresh = self.path.with_extension("json.new");
        let mut file = File::create(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(directory)?.sync_all()
    }

    fn failed(&self, source: io::Error) -> SaveError {
        SaveError { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use nucleon_model::view::{Change, Position, View};
    use uuid::Uuid;

    use super::*;
    use crate::samples::{network, port};

    fn remembered() -> Remembered {
        let mut view = View::default();
        view.apply(Change::Network(network(1, &[])));
        view.apply(Change::Port(port(1, 1, "h1")));
        Remembered { position: Position { epoch: Uuid::from_u128(1), seq: 7 }, highest: 9, view }
    }

    fn store(directory: &Path) -> ViewStore {
        ViewStore::new(&directory.join("made/when/needed"), Role::OvsAgent, "h1")
    }

    fn save(store: &ViewStore) {
        store.write(&store.encode(remembered()).unwrap()).unwrap();
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        assert_eq!(store.load().unwrap(), None);
        save(&store);
        save(&store);
        assert_eq!(store.load().unwrap(), Some(remembered()));
        let files = fs::read_dir(store.path().parent().unwrap()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside the file");
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_an_empty_view() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        save(&store);
        let whole = fs::read(store.path()).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        let other_port = text.replace("\"revision\":0", "\"revision\":3");
        assert_ne!(other_port, text);
        for bytes in [
            &b""[..],
            b"{}",
            b"null",
            &whole[..whole.len() / 2],
            other_port.as_bytes(),
            text.replace("\"format\":1", "\"format\":9").as_bytes(),
        ] {
            fs::write(store.path(), bytes).unwrap();
            assert!(matches!(store.load(), Err(LoadError::Damaged { .. })), "{bytes:?}");
        }
    }

    #[test]
    fn an_interrupted_write_leaves_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        save(&store);
        fs::write(store.path().with_extension("json.new"), b"half").unwrap();
        assert_eq!(store.load().unwrap(), Some(remembered()));
    }

    #[test]
    fn the_view_of_another_host_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        save(&store(path));
        let made = path.join("made/when/needed");
        let other = ViewStore::new(&made, Role::OvsAgent, "h2");
        assert!(matches!(other.load(), Err(LoadError::Foreign { .. })));
        assert_eq!(ViewStore::new(&made, Role::DhcpAgent, "h1").load().unwrap(), None);
    }
}
