//! Keystone, unmodified, with a database and fernet keys of its own.

mod admin;

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::http;
use crate::process::{command, expect, free_port, say_skipped, serve, wait_until};
use crate::server::{lock, note, watch};
use crate::shared::{self, Shared};

pub use self::admin::{Login, Scope};

/// What a Keystone of a test's own does otherwise than the shared one.
#[derive(Debug, Clone)]
pub struct KeystoneSettings {
    /// How long tokens hold.
    pub token_lifetime: Duration,
}

impl Default for KeystoneSettings {
    fn default() -> Self {
        Self { token_lifetime: Duration::from_hours(1) }
    }
}

/// A Keystone that answers on loopback, with the administrator `admin` (password [`Keystone::ADMIN_PASSWORD`]) in the
/// project `admin`, and the usual roles.
#[derive(Debug)]
pub struct Keystone {
    port: u16,
    own: Option<Own>,
    admin_token: Mutex<Option<String>>,
}

/// What a Keystone is made of that nobody else uses.
#[derive(Debug)]
struct Own {
    node: Node,
    child: Option<Child>,
    _users: Flock<File>,
    _temporary: TempDir,
}

impl Keystone {
    pub const ADMIN_PASSWORD: &'static str = "adminpass";

    /// The one that all test programs of a checkout share. Users and projects that a test makes in it should have
    /// names that no other test gives. `None`, said loudly, where it is not installed.
    pub fn shared() -> Option<Self> {
        let ports = shared::ports(&Recipe)?;
        ports.first().map(|port| Self::new(*port, None))
    }

    /// One of a test's own, to be killed and started again. `None`, said loudly, where it is not installed.
    pub fn start(settings: &KeystoneSettings) -> Option<Self> {
        Recipe.is_installed().then(|| expect(Self::try_start(settings)))
    }

    fn try_start(settings: &KeystoneSettings) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("nucleon-keystone-").tempdir()?;
        let directory = temporary.path().to_owned();
        let users_file = directory.join("users.lock");
        let users = lock(&users_file, FlockArg::LockShared)?;
        watch(&users_file, &directory, 1)?;
        let node = Node::install(&directory, settings)?;
        let child = node.start()?;
        let own = Own { node, child: Some(child), _users: users, _temporary: temporary };
        Ok(Self::new(own.node.port, Some(own)))
    }

    fn new(port: u16, own: Option<Own>) -> Self {
        Self { port, own, admin_token: Mutex::new(None) }
    }

    /// Without a version, as in `auth_url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once; connections break. (The shared one stays.)
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut child) = self.own.as_mut().and_then(|own| own.child.take()) else {
            return Ok(());
        };
        // With its workers, which are of its process group.
        killpg(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
        child.wait()?;
        Ok(())
    }

    /// Starts a killed one again, with all that it had.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        let own = self.own.as_mut().context("the shared Keystone is not ended")?;
        own.child = Some(own.node.start()?);
        self.admin_token = Mutex::new(None);
        Ok(())
    }
}

impl Drop for Keystone {
    fn drop(&mut self) {
        // The watchdog does what fails here.
        let _ = self.kill();
    }
}

/// How the shared Keystone is had.
struct Recipe;

impl Shared for Recipe {
    fn name(&self) -> &'static str {
        "keystone"
    }

    fn is_installed(&self) -> bool {
        let installed = venv().join("nucleon-packages").is_file();
        if !installed {
            say_skipped("keystone", "keystone (scripts/venv-keystone)");
        }
        installed
    }

    fn start(&self, directory: &Path) -> Result<Vec<u16>> {
        let node = Node::install(directory, &KeystoneSettings::default())?;
        node.start()?;
        Ok(vec![node.port])
    }

    fn is_ready(&self, port: u16) -> bool {
        is_ready(port)
    }
}

/// Where `scripts/venv-keystone` has put it.
fn venv() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
        .join("venv-keystone")
}

