//! A database of a test's own.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::server::Server;
use crate::shared::Shared;
use crate::{process, shared};

/// What a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Sqlite,
    MariaDb,
    /// Two nodes of MariaDB that replicate synchronously.
    Galera,
    Postgres,
}

/// An empty database. It is gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    pub kind: Kind,
    /// For the program under test, as in `[database] connection`.
    pub url: String,
    /// The same database through each node; one but for Galera.
    pub nodes: Vec<String>,
    keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Directory(#[expect(dead_code, reason = "it is kept for its Drop")] TempDir),
    Server { ports: Vec<u16>, name: String },
}

/// A fresh database of each kind that can be had here: SQLite, MariaDB, PostgreSQL.
pub fn databases() -> Vec<TestDatabase> {
    [Kind::Sqlite, Kind::MariaDb, Kind::Postgres].into_iter().filter_map(database).collect()
}

/// As [`databases`], with the two-node Galera.
pub fn databases_and_galera() -> Vec<TestDatabase> {
    databases().into_iter().chain(database(Kind::Galera)).collect()
}

/// A fresh database of one kind. `None`, said loudly, where its programs are not installed.
pub fn database(kind: Kind) -> Option<TestDatabase> {
    if kind == Kind::Sqlite {
        return Some(process::expect(TestDatabase::file()));
    }
    let ports = shared::ports(&kind)?;
    Some(process::expect(TestDatabase::create(kind, &ports)))
}

impl TestDatabase {
    fn file() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("nucleon-sqlite-").tempdir()?;
        let url = format!("sqlite:///{}", directory.path().join("test.db").display());
        let nodes = vec![url.clone()];
        Ok(Self { kind: Kind::Sqlite, url, nodes, keeper: Keeper::Directory(directory) })
    }

    /// Runs a statement by the server's own client, past the program under test. (On SQLite: nothing.)
    pub fn sql(&self, sql: &str) -> Result<String> {
        let Keeper::Server { ports, name } = &self.keeper else { return Ok(String::new()) };
        self.kind.sql_in(ports, Some(name), sql)
    }

    pub(crate) fn create(kind: Kind, ports: &[u16]) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        kind.sql(ports, &format!("CREATE DATABASE {name}"))?;
        if kind == Kind::Galera {
            // A node applies what the other did a moment later, unless it is asked to catch up.
            for port in ports {
                kind.sql(&[*port], &format!("SET wsrep_sync_wait = 15; SHOW TABLES IN {name}"))?;
            }
        }
        let nodes: Vec<String> = ports.iter().map(|port| kind.url(*port, &name)).collect();
        let url = nodes.first().cloned().unwrap_or_default();
        Ok(Self { kind, url, nodes, keeper: Keeper::Server { ports: ports.to_vec(), name } })
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Keeper::Server { ports, name } = &self.keeper else { return };
        let drop = match self.kind {
            Kind::Postgres => format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            _ => format!("DROP DATABASE IF EXISTS {name}"),
        };
        // A test may have killed its server; the server's directory goes with it anyway.
        let _ = self.kind.sql(ports, &drop);
    }
}

impl Kind {
    fn url(self, port: u16, name: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::MariaDb | Self::Galera => {
                format!("mysql+pymysql://root@127.0.0.1:{port}/{name}?charset=utf8")
            }
            Self::Postgres => format!("postgresql+psycopg2://postgres@127.0.0.1:{port}/{name}"),
        }
    }

    /// Runs a statement by the server's own client.
    pub(crate) fn sql(self, ports: &[u16], sql: &str) -> Result<String> {
        self.sql_in(ports, None, sql)
    }

    fn sql_in(self, ports: &[u16], database: Option<&str>, sql: &str) -> Result<String> {
        let Some(port) = ports.first() else { return Ok(String::new()) };
        match self {
            Self::Sqlite => Ok(String::new()),
            Self::MariaDb | Self::Galera => crate::mariadb::sql(*port, database, sql),
            Self::Postgres => crate::postgres::sql(*port, database, sql),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Server {
    /// A fresh database on this server.
    pub fn database(&self) -> Result<TestDatabase> {
        TestDatabase::create(self.kind(), self.ports())
    }

    /// Makes a database that stays as long as the server's files, and says how to connect to it.
    pub fn create_database(&self, name: &str) -> Result<String> {
        self.kind().sql(self.ports(), &format!("CREATE DATABASE {name}"))?;
        let port = self.ports().first().context("a server without a port")?;
        Ok(self.kind().url(*port, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_fresh_and_gone_with_its_owner() {
        for first in databases() {
            let second = database(first.kind).unwrap();
            assert_ne!(first.url, second.url);
            let Keeper::Server { ports, name } = &first.keeper else { continue };
            let (kind, ports, name) = (first.kind, ports.clone(), name.clone());
            let list = match kind {
                Kind::Postgres => "SELECT datname FROM pg_database",
                _ => "SHOW DATABASES",
            };
            assert!(kind.sql(&ports, list).unwrap().contains(&name), "{kind}");
            drop(first);
            assert!(!kind.sql(&ports, list).unwrap().contains(&name), "{kind}");
        }
    }

    #[test]
    fn galera_shows_on_one_node_what_the_other_wrote() {
        let Some(database) = database(Kind::Galera) else { return };
        let Keeper::Server { ports, name } = &database.keeper else { panic!("no server") };
        let [one, two] = ports[..] else { panic!("{ports:?}") };
        let kind = Kind::Galera;
        kind.sql(&[one], &format!("CREATE TABLE {name}.t (a INT PRIMARY KEY)")).unwrap();
        kind.sql(&[one], &format!("INSERT INTO {name}.t VALUES (7)")).unwrap();
        let rows = format!("SET wsrep_sync_wait = 1; SELECT a FROM {name}.t");
        assert_eq!(kind.sql(&[two], &rows).unwrap().trim(), "7");
    }
}
