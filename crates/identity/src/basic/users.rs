//! The file of users and their passwords, as Apache's htpasswd writes it with `-B`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// How bcrypt's hashes begin.
const PREFIXES: [&str; 3] = ["$2y$", "$2a$", "$2b$"];

/// Users by name, with the hashes of their passwords.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Users {
    hashes: HashMap<String, Arc<str>>,
    /// For those who are not among them: finding that out shall take as long as a wrong password.
    decoy: Option<Arc<str>>,
}

/// A file that holds no users.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}:{line}: only bcrypt passwords are supported ({user}); htpasswd -B writes them", path.display())]
    NotBcrypt { path: PathBuf, line: usize, user: String },
}

/// By what a changed file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    file: (u64, u64),
}

impl Users {
    /// Reads a file, and tells by what it will be known as the same.
    pub(super) fn read(path: &Path) -> Result<(Self, Stamp), FileError> {
        let unreadable = |source| FileError::Unreadable { path: path.to_owned(), source };
        // Before its text: what changes in between is read again.
        let stamp = Stamp::of(path).map_err(unreadable)?;
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Ok((Self::parse(path, &text)?, stamp))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let mut users = Self::default();
        for (number, line) in text.lines().enumerate() {
            let Some((user, hash)) = line.trim().split_once(':') else { continue };
            if !PREFIXES.iter().any(|prefix| hash.starts_with(prefix)) {
                let (path, user) = (path.to_owned(), user.to_owned());
                return Err(FileError::NotBcrypt { path, line: number + 1, user });
            }
            let hash: Arc<str> = hash.into();
            users.decoy.get_or_insert_with(|| hash.clone());
            // The first line of a user counts.
            users.hashes.entry(user.to_owned()).or_insert(hash);
        }
        Ok(users)
    }

    pub(super) fn hash(&self, user: &str) -> Option<Arc<str>> {
        self.hashes.get(user).cloned()
    }

    pub(super) fn decoy(&self) -> Option<Arc<str>> {
        self.decoy.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.hashes.len()
    }
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path)?;
        Ok(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            file: (metadata.dev(), metadata.ino()),
        })
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Users({})", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$abcdefghijklmnopqrstuuMI5l6tOmLCtEhNg.Pk4kTTrv0uMC6uW";

    fn parse(text: &str) -> Result<Users, FileError> {
        Users::parse(Path::new("htpasswd"), text)
    }

    #[test]
    fn a_line_is_a_user_and_a_bcrypt_hash() {
        let text = format!("ann:{HASH}\n\n  bob:{HASH}  \nno colon here\nann:$2b$04$other\n");
        let users = parse(&text).unwrap();
        assert_eq!(users.hash("ann").as_deref(), Some(HASH));
        assert_eq!(users.hash("bob").as_deref(), Some(HASH));
        assert_eq!((users.hash("eve"), users.count()), (None, 2));
        assert_eq!(users.decoy().as_deref(), Some(HASH));
        assert_eq!(parse("").unwrap().decoy(), None);
    }

    #[test]
    fn other_hashes_are_refused_with_their_place() {
        for hash in ["$apr1$x$y", "{SHA}abc", "plain", ""] {
            let error = parse(&format!("ann:{HASH}\nbob:{hash}\n")).unwrap_err();
            let text = error.to_string();
            assert!(text.starts_with("htpasswd:2: only bcrypt") && text.contains("bob"), "{text}");
            assert!(hash.is_empty() || !text.contains(hash), "{text}");
        }
    }

    #[test]
    fn hashes_do_not_show() {
        assert_eq!(format!("{:?}", parse(&format!("ann:{HASH}")).unwrap()), "Users(1)");
    }

    #[test]
    fn a_file_that_was_changed_has_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("htpasswd");
        assert!(matches!(Users::read(&path), Err(FileError::Unreadable { .. })));
        std::fs::write(&path, format!("ann:{HASH}\n")).unwrap();
        let (_, before) = Users::read(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), before);
        // As htpasswd does it: another file takes its place.
        let other = directory.path().join("other");
        std::fs::write(&other, format!("bob:{HASH}\n")).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
    }
}
