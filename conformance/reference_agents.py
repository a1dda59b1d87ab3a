"""Simulated agents for Neutron: they report, and answer the server as agents do that have nothing to wire.

Ports that are bound to their hosts become ACTIVE, networks get DHCP ports, and floating IPs a status. Runs in the
environment of Neutron, with its configuration files as arguments.
"""

# ruff: noqa: E402 - the kind of threads is chosen before anything that may start one is imported
from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import oslo_messaging
from neutron.agent import rpc as agent_rpc
from neutron.agent.dhcp.agent import DhcpPluginApi
from neutron.agent.l3.agent import L3PluginApi
from neutron.common import config, utils
from neutron.conf.agent import common as agent_options
from neutron_lib import context, rpc
from neutron_lib.agent import topics
from oslo_config import cfg

import cloud

REPORT_INTERVAL = 20
ZONE = "nova"


def states(host, number):
    """What the agents of a host say of themselves."""

    def state(binary, kind, topic="N/A", zone=None, **configurations):
        agent = {"binary": binary, "host": host, "topic": topic, "agent_type": kind, "start_flag": True}
        if zone:
            agent["availability_zone"] = zone
        return {**agent, "configurations": {"log_agent_heartbeats": False, **configurations}}

    yield state(
        "neutron-openvswitch-agent",
        "Open vSwitch agent",
        bridge_mappings=cloud.BRIDGE_MAPPINGS,
        integration_bridge="br-int",
        datapath_type="system",
        tunnel_types=["vxlan", "gre", "geneve"],
        tunneling_ip=f"127.0.1.{number}",
        l2_population=True,
        arp_responder_enabled=True,
        enable_distributed_routing=True,
        in_distributed_mode=True,
        extensions=["qos", "log", "local_ip"],
        ovs_hybrid_plug=False,
        vhostuser_socket_dir="/run/openvswitch",
        ovs_capabilities={
            "datapath_types": ["netdev", "system"],
            "iface_types": ["vxlan", "gre", "geneve", "internal"],
        },
        resource_provider_bandwidths={},
        resource_provider_inventory_defaults={},
        resource_provider_hypervisors={},
    )
    yield state(
        "neutron-dhcp-agent",
        "DHCP agent",
        topics.DHCP_AGENT,
        ZONE,
        dhcp_driver="neutron.agent.linux.dhcp.Dnsmasq",
        dhcp_lease_duration=86400,
        networks=0,
        subnets=0,
        ports=0,
    )
    yield state(
        "neutron-l3-agent",
        "L3 agent",
        topics.L3_AGENT,
        ZONE,
        agent_mode="dvr_snat",
        handle_internal_only_routers=True,
        interface_driver="openvswitch",
        routers=0,
        ex_gw_ports=0,
        interfaces=0,
        floating_ips=0,
        extensions=["port_forwarding", "fip_qos", "gateway_ip_qos", "conntrack_helper", "ndp_proxy", "snat_log"],
    )
    yield state("neutron-metadata-agent", "Metadata agent", nova_metadata_host="127.0.0.1", nova_metadata_port=8775)
    yield state("neutron-metering-agent", "Metering agent", topics.METERING_AGENT, metering_driver="noop")


class Agent:
    """Takes what the server casts; what no method is written for means nothing to it."""

    target = oslo_messaging.Target(version="1.99")

    def __init__(self, host, workers):
        self.host = host
        self.workers = workers
        self.admin = context.get_admin_context_without_session()
        self.one_at_a_time = threading.Lock()

    def __getattr__(self, name):
        if name.startswith(("_", "oslo_")):
            raise AttributeError(name)
        return lambda context, **arguments: None

    def later(self, work, *arguments):
        self.workers.submit(self.attempt, work, *arguments)

    def attempt(self, work, *arguments):
        try:
            with self.one_at_a_time:
                work(*arguments)
        except Exception as error:  # noqa: BLE001 - things vanish while a suite runs; the next message is as good
            print(type(error).__name__, error, flush=True)


class SwitchAgent(Agent):
    def __init__(self, host, workers):
        super().__init__(host, workers)
        self.plugin = agent_rpc.PluginApi(topics.PLUGIN)
        self.dhcp = DhcpPluginApi(topics.PLUGIN, host)

    def port_update(self, context, port, **_):
        if port.get("binding:host_id") == self.host and port.get("binding:vif_type") not in (
            "unbound",
            "binding_failed",
        ):
            self.later(self.wire, port["id"], port["admin_state_up"], port.get("status"))

    def wire(self, port, up, status):
        me = f"ovs-agent-{self.host}"
        if not up:
            self.plugin.update_device_down(self.admin, port, me, self.host)
        elif status != "ACTIVE":
            self.dhcp.dhcp_ready_on_ports([port])
            self.plugin.update_device_up(self.admin, port, me, self.host)


