//! An Open vSwitch of its own: two daemons in a place, and the bridges of its database.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nucleon_net::VlanId;
use tokio::sync::Mutex;

use crate::process::{Place, Process, Program};

/// One of the two programs that a switch is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// `ovsdb-server`
    Database,
    /// `ovs-vswitchd`
    Vswitchd,
}

/// What a port does with VLAN tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortVlan {
    /// Untagged frames and all VLANs.
    Any,
    /// Untagged outside, one VLAN inside.
    Access(VlanId),
    /// Frames tagged with one of these.
    Trunk(Vec<VlanId>),
}

/// A switch. Its programs `ovs-vsctl`, `ovs-ofctl` and `ovs-appctl` reach it from outside.
#[derive(Debug)]
pub struct Switch {
    dir: PathBuf,
    daemons: Mutex<Daemons>,
}

#[derive(Debug)]
struct Daemons {
    database: Process,
    vswitchd: Process,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Switch {
    /// Starts a switch without bridges, with its files in `dir`.
    pub(crate) async fn start(place: &Place, dir: PathBuf, name: &str) -> Result<Self> {
        Place::Machine
            .program("ovsdb-tool")
            .arg("create")
            .arg(dir.join("conf.db"))
            .arg("/usr/share/openvswitch/vswitch.ovsschema")
            .run()
            .await?;
        let database = start_database(place, &dir).await?;
        environment(Place::Machine.program("ovs-vsctl"), &dir)
            .args(["--no-wait", "init", "--", "set", "Open_vSwitch", "."])
            .arg(format!("external_ids:system-id={name}"))
            .arg(format!("external_ids:hostname={name}"))
            .run()
            .await?;
        let vswitchd = start_vswitchd(place, &dir)?;
        Ok(Self { dir, daemons: Mutex::new(Daemons { database, vswitchd }) })
    }

    /// Starts both daemons with the database that there is, after they were killed with their host.
    pub(crate) async fn power_on(&self, place: &Place) -> Result<()> {
        let mut daemons = self.daemons.lock().await;
        daemons.database = start_database(place, &self.dir).await?;
        daemons.vswitchd = start_vswitchd(place, &self.dir)?;
        self.settle().await
    }

    /// Where its sockets, database and logs are, seen from outside.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the database listens on.
    pub fn database_socket(&self) -> PathBuf {
        self.dir.join("db.sock")
    }

    /// The management socket of a bridge.
    pub fn bridge_socket(&self, bridge: &str) -> PathBuf {
        self.dir.join(format!("{bridge}.mgmt"))
    }

    /// Runs `ovs-vsctl`, which waits until the switch has done it.
    pub async fn vsctl<A: AsRef<str>>(&self, arguments: &[A]) -> Result<String> {
        environment(Place::Machine.program("ovs-vsctl"), &self.dir)
            .arg("--timeout=20")
            .args(arguments.iter().map(AsRef::as_ref))
            .run()
            .await
    }

    /// Runs `ovs-ofctl`, speaking OpenFlow 1.5.
    pub async fn ofctl<A: AsRef<str>>(&self, arguments: &[A]) -> Result<String> {
        environment(Place::Machine.program("ovs-ofctl"), &self.dir)
            .args(["--timeout=20", "-O", "OpenFlow15"])
            .args(arguments.iter().map(AsRef::as_ref))
            .run()
            .await
    }

    /// Runs `ovs-appctl`.
    pub async fn appctl<A: AsRef<str>>(&self, arguments: &[A]) -> Result<String> {
        environment(Place::Machine.program("ovs-appctl"), &self.dir)
            .arg("--timeout=20")
            .args(arguments.iter().map(AsRef::as_ref))
            .run()
            .await
    }

    /// Makes a bridge that learns and forwards by itself, as an operator makes one.
    pub async fn add_bridge(&self, bridge: &str) -> Result<()> {
        let netdev = "datapath_type=netdev";
        self.vsctl(&["add-br", bridge, "--", "set", "bridge", bridge, netdev]).await.map(drop)
    }

    pub async fn add_port(&self, bridge: &str, port: &str, vlan: &PortVlan) -> Result<()> {
        let mut words = vec!["add-port".to_owned(), bridge.to_owned(), port.to_owned()];
        match vlan {
            PortVlan::Any => {}
            PortVlan::Access(id) => words.push(format!("tag={}", id.get())),
            PortVlan::Trunk(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| id.get().to_string()).collect();
                words.push(format!("trunks={}", ids.join(",")));
            }
        }
        self.vsctl(&words).await.map(drop)
    }

