//! A host: a namespace with its own mounts, name and switch.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_linux::{LinkName, Netns};

use crate::lab::{Lab, Owner, Places};
use crate::net::isolation_rules;
use crate::process::{Place, Process, Program, tail, tail_where};
use crate::switch::Switch;

/// What the server logs of a request that only looked, as the lab's waiting does all the time.
const LOOKED: &str = "request answered method=GET";

/// A host. What runs on it is started with [`Host::program`].
#[derive(Debug)]
pub struct Host {
    name: String,
    dir: PathBuf,
    netns: Netns,
    netns_path: PathBuf,
    /// Holds mounts and name; ends when the host is switched off.
    holder: Mutex<Process>,
    switch: Switch,
}

impl Host {
    /// Brings up a host whose switch runs and has no bridges.
    pub async fn start(lab: &Lab, name: &str) -> Result<Self> {
        let starting = async {
            let dir = lab.dir_of(name)?;
            let (netns, path) = lab.netns(name).await?;
            // Before any port is made: else each has a link-local address, and the switch an entry
            // for each address and tunnel (500 MB with 1,000 ports).
            for which in ["all", "default"] {
                let key = format!("net.ipv6.conf.{which}.disable_ipv6");
                let _ = netns.ensure_sysctl(key, "1").await?;
            }
            let ovs = lab.dir_of(&format!("{name}/ovs"))?;
            let holder = hold(&path, name, &dir, &ovs).await?;
            let switch = Switch::start(&place(&holder), ovs, name).await?;
            let (name, holder) = (name.to_owned(), Mutex::new(holder));
            anyhow::Ok(Self { name, dir, netns, netns_path: path, holder, switch })
        };
        starting.await.with_context(|| format!("start host {name}"))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its directory outside, for configuration, state and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Its network by another thread, for what takes long: jobs in [`Host::netns`] wait for one another.
    pub async fn enter(&self) -> Result<Netns> {
        Ok(Netns::open_path(&self.name, &self.netns_path).await?)
    }

    pub fn switch(&self) -> &Switch {
        &self.switch
    }

    /// A program that will run on this host.
    pub fn program(&self, path: impl Into<PathBuf>) -> Program {
        self.place().program(path)
    }

    /// A namespace made on this host, where `/run/netns` is its own.
    pub fn inner_netns(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/run/netns/{name}", self.holder().pid()))
    }

    fn holder(&self) -> MutexGuard<'_, Process> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> Place {
        place(&self.holder())
    }

    /// Keeps frames that arrive on `links` from the host's own protocols; the switch still gets
    /// them. Without it a guest reaches the host's addresses past the switch, which takes a copy
    /// only.
    pub async fn isolate(&self, links: &[LinkName]) -> Result<()> {
        let program = self.program("nft").args(["-f", "-"]);
        program.run_with(&isolation_rules(links)).await.map(drop)
    }

    /// The last lines of every log of this host, but for requests that only looked.
    pub fn logs(&self, lines: usize) -> Vec<(PathBuf, String)> {
        let mut logs: Vec<_> = [self.dir.as_path(), self.switch.dir()]
            .into_iter()
            .flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten())
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .map(|path| (path.clone(), tail_where(&path, lines, |line| !line.contains(LOOKED))))
            .collect();
        logs.sort();
        logs
    }

    /// Switches the host off, as by its power button: its links lose their carrier, and everything
    /// on it is killed at once.
    pub async fn power_off(&self) -> Result<()> {
        let links = self.netns.links();
        for link in links.list().await? {
            if link.kind.as_deref() == Some("veth") {
                links.set_down(&link.name).await?;
            }
        }
        let mut places = Places::default();
        let holder = PathBuf::from(format!("/proc/{}/ns", self.holder().pid()));
        places.add("mnt", &holder.join("mnt"))?;
        places.add("net", &holder.join("net"))?;
        tokio::task::spawn_blocking(move || places.kill()).await?
    }

    /// Switches it on again. Its switch has the bridges and ports it had; what else ran is started
    /// by who started it before.
    pub async fn power_on(&self) -> Result<()> {
        let links = self.netns.links();
        for link in links.list().await? {
            if link.kind.as_deref() == Some("veth") {
                links.set_up(&link.name).await?;
            }
        }
        let holder = hold(&self.netns_path, &self.name, &self.dir, self.switch.dir()).await?;
        let place = place(&holder);
        *self.holder() = holder;
        self.switch.power_on(&place).await
    }
}

fn place(holder: &Process) -> Place {
    Place::Host(holder.pid().as_raw().cast_unsigned())
}

/// Makes what a host has of its own besides its network: `/run/netns`, where agents name their
/// namespaces, `/run/openvswitch`, `/sys`, and a host name.
async fn hold(netns: &Path, name: &str, dir: &Path, ovs: &Path) -> Result<Process> {
    const SCRIPT: &str = "set -e
        hostname \"$1\"
        mkdir -p /run/netns /run/openvswitch
        mount -t sysfs sysfs /sys
        mount -t tmpfs tmpfs /run/netns
        mount --make-shared /run/netns
        mount --bind \"$2\" /run/openvswitch
        echo ready
        exec sleep infinity";
    let log = dir.join("holder.log");
    let _ = std::fs::remove_file(&log);
    let mut holder = Place::Netns(netns.to_owned())
        .program("unshare")
        .args(["--mount", "--uts", "--propagation", "private", "sh", "-c", SCRIPT, "sh", name])
        .arg(ovs)
        .start(&log)?;
    holder.wait_ready(Duration::from_secs(30), || tail(&log, 1) == "ready").await?;
    let owner = Owner::of(holder.pid().as_raw().try_into()?);
    owner.context("what holds a host is gone")?.write(dir)?;
    Ok(holder)
}
