"""Nucleon as the server under test, with agents on two hosts that do not exist."""

import json

import cloud
from processes import LOOPBACK, build, free_port, nucleon
from rest import Rest

# One of Neutron's tests has a member list networks by what their provider is. Neutron answers everybody; here that is a
# matter of who may see it (docs/decisions/0013), so this cloud's operator lets members see it of their own networks.
OWN_NETWORKS = "rule:admin_only or (role:reader and project_id:%(project_id)s)"
POLICY = {
    f"get_network:provider:{attribute}": OWN_NETWORKS
    for attribute in ("network_type", "physical_network", "segmentation_id")
}


class Nucleon:
    name = "Nucleon"

    def __init__(self, place, database, keystone=None, more=None):
        """Without Keystone everybody may do everything, and there are no agents. `more` are options beside the cloud's."""
        self.place = place
        self.keystone = keystone
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        own = {
            "DEFAULT": {
                "state_path": str(place.directory),
                "auth_strategy": "keystone" if keystone else "noauth",
                "bind_host": LOOPBACK,
                "bind_port": str(self.port),
                # The suites ask about extensions that the agents do not enforce yet, too.
                "api_preview": "true",
            },
            "agent": {"availability_zone": "nova", "report_interval": "20"},
            "ovs": {
                "bridge_mappings": ",".join(f"{network}:{bridge}" for network, bridge in cloud.BRIDGE_MAPPINGS.items())
            },
            "database": {"connection": database.database("nucleon")},
        }
        if keystone:
            own["oslo_policy"] = {**cloud.OPTIONS["oslo_policy"], "policy_file": self.write_policy()}
            own["keystone_authtoken"] = cloud.identity(keystone.url)
        self.configuration = cloud.write(place.directory / "nucleon.conf", cloud.OPTIONS, own, more or {})

    def write_policy(self):
        path = self.place.directory / "policy.yaml"
        path.write_text(json.dumps(POLICY), encoding="utf-8")
        return str(path)

    def start(self):
        program = nucleon()
        files = ["--config-file", self.configuration]
        self.place.run("migration", [program, "db", "upgrade", *files])
        self.place.start("nucleon", [program, "server", *files])
        self.place.wait_for_answer("nucleon", self.url)
        if self.keystone:
            agents = build("nucleon-simulated-agents")
            hosts = [argument for host in cloud.HOSTS for argument in ("--host", host)]
            self.place.start("agents", [agents, *files, *hosts])
            self.place.wait_until("agents", self.has_agents)

    def has_agents(self):
        """Whether every host has its agents, and they live."""
        agents = Rest(self.url, self.keystone.token).get("/v2.0/agents?alive=true")["agents"]
        alive = {(agent["host"], agent["binary"]) for agent in agents}
        binaries = ("neutron-openvswitch-agent", "neutron-dhcp-agent")
        return all((host, binary) in alive for host in cloud.HOSTS for binary in binaries)
