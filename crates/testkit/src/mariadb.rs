//! MariaDB, one server.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result};

use crate::process::{Account, command, find, free_port, run, wait_until};
use crate::tls::Tls;

pub(crate) const ACCOUNT: Account = Account("mysql");

/// The programs that it takes; the first that is missing is the error.
pub(crate) fn programs() -> Result<(), &'static str> {
    ["mariadbd", "mariadb-install-db", "mariadb"]
        .into_iter()
        .find(|program| find(program).is_none())
        .map_or(Ok(()), Err)
}

/// Where a server keeps its things, and where it listens.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
}

impl Node {
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        ACCOUNT.directory(directory)?;
        Ok(Self { directory: directory.to_owned(), port: free_port()? })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Fills the data directory.
    pub(crate) fn install(&self) -> Result<()> {
        let mut install = command(find("mariadb-install-db").context("mariadb-install-db")?);
        install.arg("--no-defaults").arg(format!("--datadir={}", self.data().display())).args([
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=16M",
        ]);
        // Temporary tables in a directory that others share have met.
        install.env("TMPDIR", &self.directory);
        ACCOUNT.run(install).map(drop)
    }

    /// The server's command line, as durable as in production.
    pub(crate) fn command(&self) -> Result<Command> {
        let mut server = command(find("mariadbd").context("mariadbd")?);
        server
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.directory.join("socket").display()))
            .arg(format!("--pid-file={}", self.directory.join("pid").display()))
            .arg(format!("--port={}", self.port))
            .args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-log-file-size=16M",
                "--innodb-buffer-pool-size=64M",
                "--innodb-flush-log-at-trx-commit=1",
                "--binlog-format=ROW",
                "--max-connections=500",
            ])
            .env("TMPDIR", &self.directory);
        let tls = Tls::place(&self.directory);
        if tls.certificate.is_file() {
            server
                .arg(format!("--ssl-cert={}", tls.certificate.display()))
                .arg(format!("--ssl-key={}", tls.key.display()))
                .arg(format!("--ssl-ca={}", tls.authority.display()));
        }
        Ok(server)
    }

    pub(crate) fn start(&self, server: Command) -> Result<Child> {
        let child = ACCOUNT.serve(server, &self.log())?;
        wait_until("mariadbd", &self.log(), || self.is_ready())?;
        Ok(child)
    }

    fn is_ready(&self) -> bool {
        is_ready(self.port)
    }
}

/// Whether the server at a port answers; a Galera node only when it is in step.
pub(crate) fn is_ready(port: u16) -> bool {
    let question = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS \
                    WHERE VARIABLE_NAME = 'wsrep_ready'";
    let on = "SELECT @@wsrep_on";
    match (sql(port, None, on), sql(port, None, question)) {
        (Ok(on), Ok(ready)) => on.trim() == "0" || ready.trim() == "ON",
        _ => false,
    }
}

pub(crate) fn sql(port: u16, database: Option<&str>, sql: &str) -> Result<String> {
    run(client(port, database, sql)?)
}

/// The client's command line for a statement.
pub(crate) fn client(port: u16, database: Option<&str>, sql: &str) -> Result<Command> {
    let mut client = command(find("mariadb").context("mariadb")?);
    client
        .args(["--no-defaults", "--user=root", "--host=127.0.0.1", "--batch"])
        .args(["--skip-column-names", "--connect-timeout=5"])
        .arg(format!("--port={port}"))
        .arg(format!("--execute={sql}"))
        .args(database);
    Ok(client)
}