    pub async fn delete_port(&self, bridge: &str, port: &str) -> Result<()> {
        self.vsctl(&["--if-exists", "del-port", bridge, port]).await.map(drop)
    }

    /// The tag of a port; none while it has not got one.
    pub async fn tag_of(&self, port: &str) -> Result<Option<u16>> {
        let text = self.vsctl(&["--if-exists", "get", "port", port, "tag"]).await?;
        match text.trim() {
            "" | "[]" => Ok(None),
            tag => Ok(Some(tag.parse().with_context(|| format!("tag of {port}: {tag}"))?)),
        }
    }

    pub async fn bridges(&self) -> Result<Vec<String>> {
        let text = self.vsctl(&["list-br"]).await?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    pub async fn dump_flows(&self, bridge: &str) -> Result<String> {
        self.ofctl(&["--names", "dump-flows", bridge]).await
    }

    /// Kills one of the daemons (`kill -9`); the other goes on.
    pub async fn kill(&self, daemon: Daemon) -> Result<()> {
        self.daemons.lock().await.get(daemon).kill().await
    }

    /// Starts a daemon that is gone, and waits until it answers.
    pub async fn start_again(&self, daemon: Daemon) -> Result<()> {
        let mut daemons = self.daemons.lock().await;
        daemons.get(daemon).start_again()?;
        match daemon {
            Daemon::Database => wait_for_database(&mut daemons.database, &self.dir).await,
            // It has taken in the whole database once a command that waits for it returns.
            Daemon::Vswitchd => self.settle().await,
        }
    }

    /// Waits until the switch has done all that its database says.
    pub async fn settle(&self) -> Result<()> {
        self.vsctl(&["set", "Open_vSwitch", ".", "external_ids:nucleon-lab=settle"]).await?;
        self.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "nucleon-lab"]).await.map(drop)
    }

    /// Stops a daemon in an orderly way and starts it again, as a package upgrade does.
    pub async fn restart(&self, daemon: Daemon) -> Result<()> {
        let status = self.daemons.lock().await.get(daemon).terminate(PATIENCE).await?;
        if !status.success() && status.code().is_some() {
            bail!("a switch's daemon ended with {status}");
        }
        self.start_again(daemon).await
    }

    /// Resident memory of a daemon in KiB.
    pub async fn resident(&self, daemon: Daemon) -> Result<u64> {
        let pid = self.daemons.lock().await.get(daemon).pid();
        crate::process::resident(pid)
    }
}

impl Daemons {
    fn get(&mut self, daemon: Daemon) -> &mut Process {
        match daemon {
            Daemon::Database => &mut self.database,
            Daemon::Vswitchd => &mut self.vswitchd,
        }
    }
}

/// All that makes an Open vSwitch a separate one.
pub(crate) fn environment(program: Program, dir: &Path) -> Program {
    ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"]
        .into_iter()
        .fold(program, |program, name| program.env(name, dir))
}

async fn start_database(place: &Place, dir: &Path) -> Result<Process> {
    let mut database = environment(place.program("ovsdb-server"), dir)
        .arg(dir.join("conf.db"))
        .arg(format!("--remote=punix:{}/db.sock", dir.display()))
        // What `ovs-vsctl set-manager` asks for.
        .arg("--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
        .args(["--pidfile", "--no-chdir", "-vconsole:info", "-vsyslog:off"])
        .start(dir.join("ovsdb-server.log"))?;
    wait_for_database(&mut database, dir).await?;
    Ok(database)
}

fn start_vswitchd(place: &Place, dir: &Path) -> Result<Process> {
    environment(place.program("ovs-vswitchd"), dir)
        .arg(format!("unix:{}/db.sock", dir.display()))
        .args(["--pidfile", "--no-chdir", "-vconsole:info", "-vsyslog:off"])
        .start(dir.join("ovs-vswitchd.log"))
}

async fn wait_for_database(database: &mut Process, dir: &Path) -> Result<()> {
    let socket = dir.join("db.sock");
    database.wait_ready(PATIENCE, || UnixStream::connect(&socket).is_ok()).await
}