fn is_ready(port: u16) -> bool {
    // The listening socket is there before anybody who answers.
    let soon = Duration::from_secs(2);
    http::ask_within(soon, port, "GET", "/v3", &[], None).is_ok_and(|answer| answer.status == 200)
}

/// Where a Keystone keeps its things, and where it listens.
#[derive(Debug)]
struct Node {
    directory: PathBuf,
    port: u16,
}

impl Node {
    /// Gives a directory the database and the keys of a new cloud, and what configures Keystone and its server.
    fn install(directory: &Path, settings: &KeystoneSettings) -> Result<Self> {
        let node = Self { directory: directory.to_owned(), port: free_port()? };
        let seed = venv().join("seed");
        let keys = directory.join("fernet-keys");
        std::fs::DirBuilder::new().mode(0o700).create(&keys)?;
        copy(&seed.join("keystone.db"), &directory.join("keystone.db"))?;
        for key in std::fs::read_dir(seed.join("fernet-keys"))? {
            let key = key?;
            copy(&key.path(), &keys.join(key.file_name()))?;
        }
        std::fs::write(node.configuration(), node.options(settings))?;
        std::fs::write(node.server_file(), node.server_options())?;
        Ok(node)
    }

    fn configuration(&self) -> PathBuf {
        self.directory.join("keystone.conf")
    }

    fn log(&self) -> PathBuf {
        self.directory.join("keystone.log")
    }

    fn options(&self, settings: &KeystoneSettings) -> String {
        let (directory, port) = (self.directory.display(), self.port);
        let lifetime = settings.token_lifetime.as_secs();
        // Without a cache it takes a hundred times as long. In the memory of one process, nothing in it is outdated.
        format!(
            "[DEFAULT]\n\
             public_endpoint = http://127.0.0.1:{port}\n\
             [database]\n\
             connection = sqlite:///{directory}/keystone.db\n\
             [token]\n\
             provider = fernet\n\
             expiration = {lifetime}\n\
             [fernet_tokens]\n\
             key_repository = {directory}/fernet-keys\n\
             [fernet_receipts]\n\
             key_repository = {directory}/fernet-keys\n\
             [cache]\n\
             enabled = true\n\
             backend = dogpile.cache.memory\n\
             [identity]\n\
             password_hash_rounds = 4\n\
             [oslo_policy]\n\
             enforce_scope = true\n\
             enforce_new_defaults = true\n"
        )
    }

    /// Starts it and waits until it answers; notes its process for the watchdog.
    fn start(&self) -> Result<Child> {
        let child = serve(self.command(), &self.log())?;
        note(&self.directory, [&child])?;
        wait_until("Keystone", &self.log(), || is_ready(self.port))?;
        Ok(child)
    }

    fn command(&self) -> Command {
        let mut server = command(venv().join("bin/gunicorn"));
        server
            .arg(format!("--config={}", self.server_file().display()))
            .env("OS_KEYSTONE_CONFIG_FILES", self.configuration())
            .env("PYTHONWARNINGS", "ignore")
            .current_dir(&self.directory);
        server
    }

    fn server_file(&self) -> PathBuf {
        self.directory.join("gunicorn.conf.py")
    }

    fn server_options(&self) -> String {
        let (directory, port) = (self.directory.display(), self.port);
        // One request at a time: of two that read and then write, SQLite refuses one at once ("database is locked").
        // Keystone takes the command line for its own.
        format!(
            "import sys\n\
             del sys.argv[1:]\n\
             wsgi_app = 'keystone.wsgi.api:application'\n\
             bind = '127.0.0.1:{port}'\n\
             worker_class = 'gthread'\n\
             workers = 1\n\
             threads = 1\n\
             keepalive = 30\n\
             worker_tmp_dir = '{directory}'\n\
             control_socket_disable = True\n"
        )
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).map(drop).with_context(|| from.display().to_string())
}

#[cfg(test)]
mod tests;
