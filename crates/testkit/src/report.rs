//! What a server of a test's own says of itself when a test has failed.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;
use nix::unistd::Pid;

use crate::database::Kind;
use crate::process::{patient, run, tail};
use crate::server::{Nodes, Server};
use crate::{mariadb, postgres};

/// Lines of each log.
const LOG_LINES: usize = 60;

/// How long a server that may hang is waited for, in seconds.
const PATIENCE: u32 = 5;

impl Server {
    /// The ends of the nodes' logs, what their threads do, and the statements that run, where a node still answers.
    pub fn report(&self) -> String {
        let mut text = String::new();
        for (number, log) in self.nodes.logs().into_iter().enumerate() {
            let _ = writeln!(text, "node {number}, the end of its log:\n{}", tail(&log, LOG_LINES));
            match self.pid(number) {
                Some(pid) => {
                    let _ = writeln!(text, "its threads, and where in the kernel they wait:");
                    text.push_str(&threads(pid));
                }
                None => text.push_str("it does not run\n"),
            }
            let port = self.ports().get(number).copied().unwrap_or_default();
            let activity = activity(self.kind(), port).unwrap_or_else(|error| format!("{error:#}"));
            // The client of MariaDB writes the newlines of a value so.
            let _ = writeln!(text, "what it does:\n{}", activity.replace("\\n", "\n").trim_end());
        }
        text
    }
}

impl Nodes {
    fn logs(&self) -> Vec<PathBuf> {
        match self {
            Self::MariaDb(node) => vec![node.log()],
            Self::Galera(members) => members.iter().map(|member| member.node.log()).collect(),
            Self::Postgres(node) => vec![node.log()],
        }
    }
}

/// The statements that run, by the server's own client.
fn activity(kind: Kind, port: u16) -> Result<String> {
    let client = match kind {
        Kind::Sqlite => return Ok(String::new()),
        Kind::MariaDb | Kind::Galera => {
            let question = "SHOW FULL PROCESSLIST; SHOW ENGINE INNODB STATUS";
            mariadb::client(port, None, question)?
        }
        Kind::Postgres => {
            let question =
                "SELECT pid, state, wait_event_type, wait_event, query FROM pg_stat_activity";
            postgres::client(port, None, question)?
        }
    };
    run(patient(&client, PATIENCE))
}

/// How many threads of each name wait at each place of the kernel.
fn threads(pid: Pid) -> String {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let what = format!("{} {}", read("comm").trim(), read("wchan").trim());
        *counts.entry(what).or_default() += 1;
    }
    counts.iter().fold(String::new(), |mut text, (what, count)| {
        let _ = writeln!(text, "  {count} {what}");
        text
    })
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{Signal, kill};

    use super::*;

    #[test]
    fn a_server_tells_of_itself_also_when_it_is_dead_or_hangs() {
        for kind in [Kind::MariaDb, Kind::Postgres] {
            let Some(mut server) = Server::start(kind) else { continue };
            let running = server.report();
            assert!(running.contains("ready"), "{running}");
            assert!(running.contains("Query") || running.contains("active"), "{running}");
            kill(server.pid(0).unwrap(), Signal::SIGSTOP).unwrap();
            let hanging = server.report();
            assert!(hanging.contains("exit status: 124"), "{hanging}");
            server.kill(0).unwrap();
            assert!(server.report().contains("it does not run"));
        }
    }
}
