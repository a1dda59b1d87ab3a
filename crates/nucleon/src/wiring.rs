//! From configuration to parts: settings of the control plane, its drivers, addresses of the hub.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use nucleon_bus::{ClientTls, ListenAt, ServerAt, ServerTls, TcpSecurity, TlsFiles};
use nucleon_conf::Settings;
use nucleon_conf::settings::Quotas;
use nucleon_conf::value::{
    FlatNetworks, HostAddress, HubAddress, IpVersion, MechanismDriver, NetworkType, TunnelRanges,
};
use nucleon_core::{Drivers, QuotaLimits};
use nucleon_drivers::{Encapsulation, Flat, Local, OpenVSwitch, Tunnel, Underlay, Vlan, VlanRange};

/// What the control plane needs of the configuration.
pub(crate) fn core_settings(settings: &Settings) -> nucleon_core::Settings {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    nucleon_core::Settings {
        base_mac: settings.addressing.base_mac.mac(),
        max_dns_nameservers: count(settings.addressing.max_dns_nameservers),
        max_subnet_host_routes: count(settings.addressing.max_subnet_host_routes),
        max_allowed_address_pair: count(settings.addressing.max_allowed_address_pair),
        agent_down_time: settings.scheduling.agent_down_time,
        dns_domain: settings.addressing.dns_domain.clone(),
        dhcp_agents_per_network: count(settings.scheduling.dhcp_agents_per_network),
        network_auto_schedule: settings.scheduling.network_auto_schedule,
        allow_automatic_dhcp_failover: settings.scheduling.allow_automatic_dhcp_failover,
        max_l3_agents_per_router: count(settings.scheduling.max_l3_agents_per_router),
        router_auto_schedule: settings.scheduling.router_auto_schedule,
        allow_automatic_l3agent_failover: settings.scheduling.allow_automatic_l3agent_failover,
        global_physnet_mtu: settings.addressing.global_physnet_mtu,
        path_mtu: settings.ml2.path_mtu,
        physical_network_mtus: settings
            .ml2
            .physical_network_mtus
            .iter()
            .map(|(name, mtu)| (name.to_owned(), mtu))
            .collect(),
        project_network_types: settings
            .ml2
            .project_network_types
            .as_slice()
            .iter()
            .map(ToString::to_string)
            .collect(),
        enable_snat_by_default: settings.routers.enable_snat_by_default,
        router_distributed: settings.routers.router_distributed,
        l3_ha: settings.routers.l3_ha,
        allowed_conntrack_helpers: settings
            .routers
            .allowed_conntrack_helpers
            .iter()
            .map(|(helper, protocol)| (helper.to_owned(), protocol.to_owned()))
            .collect(),
        quotas: quotas(&settings.quotas),
        api_preview: settings.api.api_preview,
    }
}

fn quotas(quotas: &Quotas) -> QuotaLimits {
    let limits = [
        ("network", quotas.quota_network),
        ("subnet", quotas.quota_subnet),
        ("port", quotas.quota_port),
        ("router", quotas.quota_router),
        ("router_route", quotas.quota_router_route),
        ("floatingip", quotas.quota_floatingip),
        ("security_group", quotas.quota_security_group),
        ("security_group_rule", quotas.quota_security_group_rule),
        ("rbac_policy", quotas.quota_rbac_policy),
    ];
    let default = QuotaLimits::all(quotas.default_quota.0);
    limits.into_iter().fold(default, |limits, (name, limit)| limits.with(name, limit.0))
}

/// The configured drivers, in the configured order.
pub(crate) fn drivers(settings: &Settings) -> Drivers {
    let mut drivers = Drivers::default();
    for kind in settings.ml2.type_drivers.as_slice() {
        drivers.types.push(match kind {
            NetworkType::Local => Arc::new(Local),
            NetworkType::Flat => Arc::new(flat(&settings.flat.flat_networks)),
            NetworkType::Vlan => Arc::new(vlan(settings)),
            NetworkType::Gre => {
                tunnel(settings, Encapsulation::Gre, &settings.gre.tunnel_id_ranges)
            }
            NetworkType::Vxlan => {
                tunnel(settings, Encapsulation::Vxlan, &settings.vxlan.vni_ranges)
            }
            NetworkType::Geneve => {
                let headers = settings.geneve.max_header_size;
                tunnel(settings, Encapsulation::Geneve(headers), &settings.geneve.vni_ranges)
            }
        });
    }
    for kind in settings.ml2.mechanism_drivers.as_slice() {
        drivers.mechanisms.push(match kind {
            MechanismDriver::OpenVSwitch => Arc::new(OpenVSwitch),
        });
    }
    drivers
}

