//! What the operator chose, as far as it concerns DHCP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use nucleon_conf::Settings;
use nucleon_conf::value::{self, HostAddress, OvsdbAddress};
use nucleon_dhcp::v4::LeaseTime;
use nucleon_ovsdb::Endpoint;

use crate::error::Error;
use crate::plan::Plugging;

/// All of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name under which this host's agents report.
    pub host: String,
    pub state_path: PathBuf,
    pub database: Endpoint,
    /// For the switch's database to answer, and for the switch to act.
    pub patience: Duration,
    pub answers: AnswerOptions,
    pub plug: PlugOptions,
    /// As heartbeats name it.
    pub dhcp_driver: String,
}

/// Options of the answers themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerOptions {
    pub lease_time: LeaseTime,
    /// T1 and T2 in seconds; zero leaves them to the lease time.
    pub renewal_time: u32,
    pub rebinding_time: u32,
    pub domain: Option<String>,
    pub broadcast_reply: bool,
    /// For subnets that name none.
    pub dns_servers: Vec<Ipv4Addr>,
}

/// How ports are plugged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlugOptions {
    pub integration_bridge: String,
    pub plugging: Plugging,
}

impl Options {
    /// Looks up the database's host, where it is given by a name.
    pub async fn new(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            host: settings.process.host.to_string(),
            state_path: settings.process.state_path.clone(),
            database: endpoint(&settings.ovs.ovsdb_connection).await?,
            patience: settings.ovs.ovsdb_timeout,
            answers: AnswerOptions::new(settings),
            plug: PlugOptions::new(settings),
            dhcp_driver: settings.dhcp.dhcp_driver.to_string(),
        })
    }
}

async fn endpoint(address: &OvsdbAddress) -> Result<Endpoint, Error> {
    let (host, port) = match address {
        OvsdbAddress::Unix(path) => return Ok(Endpoint::Unix(path.clone())),
        OvsdbAddress::Tcp { host, port } => (host, port.get()),
    };
    let name = match host {
        HostAddress::Address(address) => return Ok(Endpoint::Tcp(SocketAddr::new(*address, port))),
        HostAddress::Name(name) => name,
    };
    let found = tokio::net::lookup_host((name.as_str(), port)).await.map(|mut all| all.next());
    let why = match found {
        Ok(Some(address)) => return Ok(Endpoint::Tcp(address)),
        Ok(None) => "it has no address".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(Error::UnknownHost { name: name.clone(), why })
}

impl AnswerOptions {
    pub fn new(settings: &Settings) -> Self {
        let domain = &settings.addressing.dns_domain;
        let v4 = |address: &IpAddr| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        };
        Self {
            lease_time: match settings.addressing.dhcp_lease_duration {
                value::LeaseTime::Infinite => LeaseTime::Infinite,
                value::LeaseTime::Seconds(seconds) => LeaseTime::Seconds(seconds.get()),
            },
            renewal_time: settings.dhcp.dhcp_renewal_time,
            rebinding_time: settings.dhcp.dhcp_rebinding_time,
            domain: (!domain.is_empty()).then(|| domain.clone()),
            broadcast_reply: settings.dhcp.dhcp_broadcast_reply,
            dns_servers: settings.dhcp.dnsmasq_dns_servers.iter().filter_map(v4).collect(),
        }
    }
}

impl Default for AnswerOptions {
    /// Neutron's defaults.
    fn default() -> Self {
        Self {
            lease_time: LeaseTime::DEFAULT,
            renewal_time: 0,
            rebinding_time: 0,
            domain: Some("openstacklocal".to_owned()),
            broadcast_reply: false,
            dns_servers: Vec::new(),
        }
    }
}

impl PlugOptions {
    pub fn new(settings: &Settings) -> Self {
        let plugging = if settings.dhcp.ovs_use_veth { Plugging::Veth } else { Plugging::Internal };
        Self { integration_bridge: settings.ovs.integration_bridge.clone(), plugging }
    }
}
