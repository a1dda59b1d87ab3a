//! Programs that a test starts, and that end with it.

use std::ffi::OsStr;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

/// A program that runs beside the test. Dropped, it is killed.
pub(crate) struct Running(Child);

#[expect(clippy::disallowed_methods, reason = "tests start the programs that they test against")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// A program inside a namespace.
pub(crate) fn inside(netns: &str, program: &str) -> Command {
    let mut command = command("ip");
    command.args(["netns", "exec", netns, program]);
    command
}

pub(crate) fn start(mut command: Command) -> Result<Running> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running(command.spawn().with_context(|| format!("{command:?}"))?))
}

/// What it prints, when it succeeds.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let complaint = String::from_utf8_lossy(&stderr);
    ensure!(status.success(), "{command:?}: {status}: {complaint}");
    Ok(String::from_utf8(stdout)?.trim_end().to_owned())
}

pub(crate) fn is_installed(program: &str) -> bool {
    let found = command("sh").args(["-c", &format!("command -v {program}")]).output();
    found.is_ok_and(|output| output.status.success())
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
