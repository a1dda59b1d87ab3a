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

use crate::database::Kind;
use crate::process::{expect, skip};
use crate::server::{Nodes, lock, programs, watch};
use crate::{mariadb, postgres};

/// Seconds that a server outlives its last user: the next test program finds it running.
const PATIENCE: u32 = 15;

/// A server that this process uses; the lock says so to the watchdog until the process ends.
struct Use {
    ports: Vec<u16>,
    _users: Flock<File>,
}

static IN_USE: Mutex<Option<HashMap<Kind, Option<Use>>>> = Mutex::new(None);

/// The ports of the shared server of a kind, which is started if need be. `None` where it cannot be had.
pub(crate) fn ports(kind: Kind) -> Option<Vec<u16>> {
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    let known = in_use.get_or_insert_default().entry(kind).or_insert_with(|| {
        if let Err(missing) = programs(kind) {
            skip(kind.name(), missing);
            return None;
        }
        Some(expect(take(kind)))
    });
    known.as_ref().map(|server| server.ports.clone())
}

/// One place per checkout and user.
fn base() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let name = format!("nucleon-testkit-{}-{:08x}", Uid::effective(), hasher.finish() >> 32);
    std::env::temp_dir().join(name)
}

fn take(kind: Kind) -> Result<Use> {
    let place = base().join(kind.name());
    std::fs::create_dir_all(&place)?;
    let users_file = place.join("users.lock");
    // One at a time looks and starts; the watchdog holds the users' lock while it ends a server.
    let _starting = lock(&place.join("start.lock"), FlockArg::LockExclusive)?;
    let users = lock(&users_file, FlockArg::LockShared)?;
    let ports = match running(kind, &place) {
        Some(ports) => ports,
        None => start(kind, &place, &users_file)
            .with_context(|| format!("starting {kind} in {}", place.display()))?,
    };
    Ok(Use { ports, _users: users })
}

/// The ports of the server that runs, if all of it answers.
fn running(kind: Kind, place: &Path) -> Option<Vec<u16>> {
    let current = std::fs::read_to_string(place.join("current")).ok()?;
    let ports = std::fs::read_to_string(Path::new(current.trim()).join("ports")).ok()?;
    let ports: Vec<u16> =
        ports.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let ready = |port: &u16| match kind {
        Kind::Postgres => postgres::is_ready(*port),
        _ => mariadb::is_ready(*port),
    };
    (!ports.is_empty() && ports.iter().all(ready)).then_some(ports)
}

fn start(kind: Kind, place: &Path, users_file: &Path) -> Result<Vec<u16>> {
    let directory = tempfile::Builder::new()
        .prefix("run-")
        .permissions(PermissionsExt::from_mode(0o755))
        .tempdir_in(place)?
        .keep();
    watch(users_file, &directory, PATIENCE)?;
    let nodes = Nodes::install(kind, &directory)?;
    nodes.start_all(&directory)?;
    let ports = nodes.ports();
    let text: Vec<String> = ports.iter().map(ToString::to_string).collect();
    std::fs::write(directory.join("ports"), text.join(" "))?;
    std::fs::write(place.join("current"), directory.as_os_str().as_encoded_bytes())?;
    Ok(ports)
}
