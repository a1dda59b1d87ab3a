//! A cloud in a data centre, ready for a scenario: networks as the data centre has them, instances,
//! and evidence when something is not as it should be.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::Api;
use crate::capture::Capture;
use crate::cloud::{Cloud, Options, Role};
use crate::data_centre::{DataCentre, PHYSNET_FLAT, PHYSNET_VLAN, Plan, Size};
use crate::dhcp_client::Kind;
use crate::evidence::Evidence;
use crate::host::Host;
use crate::instance::{Instance, Request, text};
use crate::lab::Lab;

/// A lab with everything in it.
#[derive(Debug)]
pub struct Stage {
    pub lab: Arc<Lab>,
    pub centre: DataCentre,
    pub cloud: Cloud,
}

/// A network made through the API.
#[derive(Debug, Clone)]
pub struct Network {
    pub plan: Plan,
    pub id: String,
    pub subnet: String,
}

impl Stage {
    /// Two compute hosts, and all programs running.
    pub async fn set(lab: Arc<Lab>) -> Result<Self> {
        Self::set_with(lab, Size { computes: 2 }, Options::default()).await
    }

    pub async fn set_with(lab: Arc<Lab>, size: Size, options: Options) -> Result<Self> {
        let centre = DataCentre::start(&lab, size).await?;
        Self::set_in(lab, centre, options).await
    }

    /// The same in a data centre that stands already.
    pub async fn set_in(lab: Arc<Lab>, centre: DataCentre, options: Options) -> Result<Self> {
        let cloud = match Cloud::start(&centre, options).await {
            Ok(cloud) => cloud,
            Err(error) => {
                let evidence = Evidence::new("server and agents come up", error);
                let evidence = evidence.logs(&centre.controller);
                return Err(centre.agent_hosts().fold(evidence, |e, host| e.logs(host)).into());
            }
        };
        Ok(Self { lab, centre, cloud })
    }

    pub fn api(&self) -> &Api {
        self.cloud.api()
    }

    /// Makes the network of a plan, with a subnet that leaves the router's and the physical
    /// machine's addresses alone.
    pub async fn network(&self, name: &str, plan: Plan) -> Result<Network> {
        self.network_with(name, plan, json!({})).await
    }

    /// The same with more attributes of the subnet.
    pub async fn network_with(&self, name: &str, plan: Plan, more: Value) -> Result<Network> {
        let mut body = json!({ "name": name });
        let provider = match plan.vlan {
            Some(vlan) => json!({
                "provider:network_type": "vlan",
                "provider:physical_network": PHYSNET_VLAN,
                "provider:segmentation_id": vlan,
            }),
            None => json!({
                "provider:network_type": "flat",
                "provider:physical_network": PHYSNET_FLAT,
            }),
        };
        extend(&mut body, provider);
        let network = self.api().create("networks", body).await?;
        let id = text(&network, "id")?.to_owned();
        let at = |last: u8| {
            let [a, b, c, _] = plan.prefix.network().octets();
            Ipv4Addr::new(a, b, c, last)
        };
        let mut body = json!({
            "name": name,
            "network_id": id,
            "ip_version": 4,
            "cidr": plan.prefix,
            "gateway_ip": plan.gateway,
            "allocation_pools": [{ "start": at(10), "end": at(199) }],
        });
        extend(&mut body, more);
        let subnet = self.api().create("subnets", body).await?;
        Ok(Network { plan, id, subnet: text(&subnet, "id")?.to_owned() })
    }

    /// Makes and plugs an instance, waits for ACTIVE, and has its guest get its lease.
    pub async fn boot(&self, request: Request<'_>, kind: Kind) -> Result<Instance> {
        let (name, host) = (request.name.to_owned(), Arc::clone(request.host));
        let booting = async {
            let mut instance = Instance::create(&self.lab, self.api(), request).await?;
            instance.plug(self.api()).await?;
            instance.lease(kind).await?;
            anyhow::Ok(instance)
        };
        match booting.await {
            Ok(instance) => Ok(instance),
            Err(error) => {
                let evidence = Evidence::new(format!("{name} boots on {}", host.name()), error);
                let log =
                    crate::process::tail(&self.lab.dir().join(&name).join("dhcp-client.log"), 20);
                let evidence = evidence.text(format!("DHCP client of {name}"), log);
                let evidence = evidence.host(&host).await.host(&self.centre.network).await;
                Err(evidence.logs(&self.centre.controller).into())
            }
        }
    }

    /// Records the trunk of a host at the hardware switch.
    pub async fn trunk(&self, host: &Host) -> Result<Capture> {
        let port = DataCentre::trunk_port(host)?;
        let label = format!("the trunk of {}", host.name());
        Capture::start(self.centre.tor.netns(), &port, &label).await
    }

    /// Turns a failure into evidence with what `hosts` show.
    pub async fn explain<T>(
        &self,
        expected: &str,
        hosts: &[&Host],
        captures: &[&Capture],
        result: Result<T>,
    ) -> Result<T> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let mut evidence = Evidence::new(expected, error);
        for capture in captures {
            evidence = evidence.capture(capture);
        }
        for host in hosts {
            evidence = evidence.host(host).await;
        }
        Err(evidence.logs(&self.centre.controller).into())
    }

    /// Switches a host off; its agents die with it.
    pub async fn power_off(&self, host: &Host) -> Result<()> {
        host.power_off().await
    }

    /// Switches a host on again, and starts its agents as its service manager would.
    pub async fn power_on(&self, host: &Host) -> Result<()> {
        host.power_on().await?;
        self.cloud.start_role(host, Role::OvsAgent).await?;
        if host.name() == self.centre.network.name() {
            self.cloud.start_role(host, Role::DhcpAgent).await?;
        }
        Ok(())
    }
}

fn extend(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
}