fn flat(networks: &FlatNetworks) -> Flat {
    match networks {
        FlatNetworks::Any => Flat::new(&["*".to_owned()]),
        FlatNetworks::Named(names) => Flat::new(names),
    }
}

fn tunnel(settings: &Settings, encapsulation: Encapsulation, ranges: &TunnelRanges) -> Arc<Tunnel> {
    let underlay = match settings.ml2.overlay_ip_version {
        IpVersion::V4 => Underlay::V4,
        IpVersion::V6 => Underlay::V6,
    };
    Arc::new(Tunnel::new(encapsulation, underlay, ranges.as_slice().to_vec()))
}

fn vlan(settings: &Settings) -> Vlan {
    let mut ranges = Vec::new();
    for network in settings.vlan.network_vlan_ranges.networks() {
        let physical_network = &network.physical_network;
        // Without a range, the network is there for those who name a VLAN.
        ranges.push(VlanRange { physical_network: physical_network.clone(), ids: None });
        ranges.extend(network.ranges.iter().map(|range| VlanRange {
            physical_network: physical_network.clone(),
            ids: Some((range.first(), range.last())),
        }));
    }
    Vlan::new(ranges)
}

/// The socket address behind a host and port of the configuration.
pub(crate) async fn resolve(host: &HostAddress, port: u16) -> anyhow::Result<SocketAddr> {
    match host {
        HostAddress::Address(address) => Ok(SocketAddr::new(*address, port)),
        HostAddress::Name(name) => tokio::net::lookup_host((name.as_str(), port))
            .await
            .with_context(|| format!("{name} has no address"))?
            .next()
            .with_context(|| format!("{name} has no address")),
    }
}

fn tls_files(settings: &Settings) -> anyhow::Result<TlsFiles> {
    let named = |path: &Option<std::path::PathBuf>, option: &str| {
        path.clone().with_context(|| format!("[hub] {option} is needed for a hub over TCP"))
    };
    Ok(TlsFiles {
        certificate: named(&settings.hub.cert_file, "cert_file")?,
        key: named(&settings.hub.key_file, "key_file")?,
        authority: named(&settings.hub.ca_file, "ca_file")?,
    })
}

/// Where the hub takes in agents.
pub(crate) async fn hub_listen(settings: &Settings) -> anyhow::Result<Vec<ListenAt>> {
    let mut places = Vec::new();
    for address in settings.hub_listen() {
        places.push(match address {
            HubAddress::Unix(path) => ListenAt::Unix(path),
            HubAddress::Tcp { host, port } => {
                let address = resolve(&host, port.get()).await?;
                let security = if settings.hub.tls {
                    TcpSecurity::Tls(ServerTls::load(&tls_files(settings)?)?)
                } else if address.ip().is_loopback() {
                    TcpSecurity::Loopback
                } else {
                    TcpSecurity::Insecure
                };
                ListenAt::Tcp { address, security }
            }
        });
    }
    Ok(places)
}

/// Where an agent finds the hub.
pub(crate) fn hub_servers(settings: &Settings) -> anyhow::Result<Vec<ServerAt>> {
    Ok(vec![match settings.hub_address() {
        HubAddress::Unix(path) => ServerAt::Unix(path),
        HubAddress::Tcp { host, port } => ServerAt::Tcp {
            address: match host {
                HostAddress::Address(ip) => SocketAddr::new(ip, port.get()).to_string(),
                HostAddress::Name(name) => format!("{name}:{}", port.get()),
            },
            tls: if settings.hub.tls {
                Some(ClientTls::load(&tls_files(settings)?)?)
            } else {
                None
            },
        },
    }])
}
