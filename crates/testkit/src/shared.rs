//! The servers that all test programs of a checkout share.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use crate::process::expect;
use crate::server::{lock, watch};

/// Seconds that a server outlives its last user: the next test program finds it running.
const PATIENCE: u32 = 15;

/// A server that this process uses; the lock says so to the watchdog until the process ends.
struct Use {
    ports: Vec<u16>,
    _users: Flock<File>,
}

static IN_USE: Mutex<Option<HashMap<&'static str, Option<Use>>>> = Mutex::new(None);

/// What test programs share: how to see that it is there, and how to start it.
pub(crate) trait Shared {
    fn name(&self) -> &'static str;

    /// Whether its programs are installed. Says so loudly where they are not.
    fn is_installed(&self) -> bool;

    /// Starts it in a directory of its own, notes its processes there for the watchdog, and returns once it serves.
    fn start(&self, directory: &Path) -> Result<Vec<u16>>;

    fn is_ready(&self, port: u16) -> bool;
}

/// The ports of a shared server, which is started if need be. `None` where it cannot be had.
pub(crate) fn ports(what: &dyn Shared) -> Option<Vec<u16>> {
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = in_use
        .get_or_insert_default()
        .entry(what.name())
        .or_insert_with(|| what.is_installed().then(|| expect(take(what))));
    known.as_ref().map(|server| server.ports.clone())
}

/// One place per checkout and user.
fn base() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let name = format!("nucleon-testkit-{}-{:08x}", Uid::effective(), hasher.finish() >> 32);
    std::env::temp_dir().join(name)
}

fn take(what: &dyn Shared) -> Result<Use> {
    let place = base().join(what.name());
    std::fs::create_dir_all(&place)?;
    let users_file = place.join("users.lock");
    // One at a time looks and starts; the watchdog holds the users' lock while it ends a server.
    let _starting = lock(&place.join("start.lock"), FlockArg::LockExclusive)?;
    let users = lock(&users_file, FlockArg::LockShared)?;
    let ports = match running(what, &place) {
        Some(ports) => ports,
        None => start(what, &place, &users_file)
            .with_context(|| format!("starting {} in {}", what.name(), place.display()))?,
    };
    Ok(Use { ports, _users: users })
}

/// The ports of the server that runs, if all of it answers.
fn running(what: &dyn Shared, place: &Path) -> Option<Vec<u16>> {
    let current = std::fs::read_to_string(place.join("current")).ok()?;
    let ports = std::fs::read_to_string(Path::new(current.trim()).join("ports")).ok()?;
    let ports: Vec<u16> =
        ports.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    (!ports.is_empty() && ports.iter().all(|port| what.is_ready(*port))).then_some(ports)
}

fn start(what: &dyn Shared, place: &Path, users_file: &Path) -> Result<Vec<u16>> {
    let directory = tempfile::Builder::new()
        .prefix("run-")
        .permissions(PermissionsExt::from_mode(0o755))
        .tempdir_in(place)?
        .keep();
    watch(users_file, &directory, PATIENCE)?;
    let ports = what.start(&directory)?;
    let text: Vec<String> = ports.iter().map(ToString::to_string).collect();
    std::fs::write(directory.join("ports"), text.join(" "))?;
    std::fs::write(place.join("current"), directory.as_os_str().as_encoded_bytes())?;
    Ok(ports)
}
