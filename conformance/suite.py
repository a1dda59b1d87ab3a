"""Tempest and its plugin, unmodified: what they are told of the cloud, and how they are run."""

import os
import subprocess
import time

import cloud
from cloud import ADMIN_PASSWORD, REGION
from processes import ROOT, environment, say
from rest import Rest

SUITES = r"^(tempest\.api\.network|neutron_tempest_plugin\.api)\."


def extensions():
    """The extensions that the suites are told of; a server that lacks one fails its tests."""
    return (ROOT / "conformance/extensions.txt").read_text(encoding="utf-8").split()


def furnish(network):
    """Makes what the suites expect to find: an external network and default pools. The network's identifier."""
    public = network.post(
        "/v2.0/networks",
        {
            "network": {
                "name": "public",
                "router:external": True,
                "is_default": True,
                "provider:network_type": "flat",
                "provider:physical_network": "public",
            }
        },
    )["network"]["id"]
    for version, name, cidr, gateway in (
        (4, "public-subnet", "172.24.0.0/16", "172.24.0.1"),
        (6, "ipv6-public-subnet", "2001:db8::/64", "2001:db8::2"),
    ):
        network.post(
            "/v2.0/subnets",
            {
                "subnet": {
                    "network_id": public,
                    "name": name,
                    "ip_version": version,
                    "cidr": cidr,
                    "gateway_ip": gateway,
                    "enable_dhcp": False,
                }
            },
        )
    for version, prefix, length in ((4, "10.0.0.0/16", 26), (6, "fd12:67:1::/56", 64)):
        network.post(
            "/v2.0/subnetpools",
            {
                "subnetpool": {
                    "name": f"shared-default-subnetpool-v{version}",
                    "prefixes": [prefix],
                    "default_prefixlen": length,
                    "shared": True,
                    "is_default": True,
                }
            },
        )
    return public


def options(directory, keystone_url, public):
    """tempest.conf, of a cloud that has Keystone and networks and nothing else."""
    absent = {service: "False" for service in ("nova", "glance", "cinder", "swift", "horizon", "designate")}
    return {
        "DEFAULT": {"debug": "False", "log_file": f"{directory}/tempest.log", "use_stderr": "False"},
        "oslo_concurrency": {"lock_path": f"{directory}/lock"},
        "auth": {
            "use_dynamic_credentials": "True",
            "create_isolated_networks": "False",
            "tempest_roles": "member",
            "admin_username": "admin",
            "admin_password": ADMIN_PASSWORD,
            "admin_project_name": "admin",
            "admin_domain_name": "Default",
        },
        "identity": {
            "uri_v3": f"{keystone_url}/v3",
            "auth_version": "v3",
            "region": REGION,
            "v3_endpoint_type": "public",
            "default_domain_id": "default",
        },
        "identity-feature-enabled": {"api_v2": "False", "api_v3": "True"},
        "service_available": {"neutron": "True", **absent},
        "network": {
            "public_network_id": public,
            "floating_network_name": "public",
            "project_network_cidr": "10.100.0.0/16",
            "project_network_mask_bits": "28",
            "build_timeout": "120",
            "region": REGION,
        },
        "network-feature-enabled": {
            "api_extensions": ",".join(extensions()),
            "ipv6": "True",
            "ipv6_subnet_attributes": "True",
            "floating_ips": "True",
            "port_security": "True",
            "port_admin_state_change": "True",
            "available_features": "ipv6_metadata",
        },
        "enforce_scope": {"neutron": "True"},
        "validation": {"run_validation": "False"},
        "neutron_plugin_options": {
            "provider_vlans": "foo,",
            "provider_net_base_segm_id": "1",
            "agent_availability_zone": "nova",
            "available_type_drivers": "flat,geneve,vlan,gre,local,vxlan",
            "create_shared_resources": "True",
            "snat_rules_apply_to_nested_networks": "True",
            "q_agent": "ovs",
            "firewall_driver": "openvswitch",
            "l3_agent_mode": "dvr_snat",
            "dns_domain": "openstackgate.local",
        },
    }


class Suite:
    """One run of the suites on a server that answers at `url`."""

    def __init__(self, place, keystone, url):
        self.programs = environment("tempest")
        self.directory = place.directory / "tempest"
        self.directory.mkdir()
        (self.directory / "lock").mkdir()
        self.log = place.log("stestr")
        public = furnish(Rest(url, keystone.token))
        cloud.write(self.directory / "tempest.conf", options(place.logs, keystone.url, public))
        tempest = self.programs.parent / "lib"
        tempest = next(tempest.glob("python3*/site-packages"))
        cloud.write(
            self.directory / ".stestr.conf",
            {
                "DEFAULT": {
                    "test_path": f"{tempest}/tempest/test_discover",
                    "top_dir": str(tempest),
                    # A class is run by one worker.
                    "group_regex": r"([^\.]*\.)*",
                }
            },
        )

    def run(self, concurrency, tests=None, regex=SUITES):
        """Runs the tests of a list, or those that match; a stream of subunit and the seconds that it took."""
        stream = self.directory / "subunit"
        command = [self.programs / "stestr", "run", "--subunit", "--concurrency", str(concurrency)]
        if tests is None:
            command.append(regex)
        else:
            chosen = self.directory / "tests"
            chosen.write_text("".join(f"{test}\n" for test in tests), encoding="utf-8")
            command += ["--load-list", chosen]
        began = time.monotonic()
        with open(stream, "wb") as out, open(self.log, "wb") as log:
            running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=self.directory, env=self.variables()
            )
            try:
                while running.poll() is None:
                    try:
                        running.wait(60)
                    except subprocess.TimeoutExpired:
                        say(f"the suites have run for {time.monotonic() - began:.0f} s")
            finally:
                # Only where the wait was broken off.
                running.terminate()
                running.wait()
        return stream, time.monotonic() - began

    def variables(self):
        return {
            **os.environ,
            "TEMPEST_CONFIG_DIR": str(self.directory),
            "TEMPEST_CONFIG": "tempest.conf",
            "OS_TEST_TIMEOUT": "600",
            "PYTHONWARNINGS": "ignore",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{self.programs}:{os.environ['PATH']}",
        }

    def results(self, stream):
        """What became of each test: lines of outcome, seconds, test, reason."""
        reader = ROOT / "conformance/results.py"
        read = subprocess.run(
            [self.programs / "python", "-B", reader, stream], stdout=subprocess.PIPE, text=True, check=True
        )
        return [line.split("\t") for line in read.stdout.splitlines()]
