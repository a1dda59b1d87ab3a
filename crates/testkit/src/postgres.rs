//! PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use anyhow::{Context, Result};

use crate::process::{Account, command, find, free_port, run, wait_until};
use crate::tls::Tls;

pub(crate) const ACCOUNT: Account = Account("postgres");

pub(crate) fn programs() -> Result<(), &'static str> {
    ["initdb", "postgres", "psql"]
        .into_iter()
        .find(|program| find(program).is_none())
        .map_or(Ok(()), Err)
}

/// Where the server keeps its things, and where it listens.
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

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Fills the data directory.
    pub(crate) fn install(&self) -> Result<()> {
        let mut install = command(find("initdb").context("initdb")?);
        install
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "--no-instructions"]);
        ACCOUNT.run(install).map(drop)
    }

    /// Starts it, as durable as in production.
    pub(crate) fn start(&self) -> Result<Child> {
        let mut server = command(find("postgres").context("postgres")?);
        server
            .arg("-D")
            .arg(self.data())
            .arg("-p")
            .arg(self.port.to_string())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=500"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.directory.display()));
        let tls = Tls::place(&self.directory);
        if tls.certificate.is_file() {
            server
                .args(["-c", "ssl=on", "-c"])
                .arg(format!("ssl_cert_file={}", tls.certificate.display()))
                .arg("-c")
                .arg(format!("ssl_key_file={}", tls.key.display()))
                .arg("-c")
                .arg(format!("ssl_ca_file={}", tls.authority.display()));
        }
        let child = ACCOUNT.serve(server, &self.log())?;
        wait_until("postgres", &self.log(), || is_ready(self.port))?;
        Ok(child)
    }
}

pub(crate) fn is_ready(port: u16) -> bool {
    sql(port, None, "SELECT 1").is_ok()
}

pub(crate) fn sql(port: u16, database: Option<&str>, sql: &str) -> Result<String> {
    run(client(port, database, sql)?)
}

/// The client's command line for a statement.
pub(crate) fn client(port: u16, database: Option<&str>, sql: &str) -> Result<Command> {
    let mut client = command(find("psql").context("psql")?);
    client
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--username=postgres"])
        .arg("--host=127.0.0.1")
        .arg(format!("--dbname={}", database.unwrap_or("postgres")))
        .arg(format!("--port={port}"))
        .arg(format!("--command={sql}"))
        .env("PGCONNECT_TIMEOUT", "5");
    Ok(client)
}
