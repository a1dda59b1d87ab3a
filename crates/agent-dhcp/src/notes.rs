//! Which namespaces are ours, on disk: what is not noted here is not taken away.
//!
//! Neutron's agent keeps `dhcp/<network>/interface` with the name of the device; a host taken over
//! from it is known by that.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nucleon_linux::LinkName;
use nucleon_model::NetworkId;

use crate::error::Error;

/// The notes of one agent; they are few bytes each, so that reading and writing them does not hold
/// up the runtime.
#[derive(Debug)]
pub struct Notes {
    directory: PathBuf,
    noted: BTreeSet<NetworkId>,
}

const FILE: &str = "interface";

impl Notes {
    /// Reads the notes in `state_path`; a missing directory holds none.
    pub fn read(state_path: &Path) -> Result<Self, Error> {
        let directory = state_path.join("dhcp");
        let failed = |source| Error::Note { action: "read", path: directory.clone(), source };
        let mut noted = BTreeSet::new();
        match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(failed)?;
                    let name = entry.file_name();
                    let id = name.to_str().and_then(|name| name.parse::<NetworkId>().ok());
                    noted.extend(id.filter(|_| entry.path().join(FILE).exists()));
                }
            }
        }
        Ok(Self { directory, noted })
    }

    pub fn has(&self, network: NetworkId) -> bool {
        self.noted.contains(&network)
    }

    pub fn all(&self) -> impl Iterator<Item = NetworkId> {
        self.noted.iter().copied()
    }

    pub fn add(&mut self, network: NetworkId, device: &LinkName) -> Result<(), Error> {
        if self.has(network) {
            return Ok(());
        }
        let directory = self.directory.join(network.to_string());
        let written = fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join(FILE), device.as_str()));
        written.map_err(|source| Error::Note { action: "written", path: directory, source })?;
        self.noted.insert(network);
        Ok(())
    }

    pub fn remove(&mut self, network: NetworkId) -> Result<(), Error> {
        let directory = self.directory.join(network.to_string());
        match fs::remove_file(directory.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Note { action: "removed", path: directory, source: error });
            }
            _ => {}
        }
        // What others put there is theirs; the directory then stays.
        let _ = fs::remove_dir(&directory);
        self.noted.remove(&network);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::NETWORK;

    fn device() -> LinkName {
        LinkName::new("ns-1").unwrap()
    }

    #[test]
    fn a_note_outlives_the_agent_and_goes_when_it_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let mut notes = Notes::read(state.path()).unwrap();
        assert_eq!(notes.all().count(), 0);
        notes.add(NETWORK, &device()).unwrap();
        notes.add(NETWORK, &device()).unwrap();
        let mut again = Notes::read(state.path()).unwrap();
        assert!(again.has(NETWORK));
        again.remove(NETWORK).unwrap();
        again.remove(NETWORK).unwrap();
        assert!(!again.has(NETWORK));
        assert!(!Notes::read(state.path()).unwrap().has(NETWORK));
        assert!(!state.path().join("dhcp").join(NETWORK.to_string()).exists());
    }

    #[test]
    fn files_of_others_stay_and_are_no_notes() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("dhcp").join(NETWORK.to_string());
        fs::create_dir_all(&directory).unwrap();
        fs::create_dir_all(state.path().join("dhcp/not-a-network")).unwrap();
        fs::write(directory.join("leases"), "").unwrap();
        let mut notes = Notes::read(state.path()).unwrap();
        assert_eq!(notes.all().count(), 0);
        notes.add(NETWORK, &device()).unwrap();
        notes.remove(NETWORK).unwrap();
        assert!(directory.join("leases").exists());
        assert_eq!(Notes::read(state.path()).unwrap().all().count(), 0);
    }

    #[test]
    fn notes_that_cannot_be_read_are_an_error_and_not_no_notes() {
        let state = tempfile::tempdir().unwrap();
        fs::write(state.path().join("dhcp"), "a file").unwrap();
        let error = Notes::read(state.path()).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }
}
