//! A server, or a cluster of them, and the watchdog that ends it with its users.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, Result, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::database::Kind;
use crate::galera::Member;
use crate::process::{command, expect, serve, skip};
use crate::shared::Shared;
use crate::tls::Tls;
use crate::{galera, mariadb, postgres};

/// Ends the processes listed in a directory, once nobody holds the users' lock for some seconds; then removes it.
/// Each process is looked at before it is killed: its command line must name the directory.
const WATCHDOG: &str = r#"
users=$1 directory=$2 patience=$3 quiet=0
exec 9<"$users"
while [ "$quiet" -lt "$patience" ]; do
    sleep 1
    if flock --nonblock --exclusive 9; then
        quiet=$((quiet + 1))
        [ "$quiet" -lt "$patience" ] && flock --unlock 9
    else
        quiet=0
    fi
done
for pid in $(cat "$directory/pids"); do
    if grep --quiet --fixed-strings --text "$directory" "/proc/$pid/cmdline"; then
        kill -KILL "$pid"
    fi
done
sleep 0.3
rm -rf "$directory"
"#;

/// The servers of one kind, and how to start each again.
#[derive(Debug)]
pub(crate) enum Nodes {
    MariaDb(mariadb::Node),
    Galera([Member; 2]),
    Postgres(postgres::Node),
}

impl Nodes {
    /// Sets up the directories. `Err` names a program that is missing.
    pub(crate) fn install(kind: Kind, directory: &Path) -> Result<Self> {
        Ok(match kind {
            Kind::Sqlite => bail!("SQLite has no server"),
            Kind::MariaDb => {
                let node = mariadb::Node::new(&directory.join("n1"))?;
                node.install()?;
                Self::MariaDb(node)
            }
            Kind::Galera => {
                let one = mariadb::Node::new(&directory.join("n1"))?;
                let two = mariadb::Node::new(&directory.join("n2"))?;
                one.install()?;
                // The second gets its data from the first.
                mariadb::ACCOUNT.directory(&two.data())?;
                Self::Galera([Member::new(one)?, Member::new(two)?])
            }
            Kind::Postgres => {
                let node = postgres::Node::new(&directory.join("n1"))?;
                node.install()?;
                Self::Postgres(node)
            }
        })
    }

    /// Has them offer TLS from their next start.
    fn secure(&self, tls: &Tls) -> Result<()> {
        match self {
            Self::MariaDb(node) => tls.give(mariadb::ACCOUNT, &node.directory),
            Self::Postgres(node) => tls.give(postgres::ACCOUNT, &node.directory),
            Self::Galera(_) => bail!("Galera's nodes are started without TLS"),
        }
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        match self {
            Self::MariaDb(node) => vec![node.port],
            Self::Galera(members) => members.iter().map(|member| member.node.port).collect(),
            Self::Postgres(node) => vec![node.port],
        }
    }

    /// Starts one of them; `first` when none other runs.
    fn start(&self, number: usize, first: bool) -> Result<Child> {
        match self {
            Self::MariaDb(node) => node.start(node.command()?),
            Self::Postgres(node) => node.start(),
            Self::Galera(members) => {
                let member = members.get(number).context("no such node")?;
                let other = members.get(1 - number).filter(|_| !first);
                member.start(other)
            }
        }
    }

    /// Starts all, and notes their processes for the watchdog.
    pub(crate) fn start_all(&self, directory: &Path) -> Result<Vec<Child>> {
        let mut children = Vec::new();
        for number in 0..self.ports().len() {
            children.push(self.start(number, number == 0)?);
            note(directory, &children)?;
        }
        Ok(children)
    }
}

pub(crate) fn note<'c>(
    directory: &Path,
    children: impl IntoIterator<Item = &'c Child>,
) -> Result<()> {
    let pids: Vec<String> = children.into_iter().map(|child| child.id().to_string()).collect();
    Ok(std::fs::write(directory.join("pids"), pids.join("\n"))?)
}

impl Kind {
    /// Whether servers of this kind can be started here. Where they cannot, says so loudly, or fails the test.
    pub fn is_installed(self) -> bool {
        self.programs().map_err(|missing| skip(self.name(), missing)).is_ok()
    }

    fn programs(self) -> Result<(), &'static str> {
        match self {
            Self::Sqlite => Ok(()),
            Self::MariaDb => mariadb::programs(),
            Self::Galera => galera::programs(),
            Self::Postgres => postgres::programs(),
        }
    }
}

impl Shared for Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MariaDb => "mariadb",
            Self::Galera => "galera",
            Self::Postgres => "postgresql",
        }
    }

    fn is_installed(&self) -> bool {
        Self::is_installed(*self)
    }

    fn start(&self, directory: &Path) -> Result<Vec<u16>> {
        let nodes = Nodes::install(*self, directory)?;
        nodes.start_all(directory)?;
        Ok(nodes.ports())
    }

    fn is_ready(&self, port: u16) -> bool {
        match self {
            Self::Postgres => postgres::is_ready(port),
            _ => mariadb::is_ready(port),
        }
    }
}

