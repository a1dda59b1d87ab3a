//! The directory that gives namespaces their names.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};
use tokio::task::spawn_blocking;

use super::Netns;
use crate::error::{Ensured, Error};
use crate::name::NetnsName;

/// A directory of named network namespaces; `/run/netns` unless told otherwise, the one that
/// `ip netns` uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetnsDir {
    path: PathBuf,
}

impl Default for NetnsDir {
    fn default() -> Self {
        Self { path: PathBuf::from("/run/netns") }
    }
}

impl NetnsDir {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub fn path_of(&self, name: &NetnsName) -> PathBuf {
        self.path.join(name.as_str())
    }

    /// Makes the namespace exist; its loopback is down as the kernel makes it.
    pub async fn create(&self, name: &NetnsName) -> Result<Ensured, Error> {
        let (dir, name) = (self.clone(), name.clone());
        let label = name.to_string();
        spawn_blocking(move || dir.create_blocking(&name))
            .await
            .map_err(|_| Error::JobPanicked { namespace: label })?
    }

    /// Takes the name away. The namespace itself goes with its last process, thread and socket.
    pub async fn delete(&self, name: &NetnsName) -> Result<Ensured, Error> {
        let (dir, name) = (self.clone(), name.clone());
        let label = name.to_string();
        spawn_blocking(move || dir.delete_blocking(&name))
            .await
            .map_err(|_| Error::JobPanicked { namespace: label })?
    }

    /// Enters an existing namespace.
    pub async fn open(&self, name: &NetnsName) -> Result<Netns, Error> {
        let path = self.path_of(name);
        if !is_namespace(&path) {
            // Opening the bare file that an interrupted creation left would fail with EINVAL,
            // which tells an operator nothing.
            return Err(failed("open", name)(io::Error::from_raw_os_error(libc::ENOENT)));
        }
        Netns::open_path(name.as_str(), &path).await
    }

    /// Creates the namespace if it is missing, and enters it.
    pub async fn ensure(&self, name: &NetnsName) -> Result<Netns, Error> {
        let _ = self.create(name).await?;
        self.open(name).await
    }

    pub fn exists(&self, name: &NetnsName) -> bool {
        is_namespace(&self.path_of(name))
    }

    /// The namespaces there are, sorted by name. A missing directory holds none.
    pub fn list(&self) -> io::Result<Vec<NetnsName>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().and_then(|n| NetnsName::new(n).ok());
            if let Some(name) = name.filter(|name| self.exists(name)) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// [`NetnsDir::create`] for callers without a runtime; takes some milliseconds.
    pub fn create_blocking(&self, name: &NetnsName) -> Result<Ensured, Error> {
        let path = self.path_of(name);
        let _lock = self.prepare().map_err(failed("prepare the directory of", name))?;
        if is_namespace(&path) {
            return Ok(Ensured::Unchanged);
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("name", name))?;
        if let Err(source) = mount_new_namespace(&path) {
            let _ = fs::remove_file(&path);
            return Err(failed("create", name)(source));
        }
        Ok(Ensured::Changed)
    }

    /// [`NetnsDir::delete`] for callers without a runtime, as in `Drop`.
    pub fn delete_blocking(&self, name: &NetnsName) -> Result<Ensured, Error> {
        let path = self.path_of(name);
        // EINVAL: a bare file, not mounted on; its name is in the way all the same.
        match umount2(&path, MntFlags::MNT_DETACH) {
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
            Err(errno) => return Err(failed("unmount", name)(errno.into())),
        }
        match fs::remove_file(&path) {
            Ok(()) => Ok(Ensured::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ensured::Unchanged),
            Err(error) => Err(failed("delete", name)(error)),
        }
    }

    /// The directory, shared with other mount namespaces as `ip netns` makes it, so that a
    /// namespace deleted here does not live on as a mount elsewhere. Locked against others who
    /// prepare it at the same time.
    fn prepare(&self) -> io::Result<Flock<File>> {
        fs::create_dir_all(&self.path)?;
        let lock = Flock::lock(File::open(&self.path)?, FlockArg::LockExclusive)
            .map_err(|(_, errno)| io::Error::from(errno))?;
        let share = || {
            let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
            mount(None::<&str>, &self.path, None::<&str>, flags, None::<&str>)
        };
        if share() == Err(Errno::EINVAL) {
            // Not a mount point yet.
            let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(Some(&self.path), &self.path, None::<&str>, flags, None::<&str>)?;
            share()?;
        }
        Ok(lock)
    }
}

fn failed(action: &'static str, name: &NetnsName) -> impl Fn(io::Error) -> Error {
    let namespace = name.to_string();
    move |source| Error::Namespace { action, namespace: namespace.clone(), source }
}

fn is_namespace(path: &Path) -> bool {
    statfs(path).is_ok_and(|stat| stat.filesystem_type() == NSFS_MAGIC)
}

/// Unshares on a thread made for it, since the calling thread has to stay where it is.
fn mount_new_namespace(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    let thread = thread::Builder::new().name("new-netns".to_owned()).spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let own = Some("/proc/thread-self/ns/net");
        mount(own, &path, None::<&str>, MsFlags::MS_BIND, None::<&str>)
    })?;
    thread.join().map_err(|_| io::Error::other("the thread that unshares panicked"))??;
    Ok(())
}
