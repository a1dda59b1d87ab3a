//! Galera: MariaDB servers that certify each other's transactions. Two of them, on loopback.

use std::process::{Child, Command};

use anyhow::{Context, Result};

use crate::mariadb::Node;
use crate::process::{find, free_port};

/// Where Debian keeps the provider; other distributions have it elsewhere.
const PROVIDERS: [&str; 3] = [
    "/usr/lib/galera/libgalera_smm.so",
    "/usr/lib64/galera-4/libgalera_smm.so",
    "/usr/lib/libgalera_smm.so",
];

pub(crate) fn programs() -> Result<(), &'static str> {
    crate::mariadb::programs()?;
    provider().ok_or("galera-4 (libgalera_smm.so)")?;
    find("rsync").map(drop).ok_or("rsync")
}

fn provider() -> Option<&'static str> {
    PROVIDERS.into_iter().find(|file| std::path::Path::new(file).is_file())
}

/// A node of the cluster: a server, and its ports towards the other.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) node: Node,
    group_port: u16,
    increments_port: u16,
    snapshot_port: u16,
}

impl Member {
    pub(crate) fn new(node: Node) -> Result<Self> {
        Ok(Self {
            node,
            group_port: free_port()?,
            increments_port: free_port()?,
            snapshot_port: free_port()?,
        })
    }

    /// Starts it; the first member makes the cluster, the others are told of one that runs.
    pub(crate) fn start(&self, running: Option<&Self>) -> Result<Child> {
        let command = self.command(running)?;
        self.node.start(command)
    }

    fn command(&self, running: Option<&Self>) -> Result<Command> {
        let mut server = self.node.command()?;
        let cluster = match running {
            Some(other) => format!("gcomm://127.0.0.1:{}", other.group_port),
            None => "gcomm://".to_owned(),
        };
        let provider = provider().context("libgalera_smm.so")?;
        server
            .args(["--wsrep-on=ON", "--innodb-autoinc-lock-mode=2", "--wsrep-sst-method=rsync"])
            .arg("--wsrep-slave-threads=4")
            .arg(format!("--wsrep-provider={provider}"))
            .arg(format!("--wsrep-cluster-address={cluster}"))
            .arg(format!("--wsrep-node-address=127.0.0.1:{}", self.group_port))
            .arg(format!("--wsrep-sst-receive-address=127.0.0.1:{}", self.snapshot_port))
            .arg(format!(
                "--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:{};\
                 ist.recv_addr=127.0.0.1:{};gcache.size=32M",
                self.group_port, self.increments_port
            ));
        Ok(server)
    }
}