/// Lets a watchdog loose on a directory: `patience` seconds after the last holder of the lock is gone, it ends all.
pub(crate) fn watch(users: &Path, directory: &Path, patience: u32) -> Result<()> {
    std::fs::write(directory.join("pids"), "")?;
    let mut watchdog = command("/bin/sh");
    watchdog.arg("-c").arg(WATCHDOG).arg("watchdog").arg(users).arg(directory);
    watchdog.arg(patience.to_string());
    serve(watchdog, &directory.join("watchdog.log")).map(drop)
}

/// Opens a file to lock it; makes it first.
pub(crate) fn lock(path: &Path, how: FlockArg) -> Result<Flock<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    Flock::lock(file, how).map_err(|(_, error)| error).with_context(|| path.display().to_string())
}

/// A server of a test's own, to be killed and started again.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    pub(crate) nodes: Nodes,
    ports: Vec<u16>,
    children: Vec<Option<Child>>,
    directory: PathBuf,
    _users: Flock<File>,
    _temporary: TempDir,
}

impl Server {
    /// Starts one; `None`, said loudly, where its programs are not installed.
    pub fn start(kind: Kind) -> Option<Self> {
        kind.is_installed().then(|| expect(Self::try_start(kind)))
    }

    /// Starts one that offers TLS (not Galera).
    pub fn start_with_tls(kind: Kind, tls: &Tls) -> Option<Self> {
        kind.is_installed().then(|| expect(Self::start_as(kind, Some(tls))))
    }

    /// Starts one in the network namespace of the calling thread, where also [`Server::restart`] has to be called.
    pub fn try_start(kind: Kind) -> Result<Self> {
        Self::start_as(kind, None)
    }

    fn start_as(kind: Kind, tls: Option<&Tls>) -> Result<Self> {
        if let Err(missing) = kind.programs() {
            bail!("{missing} is not installed");
        }
        let temporary = tempfile::Builder::new()
            .prefix("nucleon-server-")
            .permissions(PermissionsExt::from_mode(0o755))
            .tempdir()?;
        let directory = temporary.path().to_owned();
        let users_file = directory.join("users.lock");
        let users = lock(&users_file, FlockArg::LockShared)?;
        watch(&users_file, &directory, 1)?;
        let nodes = Nodes::install(kind, &directory)?;
        if let Some(tls) = tls {
            nodes.secure(tls)?;
        }
        let children = nodes.start_all(&directory)?.into_iter().map(Some).collect();
        let ports = nodes.ports();
        Ok(Self { kind, nodes, ports, children, directory, _users: users, _temporary: temporary })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// The process of a node, while it runs.
    pub(crate) fn pid(&self, node: usize) -> Option<Pid> {
        let child = self.children.get(node)?.as_ref()?;
        i32::try_from(child.id()).ok().map(Pid::from_raw)
    }

    /// `kill -9` of a node.
    pub fn kill(&mut self, node: usize) -> Result<()> {
        let child = self.children.get_mut(node).context("no such node")?;
        let Some(mut child) = child.take() else { return Ok(()) };
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGKILL)?;
        child.wait()?;
        Ok(())
    }

    /// Starts a killed node again, with what it had on disk; returns when it serves.
    pub fn restart(&mut self, node: usize) -> Result<()> {
        self.kill(node)?;
        let first = self.children.iter().all(Option::is_none);
        let started = self.nodes.start(node, first)?;
        let child = self.children.get_mut(node).context("no such node")?;
        *child = Some(started);
        note(&self.directory, self.children.iter().flatten())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for node in 0..self.children.len() {
            // The watchdog does what fails here.
            let _ = self.kill(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_server_comes_back_with_what_it_had() {
        for kind in [Kind::MariaDb, Kind::Postgres] {
            let Some(mut server) = Server::start(kind) else { continue };
            let database = server.database().unwrap();
            server.kill(0).unwrap();
            assert!(kind.sql(server.ports(), "SELECT 1").is_err());
            server.restart(0).unwrap();
            let name = database.url.rsplit('/').next().unwrap();
            let name = name.split('?').next().unwrap();
            let list = match kind {
                Kind::Postgres => "SELECT datname FROM pg_database",
                _ => "SHOW DATABASES",
            };
            assert!(kind.sql(server.ports(), list).unwrap().contains(name), "{kind}");
        }
    }

    #[test]
    fn a_galera_node_joins_again() {
        let Some(mut server) = Server::start(Kind::Galera) else { return };
        let [one, two] = server.ports() else { panic!("{:?}", server.ports()) };
        let (one, two) = (*one, *two);
        server.kill(1).unwrap();
        let written = || Kind::Galera.sql(&[one], "CREATE DATABASE while_away");
        // The node that stays needs a moment to see that the other left; alone of two it has no quorum.
        assert!(written().is_err());
        Kind::Galera.sql(&[one], "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'").unwrap();
        crate::process::wait_until("node 1", Path::new("/"), || written().is_ok()).unwrap();
        server.restart(1).unwrap();
        assert!(Kind::Galera.sql(&[two], "SHOW DATABASES").unwrap().contains("while_away"));
    }
}
