"""The cloud that the suites are run on: one configuration, in Neutron's words, for whichever server is under test."""

import configparser

REGION = "RegionOne"
ADMIN_PASSWORD = "adminpass"
SERVICE_PASSWORD = "servicepass"

PLUGINS = (
    "router,qos,trunk,segments,metering,port_forwarding,conntrack_helper,log,network_ip_availability,flavors,"
    "auto_allocate,timestamp,revisions,tag,ndp_proxy,local_ip,network_segment_range,pvlan"
)
EXTENSION_DRIVERS = (
    "port_security,qos,dns_domain_keywords,data_plane_status,uplink_status_propagation,"
    "uplink_status_propagation_updatable,port_device_profile,port_numa_affinity_policy,port_hints,"
    "port_hint_ovs_tx_steering,port_hardware_offload_type,port_trusted,tag_ports_during_bulk_creation"
)

# Where agents are, and what they reach.
HOSTS = ("conformance-1", "conformance-2")
BRIDGE_MAPPINGS = {"public": "br-ex", "foo": "br-foo"}

OPTIONS = {
    "DEFAULT": {
        "core_plugin": "ml2",
        "service_plugins": PLUGINS,
        "dns_domain": "openstackgate.local.",
        "l3_ha": "False",
        "enable_dvr": "True",
        "host": "conformance-controller",
        "notify_nova_on_port_status_changes": "False",
        "notify_nova_on_port_data_changes": "False",
        "dhcp_agents_per_network": "1",
        "max_subnet_host_routes": "20",
        "agent_down_time": "75",
        "network_auto_schedule": "True",
        "global_physnet_mtu": "1500",
    },
    "oslo_policy": {"enforce_scope": "True", "enforce_new_defaults": "True"},
    "quotas": {
        "quota_network": "100",
        "quota_subnet": "100",
        "quota_port": "500",
        "quota_router": "100",
        "quota_floatingip": "500",
        "quota_security_group": "150",
        "quota_security_group_rule": "1000",
    },
    "ml2": {
        "type_drivers": "flat,vlan,vxlan,gre,geneve,local",
        "tenant_network_types": "vxlan,geneve",
        "mechanism_drivers": "openvswitch,l2population",
        "extension_drivers": EXTENSION_DRIVERS,
        "path_mtu": "1500",
    },
    "ml2_type_flat": {"flat_networks": "*"},
    "ml2_type_vlan": {"network_vlan_ranges": "foo:1:10,public"},
    "ml2_type_vxlan": {"vni_ranges": "1:1000"},
    "ml2_type_gre": {"tunnel_id_ranges": "1:1000"},
    "ml2_type_geneve": {"vni_ranges": "1:1000", "max_header_size": "38"},
    "securitygroup": {"enable_security_group": "True", "firewall_driver": "openvswitch"},
}


def identity(keystone_url):
    """How a server asks Keystone whose a token is."""
    return {
        "www_authenticate_uri": f"{keystone_url}/v3",
        "auth_url": f"{keystone_url}/v3",
        "auth_type": "password",
        "username": "neutron",
        "password": SERVICE_PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": REGION,
        "service_token_roles": "service",
        "service_token_roles_required": "True",
    }


def write(path, *parts):
    """Writes a file of options, the later parts over the earlier ones."""
    file = configparser.RawConfigParser(default_section="no such section")
    file.optionxform = str
    for part in parts:
        file.read_dict(part)
    with open(path, "w", encoding="utf-8") as text:
        file.write(text)
    return path
