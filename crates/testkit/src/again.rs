//! The test program, started again to be another process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::{command, expect};

/// Tells the process which part it plays.
const PART: &str = "NUCLEON_TEST_PART";

/// Lines that are meant for the parent start so; the test harness prints others.
const MARK: &str = "@ ";

/// Another process of this test program, running one of its tests. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts the test of this name, which calls [`part`] to learn what it is to do.
    pub fn again(test: &str, part: &str) -> Self {
        expect(Self::start(test, part))
    }

    fn start(test: &str, part: &str) -> Result<Self> {
        let mut program = command(std::env::current_exe()?);
        program.args(["--exact", test, "--nocapture"]).env(PART, part);
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = program.spawn().context("starting the test program again")?;
        let output = child.stdout.take().context("its output")?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let collected = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(MARK) {
                    collected.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
                }
            }
        });
        Ok(Self { child, lines, reader: Some(reader) })
    }

    /// What it has said so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said a line.
    pub fn wait_for(&self, line: &str) {
        let log = std::path::Path::new("/dev/null");
        let said = || self.lines().iter().any(|said| said == line);
        expect(crate::process::wait_until(&format!("{line:?} of the process"), log, said));
    }

    /// Sends a signal, such as `SIGSTOP`.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?)
    }

    /// `kill -9`. Answers with all that it had said.
    pub fn kill(mut self) -> Vec<String> {
        self.end();
        self.lines()
    }

    /// Lets it come to its end by itself, by closing its input. Answers with all that it said.
    pub fn finish(mut self) -> Vec<String> {
        drop(self.child.stdin.take());
        let status = expect(self.child.wait().context("waiting for the process"));
        assert!(status.success(), "the process failed: {status}");
        self.join();
        self.lines()
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.join();
    }

    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// In the process that was started again: its part. `None` in an ordinary test run.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// In that process: says a line to the parent.
pub fn say(line: &str) {
    use std::io::Write;
    let mut output = std::io::stdout().lock();
    // A parent that is gone ends this process by way of its input.
    let _ = output.write_all(format!("{MARK}{line}\n").as_bytes());
    let _ = output.flush();
}

/// In that process: returns when the parent closes its input, or is gone.
pub fn wait_for_the_end() {
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
}
