//! A host with its physical networks, and machines of the cloud on it.

use std::future::Future;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nucleon_bus::Hint;
use nucleon_lab::capture::Capture;
use nucleon_lab::{
    BareMetal, Host, Isolation, Lab, Plug, PortVlan, Segment, Station, Vm, link_name,
};
use nucleon_linux::{Veth, VethEnd};
use nucleon_model::view::{NetworkBody, PortBody, SegmentBody};
use nucleon_model::{NetworkId, NetworkType, PortId, SegmentId};
use nucleon_net::{MacAddr, VlanId};
use uuid::Uuid;

use crate::agent::{Agent, Heard, Site};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Comparing all the time makes drift show at once; tests that are not about it leave it out.
pub(crate) const NEVER: Duration = Duration::from_hours(1);

const TOR: &str = "br-tor";

/// The data centre of one test.
pub(crate) struct Rig {
    pub(crate) agent: Option<Agent>,
    pub(crate) site: Site,
    pub(crate) host: Arc<Host>,
    pub(crate) tor: Host,
    pub(crate) flat: Segment,
    pub(crate) lab: Lab,
    pub(crate) verify: Duration,
}

/// A network by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Vlan(u16),
    Flat,
    Local,
}

impl Rig {
    /// A host without an agent; `None` where there cannot be one.
    pub(crate) async fn new() -> Option<Self> {
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let tools = ["/usr/sbin/ovs-vswitchd", "/usr/sbin/ovsdb-server"];
        if !is_root || !tools.iter().all(|tool| Path::new(tool).exists()) {
            eprintln!("SKIPPED: needs root and Open vSwitch");
            return None;
        }
        Some(Self::build().await.unwrap())
    }

    /// A host with an agent.
    pub(crate) async fn start() -> Option<Self> {
        let mut rig = Self::new().await?;
        rig.start_agent().await;
        Some(rig)
    }

    async fn build() -> Result<Self> {
        let lab = Lab::new()?;
        let (tor, host) = tokio::try_join!(Host::start(&lab, "tor"), Host::start(&lab, "h1"))?;
        let flat = Segment::start(&lab, "flat").await?;
        let (trunk, untagged, port) = (link_name("phy0")?, link_name("phy1")?, link_name("to-h1")?);
        let near = VethEnd::new(trunk.clone()).up();
        let far = VethEnd::new(port.clone()).up();
        host.netns().links().create_veth(&Veth::into_netns(near, far, tor.netns())).await?;
        flat.connect("to-h1", host.netns(), &untagged).await?;
        host.isolate(&[trunk.clone(), untagged.clone()]).await?;
        tor.switch().add_bridge(TOR).await?;
        tor.switch().add_port(TOR, port.as_str(), &PortVlan::Any).await?;
        for (bridge, link) in [("br-ex", trunk), ("br-flat", untagged)] {
            host.switch().add_bridge(bridge).await?;
            host.switch().add_port(bridge, link.as_str(), &PortVlan::Any).await?;
        }
        let (site, host) = (Site::start(), Arc::new(host));
        Ok(Self { agent: None, site, host, tor, flat, lab, verify: NEVER })
    }

    /// Starts the agent and waits until its bridge is there.
    pub(crate) async fn start_agent(&mut self) {
        self.agent = Some(Agent::start(&self.host, &self.site, self.verify));
        let host = self.host.clone();
        until("br-int", || {
            let host = host.clone();
            async move { host.switch().bridges().await.unwrap().iter().any(|name| name == "br-int") }
        })
        .await;
    }

    pub(crate) fn agent(&self) -> &Agent {
        self.agent.as_ref().unwrap()
    }

    /// Ends the agent and starts it again.
    pub(crate) async fn restart_agent(&mut self) {
        let state = self.agent.take().unwrap().stop().await;
        self.agent = Some(Agent::start_in(state, &self.host, &self.site, self.verify));
    }

    pub(crate) fn network(&self, number: u8, wire: Wire) -> NetworkBody {
        let body = network(number, wire);
        self.publish(self.site.cloud.put_network(body.clone()));
        body
    }

    /// The port is bound to the host.
    pub(crate) fn port(&self, number: u16, network: u8) -> PortBody {
        let body = port(number, network);
        self.put(&body);
        body
    }

    pub(crate) fn put(&self, body: &PortBody) {
        self.publish(self.site.cloud.put_port(body.clone()));
    }

    pub(crate) fn publish(&self, hints: Vec<Hint>) {
        self.site.publish(hints);
    }

    /// A machine with a device for a port, plugged; whoever asks waits until it is wired.
    pub(crate) async fn plug(&self, number: u16, network: u8, isolation: Isolation) -> Vm {
        let plug = Plug::new(port_id(number).to_string(), mac(number)).isolation(isolation);
        let vm = Vm::create(&self.lab, &format!("vm{number}"), &self.host, plug).await.unwrap();
        vm.set_address(format!("{}/24", address(network, number)).parse().unwrap()).await.unwrap();
        vm.plug().await.unwrap();
        vm
    }

    /// A machine of the cloud that works.
    pub(crate) async fn vm(&self, number: u16, network: u8) -> Vm {
        let body = self.port(number, network);
        let vm = self.plug(number, network, Isolation::Off).await;
        self.wired(body.id).await;
        vm
    }

