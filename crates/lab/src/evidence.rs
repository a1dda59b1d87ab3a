//! A failure that one can read: what was expected, what was seen, and what the hosts say.

use std::fmt::{self, Write};
use std::path::Path;

use crate::capture::Capture;
use crate::database::DatabaseServer;
use crate::host::Host;

/// Everything about a failure, for people.
#[derive(Debug)]
pub struct Evidence {
    expected: String,
    cause: anyhow::Error,
    sections: Vec<(String, String)>,
}

const LOG_LINES: usize = 25;

impl Evidence {
    /// What was expected, and the error that came instead.
    pub fn new(expected: impl Into<String>, cause: anyhow::Error) -> Self {
        Self { expected: expected.into(), cause, sections: Vec::new() }
    }

    #[must_use]
    pub fn capture(mut self, capture: &Capture) -> Self {
        self.sections.push((format!("capture of {}", capture.label()), capture.text(40)));
        self
    }

    #[must_use]
    pub fn text(mut self, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.sections.push((title.into(), text.into()));
        self
    }

    /// The ports and flows of a host's bridges, and the ends of its logs.
    #[must_use]
    pub async fn host(mut self, host: &Host) -> Self {
        let name = host.name();
        let switch = host.switch();
        let ports = switch.vsctl(&["--columns=name,tag", "-f", "table", "list", "Port"]).await;
        self.sections.push((format!("ports of {name}"), shown(ports)));
        let columns = "--columns=name,ofport,error,external_ids";
        let interfaces = switch.vsctl(&[columns, "-f", "table", "list", "Interface"]).await;
        self.sections.push((format!("interfaces of {name}"), shown(interfaces)));
        match switch.bridges().await {
            Ok(bridges) => {
                for bridge in bridges {
                    let flows = shown(switch.dump_flows(&bridge).await);
                    self.sections.push((format!("flows of {bridge} on {name}"), flows));
                }
            }
            Err(error) => self.sections.push((format!("bridges of {name}"), format!("{error:#}"))),
        }
        self.logs(host)
    }

    /// What a database server says of itself.
    #[must_use]
    pub async fn database(mut self, server: &DatabaseServer) -> Self {
        self.sections.push(("the database server".to_owned(), shown(server.report().await)));
        self
    }

    /// The ends of a host's logs.
    #[must_use]
    pub fn logs(mut self, host: &Host) -> Self {
        let name = host.name();
        for (path, tail) in host.logs(LOG_LINES) {
            let file = path.file_name().unwrap_or(Path::new("log").as_os_str()).to_string_lossy();
            self.sections.push((format!("{file} of {name}, its end"), tail));
        }
        self
    }
}

fn shown(result: anyhow::Result<String>) -> String {
    result.unwrap_or_else(|error| format!("not to be had: {error:#}"))
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "expected: {}", self.expected)?;
        write!(f, "   found: {}", self.cause.to_string().replace('\n', "\n          "))?;
        for cause in self.cause.chain().skip(1) {
            write!(f, "\n because: {}", cause.to_string().replace('\n', "\n          "))?;
        }
        for (title, text) in &self.sections {
            let mut body = String::new();
            for line in text.trim_end().lines() {
                let _ = write!(body, "\n    {line}");
            }
            write!(f, "\n  {title}:{body}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Evidence {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_reads_from_the_expectation_down() {
        let cause = anyhow::anyhow!("no route").context("no answer");
        let text = Evidence::new("vm1 reaches vm2", cause).text("ports", "one\ntwo\n").to_string();
        assert_eq!(
            text,
            "expected: vm1 reaches vm2\n   found: no answer\n because: no route\n  ports:\n\
             \x20   one\n    two"
        );
    }
}
