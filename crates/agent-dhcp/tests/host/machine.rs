//! A host: namespaces of its own in which all of a test happens.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use nucleon_linux::{LinkName, Netns, NetnsDir, NetnsName, Offload, Veth, VethEnd};
use nucleon_model::NetworkId;
use nucleon_net::MacAddr;

use crate::process::is_installed;
use crate::switch::{BRIDGE, Switch};

static COUNTER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Machine {
    pub(crate) switch: Switch,
    pub(crate) netns: Netns,
    name: String,
    /// Deleted at the end, those of the agent too.
    namespaces: Vec<NetnsName>,
}

impl Machine {
    /// `None`, said aloud, where a test cannot have one.
    pub(crate) async fn new() -> Option<Self> {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("SKIPPED: needs root to make network namespaces");
            return None;
        }
        for program in ["ip", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovsdb-tool"] {
            if !is_installed(program) {
                eprintln!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ndhcp-{}-{number}", std::process::id());
        Some(Self::make(name).await.unwrap())
    }

    async fn make(name: String) -> Result<Self> {
        let own = Guard(vec![NetnsName::new(name.clone())?]);
        let netns = NetnsDir::default().ensure(&own.0[0]).await?;
        netns.links().set_up(&link("lo")).await?;
        // Else every port has a link-local address, which Open vSwitch looks after at some cost.
        for kind in ["all", "default"] {
            let _ = netns.ensure_sysctl(format!("net.ipv6.conf.{kind}.disable_ipv6"), "1").await?;
        }
        let switch = Switch::start(&name).await?;
        let namespaces = own.release();
        Ok(Self { switch, netns, name, namespaces })
    }

    /// Sees to it that what an agent makes for a network goes with the test.
    pub(crate) fn expect_network(&mut self, network: NetworkId) -> NetnsName {
        let name = nucleon_agent_dhcp::names::namespace(network);
        self.namespaces.push(name.clone());
        name
    }

    /// A machine on the bridge: a namespace with `eth0`; gives back the namespace's name.
    pub(crate) async fn plug(&mut self, short: &str, mac: MacAddr) -> Result<NetnsName> {
        let name = NetnsName::new(format!("{}-{short}", self.name))?;
        self.namespaces.push(name.clone());
        let netns = NetnsDir::default().ensure(&name).await?;
        netns.links().set_up(&link("lo")).await?;
        let near = VethEnd::new(link(&format!("vm-{short}"))).up();
        let far = VethEnd::new(link("eth0")).mac(mac).up();
        self.netns.links().create_veth(&Veth::into_netns(near, far, &netns)).await?;
        let _ = netns.set_tx_checksum(&link("eth0"), Offload::Off).await?;
        self.switch.vsctl(&["add-port", BRIDGE, &format!("vm-{short}")])?;
        Ok(name)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        Guard(std::mem::take(&mut self.namespaces));
    }
}

/// Namespaces that go with it.
struct Guard(Vec<NetnsName>);

impl Guard {
    fn release(mut self) -> Vec<NetnsName> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for name in &self.0 {
            if let Err(error) = NetnsDir::default().delete_blocking(name) {
                eprintln!("left behind: {error}");
            }
        }
    }
}

pub(crate) fn link(name: &str) -> LinkName {
    LinkName::new(name).unwrap()
}