    /// A machine beyond the wire, `number` its last octet.
    pub(crate) async fn metal(&self, number: u16, network: u8, wire: Wire) -> BareMetal {
        let name = format!("metal{number}");
        let metal = match wire {
            Wire::Vlan(id) => {
                let id = VlanId::new(id).unwrap();
                BareMetal::on_access_port(&self.lab, &name, &self.tor, TOR, id).await
            }
            Wire::Flat => BareMetal::on_segment(&self.lab, &name, &self.flat).await,
            Wire::Local => panic!("a local network has no wire"),
        };
        let metal = metal.unwrap();
        let net = format!("{}/24", address(network, number)).parse().unwrap();
        metal.set_address(net).await.unwrap();
        metal
    }

    /// Listens on the hardware switch's end of the trunk.
    pub(crate) async fn trunk(&self) -> Capture {
        Capture::start(self.tor.netns(), &link_name("to-h1").unwrap(), "trunk").await.unwrap()
    }

    pub(crate) async fn wired(&self, port: PortId) {
        let site = &self.site;
        until("wired", || async move { matches!(site.last_heard(port), Some(Heard::Wired(_))) })
            .await;
    }

    /// Waits until the server has heard that the port works at its present revision.
    pub(crate) async fn wired_at_last(&self, port: PortId) {
        let site = &self.site;
        let wanted = site.cloud.view_of_everything().ports[&port].revision;
        until("wired anew", || async move {
            matches!(site.last_heard(port), Some(Heard::Wired(mark)) if mark.revision == wanted)
        })
        .await;
    }

    pub(crate) async fn unwired(&self, port: PortId) {
        let site = &self.site;
        until(
            "unwired",
            || async move { matches!(site.last_heard(port), Some(Heard::Unwired(_))) },
        )
        .await;
    }

    /// The flows of a bridge as they are, each a line without its counters.
    pub(crate) async fn flows(&self, bridge: &str) -> Vec<String> {
        let words = ["--no-names", "--no-stats", "--sort", "dump-flows", bridge];
        let text = self.host.switch().ofctl(&words).await.unwrap();
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }

    /// The flows that name a text.
    pub(crate) async fn flows_with(&self, bridge: &str, text: &str) -> Vec<String> {
        let flows = self.flows(bridge).await;
        flows.into_iter().filter(|flow| flow.contains(text)).collect()
    }

    pub(crate) async fn vsctl(&self, words: &str) -> String {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        self.host.switch().vsctl(&words).await.unwrap().trim().to_owned()
    }
}

/// Waits until something holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waited).await;
    let log = || crate::agent::logged(&[]).join("\n");
    assert!(in_time.is_ok(), "not so within {PATIENCE:?}: {what}\n{}", log());
}

/// Both ways, or it panics.
pub(crate) async fn reach(one: &Station, other: &Station) {
    let target = first_address(other).await.unwrap();
    if let Err(error) = one.ping(target, PATIENCE).await {
        panic!("{} does not reach {}: {error:#}", one.name(), other.name());
    }
}

pub(crate) async fn do_not_reach(one: &Station, other: &Station) {
    let target = first_address(other).await.unwrap();
    let reached = one.reaches(target, Duration::from_millis(400)).await.unwrap();
    assert!(!reached, "{} reaches {}", one.name(), other.name());
}

async fn first_address(station: &Station) -> Result<Ipv4Addr> {
    match station.addresses().await?.first().map(ipnet::IpNet::addr) {
        Some(std::net::IpAddr::V4(address)) => Ok(address),
        _ => None.context("no address"),
    }
}

/// Each number differs in the eight digits that a device's name has of it.
pub(crate) fn port_id(number: u16) -> PortId {
    PortId::new(Uuid::from_u128((u128::from(number) << 96) | 0x2000))
}

pub(crate) fn network_id(number: u8) -> NetworkId {
    NetworkId::new(Uuid::from_u128((u128::from(number) << 96) | 0x1000))
}

fn segment_id(number: u8) -> SegmentId {
    SegmentId::new(Uuid::from_u128((u128::from(number) << 96) | 0x3000))
}

pub(crate) fn mac(number: u16) -> MacAddr {
    let [high, low] = number.to_be_bytes();
    MacAddr::new([0xfa, 0x16, 0x3e, 0, high, low])
}

pub(crate) fn address(network: u8, number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, high, network, low)
}

pub(crate) fn network(number: u8, wire: Wire) -> NetworkBody {
    let (network_type, physical_network, segmentation_id) = match wire {
        Wire::Vlan(id) => ("vlan", Some("physnet1"), Some(i64::from(id))),
        Wire::Flat => ("flat", Some("physnet2"), None),
        Wire::Local => ("local", None, None),
    };
    NetworkBody {
        id: network_id(number),
        revision: 0,
        name: format!("net{number}"),
        mtu: 1500,
        admin_state_up: true,
        segments: vec![SegmentBody {
            id: segment_id(number),
            network_type: NetworkType::new(network_type),
            physical_network: physical_network.map(str::to_owned),
            segmentation_id,
        }],
        subnets: Vec::new(),
        dhcp_hosts: Vec::new(),
    }
}

pub(crate) fn port(number: u16, network: u8) -> PortBody {
    PortBody {
        id: port_id(number),
        network_id: network_id(network),
        revision: 0,
        mac_address: mac(number),
        admin_state_up: true,
        fixed_ips: Vec::new(),
        host: "h1".to_owned(),
        segment_id: Some(segment_id(network)),
        device_owner: "compute:nova".to_owned(),
        device_id: String::new(),
        extra_dhcp_opts: Vec::new(),
    }
}
