//! A virtual machine: a namespace whose device is plugged into a host's switch as Nova's os-vif
//! does.

use std::ops::Deref;
use std::sync::Arc;

use anyhow::{Context, Result};
use nucleon_linux::{LinkName, Veth, VethEnd};
use nucleon_net::MacAddr;
use uuid::Uuid;

use crate::host::Host;
use crate::lab::Lab;
use crate::net::link_name;
use crate::station::Station;

/// The bridge that os-vif plugs into.
const BRIDGE: &str = "br-int";

/// os-vif's `isolate_vif`: whether a device is plugged with the tag of dead ports, 4095, until the
/// agent gives it another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    #[default]
    Off,
    On,
}

/// The port that a virtual machine's device is plugged as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plug {
    /// The port's id, `external_ids:iface-id`.
    pub port: String,
    pub mac: MacAddr,
    pub mtu: u32,
    pub isolation: Isolation,
}

/// A virtual machine on a host.
#[derive(Debug, Clone)]
pub struct Vm {
    station: Station,
    host: Arc<Host>,
    plug: Plug,
    tap: LinkName,
    /// Nova's id of it.
    machine: Uuid,
}

impl Plug {
    /// A port with its MAC address, MTU 1500, without isolation.
    pub fn new(port: impl Into<String>, mac: MacAddr) -> Self {
        Self { port: port.into(), mac, mtu: 1500, isolation: Isolation::Off }
    }

    #[must_use]
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = mtu;
        self
    }

    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// The device's name on the host: `tap` and 11 characters of the port's id, as Nova names it.
    pub fn tap(&self) -> Result<LinkName> {
        let end = self.port.len().min(11);
        link_name(&format!("tap{}", self.port.get(..end).context("a port's id is ASCII")?))
    }
}

impl Vm {
    /// Makes a machine with its device on `host`, up but not plugged.
    pub async fn create(lab: &Lab, name: &str, host: &Arc<Host>, plug: Plug) -> Result<Self> {
        let vm = Self::prepare(lab, name, host, plug).await?;
        vm.host.isolate(std::slice::from_ref(&vm.tap)).await?;
        Ok(vm)
    }

    /// Makes several, the machine's firewall told of all their devices at once.
    pub async fn create_all(
        lab: &Lab,
        host: &Arc<Host>,
        plugs: impl IntoIterator<Item = (String, Plug)>,
    ) -> Result<Vec<Self>> {
        let mut vms = Vec::new();
        for (name, plug) in plugs {
            vms.push(Self::prepare(lab, &name, host, plug).await?);
        }
        let taps: Vec<_> = vms.iter().map(|vm| vm.tap.clone()).collect();
        host.isolate(&taps).await?;
        Ok(vms)
    }

    async fn prepare(lab: &Lab, name: &str, host: &Arc<Host>, plug: Plug) -> Result<Self> {
        let station = Station::create(lab, name).await?;
        let tap = plug.tap()?;
        let near = VethEnd::new(tap.clone()).mtu(plug.mtu).up();
        let far = VethEnd::new(station.link().clone()).mac(plug.mac).mtu(plug.mtu).up();
        let veth = Veth::into_netns(near, far, station.netns());
        host.netns().links().create_veth(&veth).await?;
        station.finish_checksums(station.link()).await?;
        Ok(Self { station, host: Arc::clone(host), plug, tap, machine: Uuid::new_v4() })
    }

    /// Plugs the device into `br-int`: one transaction with all that os-vif says about it.
    pub async fn plug(&self) -> Result<()> {
        plug_all(std::slice::from_ref(self)).await
    }

    /// Takes the port from `br-int`; the device stays.
    pub async fn unplug(&self) -> Result<()> {
        self.host.switch().delete_port(BRIDGE, self.tap.as_str()).await
    }

    /// Unplugs and takes the device away, as when the machine is deleted.
    pub async fn destroy(self) -> Result<()> {
        self.unplug().await?;
        let _ = self.host.netns().links().ensure_deleted(&self.tap).await?;
        Ok(())
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Its device on the host.
    pub fn tap(&self) -> &LinkName {
        &self.tap
    }

    pub fn port(&self) -> &Plug {
        &self.plug
    }

    /// The local VLAN tag of its port; none before the agent wired it.
    pub async fn tag(&self) -> Result<Option<u16>> {
        self.host.switch().tag_of(self.tap.as_str()).await
    }

    fn transaction(&self) -> Vec<String> {
        let Plug { port, mac, mtu, isolation } = &self.plug;
        let (tap, vm) = (&self.tap, &self.machine);
        let mut words = vec![format!("--may-exist add-port {BRIDGE} {tap}")];
        if *isolation == Isolation::On {
            words.push(format!("set Port {tap} tag=4095"));
        }
        words.push(format!(
            "set Interface {tap} external_ids:iface-id={port} external_ids:iface-status=active \
             external_ids:attached-mac=\"{mac}\" external_ids:vm-uuid={vm} mtu_request={mtu}"
        ));
        words.join(" -- ").split(' ').map(str::to_owned).collect()
    }
}

/// Plugs machines of one host in one transaction.
pub async fn plug_all(vms: &[Vm]) -> Result<()> {
    let Some(first) = vms.first() else { return Ok(()) };
    let mut words = Vec::new();
    for vm in vms {
        words.push("--".to_owned());
        words.extend(vm.transaction());
    }
    let names = || vms.iter().map(|vm| vm.name()).collect::<Vec<_>>().join(", ");
    first.host.switch().vsctl(&words).await.with_context(|| format!("plug {}", names()))?;
    Ok(())
}

impl Deref for Vm {
    type Target = Station;

    fn deref(&self) -> &Station {
        &self.station
    }
}