class RouterAgent(Agent):
    def __init__(self, host, workers):
        super().__init__(host, workers)
        self.plugin = L3PluginApi(topics.L3PLUGIN, host)
        self.associated = {}

    def routers_updated(self, context, routers=None, **_):
        self.later(self.follow, list(routers or []))

    def router_added_to_agent(self, context, payload=None, **_):
        self.later(self.follow, list(payload or []))

    def follow(self, routers):
        for router in self.plugin.get_routers(self.admin, routers) or []:
            now = {address["id"] for address in router.get("_floatingips", []) if address.get("fixed_ip_address")}
            before = self.associated.get(router["id"], set())
            self.associated[router["id"]] = now
            changed = {**{one: "ACTIVE" for one in now - before}, **{one: "DOWN" for one in before - now}}
            if changed:
                self.plugin.update_floatingip_statuses(self.admin, router["id"], changed)


class DhcpAgent(Agent):
    def __init__(self, host, workers, switch):
        super().__init__(host, workers)
        self.plugin = DhcpPluginApi(topics.PLUGIN, host)
        self.switch = switch

    def network_create_end(self, context, payload):
        self.later(self.serve, payload["network"]["id"])

    def subnet_create_end(self, context, payload):
        self.later(self.serve, payload["subnet"]["network_id"])

    subnet_update_end = subnet_create_end

    def subnet_delete_end(self, context, payload):
        if payload.get("network_id"):
            self.later(self.serve, payload["network_id"])

    def port_create_end(self, context, payload):
        self.later(self.plugin.dhcp_ready_on_ports, [payload["port"]["id"]])

    def serve(self, network_id):
        """Has a port in every subnet of the network with DHCP, and none without."""
        network = self.plugin.get_network_info(network_id)
        if not network:
            return
        device = utils.get_dhcp_agent_device_id(network_id, self.host)
        port = next((port for port in network.ports if port.device_id == device), None)
        wanted = {subnet.id for subnet in network.subnets if subnet.enable_dhcp}
        held = {address.subnet_id: address.ip_address for address in port.fixed_ips} if port else {}
        if port is None and wanted:
            made = self.plugin.create_dhcp_port(
                {
                    "port": {
                        "name": "",
                        "admin_state_up": True,
                        "device_id": device,
                        "network_id": network_id,
                        "tenant_id": network.get("project_id") or network.get("tenant_id"),
                        "fixed_ips": [{"subnet_id": subnet} for subnet in wanted],
                    }
                }
            )
            if made:
                self.switch.later(self.switch.wire, made.id, True, None)
        elif port is not None and not wanted:
            self.plugin.release_dhcp_port(network_id, device)
        elif port is not None and set(held) != wanted:
            addresses = [
                {"subnet_id": subnet, **({"ip_address": held[subnet]} if subnet in held else {})} for subnet in wanted
            ]
            self.plugin.update_dhcp_port(port.id, {"port": {"network_id": network_id, "fixed_ips": addresses}})


def listen():
    """Takes messages for all agents."""
    workers = ThreadPoolExecutor(8)
    for host in cloud.HOSTS:
        switch = SwitchAgent(host, workers)
        for topic, agent in (
            (topics.get_topic_name(topics.AGENT, topics.PORT, topics.UPDATE), switch),
            (topics.DHCP_AGENT, DhcpAgent(host, workers, switch)),
            (topics.L3_AGENT, RouterAgent(host, workers)),
            (topics.METERING_AGENT, Agent(host, workers)),
        ):
            rpc.get_server(oslo_messaging.Target(topic=topic, server=host), [agent]).start()


def main():
    config.register_common_config_options()
    agent_options.register_agent_state_opts_helper(cfg.CONF)
    config.init(sys.argv[1:])
    config.setup_logging()
    reports = agent_rpc.PluginReportStateAPI(topics.REPORTS)
    admin = context.get_admin_context_without_session()
    listen()
    agents = [state for number, host in enumerate(cloud.HOSTS, 1) for state in states(host, number)]
    while True:
        for agent in agents:
            try:
                reports.report_state(admin, agent, use_call=True)
                agent.pop("start_flag", None)
            except Exception as error:  # noqa: BLE001 - the next report may get through
                print(type(error).__name__, error, flush=True)
        print("agents reported", flush=True)
        time.sleep(REPORT_INTERVAL)


if __name__ == "__main__":
    main()
