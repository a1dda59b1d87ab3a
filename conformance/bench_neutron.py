"""The same load on Nucleon and on Neutron, in turn, each on a database of the same MariaDB, without Keystone."""

import argparse
import subprocess
import sys

import cloud
from mariadb import MariaDb
from nucleon import Nucleon
from processes import LOOPBACK, TARGET, Failed, Workplace, build, say
from reference import Neutron

NAME = "bench-neutron"

# No limits, and networks of a type that both make alike.
OPTIONS = {
    "quotas": {option: "-1" for option in cloud.OPTIONS["quotas"]},
    "ml2": {"tenant_network_types": "vlan"},
    "ml2_type_vlan": {"network_vlan_ranges": "physnet1:1:4094,public"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, to see that it runs")
    options = parser.parse_args()
    bench = build("nucleon-bench")
    with Workplace(NAME) as place:
        database = MariaDb(place)
        servers = [Nucleon(place, database, more=OPTIONS), Neutron(place, database, more=OPTIONS)]
        for server in servers:
            server.start()
            say(f"{server.name} answers at {server.url}")
        command = [bench, "--json", TARGET / "bench/neutron.json", "--database", database.database("bench")]
        for server in servers:
            command += ["--compare", f"{server.name.lower()}={LOOPBACK}:{server.port}"]
        if options.quick:
            command.append("--quick")
        if subprocess.run(command, check=False).returncode != 0:
            raise Failed(f"the load could not be put on both; their logs will be in {place.kept_logs}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"{NAME}: {failure}")
