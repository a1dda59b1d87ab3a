//! The requests of the API that the measurements need.

use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use nucleon_net::MacAddr;
use serde_json::{Value, json};

use crate::http::{Call, Client};

/// A port as the API told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub id: String,
    pub mac: MacAddr,
    pub address: Ipv4Addr,
}

/// A provider network on a VLAN of `physnet1`, with one subnet.
#[derive(Debug, Clone)]
pub struct Network {
    pub id: String,
    pub subnet: String,
}

/// Whether a subnet has DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dhcp {
    On,
    Off,
}

/// The member of `value` at `pointer`, which is text.
pub fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("{pointer} of {value}"))
}

impl Network {
    pub async fn create(client: &mut Client, vlan: u16, cidr: &str, dhcp: Dhcp) -> Result<Self> {
        let body = json!({ "network": {
            "name": format!("bench-{vlan}"),
            "provider:network_type": "vlan",
            "provider:physical_network": "physnet1",
            "provider:segmentation_id": vlan,
        }});
        let network = client.call(&Call::post("/v2.0/networks", &body)).await?.json()?;
        let id = text(&network, "/network/id")?.to_owned();
        let body = json!({ "subnet": {
            "network_id": id,
            "ip_version": 4,
            "cidr": cidr,
            "enable_dhcp": dhcp == Dhcp::On,
        }});
        let subnet = client.call(&Call::post("/v2.0/subnets", &body)).await?.json()?;
        Ok(Self { id, subnet: text(&subnet, "/subnet/id")?.to_owned() })
    }

    /// A request for one port.
    pub fn port(&self) -> Call {
        Call::post("/v2.0/ports", &json!({ "port": { "network_id": self.id } }))
    }

    /// A request for many; on `host` when that is given.
    pub fn ports(&self, count: usize, host: Option<&str>) -> Call {
        let port = match host {
            None => json!({ "network_id": self.id }),
            Some(host) => json!({
                "network_id": self.id,
                "device_owner": "compute:nova",
                "binding:host_id": host,
            }),
        };
        Call::post("/v2.0/ports", &json!({ "ports": vec![port; count] }))
    }

    /// Creates many ports, in requests of at most 1,000.
    pub async fn fill(
        &self,
        client: &mut Client,
        count: usize,
        host: Option<&str>,
    ) -> Result<Vec<Port>> {
        let mut ports = Vec::new();
        while ports.len() < count {
            let some = (count - ports.len()).min(1000);
            let made = client.call(&self.ports(some, host)).await?.json()?;
            let made = made.get("ports").and_then(Value::as_array).context("ports")?;
            ensure!(made.len() == some, "{} ports instead of {some}", made.len());
            for port in made {
                ports.push(Port::read(port)?);
            }
        }
        Ok(ports)
    }
}

impl Port {
    pub fn read(value: &Value) -> Result<Self> {
        Ok(Self {
            id: text(value, "/id")?.to_owned(),
            mac: text(value, "/mac_address")?.parse()?,
            address: text(value, "/fixed_ips/0/ip_address")?.parse()?,
        })
    }

    pub fn path(&self) -> String {
        format!("/v2.0/ports/{}", self.id)
    }

    /// A request to bind it to a host.
    pub fn bind(&self, host: &str) -> Call {
        let body = json!({ "binding:host_id": host, "device_owner": "compute:nova" });
        Call::put(self.path(), &json!({ "port": body }))
    }
}
