//! Finding and starting programs.

use std::fs::File;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

/// A program to be started.
#[expect(clippy::disallowed_methods, reason = "this is where testkit starts programs")]
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    Command::new(program.as_ref())
}

/// Where a program is: in `PATH`, where Debian keeps servers, or where it keeps PostgreSQL's (the newest).
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    places.extend(versions.into_iter().rev().map(|(_, place)| place));
    places.into_iter().map(|place| place.join(program)).find(|file| file.is_file())
}

/// Servers refuse to run as root, and Galera's state transfer fails so: they get an account of their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(pub(crate) &'static str);

impl Account {
    fn ids(self) -> Result<Option<(u32, u32)>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let user = User::from_name(self.0)?.with_context(|| format!("no account {}", self.0))?;
        Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
    }

    /// Makes a directory that belongs to it.
    pub(crate) fn directory(self, path: &Path) -> Result<()> {
        std::fs::create_dir_all(path)?;
        if let Some((uid, gid)) = self.ids()? {
            chown(path, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// A copy of a file that belongs to it, and that nobody else reads.
    pub(crate) fn copy(self, from: &Path, to: &Path) -> Result<()> {
        std::fs::copy(from, to).with_context(|| from.display().to_string())?;
        std::fs::set_permissions(to, PermissionsExt::from_mode(0o600))?;
        if let Some((uid, gid)) = self.ids()? {
            chown(to, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    fn apply(self, command: &mut Command) -> Result<()> {
        if let Some((uid, gid)) = self.ids()? {
            command.uid(uid).gid(gid);
        }
        Ok(())
    }

    /// Runs a program to its end.
    pub(crate) fn run(self, mut command: Command) -> Result<String> {
        self.apply(&mut command)?;
        run(command)
    }

    /// Starts a server that outlives this process; a watchdog ends it. Its output goes to a file.
    pub(crate) fn serve(self, mut command: Command, log: &Path) -> Result<Child> {
        self.apply(&mut command)?;
        serve(command, log)
    }
}

pub(crate) fn serve(mut command: Command, log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // Ctrl-C is for the tests; the watchdog sees when they are gone.
    command.process_group(0);
    command.spawn().with_context(|| format!("{command:?}"))
}

pub(crate) fn run(mut command: Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .current_dir("/")
        .output()
        .with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The same, ended after some seconds: for a server that may hang. Its exit status is 124 then.
pub(crate) fn patient(command: &Command, seconds: u32) -> Command {
    let mut limited = self::command("timeout");
    limited.arg(seconds.to_string()).arg(command.get_program()).args(command.get_args());
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    limited.envs(set);
    limited
}

/// A port of loopback that nobody has just now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Asks until the answer is yes. Shows the end of the log if it never is.
pub(crate) fn wait_until(what: &str, log: &Path, ready: impl Fn() -> bool) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(50);
    const PATIENCE: u32 = 1200;
    for _ in 0..PATIENCE {
        if ready() {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    bail!("{what} did not come up; its log ends:\n{}", tail(log, 30))
}

/// The last lines of a file; nothing where it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.reverse();
    last.join("\n")
}

/// A set-up that fails is the test's failure.
pub(crate) fn expect<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("what the test needs cannot be made: {error:#}"),
    }
}

/// Says that a kind of database is not tested, or fails where it must be.
pub(crate) fn skip(what: &str, missing: &str) {
    let required = std::env::var_os("NUCLEON_REQUIRE_DATABASES").is_some_and(|value| value == "1");
    assert!(!required, "{what} cannot be tested: {missing} is not installed");
    say_skipped(what, missing);
}

/// Says that something is not tested.
pub(crate) fn say_skipped(what: &str, missing: &str) {
    eprintln!("SKIPPED: {what} is not tested, {missing} is not installed");
}
