//! Programs started inside a namespace or a host, logging to files.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nucleon_obs::Clock;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::tools;

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Where this process is.
    Machine,
    /// In a network namespace.
    Netns(PathBuf),
    /// In the network, mounts and name of a host, by the process that holds them.
    Host(u32),
}

/// A program with its arguments, not started yet.
#[derive(Debug, Clone)]
pub struct Program {
    place: Place,
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, OsString)>,
}

/// A started program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    program: Program,
    log: PathBuf,
    child: Child,
    pid: Pid,
}

impl Place {
    pub fn program(&self, path: impl Into<PathBuf>) -> Program {
        Program {
            place: self.clone(),
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }
}

impl Program {
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the lab starts programs")]
    fn command(&self) -> Command {
        let mut command = match &self.place {
            Place::Machine => Command::new(&self.path),
            Place::Netns(path) => {
                let mut command = Command::new("nsenter");
                let mut net = OsString::from("--net=");
                net.push(path);
                command.arg(net).arg("--").arg(&self.path);
                command
            }
            Place::Host(pid) => {
                let mut command = Command::new("nsenter");
                command.args(["-t", &pid.to_string(), "-m", "-u", "-n", "--"]).arg(&self.path);
                command
            }
        };
        command
            .args(&self.arguments)
            // What runs in a lab does not depend on who started it.
            .env_clear()
            .env("PATH", tools::PATH)
            .env("LANG", "C.UTF-8")
            .env("RUST_BACKTRACE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            // Ctrl-C in a terminal is for the lab, which ends what it started in its order.
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end and returns what it printed.
    pub async fn run(&self) -> Result<String> {
        let output = self.command().output().await.with_context(|| self.text())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}: {}", self.text(), output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Like [`Program::run`], with `input` to read.
    pub async fn run_with(&self, input: &str) -> Result<String> {
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| self.text())?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await.with_context(|| self.text())?;
        }
        let output = child.wait_with_output().await.with_context(|| self.text())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{}: {}: {}\n{input}", self.text(), output.status, said.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts it; what it prints is appended to `log`.
    pub fn start(self, log: impl Into<PathBuf>) -> Result<Process> {
        let log = log.into();
        let (child, pid) = self.spawn(&log)?;
        Ok(Process { program: self, log, child, pid })
    }

    fn spawn(&self, log: &Path) -> Result<(Child, Pid)> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("open {}", log.display()))?;
        let mut command = self.command();
        command.stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| self.text())?;
        let pid = child.id().context("a process just started has no number")?;
        Ok((child, Pid::from_raw(pid.try_into()?)))
    }

    fn text(&self) -> String {
        let mut words = vec![self.path.to_string_lossy().into_owned()];
        words.extend(self.arguments.iter().map(|word| word.to_string_lossy().into_owned()));
        words.join(" ")
    }
}

impl Process {
    pub fn name(&self) -> String {
        self.program.name()
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log, lines)
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal; nothing happens when it is gone already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if self.child.id().is_none() {
            return Ok(());
        }
        match kill(self.pid, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno).with_context(|| format!("{signal} to {}", self.name())),
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub async fn kill(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.child.wait().await.with_context(|| format!("wait for {}", self.name()))?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    pub async fn terminate(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(patience).await
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let name = self.name();
        let status = tokio::time::timeout(patience, self.child.wait())
            .await
            .with_context(|| format!("{name} did not end within {patience:?}"))?;
        status.with_context(|| format!("wait for {name}"))
    }

    /// Starts it again after it has ended.
    pub fn start_again(&mut self) -> Result<()> {
        ensure!(!self.is_running(), "{} is still running", self.name());
        let (child, pid) = self.program.spawn(&self.log)?;
        (self.child, self.pid) = (child, pid);
        Ok(())
    }

    /// Waits until `ready` says so; fails at once, with the log, when the process ends before.
    pub async fn wait_ready(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let clock = Clock::system();
        let deadline = clock.mono() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            if ready() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let how = match status.signal() {
                    Some(signal) => format!("was ended by signal {signal}"),
                    None => format!("ended with {}", status.code().unwrap_or_default()),
                };
                bail!("{} {how}; its log ends:\n{}", self.name(), self.log_tail(20));
            }
            if clock.mono() >= deadline {
                let tail = self.log_tail(20);
                bail!("{} is not ready after {patience:?}; its log ends:\n{tail}", self.name());
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

/// The last lines of a file; empty where there is none.
pub fn tail(path: &Path, lines: usize) -> String {
    tail_where(path, lines, |_| true)
}

/// The last lines of a file that are `wanted`.
pub(crate) fn tail_where(path: &Path, lines: usize, wanted: impl Fn(&str) -> bool) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let wanted = text.lines().rev().filter(|line| wanted(line));
    let mut last: Vec<&str> = wanted.take(lines).collect();
    last.reverse();
    last.join("\n")
}

/// Resident memory of a process in KiB.
pub fn resident(pid: Pid) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_ascii_whitespace().next()?.parse().ok())
        .with_context(|| format!("{path} tells no resident memory"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("nucleon-lab-test-{}-{name}", std::process::id()))
    }

    #[tokio::test]
    async fn a_program_that_fails_says_what_it_said() {
        let program = Place::Machine.program("sh").args(["-c", "echo trouble >&2; exit 3"]);
        let error = program.run().await.unwrap_err().to_string();
        assert!(error.contains("trouble") && error.contains('3'), "{error}");
        assert_eq!(Place::Machine.program("cat").run_with("a word").await.unwrap(), "a word");
    }

    #[tokio::test]
    async fn a_process_is_killed_and_started_again() {
        let log = scratch("again.log");
        let program = Place::Machine.program("sh").args(["-c", "echo up; exec sleep 60"]);
        let mut process = program.start(&log).unwrap();
        let first = process.pid();
        process.wait_ready(PATIENCE, || tail(&log, 1) == "up").await.unwrap();
        assert!(process.start_again().is_err());
        process.kill().await.unwrap();
        assert!(!process.is_running());
        process.signal(Signal::SIGTERM).unwrap();
        process.start_again().unwrap();
        assert_ne!(process.pid(), first);
        assert_eq!(process.terminate(PATIENCE).await.unwrap().signal(), Some(15));
        fs::remove_file(&log).unwrap();
    }

    #[tokio::test]
    async fn waiting_for_what_has_ended_shows_its_log() {
        let log = scratch("ended.log");
        let program = Place::Machine.program("sh").args(["-c", "echo no such file; exit 64"]);
        let mut process = program.start(&log).unwrap();
        let error = process.wait_ready(PATIENCE, || false).await.unwrap_err().to_string();
        assert!(error.contains("ended with 64") && error.contains("no such file"), "{error}");
        fs::remove_file(&log).unwrap();
    }
}
