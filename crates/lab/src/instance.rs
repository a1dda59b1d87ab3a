//! A virtual machine from the API's side and from the host's: its port, and how long each step of
//! the way took.

use std::net::Ipv4Addr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nucleon_obs::Clock;
use nucleon_openflow::{Connection, FlowFilter, Match};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::cloud::wait_until;
use crate::dhcp_client::{Client, Kind, Lease};
use crate::host::Host;
use crate::lab::Lab;
use crate::vm::{Isolation, Plug, Vm};

/// A machine that Nova would have booted: its port, made and bound through the API, and its device.
#[derive(Debug)]
pub struct Instance {
    pub vm: Vm,
    pub port: Value,
    pub timeline: Timeline,
}

/// How long each step took; the answer from the request on, the others from when the device was
/// plugged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeline {
    /// From `POST /v2.0/ports` to its answer.
    pub answered: Duration,
    /// The port's flows are in br-int.
    pub wired: Option<Duration>,
    /// The API shows the port ACTIVE.
    pub active: Option<Duration>,
    /// The guest's DHCP client has taken on its lease.
    pub lease: Option<Duration>,
    /// The first answer to a ping.
    pub ping: Option<Duration>,
}

/// What an instance is made of.
#[derive(Debug, Clone)]
pub struct Request<'r> {
    pub name: &'r str,
    pub network: &'r str,
    pub host: &'r Arc<Host>,
    pub isolation: Isolation,
    /// More attributes of the port.
    pub port: Value,
}

/// How long a step may take before it is taken for failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

impl<'r> Request<'r> {
    pub fn new(name: &'r str, network: &'r str, host: &'r Arc<Host>) -> Self {
        Self { name, network, host, isolation: Isolation::Off, port: json!({}) }
    }

    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    #[must_use]
    pub fn port(mut self, attributes: Value) -> Self {
        self.port = attributes;
        self
    }
}

impl Instance {
    /// Makes the port as Nova does, bound to the host, and the device, not plugged yet.
    pub async fn create(lab: &Lab, api: &Api, request: Request<'_>) -> Result<Self> {
        let Request { name, network, host, isolation, port: more } = request;
        let mut body = json!({
            "name": name,
            "network_id": network,
            "device_id": Uuid::new_v4(),
            "device_owner": "compute:nova",
            "binding:host_id": host.name(),
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let clock = Clock::system();
        let start = clock.mono();
        let port = api.create("ports", body).await?;
        let timeline = Timeline { answered: clock.mono() - start, ..Timeline::default() };
        ensure!(port["binding:vif_type"] == "ovs", "port of {name} is not bound by OVS: {port}");
        let mtu = api.show("networks", network).await?["mtu"].as_u64();
        let mtu = u32::try_from(mtu.context("a network without MTU")?)?;
        let mac = text(&port, "mac_address")?.parse()?;
        let plug = Plug::new(text(&port, "id")?, mac).mtu(mtu).isolation(isolation);
        let vm = Vm::create(lab, name, host, plug).await?;
        Ok(Self { vm, port, timeline })
    }

    pub fn id(&self) -> Result<&str> {
        text(&self.port, "id")
    }

    /// The first IPv4 address that the API gave it.
    pub fn address(&self) -> Result<Ipv4Addr> {
        address_of(&self.port)
    }

    /// Plugs the device and waits until the port is wired and ACTIVE.
    pub async fn plug(&mut self, api: &Api) -> Result<()> {
        let clock = Clock::system();
        let start = clock.mono();
        let id = self.id()?.to_owned();
        let bridge = self.vm.host().switch().bridge_socket("br-int");
        let wired = async {
            wait_wired(&bridge, self.vm.tap().as_str()).await?;
            anyhow::Ok(clock.mono() - start)
        };
        let active = async {
            wait_status(api, &id, "ACTIVE").await?;
            anyhow::Ok(clock.mono() - start)
        };
        let plugged = async { self.vm.plug().await };
        let ((), wired, active) = tokio::try_join!(plugged, wired, active)
            .with_context(|| format!("plug {}", self.vm.name()))?;
        self.timeline.wired = Some(wired);
        self.timeline.active = Some(active);
        Ok(())
    }

    /// Lets the guest's DHCP client get its lease, which must be the port's address.
    pub async fn lease(&mut self, kind: Kind) -> Result<Lease> {
        let lease = Client::start(&self.vm, kind, PATIENCE).await?.lease()?;
        let address = self.address()?;
        ensure!(
            lease.address.addr() == address,
            "{} got {} where the API says {address}",
            self.vm.name(),
            lease.address
        );
        self.timeline.lease = Some(self.timeline.active.unwrap_or_default() + lease.took);
        Ok(lease)
    }

    /// The first ping of the guest.
    pub async fn first_ping(&mut self, target: Ipv4Addr) -> Result<Duration> {
        let took = self.vm.ping(target, PATIENCE).await?;
        self.timeline.ping = Some(self.timeline.lease.unwrap_or_default() + took);
        Ok(took)
    }
}

impl Deref for Instance {
    type Target = Vm;

    fn deref(&self) -> &Vm {
        &self.vm
    }
}

/// The first IPv4 address of a port as the API shows it.
pub fn address_of(port: &Value) -> Result<Ipv4Addr> {
    let ips = port["fixed_ips"].as_array().into_iter().flatten();
    let mut addresses = ips.filter_map(|ip| ip["ip_address"].as_str()?.parse().ok());
    addresses.next().with_context(|| format!("port without an IPv4 address: {port}"))
}

/// A text attribute that must be there.
pub fn text<'v>(object: &'v Value, name: &str) -> Result<&'v str> {
    object[name].as_str().with_context(|| format!("no '{name}' in {object}"))
}

/// Waits until the API shows a port's status.
pub async fn wait_status(api: &Api, id: &str, status: &str) -> Result<()> {
    let mut last = Value::Null;
    let waited = wait_until(PATIENCE, async || {
        last = api.show("ports", id).await?["status"].take();
        Ok(last == status)
    });
    waited.await.with_context(|| format!("port {id} is not {status} but {last}"))
}

/// Waits until br-int has a flow for what comes in by a port: it is not dropped as unknown.
pub async fn wait_wired(bridge: &Path, port: &str) -> Result<()> {
    let wired = async || {
        let (switch, _events) = Connection::open(bridge).await?;
        loop {
            if is_wired(&switch, port).await? {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // The bridge may be missing until the agent made it, and its socket goes with a restart.
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            if wired().await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.with_context(|| format!("{port} has no flows after {PATIENCE:?}"))
}

async fn is_wired(switch: &Connection, port: &str) -> Result<bool> {
    let Some(found) = switch.ports().await?.into_iter().find(|desc| desc.name == port) else {
        return Ok(false);
    };
    let matches: Match = format!("in_port={}", found.port.0).parse()?;
    let filter = FlowFilter { matches, ..FlowFilter::all() };
    Ok(!switch.dump_flows(&filter).await?.is_empty())
}
